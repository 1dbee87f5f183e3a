//! `[learner]`: the classifier that is trained inside every episode.

use crate::arch::{Block, NetSpec, spec::SpecError};
use crate::experiment::error::ExperimentError;
use crate::experiment::raw::{self, Section};
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

/// The classifier that is trained inside every episode.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Learner {
    /// Hidden widths, input side first; `[]` is a linear head. Default `[32]`.
    pub hidden: Vec<usize>,
    /// Share of hidden units dropped in training. Default 0.
    pub dropout: f64,
    /// `"cross_entropy"` (default) or `"squared"`.
    pub loss: Loss,
    /// `"adam"` (default), `"nadam"` or `"sgd"`; or `"lbfgs"`, which fits a linear head to the optimum of
    /// ridge logistic regression and reads none of the keys about steps.
    pub optimiser: OptimiserKind,
    /// Penalty of `"lbfgs"`, the reciprocal of scikit-learn's `C`. Default 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ridge: Option<f64>,
    /// Momentum of `"sgd"`. Default 0.9.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub momentum: Option<f64>,
    /// Nesterov's form of `"sgd"`. Default true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nesterov: Option<bool>,
    /// Step size. Default 0.01.
    pub learning_rate: f64,
    /// L2 penalty, added to the gradient. Default 1e-4.
    pub weight_decay: f64,
    /// Rows per mini-batch. Default 64.
    pub batch: usize,
    /// Leave out an epoch's last mini-batch where it is smaller. Default false.
    pub drop_last: bool,
    /// Passes over the labelled rows per fit, at most. Default 40; not beside `steps`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epochs: Option<u32>,
    /// Gradient steps per fit, instead of `epochs`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<u32>,
    /// Stop early once the epoch's mean training loss is below this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub train_loss: Option<f64>,
    /// Stop early once the loss on held-back rows has not improved for more than this many epochs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patience: Option<u32>,
    /// Start each fit from the weights of the round before. Default false.
    pub warm_start: bool,
    /// Let the optimiser go on from its state of the round before, too; with `warm_start`. Default false.
    pub keep_optimiser: bool,
    /// The first fit makes exactly this many passes over the initial labels, whatever stops later ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_epochs: Option<u32>,
    /// Fit once for every label of a query, each fit knowing one label more, as if they had been asked for
    /// one by one, and measure after the last; with `warm_start`, and not with `"lbfgs"`, where the fits
    /// before the last would leave no trace. Default false: one fit per query.
    pub fit_per_label: bool,
    /// What networks are fitted on: `"cpu"` (default), the bank engine; `"cuda"`, burn on an NVIDIA device, in
    /// a program built with that feature; or `"flex"`, burn on the processor, to try that path out.
    #[serde(skip_serializing_if = "DeviceKind::is_cpu")]
    pub device: DeviceKind,
}

const DEFAULT_EPOCHS: u32 = 40;
const MAX_WIDTH: u64 = 1_000_000;
const MAX_ROUNDS_OF_TRAINING: u64 = 10_000_000;

impl Learner {
    pub(in crate::experiment) fn read(mut section: Section) -> Result<Self, ExperimentError> {
        let s = &mut section;
        let width = |node, name| raw::integer_of(node, name, 1..=MAX_WIDTH).map(|width| width as usize);
        let hidden = s.list("hidden", width)?.unwrap_or_else(|| vec![32]);
        let optimiser = s.choice(
            "optimiser",
            OptimiserKind::Adam,
            &[
                ("adam", OptimiserKind::Adam),
                ("nadam", OptimiserKind::NAdam),
                ("sgd", OptimiserKind::Sgd),
                ("lbfgs", OptimiserKind::Lbfgs),
            ],
        )?;
        let sgd = optimiser == OptimiserKind::Sgd;
        let lbfgs = optimiser == OptimiserKind::Lbfgs;
        let mut learner = Self {
            hidden,
            dropout: s.number("dropout", 0.0, 0.0..=0.95)?,
            loss: s.choice(
                "loss",
                Loss::CrossEntropy,
                &[("cross_entropy", Loss::CrossEntropy), ("squared", Loss::Squared)],
            )?,
            optimiser,
            // Keys of another optimiser are not asked for, and so refused as unknown.
            ridge: if lbfgs { Some(s.number("ridge", 1.0, 1e-9..=1e9)?) } else { None },
            momentum: if sgd { Some(s.number("momentum", 0.9, 0.0..=0.9999)?) } else { None },
            nesterov: if sgd { Some(s.boolean("nesterov", true)?) } else { None },
            learning_rate: s.number("learning_rate", 0.01, 1e-9..=100.0)?,
            weight_decay: s.number("weight_decay", 1e-4, 0.0..=10.0)?,
            batch: s.count("batch", 64, 1..=1_000_000)?,
            drop_last: s.boolean("drop_last", false)?,
            epochs: s.optional_integer("epochs", 1..=MAX_ROUNDS_OF_TRAINING)?.map(|n| n as u32),
            steps: s.optional_integer("steps", 1..=MAX_ROUNDS_OF_TRAINING)?.map(|n| n as u32),
            train_loss: s.optional_number("train_loss", 0.0..=100.0)?,
            patience: s.optional_integer("patience", 0..=MAX_ROUNDS_OF_TRAINING)?.map(|n| n as u32),
            warm_start: s.boolean("warm_start", false)?,
            keep_optimiser: s.boolean("keep_optimiser", false)?,
            first_epochs: s.optional_integer("first_epochs", 1..=MAX_ROUNDS_OF_TRAINING)?.map(|n| n as u32),
            fit_per_label: s.boolean("fit_per_label", false)?,
            device: s.choice(
                "device",
                DeviceKind::Cpu,
                &[DeviceKind::Cpu, DeviceKind::Flex, DeviceKind::Cuda].map(|device| (device.name(), device)),
            )?,
        };
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
        let head = learner.hidden.is_empty() && learner.loss == Loss::CrossEntropy;
        if lbfgs && (!head || learner.patience.is_some()) {
            return Err(ExperimentError::Conflict {
                place: section.place().clone(),
                key: "learner.optimiser".into(),
                why: "\"lbfgs\" fits a linear head under cross-entropy to its optimum".into(),
                hint: "set learner.hidden = [], and leave learner.loss and learner.patience out".into(),
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
            loss: self.loss,
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
