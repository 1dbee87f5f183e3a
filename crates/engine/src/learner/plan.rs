//! How a network is trained, as plain data, and what training one reports.

use super::error::LearnError;
use super::virtual_rows::VirtualRows;
use crate::arch::NetSpec;
use crate::data::mask::mask_words;
use crate::data::{MatrixView, TargetKind};
use serde::{Deserialize, Serialize};

/// The loss that is minimised, a mean over the mini-batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Loss {
    /// Softmax cross-entropy.
    #[default]
    CrossEntropy,
    /// Mean over rows and outputs of the squared difference to the one-hot label.
    Squared,
    /// Half the squared difference of the one output to the row's number, both standardised by the numbers of the fit;
    /// targets are the words of numbers ([`target`](crate::data::target)).
    SquaredError,
    /// β-NLL (Seitzer, Tavakoli, Antic & Martius, ICLR 2022) with β = 1/2, of a normal distribution whose mean is the first output and
    /// the logarithm of whose variance `v` is the second: `v^β (ln v + (y - mean)^2 / v) / 2`, where `v^β` counts as a constant in
    /// the gradient. Numbers are standardised as under [`SquaredError`](Self::SquaredError).
    BetaNll,
    /// Mean over rows and outputs of the binary cross-entropy of the output's sigmoid with whether the row has the label;
    /// targets are sets of labels ([`target`](crate::data::target)).
    BinaryCrossEntropy,
    /// Mean over rows of the mean binary cross-entropy of the pixels plus one minus the soft Dice coefficient of the foreground; targets are masks in
    /// full ([`mask`](crate::data::mask)).
    CrossEntropyDice,
}

impl Loss {
    /// What the targets of such a fit are.
    pub fn targets(self) -> TargetKind {
        match self {
            Loss::CrossEntropy | Loss::Squared => TargetKind::Class,
            Loss::SquaredError | Loss::BetaNll => TargetKind::Real,
            Loss::BinaryCrossEntropy => TargetKind::MultiLabel,
            Loss::CrossEntropyDice => TargetKind::Mask,
        }
    }

    /// Outputs of a network that is fitted by it, where there are so many classes or labels.
    pub fn outputs(self, names: usize) -> usize {
        match self {
            Loss::BetaNll => 2,
            _ => self.targets().outputs(names),
        }
    }

    /// Words of one row's target, of a network with so many outputs.
    pub fn words(self, outputs: usize) -> usize {
        match self {
            Loss::CrossEntropyDice => mask_words(outputs),
            _ => 1,
        }
    }

    /// Refuses targets that are no classes, where `what` learns nothing else.
    ///
    /// # Errors
    /// [`LearnError::Targets`].
    pub(super) fn expect_classes(self, what: &str) -> Result<(), LearnError> {
        match self.targets() {
            TargetKind::Class => Ok(()),
            found => Err(LearnError::Targets { what: what.to_string(), found }),
        }
    }
}

/// The update rule. Weight decay is added to the gradient (L2), as in PyTorch's `SGD`, `Adam`, `NAdam`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
pub enum Optimiser {
    /// Stochastic gradient descent with PyTorch's momentum convention.
    Sgd { momentum: f32, nesterov: bool },
    /// Kingma & Ba, ICLR 2015; betas .9 and .999, epsilon 1e-8 outside the root.
    Adam,
    /// Dozat 2016, with PyTorch's momentum decay 4e-3.
    NAdam,
    /// Ridge logistic regression to its optimum, by L-BFGS: the sum of cross-entropies plus `ridge / 2`
    /// times the squared weights, biases free, as scikit-learn has it with `C = 1 / ridge`. For linear
    /// networks under [`Loss::CrossEntropy`]; of the plan, nothing else is read. A step is an iteration.
    Lbfgs { ridge: f32 },
}

/// When training ends. Every rule is also bounded by its number of epochs or steps.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "rule", deny_unknown_fields)]
pub enum Stop {
    /// After this many gradient steps.
    Steps { steps: u32 },
    /// After this many passes over the labelled rows.
    Epochs { epochs: u32 },
    /// When the epoch's mean training loss falls below `loss`.
    TrainLoss { epochs: u32, loss: f32 },
    /// When the loss on the model's validation rows has not improved for more than `patience` epochs;
    /// the weights of the last epoch are kept.
    Validation { epochs: u32, patience: u32 },
}

