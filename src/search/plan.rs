//! [`SearchPlan`]: which search, where, and at what cost, as plain data.

use super::annealing::Annealing;
use super::choice::Rule;
use super::error::SearchError;
use super::evolution::Evolution;
use super::fixed::Fixed;
use super::grid::Grid;
use super::halving::Halving;
use super::hill_climbing::HillClimbing;
use super::local::LocalSearch;
use super::random::RandomSearch;
use super::{Search, shuffled_from};
use crate::arch::{Domain, Space};
use crate::error::Result;
use crate::rng::Key;
use serde::{Deserialize, Serialize};

/// The most gradient steps of one training of one candidate.
pub const MAX_STEPS: u32 = 10_000_000;
/// The most folds.
pub const MAX_FOLDS: u32 = 100;
/// The largest population, and sample from it, of an evolution.
pub const MAX_POPULATION: usize = 10_000;

/// A search and its settings. Every setting has a default.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
pub enum Method<P> {
    /// Active-iNAS's monotone local search.
    Local {
        /// `T_i`: the most moves per round.
        #[serde(default = "one")]
        moves: u32,
        /// Which candidate is moved to.
        #[serde(default)]
        rule: Rule,
    },
    /// Steepest ascent over ±1 neighbours.
    HillClimbing {
        /// How often it starts again from a random point.
        #[serde(default = "restarts")]
        restarts: u32,
    },
    /// Simulated annealing over ±1 neighbours.
    Annealing {
        /// τ₀, in units of the score.
        #[serde(default = "temperature")]
        temperature: f64,
        /// The factor on τ per iteration.
        #[serde(default = "cooling")]
        cooling: f64,
        /// After how many iterations τ starts again at τ₀.
        #[serde(default = "reheat")]
        reheat: u64,
        /// The most iterations.
        #[serde(default = "iterations")]
        iterations: u64,
    },
    /// Uniformly, without replacement.
    Random {},
    /// Ageing evolution.
    Evolution {
        /// Members of the population.
        #[serde(default = "population")]
        population: usize,
        /// Members drawn for one tournament.
        #[serde(default = "sample")]
        sample: usize,
        /// The most cycles.
        #[serde(default = "iterations")]
        cycles: u64,
    },
    /// Successive halving.
    Halving {
        /// One in so many goes on, with so many times the steps.
        #[serde(default = "eta")]
        eta: u32,
        /// Rungs of one bracket; the steps must be divisible by `eta^(rungs-1)`.
        #[serde(default = "rungs")]
        rungs: u32,
        /// The most brackets, each with configurations of its own.
        #[serde(default = "brackets")]
        brackets: u32,
    },
    /// The whole grid.
    Grid {},
    /// These points and no others.
    Fixed { points: Vec<P> },
}

/// What searches are set to unless it is said.
pub mod defaults {
    /// Restarts of hill climbing.
    pub const RESTARTS: u32 = 1_000;
    /// The first temperature of annealing.
    pub const TEMPERATURE: f64 = 0.05;
    /// The factor of the temperature per iteration.
    pub const COOLING: f64 = 0.9;
    /// Iterations after which the temperature starts again.
    pub const REHEAT: u64 = 50;
    /// Iterations of annealing, and cycles of evolution.
    pub const ITERATIONS: u64 = 1_000;
    /// Members of an evolution's population.
    pub const POPULATION: usize = 8;
    /// Members of one tournament.
    pub const SAMPLE: usize = 3;
    /// One in so many goes on in successive halving.
    pub const ETA: u32 = 3;
    /// Rungs of one bracket.
    pub const RUNGS: u32 = 3;
    /// Brackets of successive halving.
    pub const BRACKETS: u32 = 1_000;
}

fn one() -> u32 {
    1
}
fn restarts() -> u32 {
    defaults::RESTARTS
}
fn temperature() -> f64 {
    defaults::TEMPERATURE
}
fn cooling() -> f64 {
    defaults::COOLING
}
fn reheat() -> u64 {
    defaults::REHEAT
}
fn iterations() -> u64 {
    defaults::ITERATIONS
}
fn population() -> usize {
    defaults::POPULATION
}
fn sample() -> usize {
    defaults::SAMPLE
}
fn eta() -> u32 {
    defaults::ETA
}
fn rungs() -> u32 {
    defaults::RUNGS
}
fn brackets() -> u32 {
    defaults::BRACKETS
}

impl<P> Method<P> {
    /// The name in tables and logs.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Local { .. } => "local",
            Self::HillClimbing { .. } => "hill-climbing",
            Self::Annealing { .. } => "annealing",
            Self::Random {} => "random",
            Self::Evolution { .. } => "evolution",
            Self::Halving { .. } => "halving",
            Self::Grid {} => "grid",
            Self::Fixed { .. } => "fixed",
        }
    }
}

/// One search over one space with one budget.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, bound = "")]
pub struct SearchPlan<S: Space> {
    /// The search.
    pub method: Method<S::Point>,
    /// Where it walks.
    pub space: S,
    /// Where it starts; the smallest point unless said otherwise.
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    pub start: Option<S::Point>,
    /// Gradient steps of one training of one candidate; what its final score is made with.
    pub steps: u32,
    /// Trainings of one candidate: folds of the cross-validation, 1 for a single split.
    pub folds: u32,
    /// Gradient steps of the whole search.
    pub budget: u64,
}

