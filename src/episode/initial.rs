//! The labels that an episode starts from, by rule.

use super::plan::{EpisodeError, EpisodePlan};
use super::replicate::PreparedTask;
use crate::data::TargetKind;
use crate::data::{Matrix, RowId, Task, initial_count, initial_rows, uniform_rows};
use crate::error::Result;
use crate::query::{Needs, PoolView, Registry, Signals};
use crate::rng::Key;
use serde::{Deserialize, Serialize};

/// How the labels that an episode starts from are chosen: `initial_per_class` for every class, either of each
/// class so many or as many in all; with zero, a single one. Where targets are numbers, `initial_per_class` in all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum InitialPool {
    /// Random rows of every class that the pool holds (`"per_class"`). Reads the pool's labels, which nobody
    /// who labels in earnest could do: for comparison with published protocols. Where targets are numbers, random rows.
    #[default]
    PerClass,
    /// The rows that a strategy asks for before there is any label: `"random"`, `"typiclust"`, `"k_center"`.
    /// Classes may be left without a label.
    Rule(String),
}

/// As it is written in a file.
const PER_CLASS: &str = "per_class";

impl From<String> for InitialPool {
    fn from(text: String) -> Self {
        if text == PER_CLASS { InitialPool::PerClass } else { InitialPool::Rule(text) }
    }
}

impl From<InitialPool> for String {
    fn from(pool: InitialPool) -> Self {
        match pool {
            InitialPool::PerClass => PER_CLASS.to_string(),
            InitialPool::Rule(rule) => rule,
        }
    }
}

impl InitialPool {
    /// Refuses a rule that is no strategy, or one that asks for what only a trained network can tell.
    ///
    /// # Errors
    /// Those of [`Registry::build`]; [`EpisodeError::InitialRule`].
    pub fn check(&self) -> Result<()> {
        let InitialPool::Rule(rule) = self else { return Ok(()) };
        let needs = Registry::builtin().build(rule)?.needs();
        // Of the inputs alone; where there is no network yet, they stand for its embeddings.
        let known = Needs {
            inputs: needs.inputs,
            embeddings: needs.embeddings,
            neighbours: needs.neighbours,
            components: needs.components,
            labels: needs.labels,
            classes: needs.classes,
            ..Needs::NONE
        };
        if needs != known {
            return Err(EpisodeError::InitialRule { rule: rule.clone() }.into());
        }
        Ok(())
    }

    /// The rows that an episode of `plan` on `prepared` starts from, in the order in which they are labelled.
    ///
    /// # Errors
    /// As [`check`](Self::check), and those of the strategy.
    pub(super) fn rows(&self, plan: &EpisodePlan, prepared: &PreparedTask, key: Key) -> Result<Vec<RowId>> {
        let task = prepared.task();
        let count = plan.initial_count(task);
        match self {
            InitialPool::PerClass if !task.source().is_empty() => Ok(task.source().to_vec()),
            InitialPool::PerClass if plan.initial_per_class > 0 && task.kind() == TargetKind::Class => {
                initial_rows(task, plan.initial_per_class, key)
            }
            InitialPool::PerClass => uniform_rows(task, count, key),
            InitialPool::Rule(rule) => Self::by_rule(rule, prepared, &[], count, key),
        }
    }

    /// The `count` rows that the strategy `rule` asks for by inputs alone, beside rows whose target is `known` already: none, or too
    /// few to learn from.
    ///
    /// # Errors
    /// As [`check`](Self::check), and those of the strategy.
    pub fn by_rule(
        rule: &str,
        prepared: &PreparedTask,
        known: &[(RowId, u32)],
        count: usize,
        key: Key,
    ) -> Result<Vec<RowId>> {
        Self::Rule(rule.to_string()).check()?;
        let task = prepared.task();
        let mut strategy = Registry::builtin().build(rule)?;
        let needs = strategy.needs();
        let pool = prepared.seen();
        let signals = Signals {
            embeddings: needs
                .embeddings
                .then(|| Matrix::new(pool.values().to_vec(), pool.rows(), pool.cols())),
            neighbours: needs.neighbours.then(|| prepared.neighbours()),
            components: needs.components.then(|| prepared.components()),
            ..Signals::default()
        };
        let (labelled, words): (Vec<RowId>, Vec<u32>) = known.iter().copied().unzip();
        let all = (0..pool.rows() as u32).map(RowId);
        let candidates: Vec<RowId> = all.filter(|row| !labelled.contains(row)).collect();
        strategy.kinds().expect(task.kind(), rule)?;
        let view =
            PoolView::of_kind(task.kind(), pool, &labelled, &words, &candidates, task.classes(), &signals);
        strategy.select(&view, count, key)
    }
}

