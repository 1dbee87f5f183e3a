//! Simulated annealing, driven by argmin.
//!
//! Kirkpatrick, Gelatt & Vecchi, "Optimization by Simulated Annealing", Science 220, 1983. The solver is
//! our own under argmin's [`Executor`]: argmin's accepts by `1 / (1 + exp(Δ/τ))`, refusing half of the
//! moves between equals, and owns a generator that is seeded by the operating system; the published
//! rule is `exp(-Δ/τ)`, and here randomness comes from the key and the number of the iteration. So
//! there is no problem state that a checkpoint could miss.
//!
//! argmin calls the cost function; a search is asked. The two meet in a cost function that reads the
//! history: the first point it does not know ends the run, and is what is asked for. Costs are negated
//! scores. A failure costs [`f64::MAX`], which argmin's state can hold and compare; with a NaN as its
//! first cost a run would end well without any best point.

use super::error::SearchError;
use super::history::{Candidate, History};
use super::method::{Method, MethodEntry, Walk};
use super::{Next, Search};
use crate::arch::Space;
use crate::registry::Setting;
use argmin::core::observers::{Observe, ObserverMode};
use argmin::core::{CostFunction, Error as ArgminError, Executor, IterState, KV, Problem, Solver, State};
use argmin::kv;
use rand::RngExt;
use std::sync::{Arc, Mutex, PoisonError};

/// Walks over ±1 neighbours; a worse one is accepted with probability `exp(-Δ/τ)`, where Δ is the loss
/// in mean score and `τ = temperature * cooling^(t mod reheat)` in iteration `t`. Without reheating, a
/// walk in a small space freezes where it knows all neighbours, and leaves its budget unspent.
#[derive(Clone, Copy, Debug)]
pub struct Annealing {
    /// τ₀, in units of the score.
    pub temperature: f64,
    /// The factor on τ per iteration.
    pub cooling: f64,
    /// Iterations after which the temperature starts again.
    pub reheat: u64,
    /// The most iterations; a return to a point that was scored already is free, but is one.
    pub iterations: u64,
}

/// The most iterations.
const MAX_ITERATIONS: u64 = 1_000_000;

/// The registered search.
pub const ENTRY: MethodEntry = MethodEntry::new(
    "annealing",
    "Settings of `\"annealing\"` (Kirkpatrick et al., Science 1983): a worse neighbour is moved to with probability \
     `exp(-loss / t)`, where `t` is the temperature.",
    &[
        Setting::number("temperature", [1e-9, 1e3], 0.05, "The first temperature, in accuracy."),
        Setting::number(
            "cooling",
            [1e-6, 1.0],
            0.9,
            "The factor of the temperature from one iteration to the next.",
        ),
        Setting::whole(
            "reheat",
            [1, MAX_ITERATIONS],
            50,
            "Iterations after which the temperature starts again.",
        ),
        Setting::whole(
            "iterations",
            [1, MAX_ITERATIONS],
            1_000,
            "The most iterations; a return to a network that was scored already is free, but is one.",
        ),
    ],
    |settings| {
        let (temperature, cooling) = (settings.number("temperature"), settings.number("cooling"));
        let (reheat, iterations) = (settings.whole("reheat"), settings.whole("iterations"));
        Arc::new(Annealing { temperature, cooling, reheat, iterations })
    },
);

impl<S: Space> Method<S> for Annealing {
    fn name(&self) -> &'static str {
        ENTRY.name
    }

    fn search(&self, walk: Walk<S>) -> crate::Result<Box<dyn Search<S::Point>>> {
        SearchError::unless_within("temperature", self.temperature, f64::MIN_POSITIVE, f64::MAX)?;
        SearchError::unless_within("cooling", self.cooling, f64::MIN_POSITIVE, 1.0)?;
        SearchError::unless_within("reheat", self.reheat, 1, u64::MAX)?;
        SearchError::unless_within("iterations", self.iterations, 1, MAX_ITERATIONS)?;
        Ok(Box::new(Cooling { settings: *self, walk }))
    }
}

struct Cooling<S: Space> {
    settings: Annealing,
    walk: Walk<S>,
}

/// One iteration of the walk.
#[derive(Clone, Debug, PartialEq)]
struct Iteration<P> {
    /// The number of the iteration, from zero.
    number: u64,
    /// The temperature that the move was judged by.
    temperature: f64,
    /// Whether the proposed point was moved to.
    accepted: bool,
    /// Where the walk is afterwards.
    point: P,
    /// The cost there: the negated mean score, or [`f64::MAX`] for a failure.
    cost: f64,
}

type Iterating<P> = IterState<P, (), (), (), (), f64>;

