//! The sections of an experiment file, one file each: every key with its meaning, default and range.
//!
//! A section is read from a [`Section`](super::raw::Section) and written by serde under the same names,
//! so that a resolved plan is an experiment file itself. `docs/experiment-file.md` and the JSON Schema are made of the
//! same lines ([`reference`](super::reference)). What contradicts between sections is checked by [`Plan`](super::Plan).

mod architecture;
mod dataset;
mod encoder;
mod episode;
mod learner;
mod randomise;
mod report;
mod search;
mod search_comparison;
mod settings;
mod sources;
mod train;
mod transfer;

pub use architecture::ArchitectureChoice;
pub use dataset::{DataRef, Decimal, FileRef};
pub use encoder::{EncoderKeys, EncoderKind, SeenBy};
pub use episode::{AugmentKeys, ChangeKind, DomainKeys, Episode, Length, MAX_POOL, WorldKeys};
pub use learner::{HIDDEN, Learner, OptimiserKind};
pub use randomise::Randomise;
pub use report::Report;
pub use search::{BlockKind, Search};
pub use search_comparison::SearchComparison;
pub use settings::{AlgorithmSettings, MethodSettings, Tables};
pub use sources::Sources;
pub use train::{
    ArchitectureHead, Baseline, Dagger, Evolution, Imitation, NetworkKind, PolicyGradient, PolicyNetwork,
    Train,
};
pub use transfer::{ADAPTED, LEARNED, OF_THE_POLICY, Offer, Transfer, UNTRAINED, is_reserved};
