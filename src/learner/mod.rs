//! Training and prediction: the bank engine for small networks, burn for everything else.
//!
//! A [`Bank`] trains several networks of one [`NetSpec`] side by side, each with its own weights, rows,
//! mini-batches and dropout; a single network is a bank of one. [`BurnNet`] does the same through burn.
//! Both are a [`Learner`]. `plan` says how to train, `calibration` corrects probabilities afterwards.
//! `reverse` is plain backpropagation for gradients of single rows; `loss_prediction` trains by it.
//! What is not here: choosing rows (`query`), choosing architectures (`search`).

pub mod bank;
pub mod burn_net;
pub mod calibration;
mod descent;
pub mod error;
pub mod export;
mod logistic;
pub mod loss_prediction;
pub mod plan;
mod program;
pub mod reverse;
mod schedule;

pub use bank::{Bank, SimdPath};
pub use burn_net::BurnNet;
pub use calibration::{Temperature, expected_calibration_error};
pub use error::LearnError;
pub use loss_prediction::{LossModule, LossPredictor};
pub use plan::{FitReport, LaneData, Loss, Optimiser, Start, Stop, TrainPlan};
pub use reverse::{Depth, GradientSum, Network, RowGradient};

use crate::arch::NetSpec;
use crate::data::{Matrix, MatrixView};
use crate::error::Result;
use crate::rng::Key;

/// Several networks of one architecture that are trained by one call and read one by one.
///
/// Calls with the same arguments give the same results; a network's result depends on its own rows, key
/// and weights alone.
pub trait Learner {
    /// The architecture of every network.
    fn spec(&self) -> &NetSpec;

    /// The number of networks.
    fn lanes(&self) -> usize;

    /// Trains every network on its own rows; `keys[lane]` feeds the streams `weights` (where training
    /// starts from scratch), `order` and `dropout`.
    ///
    /// # Errors
    /// [`LearnError`] for a plan, rows or labels that cannot be trained with; no weight is changed then.
    fn fit(&mut self, data: &[LaneData<'_>], plan: &TrainPlan, keys: &[Key]) -> Result<Vec<FitReport>>;

    /// Softmax probabilities, shape `[rows, outputs]`; of all rows of `inputs` without `rows`.
    fn probabilities(&self, lane: usize, inputs: MatrixView<'_>, rows: Option<&[u32]>) -> Matrix;

    /// Penultimate activations, shape `[rows, embedding]`.
    fn embeddings(&self, lane: usize, inputs: MatrixView<'_>, rows: Option<&[u32]>) -> Matrix;
}
