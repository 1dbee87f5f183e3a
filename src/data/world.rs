//! [`World`]: how the rows that may be labelled differ from those that are tested on, and how far answers can be trusted.
//!
//! ```
//! use querist::Key;
//! use querist::data::{SplitPlan, Task, World, embedded};
//!
//! let world = World { long_tail: Some(10.0), ..World::default() };
//! let plan = SplitPlan { world, ..SplitPlan::default() };
//! let task = Task::split(&embedded::load("digits")?, &plan, Key::root(1))?;
//! // Of about 88 rows of each digit, 88 of the most frequent one are left, and 9 of the rarest.
//! assert!(task.pool().rows() < 400);
//! # Ok::<(), querist::Error>(())
//! ```

use super::dataset::Dataset;
use super::domains::Domains;
use super::error::DataError;
use super::matrix::Matrix;
use super::scaling::standardised;
use crate::data::TargetKind;
use crate::rng::Key;
use rand::seq::SliceRandom;
use rand::{Rng, RngExt};
use rand_distr::{Distribution, StandardNormal};
use serde::{Deserialize, Serialize};

/// The largest ratio of a long tail.
pub const MAX_TAIL: f64 = 1e6;
/// The largest share of wrong answers.
pub const MAX_NOISE: f64 = 0.95;
/// The strongest shift of inputs.
pub const MAX_SHIFT: f64 = 20.0;
/// The largest share of classes that are not wanted.
pub const MAX_OPEN: f64 = 0.9;
/// The fewest classes that are left.
const MIN_KNOWN: usize = 2;
/// The fewest classes of which some may be unwanted.
pub const MIN_OPEN: usize = MIN_KNOWN + 1;
/// Steps of the power iteration that finds the direction of a shift.
const ITERATIONS: usize = 50;

/// What the pool has that reward, validation and test rows have not. The default is nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct World {
    /// Rows of the pool's most frequent class over those of the rarest: of class `k` of `C`, in an order that is drawn,
    /// `n r^(-k / (C - 1))` rows are left, at least one (Cao, Wei, Gaidon, Arechiga & Ma, NeurIPS 2019). What is tested on
    /// has the classes of the data set, so that this is a shift of labels, too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub long_tail: Option<f64>,
    /// The share of the pool's rows whose label is another class, drawn evenly; a row's answer is always the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label_noise: Option<f64>,
    /// Strength of a shift of inputs: half of the pool is left, drawn with weights `exp(-s z)`, where `z` is a row's place
    /// along the direction in which the pool's standardised inputs vary most, of unit variance and a sign that is drawn.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub covariate_shift: Option<f64>,
    /// The share of classes that nobody wants, drawn per split, at least one and all but two at most: their rows are in the pool, and a
    /// question about one is charged and answered by a rejection. Held-out rows are of the other classes, and so are the classes of the
    /// task (Kothawade, Beck, Killamsetty & Iyer, NeurIPS 2021).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open_set: Option<f64>,
    /// A source domain, in which episodes start, beside the target domain, in which they ask and are tested.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domains: Option<Domains>,
}

impl World {
    /// Whether there is nothing special about it.
    pub fn is_plain(&self) -> bool {
        *self == Self::default()
    }

    /// Refuses numbers out of their ranges.
    pub(super) fn check(&self) -> Result<(), DataError> {
        let settings = [
            ("long_tail", self.long_tail, 1.0, MAX_TAIL),
            ("label_noise", self.label_noise, 0.0, MAX_NOISE),
            ("covariate_shift", self.covariate_shift, 0.0, MAX_SHIFT),
            ("open_set", self.open_set, 0.0, MAX_OPEN),
        ];
        let domains = self.domains.iter().flat_map(Domains::settings);
        let domains = domains.map(|(key, found, low, high)| (key, Some(found), low, high));
        for (key, found, low, high) in settings.into_iter().chain(domains) {
            // A NaN is in no range.
            if let Some(found) = found.filter(|found| !(low..=high).contains(found)) {
                return Err(DataError::World { key, found, low, high });
            }
        }
        Ok(())
    }

