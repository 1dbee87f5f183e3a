//! [`Coverage`]: rows whose kernels together cover a pool, chosen greedily.

use super::exponential::exp;
use super::lanes;
use super::packed::minima_to;
use super::rows::Rows;
use crate::learner::bank::multiply_transposed;
use crate::query::Size;
use crate::simd::dispatched;
use rayon::prelude::*;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// What gains are counted in: whole units, so that a sum does not depend on the order of its terms.
const UNITS: f32 = (1u32 << 30) as f32;
/// Rows of one product, and candidates that are looked at together; results do not depend on them.
const BLOCK: usize = 1_024;
const TOGETHER: usize = 16;
/// Candidates that are looked at again at once, at most.
const AGAIN: usize = 64;
/// Far more than rounding, relative to the lengths involved: distances this small, or this near to a radius, are
/// measured exactly.
const SLACK: f32 = 1e-3;

/// How much a row covers another at a distance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kernel {
    /// `exp(-d^2 / delta^2)`, with one over the square of `delta`.
    Gaussian(f32),
    /// Whether `d < delta`, with the square of `delta`.
    TopHat(f32),
}

impl Kernel {
    /// A Gaussian of this width.
    pub fn gaussian(delta: f64) -> Self {
        // The square of a tiny width is to have an inverse.
        Kernel::Gaussian(1.0 / ((delta * delta) as f32).max(f32::MIN_POSITIVE))
    }

    /// Of a squared distance: between zero and one.
    #[inline(always)]
    fn of(self, squared: f32) -> f32 {
        match self {
            Kernel::Gaussian(inverse) => exp(-squared * inverse),
            Kernel::TopHat(radius) => f32::from(u8::from(squared < radius)),
        }
    }

    /// Whether a squared distance that came of inner products is too coarse for the kernel; `lengths` is the sum of the
    /// squared lengths.
    #[inline(always)]
    fn doubts(self, squared: f32, lengths: f32) -> bool {
        match self {
            Kernel::Gaussian(_) => squared <= SLACK * lengths,
            Kernel::TopHat(radius) => (squared - radius).abs() <= SLACK * lengths,
        }
    }
}

/// How far a pool is covered: every row by the nearest of those chosen.
///
/// The sum over rows of weight times coverage is monotone and submodular, so that adding rows one by one, each the one
/// that adds most, reaches at least `1 - 1/e` of the best possible sum (Nemhauser, Wolsey & Fisher, Math. Program. 1978); and
/// since gains never grow, most candidates need not be looked at again for the next pick. Memory is linear in the rows.
pub struct Coverage<'a> {
    rows: Rows<'a>,
    /// Squared lengths.
    lengths: Vec<f32>,
    kernel: Kernel,
    weights: &'a [f32],
    /// Of each row, by what is chosen.
    covered: Vec<f32>,
}

impl<'a> Coverage<'a> {
    /// Of `rows`, whose ids count from zero, by the labelled rows alone. Weights lie between zero and one.
    ///
    /// # Panics
    /// If there is not one weight per row.
    pub fn new(rows: Rows<'a>, labelled: Rows<'_>, kernel: Kernel, weights: &'a [f32]) -> Self {
        assert_eq!(rows.len(), weights.len(), "one weight per row");
        debug_assert!(rows.ids().iter().enumerate().all(|(place, id)| id.index() == place), "ids from zero");
        let lengths = (0..rows.len()).map(|place| lanes::dot(rows.get(place), rows.get(place))).collect();
        let covered = match labelled.is_empty() {
            true => vec![0.0; rows.len()],
            false => minima_to(rows, labelled).into_iter().map(|squared| kernel.of(squared)).collect(),
        };
        Self { rows, lengths, kernel, weights, covered }
    }

    /// Forecast of the bytes that choosing among `rows` rows takes, beside the rows.
    pub fn memory(rows: usize, size: &Size) -> u64 {
        let block = size.vectors(TOGETHER) + Size::items(TOGETHER + 1, 4 * BLOCK as u64);
        2 * block + Size::items(rows, 48)
    }

