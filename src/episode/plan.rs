//! What an episode is, as plain data.

use super::augment::{ALPHAS, Augment, Change};
use super::consistency::Consistency;
use super::generator::Generate;
use super::initial::InitialPool;
use crate::arch::{Block, Image, NetSpec};
use crate::data::{Annotator, Price, Shape, TargetKind, Task};
use crate::error::{Fault, Result};
use crate::learner::{DeviceKind, Loss, Metric, Optimiser, Start, Stop, TrainPlan};
use serde::{Deserialize, Serialize};

/// The highest dropout rate.
const MAX_DROPOUT: f64 = 0.99;
/// Planes of the first level of networks over pixels.
const FILTERS: usize = 8;
/// The most changed copies of a labelled row.
pub const MAX_COPIES: usize = 1_000;
/// The farthest move of an image, and the largest side of what is cut out of it.
pub const MAX_PIXELS: usize = 1_000;

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
    /// Whether every rule to stop is asked after every fit, and named in the row where it would.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stops: bool,
    /// How those who are asked answer; `None` for at once and rightly. The labels that an episode starts from are right
    /// whatever it says, and so are those that look-ahead simulates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annotator: Option<Annotator>,
    /// Changed copies of the labelled rows that fits train on, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub augment: Option<Augment>,
    /// Rows without a label that every fit of the episode goes on with; without it, fits know labelled rows alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consistency: Option<Consistency>,
    /// Rows of a class-conditional decoder that fits train on, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generator: Option<Generate>,
    /// Networks whose mean is the classifier ([`Ensemble`](crate::learner::Ensemble)); 1 for a single one.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub ensemble: usize,
    /// What an answer costs; rows say what was spent where that differs from row to row. The budget counts rows whatever it is.
    #[serde(default, skip_serializing_if = "Price::is_by_row")]
    pub price: Price,
    /// What whoever asks is shown of rows that were asked for in vain.
    #[serde(default, skip_serializing_if = "Rejected::is_ignored")]
    pub rejected: Rejected,
}

/// What whoever asks is shown of rows that were asked for and that nobody has a class for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rejected {
    /// Nothing: they are no candidates any more, and where they lie is not covered.
    #[default]
    Ignored,
    /// They stand behind the labelled rows, with the class that the last fit predicts of them, so that where they lie counts as covered.
    /// The classifier does not learn from them.
    Covered,
}

impl Rejected {
    /// Whether nothing is shown.
    pub fn is_ignored(&self) -> bool {
        *self == Rejected::Ignored
    }
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
    /// Fits label by label, where answers may stay out.
    #[error(
        "episode: a fit per label beside annotators who abstain, are late or leave rows unanswered, or in an open set"
    )]
    #[diagnostic(help("set learner.fit_per_label to false, or let every question have its answer at once"))]
    FitPerLabel,
    /// Tasks of several kinds side by side.
    #[error("episode on {task}: its targets are {}, those of the episodes beside it {}", found.name(), expected.name())]
    #[diagnostic(help("play tasks of one kind at a time"))]
    Kinds { task: String, found: TargetKind, expected: TargetKind },
    /// What is about classes, where targets are numbers.
    #[error("episode on {task}: `episode.{key}` is about classes, and the targets are {}", found.name())]
    #[diagnostic(help("leave the key out, or play on tasks of classes"))]
    AboutClasses { task: String, key: &'static str, found: TargetKind },
    /// What is about masks, where targets are others.
    #[error("episode on {task}: `episode.price` is \"outline\", and the targets are {}, which have none", found.name())]
    #[diagnostic(help("leave the key out, or play on tasks of masks"))]
    NoOutline { task: String, found: TargetKind },
    /// A pseudo-label for what cannot have one.
    #[error(
        "episode on {task}: a pseudo-label for row {row}, which is no candidate, comes twice, or is given a \
         class beyond the {classes} there are"
    )]
    PseudoLabel { task: String, row: u32, classes: usize },
    /// Images are to be changed, but the task has none.
    #[error("episode on {task}: {kind} changes images, but an example is a row of numbers")]
    #[diagnostic(help(
        "choose \"mixup\" or \"noise\", or read the data set from files that know its images: IDX, .npy or .npz of three and \
         more dimensions, a folder of pictures"
    ))]
    NoImage { task: String, kind: &'static str },
    /// More virtual rows than memory is for.
    #[error(
        "episode on {task}: changed rows beside {labels} labelled ones hold {numbers} numbers, at most {limit} are allowed"
    )]
    #[diagnostic(help(
        "lower episode.augment.copies, episode.consistency.unlabelled or epochs, the budget, or episode.max_pool"
    ))]
    Augmented { task: String, labels: usize, numbers: usize, limit: usize },
    /// A pool that no encoder can be fitted to.
    #[error("episode on {task}: no codes of its rows: {why}")]
    #[diagnostic(help("change [episode.encoder], above all `dimensions`, or leave it out"))]
    Encoder { task: String, why: String },
    /// A plan that cannot begin with what was learned on the pool.
    #[error("episode on {task}: its classifiers begin with an encoder's layers, but {why}")]
    #[diagnostic(help(
        "set episode.encoder.training = \"frozen\", or change what stands against it: learner.warm_start, ensemble, device, steps, train_loss and \
         patience, and rows that are made up"
    ))]
    Pretrained { task: String, why: String },
    /// An ensemble of none, or of copies.
    #[error(
        "episode: an ensemble of {found} networks, expected 1 or more, and 1 where the optimiser is \"lbfgs\""
    )]
    #[diagnostic(help(
        "networks that end at the one optimum that there is are copies: set learner.optimiser to one that takes steps"
    ))]
    Ensemble { found: usize },
    /// Virtual rows for a classifier that is not trained by gradient steps on cross-entropy.
    #[error(
        "episode: {what} makes rows of mixed classes or with weights, but the classifier is trained {how}"
    )]
    #[diagnostic(help(
        "set learner.loss to \"cross_entropy\" and learner.optimiser to \"adam\", \"nadam\" or \"sgd\""
    ))]
    NoSoftTargets { what: String, how: &'static str },
    /// A mixture of rows whose labels are not in hand, or without a distribution to draw its shares from.
    #[error(
        "episode on {task}: a mixture of rows {a} and {b} by Beta({alpha}, {alpha}), expected labelled rows and a parameter of .001 to 1000"
    )]
    Mixture { task: String, a: u32, b: u32, alpha: f64 },
    /// Mixtures at a layer that the classifier has not.
    #[error("episode on {task}: mixtures at layer {layer} of a network with {layers} hidden ones")]
    Layer { task: String, layer: usize, layers: usize },
    /// Another version of a row whose label is not in hand, or of another width.
    #[error(
        "episode on {task}: another version of row {row}, of {found} numbers, expected a labelled row and {expected} numbers"
    )]
    Transformed { task: String, row: u32, found: usize, expected: usize },
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
fn one() -> usize {
    1
}

