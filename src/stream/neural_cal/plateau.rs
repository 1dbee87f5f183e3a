//! A stream whose regression function has a plateau at one half, and what a learner comes to on it, exactly.
//!
//! A row lies in one of a few cells, and its features say in which. Three tenths of the rows lie in four cells where
//! `η = 1/2`: asking there is in vain. The others lie in cells that are each half as likely as the one before, where `η`
//! is 0.9 and 0.1 in turn, so that what is still unknown after `n` rows is about `1 / n` of them, however long the
//! stream is.

use super::{NeuralCal, Verdict};
use crate::rng::Key;
use rand::RngExt;

/// Cells with `η = 1/2`.
const FLAT: usize = 4;
/// The share of rows in them.
const FLAT_SHARE: f64 = 0.3;

/// The stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plateau {
    /// Cells with an `η` of 0.9 or 0.1.
    pub steps: usize,
}

/// What a learner comes to, as shares of rows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figures {
    /// Chow's error: that of the rows that get a class, and `1/2 - γ` of those that do not.
    pub chow: f64,
    /// Chow's error less the error of the best classifier, as the paper has it; below 0 where abstaining is better.
    pub excess: f64,
    /// The same over those cells alone where the best classifier is better; never below 0.
    pub lost: f64,
    /// Chow's error less the least that there is; never below 0.
    pub regret: f64,
    /// The share of rows that get a class.
    pub coverage: f64,
    /// The share of rows whose `η` lies within the bounds.
    pub bounded: f64,
}

impl Plateau {
    /// The number of cells, which is that of features.
    pub fn dimension(&self) -> usize {
        FLAT + self.steps
    }

    /// The share of rows in a cell, and its `η`.
    pub fn cell(&self, cell: usize) -> (f64, f64) {
        if cell < FLAT {
            return (FLAT_SHARE / FLAT as f64, 0.5);
        }
        let step = cell - FLAT;
        // The last takes what is left.
        let halvings = if step + 1 == self.steps { step } else { step + 1 };
        let share = (1.0 - FLAT_SHARE) * 0.5f64.powi(halvings as i32);
        (share, if step.is_multiple_of(2) { 0.9 } else { 0.1 })
    }

    /// Whether `η = 1/2` in a cell.
    pub fn is_flat(&self, cell: usize) -> bool {
        cell < FLAT
    }

    /// Row `at`: its cell and its label.
    pub fn row(&self, at: u64, key: Key) -> (usize, bool) {
        let mut rng = key.at(at).rng();
        let mut place: f64 = rng.random();
        let last = self.dimension() - 1;
        let within = |cell: &usize| {
            let share = self.cell(*cell).0;
            place -= share;
            place < 0.0
        };
        let cell = (0..last).find(within).unwrap_or(last);
        (cell, rng.random::<f64>() < self.cell(cell).1)
    }

    /// The features of a cell.
    pub fn features(&self, cell: usize) -> Vec<f64> {
        (0..self.dimension()).map(|at| f64::from(u8::from(at == cell))).collect()
    }

    /// What a learner would come to on rows to come, with abstention at the price `1/2 - gamma`: a sum over cells, not an
    /// estimate.
    pub fn figures(&self, learner: &NeuralCal, gamma: f64) -> Figures {
        let mut found =
            Figures { chow: 0.0, excess: 0.0, lost: 0.0, regret: 0.0, coverage: 0.0, bounded: 0.0 };
        for cell in 0..self.dimension() {
            let (share, eta) = self.cell(cell);
            let judged = learner.judge(&self.features(cell));
            let cost = match judged.verdict {
                Verdict::One => 1.0 - eta,
                Verdict::Zero => eta,
                Verdict::Abstain => 0.5 - gamma,
            };
            let best = eta.min(1.0 - eta);
            found.chow += share * cost;
            found.excess += share * (cost - best);
            found.lost += share * (cost - best).max(0.0);
            found.regret += share * (cost - best.min(0.5 - gamma));
            found.coverage += share * f64::from(u8::from(judged.verdict != Verdict::Abstain));
            found.bounded += share * f64::from(u8::from(judged.low <= eta && eta <= judged.high));
        }
        found
    }
}
