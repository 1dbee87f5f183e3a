//! What a plan will take, before anything is started: `--dry-run`.
//!
//! What is certain is *counted*, by the functions that the stages go by: tasks, episodes, fits, cells (`work`). What
//! is not is *measured*: for a few seconds, pieces of the plan's own work are done on its own data (`rehearsal`), and
//! each kind of work is expected to take as long as its pieces say. Searches and fits that may end early are expected
//! to end as they did in the pieces. Memory is what the pieces took at their peak, and what a run keeps beyond them.
//!
//! Not forecast: the report's figures and tables, and the disk.

mod comparing;
mod display;
mod learning;
mod rehearsal;
mod sources;
mod work;
mod workers;

use super::plan::Plan;
use super::stages::{cells_of_transfer, full_pool, search, search_comparison};
use crate::error::Result;
use crate::run::executor::redo;
use crate::run::{Cancel, Silent, WorkerPool, usage};
use rehearsal::{Limit, Part};
use std::time::{Duration, Instant};

pub use display::describe;
pub use workers::SharedWork;

/// How much a dry run measures: about five seconds of two cores.
pub const DRY_RUN: Effort =
    Effort { core_seconds: 8.0, wall: Duration::from_secs(12), tasks: 300, least: 0.0 };
/// How much a run measures before it begins, to say how long is left.
pub const OUTLOOK: Effort = Effort { core_seconds: 1.5, wall: Duration::from_secs(2), tasks: 30, least: 4.0 };
/// The share of the measuring that is left to searches, whose results decide what is played on targets.
const FOR_SEARCHES: f64 = 0.2;
/// Seconds are printed for machines in parts of so many.
const PARTS_OF_A_SECOND: f64 = 1e3;

/// How much a forecast may take itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Effort {
    /// Pieces are begun until they took so many core seconds, or so much time.
    pub core_seconds: f64,
    pub wall: Duration,
    /// The most source tasks, and the most validation tasks, that are made.
    pub tasks: usize,
    /// Nothing is measured of a plan whose nominal core seconds are fewer.
    pub least: f64,
}

/// What one kind of work takes.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Kind {
    /// The stage that does it.
    pub stage: &'static str,
    /// What it is, such as a strategy.
    pub what: String,
    /// The bar that shows how far it is.
    #[serde(skip)]
    pub bar: Option<String>,
    /// How many there are of what is counted.
    pub count: u64,
    /// What is counted.
    pub unit: &'static str,
    /// Pieces that were measured, and their core seconds.
    pub pieces: usize,
    pub measured: f64,
    /// Core seconds of all of it.
    pub core_seconds: f64,
}

/// What one stage takes.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct StageForecast {
    pub stage: &'static str,
    /// Pieces of work that can be resumed one by one.
    pub cells: u64,
    /// Networks trained, searches on sources left out.
    pub trainings: u64,
    /// Gradient steps of these, at most.
    pub steps: f64,
    /// Seconds of one core.
    pub core_seconds: f64,
}

/// What a plan takes.
#[derive(Clone, Debug, PartialEq)]
pub struct Forecast {
    pub stages: Vec<StageForecast>,
    pub kinds: Vec<Kind>,
    /// Threads that share the work.
    pub jobs: usize,
    /// Seconds that the forecast took.
    pub took: f64,
    /// Peak resident bytes of the forecast, and what a run keeps beyond that.
    pub resident: f64,
    pub kept: f64,
    /// Core seconds before the first stage, such as for reading.
    pub start: f64,
    /// How the kinds can be shared out.
    pub shared_work: Vec<SharedWork>,
}

impl Forecast {
    /// The forecast of `plan` on `jobs` threads. The process has done what a run does before its first stage.
    ///
    /// # Errors
    /// What a run would fail with, too: a data set that cannot be read, a network that is refused.
    pub fn of(plan: &Plan, jobs: usize, effort: Effort) -> Result<Self> {
        let (cancel, jobs) = (Cancel::new(), jobs.max(1));
        let worker_pool = WorkerPool { jobs, progress: &Silent, cancel: &cancel };
        let start = usage::core_seconds();
        redo("forecast", worker_pool, || Self::made(plan, jobs, effort, start))
    }

