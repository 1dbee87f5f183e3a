//! Why arrays do not make a selection.

use crate::error::Fault;
use crate::query::view::PROBABILITY_TOLERANCE;

/// Why arrays that were handed in do not make a selection.
#[derive(Debug, Clone, PartialEq, thiserror::Error, miette::Diagnostic)]
pub(super) enum SelectError {
    #[error("strategy `{strategy}` needs {signal}, which were not given")]
    #[diagnostic(help("{hint}"))]
    Needs { strategy: String, signal: &'static str, hint: String },
    #[error("{file}: an array of {found} dimensions, expected {expected}")]
    Dimensions { file: String, found: usize, expected: &'static str },
    #[error("{file}: {found} rows, but the pool has {expected}")]
    Rows { file: String, found: usize, expected: usize },
    #[error("{file}: {found} classes, expected {expected}")]
    #[diagnostic(help("probabilities, passes and --classes must agree"))]
    Classes { file: String, found: usize, expected: usize },
    #[error("{file}: row {row}: {found}, expected non-negative numbers that sum to 1")]
    #[diagnostic(help("these must be probabilities, as softmax makes them, not logits"))]
    Probabilities { file: String, row: usize, found: String },
    #[error("{file}: row {row}: the sum {found}, expected 1 to within {PROBABILITY_TOLERANCE}")]
    #[diagnostic(help("if this is rounding, --normalise divides each row by its sum"))]
    Rounded { file: String, row: usize, found: f32 },
    #[error("{file}: {found} {what}, expected {expected}")]
    #[diagnostic(help(
        "W has one row per class and one column per column of the embeddings, b one entry per class"
    ))]
    Head { file: String, what: &'static str, found: usize, expected: usize },
    #[error("{file}: nothing in it")]
    Empty { file: String },
    #[error("{file}: line {line}: {found:?} is not {expected}")]
    Field { file: String, line: u64, found: String, expected: String },
    #[error("{file}: line {line}: row {row} was named before")]
    Repeated { file: String, line: u64, row: u32 },
    #[error("--temperature is {found}, expected a positive number")]
    Temperature { found: f32 },
    #[error("--budget is for a policy, and a strategy was named")]
    #[diagnostic(help("give --policy instead of --strategy"))]
    PolicyAlone,
    #[error("--budget is {found} new labels, fewer than the {batch} rows of --batch")]
    #[diagnostic(help(
        "--budget counts the labels that are still to be asked for, those of this query included"
    ))]
    Budget { found: usize, batch: usize },
    #[error("{file}: all {rows} rows of the pool are labelled already")]
    NothingLeft { file: String, rows: usize },
}

impl Fault for SelectError {}
