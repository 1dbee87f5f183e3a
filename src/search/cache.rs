//! [`ScoreCache`]: scores that are shared by all searches of a process.

use super::folds::Evaluation;
use super::history::Outcome;
use crate::arch::NetSpec;
use std::collections::BTreeMap;

/// Outcomes by architecture, labelled set (with its inputs, folds, training plan and key) and steps.
///
/// It saves time, not budget: a search is charged for a candidate whether or not another search had it
/// scored, so that the order in which searches run favours none of them.
#[derive(Clone, Debug, Default)]
pub struct ScoreCache {
    outcomes: BTreeMap<[u8; 32], Outcome>,
    trained: usize,
}

impl ScoreCache {
    /// The number of outcomes held.
    pub fn len(&self) -> usize {
        self.outcomes.len()
    }

    /// Whether nothing is held.
    pub fn is_empty(&self) -> bool {
        self.outcomes.is_empty()
    }

    /// How many candidates were trained for this cache; the others were found in it.
    pub fn trained(&self) -> usize {
        self.trained
    }

    /// Adds an outcome that a log holds, so that a resumed run does not train it again.
    pub fn recall(&mut self, evaluation: &Evaluation<'_>, spec: &NetSpec, steps: u32, outcome: Outcome) {
        self.outcomes.insert(evaluation.score_key(spec, steps), outcome);
    }

    pub(super) fn get(&self, key: &[u8; 32]) -> Option<&Outcome> {
        self.outcomes.get(key)
    }

    pub(super) fn put(&mut self, key: [u8; 32], outcome: Outcome) {
        self.trained += 1;
        self.outcomes.insert(key, outcome);
    }
}
