//! Rows that a decoder makes of random codes.

use crate::data::{Matrix, MatrixView};
use crate::error::Result;
use crate::rng::Key;
use crate::stream::error::StreamError;
use nalgebra::{DMatrix, SymmetricEigen};
use rand_distr::{Distribution, StandardNormal};

/// The most columns of rows that a decoder is fitted to: its covariance has as many rows.
pub const MAX_DECODED: usize = 1_024;
/// Sweeps after which an eigenvalue problem counts as not solvable; a good one takes about two per column.
const MOST_SWEEPS: usize = 100_000;

/// A linear decoder: rows are `mean + W z` for a standard normal code `z`, with the likeliest `W` for the rows that it was fitted
/// to (Tipping & Bishop, "Probabilistic principal component analysis", JRSS B 61(3), 1999). The noise of that model is left out.
#[derive(Clone, Debug, PartialEq)]
pub struct Decoder {
    mean: Vec<f64>,
    /// One row per number of a code, shape `[codes, width]`.
    directions: Vec<Vec<f64>>,
}

impl Decoder {
    /// That of `rows`, shape `[n, width]`, for codes of so many numbers, fewer than there are columns. They need no labels.
    ///
    /// # Errors
    /// [`StreamError::Setting`] for another number of codes, fewer than two rows, or more than [`MAX_DECODED`] columns;
    /// [`StreamError::NotFinite`].
    pub fn fit(rows: MatrixView<'_>, codes: usize) -> Result<Self, StreamError> {
        let (n, width) = (rows.rows(), rows.cols());
        let refused = |setting, found: String, expected| StreamError::Setting { setting, found, expected };
        if n < 2 {
            return Err(refused("rows of a decoder", n.to_string(), "at least 2"));
        }
        if width > MAX_DECODED {
            return Err(refused("columns of a decoder", width.to_string(), "at most 1024"));
        }
        if codes == 0 || codes >= width {
            return Err(refused("codes of a decoder", codes.to_string(), "at least 1, fewer than columns"));
        }
        if let Some(at) = rows.values().iter().position(|value| !value.is_finite()) {
            let (row, column, found) = ((at / width) as u64, at % width, rows.values()[at]);
            return Err(StreamError::NotFinite { row, column, found });
        }
        let all = || (0..n).map(|row| rows.row(row));
        let mean: Vec<f64> =
            (0..width).map(|at| all().map(|row| f64::from(row[at])).sum::<f64>() / n as f64).collect();
        let apart = |row: &[f32], at: usize| f64::from(row[at]) - mean[at];
        let covariance = DMatrix::from_fn(width, width, |i, j| {
            all().map(|row| apart(row, i) * apart(row, j)).sum::<f64>() / n as f64
        });
        let Some(axes) = SymmetricEigen::try_new(covariance, f64::EPSILON, MOST_SWEEPS) else {
            let found = "rows without principal components".to_string();
            return Err(refused("rows of a decoder", found, "rows of a like size"));
        };
        let mut order: Vec<usize> = (0..width).collect();
        order.sort_by(|&a, &b| axes.eigenvalues[b].total_cmp(&axes.eigenvalues[a]));
        let variance = |place: usize| axes.eigenvalues[order[place]].max(0.0);
        let noise = (codes..width).map(variance).sum::<f64>() / (width - codes) as f64;
        let direction = |place: usize| {
            let axis = axes.eigenvectors.column(order[place]);
            // An axis has no sign: its largest number is positive.
            let largest = axis.iter().copied().fold(0.0, |a: f64, b| if b.abs() > a.abs() { b } else { a });
            let length = (variance(place) - noise).max(0.0).sqrt() * largest.signum();
            axis.iter().map(|value| value * length).collect()
        };
        Ok(Self { directions: (0..codes).map(direction).collect(), mean })
    }

    /// The row of a code.
    ///
    /// # Panics
    /// For a code of another length.
    pub fn decode(&self, code: &[f64]) -> Vec<f64> {
        assert_eq!(code.len(), self.directions.len(), "a number per direction");
        let mut row = self.mean.clone();
        for (number, direction) in code.iter().zip(&self.directions) {
            row.iter_mut().zip(direction).for_each(|(value, along)| *value += number * along);
        }
        row
    }

    /// The rows of `count` codes drawn from `key`, shape `[count, width]`.
    pub fn samples(&self, count: usize, key: Key) -> Matrix {
        let one = |at: u64| {
            let mut rng = key.at(at).rng();
            let code: Vec<f64> = self.directions.iter().map(|_| StandardNormal.sample(&mut rng)).collect();
            self.decode(&code).into_iter().map(|value| value as f32)
        };
        Matrix::new((0..count as u64).flat_map(one).collect(), count, self.mean.len())
    }

