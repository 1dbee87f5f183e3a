//! Traces the modules of `crates/embed/tests/torchscript.rs` into a folder, as `crates/embed/tests/models/make.py` writes the
//! ONNX models that some of them are the same as: `cargo run --example models -- FOLDER`.

use std::path::{Path, PathBuf};
use tch::{CModule, Device, Kind, Tensor};

fn main() {
    let folder = PathBuf::from(std::env::args().nth(1).expect("name the folder"));
    let floats = |shape: &[i64]| Tensor::zeros(shape, (Kind::Float, Device::Cpu));
    // Numbers of tokens, or a mask, of two texts of three tokens.
    let tokens = || Tensor::ones([2, 3], (Kind::Int64, Device::Cpu));
    let save = |name: &str, inputs: &[Tensor], forward: &dyn Fn(&[Tensor]) -> Tensor| {
        traced(&folder.join(name), inputs, forward);
    };

    // `linear.onnx`: y = x W + b.
    let weights = Tensor::from_slice(&[1.0f32, 0.0, 0.0, 1.0, 1.0, 1.0, 2.0, -1.0]).reshape([4, 2]);
    let bias = Tensor::from_slice(&[0.5f32, -0.5]);
    save("linear.pt", &[floats(&[2, 4])], &|inputs| inputs[0].matmul(&weights) + &bias);
    // One number for a whole batch.
    save("sum.pt", &[floats(&[2, 4])], &|inputs| inputs[0].sum(Kind::Float));
    // Three arrays.
    save("three.pt", &[tokens(), tokens(), tokens()], &|inputs| &inputs[0] + &inputs[1] * &inputs[2]);
    // No finite numbers.
    save("infinite.pt", &[floats(&[2, 4])], &|inputs| &inputs[0] / 0.0);

    // The number of a token twice.
    save("tokens.pt", &[tokens(), tokens()], &|inputs| {
        let numbers = (&inputs[0] * &inputs[1]).to_kind(Kind::Float).unsqueeze(2);
        Tensor::cat(&[&numbers, &numbers], 2)
    });
    // `sentence.onnx`.
    let table = numbers(&[6, 5]);
    save("sentence.pt", &[tokens(), tokens()], &|inputs| {
        let words = Tensor::embedding(&table, &inputs[0], -1, false, false);
        let penalties = ((inputs[1].to_kind(Kind::Float) - 1.0) * 1e4).unsqueeze(1);
        let weights = (words.matmul(&words.transpose(1, 2)) + penalties).softmax(-1, Kind::Float);
        weights.matmul(&words)
    });

    // `picture.onnx`.
    save("picture.pt", &[floats(&[2, 3, 8, 8])], &|inputs| inputs[0].adaptive_avg_pool2d([1, 1]));
    // `classifier.onnx` as far as the layer before its last.
    let (kernel, shift) = (numbers(&[4, 3, 3, 3]), numbers(&[4]));
    save("classifier.pt", &[floats(&[2, 3, 6, 6])], &|inputs| {
        let maps = inputs[0].conv2d(&kernel, Some(&shift), 1, 0, 1, 1);
        maps.relu().adaptive_avg_pool2d([1, 1]).flatten(1, -1)
    });
}

fn traced(path: &Path, inputs: &[Tensor], forward: &dyn Fn(&[Tensor]) -> Tensor) {
    let module = CModule::create_by_tracing("Model", "forward", inputs, &mut |inputs: &[Tensor]| {
        vec![forward(inputs)]
    });
    module.and_then(|module| module.save(path)).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

/// The weights of `numbers` in `make.py`.
fn numbers(shape: &[i64]) -> Tensor {
    let count = shape.iter().product::<i64>();
    let values: Vec<f32> = (0..count).map(|at| ((at * 37 % 101) as f64 / 101.0 - 0.5) as f32).collect();
    Tensor::from_slice(&values).reshape(shape)
}
