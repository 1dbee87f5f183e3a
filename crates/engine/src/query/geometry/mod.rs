//! Vectors and distances: what the distribution strategies have in common.
//!
//! Nothing here allocates `n x n`. Every sum over a vector runs in one fixed order (sixteen partial
//! sums), so that a distance depends on its two vectors alone: not on blocks, threads, or which
//! vector instructions the machine has. What chooses rows is not here.

pub mod assign;
pub mod blocks;
pub mod coverage;
pub mod dense;
pub mod exponential;
pub mod farthest;
pub mod kmeans;
pub mod lanes;
pub mod linkage;
pub mod logarithm;
pub mod nearest;
pub mod packed;
pub mod rows;
pub mod tops;
pub mod typicality;
pub mod within;

pub use coverage::{Coverage, Kernel};
pub use farthest::FarthestFirst;
pub use kmeans::{KMeans, Weights, kmeans};
pub use nearest::nearest_distinct;
pub use packed::minima_to;
pub use rows::{Rows, Scale, mean, nearest_to, normalised, shrink};

use crate::data::MatrixView;

/// Row and column of the first NaN or infinity, if there is one.
pub fn first_not_finite(matrix: MatrixView<'_>) -> Option<(usize, usize)> {
    // x * 0 is NaN for what is not finite: a sum that vectorises, instead of a branch per number.
    if lanes::sum_of_zeros(matrix.values()) == 0.0 {
        return None;
    }
    let at = matrix.values().iter().position(|value| !value.is_finite())?;
    Some((at / matrix.cols(), at % matrix.cols()))
}
