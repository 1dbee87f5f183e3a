//! `mc(X)` and `ensemble(X)`: any strategy over several predictions of each candidate, averaged.
//!
//! The two differ in where the predictions come from: one network's dropout passes, or a committee.

use super::lens::{Lens, through};
use crate::error::Result;
use crate::query::bayesian;
use crate::query::registry::{Built, Card, Entry, Family, Params};
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
        let passes = DropoutPasses::read(params)?;
        let inner = params.inner()?;
        averaged(params, Source::Passes(passes), inner)
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
        let committee = Committee::read(params)?;
        let inner = params.inner()?;
        averaged(params, Source::Committee(committee), inner)
    },
};

/// Stochastic passes through one network.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DropoutPasses {
    /// How many, at least one.
    pub count: usize,
    /// Their dropout rate, whatever the network is trained with; `None` for the rate of training.
    pub rate: Option<f32>,
}

impl DropoutPasses {
    /// The parameters `passes` and `rate`.
    ///
    /// # Errors
    /// [`QueryError::Value`](crate::query::QueryError::Value).
    pub fn read(params: &mut Params<'_>) -> Result<Self> {
        let count = params.count("passes", PASSES, 1..=10_000)?;
        let rate = params.optional_real("rate", 0.001..=0.95)?;
        Ok(Self { count, rate: rate.map(|rate| rate as f32) })
    }

    /// The passes, and nothing else.
    pub fn needs(self) -> Needs {
        Needs { passes: self.count, rate: self.rate, ..Needs::NONE }
    }
}

/// Networks that are trained from weights of their own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Committee {
    /// How many, at least one.
    pub members: usize,
    /// See [`Needs::bootstrap`].
    pub bootstrap: Option<bool>,
}

impl Committee {
    /// The words for [`bootstrap`](Self::bootstrap).
    pub const BOOTSTRAP: [(&str, Option<bool>); 3] =
        [("auto", None), ("true", Some(true)), ("false", Some(false))];

    /// The parameters `members` and `bootstrap`.
    ///
    /// # Errors
    /// [`QueryError::Value`](crate::query::QueryError::Value).
    pub fn read(params: &mut Params<'_>) -> Result<Self> {
        let members = params.count("members", MEMBERS, 1..=1_000)?;
        Ok(Self { members, bootstrap: params.choice("bootstrap", &Self::BOOTSTRAP)? })
    }
}

/// Where several predictions of a candidate come from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Source {
    /// Stochastic passes through one network.
    Passes(DropoutPasses),
    /// Networks that were trained independently of each other.
    Committee(Committee),
}

/// `inner` with the mean of the predictions from `source` as the prediction, and with them as its passes.
///
/// # Errors
/// [`QueryError::Conflict`](crate::query::QueryError::Conflict) where `inner` wants them made in another way.
pub fn averaged(params: &Params<'_>, source: Source, inner: Built) -> Result<Built> {
    let wanted = inner.needs();
    match source {
        Source::Passes(passes) => params.compatible("rate", passes.rate, wanted.rate)?,
        Source::Committee(committee) => {
            params.compatible("bootstrap", committee.bootstrap, wanted.bootstrap)?;
            // Its members take the place of the passes.
            if let Some(rate) = wanted.rate {
                return Err(params.conflict("rate", None, Some(rate)).into());
            }
        }
    }
    through(Averaged { source }, inner)
}

struct Averaged {
    source: Source,
}

impl Lens for Averaged {
    fn needs(&self, inner: Needs) -> Needs {
        let inner = Needs { probabilities: false, ..inner };
        match self.source {
            Source::Passes(passes) => passes.needs().union(inner),
            Source::Committee(Committee { members, bootstrap }) => {
                let own = Needs { committee: members, bootstrap, ..Needs::NONE };
                own.union(Needs { passes: 0, ..inner })
            }
        }
    }

    fn look<R>(
        &self,
        view: &PoolView<'_>,
        _inner: Needs,
        then: impl FnOnce(&PoolView<'_>) -> Result<R>,
    ) -> Result<R> {
        match self.source {
            Source::Passes(_) => then(&view.with_probabilities(&bayesian::mean(view.passes()?))),
            Source::Committee(_) => {
                let committee = view.committee()?;
                let mean = bayesian::mean(&committee.members);
                then(&view.with_passes(committee).with_probabilities(&mean))
            }
        }
    }
}