    /// Of `count` [samples](Self::samples), the row of the highest value, the first of equals, and that value. `value` gives the
    /// acquisition of rows, shape `[n, width]`, higher = ask first.
    ///
    /// # Errors
    /// Those of `value`; [`StreamError::Setting`] for no samples, or where no value is a number.
    pub fn best(
        &self,
        count: usize,
        key: Key,
        value: impl FnOnce(&Matrix) -> Result<Vec<f64>>,
    ) -> Result<(Vec<f32>, f64)> {
        let samples = self.samples(count, key);
        let values = value(&samples)?;
        let numbers = (0..count).filter(|&at| !values[at].is_nan());
        let best = numbers.reduce(|best, at| if values[at] > values[best] { at } else { best });
        let found = format!("{count} without a value");
        let none = StreamError::Setting { setting: "samples", found, expected: "at least one with a value" };
        let best = best.ok_or(none)?;
        Ok((samples.row(best).to_vec(), values[best]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Variances are 2 and 1/2; with one code the second is noise, and the first loses as much.
    #[test]
    fn a_worked_example() {
        let rows = Matrix::new(vec![2.0, 5.0, -2.0, 5.0, 0.0, 6.0, 0.0, 4.0], 4, 2);
        let decoder = Decoder::fit(rows.view(), 1).unwrap();
        let row = decoder.decode(&[-2.0]);
        assert!((row[0] + 2.0 * 1.5f64.sqrt()).abs() < 1e-12 && (row[1] - 5.0).abs() < 1e-12, "{row:?}");
        assert_eq!(decoder.decode(&[0.0]), [0.0, 5.0]);
    }

    /// Rows of a plane in space: so are samples, with the covariance of the rows.
    #[test]
    fn samples_are_spread_as_the_rows_are() {
        let mut rng = Key::root(1).rng();
        let mut row = || -> [f32; 3] {
            let [a, b]: [f64; 2] = std::array::from_fn(|_| StandardNormal.sample(&mut rng));
            [2.0 * a, a + b, a - b + 3.0].map(|value| value as f32)
        };
        let rows = Matrix::new((0..400).flat_map(|_| row()).collect(), 400, 3);
        let decoder = Decoder::fit(rows.view(), 2).unwrap();
        let samples = decoder.samples(20_000, Key::root(2));
        // The plane is x = y + z - 3.
        assert!(
            (0..20_000).map(|at| samples.row(at)).all(|row| (row[0] - row[1] - row[2] + 3.0).abs() < 1e-4)
        );
        let covariance = |rows: &Matrix, i: usize, j: usize| -> f64 {
            let n = rows.rows() as f64;
            let sum = |f: &dyn Fn(&[f32]) -> f64| (0..rows.rows()).map(|at| f(rows.row(at))).sum::<f64>() / n;
            let of = |row: &[f32], at: usize| f64::from(row[at]);
            sum(&|row| of(row, i) * of(row, j)) - sum(&|row| of(row, i)) * sum(&|row| of(row, j))
        };
        for (i, j) in [(0, 0), (0, 1), (1, 1), (1, 2), (2, 2)] {
            let (found, expected) = (covariance(&samples, i, j), covariance(&rows, i, j));
            assert!((found - expected).abs() < 0.15, "{i} {j}: {found} {expected}");
        }
        assert_eq!(samples, decoder.samples(20_000, Key::root(2)));
    }

    #[test]
    fn the_best_sample_is_the_first_of_the_highest_value() {
        let rows = Matrix::new(vec![2.0, 5.0, -2.0, 5.0, 0.0, 6.0, 0.0, 4.0], 4, 2);
        let decoder = Decoder::fit(rows.view(), 1).unwrap();
        let samples = decoder.samples(5, Key::root(3));
        let of = |values: [f64; 5]| decoder.best(5, Key::root(3), |_| Ok(values.to_vec()));
        let found = of([f64::NAN, 1.0, 7.0, f64::NEG_INFINITY, 7.0]).unwrap();
        assert_eq!(found, (samples.row(2).to_vec(), 7.0));
        assert!(of([f64::NAN; 5]).is_err());
    }

    #[test]
    fn what_cannot_be_fitted_is_refused() {
        let rows = Matrix::new(vec![0.0, 1.0, 2.0, f32::NAN], 2, 2);
        let refused = |rows: MatrixView<'_>, codes| Decoder::fit(rows, codes).unwrap_err().to_string();
        assert_eq!(refused(rows.view(), 1), "row 1, column 1: NaN is not a finite number");
        assert!(refused(rows.view(), 2).contains("codes of a decoder is 2"));
        assert!(refused(rows.view(), 0).contains("codes of a decoder is 0"));
        assert!(refused(MatrixView::new(&[1.0, 2.0], 1, 2), 1).contains("rows of a decoder is 1"));
        let wide = Matrix::zeros(2, MAX_DECODED + 1);
        assert!(refused(wide.view(), 1).contains("1025"));
        // Constant rows have no direction, the largest numbers have one.
        let row =
            |value: f32| Decoder::fit(Matrix::new(vec![value, 1.0, -value, 1.0], 2, 2).view(), 1).unwrap();
        assert_eq!(row(0.0).decode(&[3.0]), [0.0, 1.0]);
        assert!(row(f32::MAX).decode(&[3.0]).iter().all(|value| value.is_finite()));
    }
}