    fn made(plan: &Plan, jobs: usize, effort: Effort, start: f64) -> Result<Self> {
        let (begun, limit) = (Instant::now(), Limit::new(effort.core_seconds, effort.wall));
        let tasks = sources::Tasks::some(plan, effort.tasks)?;
        let targets = comparing::Targets::read(plan)?;
        let seen = sources::Seen::default();
        let mut parts = learning::parts(plan, &tasks, &seen)?;
        let mut found = None;
        let nominal = |parts: &[Part<'_>]| parts.iter().map(|part| part.nominal).sum::<f64>();
        if let Some(at) = parts.iter().position(|part| part.stage == "search" && part.what == "search") {
            if nominal(&parts) >= effort.least {
                rehearsal::rehearse(&mut parts[at..=at], limit.share(FOR_SEARCHES))?;
            }
            let searched = seen.searched();
            if !searched.is_empty() {
                found = Some(search::found(plan, searched)?.0);
            }
        }
        parts.extend(comparing::parts(plan, &targets, found)?);
        if nominal(&parts) >= effort.least {
            rehearsal::rehearse(&mut parts, limit)?;
        }
        let expected = rehearsal::expected(&parts);
        let kept = tasks.bytes_of_others(plan.train().is_some())
            + seen.bytes_of_others(plan, &tasks).max(targets.bytes_of_others(plan, jobs));
        let kinds: Vec<Kind> = parts.iter().zip(expected).map(|(part, taken)| kind(part, taken)).collect();
        let stages: Vec<StageForecast> =
            STAGES.iter().filter_map(|&stage| of_stage(plan, stage, &parts, &kinds)).collect();
        let mut shared_work = workers::shared_work(plan, &kinds, &seen)?;
        for StageForecast { stage, cells, .. } in &stages {
            shared_work = shared_work.into_iter().map(|one| one.with_cells(stage, *cells)).collect();
        }
        let took = begun.elapsed().as_secs_f64();
        let resident = usage::peak_rss().unwrap_or(0.0);
        Ok(Self { stages, kinds, jobs, took, resident, kept, start, shared_work })
    }

    /// Estimated core seconds of all stages, and of what comes before them.
    pub fn core_seconds(&self) -> f64 {
        self.start + self.stages.iter().map(|stage| stage.core_seconds).sum::<f64>()
    }

    /// Estimated wall-clock seconds, if every thread has a core and always something to do.
    pub fn seconds(&self) -> f64 {
        self.core_seconds() / self.jobs as f64
    }

    /// Estimated resident bytes at the peak.
    pub fn bytes(&self) -> f64 {
        self.resident + self.kept
    }

    /// The same for machines.
    pub fn to_json(&self) -> serde_json::Value {
        let round = |seconds: f64| (seconds * PARTS_OF_A_SECOND).round() / PARTS_OF_A_SECOND;
        serde_json::json!({
            "stages": self.stages,
            "kinds": self.kinds,
            "jobs": self.jobs,
            "memory_mb": (self.bytes() / 1e6).round(),
            "core_seconds": round(self.core_seconds()),
            "seconds": round(self.seconds()),
            "took": round(self.took),
        })
    }
}

/// The stages in their order.
const STAGES: [&str; 5] = ["train", "search", "full pool", "transfer", "search comparison"];

fn kind(part: &Part<'_>, core_seconds: f64) -> Kind {
    Kind {
        stage: part.stage,
        what: part.what.clone(),
        bar: part.bar.clone(),
        count: part.count,
        unit: part.unit,
        pieces: part.pieces.len(),
        measured: part.measured,
        core_seconds,
    }
}

/// A stage's sums; none where nothing is asked of it.
fn of_stage(plan: &Plan, stage: &'static str, parts: &[Part<'_>], kinds: &[Kind]) -> Option<StageForecast> {
    let own = || parts.iter().filter(|part| part.stage == stage);
    own().next()?;
    let whole =
        plan.transfer().map_or(0, |transfer| full_pool::cells(transfer, super::stages::Shard::WHOLE).len());
    let cells = match stage {
        "full pool" => whole,
        "transfer" => plan.transfer().map_or(0, cells_of_transfer) - whole,
        "search comparison" => {
            plan.search_comparison().map_or(0, |section| search_comparison::trials(section).len())
        }
        _ => 1,
    };
    Some(StageForecast {
        stage,
        cells: cells as u64,
        trainings: own().map(|part| part.trainings).sum::<f64>().round() as u64,
        steps: own().map(|part| part.steps).sum::<f64>().round(),
        core_seconds: kinds.iter().filter(|kind| kind.stage == stage).map(|kind| kind.core_seconds).sum(),
    })
}
