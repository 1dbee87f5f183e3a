//! `querist report`: figures and tables again, from the stored rows.

use super::run::setup;
use crate::cli::args::ReportArgs;
use crate::cli::error::CliError;
use crate::cli::output;
use crate::error::Result;
use crate::pipeline::Finished;
use serde_json::json;

/// Makes the reports of finished runs again.
pub fn report(args: &ReportArgs) -> Result<()> {
    let (mut all, mut reports) = (Vec::new(), Vec::new());
    let runs = Finished::read(&args.runs, &setup(&args.data)?)?;
    if let (Some(out), true) = (&args.out, runs.len() != 1) {
        return Err(CliError::OneReport { out: out.clone(), runs: runs.len() }.into());
    }
    for finished in runs {
        let dir = args.out.as_deref().unwrap_or(finished.dir());
        let report = finished.report_in(dir, args.force)?;
        if args.json {
            let digest = &finished.summary().rows_digest;
            all.push(json!({ "run": dir, "rows_digest": digest, "verdict": finished.verdict() }));
        } else {
            output::data(&finished.table())?;
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
