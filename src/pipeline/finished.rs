//! [`Finished`]: a run that came to its end, and what is made of it.

use super::Setup;
use super::report;
use crate::episode::Row;
use crate::error::Result;
use crate::experiment::sections::LEARNED;
use crate::experiment::stages::{self, Failure};
use crate::experiment::{self, Plan, Summary};
use crate::report::{Verdict, VerdictOptions, verdict};
use crate::rng::Key;
use crate::run::{FullPool, Pictured, QueryTimes, full_pool, overlays, rows, store};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// A run that came to its end: its rows, and what is made of them.
#[derive(Clone, Debug)]
pub struct Finished {
    plan: Plan,
    dir: PathBuf,
    pub(super) summary: Summary,
    pub(super) rows: Arc<[Row]>,
    full_pool: Vec<FullPool>,
    pub(super) times: QueryTimes,
    pub(super) overlays: Vec<Pictured>,
    verdict: OnceLock<Verdict>,
}

impl Finished {
    pub(super) fn new(plan: Plan, run: experiment::Finished) -> Self {
        let experiment::Finished { dir, summary, rows, full_pool, times, overlays } = run;
        Self { plan, dir, summary, rows: rows.into(), full_pool, times, overlays, verdict: OnceLock::new() }
    }

    /// Reads the runs in `dirs`; those of one manifest, which are shards of one benchmark, as one. A row that
    /// stands in several of them counts once.
    ///
    /// # Errors
    /// A run that did not come to its end, or one of whose files is damaged; a plan that `setup` does not know all
    /// names of.
    pub fn read(dirs: &[PathBuf], setup: &Setup) -> Result<Vec<Self>> {
        let mut joined: Vec<experiment::Finished> = Vec::new();
        for dir in dirs {
            let read = experiment::Finished::read(dir)?;
            match joined.iter_mut().find(|run| run.summary.run == read.summary.run) {
                None => joined.push(read),
                Some(run) => {
                    run.rows = rows::union(std::mem::take(&mut run.rows), read.rows);
                    run.full_pool.extend(read.full_pool);
                    run.full_pool = full_pool::sorted(std::mem::take(&mut run.full_pool));
                    run.times.extend(read.times);
                    run.overlays.extend(read.overlays);
                    run.overlays = overlays::sorted(std::mem::take(&mut run.overlays));
                    run.summary.failures.extend(read.summary.failures);
                    run.summary.rows = run.rows.len();
                    run.summary.rows_digest = rows::digest(&run.rows, &run.summary.tasks)?;
                }
            }
        }
        let with_plan = |run: experiment::Finished| {
            let plan = setup.load(run.dir.join(store::PLAN))?.plan;
            Ok(Self::new(plan, run))
        };
        joined.into_iter().map(with_plan).collect()
    }

    /// The plan that was run.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The run's folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The totals.
    pub fn summary(&self) -> &Summary {
        &self.summary
    }

    /// All rows, in canonical order.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// What the classifier reaches with all labels.
    pub fn full_pool(&self) -> &[FullPool] {
        &self.full_pool
    }

    /// Seconds that the queries took.
    pub fn times(&self) -> &QueryTimes {
        &self.times
    }

    /// The trained policy's folder, if one was trained.
    pub fn policy(&self) -> Option<PathBuf> {
        self.summary.policy.as_ref().map(|_| self.dir.join(store::POLICY))
    }

    /// Cells that have no rows: what failed does not end a run.
    pub fn failures(&self) -> &[Failure] {
        &self.summary.failures
    }

    /// All cells whose rows are compared.
    pub fn cells(&self) -> usize {
        self.plan.transfer().map_or(0, stages::cells_of_transfer)
            + self
                .plan
                .search_comparison()
                .map_or(0, |search_comparison| stages::search_comparison::trials(search_comparison).len())
    }

    /// What the rows say. Judged at the first call.
    pub fn verdict(&self) -> &Verdict {
        self.verdict.get_or_init(|| verdict(&self.rows, &self.verdict_options()))
    }

    /// The same with another strategy as the one that its sentences are about.
    pub fn verdict_on(&self, subject: &str) -> Verdict {
        verdict(&self.rows, &VerdictOptions { subject: subject.to_string(), ..self.verdict_options() })
    }

    pub(super) fn verdict_options(&self) -> VerdictOptions {
        let plan = &self.plan;
        VerdictOptions {
            subject: LEARNED.to_string(),
            metric: plan.episode().metric,
            target: plan.report().target_accuracy,
            shares: plan.report().target_shares.clone(),
            full_pool: self.full_pool.clone(),
            registry: plan.registry().clone(),
            key: Key::root(plan.seed()).named("verdict"),
            ..VerdictOptions::default()
        }
    }

    /// The verdict for people, and what was learned on the sources.
    pub fn table(&self) -> String {
        let mut text = if self.rows.is_empty() { String::new() } else { self.verdict().to_string() };
        if let Some(architecture) = &self.summary.architecture {
            text.push_str(&format!(
                "\narchitecture found on the sources: A(B, {}, {}), {} gradient steps\n",
                architecture.blocks_per_stack, architecture.stacks, architecture.steps
            ));
        }
        if let Some(policy) = &self.summary.policy {
            text.push_str(&format!(
                "policy trained on {} tasks: {} states looked ahead in, {} episodes played\n",
                policy.sources.len(),
                policy.states,
                policy.episodes
            ));
        }
        text
    }

    /// Writes what is made of the rows into the run's folder: `report.html`, figures, tables, exports. With `force`,
    /// also over files that the run has not written, or that somebody has changed. Returns the path of the report.
    ///
    /// # Errors
    /// Those of reading the plan's data sets, and of writing.
    pub fn report(&self, force: bool) -> Result<PathBuf> {
        self.report_in(&self.dir, force)
    }

    /// As [`report`](Self::report), into another folder.
    ///
    /// # Errors
    /// As [`report`](Self::report).
    pub fn report_in(&self, dir: &Path, force: bool) -> Result<PathBuf> {
        report::write(self, dir, force)
    }
}