    /// Places of `batch` rows, greedily; equal gains come in the order of `rank`, smaller = first.
    pub fn greedy(mut self, batch: usize, rank: impl Fn(usize) -> u64) -> Vec<usize> {
        let all: Vec<usize> = (0..self.rows.len()).collect();
        let gains = self.gains(&all).into_iter().zip(all);
        let mut open: BinaryHeap<(i64, Reverse<u64>, usize)> =
            gains.map(|(gain, place)| (gain, Reverse(rank(place)), place)).collect();
        // For how many picks the gain is known.
        let mut known = vec![0usize; self.rows.len()];
        let mut picks = Vec::with_capacity(batch.min(open.len()));
        let mut again = 1;
        while picks.len() < batch {
            let stale =
                |&(gain, _, place): &(i64, Reverse<u64>, usize)| gain > 0 && known[place] < picks.len();
            let mut old = Vec::new();
            while old.len() < again && open.peek().is_some_and(stale) {
                old.extend(open.pop());
            }
            if old.is_empty() {
                let Some((_, _, pick)) = open.pop() else { break };
                self.choose(pick);
                picks.push(pick);
                again = 1;
                continue;
            }
            let places: Vec<usize> = old.iter().map(|&(_, _, place)| place).collect();
            for ((_, rank, place), gain) in old.into_iter().zip(self.gains(&places)) {
                known[place] = picks.len();
                open.push((gain, rank, place));
            }
            again = (2 * again).min(AGAIN);
        }
        picks
    }

    /// What choosing each of `places` alone would add, in units.
    fn gains(&self, places: &[usize]) -> Vec<i64> {
        let of_some = |places: &[usize]| {
            let mut gains = vec![0i64; places.len()];
            self.against(places, |at, start, values| {
                let rows = start..start + values.len();
                gains[at] += gain_here(values, &self.covered[rows.clone()], &self.weights[rows]);
            });
            gains
        };
        places.par_chunks(TOGETHER).flat_map_iter(of_some).collect()
    }

    fn choose(&mut self, pick: usize) {
        let mut covered = std::mem::take(&mut self.covered);
        self.against(&[pick], |_, start, values| {
            covered[start..]
                .iter_mut()
                .zip(values)
                .for_each(|(covered, &value)| *covered = covered.max(value));
        });
        self.covered = covered;
    }

    /// Hands over the kernel of each of `places` with every row, block by block: which of them, the first row, the values.
    fn against(&self, places: &[usize], mut then: impl FnMut(usize, usize, &[f32])) {
        let (n, width) = (self.rows.len(), self.rows.width());
        let own: Vec<f32> = places.iter().flat_map(|&place| self.rows.get(place)).copied().collect();
        let mut products = vec![0.0f32; places.len() * BLOCK];
        let mut values = vec![0.0f32; BLOCK];
        for start in (0..n).step_by(BLOCK) {
            let count = BLOCK.min(n - start);
            let block = &self.rows.matrix().values()[start * width..(start + count) * width];
            multiply_transposed(&own, block, places.len(), count, width, &mut products);
            let lengths = &self.lengths[start..start + count];
            for (at, &place) in places.iter().enumerate() {
                let (products, values) = (&products[at * count..][..count], &mut values[..count]);
                let length = self.lengths[place];
                if values_here(products, lengths, length, self.kernel, values) {
                    for (row, value) in values.iter_mut().enumerate() {
                        let lengths = length + lengths[row];
                        if self.kernel.doubts((lengths - 2.0 * products[row]).max(0.0), lengths) {
                            let other = self.rows.get(start + row);
                            *value = self.kernel.of(lanes::squared_distance(self.rows.get(place), other));
                        }
                    }
                }
                then(at, start, values);
            }
        }
    }
}

dispatched! {
    /// Kernels from inner products, and whether one of the distances is too coarse.
    fn values_here(products: &[f32], lengths: &[f32], length: f32, kernel: Kernel, values: &mut [f32]) -> bool {
        let mut doubts = false;
        for ((&product, &other), value) in products.iter().zip(lengths).zip(values) {
            let squared = ((length + other) - 2.0 * product).max(0.0);
            doubts |= kernel.doubts(squared, length + other);
            *value = kernel.of(squared);
        }
        doubts
    }
}

