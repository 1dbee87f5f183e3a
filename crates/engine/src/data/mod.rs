//! What kernels read: row-major matrices, the numbers of their rows, and targets. Data sets, readers and tasks are the same
//! module of `querist`, which hands both on.

mod argmax;
pub mod mask;
pub mod matrix;
mod row;
pub mod target;

pub use argmax::argmax;
pub use matrix::{Matrix, MatrixView};
pub use row::RowId;
pub use target::TargetKind;
