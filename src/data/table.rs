//! [`Table`]: what a file of columns holds, before anything decides what the columns mean.

use arrow_array::RecordBatch;
use serde::{Deserialize, Serialize};

/// Named columns of one length. Readers of formats make it; `columns` makes a data set of it.
#[derive(Clone, Debug)]
pub struct Table {
    /// The file's name, for messages.
    pub file: String,
    /// All rows. Formats without types (CSV and its like) hand in every column as text (`Utf8`), with null where a
    /// field is empty and not quoted.
    pub columns: RecordBatch,
    /// Whether the format says what type a column has, so that text is text even where it looks like numbers.
    pub typed: bool,
    /// Whether the names come from the file; else they are the columns' positions, counted from 0.
    pub named: bool,
    /// The lines of the file in which rows begin, for messages.
    pub lines: RowLines,
    /// What was decided in order to read it.
    pub decisions: Vec<Decision>,
    /// What was taken one way and may well have been meant otherwise, a line each.
    pub warnings: Vec<String>,
}

/// The line of a file in which each row begins; none where rows have no lines.
///
/// ```
/// use querist::data::table::RowLines;
///
/// let mut lines = RowLines::default();
/// [2, 3, 7].into_iter().enumerate().for_each(|(row, line)| lines.push(row, line));
/// assert_eq!(lines.of(2), Some(7)); // blank lines stand before it, or the field before it spans lines
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowLines {
    /// Rows whose line is not the one after that of the row before, ascending, with their lines.
    jumps: Vec<(usize, u64)>,
}

impl RowLines {
    /// Notes where a row begins; rows come in their order.
    pub fn push(&mut self, row: usize, line: u64) {
        if self.of(row) != Some(line) {
            self.jumps.push((row, line));
        }
    }

    /// Where a row begins, counted from 1.
    pub fn of(&self, row: usize) -> Option<u64> {
        let at = self.jumps.partition_point(|&(first, _)| first <= row);
        let &(first, line) = self.jumps.get(at.checked_sub(1)?)?;
        Some(line + (row - first) as u64)
    }
}

/// Something that a file leaves open, and how it was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// What was open: `separator`, `header`, `column age`.
    pub what: String,
    /// How it was taken: `";"`, `the first line`, `number, missing values by the median`.
    pub choice: String,
    /// What speaks for it.
    pub reason: String,
    /// The flag that takes it otherwise; none where nothing can.
    pub flag: Option<String>,
}
