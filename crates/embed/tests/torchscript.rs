//! TorchScript modules, run by the library of `crates/torchscript`, whose example `models` has traced those of `tests/models`.
//! `crates/torchscript/test.sh` builds it and runs these tests.

#![cfg(feature = "tch")]
#![allow(clippy::disallowed_methods)]

mod common;

use common::{file, library, settings, texts};
use querist_embed::pooling::Pooling;
use querist_embed::torchscript::LIBRARY_VARIABLE;
use querist_embed::{Batch, EmbedError, Embedder, Encoder, Kind, Settings, Tensor};

/// Whether the variable names the library; said aloud where it does not.
fn torchscript() -> bool {
    let found = std::env::var_os(LIBRARY_VARIABLE).is_some();
    if !found {
        eprintln!("SKIPPED: {LIBRARY_VARIABLE} is not set, so no module is run (crates/torchscript/test.sh)");
    }
    found
}

/// y = x W + b, by hand.
#[test]
fn vectors_become_vectors() {
    if !torchscript() {
        return;
    }
    let values = [1.0, 2.0, 3.0, 4.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0];
    let mut embedder = Embedder::open(&settings(&file("linear.pt"), Kind::Vectors), None).unwrap();
    assert!(embedder.library().starts_with("libtorch 2."), "{}", embedder.library());
    let found = embedder.encode(Batch::Numbers { shape: &[3, 4], values: &values }).unwrap();
    assert_eq!(found, Tensor { shape: vec![3, 2], values: vec![12.5, 0.5, 2.5, -1.5, 0.5, -0.5] });
    let wrong = embedder.encode(Batch::Numbers { shape: &[1, 3], values: &values[..3] }).unwrap_err();
    let said = wrong.to_string();
    assert!(matches!(&wrong, EmbedError::Run { n: 1, shape, .. } if shape[..] == [1, 3]), "{said}");
    assert!(said.ends_with("(1x3 and 4x2)") && !said.contains('\n'), "{said}");
}

/// A token's vector is its number twice; `good film` is 2 and 4, `bad` is 3, and padding is 0.
#[test]
fn texts_become_vectors() {
    if !torchscript() {
        return;
    }
    let batch = Batch::Texts(&["good film", "bad"]);
    let tokens = settings(&file("tokens.pt"), Kind::Texts);
    let mut mean = Embedder::open(&tokens, texts()).unwrap();
    assert_eq!(mean.encode(batch).unwrap().values, [3.0, 3.0, 3.0, 3.0]);
    let first = Settings { pooling: Some(Pooling::First), ..tokens };
    assert_eq!(Embedder::open(&first, texts()).unwrap().encode(batch).unwrap().values, [2.0, 2.0, 3.0, 3.0]);
}

/// Sentences, pictures, and the layer before the last of a classifier: the same numbers by both libraries.
#[test]
fn both_back_ends_give_the_same_vectors() {
    if !(torchscript() && library()) {
        return;
    }
    let pictures: Vec<f32> = (0..5 * 3 * 64).map(|at| (at * 53 % 97) as f32 / 48.5 - 1.0).collect();
    let batch = |side: usize| (vec![5, 3, side, side], &pictures[..5 * 3 * side * side]);
    let (eight, six) = (batch(8), batch(6));
    let words = Batch::Texts(&["good film", "bad", "bad book unseen film", "good"]);
    for (name, kind, output, batch, shape) in [
        ("sentence", Kind::Texts, None, words, [4, 5]),
        ("picture", Kind::Pictures, None, Batch::Numbers { shape: &eight.0, values: eight.1 }, [5, 3]),
        (
            "classifier",
            Kind::Pictures,
            Some("features"),
            Batch::Numbers { shape: &six.0, values: six.1 },
            [5, 4],
        ),
    ] {
        let encode = |ending: &str, output: Option<&str>| {
            let own = settings(&file(&format!("{name}.{ending}")), kind);
            let settings = Settings { output: output.map(String::from), ..own };
            let mut embedder = Embedder::open(&settings, texts()).unwrap();
            embedder.encode(batch).unwrap_or_else(|error| panic!("{name}: {error}"))
        };
        let (onnx, torchscript) = (encode("onnx", output), encode("pt", None));
        assert_eq!((&onnx.shape[..], &torchscript.shape[..]), (&shape[..], &shape[..]), "{name}");
        let difference = |(a, b): (&f32, &f32)| (a - b).abs();
        let greatest = onnx.values.iter().zip(&torchscript.values).map(difference).fold(0.0, f32::max);
        assert!(greatest < 1e-5, "{name}: {greatest}");
        let spread =
            |values: &[f32]| values.iter().fold(0.0f32, |most, value| most.max((value - values[0]).abs()));
        assert!(spread(&onnx.values) > 0.01, "{name}: {:?}", onnx.values);
    }
}

/// Another number of arrays is refused when the module is opened; another shape, or no finite number, when it is run.
#[test]
fn modules_that_do_not_fit_are_refused() {
    if !torchscript() {
        return;
    }
    for (name, kind, takes, fed) in [
        ("linear.pt", Kind::Texts, 1, 2),
        ("tokens.pt", Kind::Vectors, 2, 1),
        ("three.pt", Kind::Texts, 3, 2),
        ("three.pt", Kind::Pictures, 3, 1),
    ] {
        let error = Embedder::open(&settings(&file(name), kind), texts()).err().expect("must be refused");
        assert_eq!(error, EmbedError::Inputs { path: file(name), least: takes, most: takes, fed });
    }
    let named = Settings { output: Some("y".to_string()), ..settings(&file("linear.pt"), Kind::Vectors) };
    assert!(matches!(Embedder::open(&named, None), Err(EmbedError::UnknownModel { .. })));
    let batch = Batch::Numbers { shape: &[2, 4], values: &[1.0; 8] };
    let encode = |name: &str| {
        Embedder::open(&settings(&file(name), Kind::Vectors), None).unwrap().encode(batch).unwrap_err()
    };
    let wrong = encode("sum.pt");
    assert!(matches!(&wrong, EmbedError::Output { n: 2, found, .. } if found.is_empty()), "{wrong}");
    let wrong = encode("infinite.pt");
    assert!(matches!(&wrong, EmbedError::NotFinite { row: 0, column: 0, .. }), "{wrong}");
}

/// No module, and the beginnings of one.
#[test]
fn what_is_no_module_is_refused() {
    if !torchscript() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("m.pt");
    let whole = std::fs::read(file("linear.pt")).unwrap();
    let beginnings = (1..10).map(|tenths| &whole[..whole.len() * tenths / 10]);
    for bytes in [&b""[..], b"no module", b"PK\x03\x04"].into_iter().chain(beginnings) {
        std::fs::write(&path, bytes).unwrap();
        let error = Embedder::open(&settings(&path, Kind::Vectors), None).err().expect("must be refused");
        assert!(matches!(&error, EmbedError::BadModel { reason, .. } if !reason.is_empty()), "{error}");
        assert!(!error.to_string().contains('\n'), "{error}");
    }
}
