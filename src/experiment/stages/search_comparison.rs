//! The comparison of searches: all against each other at equal cost, one cell per target and repetition.
//!
//! In one repetition all searches have the same split, labelled rows, folds and initial weights, and share
//! the scores of candidates, which costs none of them less. What a search found is trained on all of the
//! labels, from one key for all; points without a search, and the whole grid's best, are the floor and the
//! ceiling.

use super::search::space;
use super::transfer::Shared;
use super::{Failure, StageContext, TimedRow};
use crate::arch::{Domain, Point, Space};
use crate::data::{Oracle, Task, uniform_rows};
use crate::episode::Row;
use crate::error::Result;
use crate::experiment::plan::Plan;
use crate::experiment::sections::{DataRef, SearchComparison};
use crate::experiment::tasks;
use crate::learner::{DeviceKind, Metric, ModelData, Scores, Start, Stop, TrainPlan, networks};
use crate::rng::Key;
use crate::run::{Cell, Ledger, WorkerPool, run_cells};
use crate::search::{Banks, Evaluation, Grid, Method, NamedSpace, ScoreCache, SearchPlan, search};
use std::collections::BTreeMap;
use std::sync::Arc;

/// One cell: a target, and the number of a repetition on it.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    pub target: DataRef,
    pub repetition: u32,
}

/// The name of the whole grid's best among the rows.
pub const CEILING: &str = "grid, whole";

/// All cells, repetitions first, so that early results are of all targets.
pub fn trials(search_comparison: &SearchComparison) -> Vec<Cell<Trial>> {
    let of = |repetition: u32| {
        search_comparison.targets.iter().map(move |target| Cell {
            key: format!("search comparison/{}/{repetition}", target.name()),
            input: Trial { target: target.clone(), repetition },
        })
    };
    (0..search_comparison.repetitions).flat_map(of).collect()
}

/// Runs the cells that are not done, and returns their rows and those that have none.
pub fn search_comparison<W>(
    search_comparison: &SearchComparison,
    ledger: &mut Ledger,
    worker_pool: WorkerPool<'_>,
    work: W,
) -> Result<(Vec<TimedRow>, Vec<Failure>)>
where
    W: Fn(&Trial) -> Result<Vec<TimedRow>> + Sync,
{
    let cells = trials(search_comparison);
    let outcomes = run_cells("search comparison", &cells, ledger, worker_pool, |cell| work(&cell.input))?;
    let (done, failures): (Vec<Vec<TimedRow>>, _) = super::results(&cells, outcomes);
    Ok((done.into_iter().flatten().collect(), failures))
}

/// The name under which a search's rows stand.
pub fn label(method: &str, budget: u64) -> String {
    format!("{method} {budget}x")
}

/// Plays one bout.
pub fn trial(
    plan: &Plan,
    trial: &Trial,
    stage_context: StageContext<'_>,
    shared: &Shared,
) -> Result<Vec<TimedRow>> {
    super::check_cancelled(stage_context)?;
    let search_comparison = plan.search_comparison().expect("the stage runs where there is a section");
    let dataset = shared.dataset(plan, &trial.target, stage_context)?;
    let prepared = shared.prepared(plan, &trial.target, &dataset, trial.repetition)?;
    let task = prepared.task();
    let key = tasks::replicate_key(plan, &dataset, trial.repetition).named("rivals");
    match &search_comparison.free {
        Some(free) => played(plan, search_comparison, task, trial.repetition, key, free.clone(), &[]),
        None => {
            let section = plan.search().expect("a plan that compares searches on it has a space");
            let fixed: Vec<(String, Point)> = search_comparison
                .points()
                .map(|point| (format!("A({},{})", point.blocks, point.stacks), point))
                .collect();
            let space = space(section, plan.learner().dropout);
            played(plan, search_comparison, task, trial.repetition, key, space, &fixed)
        }
    }
}

