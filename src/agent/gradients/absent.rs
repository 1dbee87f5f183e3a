//! The functions of this module where burn is not built in: each refuses.

use crate::agent::error::AgentError;
use crate::agent::imitation::{LabelledState, Targets};
use crate::agent::network::Network;
use crate::agent::pang::PangNetwork;
use crate::agent::pang::observation::Described;
use crate::agent::policy_gradient::{GradientConfig, Totals};
use crate::agent::trajectory::Weighted;
use crate::episode::Observation;

pub(in crate::agent) fn adamw(
    _: &mut [f32],
    _: Vec<f32>,
    _: (f64, f32),
    _: u64,
    _: [&mut Vec<f32>; 2],
) -> Result<(), AgentError> {
    Err(AgentError::NoBurn { place: "optimiser" })
}

pub(in crate::agent) fn imitation(
    _: &Network,
    _: &[LabelledState],
    _: &Targets,
    _: &[usize],
    _: f32,
) -> Result<(f64, Vec<f32>), AgentError> {
    Err(AgentError::NoBurn { place: "imitation" })
}

pub(in crate::agent) fn pang(
    _: &PangNetwork,
    _: &Described,
    _: &[usize],
    _: [f32; 4],
) -> Result<Vec<f32>, AgentError> {
    Err(AgentError::NoBurn { place: "dataset embedding" })
}

pub(in crate::agent) fn policy_gradient(
    _: &Network,
    _: &[&Weighted<'_>],
    _: &GradientConfig,
) -> Result<(Vec<f32>, Totals), AgentError> {
    Err(AgentError::NoBurn { place: "policy gradient" })
}

pub(in crate::agent) fn scores(_: &Network, _: &Observation, _: Vec<f32>) -> Result<Vec<f32>, AgentError> {
    Err(AgentError::NoBurn { place: "evolution" })
}
