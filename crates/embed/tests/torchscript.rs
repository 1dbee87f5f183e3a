//! TorchScript modules that are traced here, since a module's file is libtorch's own.

#![cfg(feature = "tch")]

use querist_embed::pooling::Pooling;
use querist_embed::text::Texts;
use querist_embed::{Batch, EmbedError, Embedder, Encoder, Kind, Settings, Tensor};
use std::path::Path;
use tch::{CModule, Device, Kind as Element, Tensor as Traced};

fn traced(path: &Path, inputs: &[Traced], mut forward: impl FnMut(&[Traced]) -> Traced) {
    let mut forward = |inputs: &[Traced]| vec![forward(inputs)];
    let module = CModule::create_by_tracing("Model", "forward", inputs, &mut forward).unwrap();
    module.save(path).unwrap();
}

fn settings(model: &Path, kind: Kind) -> Settings {
    let model = model.to_path_buf();
    Settings { model, kind, library: None, output: None, pooling: None, normalise: false, threads: 1 }
}

/// y = x W + b, by hand.
#[test]
fn vectors_become_vectors() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("linear.pt");
    let weights = Traced::from_slice(&[1.0f32, 0.0, 0.0, 1.0, 1.0, 1.0, 2.0, -1.0]).reshape([4, 2]);
    let bias = Traced::from_slice(&[0.5f32, -0.5]);
    let example = Traced::zeros([2, 4], (Element::Float, Device::Cpu));
    traced(&path, &[example], |inputs| inputs[0].matmul(&weights) + &bias);
    let mut embedder = Embedder::open(&settings(&path, Kind::Vectors), None).unwrap();
    let values = [1.0, 2.0, 3.0, 4.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0];
    let found = embedder.encode(Batch::Numbers { shape: &[3, 4], values: &values }).unwrap();
    assert_eq!(found, Tensor { shape: vec![3, 2], values: vec![12.5, 0.5, 2.5, -1.5, 0.5, -0.5] });
    let wrong = embedder.encode(Batch::Numbers { shape: &[1, 3], values: &values[..3] }).unwrap_err();
    assert!(matches!(&wrong, EmbedError::Run { n: 1, shape, .. } if shape[..] == [1, 3]), "{wrong}");
    let named = Settings { output: Some("y".to_string()), ..settings(&path, Kind::Vectors) };
    assert!(matches!(Embedder::open(&named, None), Err(EmbedError::UnknownModel { .. })));
}

/// A token's vector is its number twice; `good film` is 2 and 4, `bad` is 3, and padding is 0.
#[test]
fn texts_become_vectors() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("tokens.pt");
    let whole = |length| Traced::zeros([2, length], (Element::Int64, Device::Cpu));
    traced(&path, &[whole(3), whole(3)], |inputs| {
        let numbers = (&inputs[0] * &inputs[1]).to_kind(Element::Float).unsqueeze(2);
        Traced::cat(&[&numbers, &numbers], 2)
    });
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/models/tokenizer.json");
    let texts = || Some(Texts::new(&file, &std::fs::read(&file).unwrap(), None).unwrap());
    let batch = Batch::Texts(&["good film", "bad"]);
    let mut mean = Embedder::open(&settings(&path, Kind::Texts), texts()).unwrap();
    assert_eq!(mean.encode(batch).unwrap().values, [3.0, 3.0, 3.0, 3.0]);
    let first = Settings { pooling: Some(Pooling::First), ..settings(&path, Kind::Texts) };
    assert_eq!(Embedder::open(&first, texts()).unwrap().encode(batch).unwrap().values, [2.0, 2.0, 3.0, 3.0]);
}

#[test]
fn what_is_no_module_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("m.pt");
    for bytes in [&b""[..], b"no module", b"PK\x03\x04"] {
        std::fs::write(&path, bytes).unwrap();
        let error = Embedder::open(&settings(&path, Kind::Vectors), None).err().expect("must be refused");
        assert!(matches!(&error, EmbedError::BadModel { reason, .. } if !reason.is_empty()), "{error}");
        assert!(!error.to_string().contains('\n'), "{error}");
    }
}
