//! `[episode]`: how a labelling is simulated.

use crate::data::{Scaling, SplitPlan};
use crate::episode::{InitialPool, OracleOn, StopOn};
use crate::experiment::error::ExperimentError;
use crate::experiment::raw::Section;
use crate::learner::Metric;
use serde::Serialize;

/// The most candidates that are scored in one round.
pub const MAX_CANDIDATES: usize = 1_000_000;
/// The most rows of a pool.
pub const MAX_POOL: usize = 10_000_000;

/// How much is asked for after the first fit: one of two keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Length {
    /// So many queries of `query_size` labels. Default 30.
    Rounds(usize),
    /// Exactly so many labels; the last query takes the remainder.
    Budget(usize),
}

/// How a labelling is simulated.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Episode {
    /// Which rows are labelled at the start: `"per_class"` (default) draws of every class, for which it reads
    /// the pool's labels; a strategy that looks at inputs alone, such as `"random"` or `"typiclust"`, chooses
    /// as many in all.
    #[serde(skip_serializing_if = "is_default")]
    pub initial: InitialPool,
    /// Labels per class at the start; 0 stands for a single one in all. Default 1.
    pub initial_per_class: usize,
    /// Labels asked for per round. Default 1.
    pub query_size: usize,
    /// How much is asked for after the first fit.
    #[serde(flatten)]
    pub length: Length,
    /// At most this many candidates, drawn at random, are scored per round. Default 500.
    pub candidates: usize,
    /// What learning curves, the verdict, targets and the validation of policies measure: `"accuracy"`
    /// (default), `"balanced_accuracy"` or `"macro_f1"`, which a large class alone does not raise. Rewards are
    /// accuracies whatever it is.
    pub metric: Metric,
    /// End an episode once the metric on the test rows reaches this share.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_accuracy: Option<f64>,
    /// End an episode once the metric reaches this share of what the classifier reaches with every label
    /// of the pool. What is learned from plays its whole budget.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_share: Option<f64>,
    /// Share of the rows that is tested on, where a data set has no test part of its own. Default 0.3.
    pub test: f64,
    /// Share of the remaining rows that rewards are computed on. Default 0.3.
    pub reward: f64,
    /// Share of the remaining rows whose loss may tell a fit when to stop, not charged. Default 0.
    pub validation: f64,
    /// At most this many rows in the pool. Default 2000.
    pub max_pool: usize,
    /// At most this many rows in each of the other parts. Default 2000.
    pub max_held: usize,
    /// `"standard"` (default), `"min_max"` or `"none"`; fitted on the pool.
    pub scaling: Scaling,
    /// Which rows tell a fit with `learner.patience` when to stop: `"labels"` (default) holds back a
    /// fifth of the labels in hand; `"reward"` and `"validation"` take the rows of that part, whose labels
    /// are not charged.
    pub stop_on: StopOn,
    /// Which rows the greedy oracle measures its gains on: `"reward"` (default), `"validation"`, or
    /// `"test"`, which is a leak.
    pub oracle_on: OracleOn,
    /// Scale the test rows by their own range instead of the pool's, which is a leak that published
    /// cross-domain results have (Werner et al., NeurIPS 2024). Default false.
    pub test_by_itself: bool,
}

impl Episode {
    pub(in crate::experiment) fn read(mut section: Section) -> Result<Self, ExperimentError> {
        let s = &mut section;
        let split = SplitPlan::default();
        let rounds = s.optional_integer("rounds", 1..=100_000)?.map(|n| n as usize);
        let budget = s.optional_integer("budget", 1..=MAX_POOL as u64)?.map(|n| n as usize);
        let length = match (rounds, budget) {
            (rounds, None) => Length::Rounds(rounds.unwrap_or(30)),
            (None, Some(budget)) => Length::Budget(budget),
            (Some(_), Some(_)) => {
                return Err(ExperimentError::Conflict {
                    place: section.place().clone(),
                    key: "episode.rounds".into(),
                    why: "cannot stand beside `episode.budget`".into(),
                    hint:
                        "give the number of queries, or that of new labels (`--budget` of `querist transfer`)"
                            .into(),
                });
            }
        };
        let target_accuracy = s.optional_number("target_accuracy", 0.0..=1.0)?;
        let target_share = s.optional_number("target_share", 0.0..=1.0)?;
        if target_accuracy.is_some() && target_share.is_some() {
            return Err(ExperimentError::Conflict {
                place: section.place().clone(),
                key: "episode.target_accuracy".into(),
                why: "cannot stand beside `episode.target_share`".into(),
                hint: "an episode ends at one target: an accuracy, or a share of what all labels give".into(),
            });
        }
        let episode = Self {
            initial: s.text("initial")?.map(|(text, _)| text.into()).unwrap_or_default(),
            initial_per_class: s.count("initial_per_class", 1, 0..=100_000)?,
            query_size: s.count("query_size", 1, 1..=100_000)?,
            length,
            candidates: s.count("candidates", 500, 1..=MAX_CANDIDATES)?,
            metric: s.choice(
                "metric",
                Metric::default(),
                &Metric::ALL.map(|metric| (metric.key(), metric)),
            )?,
            target_accuracy,
            target_share,
            test: s.number("test", split.test, 0.01..=0.9)?,
            reward: s.number("reward", split.reward, 0.001..=0.9)?,
            validation: s.number("validation", split.validation, 0.0..=0.9)?,
            max_pool: s.count("max_pool", split.max_pool, 1..=MAX_POOL)?,
            max_held: s.count("max_held", split.max_held, 1..=MAX_POOL)?,
            scaling: s.choice(
                "scaling",
                split.scaling,
                &[("standard", Scaling::Standard), ("min_max", Scaling::MinMax), ("none", Scaling::None)],
            )?,
            stop_on: s.choice(
                "stop_on",
                StopOn::Labels,
                &[("labels", StopOn::Labels), ("reward", StopOn::Reward), ("validation", StopOn::Validation)],
            )?,
            oracle_on: s.choice(
                "oracle_on",
                OracleOn::Reward,
                &[
                    ("reward", OracleOn::Reward),
                    ("validation", OracleOn::Validation),
                    ("test", OracleOn::Test),
                ],
            )?,
            test_by_itself: s.boolean("test_by_itself", false)?,
        };
        section.finish()?;
        Ok(episode)
    }

    /// How data sets are split into tasks.
    pub fn split(&self) -> SplitPlan {
        SplitPlan {
            test: self.test,
            reward: self.reward,
            validation: self.validation,
            max_pool: self.max_pool,
            max_held: self.max_held,
            scaling: self.scaling,
            test_by_itself: self.test_by_itself,
        }
    }

    /// Labels bought after the initial ones.
    pub fn budget(&self) -> usize {
        match self.length {
            Length::Rounds(rounds) => rounds.saturating_mul(self.query_size),
            Length::Budget(budget) => budget,
        }
    }

    /// Queries after the first fit; where the query size does not divide the budget, the last one is smaller.
    pub fn rounds(&self) -> usize {
        match self.length {
            Length::Rounds(rounds) => rounds,
            Length::Budget(budget) => budget.div_ceil(self.query_size),
        }
    }
}

fn is_default(pool: &InitialPool) -> bool {
    *pool == InitialPool::default()
}
