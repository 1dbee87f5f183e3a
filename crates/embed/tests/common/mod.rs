//! What tests of both back ends share: the models of `tests/models`, and where onnxruntime is.

use querist_embed::onnx::LIBRARY_VARIABLE;
use querist_embed::text::Texts;
use querist_embed::{Kind, Libraries, Settings};
use std::path::{Path, PathBuf};

/// Whether the variable names onnxruntime; said aloud where it does not.
#[allow(dead_code, reason = "the test of the loader runs no model")]
pub fn library() -> bool {
    let found = std::env::var_os(LIBRARY_VARIABLE).is_some();
    if !found {
        eprintln!(
            "SKIPPED: {LIBRARY_VARIABLE} is not set, so no model is run (crates/embed/tests/with_onnxruntime.sh)"
        );
    }
    found
}

/// A file of `tests/models`.
pub fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/models").join(name)
}

/// A model as it is run by default, on one thread.
pub fn settings(model: &Path, kind: Kind) -> Settings {
    Settings {
        model: model.to_path_buf(),
        kind,
        libraries: Libraries::named(),
        output: None,
        pooling: None,
        normalise: false,
        threads: 1,
    }
}

/// The tokenizer of the models.
pub fn texts() -> Option<Texts> {
    let path = file("tokenizer.json");
    Some(Texts::new(&path, &std::fs::read(&path).unwrap(), None).unwrap())
}
