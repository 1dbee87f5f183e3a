//! `mc(X)` and `ensemble(X)`: any strategy over several predictions of each candidate, averaged.
//!
//! The two differ in where the predictions come from: one network's dropout passes, or a committee.

use super::lens::{Lens, through};
use crate::error::Result;
use crate::query::bayesian;
use crate::query::registry::{Built, Card, Entry, Family};
use crate::query::{Needs, PoolView};

/// Dropout passes where no number is named.
pub const PASSES: usize = 20;
/// Committee members where no number is named.
pub const MEMBERS: usize = 5;

pub(super) const MC: Entry = Entry {
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
        averaged(Source::Passes, passes, params.inner()?)
    },
};

pub(super) const ENSEMBLE: Entry = Entry {
    card: Card {
        name: "ensemble",
        summary: "another strategy with a committee's members as its passes: ensemble(bald)",
        paper: "Lakshminarayanan et al., NeurIPS 2017; Beluch et al., CVPR 2018",
        family: Family::Wrapper,
        needs: Needs { committee: MEMBERS, ..Needs::NONE },
        cost: "one training per member, and the inner strategy's",
        example: "ensemble(bald)",
        deterministic: true,
    },
    make: |params| {
        let members = params.count("members", MEMBERS, 1..=1_000)?;
        averaged(Source::Committee, members, params.inner()?)
    },
};

/// Where several predictions of a candidate come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Stochastic passes through one network.
    Passes,
    /// Networks that were trained independently of each other.
    Committee,
}

/// `inner` with the mean of `count` predictions from `source` as the prediction, and with them as its passes.
pub fn averaged(source: Source, count: usize, inner: Built) -> Result<Built> {
    through(Averaged { source, count }, inner)
}

struct Averaged {
    source: Source,
    count: usize,
}

impl Lens for Averaged {
    fn needs(&self, inner: Needs) -> Needs {
        let inner = Needs { probabilities: false, ..inner };
        match self.source {
            Source::Passes => Needs { passes: inner.passes.max(self.count), ..inner },
            Source::Committee => Needs { passes: 0, committee: inner.committee.max(self.count), ..inner },
        }
    }

    fn look<R>(
        &self,
        view: &PoolView<'_>,
        _inner: Needs,
        then: impl FnOnce(&PoolView<'_>) -> Result<R>,
    ) -> Result<R> {
        match self.source {
            Source::Passes => then(&view.with_probabilities(&bayesian::mean(view.passes()?))),
            Source::Committee => {
                let committee = view.committee()?;
                let mean = bayesian::mean(&committee.members);
                then(&view.with_passes(committee).with_probabilities(&mean))
            }
        }
    }
}
