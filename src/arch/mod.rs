//! Network architectures as plain data, and the spaces that searches walk.
//!
//! A [`NetSpec`] is hashable, serialisable, and costed (parameters, multiply-adds) and checked against
//! limits before anything is allocated. Training one is the `learner` layer's business.

pub mod spec;

pub use spec::{Block, NetSpec};
