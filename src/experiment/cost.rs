//! What a plan will take, before anything is started: `--dry-run`.
//!
//! Real data sets are read, so that their sizes are known; those of generated tasks are the mean over a sample of them.
//! Counts are upper bounds; times and memory are estimates from the constants below.

use super::plan::Plan;
use super::sections::{ADAPTED, ArchitectureChoice, DataRef, LEARNED};
use super::stages::full_pool;
use super::stages::search::space;
use super::tasks;
use crate::arch::Space;
use crate::data::Dataset;
use crate::episode::extras::FOLDS;
use crate::error::Result;
use crate::query::{Needs, Registry};
use std::collections::BTreeMap;
use std::fmt;

/// Floating-point operations per second and core that training of small networks reaches.
const FLOPS_PER_CORE: f64 = 8e9;
/// Seconds that a gradient step takes however small the network is.
const SECONDS_PER_STEP: f64 = 1.5e-6;
/// Seconds per candidate and round for signals, features and selection.
const SECONDS_PER_CANDIDATE: f64 = 2e-6;
/// Bytes that the process takes before it has data.
const BASE_BYTES: f64 = 40e6;
/// Weights, gradients and two moments, each in single precision.
const BYTES_PER_WEIGHT: f64 = 16.0;
/// Generated tasks whose mean size stands for all of them: four of each family.
const SAMPLED: u64 = 28;
/// A search candidate is, over a search, about this many times the learner's network.
const SEARCHED_GROWTH: f64 = 4.0;

/// The size of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Rows.
    pub rows: usize,
    /// Inputs per row.
    pub width: usize,
    /// Classes.
    pub classes: usize,
}

/// The sizes of the data sets of a plan.
#[derive(Clone, Debug)]
pub struct Sizes {
    real: BTreeMap<String, Size>,
    generated: Size,
}

impl Sizes {
    /// Reads every data set that `plan` names, and draws a sample of the tasks that it generates.
    ///
    /// # Errors
    /// A data set that cannot be read.
    pub fn read(plan: &Plan) -> Result<Self> {
        let sources = plan.sources();
        let learns = plan.train().is_some() || plan.searches_sources();
        let learned = sources.datasets.iter().chain(&sources.validation).filter(|_| learns);
        let targets = plan.transfer().map_or(&[][..], |transfer| &transfer.targets);
        let compared = plan.rivals().map_or(&[][..], |rivals| &rivals.targets);
        let mut real = BTreeMap::new();
        for set in learned.chain(targets).chain(compared) {
            let read = tasks::load(plan, set)?;
            let size = Size { rows: read.rows(), width: read.width(), classes: read.classes() };
            real.insert(set.name().to_string(), size);
        }
        let sampled = if learns { tasks::sample_generated(plan, SAMPLED)? } else { Vec::new() };
        let mean = |of: fn(&Dataset) -> usize| {
            sampled.iter().map(of).sum::<usize>().checked_div(sampled.len()).unwrap_or(1)
        };
        let generated =
            Size { rows: mean(Dataset::rows), width: mean(Dataset::width), classes: mean(Dataset::classes) };
        Ok(Self { real, generated })
    }

    /// The size of one that was read.
    fn of(&self, set: &DataRef) -> Size {
        self.real.get(set.name()).copied().unwrap_or(self.generated)
    }

    /// The mean over the source tasks.
    fn of_source(&self, plan: &Plan) -> Size {
        let sources = plan.sources();
        let total = sources.tasks().max(1);
        let mean = |of: fn(&Size) -> usize| {
            let real = sources.datasets.iter().map(|set| of(&self.of(set))).sum::<usize>();
            (real * (1 + sources.variants) + of(&self.generated) * sources.synthetic) / total
        };
        Size {
            rows: mean(|size| size.rows),
            width: mean(|size| size.width),
            classes: mean(|size| size.classes),
        }
    }
}

/// What one stage takes.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct StageCost {
    pub stage: &'static str,
    /// Pieces of work that can be resumed one by one.
    pub cells: u64,
    /// Networks trained.
    pub trainings: u64,
    /// Gradient steps.
    pub steps: f64,
    /// Seconds of one core.
    pub core_seconds: f64,
}

