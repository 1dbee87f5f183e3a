//! [`SearchPlan`]: which search, where, and at what cost.

use super::Search;
use super::error::SearchError;
use super::method::{Method, Walk};
use crate::arch::{Domain, Space};
use crate::error::Result;
use crate::rng::Key;
use std::sync::Arc;

/// The most gradient steps of one training of one candidate.
pub const MAX_STEPS: u32 = 10_000_000;
/// The most folds.
pub const MAX_FOLDS: u32 = 100;

/// One search over one space with one budget.
#[derive(Clone, Debug)]
pub struct SearchPlan<S: Space> {
    /// The search.
    pub method: Arc<dyn Method<S>>,
    /// Where it walks.
    pub space: S,
    /// Where it starts; the smallest point unless said otherwise.
    pub start: Option<S::Point>,
    /// Gradient steps of one training of one candidate; what its final score is made with.
    pub steps: u32,
    /// Trainings of one candidate: folds of the cross-validation, 1 for a single split.
    pub folds: u32,
    /// Gradient steps of the whole search.
    pub budget: u64,
}

/// A search ready to run, and the domain it walks.
pub type Built<S> = (Domain<S>, Box<dyn Search<<S as Space>::Point>>);

impl<S: Space> SearchPlan<S> {
    /// Gradient steps that one candidate is charged.
    pub fn candidate_cost(&self) -> u64 {
        u64::from(self.steps) * u64::from(self.folds)
    }

    /// Checks every setting and binds the search to a task's shape.
    ///
    /// # Errors
    /// [`SearchError::Setting`], or [`SpaceError`](crate::arch::SpaceError) for a space or a point that
    /// is refused.
    pub fn build(&self, inputs: usize, outputs: usize, key: Key) -> Result<Built<S>> {
        let domain = Domain::new(self.space.clone(), inputs, outputs)?;
        let start = self.start.clone().unwrap_or_else(|| self.space.start());
        domain.spec(&start)?;
        SearchError::unless_within("steps", self.steps, 1, MAX_STEPS)?;
        SearchError::unless_within("folds", self.folds, 1, MAX_FOLDS)?;
        // Draws are derived from the name as tables once had it, with a hyphen between words.
        let key = key.named(&self.method.name().replace('_', "-"));
        let walk = Walk { domain: domain.clone(), start, steps: self.steps, key };
        Ok((domain, self.method.search(walk)?))
    }
}