impl Stop {
    /// The most passes over the labelled rows; `None` where steps are counted.
    pub fn epochs(self) -> Option<u32> {
        match self {
            Stop::Steps { .. } => None,
            Stop::Epochs { epochs } | Stop::TrainLoss { epochs, .. } | Stop::Validation { epochs, .. } => {
                Some(epochs)
            }
        }
    }
}

/// Where a fit starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Start {
    /// From freshly drawn weights.
    #[default]
    Scratch,
    /// From the weights that the previous fit left; the optimiser's state starts anew.
    Warm,
    /// From the weights that the previous fit left, and from the optimiser's state with them, if that was
    /// an optimiser of the same kind and rate. A [`Bank`](super::Bank) does, burn's networks do not.
    Continue,
}

/// How a network is trained.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainPlan {
    pub loss: Loss,
    pub optimiser: Optimiser,
    pub learning_rate: f32,
    pub weight_decay: f32,
    /// Rows per mini-batch; with fewer labelled rows, all of them. The last batch of an epoch may be
    /// smaller.
    pub batch: usize,
    /// Leaves that smaller last batch out, wherever there is a whole one; an epoch's rows are drawn anew.
    pub drop_last: bool,
    pub stop: Stop,
    pub start: Start,
}

/// Forty epochs of Adam on cross-entropy, from scratch: the default of experiment files.
impl Default for TrainPlan {
    fn default() -> Self {
        Self {
            loss: Loss::CrossEntropy,
            optimiser: Optimiser::Adam,
            learning_rate: 0.01,
            weight_decay: 1e-4,
            batch: 64,
            drop_last: false,
            stop: Stop::Epochs { epochs: 40 },
            start: Start::Scratch,
        }
    }
}

impl TrainPlan {
    /// How a network of this shape is trained, which may have a weight decay of its own.
    pub fn of(&self, spec: &NetSpec) -> Self {
        Self { weight_decay: spec.weight_decay().unwrap_or(self.weight_decay), ..*self }
    }

    /// How many of `rows` rows one epoch passes over.
    pub fn epoch_rows(&self, rows: usize) -> usize {
        let batch = self.batch.max(1);
        if self.drop_last && rows > batch { rows - rows % batch } else { rows }
    }

    /// Gradient steps of one fit on `rows` rows, at most.
    pub fn steps_for(&self, rows: usize) -> u32 {
        match self.stop {
            Stop::Steps { steps } => steps,
            Stop::Epochs { epochs } | Stop::TrainLoss { epochs, .. } | Stop::Validation { epochs, .. } => {
                epochs.saturating_mul(self.epoch_rows(rows).div_ceil(self.batch.max(1)).max(1) as u32)
            }
        }
    }
}

/// The rows that one model of a bank trains on.
#[derive(Clone, Copy, Debug)]
pub struct ModelData<'a> {
    /// The model's pool, shape `[n, width]`. Models may share one.
    pub inputs: MatrixView<'a>,
    /// Rows of `inputs` to train on.
    pub rows: &'a [u32],
    /// Their classes; under a [`Loss`] of other targets, the words of those ([`target`](crate::data::target)), of masks [several](Loss::words) per row.
    pub labels: &'a [u32],
    /// Rows and targets for [`Stop::Validation`]; empty where that rule is not used.
    pub validation: (&'a [u32], &'a [u32]),
    /// Rows to train on that the pool does not hold.
    pub extra: Option<VirtualRows<'a>>,
}

impl ModelData<'_> {
    /// Rows that an epoch may pass over, virtual ones included.
    pub fn count(&self) -> usize {
        self.rows.len() + self.extra.map_or(0, |extra| extra.each())
    }
}

/// What the training of one model came to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct FitReport {
    /// Gradient steps made: the unit of cost.
    pub steps: u32,
    /// Mean training loss of the last epoch, over its finite steps; `f32::MAX` if there was none.
    pub loss: f32,
    /// The step at which the loss stopped being finite, or would have. The model's weights are then the
    /// last ones whose loss was finite.
    pub diverged_at: Option<u32>,
}

impl FitReport {
    /// What two fits come to of which the second goes on from the first: steps of both, counted through.
    pub fn then(self, next: Self) -> Self {
        let later = next.diverged_at.map(|step| self.steps.saturating_add(step));
        let (steps, diverged_at) = (self.steps.saturating_add(next.steps), self.diverged_at.or(later));
        Self { steps, diverged_at, loss: next.loss }
    }
}
