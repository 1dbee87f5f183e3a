//! Ageing evolution.
//!
//! Real, Aggarwal, Huang & Le, "Regularized Evolution for Image Classifier Architecture Search", AAAI
//! 2019. Published with a population of 100 and samples of 25; small spaces want 8 and 3.

use super::choice::better;
use super::error::SearchError;
use super::history::{Candidate, History};
use super::method::{Method, MethodEntry, Walk};
use super::{Next, Search, unknown};
use crate::arch::Space;
use crate::error::Result;
use crate::registry::Setting;
use rand::RngExt;
use std::collections::VecDeque;
use std::sync::Arc;

/// The largest population, and sample from it.
const MAX_POPULATION: usize = 10_000;
/// The most cycles.
const MAX_CYCLES: u64 = 1_000_000;

/// Each cycle draws a sample from the population with replacement, mutates its best member to a random
/// ±1 neighbour, adds the child and removes the *oldest* member. A child whose score is known joins at
/// no cost; a failed one joins too, below every score, and ages out like any other.
#[derive(Clone, Copy, Debug)]
pub struct Evolution {
    /// Members; fewer where the space has fewer points.
    pub population: usize,
    /// Members drawn for one tournament.
    pub sample: usize,
    /// The most cycles, costless ones included.
    pub cycles: u64,
}

/// The registered search.
pub const ENTRY: MethodEntry = MethodEntry::new(
    "evolution",
    "Settings of `\"evolution\"` (Real et al., AAAI 2019). Published with a population of 100 and samples of 25; \
     small spaces want fewer.",
    &[
        Setting::whole(
            "population",
            [1, MAX_POPULATION as u64],
            8,
            "Members of the population; fewer where the space has fewer points.",
        ),
        Setting::whole(
            "sample",
            [1, MAX_POPULATION as u64],
            3,
            "Members drawn, with replacement, of which the best is mutated.",
        ),
        Setting::whole(
            "cycles",
            [1, MAX_CYCLES],
            1_000,
            "The most cycles; a child that was scored already is free, but is one.",
        ),
    ],
    |settings| {
        let (population, sample) = (settings.whole("population"), settings.whole("sample"));
        Arc::new(Evolution { population, sample, cycles: settings.whole("cycles") })
    },
);

impl<S: Space> Method<S> for Evolution {
    fn name(&self) -> &'static str {
        ENTRY.name
    }

    fn search(&self, walk: Walk<S>) -> Result<Box<dyn Search<S::Point>>> {
        SearchError::unless_within("population", self.population, 1, MAX_POPULATION)?;
        SearchError::unless_within("sample", self.sample, 1, MAX_POPULATION)?;
        SearchError::unless_within("cycles", self.cycles, 1, MAX_CYCLES)?;
        Ok(Box::new(Ageing { settings: *self, order: walk.order(), walk }))
    }
}

struct Ageing<S: Space> {
    settings: Evolution,
    walk: Walk<S>,
    /// Every point, the start first: the first population is the beginning of it.
    order: Vec<S::Point>,
}

impl<S: Space> Ageing<S> {
    /// The population after as many cycles as `history` allows, oldest first, and the candidates that
    /// the next cycle (or the first population) waits for.
    fn evolve(&self, history: &History<S::Point>) -> (VecDeque<S::Point>, Vec<Candidate<S::Point>>) {
        let mut population: VecDeque<S::Point> =
            self.order.iter().take(self.settings.population).cloned().collect();
        let waits = unknown(history, &population, self.walk.steps);
        if !waits.is_empty() {
            return (population, waits);
        }
        // With every point scored there is nothing left to find.
        let done = history.records().iter().filter(|r| r.candidate.steps == self.walk.steps).count()
            >= self.order.len();
        for cycle in 0..if done { 0 } else { self.settings.cycles } {
            let mut rng = self.walk.key.named("cycle").at(cycle).rng();
            let mut parent: Option<(&S::Point, f64)> = None;
            for _ in 0..self.settings.sample {
                let drawn = &population[rng.random_range(0..population.len())];
                let fitness = history
                    .get(&self.walk.candidate(drawn))
                    .and_then(|outcome| outcome.mean())
                    .unwrap_or(f64::NEG_INFINITY);
                if parent.is_none_or(|(_, best)| better(fitness, best)) {
                    parent = Some((drawn, fitness));
                }
            }
            let around = parent.map(|(point, _)| self.walk.domain.neighbours(point)).unwrap_or_default();
            if around.is_empty() {
                continue;
            }
            let child = around[rng.random_range(0..around.len())].clone();
            if history.get(&self.walk.candidate(&child)).is_none() {
                let waits = vec![self.walk.candidate(&child)];
                return (population, waits);
            }
            population.push_back(child);
            population.pop_front();
        }
        (population, Vec::new())
    }
}

impl<S: Space> Search<S::Point> for Ageing<S> {
    fn next(&self, history: &History<S::Point>) -> Result<Next<S::Point>> {
        let (_, ask) = self.evolve(history);
        Ok(Next { ask, incumbent: self.walk.best(history) })
    }
}

#[cfg(test)]
mod tests {
    use super::super::history::{Outcome, Record};
    use super::*;
    use crate::arch::{ArchSpace, Domain};
    use crate::rng::Key;

    fn ageing(settings: Evolution, key: Key) -> Ageing<ArchSpace> {
        let space = ArchSpace::default();
        let domain = Domain::new(space, 64, 10).unwrap();
        let walk = Walk { domain, start: space.start(), steps: 1, key };
        Ageing { settings, order: walk.order(), walk }
    }

    /// One joins, the oldest leaves: the population after each training is the one before, shifted.
    #[test]
    fn the_population_is_constant_and_loses_its_oldest() {
        for (population, expected) in [(8, 8), (100, 60), (1, 1)] {
            let search = ageing(Evolution { population, sample: 3, cycles: 500 }, Key::root(6));
            let mut history = History::default();
            let mut before: Option<Vec<_>> = None;
            loop {
                let (members, waits) = search.evolve(&history);
                let members = Vec::from(members);
                assert_eq!(members.len(), expected);
                if let Some(before) = before {
                    let gone = (0..=expected).find(|&gone| members.starts_with(&before[gone..]));
                    assert!(gone.is_some(), "{before:?} -> {members:?}");
                }
                before = Some(members);
                let Some(candidate) = waits.into_iter().next() else { break };
                let score = (candidate.point.total() * 37 % 61) as f64 / 61.0;
                history.push(Record { candidate, charged: 1, outcome: Outcome::of(vec![score]) });
            }
            assert!(history.records().len() >= expected.max(12), "{} trainings", history.records().len());
        }
    }

    /// With a sample that all but surely holds the best member, every child is one of its neighbours.
    #[test]
    fn children_are_neighbours_of_the_best_of_the_sample() {
        let domain = Domain::new(ArchSpace::default(), 64, 10).unwrap();
        let start = ArchSpace::default().start();
        let mut children = 0;
        for seed in 0..20 {
            let search = ageing(Evolution { population: 8, sample: 200, cycles: 1 }, Key::root(seed));
            let mut history = History::default();
            for candidate in search.evolve(&history).1 {
                let outcome = Outcome::of(vec![1.0 / candidate.point.total() as f64]);
                history.push(Record { candidate, charged: 1, outcome });
            }
            for child in search.evolve(&history).1 {
                assert!(domain.neighbours(&start).contains(&child.point), "{child:?}");
                children += 1;
            }
        }
        assert!(children > 10, "only {children} children were not in the first population already");
    }
}
