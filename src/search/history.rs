//! What a search asked for and what it was told: candidates, outcomes, and the list of both.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// An architecture to be scored.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Candidate<P> {
    /// Where it is in the space.
    pub point: P,
    /// Gradient steps of each of its trainings (one per fold).
    pub steps: u32,
}

/// What scoring a candidate came to. A score that is not finite cannot be expressed: it is a failure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "outcome", deny_unknown_fields)]
pub enum Outcome {
    /// Held-out accuracy per fold (one, for a single split); higher is better, each finite.
    Scored { folds: Vec<f64> },
    /// The candidate is never the best, and its cost is counted all the same.
    Failed { reason: String },
}

impl Outcome {
    /// An outcome of these fold scores; a failure if there are none or one is not finite.
    pub fn of(folds: Vec<f64>) -> Self {
        match folds.iter().position(|score| !score.is_finite()) {
            Some(fold) => Self::Failed { reason: format!("the score of fold {fold} is {}", folds[fold]) },
            None if folds.is_empty() => Self::Failed { reason: "it has no score".to_string() },
            None => Self::Scored { folds },
        }
    }

    /// The fold scores, unless the candidate failed.
    pub fn folds(&self) -> Option<&[f64]> {
        match self {
            Self::Scored { folds } => Some(folds),
            Self::Failed { .. } => None,
        }
    }

    /// The mean over folds, unless the candidate failed.
    pub fn mean(&self) -> Option<f64> {
        self.folds().map(|folds| folds.iter().sum::<f64>() / folds.len() as f64)
    }

    /// Whether this is what [`Outcome::of`] could have made; for outcomes that were deserialised.
    pub(super) fn is_sound(&self) -> bool {
        match self {
            Self::Scored { folds } => !folds.is_empty() && folds.iter().all(|score| score.is_finite()),
            Self::Failed { .. } => true,
        }
    }
}

/// One line of a search log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record<P> {
    /// What was asked for.
    pub candidate: Candidate<P>,
    /// Gradient steps charged: steps times folds, whatever was in the cache and however it ended.
    pub charged: u64,
    /// How it ended.
    pub outcome: Outcome,
}

/// Everything a search was told, in order. It is the whole state of a search.
#[derive(Clone, Debug, PartialEq)]
pub struct History<P> {
    records: Vec<Record<P>>,
    index: BTreeMap<Candidate<P>, usize>,
    charged: u64,
}

impl<P> Default for History<P> {
    fn default() -> Self {
        Self { records: Vec::new(), index: BTreeMap::new(), charged: 0 }
    }
}

impl<P: Clone + Ord> History<P> {
    /// What was told about `candidate`.
    pub fn get(&self, candidate: &Candidate<P>) -> Option<&Outcome> {
        self.index.get(candidate).map(|&at| &self.records[at].outcome)
    }

    /// All records, first told first.
    pub fn records(&self) -> &[Record<P>] {
        &self.records
    }

    /// Gradient steps charged in all.
    pub fn charged(&self) -> u64 {
        self.charged
    }

    /// Appends a record; a candidate that is known already is left as it is.
    pub fn push(&mut self, record: Record<P>) {
        if self.index.contains_key(&record.candidate) {
            return;
        }
        self.charged = self.charged.saturating_add(record.charged);
        self.index.insert(record.candidate.clone(), self.records.len());
        self.records.push(record);
    }

    /// The best mean so far after each record: `(gradient steps charged, mean)`. It starts at the
    /// first candidate that did not fail, and it never falls.
    ///
    /// Candidates of successive halving differ in their steps; the curve does not tell them apart.
    pub fn best_so_far(&self) -> Vec<(u64, f64)> {
        let mut charged = 0u64;
        let mut best = f64::NEG_INFINITY;
        let mut curve = Vec::new();
        for record in &self.records {
            charged = charged.saturating_add(record.charged);
            if let Some(mean) = record.outcome.mean() {
                best = best.max(mean);
            }
            if best.is_finite() {
                curve.push((charged, best));
            }
        }
        curve
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_score_that_is_not_finite_is_a_failure() {
        assert_eq!(Outcome::of(vec![0.5, 0.75]).mean(), Some(0.625));
        for bad in [vec![0.5, f64::NAN], vec![f64::INFINITY], vec![f64::NEG_INFINITY], vec![]] {
            let outcome = Outcome::of(bad);
            assert!(matches!(outcome, Outcome::Failed { .. }));
            assert_eq!(outcome.mean(), None);
        }
        assert!(!Outcome::Scored { folds: vec![f64::NAN] }.is_sound());
        assert!(!Outcome::Scored { folds: vec![] }.is_sound());
    }

    #[test]
    fn the_best_so_far_skips_failures_but_counts_their_cost() {
        let mut history = History::default();
        let outcomes = [Outcome::of(vec![f64::NAN]), Outcome::of(vec![0.5]), Outcome::of(vec![0.25])];
        for (point, outcome) in outcomes.into_iter().enumerate() {
            history.push(Record { candidate: Candidate { point, steps: 7 }, charged: 7, outcome });
        }
        assert_eq!(history.best_so_far(), [(14, 0.5), (21, 0.5)]);
        assert_eq!(history.charged(), 21);
        let again = history.records()[0].clone();
        history.push(again);
        assert_eq!(history.charged(), 21, "a known candidate is not charged twice");
    }
}
