//! What follows from the kind of a task's targets for losses, outputs and scores: with [`TargetKind`] itself, the one place
//! that tells kinds apart.

use super::metric::{Metric, Scores};
use super::{Learner, Loss};
use crate::data::{Matrix, MatrixView, TargetKind};

impl TargetKind {
    /// The figures that such tasks are measured by; the first is what rewards are, and the default of experiment files.
    pub fn metrics(self) -> &'static [Metric] {
        match self {
            Self::Class => &Metric::OF_CLASSES,
            Self::Real => &Metric::OF_NUMBERS,
        }
    }

    /// Outputs of a network for such a task, which has so many classes.
    pub fn outputs(self, classes: usize) -> usize {
        match self {
            Self::Class => classes,
            Self::Real => 1,
        }
    }

    /// What networks are fitted by where `loss` is asked for of classifiers.
    pub fn loss(self, loss: Loss) -> Loss {
        match self {
            Self::Class => loss,
            Self::Real => Loss::SquaredError,
        }
    }

    /// What network `model` of `learner` says of `rows`, or of all rows of `inputs`: class probabilities, shape
    /// `[rows, classes]`, or what is predicted, shape `[rows, 1]`.
    pub fn answers(
        self,
        learner: &dyn Learner,
        model: usize,
        inputs: MatrixView<'_>,
        rows: Option<&[u32]>,
    ) -> Matrix {
        match self {
            Self::Class => learner.probabilities(model, inputs, rows),
            Self::Real => learner.logits(model, inputs, rows),
        }
    }

    /// How well network `model` of `learner` predicts `targets`, one word per row of `inputs`.
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
            Self::Real => Scores::of_numbers(&learner.predictions(model, inputs, None), targets),
        }
    }
}
