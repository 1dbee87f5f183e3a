//! Temperature scaling, and how far probabilities are from frequencies.
//!
//! Guo, Pleiss, Sun & Weinberger, *On Calibration of Modern Neural Networks*, ICML 2017.

use super::error::LearnError;
use crate::data::{MatrixView, argmax};
use crate::error::Result;
use argmin::core::{CostFunction, Executor};
use argmin::solver::goldensectionsearch::GoldenSectionSearch;

/// Fewer held-out rows than this say nothing about a temperature.
pub const MIN_ROWS: usize = 50;
/// The temperatures that are searched.
pub const RANGE: (f64, f64) = (0.05, 20.0);
/// Width of the last bracket of `ln T`.
const TOLERANCE: f64 = 1e-7;
/// More than enough: each iteration takes off a third of a bracket of 6.
const MAX_ITERATIONS: u64 = 200;
/// Bins of the calibration error, of equal width.
const BINS: usize = 15;

/// What logits are divided by before the softmax. Above 1 it lowers confidence; the predicted class
/// stays.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Temperature(f64);

impl Default for Temperature {
    /// 1, which changes nothing.
    fn default() -> Self {
        Self(1.0)
    }
}

impl Temperature {
    /// The temperature in [`RANGE`] of least negative log-likelihood on held-out logits `[rows, classes]`,
    /// by golden-section search over `ln T`. Fewer than [`MIN_ROWS`] rows, or no error among them, give 1.
    ///
    /// # Errors
    /// If there is not one label per row, a label has no column, or a logit is not finite.
    pub fn fit(logits: MatrixView<'_>, labels: &[u32]) -> Result<Self> {
        check(logits, labels)?;
        let errors =
            labels.iter().enumerate().filter(|&(row, &label)| argmax(logits.row(row)) != label as usize);
        if labels.len() < MIN_ROWS || errors.count() == 0 {
            return Ok(Self::default());
        }
        let (low, high) = (RANGE.0.ln(), RANGE.1.ln());
        let search = GoldenSectionSearch::new(low, high)
            .and_then(|search| search.with_tolerance(TOLERANCE))
            .and_then(|search| {
                Executor::new(Likelihood { logits, labels }, search)
                    .configure(|state| state.param(0.5 * (low + high)).max_iters(MAX_ITERATIONS))
                    .run()
            });
        // The solver fails on bounds and tolerances only, which are constants here.
        let found = search.ok().and_then(|result| result.state.best_param);
        Ok(found.map_or_else(Self::default, |ln| Self(ln.exp())))
    }

    /// The number itself.
    pub fn value(self) -> f64 {
        self.0
    }

    /// Probabilities of one row of logits.
    pub fn probabilities(self, logits: &[f32]) -> Vec<f32> {
        let top = top(logits);
        let parts: Vec<f64> = logits.iter().map(|&z| ((f64::from(z) - top) / self.0).exp()).collect();
        let sum: f64 = parts.iter().sum();
        parts.iter().map(|part| (part / sum) as f32).collect()
    }
}

/// Expected calibration error over 15 bins of equal width: the mean over rows of the distance between a
/// bin's accuracy and its mean confidence. 0 is calibrated; no rows give 0.
///
/// # Errors
/// If there is not one label per row of `probabilities`, or a label has no column.
pub fn expected_calibration_error(probabilities: MatrixView<'_>, labels: &[u32]) -> Result<f64> {
    check(probabilities, labels)?;
    let mut bins = [(0.0, 0.0); BINS];
    for (row, &label) in labels.iter().enumerate() {
        let row = probabilities.row(row);
        let class = argmax(row);
        let confidence = f64::from(row[class]);
        // Bins are open below and closed above.
        let bin = ((confidence * BINS as f64).ceil() as usize).clamp(1, BINS) - 1;
        bins[bin].0 += confidence;
        bins[bin].1 += f64::from(u8::from(class == label as usize));
    }
    let gap: f64 = bins.iter().map(|(confidence, hits)| (confidence - hits).abs()).sum();
    Ok(gap / labels.len().max(1) as f64)
}

/// Negative log-likelihood as a function of `ln T`.
struct Likelihood<'a> {
    logits: MatrixView<'a>,
    labels: &'a [u32],
}

