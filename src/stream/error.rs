//! What can be wrong with a stream.

use crate::error::{Exit, Fault, shorten};

/// Why a stream, a row of it or an answer is refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error, miette::Diagnostic)]
pub enum StreamError {
    /// A setting outside its range.
    #[error("stream: {setting} is {found}, expected {expected}")]
    Setting { setting: &'static str, found: String, expected: &'static str },
    /// A row of another width.
    #[error("row {row}: {found} numbers, expected {expected}")]
    Width { row: u64, found: usize, expected: usize },
    /// NaN or an infinity.
    #[error("row {row}, column {column}: {found} is not a finite number")]
    #[diagnostic(help("fill in or leave out missing values first; none are skipped here"))]
    NotFinite { row: u64, column: usize, found: f32 },
    /// An answer for a row that was not asked about.
    #[error("answer for row {row}, which waits for none ({seen} rows were offered)")]
    #[diagnostic(help("only rows that were kept are answered, each once"))]
    NotWaiting { row: u64, seen: u64 },
    /// More classes than are handled.
    #[error("class {found}, but at most {limit} classes are handled")]
    Classes { found: u32, limit: usize },
    /// A third class for a rule that knows two.
    #[error("{found} classes, but `{rule}` tells two apart")]
    #[diagnostic(help("another rule takes any number of classes, `split` for one"))]
    TwoClasses { rule: &'static str, found: usize },
    /// A policy that was saved by something else than its training on streams.
    #[error("{}: {reason}", shorten(name))]
    #[diagnostic(help(
        "a policy for streams is a file that PAL made (docs/streams.md); one for pools is named by its folder"
    ))]
    Policy { name: String, reason: String },
    /// The classifier could not be fitted.
    #[error("stream: the classifier of {labels} labels could not be fitted")]
    Fit { labels: usize },
    /// A name that no class may have.
    #[error("class \"{found}\" has {bytes} bytes, expected 1 to {limit}")]
    Name { found: String, bytes: usize, limit: usize },
    /// A stored decision that the rule does not make again.
    #[error("row {row} was {}, and would not be now", if *kept { "kept" } else { "skipped" })]
    Differs { row: u64, kept: bool },
    /// No rule of this name.
    #[error("stream: no rule is called `{}`", shorten(name))]
    #[diagnostic(help("{hint}"))]
    UnknownRule { name: String, hint: String },
}

impl Fault for StreamError {
    fn exit(&self) -> Exit {
        match self {
            Self::Fit { .. } => Exit::Failed,
            _ => Exit::BadInput,
        }
    }
}
