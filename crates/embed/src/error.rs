//! What can go wrong between an example and its vector.

use std::path::PathBuf;

/// Why examples have no embeddings. Rows count from 0, within the batch.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum EmbedError {
    /// No `onnxruntime` to load.
    #[error("no library of onnxruntime: {reason}")]
    NoLibrary {
        /// What was looked for, and what came of it.
        reason: String,
    },
    /// No library that runs TorchScript modules.
    #[error("no library for TorchScript: {reason}")]
    NoTorchScript {
        /// What was looked for, and what came of it.
        reason: String,
    },
    /// A library for TorchScript that does not find its libtorch, or not the one that it was built with.
    #[error("{}: libtorch cannot be loaded: {reason}", path.display())]
    NoLibtorch {
        /// The library that needs it.
        path: PathBuf,
        /// The words of the system's loader.
        reason: String,
    },
    /// A library for TorchScript that was built from another version of the source.
    #[error("{}: version {found} of the interface to TorchScript, expected {expected}", path.display())]
    OtherInterface {
        /// The library.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// This build's version.
        expected: u32,
    },
    /// A file that no back end of this build reads.
    #[error("{}: {problem}", path.display())]
    UnknownModel {
        /// The model.
        path: PathBuf,
        /// What is wrong with its name.
        problem: &'static str,
        /// What to do.
        hint: &'static str,
    },
    /// A model that its library refuses.
    #[error("{}: no model that can be run: {reason}", path.display())]
    BadModel {
        /// The model.
        path: PathBuf,
        /// The library's words.
        reason: String,
    },
    /// An input of the model that nothing here is for.
    #[error("{}: the model has the input `{name}` of type {kind}, expected {expected}", path.display())]
    Input {
        /// The model.
        path: PathBuf,
        /// The input's name.
        name: String,
        /// Its type and shape.
        kind: String,
        /// What could be fed.
        expected: String,
    },
    /// A TorchScript module that takes another number of arrays than are fed.
    #[error("{}: the module takes {}, but is fed {fed}", path.display(), arrays(*least, *most))]
    Inputs {
        /// The model.
        path: PathBuf,
        /// The arrays that it cannot do without.
        least: usize,
        /// Those that it can be given.
        most: usize,
        /// Those that there are of such examples.
        fed: usize,
    },
    /// An output that the model does not have.
    #[error("{}: the model has no output `{name}`; it has {}", path.display(), found.join(", "))]
    NoOutput {
        /// The model.
        path: PathBuf,
        /// What was asked for.
        name: String,
        /// What there is.
        found: Vec<String>,
    },
    /// A tokenizer that cannot be read.
    #[error("{}: no tokenizer that can be used: {reason}", path.display())]
    BadTokenizer {
        /// The tokenizer's file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Texts without a tokenizer.
    #[error("{}: texts need the model's tokenizer", path.display())]
    NoTokenizer {
        /// Where it was expected.
        path: PathBuf,
    },
    /// A text that cannot be tokenized.
    #[error("row {row}: the text cannot be tokenized: {reason}")]
    Text {
        /// The row.
        row: usize,
        /// The library's words.
        reason: String,
    },
    /// Bytes that are no picture.
    #[error("no picture that can be decoded: {reason}")]
    Picture {
        /// The library's words.
        reason: String,
    },
    /// A batch whose shape is not that of its numbers.
    #[error("a batch of shape {shape:?} has {found} numbers")]
    Batch {
        /// The shape.
        shape: Vec<usize>,
        /// The numbers that there are.
        found: usize,
    },
    /// The model fails.
    #[error("the model fails on {n} examples of shape {shape:?}: {reason}")]
    Run {
        /// Examples in the batch.
        n: usize,
        /// The shape of what was fed.
        shape: Vec<usize>,
        /// The library's words.
        reason: String,
    },
    /// An output of a shape that is no vector per example.
    #[error("the model gives an array of shape {found:?} for {n} examples, {expected}")]
    Output {
        /// Examples in the batch.
        n: usize,
        /// The output's shape.
        found: Vec<usize>,
        /// What is needed.
        expected: &'static str,
    },
    /// A vector that is not finite.
    #[error("row {row}: the model gives {value} in column {column}, which is no finite number")]
    NotFinite {
        /// The row.
        row: usize,
        /// The column.
        column: usize,
        /// What it gives.
        value: f32,
    },
}

fn arrays(least: usize, most: usize) -> String {
    let plural = if most == 1 { "" } else { "s" };
    match least == most {
        true => format!("{most} array{plural}"),
        false => format!("{least} to {most} arrays"),
    }
}

impl EmbedError {
    /// The example that it is about, within its batch.
    pub fn row(&self) -> Option<usize> {
        match self {
            EmbedError::Text { row, .. } | EmbedError::NotFinite { row, .. } => Some(*row),
            _ => None,
        }
    }

    /// What went wrong, for a caller that says in its own words where.
    pub fn without_row(&self) -> String {
        let text = self.to_string();
        match self.row().and_then(|row| text.strip_prefix(&format!("row {row}: "))) {
            Some(rest) => rest.to_string(),
            None => text,
        }
    }

    /// What to do about it, where that is known.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            EmbedError::NoLibrary { .. } => {
                "`pip install onnxruntime`, then name the library in it: export ORT_DYLIB_PATH=$(python -c 'import glob, \
                 os, onnxruntime; print(glob.glob(os.path.dirname(onnxruntime.__file__) + \
                 \"/capi/libonnxruntime.so*\")[0])')"
            }
            EmbedError::NoTorchScript { .. } => {
                "build it with `cargo build --release --manifest-path crates/torchscript/Cargo.toml --target-dir target`, \
                 which puts it beside the program (docs/embeddings.md), or name it: export \
                 QUERIST_TORCHSCRIPT=.../libquerist_torchscript.so"
            }
            EmbedError::NoLibtorch { .. } => {
                "`pip install torch==2.13.0`, then name the folder of its libraries: export LD_LIBRARY_PATH=$(python -c \
                 'import os, torch; print(os.path.join(os.path.dirname(torch.__file__), \"lib\"))')"
            }
            EmbedError::OtherInterface { .. } => {
                "build program and library from the same source (docs/embeddings.md)"
            }
            EmbedError::Inputs { .. } => {
                "texts are fed as forward(input_ids, attention_mask), pictures and arrays as forward(x): trace a module \
                 of such inputs around it"
            }
            EmbedError::UnknownModel { hint, .. } => hint,
            EmbedError::Input { .. } => "export the model again with inputs of these names and types",
            EmbedError::NoOutput { .. } => "name one of these with --output",
            EmbedError::NoTokenizer { .. } => {
                "put the model's tokenizer.json beside it, or name it with --tokenizer"
            }
            EmbedError::Output { .. } => {
                "choose another output with --output, or how tokens become one vector with --pooling"
            }
            EmbedError::NotFinite { .. } => "half precision may overflow: try the model in single precision",
            _ => return None,
        })
    }
}
