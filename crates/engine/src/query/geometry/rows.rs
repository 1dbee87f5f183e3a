//! [`Rows`]: some rows of a matrix, and distances between them and a point.

use super::lanes;
use crate::data::{Matrix, MatrixView, RowId};
use crate::query::Ties;
use crate::simd::dispatched;
use rayon::prelude::*;

/// Numbers below which a loop over rows is not worth a second thread.
const PARALLEL_FROM: usize = 1 << 20;
/// Rows that one thread takes at a time; results do not depend on it.
const BLOCK: usize = 8_192;

/// Whether rows are taken as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// As they are.
    AsIs,
    /// Scaled to length one; zero rows stay zero.
    Unit,
}

/// Some rows of a matrix that is indexed by [`RowId`], in the order of their ids' list.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a> {
    matrix: MatrixView<'a>,
    ids: &'a [RowId],
}

impl<'a> Rows<'a> {
    /// The rows `ids` of `matrix`.
    #[inline]
    pub fn new(matrix: MatrixView<'a>, ids: &'a [RowId]) -> Self {
        Self { matrix, ids }
    }

    /// The number of rows.
    #[inline]
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there are none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Numbers per row.
    #[inline]
    pub fn width(&self) -> usize {
        self.matrix.cols()
    }

    /// The row at `place`.
    #[inline(always)]
    pub fn get(&self, place: usize) -> &'a [f32] {
        self.matrix.row(self.ids[place].index())
    }

    /// The ids.
    #[inline]
    pub fn ids(&self) -> &'a [RowId] {
        self.ids
    }

    /// The matrix.
    #[inline]
    pub fn matrix(&self) -> MatrixView<'a> {
        self.matrix
    }

    /// A copy of the rows, in their order.
    pub fn to_matrix(&self) -> Matrix {
        let mut values = Vec::with_capacity(self.len() * self.width());
        (0..self.len()).for_each(|place| values.extend_from_slice(self.get(place)));
        Matrix::new(values, self.len(), self.width())
    }

    /// `length` rows from `start` on.
    pub fn slice(&self, start: usize, length: usize) -> Self {
        Self { matrix: self.matrix, ids: &self.ids[start..start + length] }
    }
}

dispatched! {
    /// `minima[i] = min(minima[i], |row_i - centre|^2)`, on this thread.
    pub fn shrink_here(rows: Rows<'_>, centre: &[f32], minima: &mut [f32]) {
        for (place, least) in minima.iter_mut().enumerate() {
            *least = least.min(lanes::squared_distance(rows.get(place), centre));
        }
    }
}

/// `minima[i] = min(minima[i], |row_i - centre|^2)`.
pub fn shrink(rows: Rows<'_>, centre: &[f32], minima: &mut [f32]) {
    in_blocks(rows, minima, 1, |rows, minima| shrink_here(rows, centre, minima));
}

/// Runs `work` over blocks of rows and the matching part of `out`, on several threads where that pays;
/// `passes` is how often the work reads each row. Nothing that `work` does may depend on the blocks.
pub fn in_blocks<T: Send>(
    rows: Rows<'_>,
    out: &mut [T],
    passes: usize,
    work: impl Fn(Rows<'_>, &mut [T]) + Sync,
) {
    assert_eq!(rows.len(), out.len(), "one output per row");
    if rows.len().saturating_mul(rows.width()).saturating_mul(passes) < PARALLEL_FROM {
        work(rows, out);
        return;
    }
    let block = BLOCK.min(rows.len().div_ceil(rayon::current_num_threads()).max(64));
    out.par_chunks_mut(block).enumerate().for_each(|(number, out)| {
        work(rows.slice(number * block, out.len()), out);
    });
}

/// The mean row, summed in the order of the rows in 64 bits.
pub fn mean(rows: Rows<'_>) -> Vec<f32> {
    let mut sum = vec![0.0f64; rows.width()];
    for place in 0..rows.len() {
        for (sum, &value) in sum.iter_mut().zip(rows.get(place)) {
            *sum += f64::from(value);
        }
    }
    sum.into_iter().map(|sum| (sum / rows.len().max(1) as f64) as f32).collect()
}

/// The place of the row nearest `point`; of several, the first in the order of `ties`.
pub fn nearest_to(rows: Rows<'_>, point: &[f32], ties: Ties<'_>) -> Option<usize> {
    let mut distances = vec![f32::INFINITY; rows.len()];
    shrink(rows, point, &mut distances);
    (0..rows.len()).min_by(|&a, &b| {
        distances[a].total_cmp(&distances[b]).then_with(|| ties.order(rows.ids[a], rows.ids[b]))
    })
}

/// A copy of `matrix` with every row scaled to length one; zero rows stay zero.
pub fn normalised(matrix: MatrixView<'_>) -> Matrix {
    let mut copy = Matrix::new(matrix.values().to_vec(), matrix.rows(), matrix.cols());
    normalise(&mut copy);
    copy
}

/// Scales every row to length one; zero rows stay zero.
pub fn normalise(matrix: &mut Matrix) {
    for row in 0..matrix.rows() {
        let values = matrix.row_mut(row);
        let length = values.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>().sqrt();
        if length > 0.0 {
            values.iter_mut().for_each(|value| *value = (f64::from(*value) / length) as f32);
        }
    }
}

/// Calls `then` with the rows under `scale`: with themselves, or with a copy of them whose ids are
/// `0..rows`.
pub fn scaled<R>(rows: Rows<'_>, scale: Scale, then: impl FnOnce(Rows<'_>) -> R) -> R {
    if scale == Scale::AsIs {
        return then(rows);
    }
    let mut unit = rows.to_matrix();
    normalise(&mut unit);
    let ids: Vec<RowId> = (0..rows.len() as u32).map(RowId).collect();
    then(Rows::new(unit.view(), &ids))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_change_nothing() {
        let n = 40_000;
        let values: Vec<f32> = (0..n * 128).map(|i| ((i * 7919 % 1009) as f32).sin()).collect();
        let matrix = Matrix::new(values, n, 128);
        let ids: Vec<RowId> = (0..n as u32).map(RowId).collect();
        let rows = Rows::new(matrix.view(), &ids);
        let mut blocked = vec![f32::INFINITY; n];
        shrink(rows, rows.get(17), &mut blocked);
        let mut whole = vec![f32::INFINITY; n];
        shrink_here(rows, rows.get(17), &mut whole);
        assert_eq!(blocked, whole);
    }

    #[test]
    fn zero_rows_stay_zero() {
        let unit = normalised(Matrix::new(vec![3.0, 4.0, 0.0, 0.0], 2, 2).view());
        assert_eq!(unit.values(), [0.6, 0.8, 0.0, 0.0]);
    }
}
