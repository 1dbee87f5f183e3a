//! What an episode is, as plain data.

use super::initial::InitialPool;
use crate::arch::{Block, NetSpec};
use crate::data::TargetKind;
use crate::data::Task;
use crate::error::{Fault, Result};
use crate::learner::{DeviceKind, Metric, Start, Stop, TrainPlan};
use serde::{Deserialize, Serialize};

/// The highest dropout rate.
const MAX_DROPOUT: f64 = 0.99;

/// Which held-out rows an episode may measure its network on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// The reward rows only: everything that learns or chooses runs like this, and cannot see a test row.
    Reward,
    /// Reward and test rows: for results that are reported.
    #[default]
    RewardAndTest,
}

/// An episode without its task: what is asked for, how much, and what is trained on the answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EpisodePlan {
    /// Hidden blocks of the classifier; its input and output widths are the task's.
    pub blocks: Vec<Block>,
    /// Its dropout rate.
    pub dropout: f32,
    /// How the classifier is trained after every query.
    pub train: TrainPlan,
    /// Which rows every episode starts from; not charged to the budget.
    #[serde(default)]
    pub initial: InitialPool,
    /// How many of them there are per class, or in all where targets are numbers; zero stands for a single one in all.
    pub initial_per_class: usize,
    /// Rows per query.
    pub query_size: usize,
    /// Labels that may be bought.
    pub budget: usize,
    /// What targets are compared with, and what policies are judged by. Rewards are accuracies whatever it is, and on numbers
    /// [`Metric::Nrmse`].
    #[serde(default)]
    pub metric: Metric,
    /// The episode ends once the metric reaches this share.
    pub target_accuracy: Option<f64>,
    /// The episode ends once the metric reaches this share of what the classifier reaches with every label
    /// of the pool (Konyushkova et al., 2018).
    pub target_share: Option<f64>,
    /// Which held-out rows are read.
    pub measure: Measure,
    /// Which rows tell a fit with [`Stop::Validation`](crate::learner::Stop) when to stop.
    pub stop_on: StopOn,
    /// Which rows look-ahead measures its gains on.
    pub oracle_on: OracleOn,
    /// The first fit makes exactly this many passes over the initial labels, whatever tells later ones
    /// when to stop.
    pub first_epochs: Option<u32>,
    /// After a query the network is fitted once for every label of it, each fit knowing one label more,
    /// instead of once for all; it is measured after the last. With queries of one row nothing changes.
    pub fit_per_label: bool,
    /// What all fits are made on.
    #[serde(default, skip_serializing_if = "DeviceKind::is_cpu")]
    pub device: DeviceKind,
}

/// The rows that tell a fit when to stop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopOn {
    /// A random fifth of the labels in hand: nothing is used that was not paid for.
    #[default]
    Labels,
    /// The reward rows, whose labels are not charged.
    Reward,
    /// The validation rows, whose labels are not charged.
    Validation,
}

/// The rows that the gains of simulated look-ahead are measured on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OracleOn {
    /// The reward rows.
    #[default]
    Reward,
    /// The validation rows.
    Validation,
    /// The test rows, which is a leak: for comparison with published oracles alone. Under
    /// [`Measure::Reward`] the reward rows are read instead.
    Test,
}

