//! What a policy looks at: a row of features per candidate, and a row of globals per state.
//!
//! Every feature is a within-pool quantile or free of scale, so that neither pool size, class count nor
//! input width enters the policy's shape, and one policy file runs on any pool. Quantiles run from -1
//! (smallest of the candidates) to 1. The schema is versioned: a policy remembers the version that it was
//! trained on, and a mismatch is refused.
//!
//! They are few. A linear policy over thirty-nine features, many of them the same said in another way, agreed no better with what
//! labels are worth, nor played better (`experiments/policy/CHOICES.md`).
//!
//! [`observe`] is one look at a state; [`BatchBuilder`] are several, while a batch grows. What the classifier believes
//! of a candidate is in `predictions`, what it looks up of other rows in `pool_rows` (and `query::neighbour_stats`), the expected variance
//! reduction by its label in `variance_reduction`, what its label would cover in `herding_gain`, how labels and predictions are spread over the classes in `shares`,
//! what all candidates share in `globals`.

mod batch_builder;
mod class_shares;
mod globals;
mod groups;
mod herding_gain;
mod pool_rows;
mod predictions;
mod variance_reduction;

pub use batch_builder::BatchBuilder;
pub use groups::{FeatureGroup, groups};

use super::observation::{Observation, Schema};
use crate::error::{Fault, Result};
use crate::query::{Needs, PoolView};
use crate::rng::Key;

/// The schema of [`observe`].
pub static SCHEMA: Schema = Schema {
    version: 8,
    candidate: &[
        "margin, quantile",
        "coverage gain, quantile",
        "herding gain, quantile",
        "log novelty",
        "coverage gain",
        "neighbours' uncertainty",
        "predicted class in labels, log share",
        "runner-up class in labels, log share",
        "predicted class under-labelled, log ratio",
        "log variance reduction of doubt",
        "log variance reduction of doubt, squared",
        "log angular variance reduction of doubt",
        "log herding gain",
        "log herding gain of doubt",
    ],
    global: &[
        "log labels per class",
        "share of the budget spent",
        "log classes",
        "mean uncertainty",
        "agreement with the nearest label",
        "log query size",
        "proxy distance of labels",
    ],
};

/// Neighbours per row that the features look at.
pub const NEIGHBOURS: usize = 15;

/// So many of the first columns hold quantiles, in the order in which they are ranked.
pub const QUANTILES: usize = 3;

/// Log-features are cut here, so that one outlier does not drown a state.
pub const LOG_LIMIT: f32 = 3.0;

/// The column of the global features that says how many rows a query asks for.
pub const QUERY_SIZE: usize = 5;

/// What [`observe`] needs of a view.
pub fn needs() -> Needs {
    Needs { probabilities: true, neighbours: true, components: true, ..Needs::default() }
}

