//! What makes a long computation safe to stop: journal, manifest, run folder, executor.
//!
//! A run is a list of [`Cell`]s, each with a key and an output that depends on its key and plan alone.
//! The [`executor`] works through them on a pool of threads; every finished cell is a record of the
//! [`journal`], on the disk before it counts; the same command again skips what is recorded. What is done within a
//! cell that takes long is a line of a log of [`parts`], or a [`checkpoint`], until the cell is done. [`Store`]
//! is the run's folder and refuses another plan, other data or another binary. What the cells compute
//! and what their outputs mean is not known here: that is the `experiment` layer's business.

pub(crate) mod artefacts;
pub mod blocks;
pub(crate) mod cancel;
pub(crate) mod checkpoint;
mod error;
pub(crate) mod exchange;
pub(crate) mod executor;
pub(crate) mod full_pool;
pub mod journal;
pub(crate) mod ledger;
pub(crate) mod lines;
pub(crate) mod manifest;
pub(crate) mod overlays;
pub(crate) mod parts;
pub(crate) mod progress;
#[cfg(feature = "mpi")]
pub(crate) mod ranks;
pub mod rows;
pub(crate) mod sealed;
pub mod store;
pub(crate) mod times;
pub(crate) mod usage;

pub(crate) use crate::durable::digest;
pub use artefacts::{Artefacts, Digests, Publication, check_publication, publish};
pub use blocks::{Blocks, ElementType};
pub use cancel::Cancel;
pub use checkpoint::Checkpoint;
pub use error::RunError;
pub use executor::{Cell, Outcome, WorkerPool, once, redo, run_cells};
pub use full_pool::FullPool;
pub use ledger::Ledger;
pub use manifest::{Decisions, Manifest};
pub use overlays::Pictured;
pub use parts::{PartsLog, SAVE_EVERY};
pub use progress::{Bar, Progress, Silent};
pub use store::Store;
pub use times::QueryTimes;
