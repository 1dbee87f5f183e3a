//! Random search without replacement.
//!
//! Bergstra & Bengio, "Random Search for Hyper-Parameter Optimization", JMLR 2012.

use super::history::History;
use super::{Next, Search, best_known, shuffled_from, unknown};
use crate::arch::{Domain, Space};
use crate::rng::Key;

/// The start, then all other points in random order.
#[derive(Clone, Debug)]
pub struct RandomSearch<S: Space> {
    pub(super) domain: Domain<S>,
    pub(super) start: S::Point,
    pub(super) steps: u32,
    pub(super) key: Key,
}

impl<S: Space> Search<S::Point> for RandomSearch<S> {
    fn next(&self, history: &History<S::Point>) -> crate::Result<Next<S::Point>> {
        let order = shuffled_from(&self.domain, &self.start, self.key.named("order"));
        Ok(Next {
            ask: unknown(history, &order, self.steps),
            incumbent: best_known(&self.domain, history, self.steps),
        })
    }
}
