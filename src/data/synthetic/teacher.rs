//! Labels given by a random network over factor-correlated inputs.

use super::draw::{log_uniform_count, normal, normals};
use super::family::Knobs;
use super::scores::label;
use crate::data::Matrix;
use crate::rng::Key;
use rand::RngExt;

/// Inputs and labels of one task.
pub(super) fn draw(knobs: &Knobs, key: Key) -> (Matrix, Vec<u32>) {
    let mut rng = key.rng();
    // Inputs lie near a subspace: a few factors, mixed at random, and independent noise.
    let factors = log_uniform_count(&mut rng, 2.min(knobs.width), knobs.width);
    let blur = 0.1 + 0.5 * rng.random::<f32>();
    let mixing = Matrix::new(normals(&mut rng, knobs.width * factors), knobs.width, factors);
    let mut inputs = Matrix::zeros(knobs.rows, knobs.width);
    for row in 0..knobs.rows {
        let factor = normals(&mut rng, factors);
        for (column, value) in inputs.row_mut(row).iter_mut().enumerate() {
            let mixed: f32 = mixing.row(column).iter().zip(&factor).map(|(weight, z)| weight * z).sum();
            *value = mixed / (factors as f32).sqrt() + blur * normal(&mut rng);
        }
    }
    // Few inputs matter; the more hidden units, the more winding the boundary.
    let relevant = log_uniform_count(&mut rng, 2.min(knobs.width), knobs.width.min(12));
    let hidden = log_uniform_count(&mut rng, 3, 16);
    let gain = 0.8 + 1.7 * rng.random::<f32>();
    let mut layers = vec![Layer::draw(&mut rng, relevant, hidden, gain)];
    if rng.random_bool(0.5) {
        layers.push(Layer::draw(&mut rng, hidden, hidden, gain));
    }
    let out = Layer::draw(&mut rng, hidden, knobs.classes, 1.0);
    let scores: Vec<Vec<f64>> = (0..knobs.rows)
        .map(|row| {
            let mut state = inputs.row(row)[..relevant].to_vec();
            for layer in &layers {
                state = layer.apply(&state).into_iter().map(f32::tanh).collect();
            }
            out.apply(&state).into_iter().map(f64::from).collect()
        })
        .collect();
    let labels = label(&scores, knobs.classes, knobs.imbalance);
    (inputs, labels)
}

pub(super) struct Layer {
    weights: Matrix,
    bias: Vec<f32>,
}

impl Layer {
    pub(super) fn draw(rng: &mut rand_chacha::ChaCha8Rng, inputs: usize, outputs: usize, gain: f32) -> Self {
        let scale = gain / (inputs as f32).sqrt();
        let weights = normals(rng, inputs * outputs).into_iter().map(|z| z * scale).collect();
        Self { weights: Matrix::new(weights, outputs, inputs), bias: normals(rng, outputs) }
    }

    pub(super) fn apply(&self, input: &[f32]) -> Vec<f32> {
        let unit = |(row, bias): (usize, &f32)| {
            bias + self.weights.row(row).iter().zip(input).map(|(weight, x)| weight * x).sum::<f32>()
        };
        self.bias.iter().enumerate().map(unit).collect()
    }
}