/// Why a state cannot be observed.
#[derive(Debug, Clone, PartialEq, thiserror::Error, miette::Diagnostic)]
pub enum FeatureError {
    /// A signal is missing.
    #[error("policy features: the view lacks {signal}")]
    Missing { signal: &'static str },
    /// A probability is not a number.
    #[error("policy features: probability {value} of row {row}, class {class} is not finite")]
    NotFinite { row: u32, class: usize, value: f32 },
}

impl Fault for FeatureError {}

/// The features of at most `cap` candidates (a uniform draw by `key` where there are more), for a query
/// of `batch` rows.
///
/// # Errors
/// Those of [`BatchBuilder::new`].
pub fn observe(view: &PoolView<'_>, batch: usize, cap: usize, key: Key) -> Result<Observation> {
    Ok(BatchBuilder::new(view, batch, cap, key)?.into_first())
}

#[inline]
fn cut(value: f32) -> f32 {
    value.clamp(-LOG_LIMIT, LOG_LIMIT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Matrix, RowId};
    use crate::query::{KernelPca, Nearest, Neighbours, Progress, Signals};
    use rand::RngExt;
    use rand::seq::SliceRandom;
    use std::sync::Arc;

    /// A pool with `labelled` first rows labelled, and random probabilities for the rest.
    struct World {
        inputs: Matrix,
        labelled: Vec<RowId>,
        labels: Vec<u32>,
        candidates: Vec<RowId>,
        classes: usize,
        signals: Signals,
    }

    impl World {
        fn new(
            inputs: Matrix,
            labels: Vec<u32>,
            labelled: Vec<RowId>,
            probabilities: Matrix,
            classes: usize,
        ) -> Self {
            let candidates: Vec<RowId> =
                (0..inputs.rows() as u32).map(RowId).filter(|row| !labelled.contains(row)).collect();
            let signals = Signals {
                neighbours: Some(Arc::new(Neighbours::of(inputs.view(), NEIGHBOURS))),
                components: Some(Arc::new(KernelPca::of(inputs.view()))),
                nearest: Some(Arc::new(Nearest::of(inputs.view(), &labelled, &labels))),
                probabilities: Some(probabilities),
                progress: Progress { spent: 2, budget: 8 },
                ..Signals::default()
            };
            Self { inputs, labelled, labels, candidates, classes, signals }
        }

        fn random(n: usize, d: usize, classes: usize, known: usize, seed: u64) -> Self {
            let mut rng = Key::root(seed).rng();
            let inputs = Matrix::new((0..n * d).map(|_| rng.random::<f32>()).collect(), n, d);
            let labelled: Vec<RowId> = (0..known as u32).map(RowId).collect();
            let labels = (0..known).map(|i| (i % classes) as u32).collect();
            let mut probabilities = Matrix::zeros(n - known, classes);
            for row in 0..n - known {
                let p = probabilities.row_mut(row);
                p.iter_mut().for_each(|value| *value = rng.random::<f32>());
                let total: f32 = p.iter().sum();
                p.iter_mut().for_each(|value| *value /= total);
            }
            Self::new(inputs, labels, labelled, probabilities, classes)
        }

        fn view(&self) -> PoolView<'_> {
            PoolView::new(
                self.inputs.view(),
                &self.labelled,
                &self.labels,
                &self.candidates,
                self.classes,
                &self.signals,
            )
        }

        fn observe(&self, cap: usize) -> Result<Observation> {
            observe(&self.view(), 1, cap, Key::root(5))
        }
    }

    fn assert_close(a: &[f32], b: &[f32]) {
        assert_eq!(a.len(), b.len());
        for (at, (x, y)) in a.iter().zip(b).enumerate() {
            assert!((x - y).abs() < 2e-2, "entry {at}: {x} against {y}");
        }
    }

    #[test]
    fn one_shape_for_every_pool() {
        for (n, d, classes, known) in [(40, 3, 2, 4), (200, 17, 7, 9), (30, 1, 3, 0), (5, 2, 2, 4)] {
            let seen = World::random(n, d, classes, known, 1).observe(1_000).unwrap();
            assert_eq!((seen.features.rows(), seen.features.cols()), (n - known, SCHEMA.candidate.len()));
            assert_eq!(seen.globals.len(), SCHEMA.global.len());
            assert!(seen.features.values().iter().chain(&seen.globals).all(|value| value.abs() <= 20.0));
        }
    }

    #[test]
    fn the_unit_of_the_inputs_does_not_matter() {
        let world = World::random(80, 4, 3, 6, 2);
        let mut scaled = world.inputs.clone();
        scaled.values_mut().iter_mut().for_each(|value| *value *= 16.0);
        let probabilities = world.signals.probabilities.clone().unwrap();
        let other = World::new(scaled, world.labels.clone(), world.labelled.clone(), probabilities, 3);
        let (a, b) = (world.observe(1_000).unwrap(), other.observe(1_000).unwrap());
        assert_close(a.features.values(), b.features.values());
        assert_close(&a.globals, &b.globals);
    }

