//! Deep Q-learning of a query policy, as LAL-RL specifies it, with a network and an observation of its own.
//!
//! Its state is the sorted probability of class 0 on 30 unlabelled points that are set aside and never asked
//! for; an action is a candidate, described by that probability and its mean cosine distances to unlabelled
//! and labelled points. Every query costs 1 until the classifier is as good as 98 % of what it would be with
//! all labels, so a value is minus the number of queries still to come. Double DQN with a slowly following
//! target, prioritised replay, and a warm start on random episodes.
//!
//! Konyushkova, Sznitman, Fua, "Discovering general-purpose active learning strategies", 2018; sizes and
//! rates are those of the authors' code. One thing differs: the target network starts as a copy of the
//! network that it follows, as in the paper, and not with weights of its own.
//!
//! - [`network`]: the values of actions and their gradient; [`observation`]: what they are computed from;
//! - [`replay`]: the transitions that are learned from; [`learner`]: episodes and updates;
//! - [`simulation`]: episodes to learn from; [`strategy`]: the learned values as a strategy;
//! - [`algorithm`]: all of it by name, with its settings.

pub(crate) mod algorithm;
pub mod learner;
pub(crate) mod network;
pub(crate) mod observation;
pub(crate) mod replay;
pub(crate) mod simulation;
pub(crate) mod strategy;

pub use algorithm::ENTRY;
pub use learner::{Dqn, DqnConfig, DqnPoint, Labelling, QLearning};
pub use network::QNetwork;
pub use observation::Seen;
pub use replay::{Replay, Transition};
pub use simulation::TargetAccuracy;
pub use strategy::DqnStrategy;
