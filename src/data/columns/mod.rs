//! What the columns of a [`Table`] are for and what they hold, and numbers made of them.
//!
//! `roles` says which column holds the labels, the split, what the rows are called, and which are
//! features. Of a feature it is inferred whether it holds numbers, truth values, dates, categories or text
//! (`kinds`), and it becomes one or several columns of numbers (`encode`). Everything
//! that a file leaves open is written down as a [`Decision`] with its reason and the flag that takes it otherwise.
//!
//! **What is fitted, and on what.** Levels of categories, and which of them are rare, come from all rows of the table:
//! they are inputs, never labels. Values that are missing are not filled in here but marked as
//! [`Gaps`]: a [`Task`](super::Task) fills them with the medians of its own pool, and scales by
//! its pool, so that no statistic sees a test row. Formats are read elsewhere (`readers`).

mod absent;
mod categories;
mod cells;
mod domains;
mod encode;
mod exact;
mod forms;
mod ids;
mod kinds;
mod label_sets;
pub(super) mod labels;
mod moments;
mod numbers;
mod numbers_to_predict;
pub(super) mod roles;
pub(super) mod sentinels;
mod spelling;
mod split;
mod text;
pub(super) mod words;

pub use categories::{MAX_LEVELS, RARE_SHARE};
pub use kinds::Kind;
pub use label_sets::LABEL_SEPARATOR;
pub(crate) use label_sets::listed;
pub(super) use roles::several;
pub use text::{TEXT_WIDTH, texts};

use super::dataset::{Dataset, Shape, SplitTag, Targets, check_size, filled};
use super::domains::Domain;
use super::error::DataError;
use super::gaps::{Gap, Gaps};
use super::masks::Masks;
use super::matrix::Matrix;
use super::provenance;
use super::readers::{ReadError, ReadOptions, Separator, read_features};
use super::table::{Decision, Table};
use crate::data::target::word_of;
use crate::data::{Partly, TargetKind};
use crate::error::{Result, shorten};
use arrow_array::{ArrayRef, RecordBatch};
use cells::Cells;
use encode::{Encoded, Reading};
use label_sets::LabelSets;
use labels::{Labels, Wanted};
use numbers_to_predict::Numbers;
use rayon::prelude::*;
use roles::{Role, Roles};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

/// The label column, unless another is named.
pub const DEFAULT_LABEL: &str = "label";
/// The column that holds the official split, unless another is named.
pub const DEFAULT_SPLIT_COLUMN: &str = "split";

/// What the columns of a table are for. Columns are named as the header names them, or by their position: from 0, and
/// from -1 backwards.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ColumnOptions {
    /// The column that holds the labels, or the member of an archive; `None` for the one called
    /// [`label`](DEFAULT_LABEL). Of [sets of labels](TargetKind::MultiLabel), names or patterns of columns of 0 and 1 with commas
    /// between.
    pub label: Option<String>,
    /// What the labels are: [`Class`](TargetKind::Class), unless numbers or sets of labels are to be predicted.
    pub task: TargetKind,
    /// What stands between names of labels, where one column lists those of every row: alone in a row without any. An empty cell is a
    /// row that has not been labelled.
    pub label_separator: Option<String>,
    /// The column with `train` or `test`; `None` for the one called [`split`](DEFAULT_SPLIT_COLUMN), if there is one.
    pub split: Option<String>,
    /// The column with what the rows are called, which is no feature.
    pub id: Option<String>,
    /// The column that says which domain every row is of, which is no feature.
    pub domains: Option<DomainColumn>,
    /// The features, by name or pattern (`x*`, `item_?`); empty for all columns that have no other role. What is named
    /// without a pattern is kept, whatever it looks like.
    pub columns: Vec<String>,
    /// Columns that are no features, by name or pattern.
    pub ignore: Vec<String>,
    /// What a column holds, by its name, where that is not to be inferred.
    pub types: Vec<(String, Kind)>,
    /// Values that stand for none, as they are written: in all columns, or, as `COLUMN=VALUE`, in one.
    pub missing: Vec<String>,
}

