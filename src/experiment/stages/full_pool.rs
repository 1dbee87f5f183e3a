//! The full-pool stage: what the classifier reaches with every label, on a few repetitions of every target.
//!
//! Targets of the report are shares of it, so that they follow the task. The mean of a few splits is as good a target
//! as that of all of them and costs a run less; every strategy is held to the same one.

use super::transfer::{Shared, episode_of};
use super::{Failure, Shard, StageContext, StageOutputs};
use crate::data::TargetKind;
use crate::episode::{Replicate, full_pool as measure};
use crate::error::Result;
use crate::experiment::plan::Plan;
use crate::experiment::sections::{DataRef, Transfer};
use crate::experiment::tasks;
use crate::learner::{Metric, Scores};
use crate::run::full_pool::{FullPool, sorted};
use crate::run::{Cell, Ledger, WorkerPool, run_cells};

/// The most repetitions of a target that are measured.
pub const MAX_REPETITIONS: u32 = 5;

/// One cell: a target, and the number of a repetition on it.
#[derive(Clone, Debug, PartialEq)]
pub struct Whole {
    /// The target.
    pub target: DataRef,
    /// The repetition.
    pub repetition: u32,
}

/// The cells of one shard. Which shard a cell is in does not change when repetitions are added.
pub fn cells(transfer: &Transfer, shard: Shard) -> Vec<Cell<Whole>> {
    let repetitions = transfer.repetitions.min(MAX_REPETITIONS);
    let mut cells = Vec::new();
    for (t, target) in transfer.targets.iter().enumerate() {
        for repetition in (0..repetitions).filter(|&r| (t + r as usize) % shard.count == shard.index) {
            let key = format!("full pool/{}/{repetition}", target.name());
            cells.push(Cell { key, input: Whole { target: target.clone(), repetition } });
        }
    }
    cells
}

/// Runs the cells of `shard` that are not done; gives their results, and those that have none.
pub fn full_pool<W>(
    transfer: &Transfer,
    shard: Shard,
    ledger: &mut Ledger,
    worker_pool: WorkerPool<'_>,
    work: W,
) -> Result<(Vec<FullPool>, Vec<Failure>)>
where
    W: Fn(&Whole) -> Result<FullPool> + Sync,
{
    let cells = cells(transfer, shard);
    let outcomes = run_cells("full pool", &cells, ledger, worker_pool, |cell| work(&cell.input))?;
    let (all, failures) = super::results(&cells, outcomes);
    Ok((sorted(all), failures))
}

/// Fits the classifier of the first architecture to a whole pool, from the seeds of the repetition.
pub fn whole(
    plan: &Plan,
    whole: &Whole,
    learned: StageOutputs<'_>,
    stage_context: StageContext<'_>,
    shared: &Shared,
) -> Result<FullPool> {
    super::check_cancelled(stage_context)?;
    let Whole { target, repetition } = whole;
    let transfer = plan.transfer().expect("the stage runs where there is a section");
    let dataset = shared.dataset(plan, target, stage_context)?;
    let (episode, _) = episode_of(plan, transfer.architectures[0], learned, stage_context, shared)?;
    let prepared = shared.prepared(plan, target, &dataset, *repetition)?;
    let replicate = Replicate { prepared, key: tasks::replicate_key(plan, &dataset, *repetition) };
    let scores = measure(&episode, &replicate)?;
    let Scores { metric, accuracy, balanced_accuracy, macro_f1, .. } = scores;
    let task = replicate.prepared.task();
    let mut counts = vec![0u32; task.classes()];
    if task.kind() == TargetKind::Class {
        task.test().labels().iter().for_each(|&class| counts[class as usize] += 1);
    }
    let largest = counts.into_iter().max().unwrap_or(0);
    Ok(FullPool {
        task: task.name().to_string(),
        repetition: *repetition,
        labels: task.pool().rows() as u32,
        metric,
        accuracy,
        balanced_accuracy,
        macro_f1,
        verification: scores.known(Metric::Verification),
        mean_average_precision: scores.known(Metric::MeanAveragePrecision),
        iou: scores.known(Metric::Iou),
        largest_class: f64::from(largest) / task.test().labels().len().max(1) as f64,
    })
}
