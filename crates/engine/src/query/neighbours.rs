//! [`Neighbours`]: the nearest rows of every row of a pool, computed once per pool.
//!
//! The inputs of a pool never change in an episode, so neighbour lists are shared by every strategy and
//! every round. Memory is O(n k); distances are made block by block.

use crate::data::MatrixView;
use crate::learner::bank::multiply_transposed;
use crate::simd::dispatched;

/// Rows per block of the distance computation: 256 x 2,000 floats stay in the cache.
const BLOCK: usize = 256;

/// The `k` nearest other rows of every row, nearest first, by Euclidean distance.
#[derive(Clone, Debug, PartialEq)]
pub struct Neighbours {
    k: usize,
    ids: Vec<u32>,
    distances: Vec<f32>,
    scale: f32,
}

impl Neighbours {
    /// The `min(k, n - 1)` nearest neighbours of each of the `n` rows. Ties go to the smaller row.
    pub fn of(inputs: MatrixView<'_>, k: usize) -> Self {
        let (n, d) = (inputs.rows(), inputs.cols());
        let k = k.min(n.saturating_sub(1));
        let norms: Vec<f32> = (0..n).map(|i| inputs.row(i).iter().map(|x| x * x).sum()).collect();
        let (mut ids, mut distances) = (Vec::with_capacity(n * k), Vec::with_capacity(n * k));
        let mut products = vec![0.0f32; BLOCK.min(n) * n];
        let mut order: Vec<(f32, u32)> = Vec::new();
        for start in (0..n).step_by(BLOCK) {
            let rows = BLOCK.min(n - start);
            multiply_transposed(
                &inputs.values()[start * d..(start + rows) * d],
                inputs.values(),
                rows,
                n,
                d,
                &mut products,
            );
            for (row, squared) in (start..start + rows).zip(products.chunks_exact_mut(n)) {
                squares(norms[row], &norms, squared);
                // No neighbour of its own.
                squared[row] = f32::INFINITY;
                near(squared, bound(squared, k), &mut order);
                order.retain(|&(_, other)| other as usize != row);
                let nearest = |a: &(f32, u32), b: &(f32, u32)| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1));
                if k < order.len() {
                    order.select_nth_unstable_by(k, nearest);
                }
                order[..k].sort_unstable_by(nearest);
                for &(squared, j) in &order[..k] {
                    ids.push(j);
                    distances.push(squared.sqrt());
                }
            }
        }
        let mut means: Vec<f32> =
            distances.chunks(k.max(1)).map(|row| row.iter().sum::<f32>() / k.max(1) as f32).collect();
        means.resize(n, 0.0);
        means.sort_unstable_by(f32::total_cmp);
        let scale = means.get(n / 2).copied().unwrap_or(0.0);
        Self { k, ids, distances, scale }
    }

    /// Neighbours per row.
    #[inline]
    pub fn k(&self) -> usize {
        self.k
    }

    /// The neighbours of `row`, nearest first.
    #[inline]
    pub fn ids(&self, row: usize) -> &[u32] {
        &self.ids[row * self.k..(row + 1) * self.k]
    }

    /// The distances to [`ids`](Self::ids).
    #[inline]
    pub fn distances(&self, row: usize) -> &[f32] {
        &self.distances[row * self.k..(row + 1) * self.k]
    }

    /// The median over rows of the mean of their [`distances`](Self::distances): the pool's unit of length.
    #[inline]
    pub fn scale(&self) -> f32 {
        self.scale
    }
}

dispatched! {
    /// Squared distances of a row, the square of whose length is `own`, to all rows, from their products with it.
    fn squares(own: f32, norms: &[f32], products: &mut [f32]) {
        for (product, norm) in products.iter_mut().zip(norms) {
            *product = (own + norm - 2.0 * *product).max(0.0);
        }
    }
}

/// Groups of which the least values are compared.
const GROUPS: usize = 64;

/// What at least `k` of the values do not exceed, and not many more as long as there are more groups than that: the `k`-th
/// least among the least of each of [`GROUPS`] groups.
fn bound(values: &[f32], k: usize) -> f32 {
    if k == 0 || k > GROUPS {
        return f32::INFINITY;
    }
    let mut least = least(values);
    *least.select_nth_unstable_by(k - 1, f32::total_cmp).1
}

