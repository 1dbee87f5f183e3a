//! Derivatives of scores.

use super::graph::{self, Graph, StateBatch};
use crate::agent::error::AgentError;
use crate::agent::network::Network;
use crate::episode::Observation;

/// The gradient of the scores of a state, each times its entry of `factors`.
pub(in crate::agent) fn scores(
    network: &Network,
    state: &Observation,
    factors: Vec<f32>,
) -> Result<Vec<f32>, AgentError> {
    let device = graph::device();
    let leaves = Graph::new(network, &device);
    let shape = [1, state.candidates.len()];
    let combined =
        (leaves.scores(&StateBatch::new(&[state], &device)) * graph::tensor(factors, shape, &device)).sum();
    Ok(leaves.gradient(&combined))
}
