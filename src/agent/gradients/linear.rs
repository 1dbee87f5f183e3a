//! The listwise loss of imitation where the network is linear.
//!
//! Its gradient is a sum over states of `Σᵢ (pᵢ − tᵢ) xᵢ ⊗ [1; g]`, which takes a few hundred multiplications per state.
//! Through burn's graph a step costs some thirty times as much, most of it for building the graph, and since the fit is what
//! one process does alone, that bounds what further ranks are worth.

use crate::agent::imitation::{LabelledState, Targets, softmax};
use crate::agent::network::Network;

/// Mean loss of the chosen states and its gradient, summed in 64 bits.
pub(super) fn imitation(
    network: &Network,
    states: &[LabelledState],
    targets: &Targets,
    chosen: &[usize],
    temperature: f32,
) -> (f64, Vec<f32>) {
    let (features, columns) = (network.features(), network.globals() + 1);
    let mut loss = 0.0;
    let mut total = vec![0.0f64; network.weights().len()];
    let mut along = vec![0.0f64; features];
    for &s in chosen {
        let state = &states[s].observation;
        let expert = softmax(&targets.normalised[s], temperature);
        let scores: Vec<f32> = network.linear_scores(state, expert.len());
        let predicted = softmax(&scores, 1.0);
        along.fill(0.0);
        for (row, (t, p)) in state.features.values().chunks_exact(features).zip(expert.iter().zip(&predicted))
        {
            loss -= t * p.max(f64::MIN_POSITIVE).ln();
            for (sum, &x) in along.iter_mut().zip(row) {
                *sum += (p - t) * f64::from(x);
            }
        }
        for (sums, &slope) in total.chunks_exact_mut(columns).zip(&along) {
            sums[0] += slope;
            for (sum, &g) in sums[1..].iter_mut().zip(&state.globals) {
                *sum += slope * f64::from(g);
            }
        }
    }
    let share = 1.0 / chosen.len() as f64;
    (loss * share, total.iter().map(|g| (g * share) as f32).collect())
}