impl EpisodePlan {
    /// How many labels an episode on `task` starts from.
    pub fn initial_count(&self, task: &Task) -> usize {
        let rows = task.pool().rows();
        let by_class = task.kind() == TargetKind::Class;
        let of_each = if by_class { task.classes() } else { 1 };
        let in_all = (self.initial_per_class.saturating_mul(of_each)).clamp(1, rows.max(1));
        if !by_class || self.initial != InitialPool::PerClass || self.initial_per_class == 0 {
            return in_all;
        }
        match task.source() {
            [] => initial_count(task, self.initial_per_class),
            source => source.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::episode::testing;
    use crate::learner::Start;
    use crate::query::QueryError;

    /// Twelve rows on a line, two classes: the last three are of class 1.
    fn prepared() -> std::sync::Arc<PreparedTask> {
        let inputs = Matrix::new((0..12).map(|row| row as f32).collect(), 12, 1);
        let labels = (0..12).map(|row| u32::from(row >= 9)).collect();
        let held = || (Matrix::zeros(1, 1), vec![0]);
        PreparedTask::new(Task::from_parts("line", 2, (inputs, labels), held(), held()).unwrap())
    }

    fn plan(initial: InitialPool, initial_per_class: usize) -> EpisodePlan {
        EpisodePlan {
            blocks: Vec::new(),
            initial,
            initial_per_class,
            query_size: 1,
            budget: 1,
            ..testing::plan(Start::Scratch)
        }
    }

    fn rows(initial: &str, per_class: usize, seed: u64) -> Vec<u32> {
        let initial = InitialPool::from(initial.to_string());
        let plan = plan(initial.clone(), per_class);
        let prepared = prepared();
        let rows = initial.rows(&plan, &prepared, Key::root(seed)).unwrap();
        assert_eq!(rows.len(), plan.initial_count(prepared.task()), "{initial:?}");
        rows.into_iter().map(|row| row.0).collect()
    }

    #[test]
    fn the_rule_asks_and_the_count_is_that_of_the_plan() {
        // One of the two rows nearest to the mean of 5.5, then the farthest from it, then the other end.
        for seed in 0..8 {
            let found = rows("k_center", 2, seed);
            assert!([[5, 11, 0, 8], [6, 0, 11, 3]].iter().any(|one| found == one), "{found:?}");
            assert_eq!(rows("k_center", 1, seed), found[..2]);
        }
        assert_eq!(rows("random", 3, 1).len(), 6);
        assert_eq!(rows("typiclust", 1, 1).len(), 2);
        let seen = |seed| rows("per_class", 1, seed).iter().filter(|&&row| row >= 9).count();
        assert!((0..20).all(|seed| seen(seed) == 1));
        // Class 1 has three rows.
        assert_eq!(rows("per_class", 5, 1).len(), 8);
        // More than there are.
        assert_eq!(rows("random", 9, 1).len(), 12);
    }

    #[test]
    fn zero_per_class_is_a_single_row_of_any_class() {
        for initial in ["per_class", "random", "k_center"] {
            assert_eq!(rows(initial, 0, 1).len(), 1);
        }
        let drawn: Vec<u32> = (0..200).map(|seed| rows("per_class", 0, seed)[0]).collect();
        assert!((0..12).all(|row| drawn.contains(&row)));
    }

    #[test]
    fn what_needs_a_network_is_refused() {
        let check = |rule: &str| InitialPool::Rule(rule.to_string()).check();
        let error = check("margin").unwrap_err();
        assert!(matches!(error.downcast_ref(), Some(EpisodeError::InitialRule { rule }) if rule == "margin"));
        assert!(matches!(
            check("typiklust").unwrap_err().downcast_ref(),
            Some(QueryError::Unknown { hint: Some(_), .. })
        ));
        for rule in [
            "random",
            "k_means",
            "k_medoids",
            "k_center",
            "typiclust",
            "prob_cover",
            "dal",
            "max_herding",
            "active_ft",
        ] {
            check(rule).unwrap();
        }
        let text = |pool| serde_json::to_string(&pool).unwrap();
        assert_eq!(text(InitialPool::PerClass), "\"per_class\"");
        assert_eq!(text(InitialPool::Rule("random".into())), "\"random\"");
        assert_eq!(serde_json::from_str::<InitialPool>("\"per_class\"").unwrap(), InitialPool::PerClass);
    }
}
