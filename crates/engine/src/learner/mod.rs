//! Training and prediction: the bank engine for small networks, burn for everything else.
//!
//! A [`Bank`] trains several networks of one [`NetSpec`] side by side, each with its own weights, rows,
//! mini-batches and dropout; a single network is a bank of one. [`BurnNet`] does the same through burn.
//! Both are a [`Learner`]. A bank fits its networks on the processor, or `stacked` on a device of burn's
//! ([`DeviceKind`]). `plan` says how to train, `calibration` corrects probabilities afterwards.
//! `reverse` is plain backpropagation for gradients of single rows; `loss_prediction` trains by it. `encoder` learns codes of rows
//! without labels. An [`Fcn`] says of every pixel of an image whether it is foreground.
//! What is not here: choosing rows (`query`), choosing architectures (`search`).

pub mod bank;
#[cfg(feature = "burn")]
pub mod burn_net;
#[cfg(feature = "burn")]
mod burn_optimiser;
pub mod calibration;
pub mod descent;
mod device;
pub mod encoder;
mod ensemble;
pub mod error;
pub mod export;
pub mod fcn;
#[cfg(feature = "burn")]
mod image;
mod kind;
mod layers;
mod logistic;
pub mod loss_prediction;
mod manifold;
pub mod metric;
pub mod plan;
mod program;
pub mod reverse;
mod schedule;
#[cfg(feature = "burn")]
mod stacked;
mod standardise;
pub mod virtual_rows;

pub use bank::Bank;
#[cfg(feature = "burn")]
pub use burn_net::BurnNet;
pub use calibration::{Temperature, expected_calibration_error};
pub use descent::Descent;
pub use device::DeviceKind;
pub use encoder::{Encoder, EncoderPlan, Generator, GeneratorPlan};
pub use ensemble::Ensemble;
pub use error::LearnError;
pub use fcn::Fcn;
pub use layers::{Above, Below};
pub use loss_prediction::{LossModule, LossPredictor};
pub use metric::{Metric, Scores};
pub use plan::{FitReport, Loss, ModelData, Optimiser, Start, Stop, TrainPlan};
pub use reverse::{Depth, GradientSum, Network, Predictor, RowGradient};
pub use virtual_rows::{HiddenMixtures, VirtualRows};

use crate::arch::NetSpec;
use crate::data::{Matrix, MatrixView, argmax};
use crate::error::Result;
use crate::rng::Key;

/// Several networks of one architecture that are trained by one call and read one by one.
///
/// Calls with the same arguments give the same results; a network's result depends on its own rows, key
/// and weights alone.
pub trait Learner: Send + Sync {
    /// The architecture of every network.
    fn spec(&self) -> &NetSpec;

    /// The number of networks.
    fn models(&self) -> usize;

