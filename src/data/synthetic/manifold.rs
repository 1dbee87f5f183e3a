//! Points near a curved surface of few dimensions: what images, and sentences behind a frozen encoder,
//! look like. A class is a few clusters on the surface; the surface is a random network's image of it.

use super::draw::{apportion, geometric, log_uniform, log_uniform_count, normal, normals};
use super::family::Knobs;
use crate::data::Matrix;
use crate::rng::Key;
use rand::RngExt;

/// Dimensions of the surface, fewest and most.
const LATENT: (usize, usize) = (3, 16);
/// Numbers per example, fewest and most.
pub(super) const WIDTH: (usize, usize) = (16, 256);
/// Clusters of a class, fewest and most.
const CLUSTERS: (usize, usize) = (1, 4);

/// Inputs and labels of one task.
pub(super) fn draw(knobs: &Knobs, key: Key) -> (Matrix, Vec<u32>) {
    let mut rng = key.rng();
    let latent = log_uniform_count(&mut rng, LATENT.0, LATENT.1);
    let width = log_uniform_count(&mut rng, WIDTH.0, WIDTH.1);
    let clusters = log_uniform_count(&mut rng, CLUSTERS.0, CLUSTERS.1);
    let separation = log_uniform(&mut rng, 0.7, 2.5) as f32;
    let bend = log_uniform(&mut rng, 0.2, 1.0) as f32;
    let blur = log_uniform(&mut rng, 0.05, 0.8) as f32;
    // Grey values are not negative, and many are zero; embeddings have unit length.
    let (rectified, unit) = (rng.random_bool(0.4), rng.random_bool(0.4));
    let hidden = 2 * latent;
    let centres: Vec<Vec<f32>> = (0..knobs.classes * clusters).map(|_| normals(&mut rng, latent)).collect();
    let (into, shift) = (normals(&mut rng, hidden * latent), normals(&mut rng, hidden));
    let out = normals(&mut rng, width * hidden);
    let counts = apportion(knobs.rows, &geometric(knobs.classes, knobs.imbalance));
    let mut inputs = Matrix::zeros(knobs.rows, width);
    let mut labels = Vec::with_capacity(knobs.rows);
    for (class, count) in counts.into_iter().enumerate() {
        for nth in 0..count {
            let centre = &centres[class * clusters + nth % clusters];
            let at: Vec<f32> = centre.iter().map(|c| separation * c + normal(&mut rng)).collect();
            let state: Vec<f32> = into
                .chunks_exact(latent)
                .zip(&shift)
                .map(|(weights, shift)| {
                    let sum: f32 = weights.iter().zip(&at).map(|(w, z)| w * z).sum();
                    (bend * (sum / (latent as f32).sqrt() + shift)).tanh()
                })
                .collect();
            let row = inputs.row_mut(labels.len());
            for (value, weights) in row.iter_mut().zip(out.chunks_exact(hidden)) {
                let sum: f32 = weights.iter().zip(&state).map(|(w, h)| w * h).sum();
                let noisy = sum / (hidden as f32).sqrt() + blur * normal(&mut rng);
                *value = if rectified { noisy.max(0.0) } else { noisy };
            }
            if unit {
                let length = row.iter().map(|x| x * x).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
                row.iter_mut().for_each(|x| *x /= length);
            }
            labels.push(class as u32);
        }
    }
    (inputs, labels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_are_rectified_and_some_of_unit_length() {
        let knobs = Knobs { rows: 200, width: 20, classes: 2, imbalance: 1.0, label_noise: 0.0 };
        let (mut rectified, mut unit) = (0, 0);
        for seed in 0..40 {
            let (inputs, _) = draw(&knobs, Key::root(seed));
            assert!((WIDTH.0..=WIDTH.1).contains(&inputs.cols()));
            assert!(inputs.values().iter().all(|value| value.is_finite()));
            rectified += usize::from(inputs.values().iter().all(|&value| value >= 0.0));
            let long = |row| (inputs.row(row).iter().map(|x| x * x).sum::<f32>() - 1.0).abs() < 1e-4;
            unit += usize::from((0..200).all(long));
        }
        assert!((5..30).contains(&rectified) && (5..30).contains(&unit), "{rectified}, {unit}");
    }
}