/// Why an episode cannot be played.
#[derive(Debug, Clone, PartialEq, thiserror::Error, miette::Diagnostic)]
#[non_exhaustive]
pub enum EpisodeError {
    /// Nothing may be bought.
    #[error("episode: the budget is 0 labels, expected at least 1")]
    #[diagnostic(help(
        "set episode.rounds (queries of episode.query_size rows each) or episode.budget to 1 or more"
    ))]
    NoBudget,
    /// A number out of its range.
    #[error("episode: {key} is {found}, expected {low} to {high}")]
    Setting { key: &'static str, found: f64, low: f64, high: f64 },
    /// Queries of no rows.
    #[error("episode: the query size is 0 rows, expected at least 1")]
    NoQuery,
    /// More is to be bought than there is.
    #[error(
        "episode on {task}: a budget of {budget} labels, but only {unlabelled} rows of the pool are unlabelled"
    )]
    #[diagnostic(help(
        "lower episode.rounds, episode.query_size or, in its place, episode.budget (--budget), or raise episode.max_pool"
    ))]
    Budget { task: String, budget: usize, unlabelled: usize },
    /// A rule for the first labels that asks for what only a trained network can tell.
    #[error("episode: {rule} cannot choose the first labels: it asks for more than the inputs")]
    #[diagnostic(help(
        "set episode.initial to \"per_class\" or to a strategy that looks at inputs alone, such as \
         \"random\", \"typiclust\", \"k_means\" or \"k_center\""
    ))]
    InitialRule { rule: String },
    /// A strategy returned another number of rows than it was asked for.
    #[error("strategy {strategy}: {found} rows picked, expected {expected}")]
    Picks { strategy: String, found: usize, expected: usize },
    /// Fits label by label, for batches that differ in length.
    #[error(
        "episode on {task}: {found} labels to be fitted one by one, but {expected} in the episodes beside it"
    )]
    #[diagnostic(help("ask for equally many rows in every episode that is not over"))]
    Uneven { task: String, found: usize, expected: usize },
    /// Tasks of several kinds side by side.
    #[error("episode on {task}: its targets are {}, those of the episodes beside it {}", found.name(), expected.name())]
    #[diagnostic(help("play tasks of one kind at a time"))]
    Kinds { task: String, found: TargetKind, expected: TargetKind },
    /// A pseudo-label for what cannot have one.
    #[error(
        "episode on {task}: a pseudo-label for row {row}, which is no candidate, comes twice, or is given a \
         class beyond the {classes} there are"
    )]
    PseudoLabel { task: String, row: u32, classes: usize },
    /// Validation rows are to be read, but the task has none.
    #[error("episode on {task}: {reader} reads validation rows, found none")]
    #[diagnostic(help(
        "set episode.validation to the share of the training rows that it may read, such as 0.2"
    ))]
    NoValidation { task: String, reader: &'static str },
}

impl Fault for EpisodeError {}

/// Thirty queries of one row each, after one label per class, by a network with one hidden layer of 32 units: the
/// default of experiment files.
impl Default for EpisodePlan {
    fn default() -> Self {
        Self {
            blocks: vec![Block::Dense { width: 32 }],
            dropout: 0.0,
            train: TrainPlan::default(),
            initial: InitialPool::default(),
            initial_per_class: 1,
            query_size: 1,
            budget: 30,
            metric: Metric::default(),
            target_accuracy: None,
            target_share: None,
            measure: Measure::default(),
            stop_on: StopOn::default(),
            oracle_on: OracleOn::default(),
            first_epochs: None,
            fit_per_label: false,
            device: DeviceKind::Cpu,
        }
    }
}

impl EpisodePlan {
    /// The same with hidden layers of these widths; none for a linear classifier.
    pub fn hidden(self, widths: &[usize]) -> Self {
        let blocks = widths.iter().map(|&width| Block::Dense { width }).collect();
        Self { blocks, ..self }
    }

    /// The same with `rounds` queries of `rows` rows each.
    pub fn queries(self, rounds: usize, rows: usize) -> Self {
        Self { query_size: rows, budget: rounds.saturating_mul(rows), ..self }
    }

    /// The classifier of this plan for a task.
    pub fn spec(&self, task: &Task) -> Result<NetSpec> {
        let outputs = task.kind().outputs(task.classes());
        Ok(NetSpec::new(task.width(), self.blocks.clone(), outputs, self.dropout)?)
    }

    /// This plan on tasks whose targets are of this kind: [`train`](Self::train) says how classifiers are trained, of which
    /// networks that predict numbers take all but the loss.
    pub fn on(&self, kind: TargetKind) -> Self {
        let train = TrainPlan { loss: kind.loss(self.train.loss), ..self.train };
        Self { train, ..self.clone() }
    }

