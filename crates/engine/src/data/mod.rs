//! What kernels read: row-major matrices, and the numbers of their rows. Data sets, readers and tasks are the same
//! module of `querist`, which hands both on.

pub mod matrix;
mod row;

pub use matrix::{Matrix, MatrixView};
pub use row::RowId;
