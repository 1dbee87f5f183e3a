//! Why a file does not hold what its option says.

use crate::error::Fault;

/// Why a file that was handed in does not hold what its option says.
#[derive(Debug, Clone, PartialEq, thiserror::Error, miette::Diagnostic)]
pub(super) enum FileError {
    #[error("{file}: an array of {found} dimensions, expected {expected}")]
    Dimensions { file: String, found: usize, expected: &'static str },
    #[error("{file}: line {line}: {found:?} is not {expected}")]
    Field { file: String, line: u64, found: String, expected: String },
    #[error("{option} says how a data set is read, and --pool is an array")]
    #[diagnostic(help("give the data set as --from"))]
    Columns { option: &'static str },
    #[error("{option} is about a network that is fitted to a data set, and --pool is an array")]
    #[diagnostic(help("give the data set as --from"))]
    Fit { option: &'static str },
    #[error("{file}: line {line}: row {row} was named before")]
    Repeated { file: String, line: u64, row: usize },
}

impl Fault for FileError {}
