//! PAL: whether to keep a row is learned on source streams, by deep Q-learning, and transferred to streams that were not
//! seen.
//!
//! Fang, Li & Cohn, "Learning how to active learn: a deep reinforcement learning approach", EMNLP 2017. A step is a row;
//! keeping it earns what the score on held-out rows gains by its label, skipping earns nothing, and what comes later is
//! worth a hundredth less per row. Network, replay and loop are those of [`agent::dqn`](crate::agent::dqn), whose sizes
//! they keep: a state of 30 figures and two actions of three. The paper's state is a sentence under a convolution; what
//! stands here ([`Watch`]) knows rows by what the classifier says of them and by distances, so that it can be computed on
//! a stream of any width and any number of classes. What was learned is a file, [`PalPolicy`], by which `querist stream --policy`
//! decides.

mod observation;
mod policy;
mod simulation;

pub use observation::{KEPT, WINDOW, Watch};
pub use policy::PalPolicy;
pub use simulation::{Chooser, PalPlan, PalStreams, Played, SourceStream, play};

/// What a reward is worth one row later.
pub const DISCOUNT: f32 = 0.99;
/// Transitions that are remembered, and taken per update, as published.
pub const REPLAY: usize = 1_000;
/// See [`REPLAY`].
pub const MINIBATCH: usize = 32;
