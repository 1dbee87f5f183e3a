//! Random search without replacement.
//!
//! Bergstra & Bengio, "Random Search for Hyper-Parameter Optimization", JMLR 2012.

use super::history::History;
use super::{Next, Search, best_known, unknown};
use crate::arch::{Domain, Space};

/// The start, then all other points in random order.
#[derive(Clone, Debug)]
pub struct RandomSearch<S: Space> {
    pub(super) domain: Domain<S>,
    /// Every point, the start first.
    pub(super) order: Vec<S::Point>,
    pub(super) steps: u32,
}

impl<S: Space> Search<S::Point> for RandomSearch<S> {
    fn next(&self, history: &History<S::Point>) -> crate::Result<Next<S::Point>> {
        Ok(Next {
            ask: unknown(history, &self.order, self.steps),
            incumbent: best_known(&self.domain, history, self.steps),
        })
    }
}