fn is_one(members: &usize) -> bool {
    *members == 1
}

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
            stops: false,
            annotator: None,
            augment: None,
            consistency: None,
            ensemble: 1,
            price: Price::default(),
            generator: None,
            rejected: Rejected::default(),
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

    /// Whether rows say what their questions came to.
    pub(super) fn says_answers(&self) -> bool {
        self.annotator.is_some() || !self.price.is_by_row()
    }

    /// The classifier of this plan for a task; where targets are masks, the one network over pixels that there is, whatever the plan's blocks are.
    pub fn spec(&self, task: &Task) -> Result<NetSpec> {
        let outputs = task.kind().loss(self.train.loss).outputs(task.classes());
        if let (TargetKind::Mask, Shape::Image { channels, height, width }) = (task.kind(), task.shape()) {
            let image = Image { channels, height, width };
            let blocks = vec![Block::EncoderDecoder { image, filters: FILTERS }];
            return Ok(NetSpec::new(task.width(), blocks, outputs, 0.0)?);
        }
        Ok(NetSpec::new(task.width(), self.blocks.clone(), outputs, self.dropout)?)
    }

    /// This plan on tasks whose targets are of this kind: [`train`](Self::train) says how classifiers are trained, of which
    /// networks of other targets take all but the loss.
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
        if let Some((reader, _)) = readers.into_iter().find(|&(_, reads)| none && reads) {
            return Err(EpisodeError::NoValidation { task: task.name().to_string(), reader });
        }
        if self.fit_per_label && task.is_open() {
            return Err(EpisodeError::FitPerLabel);
        }
        if self.price == Price::Outline && task.kind() != TargetKind::Mask {
            return Err(EpisodeError::NoOutline { task: task.name().to_string(), found: task.kind() });
        }
        let about_classes = [
            ("annotator", self.annotator.is_some()),
            ("augment", self.augment.is_some()),
            ("consistency", self.consistency.is_some()),
            ("generator", self.generator.is_some()),
            ("stops", self.stops),
        ];
        match about_classes.into_iter().find(|&(_, given)| given && task.kind() != TargetKind::Class) {
            Some((key, _)) => {
                Err(EpisodeError::AboutClasses { task: task.name().to_string(), key, found: task.kind() })
            }
            None => Ok(()),
        }
    }

    /// Rows that a fit on so many labels passes over in an epoch, changed copies and rows of a decoder included.
    pub fn trained_on(&self, labels: usize) -> usize {
        let copies = self.augment.map_or(0, |augment| augment.copies);
        labels.saturating_mul(1 + copies + self.generator.map_or(0, |generator| generator.copies))
    }

    /// Refuses more virtual rows beside `labels` labelled ones of `task` than memory is for, and changes that cannot be made to
    /// its rows.
    pub fn check_memory(&self, task: &Task, labels: usize) -> Result<(), EpisodeError> {
        if let Some(augment) = &self.augment {
            augment.check_task(task, labels)?;
        }
        if let Some(generator) = &self.generator {
            generator.check_task(task, labels)?;
        }
        self.consistency.map_or(Ok(()), |consistency| consistency.check_task(task, labels))
    }

    /// Refuses virtual rows, which `what` asks for, where the classifier cannot be trained on them.
    pub(super) fn check_soft(&self, what: &str) -> Result<(), EpisodeError> {
        let how = match (self.train.loss, self.train.optimiser) {
            (Loss::CrossEntropy, Optimiser::Lbfgs { .. }) => "by \"lbfgs\"",
            (Loss::CrossEntropy, _) => return Ok(()),
            _ => "on another loss than cross-entropy",
        };
        Err(EpisodeError::NoSoftTargets { what: what.to_string(), how })
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
    /// [`EpisodeError::NoBudget`], [`EpisodeError::NoQuery`], [`EpisodeError::FitPerLabel`], [`EpisodeError::Setting`].
    pub fn check(&self) -> Result<(), EpisodeError> {
        match (self.budget, self.query_size) {
            (0, _) => return Err(EpisodeError::NoBudget),
            (_, 0) => return Err(EpisodeError::NoQuery),
            _ => {}
        }
        if self.ensemble == 0
            || (self.ensemble > 1 && matches!(self.train.optimiser, Optimiser::Lbfgs { .. }))
        {
            return Err(EpisodeError::Ensemble { found: self.ensemble });
        }
        let annotator = self.annotator.unwrap_or_default();
        let stays_out = annotator.late > 0 || annotator.abstains > 0.0 || annotator.unanswerable > 0.0;
        if self.fit_per_label && stays_out {
            return Err(EpisodeError::FitPerLabel);
        }
        if let Some(augment) = &self.augment {
            self.check_soft(&format!("episode.augment.kind = \"{}\"", augment.change.name()))?;
        }
        if self.consistency.is_some() {
            self.check_soft("episode.consistency")?;
        }
        if self.generator.is_some() {
            self.check_soft("episode.generator")?;
        }
        let change = self.augment.map(|augment| match augment.change {
            Change::Mixup { alpha } => ("augment.alpha", Some(alpha), *ALPHAS.start(), *ALPHAS.end()),
            Change::Noise { deviation } => ("augment.deviation", Some(deviation), 0.0, 1e6),
            Change::Shift { pixels } => ("augment.pixels", Some(pixels as f64), 0.0, MAX_PIXELS as f64),
            Change::Cutout { side } => ("augment.side", Some(side as f64), 1.0, MAX_PIXELS as f64),
        });
        let (copies, weight) = self.augment.map(|augment| (augment.copies as f64, augment.weight)).unzip();
        let settings = [
            ("augment.copies", copies, 1.0, MAX_COPIES as f64),
            ("augment.weight", weight.map(f64::from), 0.0, 1e6),
            change.unwrap_or(("augment.kind", None, 0.0, 0.0)),
            ("dropout", Some(f64::from(self.dropout)), 0.0, MAX_DROPOUT),
            ("target_accuracy", self.target_accuracy, 0.0, 1.0),
            ("target_share", self.target_share, 0.0, 1.0),
            ("train.learning_rate", Some(f64::from(self.train.learning_rate)), 0.0, f64::MAX),
            ("train.weight_decay", Some(f64::from(self.train.weight_decay)), 0.0, f64::MAX),
            ("train.batch", Some(self.train.batch as f64), 1.0, f64::MAX),
            ("annotator.noise", Some(annotator.noise), 0.0, 1.0),
            ("annotator.abstains", Some(annotator.abstains), 0.0, 1.0),
            ("annotator.unanswerable", Some(annotator.unanswerable), 0.0, 1.0),
            ("annotator.price", Some(annotator.price), 0.0, f64::MAX),
            ("annotator.price_abstained", Some(annotator.price_abstained), 0.0, f64::MAX),
        ];
        let consistency = self.consistency.iter().flat_map(Consistency::settings);
        let side = self.consistency.and_then(|own| own.side).map(|side| side as f64);
        let consistency = consistency.map(|(key, found, low, high)| (key, Some(found), low, high));
        let generator = self.generator.iter().flat_map(Generate::settings);
        let generator = generator.map(|(key, found, low, high)| (key, Some(found), low, high));
        let settings = settings.into_iter().chain(consistency).chain(generator);
        let mut settings = settings.chain([("consistency.side", side, 1.0, MAX_PIXELS as f64)]);
        let wrong = |&(_, found, low, high): &(&str, Option<f64>, f64, f64)| {
            found.is_some_and(|found| !(low..=high).contains(&found))
        };
        match settings.find(wrong) {
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
        let crowd = |annotator| EpisodePlan { annotator: Some(annotator), ..EpisodePlan::default() };
        assert_eq!(key(crowd(Annotator { noise: 1.5, ..Annotator::default() })), "annotator.noise");
        assert_eq!(key(crowd(Annotator { price: f64::NAN, ..Annotator::default() })), "annotator.price");
        let late = crowd(Annotator { late: 1, ..Annotator::default() });
        late.check().unwrap();
        assert_eq!(EpisodePlan { fit_per_label: true, ..late }.check(), Err(EpisodeError::FitPerLabel));
        assert_eq!(plan.clone().queries(0, 2).check(), Err(EpisodeError::NoBudget));
        assert_eq!(EpisodePlan { query_size: 0, ..plan }.check(), Err(EpisodeError::NoQuery));
    }
}
