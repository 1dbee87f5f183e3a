//! From a plan to its results: what `querist run`, `bench`, `train`, `transfer` and `report` are thin callers of.
//!
//! A [`Pipeline`] is a checked plan that can be run; [`Setup`] says what it may name (strategies of another crate,
//! a folder of data) and what is changed in its file. [`Pipeline::run`] leaves a run folder and gives what is in it
//! ([`Finished`]): rows, summary, verdict, report. Data sets are read once, and the verdict is judged once.
//!
//! ```no_run
//! use querist::pipeline::{Pipeline, RunOptions};
//!
//! let finished = Pipeline::load("experiments/quickstart.toml")?.run("runs/quickstart", &RunOptions::default())?;
//! println!("{}", finished.table());
//! finished.report(false)?;
//! # Ok::<(), querist::Error>(())
//! ```

mod contrasts;
mod finished;
mod report;
mod separation;
mod setup;

pub use finished::Finished;
pub use setup::Setup;

use crate::error::Result;
use crate::experiment::leaks::{self, Prints, Role};
use crate::experiment::sections::LEARNED;
use crate::experiment::stages::{Builtin, Shard};
use crate::experiment::{Context, Plan, bench, help, inputs, run, tasks};

pub use crate::experiment::Spread;
pub use crate::experiment::inputs::Inputs;
use crate::run::{Cancel, Progress, SAVE_EVERY, Silent};
use std::fmt;
use std::path::Path;
use std::sync::OnceLock;
use std::thread::available_parallelism;

/// A plan that can be run.
#[derive(Clone, Debug)]
pub struct Pipeline {
    plan: Plan,
    inputs: OnceLock<Inputs>,
}

/// How a plan is run. Nothing in it changes a result.
#[derive(Clone)]
#[non_exhaustive]
pub struct RunOptions<'a> {
    /// Threads; all cores by default.
    pub jobs: usize,
    /// Remove the files of a run that is there, instead of continuing it.
    pub fresh: bool,
    /// Who is told how far it is; nobody by default.
    pub progress: &'a dyn Progress,
    /// Asks to stop, from another thread.
    pub cancel: Cancel,
    /// Who plays the episodes of a training; this process alone by default.
    pub spread: Spread,
}

impl Default for RunOptions<'_> {
    fn default() -> Self {
        let jobs = available_parallelism().map_or(1, |n| n.get());
        Self { jobs, fresh: false, progress: &Silent, cancel: Cancel::new(), spread: Spread::Alone }
    }
}

impl<'a> RunOptions<'a> {
    /// With so many threads, at least one.
    pub fn jobs(self, jobs: usize) -> Self {
        Self { jobs: jobs.max(1), ..self }
    }

    /// Anew, or going on where an earlier run ended.
    pub fn fresh(self, fresh: bool) -> Self {
        Self { fresh, ..self }
    }

    /// Told of how far it is.
    pub fn progress(self, progress: &'a dyn Progress) -> Self {
        Self { progress, ..self }
    }

    /// To be stopped by this.
    pub fn cancel(self, cancel: Cancel) -> Self {
        Self { cancel, ..self }
    }

    /// With the episodes of a training spread over several processes.
    pub fn spread(self, spread: Spread) -> Self {
        Self { spread, ..self }
    }
}

impl fmt::Debug for RunOptions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (jobs, fresh) = (&self.jobs, &self.fresh);
        f.debug_struct("RunOptions").field("jobs", jobs).field("fresh", fresh).finish_non_exhaustive()
    }
}

impl Pipeline {
    /// What a plan may name, and what is changed in its file.
    pub fn setup() -> Setup {
        Setup::default()
    }

