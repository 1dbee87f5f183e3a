//! `[sources.randomise]`: what differs between the episodes of source tasks.

use crate::episode::{EpisodePlan, InitialPool};
use crate::experiment::error::ExperimentError;
use crate::experiment::raw::{self, Node, Section, Value};
use crate::learner::{Start, Stop};
use crate::rng::Key;
use rand::RngExt;
use rand::seq::IndexedRandom;
use serde::{Serialize, Serializer};

/// What differs between the episodes of source tasks, drawn once per task: a policy must not depend on
/// any of it. Every list is drawn from uniformly, so that an entry that stands twice is twice as likely.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Randomise {
    /// Which rows are labelled at the start. Default: that of `[episode]`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub initial: Vec<InitialPool>,
    /// Labels per class at the start. Default `[1, 1, 2, 4]`.
    pub initial_per_class: Vec<usize>,
    /// Labels per query. Default: that of `[episode]`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub query_size: Vec<usize>,
    /// Factors of the number of rounds. Default `[0.5, 1, 2]`.
    pub rounds: Vec<f64>,
    /// Factors of the classifier's hidden widths. Default `[0.5, 1, 2]`.
    pub width: Vec<f64>,
    /// Share of tasks whose classifier is linear. Default 0.
    pub linear: f64,
    /// Factors of the classifier's epochs or steps. Default `[1]`.
    pub training: Vec<f64>,
    /// Factors of its learning rate. Default `[1]`.
    pub learning_rate: Vec<f64>,
    /// Factors of its weight decay. Default `[1]`.
    pub weight_decay: Vec<f64>,
    /// Share of tasks where each fit starts from the weights of the round before. Default: that of
    /// `[learner]`, for all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warm_start: Option<f64>,
}

impl Default for Randomise {
    fn default() -> Self {
        Self {
            initial: Vec::new(),
            initial_per_class: vec![1, 1, 2, 4],
            query_size: Vec::new(),
            rounds: vec![0.5, 1.0, 2.0],
            width: vec![0.5, 1.0, 2.0],
            linear: 0.0,
            training: vec![1.0],
            learning_rate: vec![1.0],
            weight_decay: vec![1.0],
            warm_start: None,
        }
    }
}

impl Randomise {
    /// `randomise = true` is the default, `false` is none, a table is what it says.
    pub(in crate::experiment) fn read(section: &mut Section) -> Result<Option<Self>, ExperimentError> {
        match section.take("randomise") {
            None | Some(Node { value: Value::Boolean(true), .. }) => Ok(Some(Self::default())),
            Some(Node { value: Value::Boolean(false), .. }) => Ok(None),
            Some(node) => Self::table(raw::section_of(node, section.name("randomise"))?).map(Some),
        }
    }

    fn table(mut section: Section) -> Result<Self, ExperimentError> {
        let (s, default) = (&mut section, Self::default());
        let count = |node, name| raw::integer_of(node, name, 1..=100_000).map(|count| count as usize);
        let labels = |node, name| raw::integer_of(node, name, 0..=100_000).map(|count| count as usize);
        let factor = |node, name| raw::number_of(node, name, 1e-3..=1e3);
        let whole =
            |given: Option<Vec<usize>>, default| given.filter(|list| !list.is_empty()).unwrap_or(default);
        let real =
            |given: Option<Vec<f64>>, default| given.filter(|list| !list.is_empty()).unwrap_or(default);
        let randomise = Self {
            initial: s
                .list("initial", |node, name| raw::text_of(node, name).map(|(text, _)| text.into()))?
                .unwrap_or_default(),
            initial_per_class: whole(s.list("initial_per_class", labels)?, default.initial_per_class),
            query_size: s.list("query_size", count)?.unwrap_or_default(),
            rounds: real(s.list("rounds", factor)?, default.rounds),
            width: real(s.list("width", factor)?, default.width),
            linear: s.number("linear", default.linear, 0.0..=1.0)?,
            training: real(s.list("training", factor)?, default.training),
            learning_rate: real(s.list("learning_rate", factor)?, default.learning_rate),
            weight_decay: real(s.list("weight_decay", factor)?, default.weight_decay),
            warm_start: s.optional_number("warm_start", 0.0..=1.0)?,
        };
        section.finish()?;
        Ok(randomise)
    }

    /// Draws the settings of one task. Each has a stream of its own: a longer list of one does not change
    /// what is drawn of another.
    pub fn apply(&self, episode: &mut EpisodePlan, key: Key) {
        let factor = |name: &str, list: &[f64]| *list.choose(&mut key.named(name).rng()).unwrap_or(&1.0);
        let count = |name: &str, list: &[usize]| list.choose(&mut key.named(name).rng()).copied();
        let coin = |name: &str, share: f64| key.named(name).rng().random_bool(share);
        if let Some(initial) = self.initial.choose(&mut key.named("initial").rng()) {
            episode.initial = initial.clone();
        }
        if let Some(initial) = count("initial per class", &self.initial_per_class) {
            episode.initial_per_class = initial;
        }
        let before = (episode.budget, episode.query_size);
        let longer = factor("rounds", &self.rounds);
        if let Some(size) = count("query size", &self.query_size) {
            episode.query_size = size;
        }
        // Whole queries, but where nothing is changed: a budget need not be a multiple of the query size.
        if longer != 1.0 || episode.query_size != before.1 {
            let rounds = before.0 as f64 / before.1 as f64 * longer;
            episode.budget = episode.query_size * (rounds.round() as usize).max(1);
        }
        let width = factor("width", &self.width);
        for block in &mut episode.blocks {
            let units = block.units().unwrap_or(2);
            *block = block.with_width(((units as f64 * width).round() as usize).max(2));
        }
        // A linear classifier has nothing to drop; whoever asked for passes keeps the hidden layers.
        if coin("linear", self.linear) && episode.dropout == 0.0 {
            episode.blocks.clear();
        }
        let training = factor("training", &self.training);
        let scaled = |count: u32| ((f64::from(count) * training).round() as u32).max(1);
        match &mut episode.train.stop {
            Stop::Steps { steps } => *steps = scaled(*steps),
            Stop::Epochs { epochs } | Stop::TrainLoss { epochs, .. } | Stop::Validation { epochs, .. } => {
                *epochs = scaled(*epochs)
            }
        }
        episode.train.learning_rate *= factor("learning rate", &self.learning_rate) as f32;
        episode.train.weight_decay *= factor("weight decay", &self.weight_decay) as f32;
        if let Some(share) = self.warm_start {
            episode.train.start = if coin("warm start", share) { Start::Warm } else { Start::Scratch };
            // From scratch, all but the last of them would leave no trace.
            episode.fit_per_label &= episode.train.start != Start::Scratch;
        }
    }

    /// The largest factor of the number of rounds.
    pub fn longest(&self) -> f64 {
        self.rounds.iter().copied().fold(0.0, f64::max)
    }
}

/// `false` where there is none, as it is read.
pub(super) fn write<S: Serializer>(value: &Option<Randomise>, serializer: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(randomise) => randomise.serialize(serializer),
        None => serializer.serialize_bool(false),
    }
}
