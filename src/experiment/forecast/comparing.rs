//! The parts of the stages that compare on targets: full pool, transfer, comparison of searches.

use super::learning;
use super::rehearsal::{Part, Piece, timed};
use super::work::{EpisodeCost, Work};
use crate::agent::adaptation::AdaptedPolicy;
use crate::agent::{Algorithms, Choice, Head, Policy, PolicyStrategy, Provenance, shipped};
use crate::data::{Dataset, RowId, Task};
use crate::episode::extras::{FOLDS, fits};
use crate::episode::features::{self, NEIGHBOURS, SCHEMA};
use crate::episode::{EpisodePlan, InitialPool, Player, PreparedTask, Replicate, full_pool as measure, play};
use crate::error::Result;
use crate::experiment::plan::Plan;
use crate::experiment::sections::{ADAPTED, ArchitectureChoice, DataRef, LEARNED, Transfer, UNTRAINED};
use crate::experiment::stages::architecture_factory::ArchitectureFactory;
use crate::experiment::stages::{
    Block, SearchedArchitecture, Shard, StageOutputs, blocks, full_pool, head, search, search_comparison,
    transfer,
};
use crate::experiment::tasks;
use crate::learner::{Start, Stop, TrainPlan};
use crate::query::{Kinds, Mixture, Needs, PoolView, Registry, Strategy, Transformed};
use crate::rng::Key;
use crate::run::{Cell, RunError, usage};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Bytes of pools that a run keeps for the strategies that come next.
const GROUND_BYTES: f64 = transfer::GROUND_BYTES as f64;

/// The targets of a plan, with what is made of them once.
pub struct Targets {
    datasets: Vec<(DataRef, Arc<Dataset>)>,
    /// The first split of each.
    tasks: Vec<Arc<Task>>,
    prepared_tasks: Mutex<BTreeMap<(usize, u32), Arc<PreparedTask>>>,
    /// Whether any strategy asks for neighbours, or for components.
    needs: Needs,
}

impl Targets {
    /// Reads the targets of transfer and of the comparison of searches.
    ///
    /// # Errors
    /// A data set that cannot be read or split.
    pub fn read(plan: &Plan) -> Result<Self> {
        let of_transfer = plan.transfer().map_or(&[][..], |transfer| &transfer.targets);
        let compared =
            plan.search_comparison().map_or(&[][..], |search_comparison| &search_comparison.targets);
        let mut datasets: Vec<(DataRef, Arc<Dataset>)> = Vec::new();
        for target in of_transfer.iter().chain(compared) {
            if !datasets.iter().any(|(known, _)| known == target) {
                datasets.push((target.clone(), tasks::load(plan, target)?));
            }
        }
        let first =
            |(_, dataset): &(DataRef, Arc<Dataset>)| Ok(tasks::prepared(plan, dataset, 0)?.task().clone());
        let tasks = datasets.iter().map(first).collect::<Result<_>>()?;
        let names = plan.transfer().map_or(&[][..], |transfer| &transfer.strategies);
        let all = names.iter().map(|name| needs(plan.registry(), name));
        let needs = Needs {
            neighbours: all.clone().any(|needs| needs.neighbours),
            components: all.clone().any(|needs| needs.components),
            ..Needs::NONE
        };
        Ok(Self { datasets, tasks, prepared_tasks: Mutex::default(), needs })
    }

    fn at(&self, target: &DataRef) -> usize {
        self.datasets.iter().position(|(known, _)| known == target).expect("every target was read")
    }

    fn task(&self, target: &DataRef) -> &Arc<Task> {
        &self.tasks[self.at(target)]
    }

    /// One repetition's split, with what strategies share.
    fn prepared(&self, plan: &Plan, target: &DataRef, repetition: u32) -> Result<Arc<PreparedTask>> {
        let key = (self.at(target), repetition);
        let mut prepared_tasks = self.prepared_tasks.lock().expect("no panic while it is held");
        if let Some(prepared) = prepared_tasks.get(&key) {
            return Ok(prepared.clone());
        }
        let prepared = self.split(plan, target, repetition)?;
        prepared_tasks.insert(key, prepared.clone());
        Ok(prepared)
    }

    /// The same, made anew.
    fn split(&self, plan: &Plan, target: &DataRef, repetition: u32) -> Result<Arc<PreparedTask>> {
        let dataset = &self.datasets[self.at(target)].1;
        let drawn = tasks::redrawn(plan, target, repetition).transpose()?;
        let prepared = tasks::prepared(plan, drawn.as_ref().unwrap_or(dataset), repetition)?;
        if self.needs.neighbours {
            prepared.neighbours();
        }
        if self.needs.components {
            prepared.components();
        }
        Ok(prepared)
    }

