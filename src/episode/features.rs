//! What a policy looks at: a row of features per candidate, and a row of globals per state.
//!
//! Every feature is a within-pool quantile or free of scale, so that neither pool size, class count nor
//! input width enters the policy's shape, and one policy file runs on any pool. Quantiles run from -1
//! (smallest of the candidates) to 1. The schema is versioned: a policy remembers the version that it was
//! trained on, and a mismatch is refused.

use super::observation::{Observation, Schema};
use crate::data::Matrix;
use crate::error::{Fault, Result};
use crate::query::{Nearest, Needs, Neighbours, PoolView};
use crate::rng::Key;
use rand::seq::index;

/// The schema of [`observe`].
pub static SCHEMA: Schema = Schema {
    version: 1,
    candidate: &[
        "least confidence, quantile",
        "margin, quantile",
        "entropy, quantile",
        "least confidence",
        "margin",
        "entropy",
        "novelty, quantile",
        "log novelty",
        "density, quantile",
        "log density",
        "coverage gain, quantile",
        "coverage gain",
        "neighbours' uncertainty, quantile",
        "neighbours' uncertainty",
        "uncertainty above its neighbours",
        "neighbours predicted differently",
        "neighbours labelled",
        "predicted class in labels, log share",
        "runner-up class in labels, log share",
        "predicted class under-labelled, log ratio",
        "nearest label disagrees",
        "boundary between nearest labels",
        "uncertainty x novelty, quantile",
        "uncertainty x density, quantile",
    ],
    global: &[
        "log labels per class",
        "share of the budget spent",
        "log classes",
        "mean uncertainty",
        "balance of labels",
        "classes seen",
        "contrast of distances",
        "agreement with the nearest label",
        "log query size",
    ],
};

/// Neighbours per row that the features look at.
pub const NEIGHBOURS: usize = 15;

/// Log-features are cut here, so that one outlier does not drown a state.
const LOG_LIMIT: f32 = 3.0;

