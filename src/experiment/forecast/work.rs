//! Work as it is counted from a plan, before anything is run: trainings, gradient steps, operations.
//!
//! Counts follow the functions that the episodes themselves go by ([`EpisodePlan`], [`TrainPlan`]). Rules that stop
//! a fit early make them upper bounds. The nominal seconds only say how two pieces of one kind compare; what a
//! piece takes is measured.

use crate::agent::{CollectPlan, Source};
use crate::data::Task;
use crate::episode::{EpisodePlan, Measure};
use crate::learner::{Stop, TrainPlan};

/// Floating-point operations per second and core that training of small networks nominally reaches.
const FLOPS_PER_CORE: f64 = 8e9;
/// Nominal seconds of a gradient step, however small the network is.
const SECONDS_PER_STEP: f64 = 1.5e-6;
/// Nominal seconds per candidate that a policy looks at.
const SECONDS_PER_CANDIDATE: f64 = 4e-6;
/// What a hand-made strategy takes per candidate, as a share of that.
const STRATEGY: f64 = 0.1;
/// The most looks in which a policy's batch is grown, and what a later one takes as a share of the first.
const LOOKS: usize = 10;
const LATER_LOOK: f64 = 0.3;

/// An amount of work.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Work {
    /// Networks trained.
    pub trainings: f64,
    /// Gradient steps.
    pub steps: f64,
    /// Floating-point operations of training and prediction.
    pub flops: f64,
    /// Candidates that a query looks at, over all queries.
    pub looked_at: f64,
}

impl Work {
    /// One fit on so many rows, of a network with so many multiply-adds per example.
    pub fn fit(train: &TrainPlan, rows: usize, multiply_adds: f64) -> Self {
        let steps = f64::from(train.steps_for(rows));
        // Forward, backward through the inputs and through the weights; two operations each.
        let flops = steps * 6.0 * multiply_adds * train.batch.min(rows) as f64;
        Self { trainings: 1.0, steps, flops, looked_at: 0.0 }
    }

    /// One fit of an episode on so many labels of a pool, with the rows that it makes up and goes on with.
    pub fn episode_fit(
        plan: &EpisodePlan,
        train: &TrainPlan,
        (labels, task): (usize, &Task),
        multiply_adds: f64,
    ) -> Self {
        let (rows, pool) = (plan.trained_on(labels), task.pool().rows());
        let fit = Self::fit(train, rows, multiply_adds).plus(Self::generator(plan, task));
        let Some(consistency) = &plan.consistency else { return fit };
        let looked_at = consistency.looked_at(labels, pool);
        let epochs = Stop::Epochs { epochs: consistency.epochs as u32 };
        let round = Self::fit(&TrainPlan { stop: epochs, ..*train }, rows + looked_at, multiply_adds);
        let round = Self { trainings: 0.0, ..round.plus(Self::prediction(looked_at, multiply_adds)) };
        fit.plus(round.times(consistency.rounds as f64))
    }

    /// The training of the decoder that a fit makes rows by, if it does.
    fn generator(plan: &EpisodePlan, task: &Task) -> Self {
        let Some(generate) = &plan.generator else { return Self::default() };
        let own = generate.plan();
        let ends = 2 * (task.width() + task.classes()) + 3 * own.dimensions;
        let rows = if generate.pool { 2 * own.batch } else { own.batch };
        let stop = Stop::Steps { steps: own.steps };
        let work = Self::fit(
            &TrainPlan { stop, batch: rows, ..TrainPlan::default() },
            rows,
            (own.hidden * ends) as f64,
        );
        Self { trainings: 0.0, ..work }
    }

    /// Predictions for so many rows.
    pub fn prediction(rows: usize, multiply_adds: f64) -> Self {
        Self { flops: 2.0 * rows as f64 * multiply_adds, ..Self::default() }
    }

    /// So many times as much.
    pub fn times(self, n: f64) -> Self {
        Self {
            trainings: self.trainings * n,
            steps: self.steps * n,
            flops: self.flops * n,
            looked_at: self.looked_at * n,
        }
    }

    /// Both.
    pub fn plus(self, other: Self) -> Self {
        Self {
            trainings: self.trainings + other.trainings,
            steps: self.steps + other.steps,
            flops: self.flops + other.flops,
            looked_at: self.looked_at + other.looked_at,
        }
    }

    /// Nominal seconds of one core.
    pub fn nominal(self) -> f64 {
        self.flops / FLOPS_PER_CORE
            + self.steps * SECONDS_PER_STEP
            + self.looked_at * SECONDS_PER_CANDIDATE
            + self.trainings * SECONDS_PER_STEP
    }
}

impl std::iter::Sum for Work {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), Self::plus)
    }
}

/// The course of one episode on a task.
#[derive(Clone, Copy)]
pub struct EpisodeCost<'a> {
    /// What is played.
    pub plan: &'a EpisodePlan,
    /// Where.
    pub task: &'a Task,
    /// Multiply-adds per example of its network.
    pub multiply_adds: f64,
    /// Networks that are trained for a query besides the episode's own.
    pub extras: usize,
    /// What a query takes per candidate, as a share of a policy's look.
    pub look: f64,
}

impl<'a> EpisodeCost<'a> {
    /// An episode with the plan's own network, and none besides.
    pub fn own(plan: &'a EpisodePlan, task: &'a Task) -> Self {
        // A shape that is refused is refused where it is played.
        let multiply_adds = plan.spec(task).map_or(0.0, |spec| spec.multiply_adds() as f64);
        Self { plan, task, multiply_adds, extras: 0, look: 1.0 }
    }

