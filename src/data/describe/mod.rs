//! What a data set holds, and what is wrong with it, in figures and in plain words.

mod text;
mod warnings;

pub use warnings::IMBALANCE_WARNED;

use super::columns::{Examples, Preparation};
use super::dataset::{Dataset, Shape, SplitTag, Targets};
use super::matrix::{Matrix, MatrixView};
use super::table::Decision;
use crate::data::TargetKind;
use serde::Serialize;
use std::cmp::Ordering;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hasher};

/// A data set in figures. See [`describe`].
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Description {
    /// The data set's name.
    pub name: String,
    /// Examples.
    pub rows: usize,
    /// Rows of the file that have no label; of a data set, which is made of the others, they are no examples.
    pub unlabelled: usize,
    /// Numbers per example.
    pub width: usize,
    /// `64`, or `1x28x28` (channels, height, width).
    pub shape: String,
    /// What the inputs are called; none where the format does not say.
    pub columns: Vec<String>,
    /// Every class, those without a row included, or every label; none where there are no labels.
    pub classes: Vec<ClassCount>,
    /// The labels of a row, where it may have several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels_per_row: Option<LabelsPerRow>,
    /// How much is foreground, where targets are masks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub foreground: Option<Foreground>,
    /// The numbers that are to be predicted, where targets are such.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub numbers: Option<Numbers>,
    /// Rows of the official split, if there is one.
    pub split: Option<SplitCount>,
    /// Cells without a value, which every task fills with the medians of its pool.
    pub missing: usize,
    /// Columns (from 0) that have one value throughout.
    pub constant_columns: Vec<usize>,
    /// Rows with the same inputs.
    pub duplicates: Duplicates,
    /// The range and the spread of the columns.
    pub scale: Scale,
    /// What the file leaves open, and how it was taken.
    pub decisions: Vec<Decision>,
    /// What to look into before using the data.
    pub warnings: Vec<String>,
    /// The content digest, see [`Dataset::digest`]; none without labels.
    pub digest: Option<String>,
}

/// How many rows a class has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ClassCount {
    /// The class.
    pub name: String,
    /// Its rows.
    pub rows: usize,
    /// Those of them in the official test part.
    pub test: usize,
}

/// Rows of an official split.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct SplitCount {
    /// Rows that may be labelled and trained on.
    pub train: usize,
    /// Rows that are only ever tested on.
    pub test: usize,
}

/// Rows with exactly the same inputs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Duplicates {
    /// Different inputs.
    pub distinct_inputs: usize,
    /// Rows that repeat the inputs and the label of another, earlier row.
    pub same_label: usize,
    /// Rows whose inputs occur with more than one label.
    pub different_labels: usize,
    /// Test rows whose inputs stand in the training part too.
    pub across_split: usize,
}

/// How many labels rows have.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct LabelsPerRow {
    /// Their mean number.
    pub mean: f64,
    /// Rows that have none.
    pub none: usize,
}

impl LabelsPerRow {
    /// That of targets that are sets of labels.
    fn of(targets: &Targets) -> Option<Self> {
        let Targets::MultiLabel { sets, .. } = targets else { return None };
        let held: u32 = sets.iter().map(|set| set.count_ones()).sum();
        let none = sets.iter().filter(|&&set| set == 0).count();
        Some(Self { mean: f64::from(held) / sets.len() as f64, none })
    }
}

/// How much of images is foreground.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Foreground {
    /// The share of all pixels.
    pub share: f64,
    /// Images without any.
    pub none: usize,
}

impl Foreground {
    /// That of targets that are masks.
    fn of(targets: &Targets) -> Option<Self> {
        let Targets::Mask(masks) = targets else { return None };
        let areas: Vec<usize> = (0..masks.rows()).map(|row| masks.area(row)).collect();
        let share = areas.iter().sum::<usize>() as f64 / (masks.rows() * masks.pixels()) as f64;
        Some(Self { share, none: areas.iter().filter(|&&area| area == 0).count() })
    }
}

/// The target of every row as a word that is another's where the target is another: of masks, the first row that has the same.
fn targets(dataset: &Dataset) -> Vec<Option<u32>> {
    let words = (0..dataset.rows()).map(|row| dataset.targets().word(row));
    let Targets::Mask(masks) = dataset.targets() else { return words.map(Some).collect() };
    let mut first = HashMap::new();
    words.map(|row| Some(*first.entry(masks.mask(row as usize)).or_insert(row))).collect()
}

/// Numbers that are to be predicted.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Numbers {
    /// The smallest.
    pub least: f32,
    /// The largest.
    pub most: f32,
    /// Their mean.
    pub mean: f64,
    /// Their standard deviation.
    pub spread: f64,
}

impl Numbers {
    /// Those of at least one row.
    fn of(values: &[f32]) -> Option<Self> {
        let count = values.len() as f64;
        let mean = values.iter().copied().map(f64::from).sum::<f64>() / count;
        let squares: f64 = values.iter().map(|&value| (f64::from(value) - mean).powi(2)).sum();
        let (least, most) =
            values.iter().fold((f32::INFINITY, f32::NEG_INFINITY), |(least, most), &value| {
                (least.min(value), most.max(value))
            });
        (count > 0.0).then(|| Self { least, most, mean, spread: (squares / count).sqrt() })
    }
}

