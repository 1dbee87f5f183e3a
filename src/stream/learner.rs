//! The classifier of a stream: ridge logistic regression, fitted anew at growing intervals.
//!
//! It is a linear network of the bank engine under [`Optimiser::Lbfgs`]: the optimum of its labels, whatever it was
//! before. It is fitted when the labels since the last fit are a tenth of those it was fitted to, so that fitting costs a
//! constant time per label, and it holds the last labels only: memory does not grow with the stream, and what a
//! concept once was is forgotten.

use super::error::StreamError;
use crate::arch::NetSpec;
use crate::data::{Matrix, MatrixView};
use crate::error::Result;
use crate::learner::{Bank, ModelData, Optimiser, TrainPlan};
use crate::rng::Key;
use std::collections::VecDeque;

/// The most classes of a stream.
pub const MAX_CLASSES: usize = 1_000;
/// Squared weights count this much beside the sum of cross-entropies.
const RIDGE: f32 = 1.0;
/// The labels since the last fit, as a part of those it was fitted to, that make a fit due.
const GROWTH: usize = 10;

/// Labelled rows, oldest first.
#[derive(Clone, Debug, Default)]
struct Held {
    inputs: VecDeque<Vec<f32>>,
    labels: VecDeque<u32>,
}

/// A fitted classifier with the scaling that it was fitted under.
struct Model {
    bank: Bank,
    centre: Vec<f64>,
    scale: Vec<f64>,
}

/// A classifier that learns from labels as they come.
pub struct OnlineLearner {
    width: usize,
    memory: usize,
    classes: usize,
    held: Held,
    labels: u64,
    /// Labels at the last fit, and whether another is due.
    fitted: u64,
    due: bool,
    /// What a fit that was put off is made from.
    postponed: Option<Held>,
    model: Option<Model>,
}

impl OnlineLearner {
    /// A classifier of rows of `width` numbers that knows nothing yet, and will remember the last `memory` labels.
    pub fn new(width: usize, memory: usize) -> Self {
        let held = Held::default();
        Self {
            width,
            memory,
            classes: 0,
            held,
            labels: 0,
            fitted: 0,
            due: false,
            postponed: None,
            model: None,
        }
    }

    /// The number of classes seen, at least 2.
    pub fn classes(&self) -> usize {
        self.classes.max(2)
    }

    /// The labels learned from so far.
    pub fn labels(&self) -> u64 {
        self.labels
    }

    /// Refuses a label that [`learn`](Self::learn) would refuse.
    ///
    /// # Errors
    /// [`StreamError::Classes`].
    pub fn check(label: u32) -> Result<(), StreamError> {
        match (label as usize) < MAX_CLASSES {
            true => Ok(()),
            false => Err(StreamError::Classes { found: label, limit: MAX_CLASSES }),
        }
    }

    /// Learns a label. The classifier is not fitted before [`settle`](Self::settle).
    ///
    /// # Errors
    /// [`StreamError::Classes`].
    pub fn learn(&mut self, inputs: Vec<f32>, label: u32) -> Result<()> {
        Self::check(label)?;
        self.held.inputs.push_back(inputs);
        self.held.labels.push_back(label);
        while self.held.labels.len() > self.memory {
            self.held.inputs.pop_front();
            self.held.labels.pop_front();
        }
        self.classes = self.classes.max(label as usize + 1);
        self.labels += 1;
        let since = self.labels - self.fitted;
        self.due = since >= (self.fitted.min(self.memory as u64) / GROWTH as u64).max(1);
        Ok(())
    }

    /// Whether [`settle`](Self::settle) would fit.
    pub fn is_due(&self) -> bool {
        self.due
    }

    /// Fits the classifier if that is due.
    ///
    /// # Errors
    /// [`StreamError::Fit`] where the labels have no optimum in finite numbers.
    pub fn settle(&mut self) -> Result<()> {
        self.postpone();
        let Some(held) = self.postponed.take() else { return Ok(()) };
        let first = held.labels[0];
        // Of one class alone nothing can be told apart yet.
        let several = held.labels.iter().any(|&label| label != first);
        self.model = if several { Some(self.fit(&held)?) } else { None };
        Ok(())
    }

    /// Puts a fit that is due off until the next [`settle`](Self::settle), which makes it from the labels of now. Of
    /// several, only the last is made.
    pub fn postpone(&mut self) {
        if std::mem::take(&mut self.due) {
            self.fitted = self.labels;
            self.postponed = Some(self.held.clone());
        }
    }

