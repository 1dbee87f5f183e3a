//! Rules that rank all hidden pairs by one number.

use super::{Entry, PairRule, PairView, lowest};
use crate::error::Result;
use crate::rng::Key;

pub(super) const GREEDY: Entry =
    Entry { name: "greedy", summary: "the lowest mean prediction", make: |_| Ok(Box::new(Ranked::Mean)) };
pub(super) const OPTIMISM: Entry = Entry {
    name: "optimism",
    summary: "the lowest mean less `weight` standard deviations of the members",
    make: |params| Ok(Box::new(Ranked::Optimism { weight: params.real("weight", 1.0, 0.0, 1e6)? })),
};
pub(super) const MAX_OPTIMISM: Entry = Entry {
    name: "max_optimism",
    summary: "the lowest `quantile` of the members' predictions",
    make: |params| Ok(Box::new(Ranked::Quantile { q: params.real("quantile", 0.1, 0.0, 1.0)? })),
};
pub(super) const VARIANCE: Entry = Entry {
    name: "variance",
    summary: "the largest standard deviation of the members",
    make: |_| Ok(Box::new(Ranked::Variance)),
};
pub(super) const ANNEALING: Entry = Entry {
    name: "annealing",
    summary: "variance, and max_optimism in the last round",
    make: |_| Ok(Box::new(Annealing)),
};

/// The number that pairs are ranked by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Ranked {
    /// The mean; lowest first.
    Mean,
    /// The mean less so many standard deviations; lowest first.
    Optimism {
        /// Standard deviations.
        weight: f64,
    },
    /// A quantile; lowest first.
    Quantile {
        /// In `[0, 1]`.
        q: f64,
    },
    /// The standard deviation; largest first.
    Variance,
}

impl PairRule for Ranked {
    fn choose(&self, view: &PairView<'_>, batch: usize, key: Key) -> Result<Vec<u32>> {
        let beliefs = view.beliefs;
        let value = |pair: u32| match *self {
            Self::Mean => beliefs.mean(pair),
            Self::Optimism { weight } => beliefs.mean(pair) - weight * beliefs.deviation(pair),
            Self::Quantile { q } => beliefs.quantile(pair, q),
            Self::Variance => -beliefs.deviation(pair),
        };
        Ok(lowest(view.hidden, value, batch, key))
    }
}

/// Explores as long as there is another choice, and then takes what looks best.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Annealing;

impl PairRule for Annealing {
    fn choose(&self, view: &PairView<'_>, batch: usize, key: Key) -> Result<Vec<u32>> {
        let [choice, choices] = view.choice;
        let rule = if choice < choices { Ranked::Variance } else { Ranked::Quantile { q: 0.1 } };
        rule.choose(view, batch, key)
    }
}
