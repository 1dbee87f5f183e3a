//! The labels of rows that have any of several: one column of truth values per label, or one column of lists of names.

use super::cells::{Cells, Texts};
use super::encode::Reading;
use super::numbers;
use super::words;
use crate::data::error::DataError;
use crate::data::readers::ReadError;
use crate::data::table::Decision;
use crate::data::target::MAX_LABELS;
use crate::error::{Result, shorten};
use std::collections::BTreeSet;

/// What stands between the labels of a list, unless something else is said.
pub const LABEL_SEPARATOR: &str = ";";

/// The labels of a row as a column of lists has them, with `separator` between: without any, the separator alone.
pub(crate) fn listed<'n>(held: impl Iterator<Item = &'n str>, separator: &str) -> String {
    let held: Vec<&str> = held.collect();
    if held.is_empty() { separator.to_string() } else { held.join(separator) }
}

/// The sets of labels of a table.
pub(super) struct LabelSets {
    /// The set of every row that has been labelled, bit by bit.
    pub sets: Vec<Option<u32>>,
    pub names: Vec<String>,
    pub decisions: Vec<Decision>,
    pub warnings: Vec<String>,
}

impl LabelSets {
    /// Reads the columns of the labels, each with its name. A row without a value in any of them has not been labelled.
    ///
    /// # Errors
    /// [`ReadError`] with the place of a cell that is neither 0 nor 1, or that is empty in a row of which other labels are known;
    /// [`DataError::TooMany`].
    pub fn of_columns(reading: &Reading<'_>, columns: &[(&str, Cells)]) -> Result<Self> {
        check_count(reading.file, columns.len())?;
        let mut sets = vec![(0u32, 0usize); reading.rows];
        for (label, (name, cells)) in columns.iter().enumerate() {
            for (row, value) in truths(reading, name, cells)?.into_iter().enumerate() {
                if let Some(value) = value {
                    sets[row] = (sets[row].0 | u32::from(value) << label, sets[row].1 + 1);
                }
            }
        }
        if let Some(row) = sets.iter().position(|&(_, known)| known > 0 && known < columns.len()) {
            let empty = |(name, cells): &&(&str, Cells)| {
                truths(reading, name, cells).is_ok_and(|values| values[row].is_none())
            };
            let column = columns.iter().find(empty).map_or("", |(name, _)| *name);
            let (file, line, column) = (reading.file.to_string(), reading.line(row), column.to_string());
            return Err(ReadError::LabelGap { file, line, column }.into());
        }
        let sets = sets.into_iter().map(|(set, known)| (known > 0).then_some(set)).collect();
        let names = columns.iter().map(|(name, _)| name.to_string()).collect();
        let how = format!("{} columns hold 0 and 1", columns.len());
        Ok(Self::new(sets, names, &how, "--label COLUMN,COLUMN"))
    }

