//! What a policy gradient learns from: episodes as plain data, checked, and their advantages.

use super::error::AgentError;
use super::network::Network;
use crate::episode::Observation;
use crate::error::Result;
use serde::{Deserialize, Serialize};

/// One query of an episode.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    /// What the policy saw.
    #[serde(with = "super::stored")]
    pub observation: Observation,
    /// Indices of the candidates that were drawn, in their order; at least one.
    pub picks: Vec<usize>,
    /// The log-probability with which they were drawn ([`Sample`](super::batch::Sample)).
    pub log_probability: f64,
}

/// What an episode was worth; higher = better.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Returns {
    /// One figure, which all decisions share.
    Total { value: f64, baseline: f64 },
    /// For each decision, what came after it (its reward included), and the same of the baseline.
    PerStep { values: Vec<f64>, baselines: Vec<f64> },
}

/// One episode.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trajectory {
    /// Its queries, in order.
    pub steps: Vec<Decision>,
    /// What it was worth.
    pub returns: Returns,
}

impl Trajectory {
    /// The whole episode's return: the total, or the first step's return.
    pub fn value(&self) -> f64 {
        match &self.returns {
            Returns::Total { value, .. } => *value,
            Returns::PerStep { values, .. } => values.first().copied().unwrap_or(0.0),
        }
    }

    /// The baseline of the whole episode.
    pub fn baseline(&self) -> f64 {
        match &self.returns {
            Returns::Total { baseline, .. } => *baseline,
            Returns::PerStep { baselines, .. } => baselines.first().copied().unwrap_or(0.0),
        }
    }
}

/// How advantages are scaled over one update.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Advantage {
    /// As they are.
    Raw,
    /// Divided by their root mean square: the step does not depend on the unit of the return, and a
    /// policy that beats its baseline everywhere is still reinforced everywhere.
    #[default]
    Scaled,
    /// Centred, then divided by their standard deviation.
    Standardised,
}

/// A decision with its advantage.
#[cfg_attr(not(feature = "burn"), expect(dead_code, reason = "only gradients read them"))]
pub(super) struct Weighted<'a> {
    pub(super) decision: &'a Decision,
    pub(super) advantage: f32,
}

/// Checks trajectories and gives every decision its advantage.
pub(super) fn weigh<'a>(
    network: &Network,
    trajectories: &'a [Trajectory],
    scaling: Advantage,
) -> Result<Vec<Weighted<'a>>> {
    let mut decisions = Vec::new();
    let mut advantages: Vec<f64> = Vec::new();
    for (index, trajectory) in trajectories.iter().enumerate() {
        check_returns(index, trajectory)?;
        for (step, decision) in trajectory.steps.iter().enumerate() {
            decision.observation.check(network.features(), network.globals())?;
            check_picks(index, step, decision)?;
            advantages.push(match &trajectory.returns {
                Returns::Total { value, baseline } => value - baseline,
                Returns::PerStep { values, baselines } => values[step] - baselines[step],
            });
            decisions.push(decision);
        }
    }
    let count = advantages.len().max(1) as f64;
    let centre = match scaling {
        Advantage::Standardised => advantages.iter().sum::<f64>() / count,
        Advantage::Raw | Advantage::Scaled => 0.0,
    };
    let spread = (advantages.iter().map(|a| (a - centre).powi(2)).sum::<f64>() / count).sqrt();
    // Where all advantages are equal up to rounding there is nothing to divide by.
    let largest = advantages.iter().fold(0.0f64, |max, a| max.max(a.abs()));
    let scale = if scaling == Advantage::Raw || spread <= 1e-9 * largest { 1.0 } else { 1.0 / spread };
    let weigh = |(decision, advantage): (&'a Decision, f64)| {
        let advantage = ((advantage - centre) * scale) as f32;
        Weighted { decision, advantage }
    };
    Ok(decisions.into_iter().zip(advantages).map(weigh).collect())
}

