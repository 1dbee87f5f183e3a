//! What follows from the kind of a task's targets for losses, outputs and scores: with [`TargetKind`] itself, the one place
//! that tells kinds apart.

use super::metric::{Metric, Scores};
use super::reverse::sigmoid;
use super::{Learner, Loss};
use crate::data::target::word_of;
use crate::data::{Matrix, MatrixView, TargetKind, argmax};

impl TargetKind {
    /// The figures that such tasks are measured by; the first is what rewards are, and the default of experiment files.
    pub fn metrics(self) -> &'static [Metric] {
        match self {
            Self::Class => &Metric::OF_CLASSES,
            Self::Real => &Metric::OF_NUMBERS,
            Self::MultiLabel => &Metric::OF_LABELS,
            Self::Mask => &Metric::OF_MASKS,
        }
    }

    /// Outputs of a network for such a task, which has so many classes, labels or pixels.
    pub fn outputs(self, classes: usize) -> usize {
        match self {
            Self::Class | Self::MultiLabel | Self::Mask => classes,
            Self::Real => 1,
        }
    }

    /// What networks are fitted by where `loss` is asked for: that, if it is one of this kind of targets, and else the usual one.
    pub fn loss(self, loss: Loss) -> Loss {
        match self {
            Self::Class => loss,
            Self::Real if loss.targets() == self => loss,
            Self::Real => Loss::SquaredError,
            Self::MultiLabel => Loss::BinaryCrossEntropy,
            Self::Mask => Loss::CrossEntropyDice,
        }
    }

    /// What network `model` of `learner` says of `rows`, or of all rows of `inputs`: class probabilities, shape
    /// `[rows, classes]`, what is predicted, shape `[rows, 1]`, or the probability of every label, or of every pixel to be foreground, shape
    /// `[rows, labels]` or `[rows, pixels]`. Of an ensemble, the mean over its members.
    pub fn answers(
        self,
        learner: &dyn Learner,
        model: usize,
        inputs: MatrixView<'_>,
        rows: Option<&[u32]>,
    ) -> Matrix {
        if let Some(ensemble) = learner.as_ensemble() {
            return ensemble.answers(self, model, inputs, rows);
        }
        match self {
            Self::Class | Self::Mask => learner.probabilities(model, inputs, rows),
            Self::Real => {
                let predictions = learner.predictions(model, inputs, rows);
                let count = predictions.len();
                Matrix::new(predictions, count, 1)
            }
            Self::MultiLabel => {
                let mut answers = learner.logits(model, inputs, rows);
                for row in 0..answers.rows() {
                    for value in answers.row_mut(row) {
                        *value = sigmoid(f64::from(*value)) as f32;
                    }
                }
                answers
            }
        }
    }

    /// Takes from the answers of a row what is predicted by them: what is left is the derivative of the row's loss by each output,
    /// up to a factor, if the row turns out to be as predicted. The predicted class is the first of the most probable ones;
    /// a label, or the foreground, is predicted from a probability of one half on; a number is predicted as it is.
    pub fn take_predicted(self, answers: &mut [f32]) {
        match self {
            Self::Class => {
                let mut predicted = 0;
                for class in 1..answers.len() {
                    if answers[class] > answers[predicted] {
                        predicted = class;
                    }
                }
                answers[predicted] -= 1.0;
            }
            Self::Real => answers.fill(0.0),
            Self::MultiLabel | Self::Mask => {
                answers.iter_mut().filter(|value| **value >= 0.5).for_each(|value| *value -= 1.0);
            }
        }
    }

    /// What is predicted by the [answers](Self::answers) of a row, as a word: see [`take_predicted`](Self::take_predicted). A mask, which a
    /// word can only name, is that of the row.
    pub fn predicted(self, answers: &[f32], row: u32) -> u32 {
        match self {
            Self::Class => argmax(answers) as u32,
            Self::Real => word_of(answers[0]),
            Self::MultiLabel => {
                let held = answers.iter().enumerate().filter(|(_, p)| **p >= 0.5);
                held.fold(0, |set, (label, _)| set | 1 << label)
            }
            Self::Mask => row,
        }
    }

    /// The figures of [answers](Self::answers) against `targets`, one word per row, or one [mask in full](crate::data::mask).
    ///
    /// # Panics
    /// If there is not one target per row of `answers`.
    pub fn figures(self, answers: &Matrix, targets: &[u32]) -> Scores {
        match self {
            Self::Class => {
                let predicted: Vec<u32> =
                    (0..answers.rows()).map(|row| self.predicted(answers.row(row), 0)).collect();
                Scores::of(&predicted, targets, answers.cols())
            }
            Self::Real => Scores::of_numbers(answers.values(), targets),
            Self::MultiLabel => Scores::of_labels(answers, targets),
            Self::Mask => Scores::of_masks(answers, targets),
        }
    }

    /// How well network `model` of `learner` predicts `targets`, one word per row of `inputs`, or one [mask in full](crate::data::mask).
    ///
    /// # Panics
    /// If there is not one target per row of `inputs`.
    pub fn scores(
        self,
        learner: &dyn Learner,
        model: usize,
        inputs: MatrixView<'_>,
        targets: &[u32],
    ) -> Scores {
        match self {
            Self::Class => learner.scores(model, inputs, targets),
            Self::Real | Self::MultiLabel | Self::Mask => {
                self.figures(&self.answers(learner, model, inputs, None), targets)
            }
        }
    }

    /// As [`scores`](Self::scores), with `metric` among the figures, if it is one that takes more than the others.
    ///
    /// # Panics
    /// As [`scores`](Self::scores).
    pub fn scores_with(
        self,
        metric: Metric,
        learner: &dyn Learner,
        model: usize,
        inputs: MatrixView<'_>,
        targets: &[u32],
    ) -> Scores {
        let scores = self.scores(learner, model, inputs, targets);
        match metric {
            Metric::Verification => scores.verified(&self.answers(learner, model, inputs, None), targets),
            _ => scores,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::mask::mask_of;

    #[test]
    fn what_is_predicted_and_its_figures_by_hand() {
        let kinds = TargetKind::ALL.map(|kind| kind.predicted(&[0.25, 0.5, 0.5], 7));
        assert_eq!(kinds, [1, word_of(0.25), 0b110, 7]);
        let answers =
            |values: &[f32], width: usize| Matrix::new(values.to_vec(), values.len() / width, width);
        let of = |kind: TargetKind, values: &[f32], width: usize, targets: &[u32]| {
            kind.figures(&answers(values, width), targets).by(kind.metrics()[0])
        };
        assert_eq!(of(TargetKind::Class, &[0.9, 0.1, 0.2, 0.8], 2, &[0, 0]), 0.5);
        assert_eq!(of(TargetKind::Real, &[1.0, 3.0], 1, &[1.0, 3.0].map(word_of)), 1.0);
        assert_eq!(
            of(TargetKind::MultiLabel, &[0.9, 0.1, 0.2, 0.8], 2, &[0b01, 0b11]),
            (2.0 / 3.0 + 1.0) / 2.0
        );
        let mask = mask_of(&[true, true, false]);
        assert_eq!(of(TargetKind::Mask, &[0.9, 0.1, 0.9], 3, &mask), 0.5);
    }
}
