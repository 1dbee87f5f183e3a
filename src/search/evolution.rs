//! Ageing evolution.
//!
//! Real, Aggarwal, Huang & Le, "Regularized Evolution for Image Classifier Architecture Search", AAAI
//! 2019. Published with a population of 100 and samples of 25; small spaces want 8 and 3.

use super::choice::better;
use super::history::{Candidate, History};
use super::{Next, Search, best_known, unknown};
use crate::arch::{Domain, Space};
use crate::rng::Key;
use rand::RngExt;
use std::collections::VecDeque;

/// Each cycle draws a sample from the population with replacement, mutates its best member to a random
/// ±1 neighbour, adds the child and removes the *oldest* member. A child whose score is known joins at
/// no cost; a failed one joins too, below every score, and ages out like any other.
#[derive(Clone, Debug)]
pub struct Evolution<S: Space> {
    pub(super) domain: Domain<S>,
    /// Every point, the start first: the first population is the beginning of it.
    pub(super) order: Vec<S::Point>,
    /// Members; fewer where the space has fewer points.
    pub(super) population: usize,
    /// Members drawn for one tournament.
    pub(super) sample: usize,
    /// The most cycles, costless ones included.
    pub(super) cycles: u64,
    pub(super) steps: u32,
    pub(super) key: Key,
}

impl<S: Space> Evolution<S> {
    fn candidate(&self, point: &S::Point) -> Candidate<S::Point> {
        Candidate { point: point.clone(), steps: self.steps }
    }

    /// The population after as many cycles as `history` allows, oldest first, and the candidates that
    /// the next cycle (or the first population) waits for.
    pub fn evolve(&self, history: &History<S::Point>) -> (VecDeque<S::Point>, Vec<Candidate<S::Point>>) {
        let mut population: VecDeque<S::Point> = self.order.iter().take(self.population).cloned().collect();
        let waits = unknown(history, &population, self.steps);
        if !waits.is_empty() {
            return (population, waits);
        }
        // With every point scored there is nothing left to find.
        let done =
            history.records().iter().filter(|r| r.candidate.steps == self.steps).count() >= self.order.len();
        for cycle in 0..if done { 0 } else { self.cycles } {
            let mut rng = self.key.named("cycle").at(cycle).rng();
            let mut parent: Option<(&S::Point, f64)> = None;
            for _ in 0..self.sample {
                let drawn = &population[rng.random_range(0..population.len())];
                let fitness = history
                    .get(&self.candidate(drawn))
                    .and_then(|outcome| outcome.mean())
                    .unwrap_or(f64::NEG_INFINITY);
                if parent.is_none_or(|(_, best)| better(fitness, best)) {
                    parent = Some((drawn, fitness));
                }
            }
            let around = parent.map(|(point, _)| self.domain.neighbours(point)).unwrap_or_default();
            if around.is_empty() {
                continue;
            }
            let child = around[rng.random_range(0..around.len())].clone();
            if history.get(&self.candidate(&child)).is_none() {
                let waits = vec![self.candidate(&child)];
                return (population, waits);
            }
            population.push_back(child);
            population.pop_front();
        }
        (population, Vec::new())
    }
}

impl<S: Space> Search<S::Point> for Evolution<S> {
    fn next(&self, history: &History<S::Point>) -> crate::Result<Next<S::Point>> {
        let (_, ask) = self.evolve(history);
        Ok(Next { ask, incumbent: best_known(&self.domain, history, self.steps) })
    }
}

#[cfg(test)]
mod tests {
    use super::super::history::{Outcome, Record};
    use super::super::shuffled_from;
    use super::*;
    use crate::arch::ArchSpace;

    /// One joins, the oldest leaves: the population after each training is the one before, shifted.
    #[test]
    fn the_population_is_constant_and_loses_its_oldest() {
        let domain = Domain::new(ArchSpace::default(), 64, 10).unwrap();
        for (population, expected) in [(8, 8), (100, 60), (1, 1)] {
            let key = Key::root(6);
            let order = shuffled_from(&domain, &ArchSpace::default().start(), key);
            let search = Evolution {
                domain: domain.clone(),
                order,
                population,
                sample: 3,
                cycles: 500,
                steps: 1,
                key,
            };
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
            let key = Key::root(seed);
            let order = shuffled_from(&domain, &start, key);
            let search = Evolution {
                domain: domain.clone(),
                order,
                population: 8,
                sample: 200,
                cycles: 1,
                steps: 1,
                key,
            };
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
