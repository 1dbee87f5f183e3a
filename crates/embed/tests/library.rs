//! A library that is missing or is another one. A process of its own: the first library that is loaded serves it whole.

#![allow(clippy::disallowed_methods)]

use querist_embed::{EmbedError, Embedder, Kind, Libraries, Settings};
use std::path::{Path, PathBuf};

/// `ort` panics where its library cannot be loaded; here it is an error that says what to install.
#[test]
fn a_missing_library_is_an_error_that_says_what_to_do() {
    let open = |library: &str| {
        let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/models/linear.onnx");
        let settings = Settings {
            model,
            kind: Kind::Vectors,
            libraries: Libraries {
                onnxruntime: Some(PathBuf::from(library)),
                #[cfg(feature = "tch")]
                torchscript: None,
            },
            output: None,
            pooling: None,
            normalise: false,
            threads: 1,
        };
        Embedder::open(&settings, None).err().expect("must be refused")
    };
    let dir = tempfile::tempdir().unwrap();
    let text = dir.path().join("text.so");
    std::fs::write(&text, "no library").unwrap();
    let text = text.display().to_string();
    for library in ["/none/libonnxruntime.so", "/", text.as_str()] {
        let error = open(library);
        assert!(matches!(error, EmbedError::NoLibrary { .. }), "{error}");
        assert!(error.to_string().contains(&format!("ORT_DYLIB_PATH names {library}")), "{error}");
        assert!(error.hint().unwrap().contains("pip install onnxruntime"), "{error}");
    }
    // A library, but another one.
    #[cfg(target_os = "linux")]
    {
        let other = ["/lib/x86_64-linux-gnu/libm.so.6", "/usr/lib64/libm.so.6", "/usr/lib/libm.so.6"];
        if let Some(other) = other.into_iter().find(|path| Path::new(path).is_file()) {
            assert!(open(other).to_string().contains("OrtGetApiBase"), "{}", open(other));
        }
    }
}
