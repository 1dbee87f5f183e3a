//! BALD.

use crate::data::Matrix;
use crate::error::Result;
use crate::query::registry::{Built, Card, Entry, Family};
use crate::query::uncertainty::entropy;
use crate::query::wrapper::members::{DropoutPasses, PASSES};
use crate::query::{Needs, PoolView, Score};
use crate::rng::Key;

pub(super) const ENTRY: Entry = Entry {
    card: Card {
        name: "bald",
        summary: "the largest mutual information between prediction and weights, over dropout passes",
        paper: "Houlsby et al. 2011; Gal, Islam & Ghahramani, ICML 2017",
        family: Family::Bayesian,
        needs: Needs { passes: PASSES, ..Needs::NONE },
        cost: "time n C T, memory n C",
        example: "bald",
        deterministic: true,
    },
    make: |params| Built::score(Bald { passes: DropoutPasses::read(params)? }),
};

/// `H(mean p) - mean H(p)` over passes, in nats: between zero and `min(ln C, ln T)`. The mean
/// Kullback-Leibler divergence of the passes from their mean.
pub struct Bald {
    /// Passes asked of the learner.
    pub passes: DropoutPasses,
}

impl Score for Bald {
    fn score(&mut self, view: &PoolView<'_>, _key: Key) -> Result<Vec<f64>> {
        Ok(of(view.passes()?))
    }

    fn needs(&self) -> Needs {
        self.passes.needs()
    }
}

/// The score of every candidate under at least one pass.
pub fn of(passes: &[Matrix]) -> Vec<f64> {
    let rows = passes.first().map_or(0, Matrix::rows);
    let classes = passes.first().map_or(0, Matrix::cols);
    let mut sums = vec![0.0f64; rows * classes];
    let mut expected = vec![0.0f64; rows];
    for pass in passes {
        for (row, expected) in expected.iter_mut().enumerate() {
            *expected += entropy::of(pass.row(row));
            for (sum, &p) in sums[row * classes..][..classes].iter_mut().zip(pass.row(row)) {
                *sum += f64::from(p);
            }
        }
    }
    let count = passes.len() as f64;
    (0..rows)
        .map(|row| {
            let means = sums[row * classes..][..classes].iter().map(|sum| sum / count);
            entropy::of_shares(means) - expected[row] / count
        })
        .collect()
}
