//! `[learner]`: the classifier that is trained inside every episode.

use crate::arch::{Block, NetSpec, spec::SpecError};
use crate::experiment::error::ExperimentError;
use crate::experiment::keys::{Ask, boolean, list, number, section, whole, word};
use crate::experiment::raw::Section;
use crate::learner::{DeviceKind, Loss, Optimiser, Start, Stop, TrainPlan};
use serde::Serialize;

/// The update rule, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OptimiserKind {
    Sgd,
    Adam,
    #[serde(rename = "nadam")]
    NAdam,
    Lbfgs,
}

/// The usual widths of hidden layers.
pub const HIDDEN: [usize; 1] = [32];

section! {
    /// The classifier that is trained inside every episode.
    pub struct Learner {
        /// Hidden widths, input side first; `[]` is a linear head.
        hidden: Vec<usize> = list(whole(1..=MAX_WIDTH)).or(HIDDEN.to_vec());
        /// Share of hidden units dropped in training.
        dropout: f64 = number(0.0..=0.95).or(0.0);
        /// The loss that is minimised. `"cross_entropy"` and `"squared"` are of classes; networks that predict numbers minimise the squared
        /// error, or under `"beta_nll"` that of a normal distribution with a variance of its own per row (β-NLL, β = ½); those of sets of labels
        /// minimise the binary cross-entropy.
        #[serde(skip_serializing_if = "Option::is_none")]
        loss: Option<Loss> = word([
            ("cross_entropy", Loss::CrossEntropy),
            ("squared", Loss::Squared),
            ("beta_nll", Loss::BetaNll),
        ]).optional().absent("`\"cross_entropy\"`; of other targets than classes, the usual one");
        /// The update rule. `"lbfgs"` fits a linear head to the optimum of ridge logistic regression and reads none of
        /// the keys about steps.
        optimiser: OptimiserKind = word(OPTIMISERS).or(OptimiserKind::Adam);
        /// L2 penalty of the fitted optimum, the reciprocal of scikit-learn's `C`.
        #[serde(skip_serializing_if = "Option::is_none")]
        ridge: Option<f64> = number(1e-9..=1e9).or(1.0)
            .when(optimiser == OptimiserKind::Lbfgs, "with `optimiser = \"lbfgs\"`");
        /// Momentum of the steps.
        #[serde(skip_serializing_if = "Option::is_none")]
        momentum: Option<f64> = number(0.0..=0.9999).or(0.9)
            .when(optimiser == OptimiserKind::Sgd, "with `optimiser = \"sgd\"`");
        /// Nesterov's form of momentum.
        #[serde(skip_serializing_if = "Option::is_none")]
        nesterov: Option<bool> = boolean().or(true)
            .when(optimiser == OptimiserKind::Sgd, "with `optimiser = \"sgd\"`");
        /// Step size.
        learning_rate: f64 = number(1e-9..=100.0).or(0.01);
        /// L2 penalty, added to the gradient.
        weight_decay: f64 = number(0.0..=10.0).or(1e-4);
        /// Rows per mini-batch.
        batch: usize = whole(1..=1_000_000).or(64);
        /// Leave out an epoch's last mini-batch where it is smaller.
        drop_last: bool = boolean().or(false);
        /// Passes over the labelled rows per fit, at most. Not beside `steps`.
        #[serde(skip_serializing_if = "Option::is_none")]
        epochs: Option<u32> = whole(1..=MAX_PASSES).optional().absent("40, without `steps`");
        /// Gradient steps per fit, instead of `epochs`.
        #[serde(skip_serializing_if = "Option::is_none")]
        steps: Option<u32> = whole(1..=MAX_PASSES).optional();
        /// Stop early once the epoch's mean training loss is below this. Not beside `patience`.
        #[serde(skip_serializing_if = "Option::is_none")]
        train_loss: Option<f64> = number(0.0..=100.0).optional();
        /// Stop early once the loss on held-back rows (`episode.stop_on`) has not improved for more than this many
        /// epochs.
        #[serde(skip_serializing_if = "Option::is_none")]
        patience: Option<u32> = whole(0..=MAX_PASSES).optional();
        /// Start each fit from the weights of the round before.
        warm_start: bool = boolean().or(false);
        /// Let the optimiser go on from its state of the round before, too; with `warm_start`.
        keep_optimiser: bool = boolean().or(false);
        /// The first fit makes exactly this many passes over the initial labels, whatever stops later ones.
        #[serde(skip_serializing_if = "Option::is_none")]
        first_epochs: Option<u32> = whole(1..=MAX_PASSES).optional();
        /// Fit once for every label of a query, each fit knowing one label more, as if they had been asked for one by
        /// one, and measure after the last; with `warm_start`, and not with `"lbfgs"`, where the fits before the last
        /// would leave no trace. Otherwise there is one fit per query.
        fit_per_label: bool = boolean().or(false);
        /// Networks of other weights whose mean probabilities are the classifier's; strategies that look at weights or embeddings
        /// see the first one's. Not with `"lbfgs"`, whose optimum they would all find.
        #[serde(skip_serializing_if = "is_one")]
        ensemble: usize = whole(1..=MAX_ENSEMBLE).or(1);
        /// What networks are fitted on: `"cpu"`, the bank engine; `"cuda"`, burn on an NVIDIA device, in a program
        /// built with that feature; or `"flex"`, burn on the processor, to try that path out.
        #[serde(skip_serializing_if = "DeviceKind::is_cpu")]
        device: DeviceKind = word(DEVICES).or(DeviceKind::Cpu);
    }
}

