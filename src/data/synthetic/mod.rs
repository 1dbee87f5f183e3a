//! Data sets made from a [`Key`](crate::Key): two from the literature, a parametric generator, and a
//! sampler that draws unlimited diverse source tasks.
//!
//! The same key gives the same bytes on every machine of one kind. Nothing here reads a file.

pub mod classic;
mod draw;
pub mod plan;

pub use classic::{diverging_sin, three_clust};
pub use plan::SyntheticPlan;