impl ColumnOptions {
    /// What stands between names of labels where lists are written: as in those that are read, else as usual.
    pub fn separator(&self) -> &str {
        self.label_separator.as_deref().unwrap_or(LABEL_SEPARATOR)
    }
}

/// A column that says where rows are from, such as a hospital, a camera or a year.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DomainColumn {
    /// Its name or position.
    pub column: String,
    /// Its values in rows of the source domain. All others are of the target domain.
    pub source: Vec<String>,
}

/// How a data set was made of a file: what was decided, and what to look into.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Preparation {
    /// Everything that the file left open, and how it was taken.
    pub decisions: Vec<Decision>,
    /// What whoever uses the data should look into, a line each.
    pub warnings: Vec<String>,
    /// What the inputs are called, one text per column; none where the format does not say.
    pub columns: Vec<String>,
    /// Rows of the file that have no label, and so are not in the data set.
    pub unlabelled: usize,
}

/// All rows of a table, whether they have a label or not.
#[derive(Clone, Debug)]
pub struct Examples {
    /// The file, for messages.
    pub file: String,
    /// What the data set is called.
    pub name: String,
    /// The shape of one example.
    pub shape: Shape,
    /// The inputs, shape `[rows, width]`; 0 where there is a gap.
    pub inputs: Matrix,
    /// Cells without a value.
    pub gaps: Gaps,
    /// The class of every row that has one; `None` where the table has no column of labels at all.
    pub labels: Option<Vec<Option<u32>>>,
    /// The names of the classes.
    pub classes: Vec<String>,
    /// The number of every row that has one, where numbers are to be predicted; there are no classes then.
    pub numbers: Option<Vec<Option<f64>>>,
    /// The set of labels of every row that has been labelled, where such are to be predicted; `classes` are then the labels' names.
    pub sets: Option<Vec<Option<u32>>>,
    /// The masks of all images, and whether each is known; what an unknown one holds means nothing.
    pub masks: Option<(Arc<Masks>, Vec<bool>)>,
    /// The official split, one entry per row.
    pub split: Option<Vec<SplitTag>>,
    /// What the rows are called.
    pub ids: Option<Vec<String>>,
    /// The domain of every row, where a column says it.
    pub domains: Option<Vec<Domain>>,
    /// The columns that hold the labels.
    pub label_columns: Vec<String>,
    /// What was decided.
    pub preparation: Preparation,
}

/// The labelled rows of a table as a data set.
///
/// # Errors
/// [`ReadError`] with the place where a column is not there or cannot be what it is for, where the labels look like
/// numbers to be predicted and not like classes, or where no row has a label.
pub fn dataset(table: Table, options: &ReadOptions) -> Result<Dataset> {
    examples(table, options, Wanted::Required)?.into_dataset()
}

impl Examples {
    /// Whether any row has a label, of whatever kind.
    pub fn is_labelled(&self) -> bool {
        fn any<T>(of: &Option<Vec<Option<T>>>) -> bool {
            of.iter().flatten().any(Option::is_some)
        }
        let masked = self.masks.as_ref().is_some_and(|(_, known)| known.contains(&true));
        any(&self.labels) || any(&self.numbers) || any(&self.sets) || masked
    }

