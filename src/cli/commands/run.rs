//! `querist run` and `querist train`.

use crate::cli::args::{BenchArgs, CommonArgs, DataDirArgs, RunArgs, TrainArgs};
#[cfg(feature = "mpi")]
use crate::cli::complain;
use crate::cli::error::CliError;
use crate::cli::progress::{self, Outlook};
use crate::cli::{output, signals};
use crate::error::Result;
use crate::experiment::Plan;
use crate::experiment::forecast::{self, Forecast};
use crate::experiment::sections::{UNTRAINED, is_reserved};
use crate::experiment::stages::Shard;
use crate::pipeline::{Finished, Pipeline, RunOptions, Setup, Spread};
use crate::query::Registry;
#[cfg(feature = "mpi")]
use crate::run::ranks::Job;
use crate::run::usage;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Where runs lie unless `--out` says otherwise.
pub const RUNS: &str = "runs";

/// Runs an experiment file.
pub fn run(args: &RunArgs, quiet: bool) -> Result<()> {
    let plan = load(args)?;
    if args.dry_run {
        return dry_run(Pipeline::of(plan), args);
    }
    let dir = args.common.out.clone().unwrap_or_else(|| Path::new(RUNS).join(plan.name()));
    execute(Pipeline::of(plan), Part::Whole, dir, &args.common, quiet)
}

/// Runs the comparison of an experiment file, or one shard of it.
pub fn bench(args: &BenchArgs, quiet: bool) -> Result<()> {
    let (file, common) = (args.run.file.display().to_string(), &args.run.common);
    let plan = load(&args.run)?;
    let plan = plan.transfer_only().ok_or(CliError::NoSection { file: file.clone(), section: "transfer" })?;
    if let Some(transfer) = plan.transfer() {
        let missing = if transfer.policy.is_none()
            && transfer
                .strategies
                .iter()
                .any(|name| name != UNTRAINED && is_reserved(name, plan.algorithms()))
        {
            Some("the learned policy")
        } else if plan.searches_sources() {
            Some("a searched architecture")
        } else {
            None
        };
        if let Some(what) = missing {
            return Err(CliError::Unlearned { file, what }.into());
        }
    }
    if args.run.dry_run {
        return dry_run(Pipeline::of(plan), &args.run);
    }
    let shard = args.shard.unwrap_or(Shard::WHOLE);
    let part = match shard {
        Shard::WHOLE => String::new(),
        Shard { index, count } => format!("-{}of{count}", index + 1),
    };
    let name = format!("{}-bench{part}", plan.name());
    let dir = common.out.clone().unwrap_or_else(|| Path::new(RUNS).join(name));
    execute(Pipeline::of(plan), Part::Compared(shard), dir, common, quiet)
}

/// Runs the train stage of an experiment file.
pub fn train(args: &TrainArgs, quiet: bool) -> Result<()> {
    let TrainArgs { run: args, shard, mpi } = args;
    let file = args.file.display().to_string();
    let plan = load(args)?.train_only().ok_or(CliError::NoSection { file, section: "train" })?;
    if args.dry_run {
        return dry_run(Pipeline::of(plan), args);
    }
    let name = format!("{}-train", plan.name());
    let dir = args.common.out.clone().unwrap_or_else(|| Path::new(RUNS).join(name));
    if *mpi {
        return as_rank(Pipeline::of(plan), dir, &args.common, quiet);
    }
    match *shard {
        None | Some(Shard::WHOLE) => execute(Pipeline::of(plan), Part::Whole, dir, &args.common, quiet),
        Some(Shard { index: 0, count }) => {
            let part = Part::Led(Spread::Folder { shards: count });
            execute(Pipeline::of(plan), part, dir, &args.common, quiet)
        }
        Some(Shard { index, .. }) => help(Pipeline::of(plan), index, &dir, &args.common),
    }
}

/// Trains as one rank of an MPI job.
#[cfg(feature = "mpi")]
fn as_rank(pipeline: Pipeline, dir: PathBuf, common: &CommonArgs, quiet: bool) -> Result<()> {
    let job = Job::join()?;
    let played = if job.rank() == 0 {
        execute(pipeline, Part::Led(Spread::Ranks), dir, common, quiet)
    } else {
        signals::catch().and_then(|cancel| {
            let options = RunOptions::default().jobs(common.threads()).cancel(cancel).spread(Spread::Ranks);
            pipeline.help(job.rank(), &dir, &options).map(drop)
        })
    };
    if let Err(error) = &played
        && job.ranks() > 1
    {
        // The other ranks may wait for this one, and would for ever.
        complain(error);
        job.abort(error.exit() as i32);
    }
    played
}

#[cfg(not(feature = "mpi"))]
fn as_rank(_: Pipeline, _: PathBuf, _: &CommonArgs, _: bool) -> Result<()> {
    Err(CliError::NoMpi.into())
}