/// The words for update rules.
const OPTIMISERS: [(&str, OptimiserKind); 4] = [
    ("adam", OptimiserKind::Adam),
    ("nadam", OptimiserKind::NAdam),
    ("sgd", OptimiserKind::Sgd),
    ("lbfgs", OptimiserKind::Lbfgs),
];
/// The words for devices.
const DEVICES: [(&str, DeviceKind); 3] =
    [("cpu", DeviceKind::Cpu), ("flex", DeviceKind::Flex), ("cuda", DeviceKind::Cuda)];
const DEFAULT_EPOCHS: u32 = 40;
/// The most networks of one classifier.
const MAX_ENSEMBLE: usize = 256;
const MAX_WIDTH: usize = 1_000_000;
/// The most epochs or steps of one fit.
const MAX_PASSES: u32 = 10_000_000;

fn is_one(members: &usize) -> bool {
    *members == 1
}

impl Learner {
    pub(in crate::experiment) fn read(mut section: Section) -> Result<Self, ExperimentError> {
        let mut learner = Self::keys(&mut section)?;
        let lbfgs = learner.optimiser == OptimiserKind::Lbfgs;
        let rules = [
            ("epochs", learner.epochs.is_some()),
            ("train_loss", learner.train_loss.is_some()),
            ("patience", learner.patience.is_some()),
        ];
        let beside = |a: &str, b: &str| ExperimentError::Conflict {
            place: section.place().clone(),
            key: format!("learner.{a}"),
            why: format!("cannot stand beside `learner.{b}`"),
            hint: "give `steps`, or `epochs` with at most one of `train_loss` and `patience`".into(),
        };
        if learner.steps.is_some()
            && let Some((rule, _)) = rules.iter().find(|(_, given)| *given)
        {
            return Err(beside("steps", rule));
        }
        if learner.train_loss.is_some() && learner.patience.is_some() {
            return Err(beside("train_loss", "patience"));
        }
        let head = learner.hidden.is_empty() && learner.loss.is_none_or(|loss| loss == Loss::CrossEntropy);
        if lbfgs && (!head || learner.patience.is_some()) {
            return Err(ExperimentError::Conflict {
                place: section.place().clone(),
                key: "learner.optimiser".into(),
                why: "\"lbfgs\" fits a linear head under cross-entropy to its optimum".into(),
                hint: "of classes, set learner.hidden = [], and leave learner.loss and learner.patience out; of other targets, leave \
                       learner.optimiser out"
                    .into(),
            });
        }
        if learner.keep_optimiser && !learner.warm_start {
            return Err(ExperimentError::Conflict {
                place: section.place().clone(),
                key: "learner.keep_optimiser".into(),
                why: "has an optimiser go on with weights that are drawn anew".into(),
                hint: "set learner.warm_start = true, too".into(),
            });
        }
        if learner.keep_optimiser && !learner.device.is_cpu() {
            return Err(ExperimentError::Conflict {
                place: section.place().clone(),
                key: "learner.keep_optimiser".into(),
                why: format!("is not kept on the device {}", learner.device.name()),
                hint: "leave it out, or learner.device".into(),
            });
        }
        if learner.ensemble > 1 && lbfgs {
            return Err(ExperimentError::Conflict {
                place: section.place().clone(),
                key: "learner.ensemble".into(),
                why: format!("of {} networks would find the same optimum so many times", learner.ensemble),
                hint: "leave it out, or set learner.optimiser to one that takes steps".into(),
            });
        }
        if learner.fit_per_label && (!learner.warm_start || lbfgs) {
            return Err(ExperimentError::Conflict {
                place: section.place().clone(),
                key: "learner.fit_per_label".into(),
                why: "fits label by label, but no fit starts from the one before".into(),
                hint: "set learner.warm_start = true, and learner.optimiser to one that takes steps".into(),
            });
        }
        if learner.steps.is_none() && learner.epochs.is_none() {
            learner.epochs = Some(DEFAULT_EPOCHS);
        }
        section.finish()?;
        Ok(learner)
    }

