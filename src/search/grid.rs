//! The exhaustive grid: the ceiling that regret is measured to.

use super::history::History;
use super::{Next, Search, best_known, unknown};
use crate::arch::{Domain, Space};

/// Every point, the smallest network first, so that a budget that ends early has covered the small ones.
#[derive(Clone, Debug)]
pub struct Grid<S: Space> {
    pub(super) domain: Domain<S>,
    /// Every point, the smallest network first.
    pub(super) order: Vec<S::Point>,
    pub(super) steps: u32,
}

impl<S: Space> Search<S::Point> for Grid<S> {
    fn next(&self, history: &History<S::Point>) -> crate::Result<Next<S::Point>> {
        Ok(Next {
            ask: unknown(history, &self.order, self.steps),
            incumbent: best_known(&self.domain, history, self.steps),
        })
    }
}
