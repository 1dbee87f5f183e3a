//! Learning loss (Yoo & Kweon, CVPR 2019): a small module that learns to predict a network's own loss.
//!
//! The module taps the output of every hidden block: each tap goes through a dense layer of `width` units
//! and a rectifier, and one linear unit over all of them predicts the row's loss. Since losses shrink as
//! training goes on, only their order is learned: see [`ranking_loss`]. For the first part of the training
//! the module steers the network too; then the taps are detached, and it learns alone.
//!
//! This is a network of its own, trained by plain backpropagation in 64 bits; the bank engine trains no
//! modules. From the same key it starts at the weights of a bank's network and sees the same mini-batches
//! and dropout masks, so that without the module (`weight = 0`) it is the same network up to rounding.
//!
//! # Order of the parameters
//! The network's, as documented in [`super::bank`]; then per tap `[units][width]` and `[width]`, from the
//! input on; then the last unit's `[taps][width]` and its bias.

mod layout;
mod rows;
pub(super) mod taps;
#[cfg(test)]
mod tests;

use super::fcn::MaskLossPredictor;
use super::plan::{ModelData, TrainPlan};
use crate::arch::NetSpec;
use crate::data::MatrixView;
use crate::error::Result;
use crate::rng::Key;
use rows::RowLossPredictor;

/// How the module is built and trained.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LossModule {
    /// Units per tap.
    pub width: usize,
    /// Weight of the ranking loss beside the mean target loss.
    pub weight: f64,
    /// The margin of the ranking loss.
    pub margin: f64,
    /// The share of the training's steps after which the taps are detached; 0 never lets the module steer.
    pub detach_after: f64,
}

impl Default for LossModule {
    /// The paper's: 128 units, weight 1, margin 1, detached after 120 of 200 epochs.
    fn default() -> Self {
        Self { width: 128, weight: 1.0, margin: 1.0, detach_after: 0.6 }
    }
}

/// The margin ranking loss of a mini-batch and its derivative by every prediction.
///
/// Row `i` is paired with row `B - 1 - i`; of a batch of odd size the middle row has no partner. A pair costs
/// `max(0, margin - s (predicted_i - predicted_j))`, where `s` is `+1` if row `i` has the larger true loss
/// and `-1` if not; the loss is the mean over pairs, and zero without any. The true losses are constants.
pub fn ranking_loss(predicted: &[f64], losses: &[f64], margin: f64) -> (f64, Vec<f64>) {
    assert_eq!(predicted.len(), losses.len(), "one prediction per loss");
    let pairs = predicted.len() / 2;
    let (mut sum, mut slopes) = (0.0, vec![0.0; predicted.len()]);
    for i in 0..pairs {
        let j = predicted.len() - 1 - i;
        let sign = if losses[i] > losses[j] { 1.0 } else { -1.0 };
        let short = margin - sign * (predicted[i] - predicted[j]);
        if short > 0.0 {
            sum += short;
            slopes[i] -= sign / pairs as f64;
            slopes[j] += sign / pairs as f64;
        }
    }
    (sum / pairs.max(1) as f64, slopes)
}

/// A network with a module that predicts its loss, trained together.
#[derive(Clone, Debug)]
pub struct LossPredictor {
    form: Form,
}

#[derive(Clone, Debug)]
enum Form {
    Rows(RowLossPredictor),
    Masks(MaskLossPredictor),
}

impl LossPredictor {
    /// Trains a network of shape `spec` and its module on labelled rows, or images, with the optimiser, mini-batches and
    /// stop rule of `plan`. The network starts from `start`, or from what `key` draws; `key` also feeds the
    /// streams `order` and `dropout`, as in a bank, and `loss module` for the module's own start.
    ///
    /// Where a loss stops being finite, the last parameters with a finite one are kept.
    ///
    /// # Errors
    /// What [`Learner::fit`](super::Learner::fit) refuses. [`LearnError`](super::LearnError): `Taps` for a
    /// network without hidden blocks, `Plan` for a module without units, `Weights` and `NotFinite` for
    /// `start`, `Memory`.
    pub fn fit(
        spec: &NetSpec,
        start: Option<&[f32]>,
        data: ModelData<'_>,
        plan: &TrainPlan,
        module: &LossModule,
        key: Key,
    ) -> Result<Self> {
        let form = match spec.is_over_pixels() {
            true => Form::Masks(MaskLossPredictor::fit(spec, start, data, plan, module, key)?),
            false => Form::Rows(RowLossPredictor::fit(spec, start, data, plan, module, key)?),
        };
        Ok(Self { form })
    }

    /// The predicted loss of each of `rows`, without dropout. Only their order means anything; higher = a
    /// larger loss.
    ///
    /// # Panics
    /// If there is no such row, or `inputs` has not the network's width.
    pub fn predicted(&self, inputs: MatrixView<'_>, rows: &[u32]) -> Vec<f64> {
        match &self.form {
            Form::Rows(own) => own.predicted(inputs, rows),
            Form::Masks(own) => own.predicted(inputs, rows),
        }
    }

    /// The loss that was trained on of each of `rows` under the network itself, without dropout.
    ///
    /// # Panics
    /// As [`predicted`](Self::predicted); if there is not one label, or one [mask](crate::data::mask), per row.
    pub fn losses(&self, inputs: MatrixView<'_>, rows: &[u32], labels: &[u32]) -> Vec<f64> {
        match &self.form {
            Form::Rows(own) => own.losses(inputs, rows, labels),
            Form::Masks(own) => own.losses(inputs, rows, labels),
        }
    }

    /// The network's weights without the module's, in the order documented in [`super::bank`].
    pub fn weights(&self) -> Vec<f32> {
        match &self.form {
            Form::Rows(own) => own.weights(),
            Form::Masks(own) => own.weights(),
        }
    }
}
