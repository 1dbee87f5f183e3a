//! What the bandits share: the rankings that their arms propose, and their weights.

use crate::data::RowId;
use crate::error::Result;
use crate::query::{Kinds, Needs, PoolView, Size, Strategy};
use crate::rng::Key;
use std::collections::HashSet;

/// The most arms of one bandit.
pub const MAX_ARMS: usize = 100;

/// What all arms need together.
pub fn needs(arms: &[Box<dyn Strategy>]) -> Needs {
    arms.iter().fold(Needs::NONE, |all, arm| all.union(arm.needs()))
}

/// What all arms serve.
pub fn kinds(arms: &[Box<dyn Strategy>]) -> Kinds {
    arms.iter().fold(Kinds::ALL, |all, arm| all.and(arm.kinds()))
}

/// What any arm left out of account.
pub fn note(arms: &[Box<dyn Strategy>]) -> Option<String> {
    let notes: Vec<String> = arms.iter().filter_map(|arm| arm.note()).collect();
    (!notes.is_empty()).then(|| notes.join("; "))
}

/// Forecast of the bytes that the hungriest arm takes, and those of a list of open candidates.
pub fn memory(arms: &[Box<dyn Strategy>], size: &Size) -> u64 {
    let most = arms.iter().map(|arm| arm.memory(size)).max().unwrap_or(0);
    most.saturating_add(size.scores())
}

/// The batch that each arm would ask for by itself.
#[derive(Debug)]
pub struct Proposals {
    rankings: Vec<Vec<RowId>>,
    /// How far each ranking has been read.
    next: Vec<usize>,
    taken: HashSet<RowId>,
}

impl Proposals {
    /// Asks every arm.
    ///
    /// # Errors
    /// The first arm's that fails.
    pub fn ask(arms: &mut [Box<dyn Strategy>], view: &PoolView<'_>, batch: usize, key: Key) -> Result<Self> {
        let ask =
            |(number, arm): (usize, &mut Box<dyn Strategy>)| arm.select(view, batch, key.at(number as u64));
        let rankings: Vec<Vec<RowId>> = arms.iter_mut().enumerate().map(ask).collect::<Result<_>>()?;
        Ok(Self { next: vec![0; rankings.len()], rankings, taken: HashSet::new() })
    }

    /// What `arm` wants most of what is not taken.
    pub fn best(&mut self, arm: usize) -> Option<RowId> {
        let ranking = &self.rankings[arm];
        let next = &mut self.next[arm];
        while ranking.get(*next).is_some_and(|row| self.taken.contains(row)) {
            *next += 1;
        }
        ranking.get(*next).copied()
    }

    /// Takes a row, for all arms.
    pub fn take(&mut self, row: RowId) {
        self.taken.insert(row);
    }
}

/// Multiplicative weights, kept as logarithms so that they neither overflow nor vanish.
#[derive(Clone, Debug, PartialEq)]
pub struct Weights {
    log: Vec<f64>,
}

impl Weights {
    /// Equal weights.
    pub fn equal(arms: usize) -> Self {
        Self { log: vec![0.0; arms] }
    }

    /// Multiplies the weight of `arm` by `exp(exponent)`.
    pub fn grow(&mut self, arm: usize, exponent: f64) {
        self.log[arm] += exponent;
    }

    /// Each weight over the sum of all.
    pub fn shares(&self) -> Vec<f64> {
        let largest = self.log.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let weights: Vec<f64> = self.log.iter().map(|log| (log - largest).exp()).collect();
        let sum: f64 = weights.iter().sum();
        weights.into_iter().map(|weight| weight / sum).collect()
    }
}