impl<S: Space> Cooling<S> {
    /// The walk as far as `history` allows, and the candidate it waits for, if any.
    ///
    /// # Errors
    /// [`SearchError::Annealing`] if argmin refuses to go on.
    #[allow(clippy::type_complexity)]
    fn walk(
        &self,
        history: &History<S::Point>,
    ) -> Result<(Vec<Iteration<S::Point>>, Option<Candidate<S::Point>>), SearchError> {
        let trace = Arc::new(Mutex::new(Vec::new()));
        let run = Executor::new(Landscape { search: self, history }, Metropolis { search: self })
            .configure(|state: Iterating<S::Point>| {
                state.param(self.walk.start.clone()).max_iters(self.settings.iterations)
            })
            .ctrlc(false)
            .add_observer(Trace(Arc::clone(&trace)), ObserverMode::Always)
            .run();
        let waits = match run {
            Ok(_) => None,
            Err(error) => match error.downcast::<Unknown<S::Point>>() {
                Ok(Unknown(candidate)) => Some(candidate),
                Err(error) => return Err(SearchError::Annealing { reason: error.to_string() }),
            },
        };
        let walked = std::mem::take(&mut *trace.lock().unwrap_or_else(PoisonError::into_inner));
        Ok((walked, waits))
    }
}

impl<S: Space> Search<S::Point> for Cooling<S> {
    fn next(&self, history: &History<S::Point>) -> crate::Result<Next<S::Point>> {
        let (_, waits) = self.walk(history)?;
        let incumbent = self.walk.best(history);
        Ok(Next { ask: waits.into_iter().collect(), incumbent })
    }
}

/// The candidate whose score the walk needs and does not have.
#[derive(Debug, thiserror::Error)]
#[error("not scored yet: {0:?}")]
struct Unknown<P: std::fmt::Debug>(Candidate<P>);

/// The negated scores of a history.
struct Landscape<'a, S: Space> {
    search: &'a Cooling<S>,
    history: &'a History<S::Point>,
}

impl<S: Space> CostFunction for Landscape<'_, S> {
    type Param = S::Point;
    type Output = f64;

    fn cost(&self, point: &S::Point) -> Result<f64, ArgminError> {
        let candidate = self.search.walk.candidate(point);
        match self.history.get(&candidate) {
            Some(outcome) => Ok(outcome.mean().map_or(f64::MAX, |mean| -mean)),
            None => Err(Unknown(candidate).into()),
        }
    }
}

/// The solver: one proposal and one decision per iteration.
struct Metropolis<'a, S: Space> {
    search: &'a Cooling<S>,
}

impl<S: Space> Solver<Landscape<'_, S>, Iterating<S::Point>> for Metropolis<'_, S> {
    fn name(&self) -> &str {
        "simulated annealing"
    }

    fn init(
        &mut self,
        problem: &mut Problem<Landscape<'_, S>>,
        mut state: Iterating<S::Point>,
    ) -> Result<(Iterating<S::Point>, Option<KV>), ArgminError> {
        let start = state.take_param().unwrap_or_else(|| self.search.walk.start.clone());
        let cost = problem.cost(&start)?;
        Ok((state.param(start).cost(cost), None))
    }

    fn next_iter(
        &mut self,
        problem: &mut Problem<Landscape<'_, S>>,
        mut state: Iterating<S::Point>,
    ) -> Result<(Iterating<S::Point>, Option<KV>), ArgminError> {
        let number = state.get_iter();
        let temperature = self.search.settings.temperature
            * self.search.settings.cooling.powf((number % self.search.settings.reheat) as f64);
        let (here, cost) =
            (state.take_param().unwrap_or_else(|| self.search.walk.start.clone()), state.get_cost());
        let mut rng = self.search.walk.key.named("iteration").at(number).rng();
        let around = self.search.walk.domain.neighbours(&here);
        let (to, accepted) = if around.is_empty() {
            ((here, cost), false)
        } else {
            let there = around[rng.random_range(0..around.len())].clone();
            let new = problem.cost(&there)?;
            // Drawn whether it is needed or not; equals and gains are always accepted. From a failure
            // every move is a gain or a draw, so the walk leaves it.
            let draw: f64 = rng.random();
            let accepted = new <= cost || draw < (-(new - cost) / temperature).exp();
            (if accepted { (there, new) } else { (here, cost) }, accepted)
        };
        Ok((state.param(to.0).cost(to.1), Some(kv!("temperature" => temperature; "accepted" => accepted;))))
    }
}

/// Keeps what argmin reports of each iteration.
struct Trace<P>(Arc<Mutex<Vec<Iteration<P>>>>);

