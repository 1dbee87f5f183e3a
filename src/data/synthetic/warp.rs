//! Columns bent out of the normal distribution, as real columns are, and columns that say nothing.

use super::draw::{log_uniform, log_uniform_count, normal};
use crate::data::Matrix;
use crate::rng::Key;
use rand::RngExt;

/// How often a flag is set, least and most.
const FLAG: (f64, f64) = (0.005, 0.3);

/// Gives some columns of `inputs` another distribution, each by a monotone map of its own: a heavy tail,
/// a few levels, two values, or another scale. Half of the tasks are left as they are.
pub(super) fn columns(inputs: &mut Matrix, key: Key) {
    let mut rng = key.rng();
    if rng.random_bool(0.5) {
        return;
    }
    let maps: Vec<u8> = (0..inputs.cols()).map(|_| rng.random_range(0..8)).collect();
    for row in 0..inputs.rows() {
        for (value, map) in inputs.row_mut(row).iter_mut().zip(&maps) {
            *value = match map {
                // Clamped, so that the tail stays within what a standard score can express.
                0 => value.clamp(-5.0, 5.0).exp(),
                1 => (*value * 2.0).round(),
                2 => f32::from(u8::from(*value > 0.0)),
                3 => *value * 1_000.0 + 5_000.0,
                _ => *value,
            };
        }
    }
}

/// Adds columns that have nothing to do with the class to a third of the tasks, at most as many as there are: flags
/// that are seldom set, and amounts with a heavy tail. Scaled to unit variance, both make rows that lie far
/// from all others and are worth no label.
pub(super) fn strays(inputs: Matrix, key: Key) -> Matrix {
    let mut rng = key.rng();
    if rng.random_bool(2.0 / 3.0) {
        return inputs;
    }
    let count = log_uniform_count(&mut rng, 1, inputs.cols());
    let flags: Vec<Option<f64>> =
        (0..count).map(|_| rng.random_bool(0.7).then(|| log_uniform(&mut rng, FLAG.0, FLAG.1))).collect();
    let mut wider = Matrix::zeros(inputs.rows(), inputs.cols() + count);
    for row in 0..inputs.rows() {
        let (own, added) = wider.row_mut(row).split_at_mut(inputs.cols());
        own.copy_from_slice(inputs.row(row));
        for (value, flag) in added.iter_mut().zip(&flags) {
            *value = match flag {
                Some(often) => f32::from(u8::from(rng.random_bool(*often))),
                None => (1.5 * normal(&mut rng)).clamp(-5.0, 5.0).exp(),
            };
        }
    }
    wider
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strays_leave_what_was_there() {
        let inputs = Matrix::new((0..800).map(|value| value as f32).collect(), 200, 4);
        let mut wider = 0;
        for seed in 0..60 {
            let found = strays(inputs.clone(), Key::root(seed));
            assert!((4..=8).contains(&found.cols()));
            assert!((0..200).all(|row| found.row(row)[..4] == *inputs.row(row)));
            assert!(found.values().iter().all(|value| value.is_finite()));
            wider += usize::from(found.cols() > 4);
        }
        assert!((10..=30).contains(&wider), "{wider}");
    }
}