/// Plays one bout in `space`; `fixed` points are trained without any search, under their names.
fn played<S: NamedSpace>(
    plan: &Plan,
    search_comparison: &SearchComparison,
    task: &Arc<Task>,
    repetition: u32,
    key: Key,
    space: S,
    fixed: &[(String, S::Point)],
) -> Result<Vec<TimedRow>> {
    let domain = Domain::new(space.clone(), task.width(), task.classes())?;
    let training = plan.learner().train_plan();
    let mut rows = Vec::new();
    let methods: Vec<(&str, Arc<dyn Method<S>>)> = search_comparison
        .methods
        .iter()
        .map(|&name| (name, S::method(search_comparison.settings.method(name))))
        .collect();
    // Where each search stands, and what it has spent.
    let mut standing: BTreeMap<String, (S::Point, u64)> = BTreeMap::new();
    for (round, &count) in search_comparison.labels.iter().enumerate() {
        let mut ring = Ring::new(task, training, key, count, search_comparison, domain.clone())?;
        let mut contenders: Vec<(String, Contender<S>)> =
            fixed.iter().map(|(name, point)| (name.clone(), Contender::Fixed(point.clone()))).collect();
        for &budget in &search_comparison.budgets {
            for (name, method) in &methods {
                contenders.push((label(name, budget), Contender::Search(method.clone(), Some(budget))));
            }
        }
        contenders.push((CEILING.to_string(), Contender::Search(Arc::new(Grid), None)));
        for (name, contender) in contenders {
            let (start, spent) = standing.get(&name).cloned().unwrap_or((space.start(), 0));
            let (found, charged) = match contender {
                Contender::Fixed(point) => (point, 0),
                Contender::Search(method, budget) => ring.search(method, budget, start)?,
            };
            let trained = ring.train(&found)?;
            let steps = spent + charged + u64::from(trained.steps);
            standing.insert(name.clone(), (found.clone(), steps));
            let row = Row {
                task: task.name().to_string(),
                strategy: name,
                architecture: domain.spec(&found)?.to_string(),
                repetition,
                round: round as u32,
                labels: count as u32,
                accuracy: trained.test.accuracy,
                metric: Metric::Accuracy,
                balanced_accuracy: Some(trained.test.balanced_accuracy),
                macro_f1: Some(trained.test.macro_f1),
                verification: None,
                mean_average_precision: None,
                iou: None,
                reward_accuracy: trained.reward_accuracy,
                steps,
                picks: Vec::new(),
                pick_ids: Vec::new(),
                note: trained.note,
                answers: None,
                stops: vec![],
            };
            rows.push(TimedRow { row, selecting: None, overlays: Vec::new() });
        }
    }
    Ok(rows)
}

/// Networks of one shape that a bout trains.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trainings {
    /// Multiply-adds per example.
    pub multiply_adds: f64,
    /// Rows to train on, in all folds.
    pub rows: usize,
    /// Gradient steps of each.
    pub steps: u32,
    /// Folds, or 1.
    pub networks: u32,
}

/// What a bout on `task` trains: scores are shared, and the whole grid is scored for the ceiling, so every point of the
/// space once at every number of labels; and the networks that the contenders end with, each as large as the mean of
/// the space.
pub fn trainings(plan: &Plan, task: &Arc<Task>) -> Result<Vec<Trainings>> {
    let search_comparison = plan.search_comparison().expect("the stage runs where there is a section");
    match &search_comparison.free {
        Some(free) => trainings_in(plan, search_comparison, task, free.clone()),
        None => {
            let section = plan.search().expect("a plan that compares searches on it has a space");
            trainings_in(plan, search_comparison, task, space(section, plan.learner().dropout))
        }
    }
}

