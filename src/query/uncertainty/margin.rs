//! Margin.

use crate::error::Result;
use crate::query::registry::{Built, Card, Entry, Family};
use crate::query::score::Score;
use crate::query::{Needs, PoolView};
use crate::rng::Key;

const NEEDS: Needs = Needs { probabilities: true, ..Needs::NONE };

pub(super) const ENTRY: Entry = Entry {
    card: Card {
        name: "margin",
        summary: "the smallest gap between the two most probable classes",
        paper: "Scheffer, Decomain & Wrobel, IDA 2001",
        family: Family::Uncertainty,
        needs: NEEDS,
        cost: "time n C, memory n",
        example: "margin",
        deterministic: true,
    },
    make: |_| Built::score(Margin),
};

/// `1 - (p1 - p2)` with `p1 >= p2` the two largest probabilities, in `[0, 1]`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Margin;

impl Score for Margin {
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
    let (mut first, mut second) = (0.0f32, 0.0f32);
    for &value in p {
        second = second.max(first.min(value));
        first = first.max(value);
    }
    1.0 - f64::from(first - second)
}
