//! `querist report`: figures and tables again, from the stored rows.

use crate::cli::args::ReportArgs;
use crate::cli::error::CliError;
use crate::cli::{backend, output};
use crate::error::Result;
use crate::experiment::{Finished, Plan};
use crate::run::{full_pool, rows, store};
use serde_json::json;
use std::path::PathBuf;

/// Makes the reports of finished runs again.
pub fn report(args: &ReportArgs) -> Result<()> {
    let (mut all, mut reports) = (Vec::new(), Vec::new());
    let mut joined = join(&args.runs)?;
    if let Some(out) = &args.out {
        let runs = joined.len();
        let [one] = &mut joined[..] else {
            return Err(CliError::OneReport { out: out.clone(), runs }.into());
        };
        one.run.dir = out.clone();
    }
    for finished in joined {
        let vocabulary = backend::vocabulary(args.data.folder()?);
        let plan = Plan::load(&finished.plan.join(store::PLAN), &[], None, &vocabulary)?;
        let finished = finished.run;
        let dir = &finished.dir;
        let (verdict, table) = backend::verdict(&plan, &finished)?;
        let report = backend::report(&plan, &finished, args.force)?;
        if args.json {
            all.push(json!({ "run": dir, "rows_digest": finished.summary.rows_digest, "verdict": verdict }));
        } else {
            output::data(&table)?;
        }
        reports.push(report);
    }
    if args.json {
        output::json(&all.into())?;
    }
    for report in reports {
        output::message(&format!("report: {}", report.display()));
    }
    Ok(())
}

/// Runs that are reported as one.
struct Joined {
    /// The folder of the plan.
    plan: PathBuf,
    run: Finished,
}

/// The runs in `dirs`; those of one manifest, which are shards of one benchmark, as one. A row that
/// stands in several of them counts once.
fn join(dirs: &[PathBuf]) -> Result<Vec<Joined>> {
    let mut joined: Vec<Joined> = Vec::new();
    for dir in dirs {
        let read = Finished::read(dir)?;
        match joined.iter_mut().find(|one| one.run.summary.run == read.summary.run) {
            None => joined.push(Joined { plan: dir.clone(), run: read }),
            Some(Joined { run, .. }) => {
                run.rows = rows::union(std::mem::take(&mut run.rows), read.rows);
                run.full_pool.extend(read.full_pool);
                run.full_pool = full_pool::sorted(std::mem::take(&mut run.full_pool));
                run.times.extend(read.times);
                run.summary.failures.extend(read.summary.failures);
                run.summary.rows = run.rows.len();
                run.summary.rows_digest = rows::digest(&run.rows, &run.summary.tasks)?;
            }
        }
    }
    Ok(joined)
}