/// Column ranges and spreads; a spread is a standard deviation.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Scale {
    /// The smallest value of all.
    pub least: f32,
    /// The largest value of all.
    pub most: f32,
    /// The smallest spread of a column that is not constant; 0 if there is none.
    pub smallest_spread: f64,
    /// The largest spread of a column.
    pub largest_spread: f64,
}

/// What is looked at, of labelled and of other data alike.
struct View<'a> {
    name: &'a str,
    shape: Shape,
    inputs: MatrixView<'a>,
    missing: usize,
    kind: TargetKind,
    /// The target of every row that has one, as a word.
    labels: Vec<Option<u32>>,
    classes: &'a [String],
    labels_per_row: Option<LabelsPerRow>,
    foreground: Option<Foreground>,
    numbers: Option<Numbers>,
    split: Option<&'a [SplitTag]>,
    preparation: &'a Preparation,
    digest: Option<String>,
}

/// Counts everything that [`Description`] says. Takes one sort of the rows' digests.
pub fn describe(dataset: &Dataset) -> Description {
    // A copy only where there are gaps to fill.
    let filled = (!dataset.gaps().columns().is_empty()).then(|| dataset.filled());
    of(&View {
        name: dataset.name(),
        shape: dataset.shape(),
        inputs: filled.as_ref().map_or(dataset.inputs(), Matrix::view),
        missing: dataset.gaps().columns().iter().map(|gap| gap.rows.len()).sum(),
        kind: dataset.kind(),
        labels_per_row: LabelsPerRow::of(dataset.targets()),
        foreground: Foreground::of(dataset.targets()),
        labels: targets(dataset),
        classes: dataset.class_names(),
        numbers: Numbers::of(dataset.values()),
        split: dataset.split(),
        preparation: dataset.preparation(),
        digest: Some(dataset.digest().to_string()),
    })
}

/// The same of all rows of a table, whether they have labels or not.
pub fn describe_examples(examples: &Examples) -> Description {
    let filled = examples.filled();
    of(&View {
        name: &examples.name,
        shape: examples.shape,
        inputs: filled.view(),
        missing: examples.gaps.columns().iter().map(|gap| gap.rows.len()).sum(),
        kind: TargetKind::Class,
        labels_per_row: None,
        foreground: None,
        labels: examples.labels.clone().unwrap_or_else(|| vec![None; filled.rows()]),
        classes: &examples.classes,
        numbers: None,
        split: examples.split.as_deref(),
        preparation: &examples.preparation,
        digest: None,
    })
}

fn of(view: &View<'_>) -> Description {
    let split = view.split.map(|split| {
        let test = split.iter().filter(|&&tag| tag == SplitTag::Test).count();
        SplitCount { train: split.len() - test, test }
    });
    let (scale, constant_columns) = measure(view.inputs);
    let mut description = Description {
        name: view.name.to_string(),
        rows: view.inputs.rows(),
        unlabelled: view.preparation.unlabelled,
        width: view.inputs.cols(),
        shape: view.shape.to_string(),
        columns: view.preparation.columns.clone(),
        classes: count_classes(view),
        labels_per_row: view.labels_per_row,
        foreground: view.foreground,
        numbers: view.numbers,
        split,
        missing: view.missing,
        constant_columns,
        duplicates: count_duplicates(view),
        scale,
        decisions: view.preparation.decisions.clone(),
        warnings: view.preparation.warnings.clone(),
        digest: view.digest.clone(),
    };
    description.warnings.extend(warnings::of(&description));
    description
}

fn count_classes(view: &View<'_>) -> Vec<ClassCount> {
    let empty = |name: &String| ClassCount { name: name.clone(), rows: 0, test: 0 };
    let mut classes: Vec<ClassCount> = view.classes.iter().map(empty).collect();
    for (row, label) in view.labels.iter().enumerate() {
        let Some(label) = *label else { continue };
        for (_, class) in classes.iter_mut().enumerate().filter(|&(name, _)| view.kind.holds(label, name)) {
            class.rows += 1;
            class.test += usize::from(is_test(view, row));
        }
    }
    classes
}

fn is_test(view: &View<'_>, row: usize) -> bool {
    view.split.is_some_and(|split| split[row] == SplitTag::Test)
}

fn measure(inputs: MatrixView<'_>) -> (Scale, Vec<usize>) {
    let width = inputs.cols();
    let (mut sums, mut least, mut most) =
        (vec![0.0f64; width], vec![f32::INFINITY; width], vec![f32::NEG_INFINITY; width]);
    for row in 0..inputs.rows() {
        for (column, &value) in inputs.row(row).iter().enumerate() {
            sums[column] += f64::from(value);
            least[column] = least[column].min(value);
            most[column] = most[column].max(value);
        }
    }
    let n = inputs.rows() as f64;
    let mut squares = vec![0.0f64; width];
    for row in 0..inputs.rows() {
        for (column, &value) in inputs.row(row).iter().enumerate() {
            squares[column] += (f64::from(value) - sums[column] / n).powi(2);
        }
    }
    let varied = || (0..width).filter(|&column| least[column] < most[column]);
    let spreads = || varied().map(|column| (squares[column] / n).sqrt());
    let scale = Scale {
        least: least.iter().copied().fold(f32::INFINITY, f32::min),
        most: most.iter().copied().fold(f32::NEG_INFINITY, f32::max),
        smallest_spread: spreads().reduce(f64::min).unwrap_or(0.0),
        largest_spread: spreads().fold(0.0, f64::max),
    };
    (scale, (0..width).filter(|&column| least[column] == most[column]).collect())
}

