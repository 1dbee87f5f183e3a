//! The exhaustive grid: the ceiling that regret is measured to.

use super::history::History;
use super::{Next, Search, best_known, unknown};
use crate::arch::{Domain, Space};

/// Every point, the smallest network first, so that a budget that ends early has covered the small ones.
#[derive(Clone, Debug)]
pub struct Grid<S: Space> {
    pub(super) domain: Domain<S>,
    pub(super) steps: u32,
}

impl<S: Space> Search<S::Point> for Grid<S> {
    fn next(&self, history: &History<S::Point>) -> crate::Result<Next<S::Point>> {
        let mut points = self.domain.points();
        points.sort_by_cached_key(|point| self.domain.size(point));
        Ok(Next {
            ask: unknown(history, &points, self.steps),
            incumbent: best_known(&self.domain, history, self.steps),
        })
    }
}
