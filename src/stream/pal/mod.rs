//! PAL: whether to keep a row is learned on source streams, and transferred to streams that were not seen.
//!
//! Fang, Li & Cohn, "Learning how to active learn: a deep reinforcement learning approach", EMNLP 2017. A step is a row;
//! keeping it earns what the score on held-out rows gains by its label, skipping earns nothing, and what comes later is
//! worth a hundredth less per row. The paper's state is a sentence under a convolution; what
//! stands here ([`Watch`]) knows rows by what the classifier says of them and by distances, so that it can be computed on
//! a stream of any width and any number of classes.
//!
//! [`KeepDecision`] is a [`Decision`](crate::agent::decisions::Decision) as when to stop and whom to ask are, and learned on the same
//! driver: by deep Q-learning, as in the paper, with its replay and with the network of [`agent::dqn`](crate::agent::dqn), or
//! by policy gradient. What was learned is a file, [`PalPolicy`], by which `querist stream --policy` decides.

mod observation;
mod policy;
mod simulation;

pub use observation::{KEEP, KEPT, SKIP, WINDOW, Watch};
pub use policy::PalPolicy;
pub use simulation::{Chooser, KeepDecision, PalPlan, Played, SourceStream, play};

/// What a reward is worth one row later.
pub const DISCOUNT: f32 = 0.99;
/// Transitions that deep Q-learning remembers, as published.
pub const REPLAY: usize = 1_000;