/// What a plan takes.
#[derive(Clone, Debug, PartialEq)]
pub struct Cost {
    pub stages: Vec<StageCost>,
    /// Threads that share the work.
    pub jobs: usize,
    /// Episodes that one thread runs side by side.
    pub lanes: usize,
    /// Bytes of one episode on the largest task.
    pub episode_bytes: f64,
}

impl Cost {
    /// The cost of `plan`, whose data sets have these sizes, on `jobs` threads.
    pub fn of(plan: &Plan, jobs: usize, sizes: &Sizes) -> Self {
        let jobs = jobs.max(1);
        let mut stages = Vec::new();
        let source = sizes.of_source(plan);
        let mut largest = source;
        let mut widest = |size: Size| {
            if size.rows.saturating_mul(size.width) > largest.rows.saturating_mul(largest.width) {
                largest = size;
            }
        };
        let sources = plan.sources();
        for set in sources.datasets.iter().chain(&sources.validation) {
            widest(sizes.of(set));
        }
        if let Some(train) = plan.train() {
            let episode = Fits::of_episode(plan, source);
            let visited = train.imitation.episodes + train.dagger.rounds * train.dagger.episodes;
            let imitated = if train.imitation.epochs > 0 { sources.tasks() * visited } else { 0 };
            // Per judged state, each candidate is one fit, and its network is measured on the reward rows.
            let judged = Fits::of_look_ahead(plan, source)
                .times((imitated * train.imitation.states * train.imitation.candidates) as f64);
            // Each episode has its baseline on the same seed.
            let rehearsed = 2 * train.policy_gradient.iterations * train.policy_gradient.episodes;
            let evolution = &train.evolution;
            let duelled =
                2 * evolution.iterations * evolution.pairs * evolution.tasks_per_pair * evolution.episodes;
            let valued = match train.dqn.iterations {
                0 => 0,
                iterations => train.dqn.warm_episodes + iterations * train.dqn.episodes,
            };
            let embedding = &train.dataset_embedding;
            let embedded = embedding.iterations * embedding.tasks * embedding.episodes;
            let played = imitated + rehearsed + duelled + valued + embedded;
            // In each round that is tried, staying and two moves.
            let head = &train.architecture;
            let tried = sources.tasks() * head.episodes * head.states * head.trainings * 3;
            let walked = sources.tasks() * head.episodes + tried / (plan.episode().rounds() + 1);
            let moves = Fits::of_episode(plan, source).grown(SEARCHED_GROWTH).times(walked as f64);
            let total = episode.times(played as f64).plus(judged).plus(moves);
            stages.push(total.stage("train", 1));
        }
        if let Some(search) = plan.search().filter(|_| plan.searches_sources()) {
            let network = Fits::of_episode(plan, source);
            // Per source task; a search may well end before its budget does.
            let steps = search.budget as f64 * sources.tasks() as f64;
            let fits = steps / f64::from(search.steps);
            let flops = steps * network.flops_per_step() * SEARCHED_GROWTH;
            let seconds = flops / FLOPS_PER_CORE + steps * SECONDS_PER_STEP;
            let total = Fits { fits, steps, flops, core_seconds: seconds };
            stages.push(total.stage("search", 1));
        }
        if let Some(transfer) = plan.transfer() {
            let repetitions = transfer.repetitions.min(full_pool::MAX_REPETITIONS);
            let mut whole = Fits::default();
            for target in &transfer.targets {
                let size = sizes.of(target);
                let work = work(plan, size, transfer.architectures[0]);
                whole = whole.plus(Fits::of_pool(plan, size, work).times(f64::from(repetitions)));
            }
            stages.push(whole.stage("full pool", transfer.targets.len() as u64 * u64::from(repetitions)));
            let mut total = Fits::default();
            let mut cells = 0;
            for target in &transfer.targets {
                let size = sizes.of(target);
                widest(size);
                for architecture in &transfer.architectures {
                    let per_round: usize =
                        transfer.strategies.iter().map(|name| fits_per_round(plan.registry(), name)).sum();
                    let episodes = per_round as f64 * f64::from(transfer.repetitions);
                    let fits = Fits::of_networks(plan, size, work(plan, size, *architecture));
                    total = total.plus(fits.times(episodes));
                    cells += transfer.strategies.len() as u64
                        * u64::from(transfer.repetitions.div_ceil(transfer.block));
                }
            }
            stages.push(total.stage("transfer", cells));
        }
        if let Some(rivals) = plan.rivals() {
            let mut total = Fits::default();
            for target in &rivals.targets {
                let size = sizes.of(target);
                widest(size);
                let network = Fits::of_networks(plan, size, work(plan, size, ArchitectureChoice::Scratch));
                // At most: every search spends its budget, and what it found is trained once.
                let contenders =
                    rivals.budgets.iter().map(|budget| (1 + budget) * rivals.methods.len() as u64);
                let trainings = contenders.sum::<u64>() as f64 + rivals.fixed.len() as f64;
                for &labels in &rivals.labels {
                    let fits = trainings * f64::from(rivals.repetitions);
                    let steps = fits * plan.learner().steps_per_fit(labels) as f64;
                    let flops = steps * network.flops_per_step();
                    let core_seconds = flops / FLOPS_PER_CORE + steps * SECONDS_PER_STEP;
                    total = total.plus(Fits { fits, steps, flops, core_seconds });
                }
            }
            let cells = rivals.targets.len() as u64 * u64::from(rivals.repetitions);
            stages.push(total.stage("rivals", cells));
        }
        let lanes = plan.transfer().map_or(1, |transfer| transfer.block as usize);
        Self { stages, jobs, lanes, episode_bytes: bytes_of_episode(plan, largest) }
    }

