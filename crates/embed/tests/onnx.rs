//! Models of `tests/models` (written by `make.py` there) through `onnxruntime`, where `ORT_DYLIB_PATH` names it.

#![allow(clippy::disallowed_methods)]

mod common;

use common::{file, library, settings, texts};
use querist_embed::picture::{Pictures, Style};
use querist_embed::pooling::Pooling;
use querist_embed::{Batch, EmbedError, Embedder, Encoder, Kind, Settings};

/// Token k has the vector (k, 10 k, -k): `good film` is 2 and 4, `bad` is 3.
#[test]
fn texts_become_vectors() {
    if !library() {
        return;
    }
    let base = settings(&file("tokens.onnx"), Kind::Texts);
    let batch = Batch::Texts(&["good film", "bad"]);
    let encode = |settings: Settings| Embedder::open(&settings, texts()).unwrap().encode(batch);
    let mean = encode(base.clone()).unwrap();
    assert_eq!((mean.shape, mean.values), (vec![2, 3], vec![3.0, 30.0, -3.0, 3.0, 30.0, -3.0]));
    let first = encode(Settings { pooling: Some(Pooling::First), ..base.clone() }).unwrap();
    assert_eq!(first.values, [2.0, 20.0, -2.0, 3.0, 30.0, -3.0]);
    let pooled = Settings { output: Some("pooled".to_string()), ..base.clone() };
    assert_eq!(encode(pooled.clone()).unwrap().values, [6.0, 60.0, -6.0, 3.0, 30.0, -3.0]);
    let unit = encode(Settings { normalise: true, ..base.clone() }).unwrap();
    let norm = 102f64.sqrt();
    assert_eq!(unit.values[..3], [1.0 / norm, 10.0 / norm, -1.0 / norm].map(|value| value as f32));
    // What cannot be heeded is refused.
    let error = encode(Settings { pooling: Some(Pooling::Mean), ..pooled }).unwrap_err();
    assert!(matches!(error, EmbedError::Output { n: 2, .. }), "{error}");
    let error = Embedder::open(&Settings { output: Some("none".to_string()), ..base.clone() }, texts())
        .err()
        .unwrap();
    assert!(error.to_string().ends_with("no output `none`; it has last_hidden_state, pooled"), "{error}");
    let error = Embedder::open(&base, None).err().unwrap();
    assert!(matches!(error, EmbedError::NoTokenizer { .. }), "{error}");
}

/// y = x W + b, by hand.
#[test]
fn vectors_become_vectors() {
    if !library() {
        return;
    }
    let mut embedder = Embedder::open(&settings(&file("linear.onnx"), Kind::Vectors), None).unwrap();
    let values = [1.0, 2.0, 3.0, 4.0, 0.0, 0.0, 0.0, 1.0];
    let found = embedder.encode(Batch::Numbers { shape: &[2, 4], values: &values }).unwrap();
    assert_eq!((found.shape, found.values), (vec![2, 2], vec![12.5, 0.5, 2.5, -1.5]));
    let wrong = embedder.encode(Batch::Numbers { shape: &[1, 3], values: &values[..3] }).unwrap_err();
    assert!(matches!(&wrong, EmbedError::Run { n: 1, shape, .. } if shape[..] == [1, 3]), "{wrong}");
    let values = [f32::MAX, f32::MAX, f32::MAX, f32::MAX];
    let error = embedder.encode(Batch::Numbers { shape: &[1, 4], values: &values }).unwrap_err();
    assert!(matches!(error, EmbedError::NotFinite { row: 0, column: 0, .. }), "{error}");
}

#[test]
fn pictures_become_vectors() {
    if !library() {
        return;
    }
    let mut embedder = Embedder::open(&settings(&file("picture.onnx"), Kind::Pictures), None).unwrap();
    assert_eq!(embedder.picture_size(), Some((8, 8)));
    let pictures = Pictures { style: Style::Unit, height: 8, width: 8 };
    let mut png = std::io::Cursor::new(Vec::new());
    let picture = image::RgbImage::from_pixel(20, 10, image::Rgb([255, 51, 0]));
    picture.write_to(&mut png, image::ImageFormat::Png).unwrap();
    let values = pictures.prepare(&png.into_inner()).unwrap();
    let found = embedder.encode(Batch::Numbers { shape: &[1, 3, 8, 8], values: &values }).unwrap();
    assert_eq!(found.shape, [1, 3]);
    assert!(found.values.iter().zip([1.0, 0.2, 0.0]).all(|(a, b)| (a - b).abs() < 1e-6), "{found:?}");
}

#[test]
fn models_that_do_not_fit_are_refused() {
    if !library() {
        return;
    }
    let refused = |name: &str, kind| {
        let settings = settings(&file(name), kind);
        Embedder::open(&settings, texts()).err().expect("must be refused")
    };
    let error = refused("speech.onnx", Kind::Vectors);
    assert!(error.to_string().contains("the input `input_values` of type"), "{error}");
    assert!(matches!(refused("linear.onnx", Kind::Texts), EmbedError::Input { .. }));
    assert!(matches!(refused("tokens.onnx", Kind::Vectors), EmbedError::Input { .. }));
    assert!(matches!(refused("tokenizer.json", Kind::Texts), EmbedError::UnknownModel { .. }));
    let dir = tempfile::tempdir().unwrap();
    let broken = dir.path().join("broken.onnx");
    for bytes in [&b""[..], b"no model", &std::fs::read(file("linear.onnx")).unwrap()[..60]] {
        std::fs::write(&broken, bytes).unwrap();
        let error = Embedder::open(&settings(&broken, Kind::Vectors), None).err().expect("must be refused");
        assert!(matches!(error, EmbedError::BadModel { .. }), "{error}");
    }
}
