//! TorchScript modules that are traced here, since a module's file is libtorch's own.

#![cfg(feature = "tch")]
#![allow(clippy::disallowed_methods)]

mod common;

use common::{file, library, settings, texts};
use querist_embed::pooling::Pooling;
use querist_embed::{Batch, EmbedError, Embedder, Encoder, Kind, Settings, Tensor};
use std::path::Path;
use std::sync::Mutex;
use tch::{CModule, Device, Kind as Element, Tensor as Traced};

fn traced(path: &Path, inputs: &[Traced], mut forward: impl FnMut(&[Traced]) -> Traced) {
    // libtorch traces one module at a time.
    static TRACING: Mutex<()> = Mutex::new(());
    let _alone = TRACING.lock();
    let mut forward = |inputs: &[Traced]| vec![forward(inputs)];
    let module = CModule::create_by_tracing("Model", "forward", inputs, &mut forward).unwrap();
    module.save(path).unwrap();
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
    // A module of one input is no encoder of texts, which have two.
    let mut texts = Embedder::open(&settings(&path, Kind::Texts), texts()).unwrap();
    let wrong = texts.encode(Batch::Texts(&["good film"])).unwrap_err();
    assert!(matches!(&wrong, EmbedError::Run { n: 1, shape, .. } if shape[..] == [1, 2]), "{wrong}");
    assert!(!wrong.to_string().contains('\n'), "{wrong}");
}

/// A token's vector is its number twice; `good film` is 2 and 4, `bad` is 3, and padding is 0.
#[test]
fn texts_become_vectors() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("tokens.pt");
    traced(&path, &[whole(), whole()], |inputs| {
        let numbers = (&inputs[0] * &inputs[1]).to_kind(Element::Float).unsqueeze(2);
        Traced::cat(&[&numbers, &numbers], 2)
    });
    let batch = Batch::Texts(&["good film", "bad"]);
    let mut mean = Embedder::open(&settings(&path, Kind::Texts), texts()).unwrap();
    assert_eq!(mean.encode(batch).unwrap().values, [3.0, 3.0, 3.0, 3.0]);
    let first = Settings { pooling: Some(Pooling::First), ..settings(&path, Kind::Texts) };
    assert_eq!(Embedder::open(&first, texts()).unwrap().encode(batch).unwrap().values, [2.0, 2.0, 3.0, 3.0]);
}

/// Numbers of tokens, or a mask, of two texts of three tokens.
fn whole() -> Traced {
    Traced::ones([2, 3], (Element::Int64, Device::Cpu))
}

/// The weights of `numbers` in `make.py`.
fn numbers(shape: &[i64]) -> Traced {
    let count = shape.iter().product::<i64>();
    let values: Vec<f32> = (0..count).map(|at| ((at * 37 % 101) as f64 / 101.0 - 0.5) as f32).collect();
    Traced::from_slice(&values).reshape(shape)
}

/// `sentence.onnx`.
fn sentence(path: &Path) {
    let table = numbers(&[6, 5]);
    traced(path, &[whole(), whole()], |inputs| {
        let words = Traced::embedding(&table, &inputs[0], -1, false, false);
        let penalties = ((inputs[1].to_kind(Element::Float) - 1.0) * 1e4).unsqueeze(1);
        let weights = (words.matmul(&words.transpose(1, 2)) + penalties).softmax(-1, Element::Float);
        weights.matmul(&words)
    });
}

/// `classifier.onnx` as far as the layer before its last.
fn penultimate(path: &Path) {
    let (kernel, shift) = (numbers(&[4, 3, 3, 3]), numbers(&[4]));
    traced(path, &[Traced::zeros([2, 3, 6, 6], (Element::Float, Device::Cpu))], |inputs| {
        let maps = inputs[0].conv2d(&kernel, Some(&shift), 1, 0, 1, 1);
        maps.relu().adaptive_avg_pool2d([1, 1]).flatten(1, -1)
    });
}

/// Sentences, pictures, and the layer before the last of a classifier: the same numbers by both libraries.
#[test]
fn both_back_ends_give_the_same_vectors() {
    if !library() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    sentence(&path("sentence.pt"));
    penultimate(&path("classifier.pt"));
    let eight = Traced::zeros([2, 3, 8, 8], (Element::Float, Device::Cpu));
    traced(&path("picture.pt"), &[eight], |inputs| inputs[0].adaptive_avg_pool2d([1, 1]));

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
        let encode = |settings: Settings| {
            Embedder::open(&settings, texts())
                .unwrap()
                .encode(batch)
                .unwrap_or_else(|error| panic!("{name}: {error}"))
        };
        let onnx =
            Settings { output: output.map(String::from), ..settings(&file(&format!("{name}.onnx")), kind) };
        let (onnx, torchscript) = (encode(onnx), encode(settings(&path(&format!("{name}.pt")), kind)));
        assert_eq!((&onnx.shape[..], &torchscript.shape[..]), (&shape[..], &shape[..]), "{name}");
        let difference = |(a, b): (&f32, &f32)| (a - b).abs();
        let greatest = onnx.values.iter().zip(&torchscript.values).map(difference).fold(0.0, f32::max);
        assert!(greatest < 1e-5, "{name}: {greatest}");
        let spread =
            |values: &[f32]| values.iter().fold(0.0f32, |most, value| most.max((value - values[0]).abs()));
        assert!(spread(&onnx.values) > 0.01, "{name}: {:?}", onnx.values);
    }
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