    /// Estimated resident bytes.
    pub fn bytes(&self) -> f64 {
        BASE_BYTES + (self.jobs * self.lanes) as f64 * self.episode_bytes
    }

    /// The same for machines.
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::json!({
            "stages": self.stages,
            "jobs": self.jobs,
            "memory_mb": (self.bytes() / 1e6).round(),
            "seconds": self.seconds().round(),
        })
    }

    /// Estimated wall-clock seconds.
    pub fn seconds(&self) -> f64 {
        self.stages.iter().map(|stage| stage.core_seconds).sum::<f64>() / self.jobs as f64
    }
}

/// Trainings and what they take.
#[derive(Clone, Copy, Default)]
struct Fits {
    fits: f64,
    steps: f64,
    flops: f64,
    core_seconds: f64,
}

impl Fits {
    /// One episode on a task of this size, with the learner's network.
    fn of_episode(plan: &Plan, size: Size) -> Self {
        Self::of_networks(plan, size, weights(plan, size))
    }

    /// One simulated label: a fit on the labels of the mean round, and its accuracy on the reward rows.
    fn of_look_ahead(plan: &Plan, size: Size) -> Self {
        let training = Self::training(plan, size, weights(plan, size));
        let measuring = size.rows.min(plan.sources().max_held) as f64 * 2.0 * weights(plan, size);
        let one = training.times(1.0 / training.fits);
        Self { core_seconds: one.core_seconds + measuring / FLOPS_PER_CORE, ..one }
    }

    /// One episode with networks that take so many multiply-adds per example.
    fn of_networks(plan: &Plan, size: Size, work: f64) -> Self {
        let episode = plan.episode();
        let training = Self::training(plan, size, work);
        let scored =
            (episode.rounds() + 1) as f64 * episode.candidates.min(size.rows.min(episode.max_pool)) as f64;
        let scoring = scored * (2.0 * work / FLOPS_PER_CORE + SECONDS_PER_CANDIDATE);
        Self { core_seconds: training.core_seconds + scoring, ..training }
    }