    /// How each network is trained.
    pub fn train_plan(&self) -> TrainPlan {
        let epochs = self.epochs.unwrap_or(DEFAULT_EPOCHS);
        let stop = match (self.steps, self.train_loss, self.patience) {
            (Some(steps), ..) => Stop::Steps { steps },
            (None, Some(loss), _) => Stop::TrainLoss { epochs, loss: loss as f32 },
            (None, None, Some(patience)) => Stop::Validation { epochs, patience },
            (None, None, None) => Stop::Epochs { epochs },
        };
        let optimiser = match self.optimiser {
            OptimiserKind::Adam => Optimiser::Adam,
            OptimiserKind::NAdam => Optimiser::NAdam,
            OptimiserKind::Lbfgs => Optimiser::Lbfgs { ridge: self.ridge.unwrap_or(1.0) as f32 },
            OptimiserKind::Sgd => Optimiser::Sgd {
                momentum: self.momentum.unwrap_or_default() as f32,
                nesterov: self.nesterov.unwrap_or_default(),
            },
        };
        TrainPlan {
            loss: self.loss.unwrap_or_default(),
            optimiser,
            learning_rate: self.learning_rate as f32,
            weight_decay: self.weight_decay as f32,
            batch: self.batch,
            drop_last: self.drop_last,
            stop,
            start: match (self.warm_start, self.keep_optimiser) {
                (false, _) => Start::Scratch,
                (true, false) => Start::Warm,
                (true, true) => Start::Continue,
            },
        }
    }

    /// The network for a task of this width and number of classes.
    pub fn spec(&self, inputs: usize, outputs: usize) -> Result<NetSpec, SpecError> {
        let blocks = self.hidden.iter().map(|&width| Block::Dense { width }).collect();
        NetSpec::new(inputs, blocks, outputs, self.dropout as f32)
    }

    /// Gradient steps of one fit on `labels` rows, at most.
    pub fn steps_per_fit(&self, labels: usize) -> u64 {
        match (self.steps, self.epochs) {
            (Some(steps), _) => steps.into(),
            (None, epochs) => {
                u64::from(epochs.unwrap_or(DEFAULT_EPOCHS)) * labels.div_ceil(self.batch).max(1) as u64
            }
        }
    }
}