    /// The targets, of this kind, as words, of which those of rows without one mean nothing; how many classes, labels or pixels there
    /// are; and the rows that have a target, ascending.
    pub fn partly(&self, kind: TargetKind) -> (Partly, usize, Vec<u32>) {
        let words: Vec<Option<u32>> = match kind {
            TargetKind::Class => self.labels.clone().unwrap_or_default(),
            TargetKind::MultiLabel => self.sets.clone().unwrap_or_default(),
            TargetKind::Real => {
                let word = |number: f64| word_of(number as f32);
                self.numbers.iter().flatten().map(|number| number.map(word)).collect()
            }
            TargetKind::Mask => {
                let known = self.masks.iter().flat_map(|(_, known)| known);
                (0..).zip(known).map(|(row, &known)| known.then_some(row)).collect()
            }
        };
        let words = if words.is_empty() { vec![None; self.inputs.rows()] } else { words };
        let classes = match (kind, &self.masks) {
            (TargetKind::Mask, Some((masks, _))) => masks.pixels(),
            _ => self.classes.len(),
        };
        let labelled = (0..).zip(&words).filter(|(_, word)| word.is_some()).map(|(row, _)| row).collect();
        let masks = self.masks.as_ref().map(|(masks, _)| Arc::clone(masks));
        let words = words.into_iter().map(Option::unwrap_or_default).collect();
        (Partly { kind, words, masks }, classes, labelled)
    }

    /// The inputs with the medians of all rows in gaps.
    pub fn filled(&self) -> Matrix {
        let rows: Vec<u32> = (0..self.inputs.rows() as u32).collect();
        filled(&self.inputs, &self.gaps, &rows)
    }

    /// The rows that have a label, as a data set.
    ///
    /// # Errors
    /// [`ReadError::Unlabelled`] if no row has one, and those of [`Dataset::new`].
    pub fn into_dataset(self) -> Result<Dataset> {
        let rows_with = |known: &mut dyn Iterator<Item = bool>| -> Vec<u32> {
            (0u32..).zip(known).filter(|(_, known)| *known).map(|(row, _)| row).collect()
        };
        let (kept, targets) = match (&self.numbers, &self.sets) {
            (Some(numbers), _) => {
                let kept = rows_with(&mut numbers.iter().map(Option::is_some));
                (
                    kept,
                    Targets::Real { values: numbers.iter().flatten().map(|&number| number as f32).collect() },
                )
            }
            (None, Some(sets)) => {
                let kept = rows_with(&mut sets.iter().map(Option::is_some));
                let sets = sets.iter().flatten().copied().collect();
                (kept, Targets::MultiLabel { sets, names: self.classes })
            }
            (None, None) => {
                let all = self.labels.unwrap_or_default();
                let kept = rows_with(&mut all.iter().map(Option::is_some));
                let labels = all.into_iter().flatten().collect();
                (kept, Targets::Class { labels, names: self.classes })
            }
        };
        if kept.is_empty() {
            let (file, rows) = (self.file, self.inputs.rows());
            return Err(ReadError::Unlabelled { file, rows }.into());
        }
        let whole = kept.len() == self.inputs.rows();
        let rows = || kept.iter().map(|&row| row as usize);
        let inputs = if whole { self.inputs } else { self.inputs.gather(rows()) };
        let gaps = if whole { self.gaps } else { self.gaps.of_rows(&kept) };
        let split = self.split.map(|split| rows().map(|row| split[row]).collect());
        let ids: Option<Vec<String>> = self.ids.map(|ids| rows().map(|row| ids[row].clone()).collect());
        let domains: Option<Vec<Domain>> =
            self.domains.map(|domains| rows().map(|row| domains[row]).collect());
        let set = Dataset::new(self.name, self.shape, inputs, targets, split)?;
        let mut set = set.with_gaps(gaps).prepared_by(self.preparation);
        if !whole {
            set = set.of_rows(kept)?;
        }
        if let Some(ids) = ids {
            set = set.with_ids(ids)?;
        }
        if let Some(domains) = domains {
            set = set.with_domains(domains)?;
        }
        Ok(set)
    }
}

/// All rows of a table, labelled or not: for labelling in earnest, and to look at a table without labels.
///
/// # Errors
/// As [`dataset()`], but a table may have no label at all.
pub fn pool(table: Table, options: &ReadOptions) -> Result<Examples> {
    examples(table, options, Wanted::Optional)
}

