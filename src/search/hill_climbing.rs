//! Steepest ascent over the ±1 neighbours, with restarts while the budget lasts.

use super::history::{Candidate, History};
use super::method::{Method, MethodEntry, Walk};
use super::{Next, Search, choice};
use crate::arch::Space;
use crate::error::Result;
use crate::registry::Setting;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Moves to the best neighbour while that is better than the present point; at a summit it starts again
/// from a point not seen yet, drawn at random, up to `restarts` times.
#[derive(Clone, Copy, Debug)]
pub struct HillClimbing {
    /// How often it starts again from a random point.
    pub restarts: u32,
}

/// The registered search.
pub const ENTRY: MethodEntry = MethodEntry::new(
    "hill_climbing",
    "Settings of `\"hill_climbing\"`.",
    &[Setting::whole("restarts", [0, 1_000_000], 1_000, "How often it starts again from a random point.")],
    |settings| Arc::new(HillClimbing { restarts: settings.whole("restarts") }),
);

impl<S: Space> Method<S> for HillClimbing {
    fn name(&self) -> &'static str {
        ENTRY.name
    }

    fn search(&self, walk: Walk<S>) -> Result<Box<dyn Search<S::Point>>> {
        Ok(Box::new(Climbing { restarts: self.restarts, order: walk.order(), walk }))
    }
}

struct Climbing<S: Space> {
    restarts: u32,
    walk: Walk<S>,
    /// Every point, in the order in which restarts take them.
    order: Vec<S::Point>,
}

impl<S: Space> Climbing<S> {
    /// The mean score at `point`; a failure is below every score.
    fn height(&self, history: &History<S::Point>, point: &S::Point) -> f64 {
        history.get(&self.walk.candidate(point)).and_then(|o| o.mean()).unwrap_or(f64::NEG_INFINITY)
    }

    /// Climbs from `at` as far as the scores are known: what has to be scored next, or nothing at a
    /// summit. Every point it looked at is added to `seen`.
    fn climb(
        &self,
        history: &History<S::Point>,
        mut at: S::Point,
        seen: &mut BTreeSet<S::Point>,
    ) -> Vec<Candidate<S::Point>> {
        loop {
            let around = self.walk.domain.neighbours(&at);
            seen.insert(at.clone());
            seen.extend(around.iter().cloned());
            let unknown: Vec<_> = [&at]
                .into_iter()
                .chain(&around)
                .map(|point| self.walk.candidate(point))
                .filter(|candidate| history.get(candidate).is_none())
                .collect();
            if !unknown.is_empty() {
                return unknown;
            }
            let here = self.height(history, &at);
            let mut best: Option<(f64, S::Point)> = None;
            for point in around {
                let height = self.height(history, &point);
                let top = best.as_ref().map_or(here, |(top, _)| *top);
                // The first of equals: `neighbours` lists smaller coordinates first.
                if choice::better(height, top) {
                    best = Some((height, point));
                }
            }
            match best {
                Some((_, point)) => at = point,
                None => return Vec::new(),
            }
        }
    }
}

impl<S: Space> Search<S::Point> for Climbing<S> {
    fn next(&self, history: &History<S::Point>) -> Result<Next<S::Point>> {
        let incumbent = self.walk.best(history);
        let mut seen = BTreeSet::new();
        let mut ask = self.climb(history, self.walk.start.clone(), &mut seen);
        if ask.is_empty() {
            for _ in 0..self.restarts {
                let Some(fresh) = self.order.iter().find(|point| !seen.contains(*point)) else { break };
                ask = self.climb(history, fresh.clone(), &mut seen);
                if !ask.is_empty() {
                    break;
                }
            }
        }
        Ok(Next { ask, incumbent })
    }
}
