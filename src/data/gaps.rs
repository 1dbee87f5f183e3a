//! [`Gaps`]: cells of a data set that have no value, and the medians that fill them.

use super::matrix::{Matrix, MatrixView};
use std::sync::Arc;

/// Rows in which a column has no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The column of the inputs.
    pub column: usize,
    /// The rows, ascending.
    pub rows: Arc<[u32]>,
}

/// The cells of a data set without a value, column by column. They hold 0 until a [`Task`](super::Task) fills them with
/// the medians of its pool.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gaps(Vec<Gap>);

impl Gaps {
    /// These gaps, of different columns; those without a row are left out.
    pub fn new(gaps: Vec<Gap>) -> Self {
        Self(gaps.into_iter().filter(|gap| !gap.rows.is_empty()).collect())
    }

    /// Whether every cell has a value.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The gaps of each column that has any.
    pub fn columns(&self) -> &[Gap] {
        &self.0
    }

    /// The gaps of these rows, numbered anew.
    pub fn of_rows(&self, rows: &[u32]) -> Self {
        let of = |gap: &Gap| {
            let kept = (0u32..).zip(rows).filter(|(_, row)| gap.rows.binary_search(row).is_ok());
            Gap { column: gap.column, rows: kept.map(|(at, _)| at).collect() }
        };
        Self::new(self.0.iter().map(of).collect())
    }

    /// The gaps of these rows and columns, both numbered anew.
    pub(super) fn of(&self, rows: &[u32], columns: &[usize]) -> Self {
        let place = |gap: Gap| {
            let column = columns.iter().position(|&column| column == gap.column)?;
            Some(Gap { column, ..gap })
        };
        Self::new(self.of_rows(rows).0.into_iter().filter_map(place).collect())
    }

    /// The median of every column that has gaps, over those of `rows` that have a value, as [`fill`](Self::fill) takes
    /// them; 0 where none has. Of two values in the middle it is the mean.
    pub(super) fn medians(&self, inputs: MatrixView<'_>, rows: &[u32]) -> Vec<f32> {
        let median = |gap: &Gap| {
            let known = rows.iter().filter(|row| gap.rows.binary_search(row).is_err());
            let mut values: Vec<f32> = known.map(|&row| inputs.row(row as usize)[gap.column]).collect();
            values.sort_by(f32::total_cmp);
            match values.len() {
                0 => 0.0,
                n => ((f64::from(values[(n - 1) / 2]) + f64::from(values[n / 2])) / 2.0) as f32,
            }
        };
        self.0.iter().map(median).collect()
    }

    /// Fills the gaps of `gathered`, which holds the given rows of the data set.
    pub(super) fn fill(&self, gathered: &mut Matrix, rows: &[u32], medians: &[f32]) {
        for (gap, &median) in self.0.iter().zip(medians) {
            for (at, row) in rows.iter().enumerate() {
                if gap.rows.binary_search(row).is_ok() {
                    gathered.row_mut(at)[gap.column] = median;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_are_those_of_the_rows_that_are_asked_for() {
        let inputs = Matrix::new(vec![1.0, 0.0, 5.0, 0.0, 0.0, 3.0, 100.0, 7.0], 4, 2);
        let gaps =
            Gaps::new(vec![Gap { column: 0, rows: [2].into() }, Gap { column: 1, rows: [0, 1].into() }]);
        assert_eq!(gaps.medians(inputs.view(), &[0, 1, 2]), [3.0, 3.0]);
        assert_eq!(gaps.medians(inputs.view(), &[0, 1]), [3.0, 0.0], "no value: 0");
        let mut part = inputs.gather([2, 3, 0]);
        gaps.fill(&mut part, &[2, 3, 0], &[3.0, 9.0]);
        assert_eq!(part.values(), [3.0, 3.0, 100.0, 7.0, 1.0, 9.0]);
        assert_eq!(gaps.of_rows(&[1, 2]).columns()[0], Gap { column: 0, rows: [1].into() });
        assert!(gaps.of_rows(&[3]).is_empty());
    }
}