    /// Reads and checks an experiment file.
    ///
    /// # Errors
    /// [`ExperimentError`](crate::experiment::ExperimentError) with the place in the file.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        Self::setup().load(path)
    }

    /// Checks the text of an experiment file.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn parse(text: &str) -> Result<Self> {
        Self::setup().parse(text)
    }

    /// The pipeline of a plan.
    pub fn of(plan: Plan) -> Self {
        Self { plan, inputs: OnceLock::new() }
    }

    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Reads the data sets and policies of the plan and refuses, before anything is written, a device that is not
    /// there, targets on which its episodes cannot be played, and such as were learned from, here or by a
    /// policy that is handed in. Done once;
    /// [`run`](Self::run) begins with it.
    ///
    /// # Errors
    /// Those of reading, and of the checks.
    pub fn check(&self) -> Result<&Inputs> {
        if let Some(inputs) = self.inputs.get() {
            return Ok(inputs);
        }
        let inputs = read(&self.plan)?;
        Ok(self.inputs.get_or_init(|| inputs))
    }

    /// Runs what of the plan is not yet done in `dir`.
    ///
    /// # Errors
    /// Those of [`check`](Self::check) and [`run`](fn@crate::experiment::run).
    pub fn run(&self, dir: impl AsRef<Path>, options: &RunOptions<'_>) -> Result<Finished> {
        let inputs = self.check()?.clone();
        let finished = run(&self.plan, inputs, &Builtin::default(), context(dir.as_ref(), options))?;
        Ok(Finished::new(self.plan.clone(), finished))
    }

    /// Runs what of one shard of the plan's comparison is not yet done in `dir`, which may hold the rows of other
    /// strategies and repetitions. The plan must train and search nothing
    /// ([`Plan::transfer_only`]).
    ///
    /// # Errors
    /// Those of [`check`](Self::check) and [`bench`](fn@crate::experiment::bench).
    pub fn bench(&self, shard: Shard, dir: impl AsRef<Path>, options: &RunOptions<'_>) -> Result<Finished> {
        let inputs = self.check()?.clone();
        let finished = bench(&self.plan, shard, inputs, &Builtin::default(), context(dir.as_ref(), options))?;
        Ok(Finished::new(self.plan.clone(), finished))
    }

    /// Plays, as shard number `shard` (from zero), episodes of the plan's training that another process leads in `dir`
    /// ([`Spread::Folder`]), until it has ended; gives the number of pieces that were made.
    ///
    /// # Errors
    /// Those of [`check`](Self::check) and [`help`](fn@crate::experiment::help).
    pub fn help(&self, shard: usize, dir: impl AsRef<Path>, options: &RunOptions<'_>) -> Result<usize> {
        let inputs = self.check()?.clone();
        help(&self.plan, shard, inputs, context(dir.as_ref(), options))
    }
}

fn context<'a>(dir: &'a Path, options: &'a RunOptions<'_>) -> Context<'a> {
    let RunOptions { jobs, fresh, progress, cancel, spread } = options;
    let (jobs, fresh, progress, spread) = (*jobs, *fresh, *progress, *spread);
    Context { dir, jobs, fresh, progress, cancel, save_every: SAVE_EVERY, spread }
}

fn read(plan: &Plan) -> Result<Inputs> {
    plan.learner().device.open()?;
    tasks::check_policy(plan)?;
    tasks::check_initial(plan)?;
    tasks::check_strategies(plan)?;
    let mut read = Inputs::default();
    let (mut prints, mut shapes) = (Vec::new(), Vec::new());
    let sources = plan.sources();
    let learns = plan.train().is_some() || plan.searches_sources();
    let learned = sources.datasets.iter().map(|reference| (reference, Role::Source));
    let validation = sources.validation.iter().map(|reference| (reference, Role::Validation));
    for (reference, role) in learned.chain(validation).filter(|_| learns) {
        let dataset = tasks::load(plan, reference)?;
        tasks::check_source(plan, &dataset)?;
        prints.push(Prints::of(&dataset, role));
        shapes.push(dataset.shape());
        read.add(reference, &dataset)?;
    }
    if let Some(transfer) = plan.transfer() {
        let policy = transfer.policy.as_deref().unwrap_or(LEARNED);
        let cards = inputs::provenances(plan, transfer)?;
        read.warnings.extend(cards.iter().find_map(|card| leaks::untold(policy, card)));
        for target in &transfer.targets {
            let dataset = tasks::load(plan, target)?;
            tasks::check_target(plan, &dataset)?;
            shapes.push(dataset.shape());
            if learns {
                prints.push(Prints::of(&dataset, Role::Target));
            }
            for card in &cards {
                leaks::check_policy(policy, card, &dataset)?;
            }
            read.add(target, &dataset)?;
        }
        read.digests.extend(inputs::of_policies(plan, transfer)?);
    }
    for target in plan.search_comparison().map_or(&[][..], |search_comparison| &search_comparison.targets) {
        let dataset = tasks::load(plan, target)?;
        shapes.push(dataset.shape());
        read.add(target, &dataset)?;
    }
    tasks::check_views(plan, &shapes)?;
    read.warnings.extend(leaks::check(&prints)?);
    Ok(read)
}