    #[test]
    fn the_order_of_the_pool_does_not_matter() {
        let world = World::random(60, 3, 3, 6, 3);
        let mut order: Vec<usize> = (0..60).collect();
        order.shuffle(&mut Key::root(4).rng());
        let place = |row: usize| order.iter().position(|&old| old == row).unwrap();
        let labelled = world.labelled.iter().map(|row| RowId(place(row.index()) as u32)).collect();
        let old = world.signals.probabilities.as_ref().unwrap();
        let kept = order.iter().filter(|&&row| row >= 6).map(|&row| row - 6);
        let other = World::new(
            world.inputs.gather(order.iter().copied()),
            world.labels.clone(),
            labelled,
            old.gather(kept),
            3,
        );
        let (a, b) = (world.observe(1_000).unwrap(), other.observe(1_000).unwrap());
        for (at, row) in a.candidates.iter().enumerate() {
            let there = b.candidates.iter().position(|other| other.index() == place(row.index())).unwrap();
            assert_close(a.features.row(at), b.features.row(there));
        }
        assert_close(&a.globals, &b.globals);
    }

    #[test]
    fn what_a_wrapper_shows_in_the_place_of_probabilities_is_what_is_seen() {
        let world = World::random(60, 3, 3, 6, 3);
        let old = world.signals.probabilities.as_ref().unwrap();
        let shown = old.gather((0..old.rows()).rev());
        let (inputs, labels, labelled) = (world.inputs.clone(), world.labels.clone(), world.labelled.clone());
        let other = World::new(inputs, labels, labelled, shown.clone(), 3);
        let view = world.view().with_probabilities(&shown);
        let seen = observe(&view, 1, 1_000, Key::root(5)).unwrap();
        assert_eq!(seen.features, other.observe(1_000).unwrap().features);
        assert_ne!(seen.features, world.observe(1_000).unwrap().features);
    }

    #[test]
    fn the_query_size_is_where_it_is_said_to_be() {
        assert_eq!(SCHEMA.global[QUERY_SIZE], "log query size");
    }

