//! Steepest ascent over the ±1 neighbours, with restarts while the budget lasts.

use super::history::{Candidate, History};
use super::{Next, Search, best_known, choice};
use crate::arch::{Domain, Space};
use std::collections::BTreeSet;

/// Moves to the best neighbour while that is better than the present point; at a summit it starts again
/// from a point not seen yet, drawn at random, up to `restarts` times.
#[derive(Clone, Debug)]
pub struct HillClimbing<S: Space> {
    pub(super) domain: Domain<S>,
    pub(super) start: S::Point,
    /// Every point, in the order in which restarts take them.
    pub(super) order: Vec<S::Point>,
    pub(super) restarts: u32,
    pub(super) steps: u32,
}

impl<S: Space> HillClimbing<S> {
    fn candidate(&self, point: &S::Point) -> Candidate<S::Point> {
        Candidate { point: point.clone(), steps: self.steps }
    }

    /// The mean score at `point`; a failure is below every score.
    fn height(&self, history: &History<S::Point>, point: &S::Point) -> f64 {
        history.get(&self.candidate(point)).and_then(|o| o.mean()).unwrap_or(f64::NEG_INFINITY)
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
            let around = self.domain.neighbours(&at);
            seen.insert(at.clone());
            seen.extend(around.iter().cloned());
            let unknown: Vec<_> = [&at]
                .into_iter()
                .chain(&around)
                .map(|point| self.candidate(point))
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

impl<S: Space> Search<S::Point> for HillClimbing<S> {
    fn next(&self, history: &History<S::Point>) -> crate::Result<Next<S::Point>> {
        let incumbent = best_known(&self.domain, history, self.steps);
        let mut seen = BTreeSet::new();
        let mut ask = self.climb(history, self.start.clone(), &mut seen);
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
