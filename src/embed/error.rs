//! What can be wrong on the way from a file to its embeddings.

use crate::error::{Exit, Fault};
use std::path::PathBuf;

/// Why there are no embeddings.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum EmbedError {
    /// An option that what was asked for has no use for, or a missing one.
    #[error("{option}: {problem}")]
    #[diagnostic(help("{hint}"))]
    Option { option: &'static str, problem: String, hint: &'static str },
    /// An array of a shape that is not for this.
    #[error("{file}: an array of shape {found:?}, expected {expected}")]
    Shape { file: String, found: Vec<usize>, expected: &'static str },
    /// Ctrl-C or SIGTERM.
    #[error("interrupted with {done} of {total} rows done")]
    #[diagnostic(help("run the same command again to continue"))]
    Interrupted { done: usize, total: usize },
    /// Rows that cannot be made; what was done before them is kept.
    #[error("{place}: {problem}")]
    #[diagnostic(help("{hint}"))]
    Row { place: String, problem: String, hint: String },
    /// A model, tokenizer or library that cannot be used.
    #[cfg(feature = "embed")]
    #[error("{source}")]
    #[diagnostic(help("{}", source.hint().unwrap_or("docs/embeddings.md shows how models are exported")))]
    Model { source: querist_embed::EmbedError },
    /// A program without models.
    #[error("{}: this program was built without models: build it with `cargo build --release --features {feature}`", model.display())]
    #[diagnostic(help(
        "without them, `--aggregate` makes vectors of sequences; docs/embeddings.md has the rest"
    ))]
    NoModels { model: PathBuf, feature: &'static str },
}

impl Fault for EmbedError {
    fn exit(&self) -> Exit {
        match self {
            EmbedError::Interrupted { .. } => Exit::Interrupted,
            _ => Exit::BadInput,
        }
    }
}