/// Plays episodes for the training in `dir` until it has ended.
fn help(pipeline: Pipeline, shard: usize, dir: &Path, common: &CommonArgs) -> Result<()> {
    if common.fresh {
        return Err(CliError::FreshHelper { shard: shard + 1 }.into());
    }
    check(&pipeline)?;
    let options = RunOptions::default().jobs(common.threads()).cancel(signals::catch()?);
    let made = pipeline.help(shard, dir, &options)?;
    if common.json {
        return output::json(&json!({ "run": dir, "shard": shard + 1, "pieces": made }));
    }
    output::message(&format!(
        "the training in {} has ended; {made} pieces of it were made here",
        dir.display()
    ));
    Ok(())
}

fn load(args: &RunArgs) -> Result<Plan> {
    let setup = setup(&args.common.data)?.sets(args.common.and_flags(&args.sets)).seed(args.common.seed);
    Ok(setup.load(&args.file)?.plan().clone())
}

/// What the arguments say of the names that a plan may use.
pub fn setup(data: &DataDirArgs) -> Result<Setup> {
    Ok(Pipeline::setup().registry(Registry::builtin().with_programs()).data_dir(data.folder()?))
}

/// Reads what a plan reads, and tells what is suspicious about it.
fn check(pipeline: &Pipeline) -> Result<()> {
    for warning in &pipeline.check()?.warnings {
        output::message(&format!("warning: {warning}"));
    }
    Ok(())
}

/// Says what a plan will take. Refuses whatever would be refused before the run starts.
fn dry_run(pipeline: Pipeline, args: &RunArgs) -> Result<()> {
    check(&pipeline)?;
    let plan = pipeline.plan();
    let forecast = Forecast::of(plan, args.common.threads(), forecast::DRY_RUN)?;
    let workers = args.workers.map(|workers| forecast.on_workers(workers));
    if args.common.json {
        let mut all = forecast.to_json();
        if let Some(workers) = workers {
            all["workers"] = serde_json::to_value(workers).expect("finite numbers and texts");
        }
        return output::json(&all);
    }
    let workers = workers.map_or(String::new(), |workers| format!("\n\n{workers}"));
    output::data(&format!("{}\n\n{forecast}{workers}", forecast::describe(plan)))
}

/// What of a plan is run.
#[derive(Clone, Copy, Debug)]
pub enum Part {
    /// All of it.
    Whole,
    /// All of it, the episodes of its training by several processes.
    Led(Spread),
    /// A shard of its comparison.
    Compared(Shard),
}

/// Runs a plan, or a shard of it as a benchmark, in `dir`; makes its report and prints the verdict.
pub fn execute(pipeline: Pipeline, part: Part, dir: PathBuf, common: &CommonArgs, quiet: bool) -> Result<()> {
    let start = Instant::now();
    check(&pipeline)?;
    let cancel = signals::catch()?;
    let jobs = common.threads();
    // Only to say how long is left: what a forecast fails with, the run will say in its place.
    let forecast = progress::wanted(quiet)
        .then(|| Forecast::of(pipeline.plan(), jobs, forecast::OUTLOOK).ok())
        .flatten();
    let progress = progress::progress(quiet, Outlook::of(forecast.as_ref()));
    let options = RunOptions::default().jobs(jobs).fresh(common.fresh).progress(&*progress).cancel(cancel);
    let finished = match part {
        Part::Whole => pipeline.run(&dir, &options)?,
        Part::Led(spread) => pipeline.run(&dir, &options.spread(spread))?,
        Part::Compared(shard) => pipeline.bench(shard, &dir, &options)?,
    };
    let report = finished.report(false)?;
    if common.json {
        output::json(&to_json(&finished, start.elapsed().as_secs_f64()))?;
    } else {
        output::data(&finished.table())?;
    }
    drop(progress);
    // The last line is where to look; a failure that follows is an error of its own.
    output::message(&format!("report: {}", report.display()));
    complain_about_failures(&finished)
}

/// What `--json` prints. `rows_digest` covers the results, not the timings nor what the
/// data are called.
fn to_json(finished: &Finished, seconds: f64) -> Value {
    let summary = finished.summary();
    json!({
        "run": finished.dir(),
        "seconds": (seconds * 1e3).round() / 1e3,
        "peak_rss_mb": usage::peak_rss_mb(),
        "rows_digest": summary.rows_digest,
        "policy": finished.policy(),
        "architecture": summary.architecture,
        "verdict": finished.verdict(),
    })
}

fn complain_about_failures(finished: &Finished) -> Result<()> {
    let failures = finished.failures();
    match failures.first() {
        None => Ok(()),
        Some(first) => Err(CliError::CellsFailed {
            failed: failures.len(),
            total: finished.cells(),
            cell: first.cell.clone(),
            reason: first.reason.clone(),
        }
        .into()),
    }
}