impl CostFunction for Likelihood<'_> {
    type Param = f64;
    type Output = f64;

    fn cost(&self, ln: &f64) -> Result<f64, argmin::core::Error> {
        let temperature = ln.exp();
        let loss = |(row, &label): (usize, &u32)| {
            let row = self.logits.row(row);
            let top = top(row);
            let sum: f64 = row.iter().map(|&z| ((f64::from(z) - top) / temperature).exp()).sum();
            sum.ln() - (f64::from(row[label as usize]) - top) / temperature
        };
        Ok(self.labels.iter().enumerate().map(loss).sum::<f64>() / self.labels.len() as f64)
    }
}

fn top(row: &[f32]) -> f64 {
    row.iter().copied().map(f64::from).fold(f64::NEG_INFINITY, f64::max)
}

fn check(scores: MatrixView<'_>, labels: &[u32]) -> Result<(), LearnError> {
    if scores.rows() != labels.len() {
        return Err(LearnError::Labels { model: 0, rows: scores.rows(), labels: labels.len() });
    }
    for (row, &found) in labels.iter().enumerate() {
        if found as usize >= scores.cols() {
            return Err(LearnError::Class { model: 0, row: row as u32, found, classes: scores.cols() });
        }
    }
    match scores.values().iter().position(|score| !score.is_finite()) {
        Some(at) => Err(LearnError::Score {
            row: at / scores.cols(),
            column: at % scores.cols(),
            found: scores.values()[at],
        }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Matrix;

    /// Three of four right at logits (2, 0): the best odds are 3 to 1, so `2 / T = ln 3`.
    #[test]
    fn overconfidence_is_corrected_as_by_hand() {
        let labels: Vec<u32> = (0..100).map(|row| u32::from(row % 4 == 0)).collect();
        let logits = Matrix::new([2.0, 0.0].repeat(100), 100, 2);
        let t = Temperature::fit(logits.view(), &labels).unwrap();
        assert!((t.value() - 2.0 / 3f64.ln()).abs() < 1e-4, "{t:?}");
        assert!((t.value() - 1.8205).abs() < 1e-4, "{t:?}");
        assert!((t.probabilities(&[2.0, 0.0])[0] - 0.75).abs() < 1e-4);
        let raw: Vec<f32> =
            (0..100).flat_map(|_| Temperature::default().probabilities(&[2.0, 0.0])).collect();
        let scaled: Vec<f32> = (0..100).flat_map(|_| t.probabilities(&[2.0, 0.0])).collect();
        let ece = |p: Vec<f32>| expected_calibration_error(Matrix::new(p, 100, 2).view(), &labels).unwrap();
        assert!((ece(raw) - (0.880_797 - 0.75)).abs() < 1e-5);
        assert!(ece(scaled) < 1e-4);
    }

    #[test]
    fn too_little_evidence_keeps_one() {
        let logits = Matrix::new([2.0, 0.0].repeat(100), 100, 2);
        assert_eq!(Temperature::fit(logits.view(), &[0; 100]).unwrap(), Temperature::default());
        let few = Matrix::new([2.0, 0.0].repeat(49), 49, 2);
        assert_eq!(Temperature::fit(few.view(), &[1; 49]).unwrap(), Temperature::default());
    }

    #[test]
    fn a_wrong_model_gets_the_largest_temperature() {
        let logits = Matrix::new([9.0, 0.0].repeat(60), 60, 2);
        let t = Temperature::fit(logits.view(), &[1; 60]).unwrap();
        assert!((t.value() - RANGE.1).abs() < 1e-3, "{t:?}");
    }

    #[test]
    fn calibration_error_bins_as_by_hand() {
        // Confidences .6 (bin 9) right and wrong, .95 (bin 15) right: (|1.2 - 1| + |.95 - 1|) / 3.
        let p = Matrix::new(vec![0.6, 0.4, 0.6, 0.4, 0.05, 0.95], 3, 2);
        let ece = expected_calibration_error(p.view(), &[0, 1, 1]).unwrap();
        assert!((ece - 0.25 / 3.0).abs() < 1e-6, "{ece}");
    }

    #[test]
    fn refuses_what_does_not_fit() {
        let logits = Matrix::new(vec![0.0, f32::NAN], 1, 2);
        assert!(Temperature::fit(logits.view(), &[0]).is_err());
        assert!(Temperature::fit(logits.view(), &[0, 1]).is_err());
        assert!(expected_calibration_error(Matrix::zeros(1, 2).view(), &[2]).is_err());
    }
}
