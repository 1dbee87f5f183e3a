//! [`Packed`]: centres side by side, so that one pass over a row gives its distance to sixteen of them.

use super::rows::{self, Rows};
use crate::data::MatrixView;
use crate::simd::dispatched;

/// Centres per group.
pub const LANES: usize = 16;
/// Partial sums per pair, so that one addition need not wait for the last.
const CHAINS: usize = 4;
/// Centres in groups of sixteen, each group of shape `[d, 16]`; missing lanes are infinitely far.
pub struct Packed {
    values: Vec<f32>,
    width: usize,
    count: usize,
}

impl Packed {
    /// The rows of `centres`.
    pub fn new(centres: MatrixView<'_>) -> Self {
        let (count, width) = (centres.rows(), centres.cols());
        let mut values = vec![f32::INFINITY; count.div_ceil(LANES) * width * LANES];
        for centre in 0..count {
            let group = &mut values[centre / LANES * width * LANES..][..width * LANES];
            for (column, &value) in centres.row(centre).iter().enumerate() {
                group[column * LANES + centre % LANES] = value;
            }
        }
        Self { values, width, count }
    }

    /// The number of groups.
    pub fn groups(&self) -> usize {
        self.count.div_ceil(LANES)
    }

    /// Squared distances of `row` to the centres of a group; infinite for missing lanes.
    #[inline(always)]
    pub fn squared(&self, group: usize, row: &[f32]) -> [f32; LANES] {
        let values = &self.values[group * self.width * LANES..][..self.width * LANES];
        let (columns, _) = values.as_chunks::<LANES>();
        // Four variables rather than an array of four, which the compiler would not keep in registers.
        let (mut a, mut b, mut c, mut d) =
            ([0.0f32; LANES], [0.0f32; LANES], [0.0f32; LANES], [0.0f32; LANES]);
        let (row_chunks, row_rest) = row.as_chunks::<CHAINS>();
        let (column_chunks, column_rest) = columns.as_chunks::<CHAINS>();
        for (x, column) in row_chunks.iter().zip(column_chunks) {
            add(&mut a, x[0], &column[0]);
            add(&mut b, x[1], &column[1]);
            add(&mut c, x[2], &column[2]);
            add(&mut d, x[3], &column[3]);
        }
        for (x, column) in row_rest.iter().zip(column_rest) {
            add(&mut a, *x, column);
        }
        let mut total = [0.0f32; LANES];
        for lane in 0..LANES {
            total[lane] = (a[lane] + b[lane]) + (c[lane] + d[lane]);
        }
        // Also where there are no columns to be infinitely far in.
        let used = self.count - group * LANES;
        for value in total.iter_mut().skip(used) {
            *value = f32::INFINITY;
        }
        total
    }
}

/// The squared distance of `row` to one centre, bit for bit as [`Packed::squared`] has it.
#[inline(always)]
pub fn squared_to(row: &[f32], centre: &[f32]) -> f32 {
    let mut sums = [0.0f32; CHAINS];
    let (row_chunks, row_rest) = row.as_chunks::<CHAINS>();
    let (centre_chunks, centre_rest) = centre.as_chunks::<CHAINS>();
    for (x, y) in row_chunks.iter().zip(centre_chunks) {
        for chain in 0..CHAINS {
            let difference = x[chain] - y[chain];
            sums[chain] += difference * difference;
        }
    }
    for (x, y) in row_rest.iter().zip(centre_rest) {
        sums[0] += (x - y) * (x - y);
    }
    (sums[0] + sums[1]) + (sums[2] + sums[3])
}

#[inline(always)]
fn add(sums: &mut [f32; LANES], x: f32, column: &[f32; LANES]) {
    for lane in 0..LANES {
        let difference = x - column[lane];
        sums[lane] += difference * difference;
    }
}

/// Groups that are packed at once: a copy of all centres could be as large as the pool.
const MAX_GROUPS: usize = 64;

