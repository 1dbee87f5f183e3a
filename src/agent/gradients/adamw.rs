//! A step of AdamW.

use super::graph;
use crate::agent::error::AgentError;
use burn::optim::{AdamW, AdamWConfig, AdamWState, AdaptiveMomentumState, Optimizer};
use burn::tensor::Device;

/// Moves `values` against `gradient`, and the two `moments` with it, which are empty before the first of all
/// `updates`.
pub(in crate::agent) fn adamw(
    values: &mut [f32],
    gradient: Vec<f32>,
    (learning_rate, weight_decay): (f64, f32),
    updates: u64,
    [first, second]: [&mut Vec<f32>; 2],
) -> Result<(), AgentError> {
    // One tensor for all weights: the rule is element-wise, and its state is then two vectors.
    let device = Device::flex();
    let size = gradient.len();
    let flat = |values: Vec<f32>| graph::tensor::<1>(values, [size], &device);
    let rule: AdamW = AdamWConfig::new().with_epsilon(1e-8).with_weight_decay(weight_decay).build();
    let state = (updates > 0).then(|| {
        let (first, second) = (std::mem::take(first), std::mem::take(second));
        AdamWState::new(AdaptiveMomentumState::new(updates as usize, flat(first), flat(second)))
    });
    let (weights, state) = rule.step(learning_rate, flat(values.to_vec()), flat(gradient), state);
    if let Some(AdamWState { momentum }) = state {
        *first = graph::values(momentum.moment_1);
        *second = graph::values(momentum.moment_2);
    }
    values.copy_from_slice(&graph::values(weights));
    Ok(())
}
