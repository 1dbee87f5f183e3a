//! The transfer stage: its cells.
//!
//! A cell is one target, one architecture, one strategy and a block of repetitions that run side by
//! side. What pairs repetitions is their number: repetition 7 has the same split, initial labels and
//! initial weights under every strategy, whatever block it is in.

use super::architecture_factory::ArchitectureFactory;
use super::{StageContext, StageOutputs, TimedRow};
use crate::agent::adaptation::AdaptedPolicy;
use crate::agent::{
    AlgorithmEntry, Choice, Frozen, Network, NetworkConfig, Policy, PolicyStrategy, Provenance, shipped,
};
use crate::data::Dataset;
use crate::episode::features::SCHEMA;
use crate::episode::{EpisodePlan, Played, Player, PreparedTask, Replicate, Row, play};
use crate::error::Result;
use crate::experiment::error::ExperimentError;
use crate::experiment::plan::Plan;
use crate::experiment::sections::{ADAPTED, ArchitectureChoice, DataRef, LEARNED, Transfer, UNTRAINED};
use crate::experiment::{inputs, tasks};
use crate::query::Strategy;
use crate::run::{Cell, Ledger, WorkerPool, digest, run_cells, store};
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::str::FromStr;
use std::sync::{Arc, Mutex};

/// What one cell runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    pub target: DataRef,
    pub architecture: ArchitectureChoice,
    /// A strategy of the registry, or [`LEARNED`].
    pub strategy: String,
    pub repetitions: Range<u32>,
}

/// A cell that has no rows.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Failure {
    pub cell: String,
    pub reason: String,
}

/// One of several parts of the cells, each run on its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// From zero, below `count`.
    pub index: usize,
    pub count: usize,
}

impl Shard {
    /// All cells.
    pub const WHOLE: Self = Self { index: 0, count: 1 };
}

impl FromStr for Shard {
    type Err = String;

    /// `"2/8"` is the second of eight.
    fn from_str(text: &str) -> Result<Self, String> {
        let numbers = text.split_once('/').and_then(|(i, n)| Some((i.parse().ok()?, n.parse().ok()?)));
        match numbers {
            Some((i @ 1.., count)) if i <= count => Ok(Self { index: i - 1, count }),
            _ => Err(format!("\"{text}\" is not of the form I/N with I from 1 to N, for example 2/8")),
        }
    }
}

/// All cells of a transfer, repetition blocks first, so that early results are comparable.
pub fn blocks(transfer: &Transfer) -> Vec<Cell<Block>> {
    cells(transfer, Shard::WHOLE, &|_| false)
}

/// The cells of one shard, cut where cells that are `done` begin and end: what is done under another
/// number of repetitions is used again, and only what is missing becomes a cell. Which shard a cell is
/// in does not change when strategies or repetitions are added at the end.
fn cells(transfer: &Transfer, shard: Shard, done: &dyn Fn(&str) -> bool) -> Vec<Cell<Block>> {
    let mut cells = Vec::new();
    for (t, target) in transfer.targets.iter().enumerate() {
        for (b, start) in (0..transfer.repetitions).step_by(transfer.block as usize).enumerate() {
            for (a, &architecture) in transfer.architectures.iter().enumerate() {
                for (s, strategy) in transfer.strategies.iter().enumerate() {
                    if (t + b + a + s) % shard.count != shard.index {
                        continue;
                    }
                    let key = |range: &Range<u32>| {
                        let (first, last) = (range.start, range.end - 1);
                        format!("transfer/{}/{}/{strategy}/{first}-{last}", target.name(), architecture)
                    };
                    let wanted = start..(start + transfer.block).min(transfer.repetitions);
                    for repetitions in cut(wanted, start + transfer.block, &|range| done(&key(range))) {
                        let (target, strategy) = (target.clone(), strategy.clone());
                        let key = key(&repetitions);
                        let input = Block { target, architecture, strategy, repetitions };
                        cells.push(Cell { key, input });
                    }
                }
            }
        }
    }
    cells
}