    /// Refuses what is about classes, where targets are numbers, and to have fewer than two of them left.
    pub(super) fn check_kind(&self, dataset: &Dataset) -> Result<(), DataError> {
        let about_classes = [
            ("long_tail", self.long_tail.is_some()),
            ("label_noise", self.label_noise.is_some()),
            ("open_set", self.open_set.is_some()),
            ("domains", self.domains.is_some()),
        ];
        match about_classes.into_iter().find(|&(_, given)| given) {
            Some((key, _)) if dataset.kind() != TargetKind::Class => {
                let (name, found) = (dataset.name().to_string(), dataset.kind());
                Err(DataError::AboutClasses { name, key, found })
            }
            _ if self.open_set.is_some_and(|share| share > 0.0) && dataset.classes() < MIN_OPEN => {
                let (name, classes) = (dataset.name().to_string(), dataset.classes());
                Err(DataError::FewForOpenSet { name, classes, least: MIN_OPEN })
            }
            _ => Ok(()),
        }
    }

    /// The rows of the pool that are left, in their order.
    pub(super) fn thin(&self, dataset: &Dataset, pool: Vec<u32>, key: Key) -> Vec<u32> {
        let pool = match self.covariate_shift {
            Some(strength) => shifted(dataset, pool, strength, key.named("covariate shift")),
            None => pool,
        };
        match self.long_tail {
            Some(ratio) => tailed(dataset, pool, ratio, key.named("long tail")),
            None => pool,
        }
    }

    /// The number of every class of the data set among those that are wanted; all are, where there is no open set.
    pub(super) fn known(&self, classes: usize, key: Key) -> Option<Vec<Option<u32>>> {
        let share = self.open_set.filter(|&share| share > 0.0)?;
        let unknown = ((share * classes as f64).round() as usize).clamp(1, classes - MIN_KNOWN);
        let mut order: Vec<usize> = (0..classes).collect();
        order.shuffle(&mut key.named("open set").rng());
        let mut number = 0..;
        Some(
            (0..classes)
                .map(|class| if order[..unknown].contains(&class) { None } else { number.next() })
                .collect(),
        )
    }

    /// The answers for rows whose classes are `labels`.
    pub(super) fn answers(&self, classes: usize, mut labels: Vec<u32>, key: Key) -> Vec<u32> {
        let Some(share) = self.label_noise else { return labels };
        let mut rng = key.named("label noise").rng();
        let mut order: Vec<usize> = (0..labels.len()).collect();
        order.shuffle(&mut rng);
        let wrong = (share * labels.len() as f64).round() as usize;
        for &at in &order[..wrong] {
            let other = rng.random_range(1..classes as u32);
            labels[at] = (labels[at] + other) % classes as u32;
        }
        labels
    }
}

/// At most so many rows of each class, falling from class to class.
fn tailed(dataset: &Dataset, pool: Vec<u32>, ratio: f64, key: Key) -> Vec<u32> {
    let label = |row: u32| dataset.labels()[row as usize] as usize;
    let mut counts = vec![0usize; dataset.classes()];
    pool.iter().for_each(|&row| counts[label(row)] += 1);
    let most = counts.iter().copied().max().unwrap_or(0);
    let mut left = falling(most as f64, ratio, counts.len(), key);
    let keep = |row: &u32| {
        let left = &mut left[label(*row)];
        let kept = *left > 0;
        *left = left.saturating_sub(1);
        kept
    };
    pool.into_iter().filter(keep).collect()
}

/// Rows of every class, which fall geometrically from `most` to its part `1 / ratio`, in an order that is drawn; at least one of each.
pub(super) fn falling(most: f64, ratio: f64, classes: usize, key: Key) -> Vec<usize> {
    let mut ranks: Vec<usize> = (0..classes).collect();
    ranks.shuffle(&mut key.rng());
    let last = (classes - 1).max(1) as f64;
    let count = |rank: usize| (most * ratio.powf(-(rank as f64) / last)).round().max(1.0) as usize;
    ranks.into_iter().map(count).collect()
}

/// A log weight and a Gumbel variate: the largest of such sums are a draw without replacement by weight.
pub(super) fn gumbel(log_weight: f64, rng: &mut impl Rng) -> f64 {
    log_weight - (-rng.random::<f64>().max(f64::MIN_POSITIVE).ln()).ln()
}