    /// Refuses a task that lacks the rows that this plan reads.
    pub fn check_task(&self, task: &Task) -> Result<(), EpisodeError> {
        let none = task.validation().labels().is_empty();
        let readers = [
            ("early stopping", self.stop_on == StopOn::Validation),
            ("the oracle", self.oracle_on == OracleOn::Validation),
        ];
        match readers.into_iter().find(|&(_, reads)| none && reads) {
            Some((reader, _)) => Err(EpisodeError::NoValidation { task: task.name().to_string(), reader }),
            None => Ok(()),
        }
    }

    /// How the fit of round `round` is trained, the first being 0.
    pub fn train_in(&self, round: u32) -> TrainPlan {
        match self.first_epochs.filter(|_| round == 0) {
            Some(epochs) => TrainPlan { stop: Stop::Epochs { epochs }, ..self.train },
            None => self.train,
        }
    }

    /// How a network is trained that starts from weights of its own, as the first fit does, whatever later fits go on
    /// from. Where every fit is from scratch, as they all are.
    pub fn from_scratch(&self) -> TrainPlan {
        match self.train.start {
            Start::Scratch => self.train,
            Start::Warm | Start::Continue => TrainPlan { start: Start::Scratch, ..self.train_in(0) },
        }
    }

    /// Refuses a plan that no task can satisfy. Whatever plays one does so first.
    ///
    /// # Errors
    /// [`EpisodeError::NoBudget`], [`EpisodeError::NoQuery`], [`EpisodeError::Setting`].
    pub fn check(&self) -> Result<(), EpisodeError> {
        match (self.budget, self.query_size) {
            (0, _) => return Err(EpisodeError::NoBudget),
            (_, 0) => return Err(EpisodeError::NoQuery),
            _ => {}
        }
        let settings = [
            ("dropout", Some(f64::from(self.dropout)), 0.0, MAX_DROPOUT),
            ("target_accuracy", self.target_accuracy, 0.0, 1.0),
            ("target_share", self.target_share, 0.0, 1.0),
            ("train.learning_rate", Some(f64::from(self.train.learning_rate)), 0.0, f64::MAX),
            ("train.weight_decay", Some(f64::from(self.train.weight_decay)), 0.0, f64::MAX),
            ("train.batch", Some(self.train.batch as f64), 1.0, f64::MAX),
        ];
        let wrong = |&(_, found, low, high): &(&str, Option<f64>, f64, f64)| {
            found.is_some_and(|found| !(low..=high).contains(&found))
        };
        match settings.into_iter().find(wrong) {
            Some((key, Some(found), low, high)) => Err(EpisodeError::Setting { key, found, low, high }),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_out_of_range_are_named() {
        let plan = EpisodePlan::default().hidden(&[8]).queries(3, 2);
        assert_eq!((plan.blocks.len(), plan.query_size, plan.budget), (1, 2, 6));
        plan.check().unwrap();
        let key = |plan: EpisodePlan| match plan.check() {
            Err(EpisodeError::Setting { key, .. }) => key,
            other => panic!("{other:?}"),
        };
        let train = |train| EpisodePlan { train, ..EpisodePlan::default() };
        assert_eq!(key(EpisodePlan { dropout: f32::NAN, ..plan.clone() }), "dropout");
        assert_eq!(key(EpisodePlan { target_share: Some(1.1), ..plan.clone() }), "target_share");
        assert_eq!(
            key(train(TrainPlan { learning_rate: -1.0, ..TrainPlan::default() })),
            "train.learning_rate"
        );
        assert_eq!(key(train(TrainPlan { batch: 0, ..TrainPlan::default() })), "train.batch");
        assert_eq!(plan.clone().queries(0, 2).check(), Err(EpisodeError::NoBudget));
        assert_eq!(EpisodePlan { query_size: 0, ..plan }.check(), Err(EpisodeError::NoQuery));
    }
}
