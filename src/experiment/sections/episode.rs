//! `[episode]`: how a labelling is simulated.

use crate::data::{Scaling, SplitPlan};
use crate::episode::{InitialPool, OracleOn, StopOn};
use crate::experiment::error::ExperimentError;
use crate::experiment::keys::{Ask, boolean, inline, number, section, text, whole, whole_table, word};
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
    /// So many queries of `query_size` labels.
    Rounds(usize),
    /// Exactly so many labels; the last query takes the remainder.
    Budget(usize),
}

impl Length {
    fn keys(section: &mut Section) -> Result<Self, ExperimentError> {
        let rounds = whole(1..=100_000).optional().absent("30, without `budget`").ask(
            section,
            "rounds",
            "Queries of `query_size` labels after the first fit.",
        )?;
        let budget = whole(1..=MAX_POOL).optional().ask(
            section,
            "budget",
            "Labels after the first fit, instead of `rounds`; the last query takes the remainder.",
        )?;
        match (rounds, budget) {
            (rounds, None) => Ok(Length::Rounds(rounds.unwrap_or(30))),
            (None, Some(budget)) => Ok(Length::Budget(budget)),
            (Some(_), Some(_)) => Err(ExperimentError::Conflict {
                place: section.place().clone(),
                key: "episode.rounds".into(),
                why: "cannot stand beside `episode.budget`".into(),
                hint: "give the number of queries, or that of new labels (`--budget` of `querist transfer`)"
                    .into(),
            }),
        }
    }
}

section! {
    /// How a labelling is simulated.
    pub struct Episode {
        /// Which rows are labelled at the start: `"per_class"` draws of every class, for which it reads the pool's
        /// labels; a strategy that looks at inputs alone, such as `"random"` or `"typiclust"`, chooses as many in all.
        #[serde(skip_serializing_if = "is_default")]
        initial: InitialPool = text().map(InitialPool::from).or(InitialPool::default());
        /// Labels per class at the start, or where targets are numbers in all; 0 stands for a single one in all.
        initial_per_class: usize = whole(0..=100_000).or(1);
        /// Labels asked for per round.
        query_size: usize = whole(1..=100_000).or(1);
        /// How much is asked for after the first fit.
        #[serde(flatten)]
        length: Length = inline(Length::keys);
        /// At most this many candidates, drawn at random, are scored per round.
        candidates: usize = whole(1..=MAX_CANDIDATES).or(500);
        /// What learning curves, the verdict, targets and the validation of policies measure. `"balanced_accuracy"`
        /// and `"macro_f1"` are not raised by a large class alone. Of numbers, `"nrmse"` is one minus the root of the mean
        /// squared error over the standard deviation, and `"r2"` the explained share of the variance. Rewards are accuracies, or
        /// of numbers `"nrmse"`, whatever it is.
        metric: Metric = word(Metric::ALL.map(|metric| (metric.key(), metric))).or(Metric::default())
            .absent("`\"accuracy\"`, and of numbers `\"nrmse\"`");
        /// End an episode once the metric on the test rows reaches this share.
        #[serde(skip_serializing_if = "Option::is_none")]
        target_accuracy: Option<f64> = number(0.0..=1.0).optional();
        /// End an episode once the metric reaches this share of what the classifier reaches with every label of the
        /// pool. What is learned from plays its whole budget.
        #[serde(skip_serializing_if = "Option::is_none")]
        target_share: Option<f64> = number(0.0..=1.0).optional();
        /// Share of the rows that is tested on, where a data set has no test part of its own.
        test: f64 = number(0.01..=0.9).or(SplitPlan::default().test);
        /// Share of the remaining rows that rewards are computed on.
        reward: f64 = number(0.001..=0.9).or(SplitPlan::default().reward);
        /// Share of the remaining rows whose loss may tell a fit when to stop, not charged.
        validation: f64 = number(0.0..=0.9).or(SplitPlan::default().validation);
        /// At most this many rows in the pool.
        max_pool: usize = whole(1..=MAX_POOL).or(SplitPlan::default().max_pool);
        /// At most this many rows in each of the other parts.
        max_held: usize = whole(1..=MAX_POOL).or(SplitPlan::default().max_held);
        /// How inputs are scaled, fitted on the pool.
        scaling: Scaling = word(SCALINGS).or(SplitPlan::default().scaling);
        /// Which rows tell a fit with `learner.patience` when to stop: `"labels"` holds back a fifth of the labels in
        /// hand; `"reward"` and `"validation"` take the rows of that part, whose labels are not charged.
        stop_on: StopOn = word(STOPS).or(StopOn::Labels);
        /// Which rows the greedy oracle measures its gains on; `"test"` is a leak.
        oracle_on: OracleOn = word(ORACLES).or(OracleOn::Reward);
        /// Scale the test rows by their own range instead of the pool's, which is a leak that published cross-domain
        /// results have (Werner et al., NeurIPS 2024).
        test_by_itself: bool = boolean().or(false);
    }
}

/// The words for scalings.
const SCALINGS: [(&str, Scaling); 3] =
    [("standard", Scaling::Standard), ("min_max", Scaling::MinMax), ("none", Scaling::None)];
/// The words for the rows that tell a fit when to stop.
const STOPS: [(&str, StopOn); 3] =
    [("labels", StopOn::Labels), ("reward", StopOn::Reward), ("validation", StopOn::Validation)];
/// The words for the rows that the greedy oracle reads.
const ORACLES: [(&str, OracleOn); 3] =
    [("reward", OracleOn::Reward), ("validation", OracleOn::Validation), ("test", OracleOn::Test)];

impl Episode {
    pub(in crate::experiment) fn read(section: Section) -> Result<Self, ExperimentError> {
        let place = section.place().clone();
        let episode = whole_table(section, Self::keys)?;
        if episode.target_accuracy.is_some() && episode.target_share.is_some() {
            return Err(ExperimentError::Conflict {
                place,
                key: "episode.target_accuracy".into(),
                why: "cannot stand beside `episode.target_share`".into(),
                hint: "an episode ends at one target: an accuracy, or a share of what all labels give".into(),
            });
        }
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
