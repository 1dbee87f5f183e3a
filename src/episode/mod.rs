//! The vectorised environment: reset and step, candidate features, reward.

pub mod observation;
pub mod row;

pub use observation::{Observation, ObservationError, Schema};
pub use row::Row;
