//! What a program of one's own uses first: `use querist::prelude::*`.

pub use crate::data::{Matrix, MatrixView, RowId};
pub use crate::episode::EpisodePlan;
pub use crate::error::{Error, Result};
pub use crate::learner::TrainPlan;
pub use crate::pipeline::{Finished, Pipeline, RunOptions};
pub use crate::query::registry::{Built, Card, Entry, Family, Params};
pub use crate::query::{Needs, PoolView, Registry, Score, Strategy};
pub use crate::rng::Key;
pub use crate::select::{Request, Selection, Selector};
pub use crate::testing::strategy_contract;
