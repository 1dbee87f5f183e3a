//! Means and spreads of columns, row by row.

use super::learner::{inverse, scaled};

/// Running sums over rows of one width (Welford, Technometrics 4(3), 1962).
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Moments {
    rows: u64,
    /// Per column, the mean, and the sum of squared differences from it.
    columns: Vec<(f64, f64)>,
}

/// Columns brought to mean 0 and spread 1.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Scaling {
    centre: Vec<f64>,
    /// What a column is multiplied by; 0 for a constant one.
    scale: Vec<f64>,
}

impl Moments {
    /// Takes a row in.
    ///
    /// # Panics
    /// If an earlier one had another width.
    pub(crate) fn push(&mut self, row: &[f32]) {
        if self.rows == 0 {
            self.columns = vec![(0.0, 0.0); row.len()];
        }
        assert_eq!(self.columns.len(), row.len(), "rows of one width");
        self.rows += 1;
        for ((mean, squares), &value) in self.columns.iter_mut().zip(row) {
            let apart = f64::from(value) - *mean;
            *mean += apart / self.rows as f64;
            *squares += apart * (f64::from(value) - *mean);
        }
    }

    /// The rows so far.
    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    /// The scaling by the rows so far.
    pub(crate) fn scaling(&self) -> Scaling {
        let spread = |squares: f64| (squares / self.rows.max(1) as f64).sqrt();
        Scaling {
            centre: self.columns.iter().map(|&(mean, _)| mean).collect(),
            scale: self.columns.iter().map(|&(mean, squares)| inverse(spread(squares), mean)).collect(),
        }
    }
}

impl Scaling {
    /// What a column is multiplied by.
    pub(crate) fn of(&self, column: usize) -> f32 {
        self.scale[column] as f32
    }

    /// A row, scaled. Values far beyond those measured are cut.
    pub(crate) fn scaled(&self, row: &[f32]) -> Vec<f32> {
        scaled(row, &self.centre, &self.scale).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 1, 2 and 6 have mean 3 and variance 14/3.
    #[test]
    fn a_worked_example() {
        let mut moments = Moments::default();
        for x in [1.0, 2.0, 6.0] {
            moments.push(&[x, 5.0]);
        }
        let found = moments.scaling().scaled(&[5.0, 9.0]);
        assert!((f64::from(found[0]) - 2.0 / (14.0f64 / 3.0).sqrt()).abs() < 1e-6, "{found:?}");
        assert_eq!((found[1], moments.rows()), (0.0, 3));
    }
}
