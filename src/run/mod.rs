//! What makes a long computation safe to stop: journal, manifest, run folder, executor.
//!
//! A run is a list of [`Cell`]s, each with a key and an output that depends on its key and plan alone.
//! The [`executor`] works through them on a pool of threads; every finished cell is a record of the
//! [`journal`], on the disk before it counts; the same command again skips what is recorded. [`Store`]
//! is the run's folder and refuses another plan, other data or another binary. What the cells compute
//! and what their outputs mean is not known here: that is the `experiment` layer's business.

pub mod artefacts;
pub mod cancel;
pub mod digest;
mod error;
pub mod executor;
pub mod full_pool;
pub mod journal;
pub mod ledger;
pub mod manifest;
pub mod memory;
pub mod progress;
pub mod rows;
pub mod sealed;
pub mod store;
pub mod times;

pub use artefacts::{Artefacts, Digests, publish};
pub use cancel::Cancel;
pub use error::RunError;
pub use executor::{Cell, Crew, Outcome, again, once, run_cells};
pub use full_pool::FullPool;
pub use ledger::Ledger;
pub use manifest::Manifest;
pub use progress::{Bar, Progress, Silent};
pub use store::Store;
pub use times::QueryTimes;