fn count_duplicates(view: &View<'_>) -> Duplicates {
    let inputs = view.inputs;
    // Inputs are finite, so any two rows compare; zeros of either sign are equal.
    let compare = |a: usize, b: usize| inputs.row(a).partial_cmp(inputs.row(b)).unwrap_or(Ordering::Equal);
    // Rows with the same inputs have the same digest; few others do, and only those are compared.
    let digest = |row: usize| {
        let mut hasher = DefaultHasher::new();
        inputs.row(row).iter().for_each(|value| hasher.write_u32((value + 0.0).to_bits()));
        hasher.finish()
    };
    let mut order: Vec<(u64, usize)> = (0..inputs.rows()).map(|row| (digest(row), row)).collect();
    order.sort_unstable();
    let mut found = Duplicates::default();
    for alike in order.chunk_by_mut(|a, b| a.0 == b.0) {
        alike.sort_by(|&(_, a), &(_, b)| compare(a, b).then(a.cmp(&b)));
        for group in alike.chunk_by(|&(_, a), &(_, b)| compare(a, b) == Ordering::Equal) {
            found.distinct_inputs += 1;
            let mut labels: Vec<Option<u32>> = group.iter().map(|&(_, row)| view.labels[row]).collect();
            labels.sort_unstable();
            labels.dedup();
            found.same_label += group.len() - labels.len();
            if labels.len() > 1 {
                found.different_labels += group.len();
            }
            let test = group.iter().filter(|&&(_, row)| is_test(view, row)).count();
            if test < group.len() {
                found.across_split += test;
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Matrix, Shape, Targets};

    /// Faults 11 to 14 in six rows: columns are a small one, a large one, a constant.
    fn faulty() -> Dataset {
        let values = vec![
            0.0, 5000.0, 7.0, // a, train
            1.0, 9000.0, 7.0, // b, train
            0.0, 5000.0, 7.0, // a, test: repeats row 0 across the split
            1.0, 9000.0, 7.0, // a, train: row 1 with another label
            0.5, 100.0, 7.0, // c, test: a class that training lacks
            -0.0, 5000.0, 7.0, // a, train: row 0 again, zeros of either sign being equal
        ];
        let names = ["a", "b", "c", "d"].map(String::from).to_vec();
        let targets = Targets::Class { labels: vec![0, 1, 0, 0, 2, 0], names };
        use SplitTag::{Test, Train};
        let split = Some(vec![Train, Train, Test, Train, Test, Train]);
        Dataset::new("faulty", Shape::Vector(3), Matrix::new(values, 6, 3), targets, split).unwrap()
    }

    #[test]
    fn faults_are_counted() {
        let it = describe(&faulty());
        assert_eq!(it.split, Some(SplitCount { train: 4, test: 2 }));
        let counts: Vec<_> = it.classes.iter().map(|class| (class.rows, class.test)).collect();
        assert_eq!(counts, [(4, 1), (1, 0), (1, 1), (0, 0)]);
        assert_eq!(it.constant_columns, [2]);
        let expected = Duplicates { distinct_inputs: 3, same_label: 2, different_labels: 2, across_split: 1 };
        assert_eq!(it.duplicates, expected);
        assert_eq!((it.scale.least, it.scale.most), (-0.0, 9000.0));
        assert_eq!(
            it.warnings,
            [
                "no rows of: d",
                "one row only, so not in every part of a split: b, c",
                "only in the test part, so they cannot be learned: c",
                "1 of 3 columns are constant and say nothing",
                "2 rows repeat the inputs and the label of another",
                "2 rows share their inputs with a row of another label",
                "1 test rows have the inputs of a training row: accuracy will flatter",
            ]
        );
    }

    #[test]
    fn the_text_and_the_json_say_the_same() {
        let it = describe(&faulty());
        let text = it.to_string();
        for part in [
            "rows        6",
            "split       4 train, 2 test",
            "distinct    3 inputs",
            it.digest.as_deref().unwrap(),
        ] {
            assert!(text.contains(part), "{text}");
        }
        let json = serde_json::to_value(&it).unwrap();
        assert_eq!(json["classes"][0]["rows"], 4);
        assert_eq!(json["duplicates"]["across_split"], 1);
        assert_eq!(json["shape"], "3");
    }

    #[test]
    fn a_sound_set_has_no_warnings() {
        let it = describe(&crate::data::synthetic::three_clust(crate::Key::root(1)).unwrap());
        assert!(it.warnings.is_empty(), "{:?}", it.warnings);
    }
}
