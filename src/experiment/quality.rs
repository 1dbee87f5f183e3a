//! What a data set looks like before anything is played on it: rows that nearly repeat others, labels that are
//! likely to be wrong, and how the classes are spread.
//!
//! Labels are judged by confident learning (Northcutt, Jiang and Chuang, "Confident learning: estimating uncertainty in
//! dataset labels", JAIR 2021), from out-of-fold probabilities of a linear classifier. Nothing here is used by an
//! episode: it describes, and reads all labels to do so.

use crate::arch::NetSpec;
use crate::data::{Dataset, Matrix};
use crate::error::{Result, shorten};
use crate::learner::{DeviceKind, Loss, ModelData, Optimiser, Start, Stop, TrainPlan, networks};
use crate::rng::Key;
use rand::seq::{SliceRandom, index};
use rayon::prelude::*;
use serde::Serialize;
use std::fmt;

/// Rows that are looked at, drawn at random where there are more: distances between all of them are computed.
pub const MAX_ROWS: usize = 4_000;
/// Parts, each of which is predicted by a classifier of the others.
pub const FOLDS: usize = 5;
/// Two rows are near duplicates if they are nearer than this share of the distance between rows drawn at random.
pub const NEAR: f64 = 0.02;
/// Rows that are listed; more are only counted.
pub const LISTED: usize = 50;

/// A data set before play. Rows are those of the file, counted from 0.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Quality {
    /// Rows of the data set.
    pub rows: usize,
    /// Rows that were looked at: all, or some that were drawn at random.
    pub looked_at: usize,
    /// Share of the rows in the most frequent class: what always naming it gets right.
    pub largest_class: f64,
    /// Rows of the most frequent class per row of the rarest that has any.
    pub imbalance: f64,
    /// Rows that nearly repeat another.
    pub near_duplicates: NearDuplicates,
    /// Labels that are likely to be wrong; none where there are too few rows to tell.
    pub labels: Option<LabelErrors>,
    /// What was left out of the file, a line each.
    pub left_out: Vec<String>,
}

/// Rows that nearly repeat another one, whatever their labels; exact repetitions included.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NearDuplicates {
    /// Rows with another one nearer than [`NEAR`] times the median distance between rows.
    pub rows: usize,
    /// Their share.
    pub share: f64,
    /// Of these, rows whose neighbour has another label.
    pub with_another_label: usize,
    /// Each of them with the row that it is nearest to, both as rows of the file.
    #[serde(skip)]
    pub pairs: Vec<[u32; 2]>,
}

/// Labels that are likely to be wrong.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LabelErrors {
    /// Share of the rows that the out-of-fold classifier gets right.
    pub out_of_fold_accuracy: f64,
    /// Suspected rows.
    pub suspected: usize,
    /// Their share.
    pub share: f64,
    /// The most suspicious ones, first the worst.
    pub worst: Vec<Suspect>,
}

/// A row whose label is likely to be wrong.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Suspect {
    /// The row of the file.
    pub row: u32,
    /// What it is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Its label.
    pub label: String,
    /// The class that it seems to be of.
    pub seems: String,
    /// The probability of its label.
    pub of_label: f64,
    /// The probability of the other class.
    pub of_other: f64,
}

impl fmt::Display for Quality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// Suspected rows in a text.
        const SHOWN: usize = 10;
        let of = if self.looked_at < self.rows { format!(" of {}", self.rows) } else { String::new() };
        writeln!(f, "  quality     {}{of} rows looked at", self.looked_at)?;
        let NearDuplicates { rows, share, with_another_label, .. } = self.near_duplicates;
        writeln!(
            f,
            "    near duplicates  {rows} rows ({:.1} %), {with_another_label} with another label",
            100.0 * share
        )?;
        writeln!(
            f,
            "    classes          {:.1} % in the largest, {:.1} rows of it per row of the rarest",
            100.0 * self.largest_class,
            self.imbalance
        )?;
        let Some(labels) = &self.labels else {
            return writeln!(f, "    label errors     too few rows to tell");
        };
        writeln!(
            f,
            "    label errors     {} suspected ({:.1} %); a linear classifier gets {:.1} % right out of fold",
            labels.suspected,
            100.0 * labels.share,
            100.0 * labels.out_of_fold_accuracy
        )?;
        for it in labels.worst.iter().take(SHOWN) {
            let id = it.id.as_ref().map_or(String::new(), |id| format!(" ({})", shorten(id)));
            let (label, seems) = (shorten(&it.label), shorten(&it.seems));
            writeln!(
                f,
                "      row {}{id}: {label}, seems {seems} ({:.2} against {:.2})",
                it.row, it.of_other, it.of_label
            )?;
        }
        Ok(())
    }
}

