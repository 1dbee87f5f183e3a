//! Successive halving.
//!
//! Jamieson & Talwalkar, "Non-stochastic Best Arm Identification and Hyperparameter Optimization",
//! AISTATS 2016.

use super::choice::{Entry, Rule, choose};
use super::history::{Candidate, History};
use super::{Next, Search, best_known, unknown};
use crate::arch::{Domain, Space};

/// A bracket of `rungs` rungs: `η^(rungs-1)` configurations get `steps / η^(rungs-1)` steps each; of
/// each rung the best `1/η` go on to the next with `η` times the steps, from scratch. So every rung
/// costs the same, one full training, and a bracket costs `rungs` of them. Failed configurations do not
/// go on; a rung that has fewer left than planned costs less.
#[derive(Clone, Debug)]
pub struct Halving<S: Space> {
    pub(super) domain: Domain<S>,
    /// Every point, the start first: where brackets take their configurations from, in turn.
    pub(super) order: Vec<S::Point>,
    /// η: one in so many goes on.
    pub(super) eta: u32,
    pub(super) rungs: u32,
    /// The most brackets, each with configurations of its own.
    pub(super) brackets: u32,
    /// Steps of the last rung.
    pub(super) steps: u32,
}

impl<S: Space> Halving<S> {
    /// Configurations of the first rung; also what the last rung's steps are divided by for the first.
    pub(super) fn width(eta: u32, rungs: u32) -> Option<u32> {
        eta.checked_pow(rungs.checked_sub(1)?)
    }

    /// What a bracket that begins with `rung` waits for: the unknown candidates of its first unfinished
    /// rung.
    fn waits(&self, history: &History<S::Point>, mut rung: Vec<S::Point>) -> Vec<Candidate<S::Point>> {
        let mut steps = self.steps / rung.len() as u32;
        loop {
            let waits = unknown(history, &rung, steps);
            if !waits.is_empty() {
                return waits;
            }
            if steps >= self.steps {
                return Vec::new();
            }
            let keep = rung.len() / self.eta as usize;
            rung = self.best(history, rung, steps, keep);
            if rung.is_empty() {
                return Vec::new();
            }
            steps *= self.eta;
        }
    }

    /// The best `keep` of `rung` by their scores after `steps` steps, best first; failures never.
    fn best(
        &self,
        history: &History<S::Point>,
        rung: Vec<S::Point>,
        steps: u32,
        keep: usize,
    ) -> Vec<S::Point> {
        let mut left: Vec<(&S::Point, Entry<'_>)> = rung
            .iter()
            .filter_map(|point| {
                let folds = history.get(&Candidate { point: point.clone(), steps })?.folds()?;
                Some((point, Entry { size: self.domain.size(point), folds }))
            })
            .collect();
        let mut kept = Vec::new();
        while kept.len() < keep.max(1) {
            let entries: Vec<Entry<'_>> = left.iter().map(|&(_, entry)| entry).collect();
            let Some(at) = choose(&entries, Rule::Best) else { break };
            kept.push(left.remove(at).0.clone());
        }
        kept
    }
}

impl<S: Space> Search<S::Point> for Halving<S> {
    fn next(&self, history: &History<S::Point>) -> crate::Result<Next<S::Point>> {
        let width = Self::width(self.eta, self.rungs).map_or(self.order.len(), |width| width as usize);
        let ask = self
            .order
            .chunks_exact(width)
            .take(self.brackets as usize)
            .map(|configurations| self.waits(history, configurations.to_vec()))
            .find(|waits| !waits.is_empty());
        // Scores are comparable within a rung only: the incumbent comes from the highest one reached.
        let scored = history.records().iter().filter(|record| record.outcome.mean().is_some());
        let highest = scored.map(|record| record.candidate.steps).max();
        let incumbent = highest.and_then(|steps| best_known(&self.domain, history, steps));
        Ok(Next { ask: ask.unwrap_or_default(), incumbent })
    }
}
