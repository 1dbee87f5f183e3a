//! Entropy.

use crate::error::Result;
use crate::query::registry::{Built, Card, Entry, Family};
use crate::query::score::Score;
use crate::query::{Needs, PoolView, ties};
use crate::rng::Key;

const NEEDS: Needs = Needs { probabilities: true, ..Needs::NONE };

pub(super) const ENTRY: Entry = Entry {
    card: Card {
        name: "entropy",
        summary: "the largest entropy of the class probabilities",
        paper: "Shannon 1948; Settles, Active Learning, 2012",
        family: Family::Uncertainty,
        needs: NEEDS,
        cost: "time n C, memory n",
        example: "entropy",
        deterministic: true,
    },
    make: |_| Built::score(Entropy),
};

/// `-sum p ln p` with `0 ln 0 = 0`, in `[0, ln C]` nats.
pub struct Entropy;

impl Score for Entropy {
    fn score(&mut self, view: &PoolView<'_>, _key: Key) -> Result<Vec<f64>> {
        let p = view.probabilities()?;
        Ok((0..p.rows()).map(|row| of(p.row(row))).collect())
    }

    fn needs(&self) -> Needs {
        NEEDS
    }
}

/// The entropy of one row of probabilities, in nats.
pub fn of(p: &[f32]) -> f64 {
    of_shares(p.iter().map(|&p| f64::from(p)))
}

/// The entropy of shares that sum to one, in nats; the same bits under any numbering of the classes.
pub fn of_shares(shares: impl Iterator<Item = f64>) -> f64 {
    ties::sum(shares.filter(|&p| p > 0.0).map(|p| -p * p.ln())).max(0.0)
}
