//! Column scaling, fitted on some rows and applied to any.

use super::matrix::{Matrix, MatrixView};
use serde::{Deserialize, Serialize};

/// Scaled values are kept within ± this. A row that took part in the fit never reaches it (a standard
/// score is at most the square root of the row count); a held-out value of a column that hardly varies
/// in the pool would otherwise overflow to infinity.
pub const SCALED_LIMIT: f32 = 1e6;

/// How inputs are scaled. Statistics come from the pool's rows alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scaling {
    /// Left as they are.
    None,
    /// Zero mean, unit variance per column; constant columns become zero.
    #[default]
    Standard,
    /// To `[0, 1]` per column; constant columns become zero.
    MinMax,
}

/// `inputs` with mean 0 and variance 1 per column, as [`Scaling::Standard`] has it; constant columns become zero.
pub fn standardised(inputs: Matrix) -> Matrix {
    Scaler::fit(Scaling::Standard, inputs.view()).scale(inputs)
}

/// Per column, `scaled = (value - shift) * factor`; `None` leaves values alone.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Scaler(Option<Vec<(f64, f64)>>);

impl Scaler {
    /// Statistics of all rows of `inputs`. A column counts as constant where its spread is below what
    /// `f32` resolves at its magnitude.
    pub(super) fn fit(scaling: Scaling, inputs: MatrixView<'_>) -> Self {
        let column = |j: usize| (0..inputs.rows()).map(move |row| f64::from(inputs.row(row)[j]));
        let factor = |spread: f64, magnitude: f64| {
            if spread <= magnitude * f64::from(f32::EPSILON) { 0.0 } else { 1.0 / spread }
        };
        let fitted = |j: usize| match scaling {
            Scaling::None => (0.0, 1.0),
            Scaling::Standard => {
                let n = inputs.rows() as f64;
                let mean = column(j).sum::<f64>() / n;
                let variance = column(j).map(|value| (value - mean).powi(2)).sum::<f64>() / n;
                (mean, factor(variance.sqrt(), mean.abs()))
            }
            Scaling::MinMax => {
                let least = column(j).fold(f64::INFINITY, f64::min);
                let most = column(j).fold(f64::NEG_INFINITY, f64::max);
                (least, factor(most - least, least.abs().max(most.abs())))
            }
        };
        Self((scaling != Scaling::None).then(|| (0..inputs.cols()).map(fitted).collect()))
    }

    /// A scaled row in which the value of every column is that of another one: column `c` becomes what column `from[c]`
    /// was before it was scaled, in its own units.
    pub(super) fn moved(&self, row: &[f32], from: &[usize]) -> Vec<f32> {
        let Some(columns) = &self.0 else { return from.iter().map(|&from| row[from]).collect() };
        let one = |(&(shift, factor), &from): (&(f64, f64), &usize)| {
            let (before, unit) = columns[from];
            // Of a constant column, the value is the constant.
            let value = if unit == 0.0 { before } else { f64::from(row[from]) / unit + before };
            (((value - shift) * factor) as f32).clamp(-SCALED_LIMIT, SCALED_LIMIT)
        };
        columns.iter().zip(from).map(one).collect()
    }

    /// A scaled row as it was before, constant columns as their constant.
    pub(super) fn before(&self, row: &[f32]) -> Vec<f64> {
        let Some(columns) = &self.0 else { return row.iter().copied().map(f64::from).collect() };
        assert_eq!(row.len(), columns.len(), "columns");
        let one = |(&value, &(shift, factor)): (&f32, &(f64, f64))| {
            if factor == 0.0 { shift } else { f64::from(value) / factor + shift }
        };
        row.iter().zip(columns).map(one).collect()
    }

    /// A row, scaled as a table is, and the derivative of each number by what it was.
    pub(super) fn after(&self, row: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let Some(columns) = &self.0 else { return (row.to_vec(), vec![1.0; row.len()]) };
        assert_eq!(row.len(), columns.len(), "columns");
        let one = |(&value, &(shift, factor)): (&f64, &(f64, f64))| {
            let (scaled, limit) = ((value - shift) * factor, f64::from(SCALED_LIMIT));
            if scaled.abs() < limit { (scaled, factor) } else { (scaled.clamp(-limit, limit), 0.0) }
        };
        row.iter().zip(columns).map(one).unzip()
    }

    /// The rows, scaled.
    pub(super) fn scale(&self, mut inputs: Matrix) -> Matrix {
        let Some(columns) = &self.0 else { return inputs };
        for row in 0..inputs.rows() {
            for (value, &(shift, factor)) in inputs.row_mut(row).iter_mut().zip(columns) {
                *value = (((f64::from(*value) - shift) * factor) as f32).clamp(-SCALED_LIMIT, SCALED_LIMIT);
            }
        }
        inputs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Columns: 1, 2, 3, (9) and a constant 5; the last row does not take part in the fit.
    fn inputs() -> Matrix {
        Matrix::new(vec![1.0, 5.0, 2.0, 5.0, 3.0, 5.0, 9.0, 6.0], 4, 2)
    }

    fn scaled(scaling: Scaling) -> Vec<f32> {
        let inputs = inputs();
        Scaler::fit(scaling, inputs.gather([0, 1, 2]).view()).scale(inputs).into_values()
    }

    #[test]
    fn worked_examples() {
        assert_eq!(scaled(Scaling::None), inputs().into_values());
        assert_eq!(scaled(Scaling::MinMax), [0.0, 0.0, 0.5, 0.0, 1.0, 0.0, 4.0, 0.0]);
        let third = 1.5f64.sqrt() as f32; // (3 - 2) / sqrt(2/3)
        let seventh = (7.0 * 1.5f64.sqrt()) as f32;
        assert_eq!(scaled(Scaling::Standard), [-third, 0.0, 0.0, 0.0, third, 0.0, seventh, 0.0]);
    }

    #[test]
    fn a_held_out_outlier_stays_finite() {
        let inputs = Matrix::new(vec![0.0, 1e-30, f32::MAX, -f32::MAX], 4, 1);
        for scaling in [Scaling::Standard, Scaling::MinMax] {
            let scaler = Scaler::fit(scaling, inputs.gather([0, 1]).view());
            let held = scaler.scale(inputs.gather([2, 3]));
            assert_eq!(held.values(), [SCALED_LIMIT, -SCALED_LIMIT]);
        }
    }

    #[test]
    fn a_column_constant_up_to_rounding_becomes_zero() {
        let inputs = Matrix::new(vec![1e8, 1e8 + 8.0, 1e8, 1e8], 4, 1);
        let scaler = Scaler::fit(Scaling::Standard, inputs.view());
        assert_eq!(scaler.scale(inputs.gather([0, 1])).values(), [0.0, 0.0]);
    }
}
