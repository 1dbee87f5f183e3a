//! Experiment files: raw TOML, checked plans, and what they run.
//!
//! [`raw`] is TOML with places; [`set`] changes it as `--set` asks; [`Plan`] is what comes of it once
//! every key is known and every number in range, and only a `Plan` runs. [`forecast`] says beforehand what
//! it will take, and [`leaks`] refuses to judge on rows that are learned from. [`run`](fn@run) goes through the [`stages`] in the order train, search, transfer, and
//! leaves a run folder; [`fit`] trains one network and nothing else, [`next_rows`] asks for rows of a partly labelled file, and [`quality`]
//! looks at a data set before anything is played on it. How figures are made of the rows is the `report` layer's business.

mod error;
pub mod fit;
pub(crate) mod forecast;
pub mod inputs;
mod keys;
pub(crate) mod leaks;
pub mod next_rows;
mod overlap;
mod plan;
pub mod predicted;
pub mod quality;
pub(crate) mod raw;
pub(crate) mod reference;
mod run;
pub mod sections;
pub(crate) mod set;
pub mod stages;
pub(crate) mod tasks;
mod vocabulary;

pub use error::{ExperimentError, Place};
pub use plan::{MAX_SEED, Plan};
pub use run::{Context, Finished, Spread, Summary, bench, help, run};
pub use vocabulary::{Vocabulary, split_specifications};
