//! Draws that several generators share.

use crate::data::{Dataset, Matrix, Shape, Targets};
use crate::error::Result;
use rand::RngExt;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

/// A standard normal number.
pub(super) fn normal(rng: &mut ChaCha8Rng) -> f32 {
    StandardNormal.sample(rng)
}

/// `count` standard normal numbers.
pub(super) fn normals(rng: &mut ChaCha8Rng, count: usize) -> Vec<f32> {
    (0..count).map(|_| normal(rng)).collect()
}

/// A number in `[low, high)`, uniform in its logarithm; both positive.
pub(super) fn log_uniform(rng: &mut ChaCha8Rng, low: f64, high: f64) -> f64 {
    (low.ln() + rng.random::<f64>() * (high.ln() - low.ln())).exp()
}

/// A whole number in `low..=high`, about uniform in its logarithm.
pub(super) fn log_uniform_count(rng: &mut ChaCha8Rng, low: usize, high: usize) -> usize {
    (log_uniform(rng, low as f64, high as f64 + 1.0) as usize).clamp(low, high)
}

/// `rows` split into one count per weight, in proportion, by largest remainders, each at least one.
/// `rows` must be at least the number of weights.
pub(super) fn apportion(rows: usize, weights: &[f64]) -> Vec<usize> {
    let total: f64 = weights.iter().sum();
    let spare = (rows - weights.len()) as f64;
    let exact: Vec<f64> = weights.iter().map(|weight| spare * weight / total).collect();
    let mut counts: Vec<usize> = exact.iter().map(|&part| 1 + part as usize).collect();
    let mut order: Vec<usize> = (0..weights.len()).collect();
    order.sort_by(|&a, &b| exact[b].fract().total_cmp(&exact[a].fract()).then(a.cmp(&b)));
    let missing = rows.saturating_sub(counts.iter().sum());
    order.iter().cycle().take(missing).for_each(|&class| counts[class] += 1);
    counts
}

/// Weights of `classes` classes that fall geometrically from one to `1 / ratio`.
pub(super) fn geometric(classes: usize, ratio: f64) -> Vec<f64> {
    let last = classes.saturating_sub(1).max(1) as f64;
    (0..classes).map(|class| ratio.powf(-(class as f64) / last)).collect()
}

/// Moves a `share` of the labels to another class, uniformly.
pub(super) fn flip_labels(labels: &mut [u32], classes: usize, share: f64, rng: &mut ChaCha8Rng) {
    for label in labels {
        let flip = rng.random::<f64>() < share;
        let other = rng.random_range(1..classes as u32);
        if flip {
            *label = (*label + other) % classes as u32;
        }
    }
}

/// Puts examples in a random order and makes a data set of them. Classes are named by their numbers.
pub(super) fn shuffled(
    name: &str,
    inputs: &Matrix,
    labels: &[u32],
    classes: usize,
    rng: &mut ChaCha8Rng,
) -> Result<Dataset> {
    let mut order: Vec<usize> = (0..labels.len()).collect();
    order.shuffle(rng);
    let labels = order.iter().map(|&row| labels[row]).collect();
    let names = (0..classes).map(|class| class.to_string()).collect();
    let shape = Shape::Vector(inputs.cols());
    Dataset::new(name, shape, inputs.gather(order), Targets::Class { labels, names }, None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Key;

    #[test]
    fn apportioning_worked_examples() {
        assert_eq!(apportion(10, &[1.0, 1.0]), [5, 5]);
        assert_eq!(apportion(10, &[3.0, 1.0]), [7, 3]);
        assert_eq!(apportion(3, &[100.0, 1.0, 1.0]), [1, 1, 1]);
        assert_eq!(apportion(11, &[1.0, 1.0, 1.0]), [4, 4, 3]);
    }

    #[test]
    fn geometric_weights_end_at_the_ratio() {
        let weights = geometric(3, 4.0);
        assert_eq!(weights[0], 1.0);
        assert!((weights[1] - 0.5).abs() < 1e-12 && (weights[2] - 0.25).abs() < 1e-12);
    }

    #[test]
    fn flipped_labels_change_class_and_stay_in_range() {
        let mut labels = vec![1u32; 10_000];
        flip_labels(&mut labels, 3, 0.2, &mut Key::root(1).rng());
        let counts = [0, 1, 2].map(|class| labels.iter().filter(|&&label| label == class).count());
        assert_eq!(counts.iter().sum::<usize>(), 10_000);
        assert!((7_850..8_150).contains(&counts[1]), "{counts:?}");
        assert!((900..1_100).contains(&counts[0]) && (900..1_100).contains(&counts[2]), "{counts:?}");
    }
}