    /// The fits of one episode.
    fn training(plan: &Plan, size: Size, work: f64) -> Self {
        let (episode, learner) = (plan.episode(), plan.learner());
        let fits = 1 + if learner.fit_per_label { episode.budget() } else { episode.rounds() };
        let initial = size.classes * episode.initial_per_class;
        let pool = size.rows.min(episode.max_pool);
        // The number of labels grows evenly, so the mean round stands for all.
        let mean_labels = (initial + episode.budget() / 2).min(pool);
        let steps = (fits as u64 * learner.steps_per_fit(mean_labels)) as f64;
        // Forward, backward through the inputs and through the weights; two operations each.
        let flops = steps * 6.0 * work * learner.batch.min(mean_labels) as f64;
        let core_seconds = flops / FLOPS_PER_CORE + steps * SECONDS_PER_STEP;
        Self { fits: fits as f64, steps, flops, core_seconds }
    }

    /// One fit on a whole pool, with a network that takes so many multiply-adds per example.
    fn of_pool(plan: &Plan, size: Size, work: f64) -> Self {
        let episode = plan.episode();
        let share = (1.0 - episode.test) * (1.0 - episode.reward) * (1.0 - episode.validation);
        let pool = ((size.rows as f64 * share) as usize).min(episode.max_pool);
        let steps = plan.learner().steps_per_fit(pool) as f64;
        let flops = steps * 6.0 * work * plan.learner().batch.min(pool) as f64;
        Self { fits: 1.0, steps, flops, core_seconds: flops / FLOPS_PER_CORE + steps * SECONDS_PER_STEP }
    }

    fn times(self, n: f64) -> Self {
        Self {
            fits: self.fits * n,
            steps: self.steps * n,
            flops: self.flops * n,
            core_seconds: self.core_seconds * n,
        }
    }

    fn plus(self, other: Self) -> Self {
        Self {
            fits: self.fits + other.fits,
            steps: self.steps + other.steps,
            flops: self.flops + other.flops,
            core_seconds: self.core_seconds + other.core_seconds,
        }
    }

    fn grown(self, factor: f64) -> Self {
        let more = self.flops * (factor - 1.0);
        Self { flops: self.flops + more, core_seconds: self.core_seconds + more / FLOPS_PER_CORE, ..self }
    }

    fn flops_per_step(&self) -> f64 {
        self.flops / self.steps.max(1.0)
    }

    fn stage(self, stage: &'static str, cells: u64) -> StageCost {
        StageCost {
            stage,
            cells,
            trainings: self.fits.round() as u64,
            steps: self.steps,
            core_seconds: self.core_seconds,
        }
    }
}

/// Trainings of one round of a strategy: the classifier's, and those that its signals take.
fn fits_per_round(registry: &Registry, strategy: &str) -> usize {
    let needs = match strategy {
        ADAPTED => Needs { out_of_fold: true, ..Needs::NONE },
        name => registry.build(name).map_or(Needs::NONE, |strategy| strategy.needs()),
    };
    // The labels in hand are fitted once more, to compare the simulated ones with.
    let lookahead = if needs.lookahead > 0 { needs.lookahead + 1 } else { 0 };
    let folds = if needs.temperature || needs.out_of_fold { FOLDS } else { 0 };
    1 + lookahead + needs.committee + folds + usize::from(needs.predicted_loss)
}

/// Multiply-adds per example of the networks of one choice of `transfer.architectures`, in the mean over an
/// episode. Beyond the limit the plan fails later, in its place.
fn work(plan: &Plan, size: Size, choice: ArchitectureChoice) -> f64 {
    let growth = if choice == ArchitectureChoice::Learner { 1.0 } else { SEARCHED_GROWTH };
    let Some(search) = plan.search().filter(|_| choice.needs_space()) else {
        return weights(plan, size) * growth;
    };
    let space = space(search, plan.learner().dropout);
    let (point, growth) = match choice {
        ArchitectureChoice::Fixed(point) => (point, 1.0),
        _ => (space.start(), growth),
    };
    let inputs = space.images.map_or(size.width, |images| images.image.numbers());
    space.spec(&point, inputs, size.classes).map_or(0.0, |spec| spec.multiply_adds() as f64 * growth)
}

/// The learner's weights on a task of this size. Beyond the limit the plan fails later, in its place.
fn weights(plan: &Plan, size: Size) -> f64 {
    plan.learner().spec(size.width, size.classes).map_or(0.0, |spec| spec.parameters() as f64)
}

