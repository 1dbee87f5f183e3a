//! Decisions that imitation has no teacher for, since their reward comes late: when to stop, and which annotator to ask.
//!
//! A decision ([`Decision`]) is played in whole episodes on source tasks; at every step an agent sees a [`DecisionState`] and chooses
//! one of its options. [`DecisionTasks`] plays any of them for both learners of this layer: policy gradient
//! ([`Trainer::by_gradient`](super::Trainer::by_gradient)) draws from a small scoring network, deep Q-learning
//! ([`Dqn`](super::dqn::Dqn)) fits values. What was learned is a [`Decider`], whichever of the two made it, and is kept as a
//! [`Frozen`](super::Frozen) file.
//!
//! ```
//! use querist::agent::decisions::{Decider, DeciderKind, LearnedStop, Price};
//! use querist::episode::stop::{Look, Seen, Stop};
//! use querist::Key;
//!
//! // One accuracy point is worth twenty labels: 80 % after 100 labels is worth as much as 79 % after 80.
//! let price = Price { labels_per_point: 20.0 };
//! assert_eq!(price.utility(0.80, 100), 75.0);
//! assert_eq!(price.utility(0.79, 80), 75.0);
//!
//! // A policy of which nothing was learned goes on until the budget is spent.
//! let rule = LearnedStop::new(Decider::untrained(DeciderKind::Policy, Key::root(1))?, 50);
//! let look = |labels| Look { labels, classes: vec![0, 1], uncertainty: 0.3 };
//! fn seen(looks: &[Look]) -> Seen<'_> {
//!     Seen { looks, curve: &[], rows: 100, step: 10 }
//! }
//! assert_eq!(rule.decide(&seen(&[look(10)])), None);
//! assert!(rule.decide(&seen(&[look(10), look(50)])).is_some());
//! # Ok::<(), querist::Error>(())
//! ```

mod annotators;
mod decider;
mod decision_state;
mod environment;
mod recorded_episode;
mod stopping;

pub use annotators::{AnnotatorDecision, CrowdEpisode, CrowdPlan, MAX_ANNOTATORS, MAX_NOISE, MAX_PRICE};
pub use decider::{Decider, DeciderKind};
pub use decision_state::DecisionState;
pub use environment::{Choice, Decide, Decision, DecisionTasks, Episode};
pub use recorded_episode::{RecordedEpisode, StopDecision};
pub use stopping::{LearnedStop, Price};
