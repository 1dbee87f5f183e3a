//! EPIG: what a label would tell of the predictions for other rows.

use crate::data::{Matrix, RowId};
use crate::error::Result;
use crate::learner::bank::multiply_transposed;
use crate::query::geometry::logarithm::ln;
use crate::query::registry::{Built, Card, Entry, Family};
use crate::query::wrapper::members::{DropoutPasses, PASSES};
use crate::query::{Needs, PoolView, Score, Subsample};
use crate::rng::Key;
use crate::simd::dispatched;
use rayon::prelude::*;

/// Rows that predictions are wanted for, where no number is named.
pub const TARGETS: usize = 100;
/// What terms are counted in: whole units, so that a sum does not depend on the order of classes and rows.
const UNITS: f32 = (1u32 << 30) as f32;

pub(super) const ENTRY: Entry = Entry {
    card: Card {
        name: "epig",
        summary: "the largest mutual information between a label and the predictions for other rows, over dropout passes",
        paper: "Bickford Smith, Kirsch, Farquhar, Gal, Foster & Rainforth, AISTATS 2023",
        family: Family::Bayesian,
        needs: Needs { passes: PASSES, ..Needs::NONE },
        cost: "time 100 n C^2 T, memory 100 C (C + T)",
        example: "epig",
        deterministic: true,
    },
    make: |params| {
        Built::score(Epig {
            passes: DropoutPasses::read(params)?,
            targets: params.count("targets", TARGETS, 1..=100_000)?,
        })
    },
};

/// `mean over x* of H(y) + H(y*) - H(y, y*)` in nats, with `p(y, y*)` the mean over passes of
/// `p(y | x) p(y* | x*)`: the expected predictive information gain. Never more than [`bald`](super::bald), which also counts what
/// a label tells of weights that no prediction depends on.
///
/// `x*` are random candidates, which stand for the rows that will be predicted. Deterministic up to `targets` candidates.
pub struct Epig {
    /// Passes asked of the learner.
    pub passes: DropoutPasses,
    /// The number of rows that stand for those that will be predicted.
    pub targets: usize,
}

impl Score for Epig {
    fn score(&mut self, view: &PoolView<'_>, key: Key) -> Result<Vec<f64>> {
        let passes = view.passes()?;
        let targets = Subsample::new(view.candidates(), self.targets, view.draws(key.named("targets")));
        Ok(of(passes, &targets.places))
    }

    fn needs(&self) -> Needs {
        self.passes.needs()
    }

    fn note(&self, view: &PoolView<'_>, _picks: &[RowId]) -> Result<Option<String>> {
        Ok(crate::query::subsample::note(
            "informed about",
            self.targets.min(view.candidates().len()),
            view.candidates().len(),
        ))
    }
}

/// The score of every candidate under at least one pass, with the rows at `targets` to be predicted.
fn of(passes: &[Matrix], targets: &[usize]) -> Vec<f64> {
    let (rows, classes) = passes.first().map_or((0, 0), |first| (first.rows(), first.cols()));
    // One row per row and class, one column per pass.
    let turned = |places: &mut dyn Iterator<Item = usize>| -> Vec<f32> {
        let of_row = |row: usize| {
            (0..classes).flat_map(move |class| passes.iter().map(move |pass| pass.row(row)[class]))
        };
        places.flat_map(of_row).collect()
    };
    let wanted = turned(&mut targets.iter().copied());
    let entropies: i64 = targets.iter().map(|&row| entropy(&wanted_means(passes, row))).sum();
    let pairs = targets.len() * classes;
    let one = |row: usize| {
        let own = turned(&mut std::iter::once(row));
        let mut joint = vec![0.0f32; classes * pairs];
        multiply_transposed(&own, &wanted, classes, pairs, passes.len(), &mut joint);
        let scale = 1.0 / passes.len() as f32;
        let joint = entropy_here(&joint, scale);
        let own = entropy(&wanted_means(passes, row));
        let sum = own * targets.len() as i64 + entropies - joint;
        sum as f64 / f64::from(UNITS) / targets.len().max(1) as f64
    };
    (0..rows).into_par_iter().map(one).collect()
}

/// The mean probabilities of a row.
fn wanted_means(passes: &[Matrix], row: usize) -> Vec<f32> {
    let classes = 0..passes[0].cols();
    let mean = |class| passes.iter().map(|pass| pass.row(row)[class]).sum::<f32>() / passes.len() as f32;
    classes.map(mean).collect()
}

/// The entropy of a row of shares, in units.
fn entropy(shares: &[f32]) -> i64 {
    entropy_here(shares, 1.0)
}

dispatched! {
    /// The sum of `-q ln q` with `q = scale p`, in units.
    fn entropy_here(p: &[f32], scale: f32) -> i64 {
        let mut sum = 0i64;
        for &p in p {
            let q = (p * scale).max(f32::MIN_POSITIVE);
            sum += i64::from((-q * ln(q) * UNITS) as i32);
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::super::bald;
    use super::*;
    use crate::testing::ExamplePool;

    fn close(found: &[f64], expected: &[f64]) {
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-5), "{found:?} {expected:?}");
    }

    /// By the definition, term by term.
    fn plain(passes: &[Matrix], targets: &[usize]) -> Vec<f64> {
        let (count, classes) = (passes.len() as f64, passes[0].cols());
        let mean = |row: usize, class: usize| {
            passes.iter().map(|p| f64::from(p.row(row)[class])).sum::<f64>() / count
        };
        let one = |row: usize| {
            let of_target = |&target: &usize| -> f64 {
                (0..classes * classes)
                    .map(|pair| {
                        let (y, z) = (pair / classes, pair % classes);
                        let joint =
                            passes.iter().map(|p| f64::from(p.row(row)[y]) * f64::from(p.row(target)[z]));
                        let joint = joint.sum::<f64>() / count;
                        joint * (joint / (mean(row, y) * mean(target, z))).ln()
                    })
                    .sum()
            };
            targets.iter().map(of_target).sum::<f64>() / targets.len() as f64
        };
        (0..passes[0].rows()).map(one).collect()
    }

    #[test]
    fn is_what_it_is_defined_as_and_never_more_than_bald() {
        for seed in 0..5 {
            let pool = ExamplePool::new(40, 4, seed);
            let passes = &pool.signals.passes.as_ref().unwrap().members;
            let targets: Vec<usize> = (0..36).step_by(3).collect();
            let found = of(passes, &targets);
            close(&found, &plain(passes, &targets));
            let most = bald::of(passes);
            assert!(found.iter().zip(&most).all(|(epig, bald)| *epig <= bald + 1e-5 && *epig >= -1e-5));
        }
    }

    #[test]
    fn nothing_where_members_agree_and_bald_where_a_target_tells_them_apart() {
        let agreed = vec![Matrix::new(vec![0.2, 0.8, 0.5, 0.5], 2, 2); 4];
        close(&of(&agreed, &[0, 1]), &[0.0, 0.0]);
        // The second row's class is the member.
        let members = |p: f32, own: [f32; 2]| Matrix::new(vec![p, 1.0 - p, own[0], own[1]], 2, 2);
        let passes = vec![members(0.9, [1.0, 0.0]), members(0.3, [0.0, 1.0])];
        close(&of(&passes, &[1]), &bald::of(&passes));
    }
}