/// Pool, held-out rows, signals of every candidate, and the network.
fn bytes_of_episode(plan: &Plan, size: Size) -> f64 {
    let episode = plan.episode();
    let pool = size.rows.min(episode.max_pool);
    let held = 2 * size.rows.min(episode.max_held);
    let hidden: usize = plan.learner().hidden.iter().sum();
    let numbers = (pool + held) * size.width + pool * (size.classes + hidden);
    4.0 * numbers as f64 + BYTES_PER_WEIGHT * weights(plan, size)
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<10} {:>8} {:>12} {:>16} {:>12}",
            "stage", "cells", "trainings", "gradient steps", "time"
        )?;
        for stage in &self.stages {
            writeln!(
                f,
                "{:<10} {:>8} {:>12} {:>16.0} {:>12}",
                stage.stage,
                stage.cells,
                stage.trainings,
                stage.steps,
                duration(stage.core_seconds / self.jobs as f64)
            )?;
        }
        writeln!(
            f,
            "memory     about {:.0} MB resident: {:.0} MB, and {} threads x {} episodes x {:.1} MB",
            self.bytes() / 1e6,
            BASE_BYTES / 1e6,
            self.jobs,
            self.lanes,
            self.episode_bytes / 1e6
        )?;
        write!(f, "time       about {} on {} threads", duration(self.seconds()), self.jobs)
    }
}

fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 1.0 => "< 1 s".into(),
        s if s < 120.0 => format!("{s:.0} s"),
        s if s < 7_200.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.1} h", s / 3_600.0),
    }
}

