//! `[sources.randomise]`: what differs between the episodes of source tasks.

use crate::episode::{EpisodePlan, InitialPool};
use crate::experiment::error::ExperimentError;
use crate::experiment::keys::{
    Absent, Ask, Described, Key as Setting, Rule, Shape, descriptions, list, number, section, text, whole,
    whole_table,
};
use crate::experiment::raw::{self, Node, Section, Table, Value};
use crate::learner::{Start, Stop};
use crate::rng::Key;
use rand::RngExt;
use rand::seq::IndexedRandom;
use serde::{Serialize, Serializer};

section! {
    /// What differs between the episodes of source tasks, drawn once per task: a policy must not depend on any of it.
    /// Every list is drawn from uniformly, so that an entry that stands twice is twice as likely.
    pub struct Randomise {
        /// Which rows are labelled at the start, as `episode.initial` says it.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        initial: Vec<InitialPool> = list(text().map(InitialPool::from)).or(vec![]).absent("that of `[episode]`");
        /// Labels per class at the start.
        initial_per_class: Vec<usize> = some(list(whole(0..=100_000)), [1, 1, 2, 4]);
        /// Labels per query.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        query_size: Vec<usize> = list(whole(1..=100_000)).or(vec![]).absent("that of `[episode]`");
        /// Factors of the number of rounds.
        rounds: Vec<f64> = some(list(factor()), [0.5, 1.0, 2.0]);
        /// Factors of the classifier's hidden widths.
        width: Vec<f64> = some(list(factor()), [0.5, 1.0, 2.0]);
        /// Share of tasks whose classifier is linear.
        linear: f64 = number(0.0..=1.0).or(0.0);
        /// Factors of the classifier's epochs or steps.
        training: Vec<f64> = some(list(factor()), [1.0]);
        /// Factors of its learning rate.
        learning_rate: Vec<f64> = some(list(factor()), [1.0]);
        /// Factors of its weight decay.
        weight_decay: Vec<f64> = some(list(factor()), [1.0]);
        /// Share of tasks where each fit starts from the weights of the round before.
        #[serde(skip_serializing_if = "Option::is_none")]
        warm_start: Option<f64> = number(0.0..=1.0).optional().absent("that of `[learner]`, for all");
    }
}

/// A factor of a setting.
fn factor<'a>() -> Rule<'a, f64> {
    number(1e-3..=1e3)
}

/// A list that stands for its default where it is empty.
fn some<'a, T: Clone + Serialize + 'a>(
    list: Rule<'a, Vec<T>>,
    default: impl Into<Vec<T>>,
) -> Setting<'a, Vec<T>> {
    let default = default.into();
    let stands = default.clone();
    list.map(move |given| if given.is_empty() { stands.clone() } else { given }).or(default)
}

/// `randomise`: a table, or whether there is any.
pub(super) struct Switch;

impl Ask for Switch {
    type Value = Option<Randomise>;

    /// `randomise = true` is the default, `false` is none, a table is what it says.
    fn ask(
        self,
        section: &mut Section,
        key: &'static str,
        about: &str,
    ) -> Result<Self::Value, ExperimentError> {
        let table = || Shape::Table(descriptions(Randomise::keys));
        section.describe(|| Described {
            key,
            about: about.trim().to_string(),
            shape: Shape::Either(vec![Shape::Boolean, table()]),
            absent: Absent::Value(true.into()),
            only: "",
        });
        let name = section.name(key);
        let read = |table| whole_table(table, Randomise::keys).map(Some);
        match section.take(key) {
            None | Some(Node { value: Value::Boolean(true), .. }) => read(Section::root(Table::new(), "")),
            Some(Node { value: Value::Boolean(false), .. }) => Ok(None),
            Some(node) => read(raw::section_of(node, name)?),
        }
    }
}

impl Randomise {
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