fn trainings_in<S: Space>(
    plan: &Plan,
    search_comparison: &SearchComparison,
    task: &Arc<Task>,
    space: S,
) -> Result<Vec<Trainings>> {
    let domain = Domain::new(space, task.width(), task.classes())?;
    let training = plan.learner().train_plan();
    let networks = search_comparison.folds as u32;
    let contenders =
        search_comparison.fixed.len() + search_comparison.budgets.len() * search_comparison.methods.len() + 1;
    let mut all = Vec::new();
    for &rows in &search_comparison.labels {
        let (candidate, full) = steps(&training, search_comparison, rows);
        let points = domain.points();
        let mut sum = 0.0;
        for point in &points {
            let multiply_adds = domain.cost(point)?.multiply_adds as f64;
            sum += multiply_adds;
            all.push(Trainings { multiply_adds, rows, steps: candidate, networks });
        }
        let multiply_adds = sum / points.len().max(1) as f64;
        all.push(Trainings { multiply_adds, rows, steps: full, networks: contenders as u32 });
    }
    Ok(all)
}

/// Scores the first candidate of a bout on `task` with so many labels, for the time that it takes.
pub(in crate::experiment) fn try_one(
    plan: &Plan,
    task: &Arc<Task>,
    count: usize,
    key: Key,
) -> Result<Trainings> {
    let search_comparison = plan.search_comparison().expect("the stage runs where there is a section");
    match &search_comparison.free {
        Some(free) => try_one_in(plan, search_comparison, task, count, key, free.clone()),
        None => {
            let section = plan.search().expect("a plan that compares searches on it has a space");
            try_one_in(plan, search_comparison, task, count, key, space(section, plan.learner().dropout))
        }
    }
}

fn try_one_in<S: Space>(
    plan: &Plan,
    search_comparison: &SearchComparison,
    task: &Arc<Task>,
    count: usize,
    key: Key,
    space: S,
) -> Result<Trainings> {
    let domain = Domain::new(space.clone(), task.width(), task.classes())?;
    let mut ring =
        Ring::new(task, plan.learner().train_plan(), key, count, search_comparison, domain.clone())?;
    let (steps, folds) = (ring.steps.0, ring.folds);
    let plan = SearchPlan {
        method: Arc::new(Grid),
        space: space.clone(),
        start: Some(space.start()),
        steps,
        folds,
        budget: u64::from(steps) * u64::from(folds),
    };
    let (answer, _) =
        search(&plan, &ring.evaluation, &mut Banks, &mut ring.cache, key.named("search"), None, |_| Ok(()))?;
    let multiply_adds = domain.cost(&answer.point)?.multiply_adds as f64;
    Ok(Trainings { multiply_adds, rows: count, steps, networks: folds })
}

/// Gradient steps of one training of a candidate, and of the classifier, on so many labels.
fn steps(training: &TrainPlan, search_comparison: &SearchComparison, labels: usize) -> (u32, u32) {
    let full = training.steps_for(labels);
    let candidate =
        (f64::from(full) * search_comparison.candidate / search_comparison.folds as f64).round() as u32;
    // What some search divides a candidate's steps by; all searches have the same.
    let parts =
        search_comparison.methods.iter().filter_map(|method| search_comparison.settings.any_parts(method));
    let parts = parts.fold(1, least_common_multiple);
    ((candidate / parts).max(1).saturating_mul(parts), full)
}

/// The least number that both divide, as far as 32 bits hold it.
fn least_common_multiple(a: u32, b: u32) -> u32 {
    let (mut divisor, mut rest) = (a, b);
    while rest > 0 {
        (divisor, rest) = (rest, divisor % rest);
    }
    (a / divisor).saturating_mul(b)
}

/// Who is compared.
enum Contender<S: Space> {
    Fixed(S::Point),
    /// A search with so many trainings to spend; none: as many as there are candidates.
    Search(Arc<dyn Method<S>>, Option<u64>),
}

/// What a network came to that was trained on all of the labels.
#[derive(Clone)]
struct Trained {
    test: Scores,
    reward_accuracy: f64,
    steps: u32,
    note: Option<String>,
}

