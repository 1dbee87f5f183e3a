//! [`Landmarks`]: the distances of every row of a pool to a few of its rows, computed once per pool.
//!
//! Neighbour lists say what is near; landmarks stand for the whole pool. How much nearer to a label they
//! would come if a row were labelled is the gain of greedy facility location, in time that does not
//! depend on the size of the pool.

use super::neighbours::multiply_transposed;
use crate::data::MatrixView;

/// Landmarks of a pool of ordinary size.
pub const LANDMARKS: usize = 128;
/// The least number of landmarks of the largest pools.
const FEWEST: usize = 16;
/// Distances that are kept, as long as there are more than [`FEWEST`] landmarks.
const MOST_DISTANCES: usize = 1 << 25;
/// Rows per block of the distance computation.
const BLOCK: usize = 1_024;

/// Euclidean distances of all rows to the landmarks: rows that lie evenly spaced in the pool's order,
/// which says nothing about them.
#[derive(Clone, Debug, PartialEq)]
pub struct Landmarks {
    rows: Vec<u32>,
    distances: Vec<f32>,
}

impl Landmarks {
    /// The distances of the `n` rows to [`LANDMARKS`] of them; to all, where there are no more, and to
    /// fewer in pools of several hundred thousand rows.
    pub fn of(inputs: MatrixView<'_>) -> Self {
        let (n, d) = (inputs.rows(), inputs.cols());
        let m = LANDMARKS.min((MOST_DISTANCES / n.max(1)).max(FEWEST)).min(n);
        let rows: Vec<u32> = (0..m).map(|at| (at * n / m) as u32).collect();
        let values: Vec<f32> = rows.iter().flat_map(|&row| inputs.row(row as usize)).copied().collect();
        let square = |row: &[f32]| row.iter().map(|x| x * x).sum::<f32>();
        let own: Vec<f32> = rows.iter().map(|&row| square(inputs.row(row as usize))).collect();
        let mut distances = vec![0.0; n * m];
        for (block, out) in distances.chunks_mut((BLOCK * m).max(1)).enumerate() {
            let (start, count) = (block * BLOCK, out.len() / m);
            let block = &inputs.values()[start * d..(start + count) * d];
            multiply_transposed(block, &values, count, m, d, out);
            for (i, out) in out.chunks_exact_mut(m).enumerate() {
                let norm = square(inputs.row(start + i));
                for (product, own) in out.iter_mut().zip(&own) {
                    *product = (norm + own - 2.0 * *product).max(0.0).sqrt();
                }
            }
        }
        Self { rows, distances }
    }

    /// The landmarks, as rows of the pool.
    pub fn rows(&self) -> &[u32] {
        &self.rows
    }

    /// The distances of `row` to [`rows`](Self::rows).
    pub fn distances(&self, row: usize) -> &[f32] {
        let m = self.rows.len();
        &self.distances[row * m..(row + 1) * m]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_by_hand() {
        let inputs = MatrixView::new(&[0.0, 0.0, 3.0, 4.0, 0.0, 1.0], 3, 2);
        let found = Landmarks::of(inputs);
        assert_eq!(found.rows(), &[0, 1, 2]);
        for (row, expected) in [[0.0, 5.0, 1.0], [5.0, 0.0, 18f32.sqrt()]].iter().enumerate() {
            for (found, expected) in found.distances(row).iter().zip(expected) {
                assert!((found - expected).abs() < 1e-3, "{found} {expected}");
            }
        }
    }

    #[test]
    fn a_larger_pool_keeps_a_fixed_number() {
        let values: Vec<f32> = (0..3_000).map(|i| i as f32).collect();
        let found = Landmarks::of(MatrixView::new(&values, 3_000, 1));
        assert_eq!(found.rows().len(), LANDMARKS);
        assert!(found.rows().is_sorted_by(|a, b| a < b));
        for row in [0, 1_500, 2_999] {
            for (&mark, &distance) in found.rows().iter().zip(found.distances(row)) {
                let exact = (row as f32 - mark as f32).abs();
                assert!((distance - exact).abs() < 4.0, "{distance} {exact}");
            }
        }
        assert!(Landmarks::of(MatrixView::new(&[], 0, 3)).rows().is_empty());
    }
}
