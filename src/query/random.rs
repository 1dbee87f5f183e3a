//! Random: every candidate is as good as any other.

use super::registry::{Built, Card, Entry, Family};
use super::score::Score;
use super::{Kinds, Needs, PoolView};
use crate::error::Result;
use crate::rng::Key;

pub(super) const ENTRY: Entry = Entry {
    card: Card {
        name: "random",
        summary: "a uniform draw without replacement",
        paper: "the baseline of every study",
        family: Family::Baseline,
        needs: Needs::NONE,
        cost: "time n, memory n",
        example: "random",
        deterministic: false,
    },
    make: |_| Built::score(Random),
};

/// A uniform draw without replacement. A row's number depends on key and row alone: the larger of two
/// batches contains the smaller.
pub struct Random;

impl Score for Random {
    fn score(&mut self, view: &PoolView<'_>, key: Key) -> Result<Vec<f64>> {
        let draws = view.draws(key);
        Ok(view.candidates().iter().map(|&row| draws.uniform(row)).collect())
    }

    fn needs(&self) -> Needs {
        Needs::NONE
    }

    fn kinds(&self) -> Kinds {
        Kinds::ALL
    }
}