/// Runs `work` over blocks of rows and the matching part of `out` for all of `centres`, packed a part at
/// a time.
pub fn against<T: Send>(
    rows: Rows<'_>,
    centres: Rows<'_>,
    out: &mut [T],
    work: impl Fn(Rows<'_>, &Packed, &mut [T]) + Sync,
) {
    for ids in centres.ids().chunks(LANES * MAX_GROUPS) {
        let mut values = Vec::with_capacity(ids.len() * centres.width());
        for &id in ids {
            values.extend_from_slice(centres.matrix().row(id.index()));
        }
        let packed = Packed::new(MatrixView::new(&values, ids.len(), centres.width()));
        rows::in_blocks(rows, out, ids.len(), |rows, out| work(rows, &packed, out));
    }
}

/// The squared distance of every row to the nearest of `centres`; infinite where there are none.
pub fn minima_to(rows: Rows<'_>, centres: Rows<'_>) -> Vec<f32> {
    let mut minima = vec![f32::INFINITY; rows.len()];
    against(rows, centres, &mut minima, shrink_all_here);
    minima
}

dispatched! {
    fn shrink_all_here(rows: Rows<'_>, packed: &Packed, minima: &mut [f32]) {
        for (place, least) in minima.iter_mut().enumerate() {
            let mut lanes = [f32::INFINITY; LANES];
            for group in 0..packed.groups() {
                let squared = packed.squared(group, rows.get(place));
                for lane in 0..LANES {
                    lanes[lane] = lanes[lane].min(squared[lane]);
                }
            }
            *least = lanes.into_iter().fold(*least, f32::min);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Matrix, RowId};
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn minima_match_the_double_loop(
            values in prop::collection::vec(-5.0f32..5.0, 50 * 7),
            centres in 0usize..40,
        ) {
            let matrix = Matrix::new(values, 50, 7);
            let ids: Vec<RowId> = (0..50).map(RowId).collect();
            let (rows, centres) = (Rows::new(matrix.view(), &ids[6..]), Rows::new(matrix.view(), &ids[..centres]));
            for (place, found) in minima_to(rows, centres).into_iter().enumerate() {
                let squared = |c| rows.get(place).iter().zip(centres.get(c)).map(|(x, y)| (x - y).powi(2)).sum::<f32>();
                let plain = (0..centres.len()).map(squared).fold(f32::INFINITY, f32::min);
                prop_assert!(found == plain || (found - plain).abs() < 1e-3);
                if place + 6 < centres.len() {
                    prop_assert_eq!(found, 0.0, "a row is at distance zero from itself");
                }
            }
        }
    }

    #[test]
    fn one_centre_is_as_far_as_among_others() {
        for width in 0..23 {
            let values = (0..21 * width).map(|i| (i as f32 * 0.37).sin()).collect();
            let centres = Matrix::new(values, 21, width);
            let row: Vec<f32> = (0..width).map(|i| (i as f32 * 1.3).cos()).collect();
            let packed = Packed::new(centres.view());
            for centre in 0..21 {
                let among = packed.squared(centre / LANES, &row)[centre % LANES];
                assert_eq!(squared_to(&row, centres.row(centre)).to_bits(), among.to_bits(), "{width}");
            }
        }
    }

    #[test]
    fn many_centres_are_taken_in_parts() {
        let n = LANES * MAX_GROUPS + 40;
        let matrix = Matrix::new((0..n).map(|i| i as f32).collect(), n, 1);
        let ids: Vec<RowId> = (0..n as u32).map(RowId).collect();
        let rows = Rows::new(matrix.view(), &ids);
        let even: Vec<RowId> = ids.iter().copied().filter(|id| id.0 % 2 == 0).collect();
        for centres in [&ids, &even] {
            let minima = minima_to(rows, Rows::new(matrix.view(), centres));
            let odd = if centres.len() == n { 0.0 } else { 1.0 };
            assert!(minima.iter().enumerate().all(|(i, &m)| m == if i % 2 == 0 { 0.0 } else { odd }));
        }
    }
}