/// What the plan compares, for the heading of a dry run.
pub fn describe(plan: &Plan) -> String {
    let mut lines = vec![format!("run        {} (seed {})", plan.name(), plan.seed())];
    let sources = plan.sources();
    if plan.train().is_some() || plan.search().is_some() {
        let names: Vec<&str> = sources.datasets.iter().map(DataRef::name).collect();
        let real = if names.is_empty() { String::new() } else { format!("{}, ", names.join(", ")) };
        lines.push(format!("sources    {real}{} synthetic", sources.synthetic));
    }
    if let Some(transfer) = plan.transfer() {
        let targets: Vec<&str> = transfer.targets.iter().map(DataRef::name).collect();
        lines.push(format!("targets    {}", targets.join(", ")));
        let strategies = transfer.strategies.iter().map(|name| match name.as_str() {
            LEARNED => "policy (learned)",
            name => name,
        });
        let strategies: Vec<&str> = strategies.collect();
        lines.push(format!("strategies {}; {} repetitions", strategies.join(", "), transfer.repetitions));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::super::vocabulary::Vocabulary;
    use super::*;

    fn cost(text: &str, jobs: usize) -> Cost {
        let vocabulary = Vocabulary { datasets: vec!["digits"], ..Vocabulary::default() };
        let plan = super::Plan::parse(text, "x.toml", &[], None, &vocabulary).unwrap();
        Cost::of(&plan, jobs, &Sizes::read(&plan).unwrap())
    }

    /// Two strategies, six repetitions in blocks of four, ten rounds after the first fit, five steps each.
    const TRANSFER: &str = "[learner]\nsteps = 5\n[episode]\nrounds = 10\n\
                            [transfer]\ntargets = [\"digits\"]\nrepetitions = 6\nblock = 4\n";

    #[test]
    fn cells_trainings_and_steps_are_counted_as_by_hand() {
        let cost = cost(TRANSFER, 1);
        let transfer = &cost.stages[1];
        // One target and five of its repetitions.
        let whole = &cost.stages[0];
        assert_eq!((whole.stage, whole.cells, whole.trainings, whole.steps), ("full pool", 5, 5, 25.0));
        assert_eq!((transfer.cells, transfer.trainings, transfer.steps), (4, 2 * 6 * 11, 660.0));
        assert_eq!(cost.lanes, 4);
    }

    /// A 64-32-10 network has 2410 weights; 10 initial labels and half of 10 more make a mean batch of 15.
    #[test]
    fn time_follows_the_constants() {
        let one = cost(TRANSFER, 1);
        let training = 660.0 * (6.0 * 2410.0 * 15.0 / FLOPS_PER_CORE + SECONDS_PER_STEP);
        let scoring = 132.0 * 500.0 * (2.0 * 2410.0 / FLOPS_PER_CORE + SECONDS_PER_CANDIDATE);
        let whole = 25.0 * (6.0 * 2410.0 * 64.0 / FLOPS_PER_CORE + SECONDS_PER_STEP);
        assert!((one.seconds() - whole - training - scoring).abs() < 1e-9, "{}", one.seconds());
        let four = cost(TRANSFER, 4);
        assert!((four.seconds() - one.seconds() / 4.0).abs() < 1e-9);
        assert!(four.bytes() > one.bytes());
    }

    /// Look-ahead, members and folds are trainings, too.
    #[test]
    fn what_a_strategy_has_trained_for_it_is_counted() {
        let trainings =
            ["margin", "greedy_oracle", "ensemble(bald, members=3)", "scaled(margin)", "llal", ADAPTED];
        assert_eq!(
            trainings.map(|name| fits_per_round(&Registry::builtin(), name)),
            [1, 22, 4, 1 + FOLDS, 2, 1 + FOLDS]
        );
    }

    /// Queries of three rows, ten rounds: a fit per query, or one for each of thirty labels.
    #[test]
    fn a_fit_per_label_is_counted_as_one() {
        let batches = TRANSFER.replace("rounds = 10", "rounds = 10\nquery_size = 3");
        let of = |text: &str| {
            let cost = cost(text, 1);
            (cost.stages[1].trainings, cost.stages[1].steps)
        };
        assert_eq!(of(&batches), (2 * 6 * 11, 660.0));
        let each = batches.replace("steps = 5", "steps = 5\nwarm_start = true\nfit_per_label = true");
        assert_eq!(of(&each), (2 * 6 * 31, 5.0 * 372.0));
        let singly = each.replace("query_size = 3", "query_size = 1");
        assert_eq!(of(&singly), (2 * 6 * 11, 660.0));
    }

    /// A network for images takes many multiply-adds per weight: those of its architecture are counted.
    #[test]
    fn the_work_of_images_is_that_of_their_places() {
        let of = |more: &str| {
            let search = format!("[search]\nimage = [1, 8, 8]\npool = false\nwidth = 8\n{more}");
            cost(&(TRANSFER.to_owned() + "architectures = [\"A(1,1)\"]\n" + &search), 1).stages[1]
                .core_seconds
        };
        // Nine weights per filter in the stem, 72 in each of two maps, at 64 places; the head.
        let work = f64::from(64 * (9 * 8 + 2 * 72 * 8) + 8 * 10);
        let training = 660.0 * (6.0 * work * 15.0 / FLOPS_PER_CORE + SECONDS_PER_STEP);
        let scoring = 132.0 * 500.0 * (2.0 * work / FLOPS_PER_CORE + SECONDS_PER_CANDIDATE);
        assert!((of("") - training - scoring).abs() < 1e-9, "{}", of(""));
        assert_eq!(of("norm = true"), of(""));
    }

    #[test]
    fn what_is_turned_off_costs_nothing() {
        let off = "[train]\nimitation = { epochs = 0 }\npolicy_gradient = { iterations = 0 }";
        assert_eq!(cost(off, 1).stages[0].trainings, 0);
        let some = "[sources]\nsynthetic = 2\n[episode]\nrounds = 10\n[train]\nimitation = { epochs = 0 }\n\
                    policy_gradient = { iterations = 3, episodes = 5 }";
        // Each episode with its baseline.
        assert_eq!(cost(some, 1).stages[0].trainings, 2 * 3 * 5 * 11);
        // Pairs, both ways.
        let pairs =
            off.to_string() + "\nevolution = { iterations = 3, pairs = 5, tasks_per_pair = 2, episodes = 4 }";
        let rounds = cost(&format!("[episode]\nrounds = 10\n{pairs}"), 1);
        assert_eq!(rounds.stages[0].trainings, 2 * 3 * 5 * 2 * 4 * 11);
    }
}
