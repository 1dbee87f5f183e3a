//! The listwise loss of imitation.

use super::graph::{self, Graph, StateBatch};
use crate::agent::error::AgentError;
use crate::agent::imitation::{LabelledState, Targets, softmax};
use crate::agent::network::Network;
use crate::episode::Observation;

/// Mean loss of the chosen states and its gradient.
pub(in crate::agent) fn imitation(
    network: &Network,
    states: &[LabelledState],
    targets: &Targets,
    chosen: &[usize],
    temperature: f32,
) -> Result<(f64, Vec<f32>), AgentError> {
    let device = graph::device();
    let mut total = vec![0.0f32; network.weights().len()];
    let mut loss = 0.0;
    let sizes: Vec<_> = chosen.iter().map(|&s| (states[s].observation.candidates.len(), 1)).collect();
    for chunk in graph::chunks(&sizes) {
        let chosen = &chosen[chunk.clone()];
        let width = sizes[chunk].iter().map(|size| size.0).max().unwrap_or(0);
        let mut target = vec![0.0f32; chosen.len() * width];
        let mut allowed = vec![0.0f32; chosen.len() * width];
        for (row, &s) in chosen.iter().enumerate() {
            let expert = softmax(&targets.normalised[s], temperature);
            allowed[row * width..][..expert.len()].fill(1.0);
            for (t, p) in target[row * width..].iter_mut().zip(expert) {
                *t = p as f32;
            }
        }
        let observations: Vec<&Observation> = chosen.iter().map(|&s| &states[s].observation).collect();
        let batch = StateBatch::new(&observations, &device);
        let leaves = Graph::new(network, &device);
        let shape = [chosen.len(), width];
        let log_p = graph::masked_log_softmax(leaves.scores(&batch), graph::tensor(allowed, shape, &device));
        let part = (log_p * graph::tensor(target, shape, &device)).sum().neg();
        let part = part.div_scalar(sizes.len() as f32);
        loss += f64::from(graph::values(part.clone())[0]);
        for (sum, g) in total.iter_mut().zip(leaves.gradient(&part)) {
            *sum += g;
        }
    }
    Ok((loss, total))
}
