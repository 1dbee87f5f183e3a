//! `querist report`: figures and tables again, from the stored rows.

use crate::cli::args::ReportArgs;
use crate::cli::{backend, output};
use crate::error::Result;
use crate::experiment::{Finished, Plan, Summary};
use crate::run::{rows, store};
use serde_json::json;

/// Makes the reports of finished runs again.
pub fn report(args: &ReportArgs) -> Result<()> {
    let mut all = Vec::new();
    for dir in &args.runs {
        let summary = Summary::read(dir)?;
        let rows = rows::read(&dir.join(store::ROWS), Some(&summary.rows_digest))?;
        let plan = Plan::load(&dir.join(store::PLAN), &[], None, &backend::vocabulary(args.data.folder()?))?;
        let finished = Finished { dir: dir.clone(), summary, rows };
        let (verdict, table) = backend::verdict(&plan, &finished)?;
        backend::report(&plan, &finished)?;
        if args.json {
            all.push(json!({ "run": dir, "rows_digest": finished.summary.rows_digest, "verdict": verdict }));
        } else {
            output::data(&table)?;
        }
    }
    if args.json { output::json(&all.into()) } else { Ok(()) }
}