impl<P: Clone> Observe<Iterating<P>> for Trace<P> {
    fn observe_iter(&mut self, state: &Iterating<P>, kv: &KV) -> Result<(), ArgminError> {
        if let Some(point) = state.get_param() {
            let iteration = Iteration {
                number: state.get_iter(),
                temperature: kv.get("temperature").and_then(|value| value.get_float()).unwrap_or(f64::NAN),
                accepted: kv.get("accepted").and_then(|value| value.get_bool()).unwrap_or(false),
                point: point.clone(),
                cost: state.get_cost(),
            };
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push(iteration);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::history::{Outcome, Record};
    use super::*;
    use crate::arch::{ArchSpace, Domain, Point};
    use crate::rng::Key;

    fn annealing(temperature: f64, iterations: u64, seed: u64) -> Cooling<ArchSpace> {
        let space = ArchSpace::default();
        let domain = Domain::new(space, 64, 10).unwrap();
        Cooling {
            settings: Annealing { temperature, cooling: 0.9, reheat: 50, iterations },
            walk: Walk { domain, start: space.start(), steps: 5, key: Key::root(seed) },
        }
    }

    /// A history that knows every point of the grid.
    fn known(score: impl Fn(&Point) -> f64) -> History<Point> {
        let mut history = History::default();
        for point in ArchSpace::default().points() {
            let outcome = Outcome::of(vec![score(&point)]);
            history.push(Record { candidate: Candidate { point, steps: 5 }, charged: 5, outcome });
        }
        history
    }

    #[test]
    fn the_walk_waits_for_the_first_score_it_does_not_know() {
        let search = annealing(0.05, 10, 1);
        let mut history = History::default();
        let (walked, waits) = search.walk(&history).unwrap();
        assert_eq!((walked.len(), waits.clone().unwrap().point), (0, Point::new(1, 1)));
        let outcome = Outcome::of(vec![0.5]);
        history.push(Record { candidate: waits.unwrap(), charged: 5, outcome });
        let (walked, waits) = search.walk(&history).unwrap();
        assert!(walked.is_empty());
        assert!(search.walk.domain.neighbours(&Point::new(1, 1)).contains(&waits.unwrap().point));
    }

    #[test]
    fn temperatures_fall_and_every_step_is_a_neighbour() {
        let (walked, waits) = annealing(0.05, 120, 2).walk(&known(|p| p.total() as f64 / 60.0)).unwrap();
        assert_eq!((walked.len(), waits), (120, None));
        let neighbours = |p: &Point| ArchSpace::default().neighbours(p);
        for (number, pair) in walked.windows(2).enumerate() {
            assert_eq!(pair[0].number, number as u64);
            assert!((pair[0].temperature - 0.05 * 0.9f64.powi(number as i32 % 50)).abs() < 1e-12);
            let moved = pair[0].point != pair[1].point;
            assert_eq!(moved, pair[1].accepted);
            assert!(!moved || neighbours(&pair[0].point).contains(&pair[1].point));
            assert_eq!(pair[1].cost, -(pair[1].point.total() as f64) / 60.0);
        }
    }

    /// `exp(-Δ/τ)` for a loss of τ ln 4 is a quarter; a gain and a draw are always accepted.
    #[test]
    fn losses_are_accepted_as_kirkpatrick_says() {
        let share = |loss: f64| {
            let history = known(|p| if p.total() == 1 { 0.9 } else { 0.9 - loss });
            let first = |seed| annealing(0.05, 1, seed).walk(&history).unwrap().0[0].accepted;
            (0..2_000).filter(|&seed| first(seed)).count() as f64 / 2_000.0
        };
        let quarter = share(0.05 * 4f64.ln());
        assert!((quarter - 0.25).abs() < 0.04, "{quarter}");
        assert_eq!(share(0.0), 1.0);
        assert_eq!(share(-0.1), 1.0);
    }

    /// With a NaN as its first cost, argmin alone would end well and without a best point.
    #[test]
    fn a_walk_that_starts_on_a_failure_leaves_it() {
        let history = known(|p| if p.total() < 3 { f64::NAN } else { 0.5 });
        let search = annealing(0.05, 100, 3);
        let (walked, _) = search.walk(&history).unwrap();
        assert_eq!(walked[0].cost, f64::MAX);
        assert!(walked[0].accepted, "from a failure to a failure is no loss");
        assert_eq!(walked[99].cost, -0.5);
        let scored = walked.iter().position(|step| step.cost < 0.0).unwrap();
        assert!(walked[scored..].iter().all(|step| step.cost < 0.0), "it never goes back");
        let incumbent = search.next(&history).unwrap().incumbent.unwrap();
        assert!(incumbent.total() >= 3);
    }
}