fn examples(table: Table, options: &ReadOptions, wanted: Wanted) -> Result<Examples> {
    let Table { file, columns, typed, lines, mut decisions, warnings, .. } = table;
    let rows = columns.num_rows();
    if rows == 0 {
        return Err(ReadError::NoRows { file }.into());
    }
    check_size(&file, rows, 1)?;
    let names: Vec<String> = columns.schema().fields().iter().map(|field| field.name().clone()).collect();
    let roles = Roles::new(&file, &names, options, wanted)?;
    let separator = match options.separator {
        Some(Separator::Byte(byte)) => Some(char::from(byte)),
        Some(Separator::Blanks) => Some(' '),
        None => separator_in(&decisions),
    };
    let mut reading = Reading {
        file: &file,
        rows,
        typed,
        lines: &lines,
        separator,
        decimal: options.decimal,
        points_group: false,
        text_width: options.hash,
        width: AtomicUsize::new(0),
    };
    let (_, mut arrays, _) = columns.into_parts();
    let taken = absent::take_out(&file, &names, &mut arrays, &options.columns.missing)?;
    let commas = |array: &ArrayRef| matches!(Cells::of(array), Cells::Texts(texts) if kinds::decimal_commas(&reading, &texts));
    let points_group =
        !typed && reading.commas_are_free() && (options.decimal == Some(',') || arrays.iter().any(commas));
    reading.points_group = points_group;
    let mut preparation = Preparation { warnings, ..Preparation::default() };
    decisions.extend(roles.decisions(&names));
    decisions.extend(taken);

    let (mut labels, mut numbers, mut sets) = (None, None, None);
    if let Some(at) = roles.of(Role::Label) {
        let cells = |at: usize| Cells::of(&arrays[at]);
        match (options.columns.task, &options.columns.label_separator) {
            (TargetKind::Class, _) => labels = Some(Labels::read(&reading, &names[at], &cells(at))?),
            (TargetKind::Real, _) => numbers = Some(Numbers::read(&reading, &names[at], &cells(at))?),
            (TargetKind::Mask, _) => {
                return Err(ReadError::Option {
                    file: reading.file.to_string(),
                    problem: "a table holds no masks".to_string(),
                    hint: "masks are read from archives of NumPy and from folders of pictures".to_string(),
                }
                .into());
            }
            (TargetKind::MultiLabel, Some(separator)) => {
                sets = Some(LabelSets::of_lists(&reading, &names[at], &cells(at), separator)?);
            }
            (TargetKind::MultiLabel, None) => {
                let columns: Vec<(&str, Cells)> =
                    roles.all_of(Role::Label).map(|at| (&*names[at], cells(at))).collect();
                sets = Some(LabelSets::of_columns(&reading, &columns)?);
            }
        }
    }
    if let Some(sets) = &sets {
        decisions.extend(sets.decisions.iter().cloned());
        preparation.warnings.extend(sets.warnings.iter().cloned());
        preparation.unlabelled = sets.sets.iter().filter(|set| set.is_none()).count();
    }
    if let Some(numbers) = &numbers {
        decisions.extend(numbers.decisions.iter().cloned());
        preparation.warnings.extend(numbers.warnings.iter().cloned());
        preparation.unlabelled = numbers.values.iter().filter(|value| value.is_none()).count();
    }
    if let Some(labels) = &labels {
        decisions.extend(labels.decisions.iter().cloned());
        preparation.warnings.extend(labels.warnings.iter().cloned());
        preparation.unlabelled = labels.classes.iter().filter(|class| class.is_none()).count();
    }
    let split = match roles.of(Role::Split) {
        None => None,
        Some(at) => split::read(&reading, &names[at], &Cells::of(&arrays[at]))?,
    };
    let ids = roles.of(Role::Id).map(|at| Cells::of(&arrays[at]).texts());
    let domains = match (&options.columns.domains, roles.of(Role::Domain)) {
        (Some(wanted), Some(at)) => {
            let (domains, said) = domains::read(&reading, &names[at], &Cells::of(&arrays[at]), wanted)?;
            decisions.push(said);
            Some(domains)
        }
        _ => None,
    };

    let (inputs, gaps) = if options.features.is_empty() {
        let classes = labels.as_ref().map(|labels| &labels.classes[..]);
        let features: Vec<(usize, ArrayRef)> =
            arrays.into_iter().enumerate().filter(|(at, _)| roles.is_feature(*at)).collect();
        // Of several faults, the leftmost column's is reported, whichever thread comes first.
        let encoded: Vec<Result<Encoded>> = features
            .into_par_iter()
            .map(|(at, array)| {
                let cells = Cells::of(&array);
                encode::column(&reading, &names[at], cells, roles.asked(at), roles.kind(at), classes)
            })
            .collect();
        let encoded: Vec<Encoded> = encoded.into_iter().collect::<Result<_>>()?;
        join(&reading, encoded, &mut decisions, &mut preparation)?
    } else {
        let (inputs, said) = beside(&file, rows, options)?;
        decisions.extend(said);
        (inputs, Gaps::default())
    };
    let shape = match options.shape {
        None => Shape::Vector(inputs.cols()),
        Some(shape) if shape.width() == inputs.cols() => shape,
        Some(shape) => {
            let (name, expected, found) = (file, shape.width(), inputs.cols());
            return Err(DataError::Disagree { name, what: "feature columns", expected, found }.into());
        }
    };
    preparation.decisions = decisions;
    let (classes, labels) = labels.map_or((Vec::new(), None), |all| (all.names, Some(all.classes)));
    let (classes, sets) = sets.map_or((classes, None), |all| (all.names, Some(all.sets)));
    let name = options.name.clone().unwrap_or_else(|| file.clone());
    let label_columns = roles.all_of(Role::Label).map(|at| names[at].clone()).collect();
    let numbers = numbers.map(|numbers| numbers.values);
    Ok(Examples {
        file,
        name,
        shape,
        inputs,
        gaps,
        labels,
        classes,
        numbers,
        sets,
        masks: None,
        split,
        ids,
        domains,
        label_columns,
        preparation,
    })
}