/// Ranges that cover `wanted`: those that are done, of which the last may go on to `limit`, and the gaps
/// between them.
fn cut(wanted: Range<u32>, limit: u32, done: &dyn Fn(&Range<u32>) -> bool) -> Vec<Range<u32>> {
    let from = |start: u32| (start + 1..=limit).rev().map(|end| start..end).find(done);
    let (mut ranges, mut at) = (Vec::new(), wanted.start);
    while at < wanted.end {
        let range = from(at).unwrap_or_else(|| {
            let next = (at + 1..wanted.end).find(|&start| from(start).is_some());
            at..next.unwrap_or(wanted.end)
        });
        at = range.end;
        ranges.push(range);
    }
    ranges
}

/// Runs the cells of `shard` with `episodes` and returns their rows, and the cells that have none.
pub fn transfer<W>(
    plan: &Plan,
    transfer: &Transfer,
    shard: Shard,
    ledger: &mut Ledger,
    worker_pool: WorkerPool<'_>,
    episodes: W,
) -> Result<(Vec<TimedRow>, Vec<Failure>)>
where
    W: Fn(&Plan, &Block) -> Result<Vec<TimedRow>> + Sync,
{
    let cells = cells(transfer, shard, &|key| ledger.output(key).is_some());
    let outcomes = run_cells("transfer", &cells, ledger, worker_pool, |cell| episodes(plan, &cell.input))?;
    let (done, failures): (Vec<Vec<TimedRow>>, _) = super::results(&cells, outcomes);
    let rows =
        done.into_iter().flatten().filter(|timed| timed.row.repetition < transfer.repetitions).collect();
    Ok((rows, failures))
}

/// A target, and a repetition on it.
type Split = (DataRef, u32);

/// What the cells of a transfer share: data sets, the splits in use, and the policies.
#[derive(Debug, Default)]
pub struct Shared {
    datasets: Mutex<Vec<(DataRef, Arc<Dataset>)>>,
    prepared_tasks: Mutex<Vec<(Split, Arc<PreparedTask>)>>,
    policy: Mutex<Option<Arc<Policy>>>,
    /// What learning algorithms made, by their names.
    others: Mutex<BTreeMap<&'static str, Arc<Frozen>>>,
}

/// Bytes of pools that are kept for the strategies that come next; blocks come one after another.
pub(in crate::experiment) const GROUND_BYTES: usize = 256 << 20;

impl Shared {
    pub(super) fn dataset(
        &self,
        plan: &Plan,
        target: &DataRef,
        stage_context: StageContext<'_>,
    ) -> Result<Arc<Dataset>> {
        let mut held = self.datasets.lock().expect("no panic while it is held");
        if let Some((_, dataset)) = held.iter().find(|(other, _)| other == target) {
            return Ok(dataset.clone());
        }
        let dataset = tasks::load(plan, target)?;
        stage_context.store.check_input(dataset.name(), dataset.digest())?;
        held.push((target.clone(), dataset.clone()));
        Ok(dataset)
    }

    pub(super) fn prepared(
        &self,
        plan: &Plan,
        target: &DataRef,
        dataset: &Dataset,
        repetition: u32,
    ) -> Result<Arc<PreparedTask>> {
        let key = (target.clone(), repetition);
        let mut held = self.prepared_tasks.lock().expect("no panic while it is held");
        if let Some((_, prepared)) = held.iter().find(|(other, _)| *other == key) {
            return Ok(prepared.clone());
        }
        let drawn = tasks::redrawn(plan, target, repetition).transpose()?;
        let prepared = tasks::prepared(plan, drawn.as_ref().unwrap_or(dataset), repetition)?;
        let bytes = 4 * prepared.task().pool().values().len().max(1);
        let most = (GROUND_BYTES / bytes).max(1);
        let excess = (held.len() + 1).saturating_sub(most).min(held.len());
        held.drain(..excess);
        held.push((key, prepared.clone()));
        Ok(prepared)
    }

