//! The scoring network, the algorithms that train it, and the frozen policy.
//!
//! The learning algorithms work on [`Observation`](crate::episode::Observation)s, plain matrices of
//! features, and do not know where they come from, so they are tested without an episode. Only
//! `simulation` and `collection` play episodes: they are where trajectories and states come from. A frozen
//! policy computes the features of a view itself ([`strategy`], [`growth`]).
//!
//! - [`network`]: weights as plain data, and scores from them without automatic differentiation, so
//!   that parallel episodes share no lock; `gradients` is the same function
//!   in burn, and the step of AdamW.
//! - [`batch`]: from scores to an ordered batch, and its probability (Plackett–Luce); [`growth`]: the
//!   batch of a frozen policy, which looks again as it grows.
//! - [`imitation`], with [`ridge`] as the baseline it may start from, [`mod@dagger`] around it,
//!   [`policy_gradient`] over [`trajectory`], and [`evolution`]: one file per learning algorithm; [`trainer`] is the loop around the
//!   last two, with its checkpoints.
//! - [`rollouts`](mod@rollouts): what a label is worth over several queries.
//! - [`head`]: the policy's third head, which says how the network grows.
//! - [`algorithm`]: what learns a policy with a file of its own, by name.
//! - [`dqn`]: deep Q-learning as published, with a network, an observation and a loop of its own.
//! - [`decisions`]: when to stop and whom to ask, learned by policy gradient and deep Q-learning on the same episodes.
//! - [`pang`]: a policy over raw inputs of any width, with an embedding of the data set;
//!   [`frozen`]: the file of both.
//! - [`policy`] with its [`card`]: the frozen policy as two files; [`guard`]: where it does not trust itself;
//!   [`shipped`]: the policies that come with the program; [`mod@importance`]: what it looked at; [`mod@selection_profile`]: what
//!   it asks for, early and late;
//!   [`strategy`]: the policy as a [`Strategy`](crate::query::Strategy), and [`adaptation`]: one that finds out on
//!   the target whether it helps there.
//! - [`parts`]: what long computations hand out as they go, so that an interrupted one goes on from there;
//!   [`spread`]: what of them other processes may make.
//!
//! Not here: how episodes run and how features are computed (`episode`), and writing to disk
//! (`durable`): what is saved leaves this layer as bytes and text.

pub(crate) mod adaptation;
pub mod algorithm;
pub mod batch;
pub mod card;
pub(crate) mod collection;
pub mod dagger;
pub mod decisions;
pub mod dqn;
pub(crate) mod error;
pub(crate) mod evolution;
pub(crate) mod frozen;
mod gradients;
pub(crate) mod growth;
pub mod guard;
pub mod head;
pub mod imitation;
pub mod importance;
pub mod network;
pub(crate) mod optimiser;
pub mod pang;
pub(crate) mod parts;
pub(crate) mod policy;
pub mod policy_gradient;
pub(crate) mod ridge;
pub(crate) mod rollouts;
pub mod selection_profile;
pub mod shipped;
pub(crate) mod simulation;
pub mod spread;
mod stored;
pub(crate) mod strategy;
mod tensors;
#[cfg(test)]
mod testing;
pub mod trainer;
pub(crate) mod trajectory;

pub use algorithm::{AlgorithmEntry, Algorithms, Extent, Learned, LearningAlgorithm, Training};
pub use card::{Card, Provenance, SeenSet};
pub use collection::{Behaviour, CONTEXT, CollectPlan, Collected, collect, collect_by};
pub use dagger::{DaggerConfig, Expert, dagger};
pub use error::AgentError;
pub use evolution::{AntitheticPair, Evolution, EvolutionConfig, Generation, PairResult, Shaping};
pub use frozen::Frozen;
pub use guard::{DomainGuard, Range};
pub use head::{Head, HeadArchitect, MovePlan, collect_moves};
pub use imitation::{Agreement, ImitationConfig, ImitationReport, LabelledState, agreement, imitate};
pub use importance::{Group, Importance, importance};
pub use network::{Kind, Network, NetworkConfig};
pub use optimiser::{AdamW, OptimiserConfig};
pub use parts::{Forgetful, Parts};
pub use policy::Policy;
pub use policy_gradient::{GradientConfig, PolicyGradient, Variant};
pub use rollouts::{BasePolicy, mean_worth, rollouts};
pub use selection_profile::selection_profile;
pub use simulation::{Baseline, DuelPlan, RolloutPlan, Simulation, Source, TrainingTasks};
pub use spread::{Side, Tasks, Team, Work};
pub use strategy::{Choice, PolicyStrategy};
pub use trainer::{Algorithm, Best, Environment, Keeper, Learns, Trainer, TrainerConfig, TrainingPoint};
pub use trajectory::{Advantage, Decision, Returns, Trajectory};
