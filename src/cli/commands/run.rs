//! `querist run` and `querist train`.

use crate::cli::args::{BenchArgs, CommonArgs, RunArgs};
use crate::cli::error::CliError;
use crate::cli::{backend, memory, output, progress, signals};
use crate::error::Result;
use crate::experiment::cost::{self, Cost, Sizes};
use crate::experiment::sections::TRAINED;
use crate::experiment::stages::Shard;
use crate::experiment::{Context, Finished, Plan, bench as bench_plan, run as run_plan, stages};
use crate::run::store::POLICY;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Where runs lie unless `--out` says otherwise.
pub const RUNS: &str = "runs";

/// Runs an experiment file.
pub fn run(args: &RunArgs, quiet: bool) -> Result<()> {
    let plan = load(args)?;
    if args.dry_run {
        return dry_run(&plan, &args.common);
    }
    let dir = args.common.out.clone().unwrap_or_else(|| Path::new(RUNS).join(plan.name()));
    execute(&plan, None, dir, &args.common, quiet)
}

/// Runs the comparison of an experiment file, or one shard of it.
pub fn bench(args: &BenchArgs, quiet: bool) -> Result<()> {
    let (file, common) = (args.run.file.display().to_string(), &args.run.common);
    let plan = load(&args.run)?;
    let plan = plan.transfer_only().ok_or(CliError::NoSection { file: file.clone(), section: "transfer" })?;
    if let Some(transfer) = plan.transfer() {
        let missing = if transfer.policy.is_none()
            && transfer.strategies.iter().any(|name| TRAINED.contains(&name.as_str()))
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
        return dry_run(&plan, common);
    }
    let shard = args.shard.unwrap_or(Shard::WHOLE);
    let part = match shard {
        Shard::WHOLE => String::new(),
        Shard { index, count } => format!("-{}of{count}", index + 1),
    };
    let name = format!("{}-bench{part}", plan.name());
    let dir = common.out.clone().unwrap_or_else(|| Path::new(RUNS).join(name));
    execute(&plan, Some(shard), dir, common, quiet)
}

/// Runs the train stage of an experiment file.
pub fn train(args: &RunArgs, quiet: bool) -> Result<()> {
    let file = args.file.display().to_string();
    let plan = load(args)?.train_only().ok_or(CliError::NoSection { file, section: "train" })?;
    if args.dry_run {
        return dry_run(&plan, &args.common);
    }
    let name = format!("{}-train", plan.name());
    let dir = args.common.out.clone().unwrap_or_else(|| Path::new(RUNS).join(name));
    execute(&plan, None, dir, &args.common, quiet)
}

fn load(args: &RunArgs) -> Result<Plan> {
    Ok(Plan::load(
        &args.file,
        &args.common.and_flags(&args.sets),
        args.common.seed,
        &backend::vocabulary(args.common.data.folder()?),
    )?)
}

/// Says what a plan will take. Refuses whatever would be refused before the run starts.
fn dry_run(plan: &Plan, common: &CommonArgs) -> Result<()> {
    backend::inputs(plan)?;
    let cost = Cost::of(plan, common.threads(), &Sizes::read(plan)?);
    if common.json {
        return output::json(&cost.to_json());
    }
    output::data(&format!("{}\n\n{cost}", cost::describe(plan)))
}

/// Runs a plan, or a shard of it as a benchmark, in `dir`; makes its report and prints the verdict.
pub fn execute(
    plan: &Plan,
    shard: Option<Shard>,
    dir: PathBuf,
    common: &CommonArgs,
    quiet: bool,
) -> Result<()> {
    let start = Instant::now();
    let inputs = backend::inputs(plan)?;
    let cancel = signals::catch()?;
    let progress = progress::progress(quiet);
    let jobs = common.threads();
    let context = Context { dir: &dir, jobs, fresh: common.fresh, progress: &*progress, cancel: &cancel };
    let finished = match shard {
        None => run_plan(plan, inputs, &backend::stages(), context)?,
        Some(shard) => bench_plan(plan, shard, inputs, &backend::stages(), context)?,
    };
    let (verdict, table) = backend::verdict(plan, &finished)?;
    let report = backend::report(plan, &finished, false)?;
    if common.json {
        output::json(&to_json(&finished, verdict, start.elapsed().as_secs_f64()))?;
    } else {
        output::data(&table)?;
    }
    // The last line is where to look; a failure that follows is an error of its own.
    output::message(&format!("report: {}", report.display()));
    complain_about_failures(plan, &finished)
}

/// What `--json` prints. `rows_digest` covers the results, not the timings nor what the
/// data are called.
fn to_json(finished: &Finished, verdict: Value, seconds: f64) -> Value {
    let summary = &finished.summary;
    json!({
        "run": finished.dir,
        "seconds": (seconds * 1e3).round() / 1e3,
        "peak_rss_mb": memory::peak_rss_mb(),
        "rows_digest": summary.rows_digest,
        "policy": summary.policy.as_ref().map(|_| finished.dir.join(POLICY)),
        "architecture": summary.architecture,
        "verdict": verdict,
    })
}

fn complain_about_failures(plan: &Plan, finished: &Finished) -> Result<()> {
    let failures = &finished.summary.failures;
    let total = plan.transfer().map_or(0, stages::cells_of_transfer)
        + plan.rivals().map_or(0, |rivals| stages::rivals::bouts(rivals).len());
    match failures.first() {
        None => Ok(()),
        Some(first) => Err(CliError::CellsFailed {
            failed: failures.len(),
            total,
            cell: first.cell.clone(),
            reason: first.reason.clone(),
        }
        .into()),
    }
}