    fn fit(&self, held: &Held) -> Result<Model> {
        let (rows, width) = (held.labels.len(), self.width);
        let mean = |of: &dyn Fn(&[f32], usize) -> f64, column| {
            held.inputs.iter().map(|row| of(row, column)).sum::<f64>() / rows as f64
        };
        let centre: Vec<f64> = (0..width).map(|at| mean(&|row, at| f64::from(row[at]), at)).collect();
        let spread = |at: usize| mean(&|row, at| (f64::from(row[at]) - centre[at]).powi(2), at).sqrt();
        let scale: Vec<f64> = (0..width).map(|at| inverse(spread(at), centre[at])).collect();
        let values = held.inputs.iter().flat_map(|row| scaled(row, &centre, &scale)).collect();
        let inputs = Matrix::new(values, rows, width);
        let labels: Vec<u32> = held.labels.iter().copied().collect();
        let all: Vec<u32> = (0..rows as u32).collect();
        let data = ModelData {
            inputs: inputs.view(),
            rows: &all,
            labels: &labels,
            validation: (&[], &[]),
            extra: None,
        };
        let mut bank = Bank::new(&NetSpec::mlp(width, &[], self.classes())?, 1)?;
        let plan = TrainPlan { optimiser: Optimiser::Lbfgs { ridge: RIDGE }, ..TrainPlan::default() };
        // The optimum depends on no key.
        match bank.fit(&[data], &plan, &[Key::root(0)])?[0].diverged_at {
            None => Ok(Model { bank, centre, scale }),
            Some(_) => Err(StreamError::Fit { labels: rows }.into()),
        }
    }

    /// Class probabilities of a row, shape `[classes]`, by the classifier as it was last fitted: all alike before labels
    /// of two classes are known.
    ///
    /// # Errors
    /// [`StreamError::Width`] for a row of another width.
    pub fn probabilities(&self, inputs: &[f32]) -> Result<Vec<f32>> {
        Ok(self.all_probabilities(MatrixView::new(inputs, 1, inputs.len()))?.into_values())
    }

    /// Class probabilities of rows, shape `[rows, classes]`, as [`probabilities`](Self::probabilities).
    ///
    /// # Errors
    /// [`StreamError::Width`] for rows of another width.
    pub fn all_probabilities(&self, inputs: MatrixView<'_>) -> Result<Matrix> {
        let (rows, found, expected) = (inputs.rows(), inputs.cols(), self.width);
        if found != expected {
            return Err(StreamError::Width { row: 0, found, expected }.into());
        }
        let classes = self.classes();
        let Some(model) = &self.model else {
            return Ok(Matrix::new(vec![1.0 / classes as f32; rows * classes], rows, classes));
        };
        let values = (0..rows).flat_map(|row| scaled(inputs.row(row), &model.centre, &model.scale)).collect();
        let inputs = Matrix::new(values, rows, expected);
        let known = model.bank.probabilities(0, inputs.view(), None);
        // Classes that came up since the fit get nothing.
        let mut all = Matrix::zeros(rows, classes);
        for row in 0..rows {
            all.row_mut(row)[..known.cols()].copy_from_slice(known.row(row));
        }
        Ok(all)
    }
}

/// What a column is multiplied by; a constant one, but for rounding, gives nothing.
pub(super) fn inverse(spread: f64, centre: f64) -> f64 {
    if spread > 1e-9 * centre.abs() { 1.0 / spread } else { 0.0 }
}

pub(super) fn scaled<'a>(
    row: &'a [f32],
    centre: &'a [f64],
    scale: &'a [f64],
) -> impl Iterator<Item = f32> + 'a {
    // Values far beyond all labelled ones are as good as infinite: they must not make a NaN of the products.
    let terms = row.iter().zip(centre).zip(scale);
    terms.map(|((&x, centre), scale)| ((f64::from(x) - centre) * scale).clamp(-1e6, 1e6) as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(x: f32) -> u32 {
        u32::from(x > 0.3)
    }

    #[test]
    fn learns_and_forgets_with_memory_that_does_not_grow() {
        let mut learner = OnlineLearner::new(2, 200);
        assert_eq!(learner.probabilities(&[0.0, 0.0]).unwrap(), [0.5, 0.5]);
        let row = |at: u32| vec![(at * 37 % 101) as f32 / 101.0, (at * 11 % 7) as f32];
        let mut fits = 0;
        for at in 0..2_000 {
            let inputs = row(at);
            // The concept is turned round halfway.
            let label = if at < 1_000 { class(inputs[0]) } else { 1 - class(inputs[0]) };
            learner.learn(inputs, label).unwrap();
            fits += u32::from(learner.is_due());
            learner.settle().unwrap();
            if at == 999 {
                assert!(learner.probabilities(&[0.9, 3.0]).unwrap()[1] > 0.9);
                assert!(learner.probabilities(&[0.1, 3.0]).unwrap()[1] < 0.1);
            }
        }
        assert!(learner.probabilities(&[0.9, 3.0]).unwrap()[1] < 0.1);
        assert_eq!(learner.held.labels.len(), 200);
        // Ten labels by ten, then growing to one fit every twenty.
        assert!((100..180).contains(&fits), "{fits}");
    }

    #[test]
    fn extreme_rows_and_constant_columns_give_probabilities() {
        let mut learner = OnlineLearner::new(2, 50);
        for at in 0..20 {
            learner.learn(vec![f32::MAX, at as f32], u32::from(at > 9)).unwrap();
        }
        learner.settle().unwrap();
        for row in [[f32::MAX, -f32::MAX], [-f32::MAX, f32::MAX], [0.0, 0.0]] {
            let p = learner.probabilities(&row).unwrap();
            assert!(p.iter().all(|p| p.is_finite()) && (p[0] + p[1] - 1.0).abs() < 1e-5, "{row:?}: {p:?}");
        }
        assert!(learner.probabilities(&[1.0]).is_err());
        assert!(learner.learn(vec![0.0, 0.0], u32::MAX).is_err());
    }
}
