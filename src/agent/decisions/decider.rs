//! [`Decider`]: a learned choice between options.

use super::decision_state::DecisionState;
use crate::agent::card::Provenance;
use crate::agent::dqn::learner::first_largest;
use crate::agent::dqn::network::{ACTION, QNetwork, STATE, WEIGHTS};
use crate::agent::error::AgentError;
use crate::agent::frozen::Frozen;
use crate::agent::network::{Kind, Network, NetworkConfig};
use crate::data::Matrix;
use crate::error::Result;
use crate::rng::Key;

/// The shape of policies: one hidden layer over an option and the state.
const POLICY: NetworkConfig = NetworkConfig { kind: Kind::Mlp, hidden: 16, layers: 1 };

/// What a decider was learned by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeciderKind {
    /// Policy gradient: scores from which options are drawn.
    Policy,
    /// Deep Q-learning: values of options.
    Values,
}

impl DeciderKind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Policy, Self::Values];

    /// As it stands in tables and in the names of files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Policy => "policy_gradient",
            Self::Values => "dqn",
        }
    }
}

/// Chooses the option of the highest score.
#[derive(Clone, Debug, PartialEq)]
pub enum Decider {
    /// Learned by policy gradient.
    Policy(Network),
    /// Learned by deep Q-learning.
    Values(QNetwork),
}

impl Decider {
    /// One of which nothing is learned: a policy scores all options alike, values are small and drawn from `key`.
    ///
    /// # Errors
    /// None that can occur: the shapes are within their limits.
    pub fn untrained(kind: DeciderKind, key: Key) -> Result<Self, AgentError> {
        Ok(match kind {
            DeciderKind::Policy => Self::Policy(Network::new(POLICY, ACTION, STATE, key)?),
            DeciderKind::Values => Self::Values(QNetwork::new(0.0, key)),
        })
    }

    /// The network that policy gradient starts from: one that weighs the figures of an option by `usual`, whatever the state.
    ///
    /// # Errors
    /// As [`untrained`](Self::untrained).
    pub fn start(usual: [f32; ACTION], key: Key) -> Result<Network, AgentError> {
        let mut network = Network::new(POLICY, ACTION, STATE, key)?;
        let mut linear = Matrix::zeros(ACTION, STATE + 1);
        usual.into_iter().enumerate().for_each(|(figure, weight)| linear.row_mut(figure)[0] = weight);
        network.set_skip(&linear);
        Ok(network)
    }

    /// What it was learned by.
    pub fn kind(&self) -> DeciderKind {
        match self {
            Self::Policy(_) => DeciderKind::Policy,
            Self::Values(_) => DeciderKind::Values,
        }
    }

    /// One score per option; higher = chosen.
    ///
    /// # Errors
    /// Scores that are not finite.
    pub fn scores(&self, decision_state: &DecisionState) -> Result<Vec<f32>> {
        match self {
            Self::Policy(network) => network.score(&decision_state.observation()),
            Self::Values(network) => Ok(network.values(&decision_state.state, &decision_state.options)),
        }
    }

    /// The option it chooses, the first of equals.
    ///
    /// # Errors
    /// As [`scores`](Self::scores), and [`AgentError::NothingToLearn`] without an option.
    pub fn decide(&self, decision_state: &DecisionState) -> Result<usize> {
        let nothing = AgentError::NothingToLearn { place: "a decision without options" };
        Ok(first_largest(&self.scores(decision_state)?).ok_or(nothing)?)
    }

    /// A file of its weights, with what is said about them.
    pub fn freeze(&self, provenance: Provenance) -> Frozen {
        let weights = match self {
            Self::Policy(network) => network.weights(),
            Self::Values(network) => network.weights(),
        };
        Frozen::new(weights.to_vec(), provenance)
    }

    /// The decider of a file ([`Frozen::load`], [`Frozen::from_bytes`]).
    ///
    /// # Errors
    /// [`AgentError::Setting`] for another number of weights than one of this kind has.
    pub fn thaw(kind: DeciderKind, frozen: &Frozen) -> Result<Self, AgentError> {
        let weights = frozen.weights().to_vec();
        Ok(match kind {
            DeciderKind::Policy => Self::Policy(Network::from_weights(POLICY, ACTION, STATE, weights)?),
            DeciderKind::Values => Self::Values(QNetwork::from_weights(weights)?),
        })
    }

    /// The number of weights of one of this kind.
    pub fn weights(kind: DeciderKind) -> usize {
        match kind {
            DeciderKind::Policy => {
                let layout = POLICY.layout(ACTION, STATE).expect("sizes within their limits");
                layout.last().map_or(0, |slot| slot.range().end)
            }
            DeciderKind::Values => WEIGHTS,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decision_state() -> DecisionState {
        DecisionState::new(&[0.3, -0.2], &[[1.0, 0.0, 0.5], [0.0, 1.0, 0.0], [0.0, 0.5, 1.0]])
    }

    #[test]
    fn a_start_weighs_figures_by_hand() {
        let decider = Decider::Policy(Decider::start([-2.0, 0.0, 1.0], Key::root(1)).unwrap());
        assert_eq!(decider.scores(&decision_state()).unwrap(), [-1.5, 0.0, 1.0]);
        assert_eq!(decider.decide(&decision_state()).unwrap(), 2);
        let untrained = Decider::untrained(DeciderKind::Policy, Key::root(1)).unwrap();
        assert_eq!(untrained.decide(&decision_state()).unwrap(), 0, "the first of equals");
        assert!(untrained.decide(&DecisionState::new(&[], &[])).is_err());
    }

    #[test]
    fn a_file_comes_back_and_one_of_the_other_kind_does_not() {
        for kind in DeciderKind::ALL {
            let decider = match kind {
                DeciderKind::Policy => {
                    Decider::Policy(Decider::start([0.1, 0.2, 0.3], Key::root(1)).unwrap())
                }
                DeciderKind::Values => Decider::untrained(kind, Key::root(2)).unwrap(),
            };
            let provenance = Provenance { name: "stop".into(), ..Provenance::default() };
            let bytes = decider.freeze(provenance).to_bytes();
            let frozen = Frozen::from_bytes(&bytes, "stop", Decider::weights(kind)).unwrap();
            assert_eq!(Decider::thaw(kind, &frozen).unwrap(), decider);
            let other = DeciderKind::ALL.into_iter().find(|&other| other != kind).unwrap();
            assert!(Decider::thaw(other, &frozen).is_err());
            assert!(Frozen::from_bytes(&bytes, "stop", Decider::weights(other)).is_err());
        }
    }
}
