//! The vectorised environment: reset and step, candidate features, reward.

pub mod row;

pub use row::Row;
