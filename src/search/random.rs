//! Random search without replacement.
//!
//! Bergstra & Bengio, "Random Search for Hyper-Parameter Optimization", JMLR 2012.

use super::history::History;
use super::method::{Method, MethodEntry, Walk};
use super::{Next, Search};
use crate::arch::Space;
use crate::error::Result;
use std::sync::Arc;

/// The start, then all other points in random order.
#[derive(Clone, Copy, Debug)]
pub struct Random;

/// The registered search.
pub const ENTRY: MethodEntry =
    MethodEntry::new("random", "Points drawn uniformly, without replacement.", &[], |_| Arc::new(Random));

impl<S: Space> Method<S> for Random {
    fn name(&self) -> &'static str {
        ENTRY.name
    }

    fn search(&self, walk: Walk<S>) -> Result<Box<dyn Search<S::Point>>> {
        Ok(Box::new(Shuffled { order: walk.order(), walk }))
    }
}

struct Shuffled<S: Space> {
    walk: Walk<S>,
    /// Every point, the start first.
    order: Vec<S::Point>,
}

impl<S: Space> Search<S::Point> for Shuffled<S> {
    fn next(&self, history: &History<S::Point>) -> Result<Next<S::Point>> {
        Ok(self.walk.next(history, &self.order))
    }
}
