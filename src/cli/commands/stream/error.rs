//! What can be wrong with the lines of a stream.

use crate::durable::DurableError;
use crate::error::{Error, Fault, shorten};
use crate::run::RunError;

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
    Ragged {
        place: String,
        found: usize,
        expected: usize,
        #[help]
        hint: Option<String>,
    },
    /// A field that is no number.
    #[error("{place}, column \"{}\": \"{}\" is not a finite number", shorten(column), shorten(value))]
    #[diagnostic(help("{hint}"))]
    Number { place: String, column: String, value: String, hint: String },
    /// A number that is too large.
    #[error(
        "{place}, column \"{}\": \"{}\" is beyond what f32 can hold, {:e}",
        shorten(column),
        shorten(value),
        f32::MAX
    )]
    #[diagnostic(help("scale the column, or leave the row out"))]
    Overflow { place: String, column: String, value: String },
    /// An answer that is none.
    #[error("{place}: not an answer: {}", shorten(reason))]
    #[diagnostic(help("an answer is a line like {{\"row\": 17, \"label\": \"cat\"}}"))]
    Answer { place: String, reason: String },
    /// A second answer for a row.
    #[error("{place}: row {row} was answered in a line before")]
    #[diagnostic(help("each row is answered once: leave one of the two lines out"))]
    AnsweredTwice { place: String, row: u64 },
    /// A file that is not the one that was begun.
    #[error("{name}: {found} rows, but {taken} were taken from it before")]
    #[diagnostic(help(
        "the stream in the folder of --state goes on with the file that it began with; restore the file, or name \
         another folder with --state"
    ))]
    Shorter { name: String, found: u64, taken: u64 },
    /// What is wrong with the folder of `--state`.
    #[error("{error}")]
    #[diagnostic(help("{hint}"))]
    State { error: Error, hint: &'static str },
    /// Whatever else a line leads to.
    #[error("{place}: {error}")]
    #[diagnostic(help("{}", error.hint().unwrap_or_else(|| "the lines before it were taken".into())))]
    At { place: String, error: Error },
}

impl Fault for StreamInputError {
    fn exit(&self) -> crate::error::Exit {
        match self {
            Self::At { error, .. } | Self::State { error, .. } => error.exit(),
            Self::Read { .. } => crate::error::Exit::Failed,
            _ => crate::error::Exit::BadInput,
        }
    }
}

/// An error of the folder, with a hint that names the option of this command: runs have others.
pub fn of_state(error: Error) -> Error {
    match state_hint(&error) {
        Some(hint) => StreamInputError::State { error, hint }.into(),
        None => error,
    }
}

fn state_hint(error: &Error) -> Option<&'static str> {
    match error.downcast_ref::<RunError>() {
        Some(RunError::Damaged { .. }) => {
            return Some(
                "nothing was changed; restore the file, or start anew in another folder with --state",
            );
        }
        Some(RunError::Newer { .. }) => {
            return Some("use the release that wrote it, or choose another folder with --state");
        }
        Some(RunError::Changed { .. }) => {
            return Some("restore what was changed to continue it, or choose another folder with --state");
        }
        Some(RunError::NotARun { .. }) => {
            return Some("nothing was changed; choose an empty or a new folder with --state");
        }
        _ => {}
    }
    if let Some(DurableError::Locked { .. }) = error.downcast_ref() {
        return Some("wait for it to end, stop it, or choose another folder with --state");
    }
    let elsewhere = |hint: String| hint.contains("--out") || hint.contains("--fresh");
    error.hint().is_some_and(elsewhere).then_some("choose another folder with --state")
}
