//! Why arrays do not make a selection.

use super::need::Need;
use crate::error::Fault;
use crate::query::view::PROBABILITY_TOLERANCE;

/// Why arrays that were handed in do not make a selection. `place` is what the argument is called, see
/// [`Words`](super::Words); rows count those of the pool.
#[derive(Debug, Clone, PartialEq, thiserror::Error, miette::Diagnostic)]
#[non_exhaustive]
pub enum SelectError {
    /// Something that the selector cannot do without.
    #[error("strategy `{strategy}` needs {need}, which were not given")]
    #[diagnostic(help("{hint}"))]
    Needs { strategy: String, need: Need, hint: String },
    /// An array with more or fewer rows than the pool.
    #[error("{place}: {found} rows, but the pool has {expected}")]
    Rows { place: String, found: usize, expected: usize },
    /// Arrays that differ in their classes.
    #[error("{place}: {found} classes, expected {expected}")]
    #[diagnostic(help("{hint}"))]
    Classes { place: String, found: usize, expected: usize, hint: String },
    /// A row of numbers that are no probabilities.
    #[error("{place}: row {row}: {found}, expected non-negative numbers that sum to 1")]
    #[diagnostic(help(
        "these must be probabilities, as softmax makes them, not logits; percentages and votes are divided first: \
         `P / P.sum(axis=1, keepdims=True)`"
    ))]
    Probabilities { place: String, row: usize, found: String },
    /// A row of probabilities whose sum is off by more than a tolerance and less than a mistake.
    #[error("{place}: row {row}: the sum {found}, expected 1 to within {PROBABILITY_TOLERANCE}")]
    #[diagnostic(help("if this is rounding, {normalised} divides each row by its sum"))]
    Rounded { place: String, row: usize, found: f32, normalised: String },
    /// A NaN or an infinity.
    #[error("{place}: row {row}, column {column} is {found}, expected a finite number")]
    NotFinite { place: String, row: usize, column: usize, found: f32 },
    /// A last layer that does not fit the embeddings.
    #[error("{place}: {found} {what}, expected {expected}")]
    #[diagnostic(help(
        "W has one row per class and one column per column of the embeddings, b one entry per class"
    ))]
    Head { place: String, what: &'static str, found: usize, expected: usize },
    /// An array without rows or without columns.
    #[error("{place}: nothing in it")]
    Empty { place: String },
    /// A labelled row that the pool does not have.
    #[error("{place}: entry {at} is row {found}, expected 0 to {last}")]
    Outside { place: String, at: usize, found: usize, last: usize },
    /// A labelled row that comes twice.
    #[error("{place}: entry {at}: row {row} was named before")]
    Repeated { place: String, at: usize, row: usize },
    /// Not one label per labelled row.
    #[error("{place}: {found} classes for {expected} labelled rows")]
    Labels { place: String, found: usize, expected: usize },
    /// A class that no data set can have.
    #[error("{place}: entry {at} is class {found}, expected less than {limit}")]
    Class { place: String, at: usize, found: u32, limit: usize },
    /// A number of classes that no data set can have.
    #[error("{place} is {found}, expected 1 to {limit}")]
    Count { place: String, found: usize, limit: usize },
    /// More rows than row numbers.
    #[error("{place}: {found} rows, expected at most {limit}")]
    TooMany { place: String, found: usize, limit: usize },
    /// A temperature that is none.
    #[error("{place} is {found}, expected a positive number")]
    Temperature { place: String, found: f32 },
    /// A budget beside a strategy, which would not look at it.
    #[error("{place} is for a policy, and a strategy was named")]
    #[diagnostic(help("{hint}"))]
    PolicyAlone { place: String, hint: String },
    /// A budget that ends before the batch does.
    #[error("{place} is {found} new labels, fewer than the {batch} rows of {batch_place}")]
    #[diagnostic(help(
        "{place} counts the labels that are still to be asked for, those of this query included"
    ))]
    Budget { place: String, found: usize, batch: usize, batch_place: String },
    /// A pool without candidates.
    #[error("{place}: all {rows} rows of the pool are labelled already")]
    NothingLeft { place: String, rows: usize },
}

impl Fault for SelectError {}