fn check_returns(index: usize, trajectory: &Trajectory) -> Result<(), AgentError> {
    let finite = |what, step, value: f64| match value.is_finite() {
        true => Ok(()),
        false => Err(AgentError::Reward { what, trajectory: index, step, value }),
    };
    match &trajectory.returns {
        Returns::Total { value, baseline } => {
            finite("return", 0, *value)?;
            finite("baseline", 0, *baseline)
        }
        Returns::PerStep { values, baselines } => {
            for (what, list) in [("return", values), ("baseline", baselines)] {
                let (returns, decisions) = (list.len(), trajectory.steps.len());
                if returns != decisions {
                    return Err(AgentError::Returns { what, trajectory: index, returns, decisions });
                }
                for (step, &value) in list.iter().enumerate() {
                    finite(what, step, value)?;
                }
            }
            Ok(())
        }
    }
}

fn check_picks(trajectory: usize, step: usize, decision: &Decision) -> Result<(), AgentError> {
    let candidates = decision.observation.candidates.len();
    if decision.picks.is_empty() {
        return Err(AgentError::NoPick { trajectory, decision: step });
    }
    let mut taken = vec![false; candidates];
    for &pick in &decision.picks {
        if pick >= candidates || std::mem::replace(&mut taken[pick], true) {
            return Err(AgentError::Pick { trajectory, decision: step, pick, candidates });
        }
    }
    let value = decision.log_probability;
    if !value.is_finite() {
        return Err(AgentError::Reward { what: "log-probability", trajectory, step, value });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::network::NetworkConfig;
    use super::super::testing::observation;
    use super::*;
    use crate::rng::Key;

    fn trajectories(advantages: &[f64]) -> Vec<Trajectory> {
        let one = |&advantage: &f64| Trajectory {
            steps: vec![Decision {
                observation: observation(4, 3, 1, Key::root(1)),
                picks: vec![0],
                log_probability: -1.0,
            }],
            returns: Returns::Total { value: 10.0 + advantage, baseline: 10.0 },
        };
        advantages.iter().map(one).collect()
    }

    #[test]
    fn advantages_are_scaled_as_by_hand() {
        let network = Network::new(NetworkConfig::default(), 3, 1, Key::root(0)).unwrap();
        let weigh = |values: &[f64], scaling| -> Vec<f32> {
            let all = trajectories(values);
            weigh(&network, &all, scaling).unwrap().iter().map(|w| w.advantage).collect()
        };
        assert_eq!(weigh(&[3.0, 1.0], Advantage::Raw), [3.0, 1.0]);
        // The root mean square of 3 and 1 is the root of 5.
        let scaled = weigh(&[3.0, 1.0], Advantage::Scaled);
        assert!((scaled[0] - 1.341_641).abs() < 1e-6 && (scaled[1] - 0.447_214).abs() < 1e-6);
        assert_eq!(weigh(&[3.0, 1.0], Advantage::Standardised), [1.0, -1.0]);
        // What is equal up to rounding is not blown up to the size of an advantage.
        let flat = weigh(&[0.1, 0.1, 0.1], Advantage::Standardised);
        assert!(flat.iter().all(|a| a.abs() < 1e-9), "{flat:?}");
        assert_eq!(weigh(&[0.0, 0.0], Advantage::Scaled), [0.0, 0.0]);
    }

    #[test]
    fn steps_have_their_own_returns() {
        let network = Network::new(NetworkConfig::default(), 3, 1, Key::root(0)).unwrap();
        let mut one = trajectories(&[0.0]).remove(0);
        one.steps.push(one.steps[0].clone());
        one.returns = Returns::PerStep { values: vec![5.0, 2.0], baselines: vec![1.0, 3.0] };
        assert_eq!((one.value(), one.baseline()), (5.0, 1.0));
        let all = [one];
        let weighed = weigh(&network, &all, Advantage::Raw).unwrap();
        assert_eq!(weighed.iter().map(|w| w.advantage).collect::<Vec<_>>(), [4.0, -1.0]);
    }
}