    /// Bytes of the splits that a run keeps beyond those made here, and of the blocks that other threads play.
    pub fn bytes_of_others(&self, plan: &Plan, jobs: usize) -> f64 {
        let Some(transfer) = plan.transfer() else { return 0.0 };
        let here = self.prepared_tasks.lock().expect("no panic while it is held").len() as f64;
        let bytes = |task: &Task| {
            let rows = task.all_but_test().rows() + task.test().labels().len();
            (4 * (rows * task.width() + task.pool().rows() * (2 * NEIGHBOURS + 32))) as f64
        };
        let each = self.tasks.iter().map(|task| bytes(task)).sum::<f64>() / self.tasks.len().max(1) as f64;
        let splits = (self.tasks.len() * transfer.repetitions as usize) as f64;
        let kept = (splits * each).min(GROUND_BYTES);
        let signals = |task: &Task| {
            let hidden: usize = plan.learner().hidden.iter().sum();
            4.0 * (task.pool().rows() * (task.classes() + hidden)) as f64
        };
        let block =
            f64::from(transfer.block) * self.tasks.iter().map(|task| signals(task)).fold(0.0, f64::max);
        (kept - here * each).max(0.0) + (jobs - 1) as f64 * block
    }
}

/// What a strategy asks to be shown.
fn needs(registry: &Registry, name: &str) -> Needs {
    match name {
        ADAPTED => Needs { out_of_fold: true, ..features::needs() },
        LEARNED | UNTRAINED => features::needs(),
        name => registry.build(name).map_or(Needs::NONE, |strategy| strategy.needs()),
    }
}

/// Networks that are trained for one query of a strategy.
pub(super) fn extras(registry: &Registry, name: &str) -> usize {
    fits(needs(registry, name))
}

/// Who stands for the policies that are not trained yet.
struct StandIns {
    registry: Registry,
    algorithms: Algorithms,
    policy: Option<Arc<Policy>>,
    untrained: Arc<Policy>,
    head: Option<Arc<Head>>,
    found: Option<SearchedArchitecture>,
}

impl StandIns {
    fn of(plan: &Plan, found: Option<SearchedArchitecture>) -> Result<Self> {
        let transfer = plan.transfer().expect("called where there is a section");
        let key = Key::root(plan.seed()).named("forecast");
        let policy = match (plan.train(), &transfer.policy) {
            (Some(_), _) => Some(Policy::new(learning::untrained(plan)?, &SCHEMA, Provenance::default())?),
            (None, Some(name)) => Some(shipped::open(name, &SCHEMA)?),
            (None, None) => None,
        };
        let needs_head = transfer.architectures.iter().any(|choice| choice.needs_head());
        let own = plan.search().map(|section| search::space(section, plan.learner().dropout));
        let head = match (needs_head, plan.train(), own, &policy) {
            (false, ..) => None,
            (true, Some(section), Some(space), _) => {
                let network = head::untrained(key)?;
                Some(Arc::new(Head::new(network, space, section.architecture.penalty, BTreeMap::new())?))
            }
            (true, _, _, Some(policy)) => Some(policy.head()?.clone()),
            (true, _, _, None) => None,
        };
        let (registry, untrained) = (plan.registry().clone(), transfer::untrained()?);
        let algorithms = plan.algorithms().clone();
        Ok(Self { registry, algorithms, policy: policy.map(Arc::new), untrained, head, found })
    }

    fn strategy(&self, name: &str, queries: usize) -> Result<Box<dyn Strategy>> {
        let policy = || self.policy.clone().expect("a plan that asks for the policy trains or names one");
        Ok(match name {
            LEARNED => Box::new(PolicyStrategy::new(policy(), Choice::Greedy)),
            ADAPTED => Box::new(AdaptedPolicy::new(policy())?),
            UNTRAINED => Box::new(PolicyStrategy::new(self.untrained.clone(), Choice::Sampled)),
            name => match self.algorithms.find(name) {
                Ok(entry) => {
                    let algorithm = entry.usual();
                    return algorithm.strategy(&algorithm.untrained(queries));
                }
                Err(_) => return self.registry.build(name),
            },
        })
    }