    /// Queries in all.
    pub fn queries(&self) -> usize {
        self.plan.budget.div_ceil(self.plan.query_size.max(1))
    }

    /// Labels after so many queries.
    pub fn labels(&self, queries: usize) -> usize {
        let bought = queries.saturating_mul(self.plan.query_size).min(self.plan.budget);
        (self.plan.initial_count(self.task) + bought).min(self.task.pool().rows())
    }

    /// From the first fit to the one after so many queries; `looks` queries were prepared.
    pub fn up_to(&self, queries: usize, looks: usize) -> Work {
        let members = self.plan.ensemble as f64;
        let fits = |round: usize| {
            let labels = self.labels(round);
            let train = self.plan.train_in(u32::try_from(round).unwrap_or(u32::MAX));
            let fits = if self.plan.fit_per_label && round > 0 { labels - self.labels(round - 1) } else { 1 };
            let held = self.task.reward().labels().len()
                + if self.plan.measure == Measure::Reward { 0 } else { self.task.test().labels().len() };
            let known = (labels, self.task);
            let fit = Work::episode_fit(self.plan, &train, known, self.multiply_adds).times(fits as f64);
            fit.plus(Work::prediction(held, self.multiply_adds)).times(members)
        };
        let query = |round: usize| {
            let labels = self.labels(round);
            let candidates = self.task.pool().rows() - labels;
            let (train, known) = (self.plan.from_scratch(), (labels, self.task));
            let extras = Work::episode_fit(self.plan, &train, known, self.multiply_adds);
            let look = Work { looked_at: self.look * candidates as f64, ..Work::default() };
            let networks =
                extras.times(self.extras as f64).plus(Work::prediction(candidates, self.multiply_adds));
            networks.times(members).plus(look)
        };
        (0..=queries).map(fits).sum::<Work>().plus((0..looks).map(query).sum())
    }

    /// All of it.
    pub fn whole(&self) -> Work {
        self.up_to(self.queries(), self.queries())
    }
}

/// Who plays on a source task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// A learned policy, which looks again as a batch grows.
    Policy,
    /// A hand-made strategy.
    Strategy,
}

/// What is played on a source task: one episode, measured on reward rows.
pub fn played_on(source: &Source, by: By) -> Work {
    let plan = EpisodePlan { measure: Measure::Reward, ..source.plan.clone() };
    let later = (LOOKS.min(plan.query_size) - 1) as f64;
    let look = match by {
        By::Policy => 1.0 + LATER_LOOK * later,
        By::Strategy => STRATEGY,
    };
    EpisodeCost { look, ..EpisodeCost::own(&plan, source.prepared_tasks[0].task()) }.whole()
}

/// States of a source task that are visited, with their candidates looked ahead at.
pub fn collected_on(source: &Source, collect: &CollectPlan) -> Work {
    let task = source.prepared_tasks[0].task();
    let cost = EpisodeCost::own(&source.plan, task);
    // Rounds are drawn uniformly, so the middle one stands for them.
    let labels = cost.labels(cost.queries() / 2);
    let known = (labels + 1, &**task);
    let ahead = Work::episode_fit(&source.plan, &source.plan.from_scratch(), known, cost.multiply_adds)
        .plus(Work::prediction(task.reward().labels().len(), cost.multiply_adds));
    // What margin looks at between the queries of a rollout.
    let between = Work::prediction(task.pool().rows() - labels, cost.multiply_adds);
    let states = collect.states_on(source);
    // The first and the last state of an episode are seen, too.
    let seen = (states + 2 * collect.episodes) * (task.pool().rows() - labels);
    played_on(source, By::Strategy)
        .times(collect.episodes as f64)
        .plus(ahead.times((states * collect.candidates * collect.horizon) as f64))
        .plus(between.times((states * collect.candidates * (collect.horizon - 1)) as f64))
        .plus(Work { looked_at: seen as f64, ..Work::default() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::plan::Plan;
    use crate::experiment::tasks;
    use crate::experiment::vocabulary::Vocabulary;

    /// Ten queries of one label after a label of each of three classes; five steps per fit.
    #[test]
    fn a_course_is_counted_as_by_hand() {
        let vocabulary = Vocabulary { datasets: vec!["iris"], ..Vocabulary::default() };
        let text = "[learner]\nsteps = 5\n[episode]\nrounds = 10\n[transfer]\ntargets = [\"iris\"]";
        let plan = Plan::parse(text, "x.toml", &[], None, &vocabulary).unwrap();
        let target = &plan.transfer().unwrap().targets[0];
        let prepared = tasks::prepared(&plan, &tasks::load(&plan, target).unwrap(), 0).unwrap();
        let (episode, task) = (tasks::episode_plan(&plan).unwrap(), prepared.task());
        let cost = EpisodeCost { extras: 2, ..EpisodeCost::own(&episode, task) };
        assert_eq!((cost.queries(), cost.labels(0), cost.labels(10)), (10, 3, 13));
        let whole = cost.whole();
        assert_eq!((whole.trainings, whole.steps), (11.0 + 20.0, 5.0 * 31.0));
        // Stopped in the third query: three fits, and three looks.
        let stopped = cost.up_to(2, 3);
        assert_eq!((stopped.trainings, stopped.steps), (3.0 + 6.0, 5.0 * 9.0));
        let pool = task.pool().rows() as f64;
        assert_eq!(stopped.looked_at, 3.0 * pool - (3.0 + 4.0 + 5.0));
        assert!(stopped.nominal() < whole.nominal());
        let other = cost.up_to(10, 10);
        assert_eq!(other, whole);
        assert_eq!(whole.times(2.0), whole.plus(other));
    }
}