/// Looks at `dataset`. The same content gives the same figures.
///
/// # Errors
/// What training a linear classifier refuses.
pub fn quality(dataset: &Dataset) -> Result<Quality> {
    let key = Key::root(0).named("quality").named(dataset.identity());
    let mut rows: Vec<usize> = (0..dataset.rows()).collect();
    if rows.len() > MAX_ROWS {
        rows = index::sample(&mut key.named("rows").rng(), rows.len(), MAX_ROWS).into_vec();
        rows.sort_unstable();
    }
    let inputs = standard(&dataset.filled().gather(rows.iter().copied()));
    let labels: Vec<u32> = rows.iter().map(|&row| dataset.labels()[row]).collect();
    let mut counts = vec![0usize; dataset.classes()];
    dataset.labels().iter().for_each(|&label| counts[label as usize] += 1);
    let most = counts.iter().copied().max().unwrap_or(0) as f64;
    let least = counts.iter().copied().filter(|&count| count > 0).min().unwrap_or(1) as f64;
    let suspects = suspects(&inputs, &labels, dataset.classes(), key.named("folds"))?;
    let labels_found = suspects.map(|(accuracy, mut found)| {
        found.sort_by(|a, b| {
            (a.of_label - a.of_other).total_cmp(&(b.of_label - b.of_other)).then(a.at.cmp(&b.at))
        });
        let suspect = |it: &Found| Suspect {
            row: dataset.source_row(rows[it.at] as u32),
            id: dataset.ids().map(|ids| ids[rows[it.at]].clone()),
            label: dataset.class_names()[labels[it.at] as usize].clone(),
            seems: dataset.class_names()[it.other].clone(),
            of_label: it.of_label,
            of_other: it.of_other,
        };
        LabelErrors {
            out_of_fold_accuracy: accuracy,
            suspected: found.len(),
            share: found.len() as f64 / labels.len() as f64,
            worst: found.iter().take(LISTED).map(suspect).collect(),
        }
    });
    let preparation = dataset.preparation();
    let out = preparation.decisions.iter().filter(|one| one.choice.starts_with("left out"));
    let mut left_out: Vec<String> = out.map(|one| format!("{}: {}", one.what, one.reason)).collect();
    if preparation.unlabelled > 0 {
        left_out.push(format!("{} rows without a label", preparation.unlabelled));
    }
    let mut near_duplicates = near_duplicates(&inputs, &labels, key.named("pairs"));
    let source = |at: &mut u32| *at = dataset.source_row(rows[*at as usize] as u32);
    near_duplicates.pairs.iter_mut().flatten().for_each(source);
    Ok(Quality {
        rows: dataset.rows(),
        looked_at: rows.len(),
        largest_class: most / dataset.rows() as f64,
        imbalance: most / least,
        near_duplicates,
        labels: labels_found,
        left_out,
    })
}

/// Columns with mean 0 and variance 1; constant ones become 0.
fn standard(inputs: &Matrix) -> Matrix {
    let (rows, width) = (inputs.rows(), inputs.cols());
    let mut scaled = Matrix::zeros(rows, width);
    for column in 0..width {
        let values = || (0..rows).map(|row| f64::from(inputs.row(row)[column]));
        let mean = values().sum::<f64>() / rows as f64;
        let spread = (values().map(|value| (value - mean).powi(2)).sum::<f64>() / rows as f64).sqrt();
        let factor = if spread > mean.abs() * f64::from(f32::EPSILON) { 1.0 / spread } else { 0.0 };
        for row in 0..rows {
            scaled.row_mut(row)[column] = ((f64::from(inputs.row(row)[column]) - mean) * factor) as f32;
        }
    }
    scaled
}

fn squared(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from(a - b).powi(2)).sum()
}