    fn policy(
        &self,
        transfer: &Transfer,
        learned: StageOutputs<'_>,
        stage_context: StageContext<'_>,
    ) -> Result<Arc<Policy>> {
        let mut held = self.policy.lock().expect("no panic while it is held");
        if let Some(policy) = &*held {
            return Ok(policy.clone());
        }
        let policy = match (&transfer.policy, learned.policy) {
            (_, Some(trained)) => {
                let policy = Policy::load(&stage_context.store.path(store::POLICY)?, &SCHEMA)?;
                let (found, expected) = (policy.card().weights_sha256.clone(), trained.digest.clone());
                if found != expected {
                    return Err(ExperimentError::PolicyChanged { found, expected }.into());
                }
                policy
            }
            (Some(name), None) => {
                let policy = shipped::open(name, &SCHEMA)?;
                for (input, digest) in inputs::of_policy(name, &policy) {
                    stage_context.store.check_input(&input, &digest)?;
                }
                policy
            }
            (None, None) => unreachable!("a plan that asks for the policy trains or names one"),
        };
        let policy = Arc::new(policy);
        *held = Some(policy.clone());
        Ok(policy)
    }

    /// What a learning algorithm made, which lies in the run's folder, where training left a file of the digest that is
    /// remembered, or else in the folder that the plan names; it is loaded once.
    fn other(
        &self,
        entry: &AlgorithmEntry,
        transfer: &Transfer,
        learned: StageOutputs<'_>,
        stage_context: StageContext<'_>,
    ) -> Result<Arc<Frozen>> {
        let mut held = self.others.lock().expect("no panic while it is held");
        if let Some(policy) = held.get(entry.name) {
            return Ok(policy.clone());
        }
        let load = |folder: &Path| Frozen::load(folder, entry.name, entry.usual().weights());
        let digest = learned.policy.and_then(|trained| trained.others.get(entry.name));
        let policy = match (&transfer.policy, digest) {
            (_, Some(expected)) => {
                let policy = load(&stage_context.store.path(store::POLICY)?)?;
                let found = digest::of(&policy.to_bytes());
                if found != *expected {
                    return Err(ExperimentError::PolicyChanged { found, expected: expected.clone() }.into());
                }
                policy
            }
            (Some(folder), None) => {
                let policy = load(Path::new(folder))?;
                if let Some((input, digest)) = inputs::of_own_file(folder, entry.name)? {
                    stage_context.store.check_input(&input, &digest)?;
                }
                policy
            }
            (None, None) => unreachable!("a plan that asks for a policy trains or names it"),
        };
        Ok(held.entry(entry.name).or_insert(Arc::new(policy)).clone())
    }
}

/// The name under which rows stand: with several architectures side by side, it ends in the
/// architecture's, unless that is the learner's.
pub fn label(transfer: &Transfer, strategy: &str, architecture: ArchitectureChoice) -> String {
    match transfer.architectures.len() {
        1 => strategy.to_string(),
        _ => format!("{strategy}{}", architecture.suffix()),
    }
}

/// The episodes of one architecture, and who draws their networks unless those are the learner's.
pub(super) fn episode_of(
    plan: &Plan,
    architecture: ArchitectureChoice,
    learned: StageOutputs<'_>,
    stage_context: StageContext<'_>,
    shared: &Shared,
) -> Result<(EpisodePlan, Option<ArchitectureFactory>)> {
    let transfer = plan.transfer().expect("the stage runs where there is a section");
    let mut episode = tasks::episode_plan(plan)?;
    let architecture_factory = ArchitectureFactory::of(plan, architecture, learned, || {
        Ok(shared.policy(transfer, learned, stage_context)?.head()?.clone())
    })?;
    if let Some(architecture_factory) = &architecture_factory {
        episode.blocks = architecture_factory.blocks()?;
    }
    Ok((episode, architecture_factory))
}

