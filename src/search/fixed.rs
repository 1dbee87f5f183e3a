//! Fixed architectures: the floor. No search at all with one point, the best of a shortlist with more.

use super::error::SearchError;
use super::history::History;
use super::method::{Method, Walk};
use super::{Next, Search};
use crate::arch::Space;
use crate::error::Result;

/// Scores the given points and keeps the best.
#[derive(Clone, Debug)]
pub struct Fixed<P> {
    /// At least one; of equals the first counts.
    pub points: Vec<P>,
}

impl<S: Space> Method<S> for Fixed<S::Point> {
    fn name(&self) -> &'static str {
        "fixed"
    }

    fn search(&self, walk: Walk<S>) -> Result<Box<dyn Search<S::Point>>> {
        let mut points: Vec<S::Point> = Vec::new();
        for point in &self.points {
            walk.domain.spec(point)?;
            if !points.contains(point) {
                points.push(point.clone());
            }
        }
        SearchError::unless_within("points", points.len(), 1, usize::MAX)?;
        Ok(Box::new(Listed { walk, points }))
    }
}

struct Listed<S: Space> {
    walk: Walk<S>,
    points: Vec<S::Point>,
}

impl<S: Space> Search<S::Point> for Listed<S> {
    fn next(&self, history: &History<S::Point>) -> Result<Next<S::Point>> {
        Ok(self.walk.next(history, &self.points))
    }
}