    /// Trains every network on its own rows; `keys[model]` feeds the streams `weights` (where training
    /// starts from scratch), `order` and `dropout`.
    ///
    /// # Errors
    /// [`LearnError`] for a plan, rows or labels that cannot be trained with; no weight is changed then.
    fn fit(&mut self, data: &[ModelData<'_>], plan: &TrainPlan, keys: &[Key]) -> Result<Vec<FitReport>>;

    /// Draws the weights of one network as a fit from scratch with this `weights` stream would.
    ///
    /// # Panics
    /// If there is no such model.
    fn init(&mut self, model: usize, key: Key);

    /// Takes over the weights of a network of the same shape, and what the optimiser remembers where both
    /// engines keep that.
    ///
    /// # Errors
    /// If that network has another number of weights.
    ///
    /// # Panics
    /// If there is no such model in either.
    fn adopt(&mut self, model: usize, other: &dyn Learner, from: usize) -> Result<()>;

    /// Moves the weights of one network towards those of another of the same shape: `(1 - share) w + share v`. What an
    /// optimiser remembers stays as it is.
    ///
    /// # Errors
    /// If that network has another number of weights.
    ///
    /// # Panics
    /// If there is no such model in either.
    fn approach(&mut self, model: usize, other: &dyn Learner, from: usize, share: f32) -> Result<()>;

    /// This learner as a bank, if it is one.
    fn as_bank(&self) -> Option<&Bank> {
        None
    }

    /// This learner as an ensemble, if it is one.
    fn as_ensemble(&self) -> Option<&Ensemble> {
        None
    }

    /// Logits, shape `[rows, outputs]`; of all rows of `inputs` without `rows`.
    fn logits(&self, model: usize, inputs: MatrixView<'_>, rows: Option<&[u32]>) -> Matrix;

    /// Softmax probabilities, shape `[rows, outputs]`; of all rows of `inputs` without `rows`.
    fn probabilities(&self, model: usize, inputs: MatrixView<'_>, rows: Option<&[u32]>) -> Matrix;

    /// Penultimate activations, shape `[rows, embedding]`.
    fn embeddings(&self, model: usize, inputs: MatrixView<'_>, rows: Option<&[u32]>) -> Matrix;

    /// Activations of a layer, shape `[rows, units]`; of an ensemble, those of its first member.
    ///
    /// # Errors
    /// [`LearnError::Layer`] beyond the last hidden layer, [`LearnError::NotRectified`] for a network of images.
    ///
    /// # Panics
    /// If there is no such model or row, or `inputs` has not the network's width.
    fn activations(
        &self,
        model: usize,
        inputs: MatrixView<'_>,
        rows: Option<&[u32]>,
        layer: usize,
    ) -> Result<Matrix> {
        Network::new(self.spec(), &self.weights(model))?.activations(inputs, rows, layer)
    }

    /// Logits of rows of activations of a layer, shape `[rows, outputs]`; of an ensemble, by its first member. They are
    /// computed in 64 bits, so that those of [`activations`](Self::activations) are [`logits`](Self::logits) up to rounding.
    ///
    /// # Errors
    /// As [`activations`](Self::activations); [`LearnError::Activations`] for another width.
    fn forward_from(&self, model: usize, layer: usize, hidden: MatrixView<'_>) -> Result<Matrix> {
        Network::new(self.spec(), &self.weights(model))?.forward_from(layer, hidden)
    }

    /// Softmax probabilities of `count` stochastic passes with dropout at `rate` (Gal & Ghahramani, ICML 2016), which
    /// need not be the rate of training; each of shape `[rows, outputs]`. A pass has one mask, shared over all rows;
    /// pass `t` draws it from `key.at(t)`.
    fn passes(
        &self,
        model: usize,
        inputs: MatrixView<'_>,
        rows: Option<&[u32]>,
        count: usize,
        rate: f32,
        key: Key,
    ) -> Vec<Matrix>;

    /// One network's weights in the order documented in [`bank`].
    ///
    /// # Panics
    /// If there is no such model.
    fn weights(&self, model: usize) -> Vec<f32>;

    /// The most probable class (the first of equals) of every row, shape `[rows]`.
    fn classes(&self, model: usize, inputs: MatrixView<'_>) -> Vec<u32> {
        largest(&self.probabilities(model, inputs, None))
    }

    /// What a network with numbers as targets predicts, its first output, shape `[rows]`; of all rows of `inputs` without
    /// `rows`.
    fn predictions(&self, model: usize, inputs: MatrixView<'_>, rows: Option<&[u32]>) -> Vec<f32> {
        let logits = self.logits(model, inputs, rows);
        (0..logits.rows()).map(|row| logits.row(row)[0]).collect()
    }

    /// Accuracy and its relatives on labelled rows. Zero rows give zeros.
    ///
    /// # Panics
    /// If there is not one label per row of `inputs`.
    fn scores(&self, model: usize, inputs: MatrixView<'_>, labels: &[u32]) -> Scores {
        Scores::of(&self.classes(model, inputs), labels, self.spec().outputs())
    }

    /// The share of rows whose most probable class (the first of equals) is their label's. Zero rows give 0.
    ///
    /// # Panics
    /// If there is not one label per row of `inputs`.
    fn accuracy(&self, model: usize, inputs: MatrixView<'_>, labels: &[u32]) -> f64 {
        self.scores(model, inputs, labels).accuracy
    }
}

/// `(1 - share) own + share other`; `other` itself where the lengths differ, which whoever takes weights refuses.
fn between(own: &[f32], other: Vec<f32>, share: f32) -> Vec<f32> {
    match own.len() == other.len() {
        true => own.iter().zip(other).map(|(own, other)| (1.0 - share) * own + share * other).collect(),
        false => other,
    }
}

/// The column of every row's largest value.
fn largest(values: &Matrix) -> Vec<u32> {
    (0..values.rows()).map(|row| argmax(values.row(row)) as u32).collect()
}

/// `models` networks on the engine that can train them: a bank; over pixels [`Fcn`], which is on the processor; or for other images and for other
/// activations than the rectifier burn, which is on the processor unless `device` is another one.
///
/// # Errors
/// As [`Bank::on`] and [`BurnNet::new`]; [`LearnError::NoBurn`] where burn is needed and not built in.
pub fn networks(spec: &NetSpec, models: usize, device: DeviceKind) -> Result<Box<dyn Learner>> {
    if spec.is_over_pixels() {
        return Ok(Box::new(Fcn::new(spec, models)?));
    }
    Ok(match spec.is_rectified() {
        true => Box::new(Bank::on(spec, models, device)?),
        #[cfg(feature = "burn")]
        false => {
            let device = device.open()?.unwrap_or_else(burn::tensor::Device::flex);
            Box::new(BurnNet::new(spec, models, device)?)
        }
        #[cfg(not(feature = "burn"))]
        false => return Err(LearnError::NoBurn { what: spec.to_string() }.into()),
    })
}

/// The same with ensembles of `members` networks in the place of each; of one member, plain networks.
///
/// # Errors
/// As [`networks`].
pub fn ensembles(
    spec: &NetSpec,
    models: usize,
    members: usize,
    device: DeviceKind,
) -> Result<Box<dyn Learner>> {
    let all = networks(spec, models * members, device)?;
    Ok(if members == 1 { all } else { Box::new(Ensemble::new(all, members)) })
}