dispatched! {
    fn least(values: &[f32]) -> [f32; GROUPS] {
        let mut least = [f32::INFINITY; GROUPS];
        let (blocks, rest) = values.as_chunks::<GROUPS>();
        for block in blocks {
            for (least, &value) in least.iter_mut().zip(block) {
                *least = if value < *least { value } else { *least };
            }
        }
        for (least, &value) in least.iter_mut().zip(rest) {
            *least = if value < *least { value } else { *least };
        }
        least
    }
}

dispatched! {
    /// The values that do not exceed `bound`, and where they are.
    fn near(values: &[f32], bound: f32, found: &mut Vec<(f32, u32)>) {
        found.clear();
        for (block, values) in values.chunks(GROUPS).enumerate() {
            // Most blocks hold none.
            if values.iter().fold(false, |any, &value| any | (value <= bound)) {
                for (at, &value) in values.iter().enumerate() {
                    if value <= bound {
                        found.push((value, (block * GROUPS + at) as u32));
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Key;
    use rand::RngExt;

    #[test]
    fn equals_the_double_loop() {
        let mut rng = Key::root(3).rng();
        let (n, d, k) = (300, 7, 5);
        let values: Vec<f32> = (0..n * d).map(|_| rng.random::<f32>()).collect();
        let inputs = MatrixView::new(&values, n, d);
        let found = Neighbours::of(inputs, k);
        for i in 0..n {
            let mut all: Vec<(f32, u32)> = (0..n)
                .filter(|&j| j != i)
                .map(|j| {
                    let squared: f32 =
                        inputs.row(i).iter().zip(inputs.row(j)).map(|(a, b)| (a - b) * (a - b)).sum();
                    (squared.sqrt(), j as u32)
                })
                .collect();
            all.sort_by(|a, b| a.0.total_cmp(&b.0));
            for (at, (distance, id)) in all[..k].iter().enumerate() {
                assert!((found.distances(i)[at] - distance).abs() < 1e-3);
                assert_eq!(found.ids(i)[at], *id);
            }
        }
    }

    /// On a grid, where sums are exact and most distances are those of several rows.
    #[test]
    fn of_equal_distances_the_first_rows_are_taken() {
        let mut rng = Key::root(4).rng();
        for (n, k) in [(2, 1), (63, 15), (64, 1), (65, 15), (130, 64), (200, 65), (200, 199), (700, 15)] {
            let values: Vec<f32> = (0..n * 3).map(|_| rng.random_range(-3..=3) as f32).collect();
            let found = Neighbours::of(MatrixView::new(&values, n, 3), k);
            for (row, own) in values.chunks_exact(3).enumerate() {
                let squared =
                    |other: &[f32]| own.iter().zip(other).map(|(a, b)| (a - b) * (a - b)).sum::<f32>();
                let mut all: Vec<(f32, u32)> = values.chunks_exact(3).map(squared).zip(0..).collect();
                all.remove(row);
                all.sort_by(|a, b| a.0.total_cmp(&b.0));
                let ids: Vec<u32> = all[..k].iter().map(|&(_, other)| other).collect();
                assert_eq!(found.ids(row), ids, "row {row} of {n}, {k} neighbours");
            }
        }
    }

    #[test]
    fn too_large_for_distances_there_are_neighbours_still() {
        let values: Vec<f32> = (0..90).map(|row| if row % 2 == 0 { 1e30 } else { -1e30 }).collect();
        let found = Neighbours::of(MatrixView::new(&values, 90, 1), 15);
        assert!((0..90).all(|row| !found.ids(row).contains(&(row as u32))));
    }

    #[test]
    fn small_and_degenerate_pools_have_neighbours_too() {
        assert_eq!(Neighbours::of(MatrixView::new(&[1.0, 2.0], 1, 2), 5).k(), 0);
        let same = Neighbours::of(MatrixView::new(&[1.0; 6], 3, 2), 5);
        assert_eq!((same.k(), same.scale(), same.ids(1)), (2, 0.0, &[0, 2][..]));
    }
}
