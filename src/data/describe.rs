//! What a data set holds, and what is wrong with it, in figures and in plain words.

use super::dataset::{Dataset, SplitTag};
use serde::Serialize;
use std::cmp::Ordering;
use std::fmt;

/// A class with fewer times the rows of the most frequent one is warned of.
pub const IMBALANCE_WARNED: usize = 20;
/// Ratio of the largest to the smallest column spread from which scaling is advised.
pub const SPREAD_WARNED: f64 = 1e3;

/// A data set in figures. See [`describe`].
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Description {
    /// The data set's name.
    pub name: String,
    /// Examples.
    pub rows: usize,
    /// Numbers per example.
    pub width: usize,
    /// `64`, or `1x28x28` (channels, height, width).
    pub shape: String,
    /// Every class, those without a row included.
    pub classes: Vec<ClassCount>,
    /// Rows of the official split, if there is one.
    pub split: Option<SplitCount>,
    /// Columns (from 0) that have one value throughout.
    pub constant_columns: Vec<usize>,
    /// Rows with the same inputs.
    pub duplicates: Duplicates,
    /// The range and the spread of the columns.
    pub scale: Scale,
    /// What to look into before using the data.
    pub warnings: Vec<String>,
    /// The content digest, see [`Dataset::digest`].
    pub digest: String,
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

/// Counts everything that [`Description`] says. Takes one sort of the rows.
pub fn describe(dataset: &Dataset) -> Description {
    let classes = count_classes(dataset);
    let split = dataset.split().map(|split| {
        let test = split.iter().filter(|&&tag| tag == SplitTag::Test).count();
        SplitCount { train: split.len() - test, test }
    });
    let (scale, constant_columns) = measure(dataset);
    let mut description = Description {
        name: dataset.name().to_string(),
        rows: dataset.rows(),
        width: dataset.width(),
        shape: dataset.shape().to_string(),
        classes,
        split,
        constant_columns,
        duplicates: count_duplicates(dataset),
        scale,
        warnings: Vec::new(),
        digest: dataset.digest().to_string(),
    };
    description.warnings = warnings(&description);
    description
}

fn count_classes(dataset: &Dataset) -> Vec<ClassCount> {
    let empty = |name: &String| ClassCount { name: name.clone(), rows: 0, test: 0 };
    let mut classes: Vec<ClassCount> = dataset.class_names().iter().map(empty).collect();
    for (row, &label) in dataset.labels().iter().enumerate() {
        let class = &mut classes[label as usize];
        class.rows += 1;
        class.test += usize::from(is_test(dataset, row));
    }
    classes
}

fn is_test(dataset: &Dataset, row: usize) -> bool {
    dataset.split().is_some_and(|split| split[row] == SplitTag::Test)
}

fn measure(dataset: &Dataset) -> (Scale, Vec<usize>) {
    let inputs = dataset.inputs();
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

fn count_duplicates(dataset: &Dataset) -> Duplicates {
    let inputs = dataset.inputs();
    // Inputs are finite, so any two rows compare; zeros of either sign are equal.
    let compare = |a: usize, b: usize| inputs.row(a).partial_cmp(inputs.row(b)).unwrap_or(Ordering::Equal);
    let mut order: Vec<usize> = (0..inputs.rows()).collect();
    order.sort_by(|&a, &b| compare(a, b).then(a.cmp(&b)));
    let mut found = Duplicates::default();
    for group in order.chunk_by(|&a, &b| compare(a, b) == Ordering::Equal) {
        found.distinct_inputs += 1;
        let mut labels: Vec<u32> = group.iter().map(|&row| dataset.labels()[row]).collect();
        labels.sort_unstable();
        labels.dedup();
        found.same_label += group.len() - labels.len();
        if labels.len() > 1 {
            found.different_labels += group.len();
        }
        let test = group.iter().filter(|&&row| is_test(dataset, row)).count();
        if test < group.len() {
            found.across_split += test;
        }
    }
    found
}

fn warnings(it: &Description) -> Vec<String> {
    let mut warnings = Vec::new();
    let mut warn = |applies: bool, text: String| {
        if applies {
            warnings.push(text);
        }
    };
    let names = |wanted: &dyn Fn(&ClassCount) -> bool| {
        /// Names that are listed; more are only counted.
        const LISTED: usize = 8;
        let names: Vec<&str> =
            it.classes.iter().filter(|class| wanted(class)).map(|class| class.name.as_str()).collect();
        let more = names.len().saturating_sub(LISTED);
        let listed = names.iter().take(LISTED).copied().collect::<Vec<_>>().join(", ");
        if more > 0 { format!("{listed} and {more} more") } else { listed }
    };
    let populated = it.classes.iter().filter(|class| class.rows > 0).count();
    warn(populated < 2, "only one class has rows: there is nothing to tell apart".to_string());
    let empty = names(&|class| class.rows == 0);
    warn(!empty.is_empty(), format!("no rows of: {empty}"));
    let single = names(&|class| class.rows == 1);
    warn(!single.is_empty(), format!("one row only, so not in every part of a split: {single}"));
    let untrained = names(&|class| class.test > 0 && class.test == class.rows);
    warn(!untrained.is_empty(), format!("only in the test part, so they cannot be learned: {untrained}"));
    let most = it.classes.iter().map(|class| class.rows).max().unwrap_or(0);
    let rare = names(&|class| class.rows > 1 && class.rows * IMBALANCE_WARNED < most);
    let text = format!("under a {IMBALANCE_WARNED}th of the most frequent class ({most} rows): {rare}");
    warn(!rare.is_empty(), text);
    if let Some(split) = it.split {
        warn(split.test == 0, "the official split has no test rows; a seeded split is made".to_string());
        warn(split.train == 0, "the official split has no training rows: it cannot be used".to_string());
    }
    let constant = it.constant_columns.len();
    warn(constant > 0, format!("{constant} of {} columns are constant and say nothing", it.width));
    let Duplicates { same_label, different_labels, across_split, .. } = it.duplicates;
    warn(same_label > 0, format!("{same_label} rows repeat the inputs and the label of another"));
    let text = format!("{different_labels} rows share their inputs with a row of another label");
    warn(different_labels > 0, text);
    let text = format!("{across_split} test rows have the inputs of a training row: accuracy will flatter");
    warn(across_split > 0, text);
    warn(it.width > it.rows, format!("more columns ({}) than rows ({})", it.width, it.rows));
    let ratio = it.scale.largest_spread / it.scale.smallest_spread;
    let text = format!("columns differ in spread by a factor of {ratio:.0}: scale them");
    warn(it.scale.smallest_spread > 0.0 && ratio >= SPREAD_WARNED, text);
    warnings
}

impl fmt::Display for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// Classes that are listed; more are only counted.
        const LISTED: usize = 30;
        writeln!(f, "{}", self.name)?;
        writeln!(f, "  rows        {}", self.rows)?;
        writeln!(f, "  shape       {} ({} numbers per row)", self.shape, self.width)?;
        match self.split {
            Some(split) => writeln!(f, "  split       {} train, {} test", split.train, split.test)?,
            None => writeln!(f, "  split       none")?,
        }
        writeln!(f, "  classes     {}", self.classes.len())?;
        for class in self.classes.iter().take(LISTED) {
            writeln!(f, "    {:<20} {:>8}", class.name, class.rows)?;
        }
        if self.classes.len() > LISTED {
            writeln!(f, "    and {} more", self.classes.len() - LISTED)?;
        }
        let Scale { least, most, smallest_spread, largest_spread } = self.scale;
        writeln!(f, "  values      {least} to {most}")?;
        writeln!(f, "  spread      {smallest_spread:.4} to {largest_spread:.4} per column")?;
        writeln!(f, "  constant    {} columns", self.constant_columns.len())?;
        writeln!(f, "  distinct    {} inputs", self.duplicates.distinct_inputs)?;
        writeln!(f, "  digest      {}", self.digest)?;
        if self.warnings.is_empty() {
            return write!(f, "  warnings    none");
        }
        write!(f, "  warnings")?;
        for warning in &self.warnings {
            write!(f, "\n    {warning}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Matrix, Shape, Targets};

    /// Faults 11 to 14 in six rows: columns are a small one (spread 0.4488), a large one (3011.3), a
    /// constant.
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
                "columns differ in spread by a factor of 6710: scale them",
            ]
        );
    }

    #[test]
    fn the_text_and_the_json_say_the_same() {
        let it = describe(&faulty());
        let text = it.to_string();
        for part in
            ["rows        6", "split       4 train, 2 test", "distinct    3 inputs", it.digest.as_str()]
        {
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