/// The columns of a table by name with their cells as text, empty where there is none: what people are shown of a row.
pub fn columns_as_text(columns: &RecordBatch) -> Vec<(String, Vec<String>)> {
    let schema = columns.schema();
    let column = |(field, array): (&arrow_schema::FieldRef, &ArrayRef)| {
        (field.name().clone(), Cells::of(array).texts())
    };
    schema.fields().iter().zip(columns.columns()).map(column).collect()
}

/// What separates fields, where the reader of a format has decided it.
fn separator_in(decisions: &[Decision]) -> Option<char> {
    let choice = &decisions.iter().find(|one| one.what == "separator")?.choice;
    [(';', ";"), ('\t', "tab"), ('\t', "\t"), ('|', "|"), (',', ",")]
        .into_iter()
        .find(|(_, text)| choice.contains(text))
        .map(|(separator, _)| separator)
}

/// The columns side by side, row after row.
fn join(
    reading: &Reading<'_>,
    encoded: Vec<Encoded>,
    decisions: &mut Vec<Decision>,
    preparation: &mut Preparation,
) -> Result<(Matrix, Gaps)> {
    let (file, rows) = (reading.file, reading.rows);
    let width: usize = encoded.iter().map(|column| column.features.len()).sum();
    for column in &encoded {
        decisions.extend(column.decisions.iter().cloned());
        preparation.warnings.extend(column.warnings.iter().cloned());
    }
    if width == 0 {
        let out: Vec<String> = encoded.iter().map(|column| shorten(&column.name).into_owned()).collect();
        let reason = |column: &Encoded| column.decisions.last().map(|decision| decision.reason.clone());
        let (problem, hint) = match (&out[..], encoded.iter().find_map(reason)) {
            ([], _) => ("no feature columns; at least 1 is needed".to_string(), String::new()),
            (out @ [first, ..], reason) => {
                let reason = reason.map_or(String::new(), |reason| format!(" ({first}: {reason})"));
                let problem = format!(
                    "no feature columns are left: all of {} were left out{reason}",
                    roles::listed(out)
                );
                let separator = match out {
                    [_] if !reading.typed => "--separator says what fields are separated by; ",
                    _ => "",
                };
                (problem, format!("{separator}--columns \"{first}\" takes it all the same; "))
            }
        };
        let hint = format!("{hint}arrays of features are handed in with --features");
        return Err(ReadError::Option { file: file.to_string(), problem, hint }.into());
    }
    check_size(file, rows, width)?;
    let (mut gaps, mut parts) = (Vec::new(), Vec::with_capacity(width));
    for column in encoded {
        let missing: Arc<[u32]> = column.missing.into();
        for feature in column.features {
            if feature.gapped && !missing.is_empty() {
                gaps.push(Gap { column: parts.len(), rows: missing.clone() });
            }
            preparation.columns.push(feature.name);
            parts.push(feature.values);
        }
    }
    give_back(rows * width);
    Ok((side_by_side(&parts, rows), Gaps::new(gaps)))
}

