//! Vectors and distances: what the distribution strategies have in common.
//!
//! Nothing here allocates `n x n`. Every sum over a vector runs in one fixed order (sixteen partial
//! sums), so that a distance depends on its two vectors alone: not on blocks, threads, or which
//! vector instructions the machine has. What chooses rows is not here.

pub mod assign;
pub mod blocks;
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

pub use farthest::FarthestFirst;
pub use kmeans::{KMeans, Weights, kmeans};
pub use nearest::nearest_distinct;
pub use packed::minima_to;
pub use rows::{Rows, Scale, mean, nearest_to, normalised, shrink};

use super::error::QueryError;
use crate::data::MatrixView;

/// Refuses NaN and infinities.
///
/// # Errors
/// [`QueryError::NotFinite`] with the first place.
pub fn check_finite(signal: &'static str, matrix: MatrixView<'_>) -> Result<(), QueryError> {
    // x * 0 is NaN for what is not finite: a sum that vectorises, instead of a branch per number.
    if lanes::sum_of_zeros(matrix.values()) == 0.0 {
        return Ok(());
    }
    let at = matrix.values().iter().position(|value| !value.is_finite()).unwrap_or(0);
    let (row, column) = (at / matrix.cols(), at % matrix.cols());
    Err(QueryError::NotFinite { signal, row, column, found: f64::from(matrix.values()[at]) })
}
