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
    /// The line of the file in which the first row begins, for messages; 0 where rows have no lines.
    pub first_line: u64,
    /// What was decided in order to read it.
    pub decisions: Vec<Decision>,
    /// What was taken one way and may well have been meant otherwise, a line each.
    pub warnings: Vec<String>,
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