fn none<P>() -> Option<P> {
    None
}

/// A search ready to run, and the domain it walks.
pub type Built<S> = (Domain<S>, Box<dyn Search<<S as Space>::Point>>);

impl<S: Space> SearchPlan<S> {
    /// Gradient steps that one candidate is charged.
    pub fn candidate_cost(&self) -> u64 {
        u64::from(self.steps) * u64::from(self.folds)
    }

    /// Checks every setting and binds the search to a task's shape.
    ///
    /// # Errors
    /// [`SearchError::Setting`], or [`SpaceError`](crate::arch::SpaceError) for a space or a point that
    /// is refused.
    pub fn build(&self, inputs: usize, outputs: usize, key: Key) -> Result<Built<S>> {
        let domain = Domain::new(self.space.clone(), inputs, outputs)?;
        let start = self.start.clone().unwrap_or_else(|| self.space.start());
        domain.spec(&start)?;
        range("steps", self.steps, 1, MAX_STEPS)?;
        range("folds", self.folds, 1, MAX_FOLDS)?;
        let key = key.named(self.method.name());
        let steps = self.steps;
        let bound = domain.clone();
        let shuffled = |domain: &Domain<S>| shuffled_from(domain, &start, key.named("order"));
        let search: Box<dyn Search<S::Point>> = match &self.method {
            &Method::Local { moves, rule } => {
                range("moves", moves, 1, u32::MAX)?;
                Box::new(LocalSearch { domain, start, moves, rule, steps })
            }
            &Method::HillClimbing { restarts } => {
                let order = shuffled(&domain);
                Box::new(HillClimbing { domain, start, order, restarts, steps })
            }
            &Method::Annealing { temperature, cooling, reheat, iterations } => {
                if !(temperature > 0.0 && temperature.is_finite()) {
                    return refuse("temperature", temperature.to_string(), "a number above 0");
                }
                if !(cooling > 0.0 && cooling <= 1.0) {
                    return refuse("cooling", cooling.to_string(), "above 0 and at most 1");
                }
                if reheat == 0 {
                    return refuse("reheat", reheat.to_string(), "at least 1");
                }
                if !(1..=1_000_000).contains(&iterations) {
                    return refuse("iterations", iterations.to_string(), "1 to 1000000");
                }
                Box::new(Annealing { domain, start, temperature, cooling, reheat, iterations, steps, key })
            }
            Method::Random {} => Box::new(RandomSearch { order: shuffled(&domain), domain, steps }),
            &Method::Evolution { population, sample, cycles } => {
                for (setting, found) in [("population", population), ("sample", sample)] {
                    if !(1..=MAX_POPULATION).contains(&found) {
                        return refuse(setting, found.to_string(), "1 to 10000");
                    }
                }
                if !(1..=1_000_000).contains(&cycles) {
                    return refuse("cycles", cycles.to_string(), "1 to 1000000");
                }
                let order = shuffled(&domain);
                Box::new(Evolution { domain, order, population, sample, cycles, steps, key })
            }
            &Method::Halving { eta, rungs, brackets } => {
                range("eta", eta, 2, 100)?;
                range("rungs", rungs, 1, 20)?;
                range("brackets", brackets, 1, u32::MAX)?;
                let order = shuffled(&domain);
                let points = order.len();
                match Halving::<S>::width(eta, rungs) {
                    Some(width) if steps.is_multiple_of(width) && width as usize <= points => {}
                    Some(width) if width as usize <= points => {
                        let expected = format!("a multiple of {width}, {eta} to the power of {}", rungs - 1);
                        return refuse("steps", steps.to_string(), &expected);
                    }
                    _ => {
                        let found = format!("{rungs}, with {eta} to the power of {} points", rungs - 1);
                        return refuse(
                            "rungs",
                            found,
                            &format!("no more points than the space has, {points}"),
                        );
                    }
                }
                Box::new(Halving { domain, order, eta, rungs, brackets, steps })
            }
            Method::Grid {} => {
                let mut order = domain.points();
                order.sort_by_cached_key(|point| domain.size(point));
                Box::new(Grid { domain, order, steps })
            }
            Method::Fixed { points } => {
                if points.is_empty() {
                    return refuse("points", "empty".to_string(), "at least one point");
                }
                for point in points {
                    domain.spec(point)?;
                }
                let mut distinct: Vec<S::Point> = Vec::new();
                for point in points {
                    if !distinct.contains(point) {
                        distinct.push(point.clone());
                    }
                }
                Box::new(Fixed { domain, points: distinct, steps })
            }
        };
        Ok((bound, search))
    }
}

fn range(setting: &'static str, found: u32, least: u32, most: u32) -> Result<(), SearchError> {
    if (least..=most).contains(&found) {
        return Ok(());
    }
    Err(SearchError::Setting { setting, found: found.to_string(), expected: format!("{least} to {most}") })
}

fn refuse<T>(setting: &'static str, found: String, expected: &str) -> Result<T> {
    Err(SearchError::Setting { setting, found, expected: expected.to_string() }.into())
}
