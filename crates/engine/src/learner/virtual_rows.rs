//! Rows that no pool holds: mixtures, noisy or moved copies, generated examples, each with a distribution over classes
//! as its target and a weight.
//!
//! ```
//! use querist_engine::arch::NetSpec;
//! use querist_engine::data::Matrix;
//! use querist_engine::learner::{Bank, ModelData, TrainPlan, VirtualRows};
//! use querist_engine::rng::Key;
//!
//! let pool = Matrix::new(vec![0.0, 1.0, 1.0, 0.0], 2, 2);
//! // The point between the two rows is of both classes.
//! let (mixed, target) = (Matrix::new(vec![0.5, 0.5], 1, 2), Matrix::new(vec![0.5, 0.5], 1, 2));
//! let extra = VirtualRows { inputs: mixed.view(), targets: target.view(), weights: &[1.0], draws: 1, hidden: None };
//! let data = ModelData {
//!     inputs: pool.view(),
//!     rows: &[0, 1],
//!     labels: &[0, 1],
//!     validation: (&[], &[]),
//!     extra: Some(extra),
//! };
//! let mut bank = Bank::new(&NetSpec::mlp(2, &[4], 2)?, 1)?;
//! let report = bank.fit(&[data], &TrainPlan::default(), &[Key::root(1)])?;
//! assert_eq!(report[0].steps, 40, "three rows are one mini-batch");
//! # Ok::<(), querist_engine::error::Error>(())
//! ```

use super::error::LearnError;
use super::plan::{Loss, Optimiser, TrainPlan};
use super::program::rectified;
use crate::arch::NetSpec;
use crate::data::MatrixView;

/// How far a row's target may be from summing to one.
const SUM_TOLERANCE: f32 = 1e-4;

/// Rows to train on beside labelled ones, by weighted soft cross-entropy: `w * (ln sum e^z - sum y z)`, with the
/// gradient `w * (p - y)` by the logits. They count among the rows of a mini-batch, whose mean is taken over rows and
/// not over weights.
///
/// There may be several draws of all of them, one after another: an epoch trains on one draw, and the epochs take
/// them in turn, so that what is drawn at random can differ from epoch to epoch.
#[derive(Clone, Copy, Debug)]
pub struct VirtualRows<'a> {
    /// Shape `[draws * m, width]`.
    pub inputs: MatrixView<'a>,
    /// Distributions over classes, shape `[draws * m, outputs]`.
    pub targets: MatrixView<'a>,
    /// Finite and not negative, `[draws * m]`.
    pub weights: &'a [f32],
    /// How many draws there are, at least one.
    pub draws: usize,
    /// What rows are mixed with at a hidden layer, if they are.
    pub hidden: Option<HiddenMixtures<'a>>,
}

/// Second inputs of virtual rows: up to a layer, both go through the network, and from there on
/// `h = share h_a + (1 - share) h_b` (manifold mixup: Verma et al., ICML 2019). Fits on such rows leave the bank's kernels for plain
/// backpropagation; what the optimiser remembers of fits before is not read.
#[derive(Clone, Copy, Debug)]
pub struct HiddenMixtures<'a> {
    /// Shape `[draws * m, width]`; what is in the place of a row that is not mixed is not read.
    pub others: MatrixView<'a>,
    /// Shares of the first inputs, 0 to 1, `[draws * m]`; at 1, the row is not mixed.
    pub shares: &'a [f32],
    /// Layers at which rows are mixed, `[draws * m]`: 0 is the inputs, `k` the output of hidden block `k`.
    pub layers: &'a [usize],
}

impl<'a> VirtualRows<'a> {
    /// Rows of one draw, which are rows of an epoch.
    pub fn each(&self) -> usize {
        self.weights.len() / self.draws.max(1)
    }

    /// Input, target and weight of a row, counted through all draws.
    pub(super) fn row(&self, at: usize) -> (&'a [f32], Aim<'a>) {
        (self.inputs.row(at), Aim::Soft { target: self.targets.row(at), weight: self.weights[at] })
    }

