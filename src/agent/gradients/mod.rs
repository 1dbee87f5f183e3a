//! Gradients of what the learning algorithms lose, and the step of AdamW.
//!
//! All of the layer that needs burn is here; `linear`, for imitation by a linear network, does not. In a program that is built without the feature `burn`, `absent` has the
//! same functions, and each says so; policies that are trained already need none of them.

#[cfg(not(feature = "burn"))]
mod absent;
#[cfg(feature = "burn")]
mod adamw;
#[cfg(feature = "burn")]
mod graph;
#[cfg(feature = "burn")]
mod imitation;
mod linear;
#[cfg(feature = "burn")]
mod pang;
#[cfg(feature = "burn")]
mod policy_gradient;
#[cfg(feature = "burn")]
mod scores;

#[cfg(not(feature = "burn"))]
pub(super) use absent::{adamw, pang, policy_gradient, scores};
#[cfg(feature = "burn")]
pub(super) use {adamw::adamw, pang::pang, policy_gradient::policy_gradient, scores::scores};

#[cfg(not(feature = "burn"))]
use absent::imitation as through_a_graph;
#[cfg(feature = "burn")]
use imitation::imitation as through_a_graph;

use super::error::AgentError;
use super::imitation::{LabelledState, Targets};
use super::network::{Kind, Network};

/// Mean listwise loss of the chosen states and its gradient, in the order of the flat weights.
pub(super) fn imitation(
    network: &Network,
    states: &[LabelledState],
    targets: &Targets,
    chosen: &[usize],
    temperature: f32,
) -> Result<(f64, Vec<f32>), AgentError> {
    match network.config().kind {
        Kind::Linear => Ok(linear::imitation(network, states, targets, chosen, temperature)),
        _ => through_a_graph(network, states, targets, chosen, temperature),
    }
}

#[cfg(all(test, feature = "burn"))]
mod tests {
    use super::*;
    use crate::agent::network::NetworkConfig;
    use crate::agent::testing::{observation, random_network};
    use crate::rng::Key;

    #[test]
    fn a_linear_networks_gradient_is_the_graphs() {
        let config = NetworkConfig { kind: Kind::Linear, ..NetworkConfig::default() };
        let network = random_network(config, 6, 2, Key::root(3));
        let states: Vec<_> = (0..40)
            .map(|s| {
                let observation = observation(12, 6, 2, Key::root(s));
                // Candidates behind the gains are context, which is in no sum.
                let gains = (0..1 + s as usize % 12).map(|i| observation.features.row(i)[1]).collect();
                LabelledState { observation, gains, task: (s / 10) as u32 }
            })
            .collect();
        let targets = Targets::new(&states, 6, 2).unwrap();
        let chosen: Vec<usize> = (0..states.len()).rev().collect();
        let (loss, gradient) = imitation(&network, &states, &targets, &chosen, 0.25).unwrap();
        let (other, graph) = through_a_graph(&network, &states, &targets, &chosen, 0.25).unwrap();
        assert!((loss - other).abs() < 1e-5 * other, "{loss} {other}");
        assert!(gradient.iter().any(|g| g.abs() > 1e-2));
        for (ours, graph) in gradient.iter().zip(&graph) {
            assert!((ours - graph).abs() < 1e-5, "{ours} {graph}");
        }
    }
}
