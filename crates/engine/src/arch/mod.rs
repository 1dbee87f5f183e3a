//! Network architectures as plain data, and the spaces that searches walk.
//!
//! A [`NetSpec`] is hashable, serialisable, and costed (parameters, multiply-adds) and checked against
//! limits before anything is allocated. A [`Space`] is a set of architectures with a start, moves that
//! only grow, and neighbours: [`ArchSpace`] is `A(B, i, j)`, stacks of blocks, for
//! vectors or for images; [`FreeMlp`] is the
//! multilayer perceptrons outside it. A [`Domain`] is a space checked for one input width and number of
//! outputs; searches see nothing else. Training an architecture is the `learner` layer's business,
//! choosing one the `search` layer's.

pub mod block;
pub mod free;
pub mod image;
pub mod space;
pub mod spec;
pub mod stacked;
mod text;

pub use block::{Block, Flow, Smooth};
pub use free::{Activation, FreeMlp, FreePoint};
pub use image::{Augment, Image};
pub use space::{Cost, Domain, Space, SpaceError};
pub use spec::{MapShape, NetSpec, SpecError};
pub use stacked::{ArchSpace, Cell, Images, Point, Widths};
