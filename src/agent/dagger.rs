//! Imitation on the states that the imitator itself comes through (DAgger).
//!
//! What imitates on states that others visited meets other states once it acts alone, and its errors add
//! up. So episodes are played by the policy learned so far, the expert says in the states on the way what
//! it would have done, whoever acted, and the policy is fitted again to all states so far. One coin per
//! episode decides whether the policy acts or whoever visited the first states; the policy's share grows.
//!
//! Ross, Gordon, Bagnell, "A reduction of imitation learning and structured prediction to no-regret online
//! learning", AISTATS 2011; for query policies Liu, Buntine, Haffari, "Learning how to actively learn",
//! ACL 2018 (ALIL). What the expert thinks of the candidates is kept, and not what was executed.

use super::error::AgentError;
use super::imitation::{ImitationConfig, ImitationReport, LabelledState, imitate};
use super::network::Network;
use super::parts::Parts;
use crate::error::Result;
use crate::rng::Key;
use serde::{Deserialize, Serialize};

/// How states are aggregated.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DaggerConfig {
    /// Times that the policy plays and is fitted again.
    pub rounds: u32,
    /// In round `e` (from 1), the chance `mixing^e` that the policy does *not* act in an episode.
    pub mixing: f64,
}

impl Default for DaggerConfig {
    fn default() -> Self {
        Self { rounds: 3, mixing: 0.5 }
    }
}

impl DaggerConfig {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`AgentError::Rate`] if the mixing is no probability.
    pub fn check(&self) -> Result<(), AgentError> {
        let found = self.mixing;
        if !(0.0..=1.0).contains(&found) {
            let expected = "a number in [0, 1]";
            return Err(AgentError::Rate { place: "dagger: mixing", found, expected });
        }
        Ok(())
    }
}

/// One round, as a report shows it. Round 0 is imitation on the first states.
#[derive(Clone, Debug, PartialEq)]
pub struct Round {
    /// Its number.
    pub round: u32,
    /// States learned from, all rounds so far together.
    pub states: usize,
    /// What imitation came to.
    pub imitation: ImitationReport,
    /// How well the policy plays; higher = better.
    pub value: f64,
}

/// The parts of the world that aggregation needs.
pub trait Expert {
    /// States of the training tasks on the way of `network`, with the expert's gains. An episode is left
    /// to others with the chance `others`.
    ///
    /// # Errors
    /// Whatever keeps an episode from being played.
    fn label(&mut self, network: &Network, others: f64, round: u32, key: Key) -> Result<Vec<LabelledState>>;

    /// How well `network` plays on tasks that it is not trained on; always the same ones.
    ///
    /// # Errors
    /// Whatever keeps an episode from being played.
    fn value(&mut self, network: &Network) -> Result<f64>;
}

/// Imitates on `states`, then on what the policy visits as well, and returns the network that played best.
/// Every fit starts at `untrained` and chooses its epoch by the states of `validation`; `parts` keeps where it
/// stands.
///
/// # Errors
/// As [`imitate`], and the expert's.
pub fn dagger(
    untrained: &Network,
    mut states: Vec<LabelledState>,
    validation: &[LabelledState],
    (config, imitation): (&DaggerConfig, &ImitationConfig),
    expert: &mut dyn Expert,
    parts: &dyn Parts,
    key: Key,
) -> Result<(Network, Vec<Round>)> {
    config.check()?;
    let mut rounds: Vec<Round> = Vec::new();
    let mut best: Option<(f64, Network)> = None;
    let mut acting = untrained.clone();
    for round in 0..=config.rounds {
        let key = key.at(u64::from(round));
        if round > 0 {
            let others = config.mixing.powi(round as i32);
            states.extend(expert.label(&acting, others, round, key.named("label"))?);
        }
        let (fitted, report) =
            imitate(untrained.clone(), &states, validation, imitation, parts, key.named("imitate"))?;
        let value = expert.value(&fitted)?;
        if !value.is_finite() {
            return Err(AgentError::Validation { iteration: round, value }.into());
        }
        rounds.push(Round { round, states: states.len(), imitation: report, value });
        if best.as_ref().is_none_or(|(most, _)| value > *most) {
            best = Some((value, fitted.clone()));
        }
        acting = fitted;
    }
    let (_, network) = best.expect("round 0 is always played");
    Ok((network, rounds))
}

#[cfg(test)]
mod tests {
    use super::super::network::{Kind, NetworkConfig};
    use super::super::parts::Forgetful;
    use super::super::testing::observation;
    use super::*;
    use crate::episode::Observation;

    /// In states with a positive global the first feature pays, in others the second does.
    fn gains(seen: &Observation) -> Vec<f32> {
        let column = usize::from(seen.globals[0] < 0.0);
        (0..seen.candidates.len()).map(|i| seen.features.row(i)[column]).collect()
    }

    fn state(global: f32, index: u64) -> LabelledState {
        let mut observation = observation(10, 2, 1, Key::root(index));
        observation.globals[0] = global;
        LabelledState { gains: gains(&observation), observation, task: 0 }
    }

    /// The policy's own episodes lead to states that nobody visited before it.
    struct Corridor {
        asked: Vec<(f64, u32)>,
    }

    impl Expert for Corridor {
        fn label(&mut self, _: &Network, others: f64, round: u32, _: Key) -> Result<Vec<LabelledState>> {
            self.asked.push((others, round));
            Ok((0..100).map(|i| state(-1.0, 1_000 * u64::from(round) + i)).collect())
        }

        /// Share of the best gain that is taken in the states of the policy.
        fn value(&mut self, network: &Network) -> Result<f64> {
            let (mut taken, mut best) = (0.0, 0.0);
            for state in (0..50).map(|i| state(-1.0, 50_000 + i)) {
                let scores = network.score(&state.observation)?;
                let top = (0..10).max_by(|&a, &b| scores[a].total_cmp(&scores[b])).unwrap_or(0);
                taken += f64::from(state.gains[top]);
                best += f64::from(state.gains.iter().fold(f32::MIN, |a, &b| a.max(b)));
            }
            Ok(taken / best)
        }
    }

    #[test]
    fn states_of_the_policy_repair_what_the_first_states_could_not_show() {
        let shape = NetworkConfig { kind: Kind::Linear, ..NetworkConfig::default() };
        let untrained = Network::new(shape, 2, 1, Key::root(0)).unwrap();
        let first: Vec<_> = (0..100).map(|i| state(1.0, i)).collect();
        let mut corridor = Corridor { asked: Vec::new() };
        let configs = (&DaggerConfig { rounds: 2, mixing: 0.5 }, &ImitationConfig::default());
        let (network, rounds) =
            dagger(&untrained, first, &[], configs, &mut corridor, &Forgetful, Key::root(1)).unwrap();
        assert_eq!(corridor.asked, [(0.5, 1), (0.25, 2)]);
        assert_eq!(rounds.iter().map(|round| round.states).collect::<Vec<_>>(), [100, 200, 300]);
        assert!(rounds[0].value < 0.5, "{}", rounds[0].value);
        assert!(rounds[1].value > 0.9, "{}", rounds[1].value);
        let best = rounds.iter().map(|round| round.value).fold(f64::MIN, f64::max);
        assert_eq!(corridor.value(&network).unwrap(), best);
    }

    #[test]
    fn a_chance_beyond_one_is_refused() {
        let config = DaggerConfig { mixing: 1.5, ..DaggerConfig::default() };
        assert!(matches!(config.check(), Err(AgentError::Rate { place: "dagger: mixing", .. })));
    }
}
