//! Columns bent out of the normal distribution, as real columns are.

use crate::data::Matrix;
use crate::rng::Key;
use rand::RngExt;

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
