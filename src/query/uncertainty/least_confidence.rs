//! Least confidence.

use crate::error::Result;
use crate::query::registry::{Built, Card, Entry, Family};
use crate::query::score::Score;
use crate::query::{Needs, PoolView};
use crate::rng::Key;

const NEEDS: Needs = Needs { probabilities: true, ..Needs::NONE };

pub(super) const ENTRY: Entry = Entry {
    card: Card {
        name: "least_confidence",
        summary: "the smallest probability of the predicted class",
        paper: "Lewis & Gale, SIGIR 1994",
        family: Family::Uncertainty,
        needs: NEEDS,
        cost: "time n C, memory n",
        example: "least_confidence",
        deterministic: true,
    },
    make: |_| Built::score(LeastConfidence),
};

/// `1 - max p`, in `[0, 1 - 1/C]`.
pub struct LeastConfidence;

impl Score for LeastConfidence {
    fn score(&mut self, view: &PoolView<'_>, _key: Key) -> Result<Vec<f64>> {
        let p = view.probabilities()?;
        Ok((0..p.rows()).map(|row| of(p.row(row))).collect())
    }

    fn needs(&self) -> Needs {
        NEEDS
    }
}

/// The score of one row of probabilities.
pub fn of(p: &[f32]) -> f64 {
    1.0 - f64::from(p.iter().copied().fold(0.0, f32::max))
}
