//! Data sets made from a [`Key`](crate::Key): two from the literature, three regression problems, three of sets of labels, five of images with masks, one of palm prints, a parametric
//! generator, and a sampler that draws unlimited diverse source tasks.
//!
//! The same key gives the same bytes on every machine of one kind. Nothing here reads a file.

mod categorical;
pub(crate) mod classic;
mod draw;
pub mod family;
pub(crate) mod friedman;
pub(crate) mod glands;
pub(crate) mod label_teachers;
mod manifold;
mod numbers;
pub(crate) mod palmprints;
pub(crate) mod plan;
mod scores;
mod sequence;
mod survey;
mod teacher;
mod tree;
mod warp;

pub use classic::{diverging_sin, diverging_sin_of, three_clust};
pub use family::{Family, SourceFamily};
pub use friedman::Friedman;
pub use glands::{Domain, Glands};
pub use label_teachers::LabelTeachers;
pub use palmprints::palmprints;
pub use plan::SyntheticPlan;
