//! The exhaustive grid: the ceiling that regret is measured to.

use super::history::History;
use super::method::{Method, MethodEntry, Walk};
use super::{Next, Search};
use crate::arch::Space;
use crate::error::Result;
use std::sync::Arc;

/// Every point, the smallest network first, so that a budget that ends early has covered the small ones.
#[derive(Clone, Copy, Debug)]
pub struct Grid;

/// The registered search.
pub const ENTRY: MethodEntry = MethodEntry::new("grid", "Every point of the space.", &[], |_| Arc::new(Grid));

impl<S: Space> Method<S> for Grid {
    fn name(&self) -> &'static str {
        ENTRY.name
    }

    fn search(&self, walk: Walk<S>) -> Result<Box<dyn Search<S::Point>>> {
        let mut order = walk.domain.points();
        order.sort_by_cached_key(|point| walk.domain.size(point));
        Ok(Box::new(BySize { walk, order }))
    }
}

struct BySize<S: Space> {
    walk: Walk<S>,
    order: Vec<S::Point>,
}

impl<S: Space> Search<S::Point> for BySize<S> {
    fn next(&self, history: &History<S::Point>) -> Result<Next<S::Point>> {
        Ok(self.walk.next(history, &self.order))
    }
}
