//! How the labels and the predictions are spread over the classes.

use super::cut;
use super::predictions::Prediction;

/// Counts per class, and what the features read of them.
pub(super) struct ClassShares {
    labels: Vec<f32>,
    predictions: Vec<f32>,
    /// Log of share times classes.
    pub labelled: Vec<f32>,
    /// Log ratio of the shares.
    pub predicted_over_labelled: Vec<f32>,
}

impl ClassShares {
    pub(super) fn of(classes: usize, labels: &[u32], predictions: &[Prediction]) -> Self {
        let (mut labelled, mut predicted) = (vec![0.0f32; classes], vec![0.0f32; classes]);
        for &label in labels {
            labelled[label as usize] += 1.0;
        }
        for prediction in predictions {
            predicted[prediction.first as usize] += 1.0;
        }
        let mut class_shares = Self {
            labels: labelled,
            predictions: predicted,
            labelled: vec![0.0; classes],
            predicted_over_labelled: vec![0.0; classes],
        };
        class_shares.refresh();
        class_shares
    }

    /// Takes a candidate that is predicted to be of a class for a labelled row of it.
    pub(super) fn label(&mut self, class: usize) {
        self.labels[class] += 1.0;
        self.predictions[class] -= 1.0;
    }

    /// Brings the logarithms up to date.
    pub(super) fn refresh(&mut self) {
        let classes = self.labels.len() as f32;
        let (labels, predictions) = (self.labels.iter().sum::<f32>(), self.predictions.iter().sum::<f32>());
        // One label per class is added to every count, so that an unseen class has a finite logarithm.
        let share = |count: f32, of: f32| ((count + 1.0) / (of + classes) * classes).ln();
        for class in 0..self.labels.len() {
            self.labelled[class] = share(self.labels[class], labels);
            self.predicted_over_labelled[class] =
                cut(share(self.predictions[class], predictions) - self.labelled[class]);
        }
    }
}
