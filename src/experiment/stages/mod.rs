//! The stages of an experiment, one file each: train, search, full pool, transfer, comparison of searches.
//!
//! [`Stages`] is what they compute; [`run`](fn@super::run) decides when, records it and resumes it. An
//! implementation must depend on the plan and the arguments alone, never on threads or on what was
//! computed before.

pub(super) mod algorithms;
pub(super) mod architecture_factory;
mod builtin;
pub(crate) mod full_pool;
pub(super) mod head;
mod keeper;
pub mod search;
pub(crate) mod search_comparison;
pub mod train;
pub(crate) mod transfer;

pub use builtin::Builtin;
pub use full_pool::{Whole, full_pool};
pub use search::SearchedArchitecture;
pub use search_comparison::{Trial, search_comparison};
pub use train::TrainedPolicy;
pub use transfer::{Block, Failure, Shard, blocks, transfer};

use super::plan::Plan;
use super::sections::{DataRef, Transfer};
use crate::agent::Team;
use crate::episode::{Overlay, Row};
use crate::error::Result;
use crate::run::{Cancel, Cell, Checkpoint, FullPool, Outcome, PartsLog, Progress, RunError, Store};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What the computations of a stage are given besides the plan.
#[derive(Clone, Copy)]
pub struct StageContext<'a> {
    /// The run's folder.
    pub store: &'a Store,
    /// Told about episodes and updates.
    pub progress: &'a dyn Progress,
    /// Polled between rounds; once raised, return an error whose exit is `Interrupted`.
    pub cancel: &'a Cancel,
    /// How often what is done goes to the disk.
    pub save_every: Duration,
    /// Other processes that play episodes of a training, if there are any.
    pub team: Option<&'a dyn Team>,
}

impl<'a> StageContext<'a> {
    /// The log of a stage's parts.
    fn parts(self, name: &str) -> Result<PartsLog<'a>> {
        Ok(PartsLog::open(self.store, name, self.cancel, self.save_every)?.with_team(self.team))
    }

    /// The checkpoint of one computation of a stage.
    fn checkpoint(self, name: &str) -> Checkpoint<'a> {
        Checkpoint::new(self.store, name, self.cancel, self.save_every)
    }
}

/// An interruption, once somebody asked for one.
fn check_cancelled(stage_context: StageContext<'_>) -> Result<()> {
    match stage_context.cancel.raised() {
        true => Err(RunError::Interrupted { done: 0, total: 1 }.into()),
        false => Ok(()),
    }
}

/// What earlier stages hand on to the transfer.
#[derive(Clone, Copy, Debug, Default)]
pub struct StageOutputs<'a> {
    /// The trained policy.
    pub policy: Option<&'a TrainedPolicy>,
    /// The architecture found on the sources.
    pub architecture: Option<&'a SearchedArchitecture>,
}

/// A row, which is a result, and how long it took, which is not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimedRow {
    pub row: Row,
    /// Seconds that the query at the end of the round took, signals included; `None` without a query.
    pub selecting: Option<f64>,
    /// Images of the round, with their masks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overlays: Vec<Overlay>,
}

/// How many cells there are for the targets of a transfer.
pub fn cells_of_transfer(section: &Transfer) -> usize {
    blocks(section).len() + full_pool::cells(section, Shard::WHOLE).len()
}

/// What cells came to, in their order, and those that came to nothing.
fn results<I, T>(cells: &[Cell<I>], outcomes: Vec<Outcome<T>>) -> (Vec<T>, Vec<Failure>) {
    let (mut done, mut failures) = (Vec::new(), Vec::new());
    for (cell, outcome) in cells.iter().zip(outcomes) {
        match outcome {
            Outcome::Done(one) => done.push(one),
            Outcome::Failed(reason) => failures.push(Failure { cell: cell.key.clone(), reason }),
        }
    }
    (done, failures)
}

/// What the stages compute.
pub trait Stages: Sync {
    /// Trains a policy on the sources and writes it to [`POLICY`](crate::run::store::POLICY) in the
    /// run's folder before it returns.
    fn train(&self, plan: &Plan, stage_context: StageContext<'_>) -> Result<TrainedPolicy>;

    /// Searches an architecture on the sources.
    fn search(&self, plan: &Plan, stage_context: StageContext<'_>) -> Result<SearchedArchitecture>;

    /// Runs the episodes of one block on its target.
    fn episodes(
        &self,
        plan: &Plan,
        block: &Block,
        learned: StageOutputs<'_>,
        stage_context: StageContext<'_>,
    ) -> Result<Vec<TimedRow>>;

    /// Measures what the classifier reaches with every label, in one repetition on one target.
    fn full_pool(
        &self,
        plan: &Plan,
        whole: &Whole,
        learned: StageOutputs<'_>,
        stage_context: StageContext<'_>,
    ) -> Result<FullPool>;

    /// What draws on a target are derived from, whatever it is called.
    fn identity(&self, plan: &Plan, target: &DataRef, stage_context: StageContext<'_>) -> Result<String>;

    /// Compares searches at equal cost, in one repetition on one target.
    fn trial(&self, plan: &Plan, trial: &Trial, stage_context: StageContext<'_>) -> Result<Vec<TimedRow>>;
}