/// Rows of `inputs` that nearly repeat another one; pairs are of its rows.
fn near_duplicates(inputs: &Matrix, labels: &[u32], key: Key) -> NearDuplicates {
    /// Pairs whose median tells what is far.
    const PAIRS: usize = 1_000;
    let rows = inputs.rows();
    let none = NearDuplicates { rows: 0, share: 0.0, with_another_label: 0, pairs: Vec::new() };
    if rows < 2 {
        return none;
    }
    let mut rng = key.rng();
    let mut distances: Vec<f64> = (0..PAIRS)
        .map(|_| {
            let pair = index::sample(&mut rng, rows, 2);
            squared(inputs.row(pair.index(0)), inputs.row(pair.index(1)))
        })
        .collect();
    distances.sort_by(f64::total_cmp);
    let limit = distances[PAIRS / 2] * NEAR * NEAR;
    let nearest = |row: usize| {
        let others = (0..rows).filter(|&other| other != row);
        let distances = others.map(|other| (squared(inputs.row(row), inputs.row(other)), other));
        distances.min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)))
    };
    let pairs: Vec<[u32; 2]> = (0..rows)
        .into_par_iter()
        .filter_map(|row| {
            let near = nearest(row).filter(|(distance, _)| *distance <= limit);
            near.map(|(_, other)| [row as u32, other as u32])
        })
        .collect();
    let differ = |[row, other]: &&[u32; 2]| labels[*row as usize] != labels[*other as usize];
    let with_another_label = pairs.iter().filter(differ).count();
    NearDuplicates { rows: pairs.len(), share: pairs.len() as f64 / rows as f64, with_another_label, pairs }
}

/// A suspected row, among those that were looked at.
struct Found {
    at: usize,
    other: usize,
    of_label: f64,
    of_other: f64,
}

/// The out-of-fold accuracy and the rows off the diagonal of the confident joint; none where there are too few rows.
fn suspects(inputs: &Matrix, labels: &[u32], classes: usize, key: Key) -> Result<Option<(f64, Vec<Found>)>> {
    let present = (0..classes as u32).filter(|class| labels.contains(class)).count();
    if labels.len() < 2 * FOLDS || present < 2 {
        return Ok(None);
    }
    let probabilities = out_of_fold(inputs, labels, classes, key)?;
    let of = |at: usize, class: usize| f64::from(probabilities.row(at)[class]);
    let threshold = |class: usize| {
        let own = (0..labels.len()).filter(|&at| labels[at] as usize == class).map(|at| of(at, class));
        let (sum, count) = own.fold((0.0, 0usize), |(sum, count), value| (sum + value, count + 1));
        if count > 0 { sum / count as f64 } else { f64::INFINITY }
    };
    let thresholds: Vec<f64> = (0..classes).map(threshold).collect();
    let best = |at: usize, candidates: &dyn Fn(usize) -> bool| {
        (0..classes)
            .filter(|&class| candidates(class))
            .max_by(|&a, &b| of(at, a).total_cmp(&of(at, b)).then(b.cmp(&a)))
    };
    let right = (0..labels.len()).filter(|&at| best(at, &|_| true) == Some(labels[at] as usize)).count();
    let found = (0..labels.len()).filter_map(|at| {
        let other = best(at, &|class| of(at, class) >= thresholds[class])?;
        let label = labels[at] as usize;
        (other != label).then(|| Found { at, other, of_label: of(at, label), of_other: of(at, other) })
    });
    Ok(Some((right as f64 / labels.len() as f64, found.collect())))
}