dispatched! {
    /// The sum of weight times what is covered more, in units.
    fn gain_here(values: &[f32], covered: &[f32], weights: &[f32]) -> i64 {
        let mut sum = 0i64;
        for ((&value, &covered), &weight) in values.iter().zip(covered).zip(weights) {
            sum += i64::from((weight * (value - covered).max(0.0) * UNITS) as i32);
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Matrix, RowId};
    use proptest::prelude::*;

    fn picks(
        matrix: &Matrix,
        labelled: &[RowId],
        kernel: Kernel,
        weights: &[f32],
        batch: usize,
    ) -> Vec<usize> {
        let ids: Vec<RowId> = (0..weights.len() as u32).map(RowId).collect();
        let rows = Rows::new(matrix.view(), &ids);
        let labelled = Rows::new(matrix.view(), labelled);
        Coverage::new(rows, labelled, kernel, weights).greedy(batch, |place| place as u64)
    }

    /// Gains of .531, .974 and .5, then .126 and .5.
    #[test]
    fn worked_example() {
        let line = Matrix::new(vec![0.0, 1.0, 10.0], 3, 1);
        let weights = [0.2, 0.9, 0.5];
        assert_eq!(picks(&line, &[], Kernel::Gaussian(1.0), &weights, 3), [1, 2, 0]);
        let ids: Vec<RowId> = (0..3).map(RowId).collect();
        let rows = Rows::new(line.view(), &ids);
        let mut coverage = Coverage::new(rows, Rows::new(line.view(), &[]), Kernel::Gaussian(1.0), &weights);
        let gains = |coverage: &Coverage<'_>| {
            coverage
                .gains(&[0, 1, 2])
                .into_iter()
                .map(|gain| gain as f64 / f64::from(UNITS))
                .collect::<Vec<_>>()
        };
        let close = |found: Vec<f64>, expected: [f64; 3]| {
            assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{found:?} {expected:?}");
        };
        let e = (-1f64).exp();
        close(gains(&coverage), [0.2 + 0.9 * e, 0.9 + 0.2 * e, 0.5]);
        coverage.choose(1);
        close(gains(&coverage), [0.2 * (1.0 - e), 0.0, 0.5]);
    }

    #[test]
    fn labels_cover_and_the_last_rows_come_by_rank() {
        let line = Matrix::new(vec![0.0, 0.1, 5.0, 0.0], 4, 1);
        assert_eq!(picks(&line, &[RowId(3)], Kernel::Gaussian(1.0), &[1.0; 3], 2), [2, 1]);
        let same = Matrix::new(vec![3.0; 5], 5, 1);
        assert_eq!(picks(&same, &[], Kernel::TopHat(0.01), &[1.0; 5], 9), [0, 1, 2, 3, 4]);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// Greedy covers at least 1 - 1/e of what the best choice of as many rows covers, and as much as without laziness.
        #[test]
        fn coverage_is_within_the_bound(values in prop::collection::vec(-2.0f32..2.0, 24), batch in 1usize..4, radius in 0.2f32..2.0) {
            let matrix = Matrix::new(values.clone(), 12, 2);
            let kernel = |a: usize, b: usize| {
                let squared = lanes::squared_distance(&values[a * 2..a * 2 + 2], &values[b * 2..b * 2 + 2]);
                (-f64::from(squared / radius)).exp()
            };
            let sum = |centres: &[usize]| -> f64 {
                (0..12).map(|y| centres.iter().map(|&x| kernel(x, y)).fold(0.0, f64::max)).sum()
            };
            let found = picks(&matrix, &[], Kernel::Gaussian(1.0 / radius), &[1.0; 12], batch);
            let mut plain: Vec<usize> = Vec::new();
            for _ in 0..batch {
                let with = |place: usize| sum(&[&plain[..], &[place]].concat());
                plain.push((0..12).filter(|place| !plain.contains(place)).max_by(|&a, &b| with(a).total_cmp(&with(b))).unwrap());
            }
            prop_assert!((sum(&found) - sum(&plain)).abs() < 1e-4, "{found:?} {plain:?}");
            let best = (0u32..1 << 12)
                .filter(|set| set.count_ones() as usize == batch)
                .map(|set| sum(&(0..12).filter(|i| set >> i & 1 == 1).collect::<Vec<_>>()))
                .fold(0.0, f64::max);
            prop_assert!(sum(&found) >= (1.0 - (-1f64).exp()) * best - 1e-4);
        }
    }
}
