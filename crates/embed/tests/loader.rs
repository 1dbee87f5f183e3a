//! The library of TorchScript modules as the program meets it, without libtorch: what is missing or does not fit is an error
//! that says what to do. A process of its own: the first library that is loaded serves it whole.

#![cfg(all(feature = "tch", target_os = "linux"))]
#![allow(clippy::disallowed_methods)]

mod common;

use common::{settings, texts};
use querist_embed::{Batch, EmbedError, Embedder, Encoder, Kind, Libraries, Settings, Tensor};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Compiles a library.
fn compiled(source: &Path, library: &Path, arguments: &[&str]) {
    let mut rustc = Command::new("rustc");
    rustc.args(["--edition=2024", "--crate-type=cdylib", "-C", "debuginfo=0", "-o"]);
    assert!(
        rustc.arg(library).arg(source).args(arguments).status().unwrap().success(),
        "{}",
        source.display()
    );
}

fn refused(error: Result<Embedder, EmbedError>) -> EmbedError {
    error.err().expect("must be refused")
}

#[test]
fn libraries_and_modules_that_do_not_fit_are_errors_that_say_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let stub = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stub/library.rs");
    let model = |word: &str| {
        let path = path(&format!("{}.pt", word.split(' ').next().unwrap()));
        std::fs::write(&path, word).unwrap();
        path
    };
    let double = model("double");
    let open = |torchscript: Option<PathBuf>| {
        let libraries = Libraries { torchscript, ..Libraries::default() };
        Embedder::open(&Settings { libraries, ..settings(&double, Kind::Vectors) }, None)
    };

    // No library: beside the program, where a variable names it, or what is no library.
    let beside = std::env::current_exe().unwrap().with_file_name("libquerist_torchscript.so");
    // Cargo leaves it there where it has been built.
    if !beside.is_file() {
        let error = refused(open(None));
        assert!(matches!(error, EmbedError::NoTorchScript { .. }), "{error}");
        assert!(error.to_string().ends_with(&format!("there is no {}", beside.display())), "{error}");
    }
    std::fs::write(path("text.so"), "no library").unwrap();
    for (library, said) in [("none.so", "which is no file"), (".", "which is no file"), ("text.so", "")] {
        let error = refused(open(Some(path(library))));
        assert!(matches!(error, EmbedError::NoTorchScript { .. }), "{error}");
        assert!(error.to_string().contains(&path(library).display().to_string()), "{error}");
        assert!(error.to_string().contains(said), "{error}");
        assert!(error.hint().unwrap().contains("--manifest-path crates/torchscript/Cargo.toml"), "{error}");
    }
    // Another library, and one of another version.
    std::fs::write(path("other.rs"), "").unwrap();
    compiled(&path("other.rs"), &path("other.so"), &[]);
    let error = refused(open(Some(path("other.so"))));
    assert!(matches!(error, EmbedError::NoTorchScript { .. }), "{error}");
    assert!(error.to_string().contains("is another library"), "{error}");
    compiled(&stub, &path("version.so"), &["--cfg", "another_version"]);
    let error = refused(open(Some(path("version.so"))));
    assert!(matches!(error, EmbedError::OtherInterface { found: 7, expected: 1, .. }), "{error}");
    assert!(error.hint().unwrap().contains("from the same source"), "{error}");

    // A library whose own libraries are not there, or lack what it needs.
    let needed = path("libtorch_cpu.so");
    std::fs::write(path("needed.rs"), "#[unsafe(no_mangle)] pub extern \"C\" fn at_ones() {}").unwrap();
    compiled(&path("needed.rs"), &needed, &[]);
    std::fs::write(
        path("needs.rs"),
        "unsafe extern \"C\" { fn at_ones(); } #[unsafe(no_mangle)] pub extern \"C\" fn ones() { unsafe { at_ones() } }",
    )
    .unwrap();
    let search = format!("native={}", dir.path().display());
    let rpath = format!("link-arg=-Wl,-rpath,{}", dir.path().display());
    compiled(&path("needs.rs"), &path("needs.so"), &["-L", &search, "-l", "dylib=torch_cpu", "-C", &rpath]);
    std::fs::remove_file(&needed).unwrap();
    let error = refused(open(Some(path("needs.so"))));
    assert!(
        matches!(&error, EmbedError::NoLibtorch { path: own, .. } if *own == path("needs.so")),
        "{error}"
    );
    assert!(error.to_string().contains("libtorch_cpu.so: cannot open shared object file"), "{error}");
    assert!(error.hint().unwrap().contains("pip install torch==2.13.0"), "{error}");
    compiled(&path("other.rs"), &needed, &[]);
    let error = refused(open(Some(path("needs.so"))));
    assert!(matches!(error, EmbedError::NoLibtorch { .. }), "{error}");
    assert!(error.to_string().contains("undefined symbol: at_ones"), "{error}");

    // None of these has been kept: the one that fits is loaded, and serves from now on.
    compiled(&stub, &path("stub.so"), &[]);
    let mut embedder = open(Some(path("stub.so"))).unwrap();
    assert_eq!(embedder.library(), "stub");
    let batch = Batch::Numbers { shape: &[2, 2], values: &[1.0, 2.0, 3.0, 4.0] };
    let doubled = Tensor { shape: vec![2, 2], values: vec![2.0, 4.0, 6.0, 8.0] };
    assert_eq!(embedder.encode(batch).unwrap(), doubled);
    assert_eq!(open(None).unwrap().encode(batch).unwrap(), doubled);
    let short = Batch::Numbers { shape: &[2, 3], values: &[1.0; 4] };
    let wrong = embedder.encode(short).unwrap_err();
    assert_eq!(wrong, EmbedError::Batch { shape: vec![2, 3], found: 4 });

    // Texts, whose padding is not in their means: `good film` is 2 and 4, `bad` is 3.
    let mut tokens = Embedder::open(&settings(&model("tokens"), Kind::Texts), texts()).unwrap();
    let found = tokens.encode(Batch::Texts(&["good film", "bad"])).unwrap();
    assert_eq!(found, Tensor { shape: vec![2, 1], values: vec![3.0, 3.0] });

    // Modules that do not fit.
    let opened = |word: &str, kind: Kind| Embedder::open(&settings(&model(word), kind), texts());
    let error = refused(opened("refuse", Kind::Vectors));
    assert_eq!(
        error.to_string(),
        format!("{}: no model that can be run: it is refused", path("refuse.pt").display())
    );
    let error = refused(opened("double", Kind::Texts));
    assert!(error.to_string().ends_with("double.pt: the module takes 1 array, but is fed 2"), "{error}");
    let error = refused(opened("three", Kind::Vectors));
    assert!(matches!(error, EmbedError::Inputs { least: 3, most: 3, fed: 1, .. }), "{error}");
    for (word, said) in [
        ("fail", "the model fails on 2 examples of shape [2, 2]: it fails"),
        ("one vector", "the model gives an array of shape [1, 2] for 2 examples"),
        ("too little", "the model gives an array of shape [2, 2] for 2 examples"),
        ("infinite", "row 0: the model gives inf in column 0"),
        ("nowhere", "the model gives an array of shape [] for 2 examples"),
    ] {
        let error = opened(word, Kind::Vectors).unwrap().encode(batch).unwrap_err();
        assert!(error.to_string().starts_with(said), "{error}");
    }

    // A module is closed once it is not needed.
    let trace = path("closed");
    drop(opened(&format!("trace {}", trace.display()), Kind::Vectors).unwrap());
    assert!(trace.exists());
}