/// Gives back to the system what has been freed so far, if so many values are about to be allocated that it matters:
/// between the columns that are kept, glibc holds on to what they were made of.
fn give_back(values: usize) {
    /// 64 MiB of inputs.
    const MANY: usize = 16 << 20;
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    if values >= MANY {
        // SAFETY: no pointer is handed in, and glibc locks its heaps.
        unsafe { libc::malloc_trim(0) };
    }
    #[cfg(not(all(target_os = "linux", target_env = "gnu")))]
    let _ = (values, MANY);
}

/// Columns of so many rows as a matrix.
fn side_by_side(columns: &[Vec<f32>], rows: usize) -> Matrix {
    /// Rows that are filled column by column while they are near.
    const BLOCK: usize = 64;
    let width = columns.len();
    let mut values = vec![0.0f32; rows * width];
    for (block, start) in values.chunks_mut(BLOCK * width).zip((0..rows).step_by(BLOCK)) {
        let count = block.len() / width;
        for (at, column) in columns.iter().enumerate() {
            for (row, &value) in column[start..start + count].iter().enumerate() {
                block[row * width + at] = value;
            }
        }
    }
    Matrix::new(values, rows, width)
}

/// The arrays that take the place of feature columns, side by side.
pub(super) fn beside(file: &str, rows: usize, options: &ReadOptions) -> Result<(Matrix, Vec<Decision>)> {
    if !options.columns.columns.is_empty() {
        return Err(ReadError::Option {
            file: file.to_string(),
            problem: "`--columns` and `--features` named, and features come from one of the two".to_string(),
            hint: "leave out --columns: no column of the table is a feature beside --features".to_string(),
        }
        .into());
    }
    let mut decisions = Vec::new();
    let parts = read_features(&options.features, options, &mut decisions)?;
    for (path, part) in options.features.iter().zip(&parts) {
        provenance::check(path, part.rows())?;
        if part.rows() != rows {
            let (found, features) = (part.rows(), path.display().to_string());
            let other = file.to_string();
            return Err(ReadError::Rows { file: features, found, other, expected: rows }.into());
        }
    }
    let width = parts.iter().map(Matrix::cols).sum();
    check_size(file, rows, width)?;
    let inputs = match <[Matrix; 1]>::try_from(parts) {
        Ok([only]) => only,
        Err(parts) => {
            let side_by_side = (0..rows).flat_map(|row| parts.iter().flat_map(move |part| part.row(row)));
            Matrix::new(side_by_side.copied().collect(), rows, width)
        }
    };
    let files: Vec<String> = options.features.iter().map(|path| path.display().to_string()).collect();
    decisions.push(Decision {
        what: "features".to_string(),
        choice: format!("{width} columns of {}", roles::listed(&files)),
        reason: "they were named, or are the one array beside a table with a column of text in the data folder; no column of \
                 the table is a feature then".to_string(),
        flag: Some("--features".to_string()),
    });
    Ok((inputs, decisions))
}

