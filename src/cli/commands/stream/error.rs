//! What can be wrong with the lines of a stream.

use crate::error::{Error, Fault, shorten};

/// Why a line is refused.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum StreamInputError {
    /// Nothing at all.
    #[error("{name}: no lines, expected one with the columns' names and then rows")]
    Empty { name: String },
    /// A line without an end.
    #[error("{place}: longer than {limit} bytes")]
    Long { place: String, limit: usize },
    /// Another encoding.
    #[error("{place}: not UTF-8 at byte {offset}")]
    NotUtf8 { place: String, offset: usize },
    /// What cannot be read any further.
    #[error("{place}: cannot be read: {reason}")]
    Read { place: String, reason: String },
    /// A quote without an end.
    #[error("{place}: a quote that is not closed")]
    #[diagnostic(help("a row is one line: quoted fields hold no line breaks"))]
    Quote { place: String },
    /// A header that leaves open which column is meant.
    #[error("{place}: two columns are called \"{}\"", shorten(column))]
    Twice { place: String, column: String },
    /// A header without a column of numbers.
    #[error("{place}: no column beside the labels'")]
    NoColumns { place: String },
    /// A row with more or fewer fields.
    #[error("{place}: {found} fields, the header has {expected}")]
    Ragged { place: String, found: usize, expected: usize },
    /// A field that is no number.
    #[error("{place}, column \"{}\": \"{}\" is not a finite number", shorten(column), shorten(value))]
    #[diagnostic(help("leave rows with missing values out, or fill them in; none are skipped here"))]
    Number { place: String, column: String, value: String },
    /// An answer that is none.
    #[error("{place}: not an answer: {}", shorten(reason))]
    #[diagnostic(help("an answer is a line like {{\"row\": 17, \"label\": \"cat\"}}"))]
    Answer { place: String, reason: String },
    /// Whatever else a line leads to.
    #[error("{place}: {error}")]
    #[diagnostic(help("{}", error.hint().unwrap_or_else(|| "the lines before it were taken".into())))]
    At { place: String, error: Error },
}

impl Fault for StreamInputError {
    fn exit(&self) -> crate::error::Exit {
        match self {
            Self::At { error, .. } => error.exit(),
            Self::Read { .. } => crate::error::Exit::Failed,
            _ => crate::error::Exit::BadInput,
        }
    }
}
