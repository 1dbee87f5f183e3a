//! Runs a plan: its stages in order, recorded, resumed, and written to a run folder.

use super::plan::Plan;
use super::stages::{Failure, Found, Learned, Site, Stages, Trained, transfer};
use crate::error::Result;
use crate::run::store::{ROWS, SUMMARY, TIMINGS};
use crate::run::{Cancel, Crew, Manifest, Progress, RunError, Store, digest, once, rows};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Where and how a plan runs. Nothing in it changes a result.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The run's folder.
    pub dir: &'a Path,
    /// Threads.
    pub jobs: usize,
    /// Remove a run that is there, instead of continuing it.
    pub fresh: bool,
    pub progress: &'a dyn Progress,
    pub cancel: &'a Cancel,
}

/// `summary.json`: totals of a finished run. Equal for equal manifests.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Summary {
    /// The run's name.
    pub name: String,
    /// The manifest's digest.
    pub run: String,
    /// Rows of results.
    pub rows: usize,
    /// The digest of `rows.jsonl`.
    pub rows_digest: String,
    /// The trained policy.
    pub policy: Option<Trained>,
    /// The architecture found on the sources.
    pub architecture: Option<Found>,
    /// Cells that have no rows.
    pub failures: Vec<Failure>,
}

impl Summary {
    /// Reads the summary of the run in `dir`.
    pub fn read(dir: &Path) -> Result<Self> {
        let path = dir.join(SUMMARY);
        let bytes = crate::run::store::read_text(&path)?;
        let damaged = |error: serde_json::Error| RunError::Damaged {
            path: path.clone(),
            offset: 0,
            reason: error.to_string(),
        };
        Ok(serde_json::from_slice(&bytes).map_err(damaged)?)
    }
}

/// A run that came to its end.
#[derive(Clone, Debug)]
pub struct Finished {
    /// The run's folder.
    pub dir: PathBuf,
    pub summary: Summary,
    /// All rows, in canonical order.
    pub rows: Vec<crate::episode::Row>,
}

/// Runs what of `plan` is not yet done in `context.dir`. `data` holds the digests of all that is read
/// besides the plan, by name.
///
/// # Errors
/// Whatever [`Store::open`] refuses; a failed train or search stage; an interruption. A failed transfer
/// cell is no error but one of the [failures](Summary::failures).
pub fn run(
    plan: &Plan,
    data: BTreeMap<String, String>,
    stages: &dyn Stages,
    context: Context<'_>,
) -> Result<Finished> {
    let text = plan.to_toml();
    let manifest = Manifest::new(&text, plan.seed(), data)?;
    let (store, mut ledger) = Store::open(context.dir, &manifest, &text, context.fresh)?;
    let site = Site { store: &store, progress: context.progress, cancel: context.cancel };
    let crew = Crew { jobs: context.jobs, progress: context.progress, cancel: context.cancel };

    let policy = match plan.train() {
        Some(_) => Some(once("train", &mut ledger, crew, || stages.train(plan, site))?),
        None => None,
    };
    let architecture = match plan.search() {
        Some(_) => Some(once("search", &mut ledger, crew, || stages.search(plan, site))?),
        None => None,
    };
    let (all, failures) = match plan.transfer() {
        Some(section) => {
            let learned = Learned { policy: policy.as_ref(), architecture: architecture.as_ref() };
            transfer(plan, section, &mut ledger, crew, |plan, block| {
                stages.episodes(plan, block, learned, site)
            })?
        }
        None => (Vec::new(), Vec::new()),
    };

    let bytes = rows::to_jsonl(all)?;
    store.write(ROWS, &bytes)?;
    store.write(TIMINGS, &timings(&ledger))?;
    let rows = rows::read(&store.path(ROWS)?, None)?;
    let summary = Summary {
        name: plan.name().to_string(),
        run: manifest.digest(),
        rows: rows.len(),
        rows_digest: digest::of(&bytes),
        policy,
        architecture,
        failures,
    };
    let mut text = serde_json::to_vec_pretty(&summary).expect("strings and finite numbers serialise");
    text.push(b'\n');
    // Last: it says that the rest is there.
    store.write(SUMMARY, &text)?;
    Ok(Finished { dir: context.dir.to_path_buf(), summary, rows })
}

fn timings(ledger: &crate::run::Ledger) -> Vec<u8> {
    let line = |(cell, seconds, done): (&str, f64, bool)| {
        format!("{}\n", serde_json::json!({ "cell": cell, "seconds": seconds, "done": done }))
    };
    ledger.timings().into_iter().map(line).collect::<String>().into_bytes()
}
