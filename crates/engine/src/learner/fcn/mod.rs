//! Fully convolutional networks, which say of every pixel of an image whether it is foreground.
//!
//! [`Fcn`] is a [`Learner`](super::Learner) whose outputs are pixels: see `network` for the architecture, `loss` for what it is fitted by. Targets
//! are masks, [packed](crate::data::mask) one after the other where other learners take one word per row. Its convolutions are `convolution`'s: burn's take three times as long per multiply-add on a core,
//! and these give the same bits on every instruction set, by the code whose gradient is checked in 64.
//!
//! ```
//! use querist_engine::arch::{Block, Image, NetSpec};
//! use querist_engine::data::Matrix;
//! use querist_engine::data::mask::mask_of;
//! use querist_engine::learner::{Fcn, Learner, Loss, ModelData, TrainPlan};
//! use querist_engine::rng::Key;
//!
//! // One image of 4 x 4, whose left half is bright and foreground.
//! let left: Vec<bool> = (0..16).map(|at| at % 4 < 2).collect();
//! let inputs = Matrix::new(left.iter().map(|&on| if on { 1.0 } else { -1.0 }).collect(), 1, 16);
//! let image = Image { channels: 1, height: 4, width: 4 };
//! let spec = NetSpec::new(16, vec![Block::EncoderDecoder { image, filters: 8 }], 16, 0.0)?;
//! let mut network = Fcn::new(&spec, 1)?;
//! let data = ModelData {
//!     inputs: inputs.view(),
//!     rows: &[0],
//!     labels: &mask_of(&left),
//!     validation: (&[], &[]),
//!     extra: None,
//! };
//! let plan = TrainPlan { loss: Loss::CrossEntropyDice, ..TrainPlan::default() };
//! network.fit(&[data], &plan, &[Key::root(1)])?;
//! let logits = network.logits(0, inputs.view(), None);
//! assert!(logits.values().iter().zip(left).all(|(&logit, on)| (logit > 0.0) == on));
//! # Ok::<(), querist_engine::error::Error>(())
//! ```

mod convolution;
mod learner;
mod loss;
mod network;
mod predictor;
mod scalar;
#[cfg(test)]
mod tests;
mod training;

pub use learner::Fcn;
pub(super) use predictor::MaskLossPredictor;