    fn drawn(
        &self,
        plan: &Plan,
        choice: ArchitectureChoice,
    ) -> Result<(EpisodePlan, Option<ArchitectureFactory>)> {
        let mut episode = tasks::episode_plan(plan)?;
        let learned = StageOutputs { policy: None, architecture: self.found.as_ref() };
        let head = || {
            let key = format!("architecture {choice}");
            let none = || RunError::Work { key, reason: "no head is known yet".into() }.into();
            self.head.clone().ok_or_else(none)
        };
        let architecture_factory = ArchitectureFactory::of(plan, choice, learned, head)?;
        if let Some(architecture_factory) = &architecture_factory {
            episode.blocks = architecture_factory.blocks()?;
        }
        Ok((episode, architecture_factory))
    }
}

/// What is worked out once per target, however many repetitions there are: of a million, each time would be minutes.
#[derive(Default)]
struct ByTarget(BTreeMap<usize, Work>);

impl ByTarget {
    fn get(&mut self, targets: &Targets, target: &DataRef, of: impl FnOnce(&Task) -> Work) -> Work {
        *self.0.entry(targets.at(target)).or_insert_with(|| of(targets.task(target)))
    }
}

/// The parts of the stages full pool, transfer and comparison of searches. `found` is what searches on some of the sources say.
///
/// # Errors
/// A policy that cannot be read or is refused.
pub fn parts<'a>(
    plan: &'a Plan,
    targets: &'a Targets,
    found: Option<SearchedArchitecture>,
) -> Result<Vec<Part<'a>>> {
    let mut parts = Vec::new();
    if let Some(transfer) = plan.transfer() {
        let stand_ins = Arc::new(StandIns::of(plan, found)?);
        parts.push(whole_pools(plan, transfer, targets, &stand_ins)?);
        parts.push(splits(plan, transfer, targets));
        let mut own: BTreeMap<(String, String), Vec<Block>> = BTreeMap::new();
        for Cell { input, .. } in blocks(transfer) {
            own.entry((input.architecture.to_string(), input.strategy.clone())).or_default().push(input);
        }
        for &architecture in &transfer.architectures {
            for strategy in &transfer.strategies {
                let own = own.remove(&(architecture.to_string(), strategy.clone())).unwrap_or_default();
                parts.push(episodes(plan, targets, &stand_ins, (architecture, strategy), own)?);
            }
        }
    }
    if let Some(section) = plan.search_comparison() {
        let mut trials = search_comparison::trials(section).into_iter();
        let nominal =
            |all: &[search_comparison::Trainings]| all.iter().map(|one| trained(plan, one)).sum::<Work>();
        let mut work = Work::default();
        for target in &section.targets {
            let all = search_comparison::trainings(plan, targets.task(target))?;
            work = work.plus(nominal(&all).times(f64::from(section.repetitions)));
        }
        let sample = move |_| {
            let Some(trial) = trials.next() else { return Ok(None) };
            let prepared = targets.prepared(plan, &trial.input.target, trial.input.repetition)?;
            let key = Key::root(plan.seed()).named("forecast").at(u64::from(trial.input.repetition));
            let labels = section.labels[section.labels.len() / 2];
            let (one, core_seconds) =
                timed(|| search_comparison::try_one(plan, prepared.task(), labels, key))?;
            Ok(Some(Piece { nominal: trained(plan, &one).nominal(), core_seconds }))
        };
        let count = (search_comparison::trials(section).len() as u64, "trials");
        let part = Part::new("search comparison", "search comparison", count, work.nominal(), sample);
        parts.push(part.shown_as("search comparison").training(work));
    }
    Ok(parts)
}

fn trained(plan: &Plan, one: &search_comparison::Trainings) -> Work {
    let train = TrainPlan {
        start: Start::Scratch,
        stop: Stop::Steps { steps: one.steps },
        ..plan.learner().train_plan()
    };
    Work::fit(&train, one.rows, one.multiply_adds).times(f64::from(one.networks))
}