/// The inputs of `rows`, with medians of `pool` for what is missing.
pub(super) fn filled(dataset: &Dataset, rows: &[u32], pool: &[u32]) -> Matrix {
    let (inputs, gaps) = (dataset.inputs(), dataset.gaps());
    let values = rows.iter().flat_map(|&row| inputs.row(row as usize)).copied().collect();
    let mut found = Matrix::new(values, rows.len(), inputs.cols());
    gaps.fill(&mut found, rows, &gaps.medians(inputs, pool));
    found
}

/// Half of the rows, those at one end more likely.
fn shifted(dataset: &Dataset, pool: Vec<u32>, strength: f64, key: Key) -> Vec<u32> {
    let places = along_most_variance(&standardised(filled(dataset, &pool, &pool)), key.named("start"));
    let mut rng = key.named("draw").rng();
    let sign = if rng.random::<bool>() { 1.0 } else { -1.0 };
    let mut scores: Vec<(f64, usize)> =
        places.iter().map(|place| gumbel(-sign * strength * place, &mut rng)).zip(0..).collect();
    scores.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut kept: Vec<usize> = scores[..pool.len().div_ceil(2).max(2)].iter().map(|&(_, at)| at).collect();
    kept.sort_unstable();
    kept.into_iter().map(|at| pool[at]).collect()
}