/// What [`observe`] needs of a view.
pub fn needs() -> Needs {
    Needs { probabilities: true, neighbours: true, ..Needs::default() }
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
/// If probabilities, neighbours or distances are missing from the view, or a probability is not finite.
pub fn observe(view: &PoolView<'_>, batch: usize, cap: usize, key: Key) -> Result<Observation> {
    let signals = view.signals();
    let probabilities =
        signals.probabilities.as_ref().ok_or(FeatureError::Missing { signal: "probabilities" })?;
    let neighbours = signals.neighbours.as_deref().ok_or(FeatureError::Missing { signal: "neighbours" })?;
    let nearest =
        signals.nearest.as_deref().ok_or(FeatureError::Missing { signal: "distances to labels" })?;
    let beliefs = Beliefs::read(view, probabilities)?;
    let shown = shown(view.candidates().len(), cap, key);
    let mut features = Matrix::zeros(shown.len(), SCHEMA.candidate.len());
    let labels = LabelShares::of(view, &beliefs);
    let novelty = novelty(view.inputs().rows(), neighbours, nearest);
    for (out, &at) in shown.iter().enumerate() {
        describe(view, &beliefs, &labels, neighbours, nearest, &novelty, at, features.row_mut(out));
    }
    for column in QUANTILES {
        to_quantiles(&mut features, column);
    }
    let globals = globals(view, batch, &beliefs, &labels, neighbours, nearest);
    let candidates = shown.iter().map(|&at| view.candidates()[at]).collect();
    Ok(Observation { candidates, features, globals })
}

/// Columns that hold raw values until [`to_quantiles`] ranks them.
const QUANTILES: [usize; 9] = [0, 1, 2, 6, 8, 10, 12, 22, 23];

/// Which candidates are shown: all of them, or a uniform draw, ascending.
fn shown(candidates: usize, cap: usize, key: Key) -> Vec<usize> {
    if candidates <= cap {
        return (0..candidates).collect();
    }
    let mut drawn = index::sample(&mut key.named("shown").rng(), candidates, cap).into_vec();
    drawn.sort_unstable();
    drawn
}

/// What the classifier believes of one candidate.
#[derive(Clone, Copy, Default)]
struct Belief {
    first: u32,
    second: u32,
    least_confidence: f32,
    margin: f32,
    entropy: f32,
}

/// Beliefs of all candidates, and of every pool row (labelled rows have none).
struct Beliefs {
    of_candidate: Vec<Belief>,
    of_row: Vec<Option<Belief>>,
}

impl Beliefs {
    fn read(view: &PoolView<'_>, probabilities: &Matrix) -> Result<Self, FeatureError> {
        let classes = view.classes();
        let largest_entropy = (classes.max(2) as f32).ln();
        let largest_doubt = 1.0 - 1.0 / classes.max(2) as f32;
        let mut of_row = vec![None; view.inputs().rows()];
        let mut of_candidate = Vec::with_capacity(view.candidates().len());
        for (at, &row) in view.candidates().iter().enumerate() {
            let p = probabilities.row(at);
            if let Some(class) = p.iter().position(|value| !value.is_finite()) {
                return Err(FeatureError::NotFinite { row: row.0, class, value: p[class] });
            }
            let (mut first, mut second) = (0usize, usize::MAX);
            for class in 1..classes {
                if p[class] > p[first] {
                    second = first;
                    first = class;
                } else if second == usize::MAX || p[class] > p[second] {
                    second = class;
                }
            }
            let (top, next) = (p[first], p.get(second).copied().unwrap_or(0.0));
            let entropy: f32 = p.iter().filter(|&&value| value > 0.0).map(|&value| -value * value.ln()).sum();
            let belief = Belief {
                first: first as u32,
                second: if second == usize::MAX { first as u32 } else { second as u32 },
                least_confidence: (1.0 - top) / largest_doubt,
                margin: 1.0 - (top - next),
                entropy: entropy / largest_entropy,
            };
            of_row[row.index()] = Some(belief);
            of_candidate.push(belief);
        }
        Ok(Self { of_candidate, of_row })
    }
}

/// How the labels and the predictions are spread over the classes, each as log of share times classes.
struct LabelShares {
    labelled: Vec<f32>,
    predicted_over_labelled: Vec<f32>,
    balance: f32,
    seen: f32,
}

impl LabelShares {
    fn of(view: &PoolView<'_>, beliefs: &Beliefs) -> Self {
        let classes = view.classes();
        let (mut labelled, mut predicted) = (vec![0.0f32; classes], vec![0.0f32; classes]);
        for &label in view.labels() {
            labelled[label as usize] += 1.0;
        }
        for belief in &beliefs.of_candidate {
            predicted[belief.first as usize] += 1.0;
        }
        let total = view.labels().len() as f32;
        let seen = labelled.iter().filter(|&&count| count > 0.0).count() as f32 / classes as f32;
        let entropy: f32 = labelled
            .iter()
            .filter(|&&count| count > 0.0)
            .map(|&count| -(count / total) * (count / total).ln())
            .sum();
        // One label per class is added to every count, so that an unseen class has a finite logarithm.
        let share = |count: f32, of: f32| ((count + 1.0) / (of + classes as f32) * classes as f32).ln();
        let predictions = beliefs.of_candidate.len() as f32;
        let log_labelled: Vec<f32> = labelled.iter().map(|&count| share(count, total)).collect();
        let predicted_over_labelled = predicted
            .iter()
            .zip(&log_labelled)
            .map(|(&count, own)| cut(share(count, predictions) - own))
            .collect();
        Self {
            labelled: log_labelled,
            predicted_over_labelled,
            balance: entropy / (classes.max(2) as f32).ln(),
            seen,
        }
    }
}

/// The distance of every row to its nearest label, in the pool's unit of length. Every row is the
/// neighbour of many, so this is looked up far more often than there are rows.
fn novelty(rows: usize, neighbours: &Neighbours, nearest: &Nearest) -> Vec<f32> {
    let scale = neighbours.scale().max(f32::MIN_POSITIVE);
    let of = |row| nearest.any(row).map_or(LOG_LIMIT.exp(), |(squared, _)| squared.sqrt() / scale);
    (0..rows).map(of).collect()
}

/// Writes the features of candidate `at`; quantile columns get the raw value that is ranked later.
#[expect(clippy::too_many_arguments, reason = "all of a state, read once per candidate")]
fn describe(
    view: &PoolView<'_>,
    beliefs: &Beliefs,
    shares: &LabelShares,
    neighbours: &Neighbours,
    nearest: &Nearest,
    novelty: &[f32],
    at: usize,
    out: &mut [f32],
) {
    let row = view.candidates()[at].index();
    let belief = beliefs.of_candidate[at];
    let scale = neighbours.scale().max(f32::MIN_POSITIVE);
    let distances = neighbours.distances(row);
    let around = neighbours.ids(row);
    let k = around.len().max(1) as f32;

    let to_label = nearest.any(row);
    let mean_distance = distances.iter().sum::<f32>() / k / scale;

    let (all, novelty) = (novelty, novelty[row]);
    // How much nearer to a label its neighbours would come if this row were labelled.
    let (mut gain, mut doubt, mut open, mut differ) = (0.0f32, 0.0f32, 0.0f32, 0.0f32);
    for (&other, &distance) in around.iter().zip(distances) {
        let Some(theirs) = beliefs.of_row[other as usize] else { continue };
        open += 1.0;
        doubt += theirs.margin;
        differ += f32::from(theirs.first != belief.first);
        gain += (all[other as usize] - distance / scale).max(0.0);
    }
    let doubt = if open > 0.0 { doubt / open } else { belief.margin };
    let differ = if open > 0.0 { differ / open } else { 0.0 };

    // 0 far from any boundary between labels, 1 on it.
    let per_class = nearest.per_class(row);
    let boundary = match to_label {
        Some((own, class)) => per_class
            .iter()
            .enumerate()
            .filter(|&(other, squared)| other != class as usize && squared.is_finite())
            .map(|(_, squared)| (own / squared.max(f32::MIN_POSITIVE)).sqrt().min(1.0))
            .fold(0.0, f32::max),
        None => 0.0,
    };

    out.copy_from_slice(&[
        belief.least_confidence,
        belief.margin,
        belief.entropy,
        belief.least_confidence,
        belief.margin,
        belief.entropy,
        novelty,
        cut(novelty.max(f32::MIN_POSITIVE).ln()),
        -mean_distance,
        cut(-mean_distance.max(f32::MIN_POSITIVE).ln()),
        gain,
        cut((gain / k).ln_1p()),
        doubt,
        doubt,
        belief.margin - doubt,
        differ,
        1.0 - open / k,
        cut(shares.labelled[belief.first as usize]),
        cut(shares.labelled[belief.second as usize]),
        shares.predicted_over_labelled[belief.first as usize],
        to_label.map_or(0.0, |(_, class)| f32::from(class != belief.first)),
        boundary,
        belief.margin * novelty,
        belief.margin / mean_distance.max(1e-3),
    ]);
}

fn globals(
    view: &PoolView<'_>,
    batch: usize,
    beliefs: &Beliefs,
    shares: &LabelShares,
    neighbours: &Neighbours,
    nearest: &Nearest,
) -> Vec<f32> {
    let classes = view.classes() as f32;
    let candidates = beliefs.of_candidate.len().max(1) as f32;
    let doubt: f32 = beliefs.of_candidate.iter().map(|belief| belief.margin).sum::<f32>() / candidates;
    let agree = view
        .candidates()
        .iter()
        .zip(&beliefs.of_candidate)
        .filter(|(row, belief)| nearest.any(row.index()).is_some_and(|(_, class)| class == belief.first))
        .count() as f32;
    let progress = view.signals().progress;
    let contrast =
        if neighbours.spread() > 0.0 { 1.0 - neighbours.scale() / neighbours.spread() } else { 0.0 };
    vec![
        cut((view.labels().len() as f32 / classes).ln_1p() - 1.0),
        progress.spent as f32 / progress.budget.max(1) as f32,
        cut(classes.ln() - 1.5),
        doubt,
        shares.balance,
        shares.seen,
        contrast,
        agree / candidates,
        cut((batch as f32).ln()),
    ]
}

/// Replaces a column by its ranks, mapped to `[-1, 1]`; equal values share their mean rank.
fn to_quantiles(features: &mut Matrix, column: usize) {
    let n = features.rows();
    let value = |features: &Matrix, row: u32| features.row(row as usize)[column];
    // Value and row in one number that sorts like `total_cmp` and then by row, many times faster.
    let key = |row: u32| u64::from(ascending(value(features, row))) << 32 | u64::from(row);
    let mut keys: Vec<u64> = (0..n as u32).map(key).collect();
    keys.sort_unstable();
    let order: Vec<u32> = keys.into_iter().map(|key| key as u32).collect();
    let mut start = 0;
    while start < n {
        let mut end = start + 1;
        while end < n && value(features, order[end]) == value(features, order[start]) {
            end += 1;
        }
        let rank = (start + end - 1) as f32 / 2.0;
        let quantile = if n > 1 { 2.0 * rank / (n - 1) as f32 - 1.0 } else { 0.0 };
        for &row in &order[start..end] {
            features.row_mut(row as usize)[column] = quantile;
        }
        start = end;
    }
}

/// A number that orders like [`f32::total_cmp`].
fn ascending(value: f32) -> u32 {
    let bits = value.to_bits();
    if bits >> 31 == 1 { !bits } else { bits | 1 << 31 }
}

fn cut(value: f32) -> f32 {
    value.clamp(-LOG_LIMIT, LOG_LIMIT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::RowId;
    use crate::query::{Progress, Signals};
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
                nearest: Some(Arc::new(Nearest::of(inputs.view(), &labelled, &labels, classes))),
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

        fn observe(&self, cap: usize) -> Result<Observation> {
            let view = PoolView::new(
                self.inputs.view(),
                &self.labelled,
                &self.labels,
                &self.candidates,
                self.classes,
                &self.signals,
            );
            observe(&view, 1, cap, Key::root(5))
        }
    }

    #[test]
    fn sort_keys_order_like_total_cmp() {
        let values = [f32::NEG_INFINITY, -2.5, -1e-40, -0.0, 0.0, 1e-40, 1.0, 1.5, f32::MAX, f32::INFINITY];
        for a in values {
            for b in values {
                assert_eq!(ascending(a).cmp(&ascending(b)), a.total_cmp(&b), "{a} {b}");
            }
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
    fn quantiles_run_from_least_to_most_and_share_ties() {
        let mut column = Matrix::new(vec![5.0, 1.0, 5.0, 9.0, 0.0], 5, 1);
        to_quantiles(&mut column, 0);
        assert_eq!(column.values(), &[0.25, -0.5, 0.25, 1.0, -1.0]);
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