/// Class probabilities of every row by a ridge logistic regression on the other folds, shape `[rows, classes]`.
fn out_of_fold(inputs: &Matrix, labels: &[u32], classes: usize, key: Key) -> Result<Matrix> {
    let mut rows: Vec<u32> = (0..labels.len() as u32).collect();
    rows.shuffle(&mut key.rng());
    // Class by class, so that each fold has its share of every class.
    rows.sort_by_key(|&row| labels[row as usize]);
    let spec = NetSpec::mlp(inputs.cols(), &[], classes)?;
    let plan = TrainPlan {
        loss: Loss::CrossEntropy,
        optimiser: Optimiser::Lbfgs { ridge: 1.0 },
        learning_rate: 0.1,
        weight_decay: 0.0,
        batch: labels.len(),
        drop_last: false,
        stop: Stop::Epochs { epochs: 1 },
        start: Start::Scratch,
    };
    let predicted: Vec<(Vec<u32>, Matrix)> = (0..FOLDS)
        .into_par_iter()
        .map(|fold| {
            let is_held = |(place, _): &(usize, &u32)| place % FOLDS == fold;
            let (held, kept): (Vec<_>, Vec<_>) = rows.iter().enumerate().partition(is_held);
            let [held, kept] =
                [held, kept].map(|part| part.into_iter().map(|(_, &row)| row).collect::<Vec<u32>>());
            let classes_of: Vec<u32> = kept.iter().map(|&row| labels[row as usize]).collect();
            let mut network = networks(&spec, 1, DeviceKind::Cpu)?;
            let data = ModelData {
                inputs: inputs.view(),
                rows: &kept,
                labels: &classes_of,
                validation: (&[], &[]),
                extra: None,
            };
            network.fit(&[data], &plan, &[key.named("network")])?;
            let probabilities = network.probabilities(0, inputs.view(), Some(&held));
            Ok((held, probabilities))
        })
        .collect::<Result<_>>()?;
    let mut all = Matrix::zeros(labels.len(), classes);
    for (held, probabilities) in predicted {
        for (at, row) in held.into_iter().enumerate() {
            all.row_mut(row as usize).copy_from_slice(probabilities.row(at));
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Shape, Targets, embedded};

    /// Iris with the labels of `wrong` rows moved on by one.
    fn iris(wrong: &[usize]) -> Dataset {
        let set = embedded::load("iris").unwrap();
        let mut labels = set.labels().to_vec();
        wrong.iter().for_each(|&row| labels[row] = (labels[row] + 1) % 3);
        let inputs = Matrix::new(set.inputs().values().to_vec(), set.rows(), set.width());
        let targets = Targets::Class { labels, names: set.class_names().to_vec() };
        Dataset::new("iris", Shape::Vector(4), inputs, targets, None).unwrap()
    }

    #[test]
    fn labels_that_were_changed_are_suspected() {
        let sound = quality(&iris(&[])).unwrap();
        let found = sound.labels.unwrap();
        assert!(found.out_of_fold_accuracy > 0.93 && found.suspected <= 9, "{found:?}");
        let wrong: Vec<usize> = (0..150).step_by(15).collect();
        let found = quality(&iris(&wrong)).unwrap().labels.unwrap();
        let named: Vec<usize> = found.worst.iter().map(|one| one.row as usize).collect();
        let caught = wrong.iter().filter(|row| named.contains(row)).count();
        assert!(caught >= 8, "{caught} of 10: {named:?}");
        assert!(found.worst.iter().all(|one| one.of_other > one.of_label && one.label != one.seems));
        assert_eq!(quality(&iris(&wrong)).unwrap(), quality(&iris(&wrong)).unwrap());
    }

    #[test]
    fn near_repetitions_and_balance_are_counted() {
        let values: Vec<f32> =
            (0..60).flat_map(|row| [(row * 17 % 61) as f32, (row * 7 % 13) as f32]).collect();
        let mut twice = values.clone();
        twice.extend(values.iter().take(24).map(|value| value + 0.001));
        let labels: Vec<u32> = (0..72).map(|row| u32::from(row % 12 == 0)).collect();
        let targets = Targets::Class { labels, names: vec!["a".into(), "b".into()] };
        let set = Dataset::new("s", Shape::Vector(2), Matrix::new(twice, 72, 2), targets, None).unwrap();
        let found = quality(&set).unwrap();
        assert_eq!((found.rows, found.looked_at), (72, 72));
        assert_eq!(found.near_duplicates.rows, 24);
        assert_eq!((found.largest_class, found.imbalance), (66.0 / 72.0, 11.0));
    }

    #[test]
    fn few_rows_are_not_judged() {
        let targets = Targets::Class { labels: vec![0, 1], names: vec!["a".into(), "b".into()] };
        let set =
            Dataset::new("s", Shape::Vector(1), Matrix::new(vec![0.0, 1.0], 2, 1), targets, None).unwrap();
        assert_eq!(quality(&set).unwrap().labels, None);
    }
}