#[cfg(test)]
mod tests {
    use super::super::table::RowLines;
    use super::*;
    use arrow_array::types::Float32Type;
    use arrow_array::{
        BooleanArray, FixedSizeListArray, Int64Array, StringArray, TimestampMillisecondArray, UInt64Array,
    };

    /// A format that knows types is believed: its text stays text, its dates and lists are dates and lists.
    #[test]
    fn typed_columns_are_read_by_their_types() {
        let day = 86_400_000;
        let list = |a: f32, b: f32| Some(vec![Some(a), Some(b)]);
        let lists = [list(1.0, 2.0), list(3.0, 4.0), list(5.0, 6.0)];
        let columns: [(&str, ArrayRef); 6] = [
            ("n", Arc::new(Int64Array::from(vec![Some(1), None, Some(3)]))),
            ("b", Arc::new(BooleanArray::from(vec![true, false, true]))),
            ("t", Arc::new(TimestampMillisecondArray::from(vec![0, day, 2 * day]))),
            ("v", Arc::new(FixedSizeListArray::from_iter_primitive::<Float32Type, _, _>(lists, 2))),
            ("s", Arc::new(StringArray::from(vec!["1", "2", "1"]))),
            ("label", Arc::new(Int64Array::from(vec![7, 8, 7]))),
        ];
        let table = Table {
            file: "t.parquet".into(),
            columns: RecordBatch::try_from_iter(columns).unwrap(),
            typed: true,
            named: true,
            lines: RowLines::default(),
            decisions: Vec::new(),
            warnings: Vec::new(),
        };
        let set = dataset(table, &ReadOptions::default()).unwrap();
        let names = ["n", "n=(missing)", "b", "t", "t.weekday.sin", "t.weekday.cos", "v#0", "v#1", "s"];
        assert_eq!(set.preparation().columns, names);
        let first = set.inputs().row(0);
        assert_eq!([first[0], first[1], first[2], first[3], first[7]], [1.0, 0.0, 1.0, -1.0, 2.0]);
        assert_eq!((set.class_names().concat().as_str(), set.labels()), ("78", &[0, 1, 0][..]));
        assert_eq!(set.gaps().columns(), [Gap { column: 0, rows: [1].into() }]);
    }

    #[test]
    fn columns_become_rows() {
        for rows in [1, 63, 64, 65, 200] {
            let column = |at: usize| (0..rows).map(|row| (row * 3 + at) as f32).collect();
            let found = side_by_side(&[column(0), column(1), column(2)], rows);
            assert!(found.values().iter().enumerate().all(|(at, &value)| value == at as f32), "{rows}");
        }
    }

    /// Whole numbers beyond 2^53 were once merged, in labels and in features.
    #[test]
    fn whole_numbers_of_typed_columns_are_exact() {
        let first = 1_700_000_000_000_000_000i64;
        let columns: [(&str, ArrayRef); 4] = [
            ("stamp", Arc::new(Int64Array::from_iter_values((0..40).map(|row| first + row * row)))),
            ("user_id", Arc::new(UInt64Array::from_iter_values((0..40).map(|row| u64::MAX - row * row)))),
            ("a", Arc::new(Int64Array::from_iter_values((0..40).map(|row| row % 7)))),
            ("label", Arc::new(Int64Array::from_iter_values((0..40).map(|row| i64::MAX - row % 2)))),
        ];
        let table = Table {
            file: "t.parquet".into(),
            columns: RecordBatch::try_from_iter(columns).unwrap(),
            typed: true,
            named: true,
            lines: RowLines::default(),
            decisions: Vec::new(),
            warnings: Vec::new(),
        };
        let set = dataset(table, &ReadOptions::default()).unwrap();
        assert_eq!(set.class_names(), ["9223372036854775806", "9223372036854775807"]);
        assert_eq!(set.preparation().columns, ["stamp", "a"]);
        let stamps: std::collections::HashSet<u32> =
            (0..40).map(|row| set.inputs().row(row)[0].to_bits()).collect();
        assert_eq!(stamps.len(), 40);
    }
}
