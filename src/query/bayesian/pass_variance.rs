//! Variance of the predicted class over passes.

use super::most_probable;
use crate::error::Result;
use crate::query::registry::{Built, Card, Entry, Family};
use crate::query::wrapper::members::{DropoutPasses, PASSES};
use crate::query::{Needs, PoolView, Score, ties};
use crate::rng::Key;

pub(super) const ENTRY: Entry = Entry {
    card: Card {
        name: "pass_variance",
        summary: "the largest variance, over dropout passes, of the predicted class's probability",
        paper: "Geifman & El-Yaniv, NeurIPS 2019 (its dropout acquisition)",
        family: Family::Bayesian,
        needs: Needs { passes: PASSES, probabilities: true, ..Needs::NONE },
        cost: "time n C T, memory n C",
        example: "pass_variance",
        deterministic: true,
    },
    make: |params| Built::score(PassVariance { passes: DropoutPasses::read(params)? }),
};

/// The population variance over passes of the probability of the class that the network without dropout
/// predicts; the mean of these where it finds several classes equally probable. The paper's own settings are
/// `pass_variance(passes=100, rate=0.5)` over a network that is trained without dropout.
pub struct PassVariance {
    /// Passes asked of the learner.
    pub passes: DropoutPasses,
}

impl Score for PassVariance {
    fn score(&mut self, view: &PoolView<'_>, _key: Key) -> Result<Vec<f64>> {
        let (passes, p) = (view.passes()?, view.probabilities()?);
        let count = passes.len() as f64;
        let variance = |row: usize| {
            let of_class = |class: usize| {
                let values = || passes.iter().map(|pass| f64::from(pass.row(row)[class]));
                let mean = values().sum::<f64>() / count;
                values().map(|value| (value - mean).powi(2)).sum::<f64>() / count
            };
            let predicted = most_probable(p.row(row));
            ties::sum(predicted.clone().map(of_class)) / predicted.count() as f64
        };
        Ok((0..p.rows()).map(variance).collect())
    }

    fn needs(&self) -> Needs {
        Needs { probabilities: true, ..self.passes.needs() }
    }
}