    /// Refuses rows that do not fit the network, each other, or how it is trained.
    pub(super) fn check(&self, model: usize, spec: &NetSpec, plan: &TrainPlan) -> Result<(), LearnError> {
        if plan.loss != Loss::CrossEntropy {
            return refuse("loss", format!("{:?}", plan.loss));
        }
        if let Optimiser::Lbfgs { .. } = plan.optimiser {
            return refuse("optimiser", "lbfgs".into());
        }
        let wrong = |what, found, expected| Err(LearnError::VirtualShape { model, what, found, expected });
        let (count, draws) = (self.inputs.rows(), self.draws);
        if draws == 0 || !count.is_multiple_of(draws) {
            return Err(LearnError::Draws { model, rows: count, draws });
        }
        for (what, found, expected) in [
            ("input columns", self.inputs.cols(), spec.inputs()),
            ("target columns", self.targets.cols(), spec.outputs()),
            ("targets", self.targets.rows(), count),
            ("weights", self.weights.len(), count),
        ] {
            if found != expected {
                return wrong(what, found, expected);
            }
        }
        let value = |row, what, found: f32| Err(LearnError::VirtualValue { model, row, what, found });
        if let Some(hidden) = &self.hidden {
            hidden.check(model, spec, count)?;
        }
        for row in 0..count {
            if let Some(&found) = self.inputs.row(row).iter().find(|value| !value.is_finite()) {
                return value(row, "an input, expected a finite number", found);
            }
            let target = self.targets.row(row);
            if let Some(&found) = target.iter().find(|&&share| !(0.0..=1.0).contains(&share)) {
                return value(row, "a target's share, expected 0 to 1", found);
            }
            let sum: f32 = target.iter().sum();
            if (sum - 1.0).abs() > SUM_TOLERANCE {
                return value(row, "the sum of a target's shares, expected 1", sum);
            }
            let weight = self.weights[row];
            if !(weight.is_finite() && weight >= 0.0) {
                return value(row, "a weight, expected a finite number of at least 0", weight);
            }
        }
        Ok(())
    }
}

impl HiddenMixtures<'_> {
    fn check(&self, model: usize, spec: &NetSpec, count: usize) -> Result<(), LearnError> {
        rectified(spec)?;
        for (what, found, expected) in [
            ("columns of second inputs", self.others.cols(), spec.inputs()),
            ("second inputs", self.others.rows(), count),
            ("shares", self.shares.len(), count),
            ("layers", self.layers.len(), count),
        ] {
            if found != expected {
                return Err(LearnError::VirtualShape { model, what, found, expected });
            }
        }
        let value = |row, what, found: f32| Err(LearnError::VirtualValue { model, row, what, found });
        for (row, &share) in self.shares.iter().enumerate() {
            if !(0.0..=1.0).contains(&share) {
                return value(row, "a share, expected 0 to 1", share);
            }
            if let Some(&found) = self.others.row(row).iter().find(|value| !value.is_finite()) {
                return value(row, "a second input, expected a finite number", found);
            }
        }
        let layers = spec.blocks().len();
        match self.layers.iter().find(|&&layer| layer > layers) {
            Some(&found) => Err(LearnError::Layer { found, layers }),
            None => Ok(()),
        }
    }
}

fn refuse(field: &'static str, found: String) -> Result<(), LearnError> {
    let expected = "cross-entropy by gradient steps, where virtual rows are trained on";
    Err(LearnError::Plan { field, found, expected })
}

/// What a row is trained towards.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Aim<'a> {
    /// A class, with weight one.
    Class(u32),
    /// A distribution over classes.
    Soft { target: &'a [f32], weight: f32 },
}

impl Aim<'_> {
    /// The share of a class in the target.
    pub fn share(&self, class: usize) -> f32 {
        match *self {
            Aim::Class(label) => f32::from(u8::from(label as usize == class)),
            Aim::Soft { target, .. } => target[class],
        }
    }

    pub fn weight(&self) -> f32 {
        match *self {
            Aim::Class(_) => 1.0,
            Aim::Soft { weight, .. } => weight,
        }
    }
}
