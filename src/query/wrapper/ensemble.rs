//! `ensemble(X)`: any strategy over probabilities or passes, with a committee's in their place.

use super::lens::{Lens, through};
use crate::error::Result;
use crate::query::bayesian;
use crate::query::registry::{Card, Entry, Family};
use crate::query::{Needs, PoolView};

/// Members where none are named.
pub const MEMBERS: usize = 5;

pub(super) const ENTRY: Entry = Entry {
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
        through(Ensemble { members }, params.inner()?)
    },
};

/// Committee members as passes, and their mean as the prediction.
pub struct Ensemble {
    /// Members asked of the learner.
    pub members: usize,
}

impl Lens for Ensemble {
    fn needs(&self, inner: Needs) -> Needs {
        Needs { probabilities: false, passes: 0, committee: inner.committee.max(self.members), ..inner }
    }

    fn look<R>(
        &self,
        view: &PoolView<'_>,
        _inner: Needs,
        then: impl FnOnce(&PoolView<'_>) -> Result<R>,
    ) -> Result<R> {
        let committee = view.committee()?;
        let mean = bayesian::mean(&committee.members);
        then(&view.with_passes(committee).with_probabilities(&mean))
    }
}
