//! A query policy over raw inputs of any width, whose encoder is emitted by an embedding of the data set.
//!
//! For every input feature, histograms of its values (over the pool, and over the labelled rows of each
//! class) go through one shared network, which emits that feature's column of the encoder; a candidate is
//! encoded by its inputs times those columns, and scored together with a few figures of the episode. So the
//! policy has the same weights for any number of features, in any order, and any number of classes.
//! Trained by policy gradient over many data sets at once, with a baseline per task, and with the
//! reconstruction of each histogram from its column as a regulariser.
//!
//! Pang, Dong, Wu, Hospedales, "Meta-learning transferable active learning policies by deep reinforcement
//! learning", 2018. No code was published; sizes of the histograms and layers are ours.
//!
//! - [`observation`]: histograms, standardised inputs, figures of the episode;
//! - [`network`]: scores, and the same function with gradients; [`learner`]: the policy gradient; [`simulation`]: episodes to learn from; [`strategy`]: the policy as a strategy;
//! - [`algorithm`]: all of it by name, with its settings.

pub(crate) mod algorithm;
pub mod learner;
pub mod network;
pub mod observation;
pub(crate) mod simulation;
pub(crate) mod strategy;

pub use algorithm::ENTRY;
pub use network::PangNetwork;