    #[test]
    fn a_cap_draws_without_replacement() {
        let seen = World::random(100, 2, 2, 4, 6).observe(20).unwrap();
        assert_eq!(seen.candidates.len(), 20);
        assert!(seen.candidates.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn constant_inputs_and_equal_probabilities_are_finite() {
        let world = World::new(
            Matrix::zeros(12, 2),
            vec![1, 1],
            vec![RowId(3), RowId(5)],
            Matrix::new(vec![0.5; 20], 10, 2),
            2,
        );
        let seen = world.observe(1_000).unwrap();
        assert!(seen.features.values().iter().chain(&seen.globals).all(|value| value.is_finite()));
    }

    /// The far end of a batch: what is described again is what a fresh look would see of a pool in which the
    /// taken rows are labelled with their predicted classes, but for quantiles and globals.
    #[test]
    fn a_later_look_describes_what_a_fresh_one_would() {
        let world = World::random(90, 3, 4, 7, 11);
        let view = world.view();
        let mut batch_builder = BatchBuilder::new(&view, 5, 1_000, Key::root(5)).unwrap();
        batch_builder.keep((0..83).collect());
        let taken = [RowId(20), RowId(55)];
        batch_builder.take(&taken);
        let rescored = batch_builder.rescore().clone();
        let p = world.signals.probabilities.as_ref().unwrap();
        let predicted = |row: RowId| {
            let p = p.row(row.index() - 7);
            (0..4).max_by(|&a, &b| p[a].total_cmp(&p[b])).unwrap() as u32
        };
        let (mut labelled, mut labels) = (world.labelled.clone(), world.labels.clone());
        labelled.extend(taken);
        labels.extend(taken.map(predicted));
        let rest = (7..90u32).map(RowId).filter(|row| !taken.contains(row));
        let fresh =
            World::new(world.inputs.clone(), labels, labelled, p.gather(rest.map(|row| row.index() - 7)), 4);
        let fresh = fresh.observe(1_000).unwrap();
        assert_eq!(rescored.candidates, fresh.candidates);
        for row in 0..rescored.candidates.len() {
            // What is summed over all candidates is summed without the taken, or has them taken away again.
            let summed = SCHEMA.candidate.len() - 5;
            assert_eq!(
                rescored.features.row(row)[QUANTILES..summed],
                fresh.features.row(row)[QUANTILES..summed],
                "{row}"
            );
            for (a, b) in rescored.features.row(row).iter().zip(fresh.features.row(row)).skip(summed) {
                assert!((a - b).abs() < 1e-3, "{row}: {a} {b}");
            }
            // Two of 83 are gone, which moves no rank of what does not depend on labels by more than two places.
            let (a, b) = (rescored.features.row(row)[0], fresh.features.row(row)[0]);
            assert!((a - b).abs() < 0.06, "{row}: {a} {b}");
        }
        assert_eq!(rescored.globals, batch_builder.first().globals);
    }

    /// What is brought up to date look by look is what one look describes to which all of it is new, quantiles
    /// included, whatever changed in between.
    #[test]
    fn looks_that_remember_see_what_a_new_one_sees() {
        for (seed, known) in [(21, 0), (22, 3), (23, 40), (24, 200)] {
            let world = World::random(400, 4, 5, known, seed);
            let view = world.view();
            let batch_builder = || {
                let mut batch_builder = BatchBuilder::new(&view, 12, 1_000, Key::root(5)).unwrap();
                batch_builder.keep((0..400 - known).step_by(2).collect());
                batch_builder
            };
            let (mut patient, mut taken) = (batch_builder(), Vec::new());
            for step in 0..12 {
                let row = view.candidates()[2 * ((step * 37) % ((400 - known) / 2))];
                patient.take(&[row]);
                taken.push(row);
                let mut new = batch_builder();
                new.take(&taken);
                assert_eq!(patient.rescore(), new.rescore(), "{known} labels, look {step}");
            }
        }
    }

    #[test]
    fn only_what_is_kept_is_looked_at_again() {
        let world = World::random(40, 2, 2, 0, 12);
        let view = world.view();
        let mut batch_builder = BatchBuilder::new(&view, 3, 1_000, Key::root(5)).unwrap();
        batch_builder.keep(vec![9, 3, 30]);
        let rescored = batch_builder.rescore().clone();
        assert_eq!(rescored.candidates, [3, 9, 30].map(RowId));
        for (place, at) in [3, 9, 30].into_iter().enumerate() {
            assert_eq!(rescored.features.row(place), batch_builder.first().features.row(at));
        }
        // The first label of all: no distance is the one of no label any more.
        batch_builder.take(&[RowId(9)]);
        let rescored = batch_builder.rescore().clone();
        assert_eq!(rescored.candidates, [3, 30].map(RowId));
        let novelty = SCHEMA.candidate.iter().position(|name| *name == "log novelty").unwrap();
        assert!((0..2).all(|row| rescored.features.row(row)[novelty] < LOG_LIMIT));
    }

    #[test]
    fn what_is_missing_or_not_a_number_is_refused() {
        let mut world = World::random(20, 2, 2, 2, 7);
        world.signals.probabilities.as_mut().unwrap().row_mut(3)[1] = f32::NAN;
        let refused = |world: &World| world.observe(100).unwrap_err().downcast_ref::<FeatureError>().cloned();
        assert!(matches!(refused(&world), Some(FeatureError::NotFinite { row: 5, class: 1, .. })));
        world.signals.probabilities = None;
        assert_eq!(refused(&world), Some(FeatureError::Missing { signal: "probabilities" }));
    }
}
