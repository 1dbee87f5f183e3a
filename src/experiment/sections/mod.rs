//! The sections of an experiment file, one file each: every key with its meaning, default and range.
//!
//! A section is read from a [`Section`](super::raw::Section) and written by serde under the same names,
//! so that a resolved plan is an experiment file itself. What contradicts between sections is checked
//! by [`Plan`](super::Plan).

mod episode;
mod learner;
mod randomise;
mod report;
mod search;
mod sources;
mod train;
mod transfer;

pub use episode::Episode;
pub use learner::{Learner, OptimiserKind};
pub use randomise::Randomise;
pub use report::Report;
pub use search::{BlockKind, Method, Search};
pub use sources::{DataRef, Sources};
pub use train::{
    Baseline, Dagger, DatasetEmbedding, Dqn, Evolution, Imitation, NetworkKind, PolicyGradient,
    PolicyNetwork, Train,
};
pub use transfer::{ArchitectureChoice, DATASET_EMBEDDING, DQN, LEARNED, Transfer, UNTRAINED};
