//! Successive halving.
//!
//! Jamieson & Talwalkar, "Non-stochastic Best Arm Identification and Hyperparameter Optimization",
//! AISTATS 2016.

use super::choice::{Entry, Rule, choose};
use super::error::SearchError;
use super::history::{Candidate, History};
use super::method::{Method, MethodEntry, Walk};
use super::{Next, Search, best_known, unknown};
use crate::arch::Space;
use crate::error::Result;
use crate::registry::Setting;
use std::sync::Arc;

/// A bracket of `rungs` rungs: `η^(rungs-1)` configurations get `steps / η^(rungs-1)` steps each; of
/// each rung the best `1/η` go on to the next with `η` times the steps, from scratch. So every rung
/// costs the same, one full training, and a bracket costs `rungs` of them. Failed configurations do not
/// go on; a rung that has fewer left than planned costs less.
#[derive(Clone, Copy, Debug)]
pub struct Halving {
    /// η: one in so many goes on, with so many times the steps.
    pub eta: u32,
    /// Rungs of one bracket; the steps must be divisible by `eta^(rungs-1)`.
    pub rungs: u32,
    /// The most brackets, each with configurations of its own.
    pub brackets: u32,
}

/// The registered search.
pub const ENTRY: MethodEntry = MethodEntry::new(
    "halving",
    "Settings of `\"halving\"` (Jamieson & Talwalkar, AISTATS 2016): `eta^(rungs-1)` candidates get the \
     `eta^(rungs-1)`th part of the steps; of each rung one in `eta` goes on, with `eta` times the steps.",
    &[
        Setting::whole("eta", [2, 100], 3, "One in so many goes on, with so many times the steps."),
        Setting::whole(
            "rungs",
            [1, 20],
            3,
            "Rungs of one bracket. `search.steps` must be a multiple of `eta^(rungs-1)`, and the space must have as \
             many points; `[search_comparison]` rounds its steps up.",
        ),
        Setting::whole(
            "brackets",
            [1, 1_000_000],
            1_000,
            "The most brackets, each with candidates of its own.",
        ),
    ],
    |settings| {
        let (eta, rungs) = (settings.whole("eta"), settings.whole("rungs"));
        Arc::new(Halving { eta, rungs, brackets: settings.whole("brackets") })
    },
);

impl<S: Space> Method<S> for Halving {
    fn name(&self) -> &'static str {
        ENTRY.name
    }

    /// Configurations of the first rung; also what the last rung's steps are divided by for the first.
    fn parts(&self) -> Option<u32> {
        self.eta.checked_pow(self.rungs.checked_sub(1)?)
    }

    fn search(&self, walk: Walk<S>) -> Result<Box<dyn Search<S::Point>>> {
        SearchError::unless_within("eta", self.eta, 2, 100)?;
        SearchError::unless_within("rungs", self.rungs, 1, 20)?;
        SearchError::unless_within("brackets", self.brackets, 1, u32::MAX)?;
        let order = walk.order();
        let exponent = self.rungs - 1;
        let refuse = |setting, found, expected| Err(SearchError::Setting { setting, found, expected }.into());
        match Method::<S>::parts(self).filter(|&width| width as usize <= order.len()) {
            Some(width) if walk.steps.is_multiple_of(width) => {
                let width = width as usize;
                Ok(Box::new(Brackets { settings: *self, walk, width, order }))
            }
            Some(width) => {
                let expected = format!("a multiple of {width}, {} to the power of {exponent}", self.eta);
                refuse("steps", walk.steps.to_string(), expected)
            }
            None => {
                let found = format!("{}, with {} to the power of {exponent} points", self.rungs, self.eta);
                refuse("rungs", found, format!("no more points than the space has, {}", order.len()))
            }
        }
    }
}

struct Brackets<S: Space> {
    settings: Halving,
    walk: Walk<S>,
    /// Configurations of a bracket's first rung.
    width: usize,
    /// Every point, the start first: where brackets take their configurations from, in turn.
    order: Vec<S::Point>,
}

impl<S: Space> Brackets<S> {
    /// What a bracket that begins with `rung` waits for: the unknown candidates of its first unfinished
    /// rung.
    fn waits(&self, history: &History<S::Point>, mut rung: Vec<S::Point>) -> Vec<Candidate<S::Point>> {
        let mut steps = self.walk.steps / rung.len() as u32;
        loop {
            let waits = unknown(history, &rung, steps);
            if !waits.is_empty() {
                return waits;
            }
            if steps >= self.walk.steps {
                return Vec::new();
            }
            let keep = rung.len() / self.settings.eta as usize;
            rung = self.best(history, rung, steps, keep);
            if rung.is_empty() {
                return Vec::new();
            }
            steps *= self.settings.eta;
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
                Some((point, Entry { size: self.walk.domain.size(point), folds }))
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

impl<S: Space> Search<S::Point> for Brackets<S> {
    fn next(&self, history: &History<S::Point>) -> Result<Next<S::Point>> {
        let ask = self
            .order
            .chunks_exact(self.width)
            .take(self.settings.brackets as usize)
            .map(|configurations| self.waits(history, configurations.to_vec()))
            .find(|waits| !waits.is_empty());
        // Scores are comparable within a rung only: the incumbent comes from the highest one reached.
        let scored = history.records().iter().filter(|record| record.outcome.mean().is_some());
        let highest = scored.map(|record| record.candidate.steps).max();
        let incumbent = highest.and_then(|steps| best_known(&self.walk.domain, history, steps));
        Ok(Next { ask: ask.unwrap_or_default(), incumbent })
    }
}
