//! Training and prediction: the bank engine for small networks, burn for everything else.
//!
//! A [`Bank`] trains several networks of one [`NetSpec`](crate::arch::NetSpec) side by side, each with
//! its own weights, rows, mini-batches and dropout; a single network is a bank of one.

pub mod bank;
pub mod error;
pub mod plan;

pub use bank::{Bank, SimdPath};
pub use error::LearnError;
pub use plan::{FitReport, LaneData, Loss, Optimiser, Start, Stop, TrainPlan};