/// The labelled rows of one bout, on which everything is scored and trained once.
struct Ring<'a, S: Space> {
    task: &'a Task,
    rows: Vec<u32>,
    labels: Vec<u32>,
    training: TrainPlan,
    key: Key,
    evaluation: Evaluation<'a>,
    /// Gradient steps of one training of a candidate, and of the classifier.
    steps: (u32, u32),
    folds: u32,
    domain: Domain<S>,
    cache: ScoreCache,
    trained: BTreeMap<S::Point, Trained>,
}

impl<'a, S: Space> Ring<'a, S> {
    fn new(
        task: &'a Arc<Task>,
        training: TrainPlan,
        key: Key,
        count: usize,
        search_comparison: &SearchComparison,
        domain: Domain<S>,
    ) -> Result<Self> {
        // The first of one order: more labels hold the fewer.
        let rows = uniform_rows(task, count, key.named("labelled"))?;
        let labels = Oracle::new(task.clone(), 0).peek(&rows);
        let rows: Vec<u32> = rows.iter().map(|row| row.0).collect();
        let (folds, own) = (search_comparison.folds as u32, key.at(count as u64));
        let folds_key = own.named("folds");
        let evaluation =
            Evaluation::new(task.pool(), &rows, &labels, task.classes(), folds, training, folds_key)?;
        Ok(Self {
            task,
            rows,
            labels,
            training,
            key: own,
            evaluation,
            steps: steps(&training, search_comparison, count),
            folds,
            domain,
            cache: ScoreCache::default(),
            trained: BTreeMap::new(),
        })
    }

    /// What a search finds from `start` on, and the gradient steps that it was charged. With a budget below
    /// the cost of one candidate it stays where it is.
    fn search(
        &mut self,
        method: Arc<dyn Method<S>>,
        budget: Option<u64>,
        start: S::Point,
    ) -> Result<(S::Point, u64)> {
        let (steps, full) = self.steps;
        let one = u64::from(steps) * u64::from(self.folds);
        let budget = match budget {
            Some(trainings) => trainings.saturating_mul(u64::from(full)),
            None => one.saturating_mul(self.domain.points().len() as u64),
        };
        if budget < one {
            return Ok((start, 0));
        }
        let plan = SearchPlan {
            method,
            space: self.domain.space().clone(),
            start: Some(start),
            steps,
            folds: self.folds,
            budget,
        };
        let key = self.key.named("search");
        let (answer, _) =
            search(&plan, &self.evaluation, &mut Banks, &mut self.cache, key, None, |_| Ok(()))?;
        Ok((answer.point, answer.charged))
    }

    /// Trains a network on all of the labels and measures it; one that was trained before is remembered.
    fn train(&mut self, point: &S::Point) -> Result<Trained> {
        if let Some(known) = self.trained.get(point) {
            return Ok(known.clone());
        }
        let spec = self.domain.spec(point)?;
        let data = ModelData {
            inputs: self.task.pool(),
            rows: &self.rows,
            labels: &self.labels,
            validation: (&[], &[]),
            extra: None,
        };
        let train =
            TrainPlan { start: Start::Scratch, stop: Stop::Steps { steps: self.steps.1 }, ..self.training };
        let mut bank = networks(&spec, 1, DeviceKind::Cpu)?;
        let report = bank.fit(&[data], &train, &[self.key.named("final")])?[0];
        let (reward, test) = (self.task.reward(), self.task.test());
        let trained = Trained {
            test: bank.scores(0, test.inputs(), test.labels()),
            reward_accuracy: bank.accuracy(0, reward.inputs(), reward.labels()),
            steps: report.steps,
            note: report.diverged_at.map(|step| format!("the loss was not finite at step {step}")),
        };
        self.trained.insert(point.clone(), trained.clone());
        Ok(trained)
    }
}