    /// Reads one column of names of labels with `separator` between. A row whose cell is empty has not been labelled; the
    /// separator alone is a row without any label.
    ///
    /// # Errors
    /// [`ReadError::Option`] where the column holds no texts, [`DataError::TooMany`] where there are too many names.
    pub fn of_lists(reading: &Reading<'_>, column: &str, cells: &Cells, separator: &str) -> Result<Self> {
        let shown = shorten(column).into_owned();
        let texts: Vec<Option<String>> = match cells {
            Cells::Texts(texts) | Cells::Levels(texts) => {
                texts.iter().map(|text| text.map(str::to_string)).collect()
            }
            Cells::Numbers(..) | Cells::Whole(..) | Cells::Truths(..) => {
                cells.texts().into_iter().map(|text| (!text.is_empty()).then_some(text)).collect()
            }
            Cells::Moments(..) | Cells::Vectors { .. } | Cells::Other(..) => {
                return Err(ReadError::Option {
                    file: reading.file.to_string(),
                    problem: format!("column {shown} holds no texts, and names of labels are to be read"),
                    hint: "name another column with --label, or leave out --label-separator".to_string(),
                }
                .into());
            }
        };
        let parts = |text: &'_ str| -> Vec<String> {
            text.split(separator).map(str::trim).filter(|part| !part.is_empty()).map(str::to_string).collect()
        };
        let mut names = BTreeSet::new();
        for text in texts.iter().flatten() {
            names.extend(parts(text));
            check_count(reading.file, names.len())?;
        }
        let names: Vec<String> = names.into_iter().collect();
        let set = |text: String| {
            let own = parts(&text);
            own.iter().filter_map(|part| names.binary_search(part).ok()).fold(0u32, |set, at| set | 1 << at)
        };
        let known = |text: &String| !text.trim().is_empty();
        let sets = texts.into_iter().map(|text| text.filter(known).map(set)).collect();
        let how = format!("column {shown} holds lists with {separator:?} between");
        Ok(Self::new(sets, names, &how, "--label-separator TEXT"))
    }

    fn new(sets: Vec<Option<u32>>, names: Vec<String>, how: &str, flag: &str) -> Self {
        let (rows, known) = (sets.len(), sets.iter().flatten().count());
        let held: u32 = sets.iter().flatten().map(|set| set.count_ones()).sum();
        let decisions = vec![Decision {
            what: "task".to_string(),
            choice: "multi_label".to_string(),
            reason: format!(
                "asked for: {how}; {} labels, {:.2} per row",
                names.len(),
                f64::from(held) / known.max(1) as f64
            ),
            flag: Some(flag.to_string()),
        }];
        let warnings = match rows - known {
            0 => Vec::new(),
            unlabelled => vec![format!(
                "{unlabelled} of {rows} rows have no label: simulations and fits use the other {known}"
            )],
        };
        Self { sets, names, decisions, warnings }
    }
}

fn check_count(file: &str, labels: usize) -> Result<(), DataError> {
    match labels > MAX_LABELS {
        false => Ok(()),
        true => {
            let (found, limit) = (labels as u128, MAX_LABELS as u128);
            Err(DataError::TooMany { name: file.to_string(), what: "labels", found, limit })
        }
    }
}

/// Whether each row has the label of a column; none where the cell is empty.
fn truths(reading: &Reading<'_>, name: &str, cells: &Cells) -> Result<Vec<Option<bool>>, ReadError> {
    let refuse = |row: usize, value: String| ReadError::LabelValue {
        file: reading.file.to_string(),
        line: reading.line(row),
        column: shorten(name).into_owned(),
        value,
    };
    let number = |row: usize, value: f64| match value {
        0.0 => Ok(Some(false)),
        1.0 => Ok(Some(true)),
        nan if nan.is_nan() => Ok(None),
        other => Err(refuse(row, other.to_string())),
    };
    let text = |row: usize, text: &str| match numbers::plain(text) {
        _ if words::no_label(text) => Ok(None),
        Some(value) => number(row, value),
        None if text.eq_ignore_ascii_case("false") => Ok(Some(false)),
        None if text.eq_ignore_ascii_case("true") => Ok(Some(true)),
        None => Err(refuse(row, shorten(text).into_owned())),
    };
    let of_texts = |texts: &Texts| {
        texts.iter().enumerate().map(|(row, cell)| cell.map_or(Ok(None), |cell| text(row, cell))).collect()
    };
    match cells {
        Cells::Numbers(values) => values.iter().enumerate().map(|(row, &value)| number(row, value)).collect(),
        Cells::Whole(values) => {
            let values = values.iter().enumerate();
            values.map(|(row, value)| value.map_or(Ok(None), |value| number(row, value as f64))).collect()
        }
        Cells::Truths(values) => Ok(values.clone()),
        Cells::Texts(texts) | Cells::Levels(texts) => of_texts(texts),
        Cells::Moments(..) | Cells::Vectors { .. } | Cells::Other(..) => Err(ReadError::Option {
            file: reading.file.to_string(),
            problem: format!("column {} holds neither 0 nor 1, and labels are to be read", shorten(name)),
            hint: "name other columns with --label".to_string(),
        }),
    }
}
