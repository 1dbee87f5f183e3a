//! The vectorised environment: simulated active-learning episodes.
//!
//! [`Episodes`] advances several episodes in lock-step, one bank fit per round; [`play()`] lets strategies
//! play them and gives tidy rows; `features` turns a pool view into what a policy looks at; `stop` says when labels have
//! stopped to help; `encoder` learns codes of a pool's rows before there are labels. What is
//! learned from episodes belongs to the `agent` layer, who runs them where to `experiment`.

mod ablation;
pub mod augment;
mod branches;
mod committee;
pub mod consistency;
pub mod encoder;
pub(crate) mod env;
pub(crate) mod extras;
pub mod features;
mod fitting;
pub mod generator;
mod holdout;
mod initial;
pub(crate) mod observation;
mod overlay;
pub(crate) mod plan;
pub mod play;
pub mod pretrained;
pub(crate) mod replicate;
pub(crate) mod row;
pub(crate) mod state;
pub mod stop;
#[cfg(test)]
mod testing;

pub use augment::{Augment, Change};
pub use consistency::Consistency;
pub use env::Episodes;
pub use extras::Reference;
pub use fitting::full_pool;
pub use generator::Generate;
pub use initial::InitialPool;
pub use observation::{Observation, ObservationError, Schema};
pub use overlay::Overlay;
pub use plan::{EpisodeError, EpisodePlan, Measure, OracleOn, Rejected, StopOn};
pub use play::{Architect, Choice, Labelled, Played, Player, play};
pub use pretrained::{Pretrained, Training};
pub use replicate::{PreparedTask, Replicate};
pub use row::Row;
pub use state::{EpisodeState, PseudoLabels, Step, Termination};
