//! Who answers for rows that were made up.

use super::Answer;
use crate::data::MatrixView;

/// Answers for rows; every question is charged.
pub trait SynthesisOracle {
    /// The class of a row, or that it has none.
    fn ask(&mut self, row: &[f64]) -> Answer;
}

/// The labelling function of a synthetic task.
pub struct Labelling<F>(pub F);

impl<F: FnMut(&[f64]) -> u32> SynthesisOracle for Labelling<F> {
    fn ask(&mut self, row: &[f64]) -> Answer {
        Answer::Class((self.0)(row))
    }
}

/// Shows the nearest of real rows to whoever labels, if it lies within a radius: the label is that row's.
#[derive(Clone, Copy, Debug)]
pub struct NearestRow<'a> {
    /// Real rows, shape `[n, width]`.
    pub rows: MatrixView<'a>,
    /// Their classes.
    pub labels: &'a [u32],
    /// Euclidean; what is farther from all rows is unanswerable.
    pub radius: f64,
}

impl SynthesisOracle for NearestRow<'_> {
    fn ask(&mut self, row: &[f64]) -> Answer {
        let square = |at: usize| -> f64 {
            self.rows.row(at).iter().zip(row).map(|(&a, b)| (f64::from(a) - b).powi(2)).sum()
        };
        let nearest = (0..self.rows.rows()).map(|at| (square(at), at)).min_by(|a, b| a.0.total_cmp(&b.0));
        match nearest {
            Some((square, at)) if square <= self.radius * self.radius => Answer::Class(self.labels[at]),
            _ => Answer::Unanswerable,
        }
    }
}