fn whole_pools<'a>(
    plan: &'a Plan,
    transfer: &'a Transfer,
    targets: &'a Targets,
    stand_ins: &Arc<StandIns>,
) -> Result<Part<'a>> {
    let (episode, _) = stand_ins.drawn(plan, transfer.architectures[0])?;
    let cells = full_pool::cells(transfer, Shard::WHOLE);
    let one = |episode: &EpisodePlan, task: &Task| {
        let multiply_adds = EpisodeCost::own(episode, task).multiply_adds;
        Work::episode_fit(episode, &episode.from_scratch(), (task.pool().rows(), task), multiply_adds)
    };
    let mut by_target = ByTarget::default();
    let work = cells
        .iter()
        .map(|cell| by_target.get(targets, &cell.input.target, |task| one(&episode, task)))
        .sum::<Work>();
    let mut left = full_pool::cells(transfer, Shard::WHOLE).into_iter();
    let sample = move |_| {
        let Some(cell) = left.next() else { return Ok(None) };
        let full_pool::Whole { target, repetition } = cell.input;
        let prepared = targets.prepared(plan, &target, repetition)?;
        let key = tasks::replicate_key(plan, &targets.datasets[targets.at(&target)].1, repetition);
        let nominal = one(&episode, prepared.task()).nominal();
        let (_, core_seconds) = timed(|| measure(&episode, &Replicate { prepared, key }))?;
        Ok(Some(Piece { nominal, core_seconds }))
    };
    let part = Part::new("full pool", "full pool", (cells.len() as u64, "fits"), work.nominal(), sample);
    Ok(part.shown_as("full pool").training(work))
}

/// Splits, with the neighbours and components that strategies share.
fn splits<'a>(plan: &'a Plan, transfer: &'a Transfer, targets: &'a Targets) -> Part<'a> {
    let of = move |target: &DataRef| {
        let task = targets.task(target);
        let rows = task.pool().rows() as f64;
        1e-4 + rows * rows.min(4e3) * (task.width() as f64) * 1e-10
    };
    let nominal = transfer.targets.iter().map(of).sum::<f64>() * f64::from(transfer.repetitions);
    let all = (0..transfer.repetitions).flat_map(|r| transfer.targets.iter().map(move |target| (r, target)));
    let mut left = all.collect::<Vec<_>>().into_iter();
    let sample = move |_| {
        let Some((repetition, target)) = left.next() else { return Ok(None) };
        let (_, core_seconds) = timed(|| targets.split(plan, target, repetition))?;
        Ok(Some(Piece { nominal: of(target), core_seconds }))
    };
    let count = (transfer.targets.len() as u64 * u64::from(transfer.repetitions), "splits");
    Part::new("transfer", "splits", count, nominal, sample)
}

fn episodes<'a>(
    plan: &'a Plan,
    targets: &'a Targets,
    stand_ins: &Arc<StandIns>,
    (architecture, strategy): (ArchitectureChoice, &'a str),
    mut own: Vec<Block>,
) -> Result<Part<'a>> {
    let (episode, architecture_factory) = stand_ins.drawn(plan, architecture)?;
    let watched = if episode.stops { FOLDS } else { 0 };
    let extras = extras(plan.registry(), strategy) + watched;
    let mut by_target = ByTarget::default();
    let mut work = |block: &Block| {
        let cost = |task: &Task| EpisodeCost { extras, ..EpisodeCost::own(&episode, task) }.whole();
        by_target.get(targets, &block.target, cost).times(block.repetitions.len() as f64)
    };
    let whole = own.iter().map(&mut work).sum::<Work>();
    let count = own.iter().map(|block| block.repetitions.len() as u64).sum();
    // One block of each target, dear ones first: what a target takes is what is not known.
    own.sort_by(|a, b| work(b).nominal().total_cmp(&work(a).nominal()));
    let mut seen: Vec<DataRef> = Vec::new();
    own.retain(|block| {
        let new = !seen.contains(&block.target);
        if new {
            seen.push(block.target.clone());
        }
        new
    });
    let stand_ins = stand_ins.clone();
    let mut at = 0;
    let sample = move |slice| {
        let block = &own[at % own.len()];
        // Each from its start, and then from half way.
        let half_way = (at / own.len()) % 2 == 1;
        at += 1;
        let task = targets.task(&block.target);
        let played = if half_way { from_half_way(&episode, task) } else { episode.clone() };
        let piece = Scene {
            plan,
            targets,
            stand_ins: &stand_ins,
            architecture_factory: architecture_factory.as_ref(),
            extras,
        };
        piece.play(&played, block, slice).map(Some)
    };
    let section = plan.transfer().expect("called where there is a section");
    let what = transfer::label(section, strategy, architecture);
    let part = Part::new("transfer", what, (count, "episodes"), whole.nominal(), sample);
    Ok(part.shown_as("transfer").training(whole))
}