/// Each row's place along the first principal direction, with mean 0 and variance 1; zeros where nothing varies.
pub(super) fn along_most_variance(rows: &Matrix, key: Key) -> Vec<f64> {
    let mut rng = key.rng();
    let mut direction: Vec<f64> = (0..rows.cols()).map(|_| StandardNormal.sample(&mut rng)).collect();
    let project = |direction: &[f64]| -> Vec<f64> {
        let dot = |row: &[f32]| row.iter().zip(direction).map(|(x, w)| f64::from(*x) * w).sum();
        (0..rows.rows()).map(|row| dot(rows.row(row))).collect()
    };
    for _ in 0..ITERATIONS {
        let places = project(&direction);
        let mut next = vec![0.0; rows.cols()];
        for (row, place) in places.iter().enumerate() {
            next.iter_mut().zip(rows.row(row)).for_each(|(sum, x)| *sum += place * f64::from(*x));
        }
        let length = next.iter().map(|x| x * x).sum::<f64>().sqrt();
        if length == 0.0 {
            return vec![0.0; rows.rows()];
        }
        direction = next.into_iter().map(|x| x / length).collect();
    }
    let places = project(&direction);
    let n = places.len() as f64;
    let mean = places.iter().sum::<f64>() / n;
    let deviation = (places.iter().map(|place| (place - mean).powi(2)).sum::<f64>() / n).sqrt();
    let scale = if deviation > 0.0 { 1.0 / deviation } else { 0.0 };
    places.into_iter().map(|place| (place - mean) * scale).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Oracle, RowId, Shape, SplitPlan, Targets, Task, embedded};

    fn split(world: World, seed: u64) -> Task {
        let digits = embedded::load("digits").unwrap();
        Task::split(&digits, &SplitPlan { world, ..SplitPlan::default() }, Key::root(seed)).unwrap()
    }

    fn answers(task: &Task) -> Vec<u32> {
        let rows: Vec<RowId> = (0..task.pool().rows() as u32).map(RowId).collect();
        Oracle::new(std::sync::Arc::new(task.clone()), 0).peek(&rows)
    }

    fn counts(labels: &[u32]) -> Vec<usize> {
        let mut counts = vec![0; 10];
        labels.iter().for_each(|&label| counts[label as usize] += 1);
        counts.sort_unstable();
        counts
    }

    #[test]
    fn a_long_tail_falls_from_class_to_class_in_the_pool_alone() {
        let (plain, tailed) =
            (split(World::default(), 1), split(World { long_tail: Some(20.0), ..World::default() }, 1));
        let found = counts(&answers(&tailed));
        let most = *counts(&answers(&plain)).last().unwrap() as f64;
        for (k, &found) in found.iter().rev().enumerate() {
            let expected = most * 20f64.powf(-(k as f64) / 9.0);
            // The most frequent class may have had fewer rows than the largest.
            assert!((found as f64 - expected).abs() <= 5.5, "{k}: {found} {expected}");
        }
        assert_eq!(tailed.test().labels(), plain.test().labels());
        assert_eq!(tailed.separation().test, plain.separation().test);
        // Another split has another order of classes.
        let rare = |task: &Task| {
            let labels = answers(task);
            (0..10).min_by_key(|class| labels.iter().filter(|&label| label == class).count())
        };
        let rarest: std::collections::BTreeSet<_> = (1..8)
            .map(|seed| rare(&split(World { long_tail: Some(20.0), ..World::default() }, seed)))
            .collect();
        assert!(rarest.len() > 3, "{rarest:?}");
    }

    #[test]
    fn noise_moves_the_share_that_it_says_and_nothing_that_is_tested_on() {
        let (plain, noisy) =
            (split(World::default(), 2), split(World { label_noise: Some(0.3), ..World::default() }, 2));
        assert_eq!(noisy.pool().values(), plain.pool().values());
        let (truth, found) = (answers(&plain), answers(&noisy));
        let wrong = truth.iter().zip(&found).filter(|(a, b)| a != b).count();
        assert_eq!(wrong, (0.3 * truth.len() as f64).round() as usize);
        assert_eq!(answers(&noisy), found, "an answer stays what it was");
        for (noisy, plain) in [
            (noisy.test().labels(), plain.test().labels()),
            (noisy.reward().labels(), plain.reward().labels()),
        ] {
            assert_eq!(noisy, plain);
        }
        // All other classes are named.
        let zeros: std::collections::BTreeSet<u32> =
            truth.iter().zip(&found).filter(|(truth, _)| **truth == 0).map(|(_, &found)| found).collect();
        assert!(zeros.len() > 6, "{zeros:?}");
    }

    /// Points on a line with a little noise across: the pool's mean moves along it, by about the strength where that is
    /// small (half of all rows are left, which bounds it), and the test rows' stays.
    #[test]
    fn inputs_shift_along_the_direction_of_most_variance() {
        let mut rng = Key::root(3).rng();
        let mut normal = move || -> f64 { StandardNormal.sample(&mut rng) };
        let values = (0..4_000).flat_map(|_| {
            let along = normal();
            [along + 0.1 * normal(), along + 0.1 * normal(), normal()].map(|x| x as f32)
        });
        let inputs = Matrix::new(values.collect(), 4_000, 3);
        let targets = Targets::Class {
            labels: (0..4_000).map(|row| row % 2).collect(),
            names: vec!["a".into(), "b".into()],
        };
        let set = Dataset::new("line", Shape::Vector(3), inputs, targets, None).unwrap();
        let mean = |strength: f64, seed| {
            let world = World { covariate_shift: Some(strength), ..World::default() };
            let plan = SplitPlan { world, scaling: crate::data::Scaling::None, ..SplitPlan::default() };
            let task = Task::split(&set, &plan, Key::root(seed)).unwrap();
            let of = |m: crate::data::MatrixView<'_>, column: usize| {
                (0..m.rows()).map(|row| f64::from(m.row(row)[column])).sum::<f64>() / m.rows() as f64
            };
            assert!(of(task.test().inputs(), 0).abs() < 0.12, "what is tested on stays");
            assert!(of(task.pool(), 2).abs() < 0.15, "across, nothing moves");
            (of(task.pool(), 0), task.pool().rows())
        };
        let (none, rows) = mean(0.0, 1);
        assert!(none.abs() < 0.1, "{none}");
        assert_eq!(rows, 980);
        for strength in [0.5, 3.0] {
            let moved: Vec<f64> = (0..8).map(|seed| mean(strength, seed).0).collect();
            assert!(moved.iter().all(|mean| mean.abs() > 0.2), "{moved:?}");
            assert!(
                moved.iter().any(|&mean| mean > 0.0) && moved.iter().any(|&mean| mean < 0.0),
                "{moved:?}"
            );
        }
        // Half of a normal distribution has its mean at .8.
        assert!((mean(20.0, 1).0.abs() - 0.8).abs() < 0.1);
    }

    #[test]
    fn numbers_out_of_range_are_refused() {
        let digits = embedded::load("digits").unwrap();
        for (world, words) in [
            (World { open_set: Some(0.95), ..World::default() }, "`open_set` is 0.95, expected 0 to 0.9"),
            (World { long_tail: Some(0.5), ..World::default() }, "`long_tail` is 0.5, expected 1 to 1000000"),
            (
                World { label_noise: Some(f64::NAN), ..World::default() },
                "`label_noise` is NaN, expected 0 to 0.95",
            ),
            (
                World { covariate_shift: Some(-1.0), ..World::default() },
                "`covariate_shift` is -1, expected 0 to 20",
            ),
        ] {
            let plan = SplitPlan { world, ..SplitPlan::default() };
            let message = Task::split(&digits, &plan, Key::root(1)).unwrap_err().to_string();
            assert!(message.contains(words), "{message}");
        }
    }

    /// The pool is what it was, rows of some classes have no answer, and all else is of the other classes.
    #[test]
    fn an_open_set_has_rows_that_no_class_is_for() {
        let open = World { open_set: Some(0.4), ..World::default() };
        let mut unknown = std::collections::BTreeSet::new();
        for seed in 0..6 {
            let (plain, open) = (split(World::default(), seed), split(open, seed));
            assert_eq!((open.classes(), open.pool().rows()), (6, plain.pool().rows()));
            assert_eq!(open.pool().values(), plain.pool().values());
            let truth = answers(&plain);
            // Of every class, either no row has an answer, or all have the same one.
            let said: Vec<Option<u32>> = (0..10)
                .map(|class| {
                    let rows: Vec<RowId> = (0..truth.len() as u32)
                        .map(RowId)
                        .filter(|row| truth[row.index()] == class)
                        .collect();
                    let known: Vec<RowId> =
                        rows.iter().copied().filter(|&row| open.has_answer(row)).collect();
                    let labels: std::collections::BTreeSet<u32> =
                        Oracle::new(std::sync::Arc::new(open.clone()), 0).peek(&known).into_iter().collect();
                    assert!(known.is_empty() || known.len() == rows.len() && labels.len() == 1);
                    labels.into_iter().next()
                })
                .collect();
            let known: Vec<u32> = said.iter().flatten().copied().collect();
            assert_eq!(known, (0..6).collect::<Vec<_>>(), "numbered in the order of the classes");
            unknown.insert((0..10).filter(|&class| said[class].is_none()).collect::<Vec<_>>());
            let kept: Vec<u32> =
                plain.test().labels().iter().filter_map(|&class| said[class as usize]).collect();
            assert_eq!(open.test().labels(), kept);
            assert_eq!(open.separation().shared, 0);
        }
        assert!(unknown.len() > 3, "every split draws its own: {unknown:?}");
    }

    #[test]
    fn two_classes_are_left_or_it_is_refused() {
        let iris = split_of("iris", World { open_set: Some(0.9), ..World::default() }).unwrap();
        assert_eq!(iris.classes(), 2);
        let none = split_of("breast_cancer", World { open_set: Some(0.0), ..World::default() }).unwrap();
        assert_eq!((none.classes(), none.is_open()), (2, false));
        let error = split_of("breast_cancer", World { open_set: Some(0.1), ..World::default() }).unwrap_err();
        assert_eq!(
            error.to_string(),
            "breast_cancer: `episode.world.open_set` needs at least 3 classes, of which two are left, and there are 2"
        );
    }

    fn split_of(name: &str, world: World) -> crate::error::Result<Task> {
        Task::split(
            &embedded::load(name).unwrap(),
            &SplitPlan { world, ..SplitPlan::default() },
            Key::root(1),
        )
    }

    /// A rejection is charged and leaves no label.
    #[test]
    fn what_is_not_wanted_is_rejected_and_charged() {
        let task = std::sync::Arc::new(split(World { open_set: Some(0.5), ..World::default() }, 1));
        let rows: Vec<RowId> = (0..task.pool().rows() as u32).map(RowId).collect();
        let known = rows.iter().filter(|&&row| task.has_answer(row)).count();
        let mut oracle = Oracle::new(task.clone(), rows.len());
        let mut pool = crate::data::Pool::unlabelled(rows.len());
        let said = pool.ask(&mut oracle, &rows).unwrap();
        let rejected = said.iter().filter(|&&answer| answer == crate::data::Answer::Unanswerable).count();
        assert_eq!((rejected, pool.labels().len(), oracle.left()), (rows.len() - known, known, 0));
        assert!(rejected > rows.len() / 3 && pool.candidates().is_empty());
        let answers = oracle.answers();
        assert_eq!((answers.unanswerable, answers.answered), (rejected as u32, known as u32));
    }
}
