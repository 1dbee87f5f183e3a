//! Fixed architectures: the floor. No search at all with one point, the best of a shortlist with more.

use super::history::History;
use super::{Next, Search, best_known, unknown};
use crate::arch::{Domain, Space};

/// Scores the given points and keeps the best.
#[derive(Clone, Debug)]
pub struct Fixed<S: Space> {
    pub(super) domain: Domain<S>,
    pub(super) points: Vec<S::Point>,
    pub(super) steps: u32,
}

impl<S: Space> Search<S::Point> for Fixed<S> {
    fn next(&self, history: &History<S::Point>) -> crate::Result<Next<S::Point>> {
        Ok(Next {
            ask: unknown(history, &self.points, self.steps),
            incumbent: best_known(&self.domain, history, self.steps),
        })
    }
}