/// The second half of an episode, from labels drawn at random.
fn from_half_way(episode: &EpisodePlan, task: &Task) -> EpisodePlan {
    let cost = EpisodeCost::own(episode, task);
    let half = cost.queries() / 2;
    let labels = cost.labels(half);
    let initial_per_class = labels.div_ceil(task.classes().max(1));
    let start = (initial_per_class * task.classes()).min(task.pool().rows());
    let bought = half * episode.query_size;
    let budget = episode.budget.saturating_sub(bought).min(task.pool().rows() - start);
    if budget == 0 {
        return episode.clone();
    }
    EpisodePlan {
        initial: InitialPool::Rule("random".into()),
        initial_per_class,
        budget,
        // A target that is reached tells nothing of the queries.
        target_accuracy: None,
        target_share: None,
        ..episode.clone()
    }
}

/// Where the piece of a block is played.
struct Scene<'a> {
    plan: &'a Plan,
    targets: &'a Targets,
    stand_ins: &'a StandIns,
    architecture_factory: Option<&'a ArchitectureFactory>,
    extras: usize,
}

impl Scene<'_> {
    /// Plays a block's episodes side by side until the time is over, and one query at least.
    fn play(&self, episode: &EpisodePlan, block: &Block, slice: Duration) -> Result<Piece> {
        let task = self.targets.task(&block.target);
        let cost = EpisodeCost { extras: self.extras, ..EpisodeCost::own(episode, task) };
        let marks = Arc::new(Mutex::new(Marks::default()));
        let dataset = &self.targets.datasets[self.targets.at(&block.target)].1;
        let mut players = Vec::new();
        for repetition in block.repetitions.clone() {
            let mut strategy = self.stand_ins.strategy(&block.strategy, cost.queries())?;
            if players.is_empty() {
                strategy =
                    Box::new(Paced { inner: strategy, until: Instant::now() + slice, marks: marks.clone() });
            }
            players.push(Player {
                name: block.strategy.clone(),
                strategy,
                replicate: Replicate {
                    prepared: self.targets.prepared(self.plan, &block.target, repetition)?,
                    key: tasks::replicate_key(self.plan, dataset, repetition),
                },
                repetition,
                architect: self.architecture_factory.and_then(ArchitectureFactory::architect),
            });
        }
        let envs = players.len() as f64;
        let before = usage::core_seconds();
        let played = play(episode, players);
        let marks = *marks.lock().expect("no panic while it is held");
        let (core_seconds, work) = match played {
            Ok(played) => {
                let queries = played.iter().map(|one| one.rows.len() - 1).max().unwrap_or(0);
                (usage::core_seconds() - before, cost.up_to(queries, queries))
            }
            Err(_) if marks.stopped => {
                (marks.core_seconds - before, cost.up_to(marks.selections - 1, marks.selections))
            }
            Err(error) => return Err(error),
        };
        Ok(Piece { nominal: work.nominal() * envs, core_seconds })
    }
}

/// How far an episode came, and when.
#[derive(Clone, Copy, Default)]
struct Marks {
    /// Selections that were begun, and the process's core seconds at the last.
    selections: usize,
    core_seconds: f64,
    /// Whether the episode was stopped there.
    stopped: bool,
}

/// A strategy that stops its episode when the time is over.
struct Paced {
    inner: Box<dyn Strategy>,
    until: Instant,
    marks: Arc<Mutex<Marks>>,
}

impl Strategy for Paced {
    fn select(&mut self, view: &PoolView<'_>, batch: usize, key: Key) -> Result<Vec<RowId>> {
        let mut marks = self.marks.lock().expect("no panic while it is held");
        marks.selections += 1;
        marks.core_seconds = usage::core_seconds();
        if marks.selections > 1 && Instant::now() >= self.until {
            marks.stopped = true;
            return Err(RunError::Interrupted { done: marks.selections, total: marks.selections + 1 }.into());
        }
        drop(marks);
        self.inner.select(view, batch, key)
    }

    fn needs(&self) -> Needs {
        self.inner.needs()
    }

    fn kinds(&self) -> Kinds {
        self.inner.kinds()
    }

    fn pseudo_labels(&self) -> &[(RowId, u32)] {
        self.inner.pseudo_labels()
    }

    fn mixtures(&self) -> &[Mixture] {
        self.inner.mixtures()
    }

    fn transformed(&self) -> &[Transformed] {
        self.inner.transformed()
    }

    fn note(&self) -> Option<String> {
        self.inner.note()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Look-ahead, members and folds are trainings, too.
    #[test]
    fn what_a_strategy_has_trained_for_it_is_counted() {
        let trainings =
            ["margin", "greedy_oracle", "ensemble(bald, members=3)", "scaled(margin)", "llal", ADAPTED];
        let registry = Registry::builtin();
        assert_eq!(trainings.map(|name| extras(&registry, name)), [0, 21, 3, FOLDS, 1, FOLDS]);
    }
}
