//! `mc(X)`: any strategy over probabilities, with those of several stochastic passes averaged.

use super::lens::{Lens, through};
use crate::error::Result;
use crate::query::bayesian;
use crate::query::registry::{Card, Entry, Family};
use crate::query::{Needs, PoolView};

/// Passes where none are named.
pub const PASSES: usize = 20;

pub(super) const ENTRY: Entry = Entry {
    card: Card {
        name: "mc",
        summary: "another strategy over the mean of several dropout passes: mc(entropy)",
        paper: "Gal, Islam & Ghahramani, ICML 2017",
        family: Family::Wrapper,
        needs: Needs { passes: PASSES, ..Needs::NONE },
        cost: "time n C T, memory n C, and the inner strategy's",
        example: "mc(margin)",
        deterministic: true,
    },
    make: |params| {
        let passes = params.count("passes", PASSES, 1..=10_000)?;
        through(Mc { passes }, params.inner()?)
    },
};

/// The mean of the passes in place of the deterministic prediction.
pub struct Mc {
    /// Passes asked of the learner.
    pub passes: usize,
}

impl Lens for Mc {
    fn needs(&self, inner: Needs) -> Needs {
        Needs { probabilities: false, passes: inner.passes.max(self.passes), ..inner }
    }

    fn look<R>(
        &self,
        view: &PoolView<'_>,
        _inner: Needs,
        then: impl FnOnce(&PoolView<'_>) -> Result<R>,
    ) -> Result<R> {
        let mean = bayesian::mean(view.passes()?);
        then(&view.with_probabilities(&mean))
    }
}