/// Plays the episodes of one block.
pub fn episodes(
    plan: &Plan,
    block: &Block,
    learned: StageOutputs<'_>,
    stage_context: StageContext<'_>,
    shared: &Shared,
) -> Result<Vec<TimedRow>> {
    super::check_cancelled(stage_context)?;
    let transfer = plan.transfer().expect("the stage runs where there is a section");
    let dataset = shared.dataset(plan, &block.target, stage_context)?;
    let (episode, architecture_factory) =
        episode_of(plan, block.architecture, learned, stage_context, shared)?;
    let players = block
        .repetitions
        .clone()
        .map(|repetition| {
            Ok(Player {
                // Draws are derived from it: the same rows at random, whatever the architecture.
                name: block.strategy.clone(),
                strategy: strategy(&block.strategy, plan, transfer, learned, stage_context, shared)?,
                replicate: Replicate {
                    prepared: shared.prepared(plan, &block.target, &dataset, repetition)?,
                    key: tasks::replicate_key(plan, &dataset, repetition),
                },
                repetition,
                architect: architecture_factory.as_ref().and_then(ArchitectureFactory::architect),
            })
        })
        .collect::<Result<Vec<_>>>()?;
    let timed = |Played { rows, selecting, overlays }| {
        let mut seconds = selecting.into_iter().map(|time| time.as_secs_f64());
        let strategy = label(transfer, &block.strategy, block.architecture);
        rows.into_iter().map(move |row| TimedRow {
            selecting: seconds.next(),
            overlays: overlays.iter().filter(|one| one.round == row.round).cloned().collect(),
            row: Row { strategy: strategy.clone(), ..row },
        })
    };
    Ok(play(&episode, players)?.into_iter().flat_map(timed).collect())
}

fn strategy(
    name: &str,
    plan: &Plan,
    transfer: &Transfer,
    learned: StageOutputs<'_>,
    stage_context: StageContext<'_>,
    shared: &Shared,
) -> Result<Box<dyn Strategy>> {
    let frozen = |policy, choice| Box::new(PolicyStrategy::new(policy, choice));
    Ok(match name {
        LEARNED => frozen(shared.policy(transfer, learned, stage_context)?, Choice::Greedy),
        ADAPTED => Box::new(AdaptedPolicy::new(shared.policy(transfer, learned, stage_context)?)?),
        UNTRAINED => frozen(untrained()?, Choice::Sampled),
        _ => match plan.algorithms().find(name) {
            Ok(entry) => {
                let policy = shared.other(entry, transfer, learned, stage_context)?;
                return entry.usual().strategy(policy.weights());
            }
            Err(_) => return plan.registry().build(name),
        },
    })
}

/// The policy before it learned anything: all scores are equal, so a draw from them is uniform.
pub(in crate::experiment) fn untrained() -> Result<Arc<Policy>> {
    let key = crate::Key::root(0).named(UNTRAINED);
    let network = Network::new(NetworkConfig::default(), SCHEMA.candidate.len(), SCHEMA.global.len(), key)?;
    Ok(Arc::new(Policy::new(
        network,
        &SCHEMA,
        Provenance { name: UNTRAINED.into(), ..Provenance::default() },
    )?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::single_range_in_vec_init, reason = "lists of ranges are what is meant")]
    fn what_is_done_is_cut_out() {
        let ranges = |done: &[Range<u32>], end| cut(4..end, 8, &|range| done.contains(range));
        assert_eq!(ranges(&[], 8), [4..8]);
        assert_eq!(ranges(&[], 6), [4..6]);
        // Six repetitions, then eight; then six again.
        assert_eq!(ranges(&[4..6], 8), [4..6, 6..8]);
        assert_eq!(ranges(&[4..6, 6..8], 6), [4..6]);
        assert_eq!(ranges(&[4..8], 6), [4..8]);
        assert_eq!(ranges(&[6..8], 8), [4..6, 6..8]);
    }

    #[test]
    fn shards_are_counted_from_one() {
        assert_eq!("2/8".parse(), Ok(Shard { index: 1, count: 8 }));
        for bad in ["", "0/8", "9/8", "1", "a/b", "1/0", "-1/2"] {
            assert!(bad.parse::<Shard>().is_err(), "{bad}");
        }
    }
}
