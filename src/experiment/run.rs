//! Runs a plan: its stages in order, recorded, resumed, and written to a run folder.

use super::inputs::Inputs;
use super::plan::Plan;
use super::sections::DataRef;
use super::stages::{
    self, Failure, SearchedArchitecture, Shard, StageContext, StageOutputs, Stages, TimedRow, TrainedPolicy,
    transfer,
};
use super::tasks;
use crate::agent::{Team, Work};
use crate::episode::Row;
use crate::error::Result;
use crate::run::exchange::{self, Exchange};
use crate::run::store::{FULL_POOL, OVERLAYS, ROWS, SEARCH_PARTS, SELECTION, SUMMARY, TIMINGS, TRAIN_PARTS};
use crate::run::{
    Cancel, Digests, FullPool, Manifest, Pictured, Progress, QueryTimes, RunError, Store, WorkerPool, digest,
    full_pool, once, overlays, redo, rows,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where and how a plan runs. Nothing in it changes a result.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The run's folder.
    pub dir: &'a Path,
    /// Threads.
    pub jobs: usize,
    /// Remove the files of a run that is there, instead of continuing it.
    pub fresh: bool,
    pub progress: &'a dyn Progress,
    pub cancel: &'a Cancel,
    /// How often what is done within a cell goes to the disk; [`SAVE_EVERY`](crate::run::SAVE_EVERY).
    pub save_every: Duration,
    /// Who plays the episodes of a training.
    pub spread: Spread,
}

/// Over how many processes the episodes of a training are spread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Spread {
    /// One process, on its threads.
    #[default]
    Alone,
    /// So many, through a folder beside the run's ([`exchange`]); this one leads, the others [`help`].
    Folder { shards: usize },
    /// Those of the MPI job that was joined ([`ranks`](crate::run::ranks)); rank 0 leads, the others [`help`].
    #[cfg(feature = "mpi")]
    Ranks,
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
    /// What the draws on each task were derived from, by the task's name: the content of its data.
    pub tasks: BTreeMap<String, String>,
    /// The digest of the rows, each task by its content: equal results have equal digests, whatever the files
    /// of their data are called.
    pub rows_digest: String,
    /// The digest of `full_pool.jsonl`, where there are targets to measure on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub full_pool_digest: Option<String>,
    /// The digest of the file `rows.jsonl`.
    pub rows_file: String,
    /// The trained policy.
    pub policy: Option<TrainedPolicy>,
    /// The architecture found on the sources.
    pub architecture: Option<SearchedArchitecture>,
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
    pub rows: Vec<Row>,
    /// What the classifier reaches with all labels.
    pub full_pool: Vec<FullPool>,
    /// Seconds that their queries took.
    pub times: QueryTimes,
    /// Images of repetition 0 with their masks, where targets are masks.
    pub overlays: Vec<Pictured>,
}

impl Finished {
    /// Reads the run in `dir`.
    ///
    /// # Errors
    /// If it did not come to its end, or one of its files is damaged.
    pub fn read(dir: &Path) -> Result<Self> {
        let summary = Summary::read(dir)?;
        let rows = rows::read(&dir.join(ROWS), Some(&summary.rows_file))?;
        let full_pool = match &summary.full_pool_digest {
            Some(digest) => full_pool::read(&dir.join(FULL_POOL), digest)?,
            None => Vec::new(),
        };
        let times = QueryTimes::read(&dir.join(SELECTION))?;
        let overlays = overlays::read(&dir.join(OVERLAYS))?;
        Ok(Self { dir: dir.to_path_buf(), summary, rows, full_pool, times, overlays })
    }
}

/// Runs what of `plan` is not yet done in `context.dir`. `inputs` is all that is read besides the plan.
///
/// # Errors
/// Whatever [`Store::open`] refuses; a failed train or search stage; an interruption. A failed transfer
/// cell is no error but one of the [failures](Summary::failures).
pub fn run(plan: &Plan, inputs: Inputs, stages: &dyn Stages, context: Context<'_>) -> Result<Finished> {
    let manifest = Manifest::new(&plan.to_toml(), plan.seed(), inputs.digests)?;
    let manifest = manifest.with_decisions(inputs.decisions);
    execute(plan, manifest, Shard::WHOLE, stages, context)
}

/// Runs what of one shard of a benchmark is not yet done in `context.dir`. Unlike [`run`](fn@run), it goes
/// on where the folder's benchmark had other strategies or another number of repetitions; the rows are
/// those of the present plan.
///
/// # Errors
/// As [`run`](fn@run).
pub fn bench(
    plan: &Plan,
    shard: Shard,
    inputs: Inputs,
    stages: &dyn Stages,
    context: Context<'_>,
) -> Result<Finished> {
    let manifest = Manifest::new(&plan.benchmark(), plan.seed(), inputs.digests)?;
    let manifest = manifest.with_decisions(inputs.decisions);
    execute(plan, manifest, shard, stages, context)
}

/// Plays, as shard number `shard` (from zero) of a training, the episodes that the first shard asks for, until the
/// training in `context.dir` has ended; gives the number of pieces that were made. Nothing but the folder of the
/// [`exchange`] is written to, and nothing at all as a rank of an MPI job.
///
/// # Errors
/// As [`exchange::serve`], and what making the plan's tasks fails with.
pub fn help(plan: &Plan, shard: usize, inputs: Inputs, context: Context<'_>) -> Result<usize> {
    let manifest = Manifest::new(&plan.to_toml(), plan.seed(), inputs.digests)?;
    let run = manifest.with_decisions(inputs.decisions).digest();
    let Context { progress, cancel, .. } = context;
    redo("help", WorkerPool { jobs: context.jobs, progress, cancel }, || {
        let (sources, validation) = (tasks::sources(plan)?, tasks::validation(plan)?);
        let training_tasks = stages::train::training_tasks(plan, &sources, &validation);
        let answer = |work: &Work, piece: usize| training_tasks.answer(work, piece);
        match context.spread {
            #[cfg(feature = "mpi")]
            Spread::Ranks => crate::run::ranks::serve(&run, cancel, &answer),
            Spread::Alone | Spread::Folder { .. } => {
                exchange::serve(&exchange::folder(context.dir), &run, shard, cancel, &answer)
            }
        }
    })
}

fn execute(
    plan: &Plan,
    manifest: Manifest,
    shard: Shard,
    stages: &dyn Stages,
    context: Context<'_>,
) -> Result<Finished> {
    let text = plan.to_toml();
    let (store, mut ledger) = Store::open(context.dir, &manifest, &text, context.fresh)?;
    let Context { progress, cancel, save_every, .. } = context;
    let mut exchange = None;
    #[cfg(feature = "mpi")]
    let mut ranks = None;
    let team: Option<&dyn Team> = match context.spread {
        Spread::Alone => None,
        Spread::Folder { shards } => {
            let opened = Exchange::open(&exchange::folder(context.dir), store.run(), shards, cancel)?;
            Some(exchange.insert(opened))
        }
        #[cfg(feature = "mpi")]
        Spread::Ranks => Some(ranks.insert(crate::run::ranks::Ranks::lead(store.run(), cancel))),
    };
    let stage_context = StageContext { store: &store, progress, cancel, save_every, team };
    let worker_pool = WorkerPool { jobs: context.jobs, progress, cancel };

    let policy = match plan.train() {
        Some(_) => {
            let trained: TrainedPolicy =
                once("train", &mut ledger, worker_pool, || stages.train(plan, stage_context))?;
            restore("train", &store, &trained.files, worker_pool, || stages.train(plan, stage_context))?;
            store.discard(TRAIN_PARTS)?;
            Some(trained)
        }
        None => None,
    };
    let architecture = match plan.searches_sources() {
        true => {
            let found: SearchedArchitecture =
                once("search", &mut ledger, worker_pool, || stages.search(plan, stage_context))?;
            restore("search", &store, &found.files, worker_pool, || stages.search(plan, stage_context))?;
            store.discard(SEARCH_PARTS)?;
            Some(found)
        }
        false => None,
    };
    let (mut all, mut failures, mut whole) = (Vec::new(), Vec::new(), None);
    if let Some(section) = plan.transfer() {
        let learned = StageOutputs { policy: policy.as_ref(), architecture: architecture.as_ref() };
        let (measured, failed) = stages::full_pool(section, shard, &mut ledger, worker_pool, |whole| {
            stages.full_pool(plan, whole, learned, stage_context)
        })?;
        whole = Some(measured);
        failures.extend(failed);
        let (rows, failed) = transfer(plan, section, shard, &mut ledger, worker_pool, |plan, block| {
            stages.episodes(plan, block, learned, stage_context)
        })?;
        all.extend(rows);
        failures.extend(failed);
    }
    if let Some(section) = plan.search_comparison() {
        let (rows, failed) = stages::search_comparison(section, &mut ledger, worker_pool, |trial| {
            stages.trial(plan, trial, stage_context)
        })?;
        all.extend(rows);
        failures.extend(failed);
    }

    let times = times(&all);
    let overlays = pictured(&all);
    let tasks = identities(plan, stages, stage_context)?;
    let mut rows: Vec<Row> = all.into_iter().map(|timed| timed.row).collect();
    let rows_digest = rows::digest(&rows, &tasks)?;
    let bytes = rows::to_jsonl(&mut rows)?;
    let whole = whole.map(|whole| (full_pool::to_jsonl(&whole), whole));
    let summary = Summary {
        name: plan.name().to_string(),
        run: manifest.digest(),
        rows: rows.len(),
        full_pool_digest: whole.as_ref().map(|(bytes, _)| digest::of(bytes)),
        tasks,
        rows_digest,
        rows_file: digest::of(&bytes),
        policy,
        architecture,
        failures,
    };
    let mut text = serde_json::to_vec_pretty(&summary).expect("strings and finite numbers serialise");
    text.push(b'\n');
    let file = |name: &str, bytes| (name.to_string(), bytes);
    let mut files =
        vec![file(ROWS, bytes), file(TIMINGS, timings(&ledger)), file(SELECTION, times.to_jsonl())];
    let full_pool = whole.map_or(Vec::new(), |(bytes, whole)| {
        files.push(file(FULL_POOL, bytes));
        whole
    });
    if !overlays.is_empty() {
        files.push(file(OVERLAYS, overlays::to_jsonl(&overlays)));
    }
    // The summary last: it says that the rest is there.
    files.push(file(SUMMARY, text));
    store.publish(&files)?;
    if let Some(exchange) = exchange {
        exchange.finish()?;
    }
    Ok(Finished { dir: context.dir.to_path_buf(), summary, rows, full_pool, times, overlays })
}

/// What the draws on each target are derived from, by its name.
fn identities(
    plan: &Plan,
    stages: &dyn Stages,
    stage_context: StageContext<'_>,
) -> Result<BTreeMap<String, String>> {
    let of_transfer = plan.transfer().map_or(&[][..], |transfer| &transfer.targets);
    let compared = plan.search_comparison().map_or(&[][..], |search_comparison| &search_comparison.targets);
    let identified =
        |target: &DataRef| Ok((target.name().to_string(), stages.identity(plan, target, stage_context)?));
    of_transfer.iter().chain(compared).map(identified).collect()
}

/// Makes again what a stage has written and is missing; nothing, as a rule.
fn restore<T: Send>(
    stage: &str,
    store: &Store,
    files: &Digests,
    worker_pool: WorkerPool<'_>,
    make: impl Fn() -> Result<T> + Send,
) -> Result<()> {
    if store.missing(files)?.is_empty() {
        return Ok(());
    }
    redo(stage, worker_pool, make)?;
    match store.missing(files)?.first() {
        None => Ok(()),
        Some(name) => {
            let reason = format!("{name} is missing, and was not made again");
            Err(RunError::Work { key: stage.to_string(), reason }.into())
        }
    }
}

/// The times of the queries that have one.
fn times(rows: &[TimedRow]) -> QueryTimes {
    let mut times = QueryTimes::default();
    for TimedRow { row, selecting, .. } in rows {
        if let Some(seconds) = *selecting {
            times.insert(row, seconds);
        }
    }
    times
}

/// The images of all rows, in canonical order.
fn pictured(rows: &[TimedRow]) -> Vec<Pictured> {
    let of = |timed: &TimedRow| -> Vec<Pictured> {
        timed.overlays.iter().map(|overlay| Pictured::of(&timed.row, overlay.clone())).collect()
    };
    overlays::sorted(rows.iter().flat_map(of).collect())
}

fn timings(ledger: &crate::run::Ledger) -> Vec<u8> {
    let line = |(cell, seconds, done): (&str, f64, bool)| {
        format!("{}\n", serde_json::json!({ "cell": cell, "seconds": seconds, "done": done }))
    };
    ledger.timings().into_iter().map(line).collect::<String>().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::super::stages::{Block, Trial, Whole};
    use super::super::vocabulary::Vocabulary;
    use super::*;
    use crate::Key;
    use crate::error::Exit;
    use crate::learner::Metric;
    use crate::run::{SAVE_EVERY, Silent, store::POLICY};
    use rand::RngExt;
    use std::fs;
    use std::sync::atomic::{AtomicUsize, Ordering};

    const PLAN: &str = r#"
        name = "fake"
        [train]
        [search]
        [transfer]
        targets = ["digits", "iris"]
        architectures = ["learner", "searched"]
        repetitions = 10
        block = 4
    "#;
    /// Targets, architectures, strategies, blocks.
    const CELLS: usize = 2 * 2 * 3 * 3;

    fn plan(sets: &[&str]) -> Plan {
        let vocabulary = Vocabulary { datasets: vec!["digits", "iris"], ..Vocabulary::default() };
        let sets: Vec<String> = sets.iter().map(|set| set.to_string()).collect();
        Plan::parse(PLAN, "fake.toml", &sets, None, &vocabulary).unwrap()
    }

    /// Stages whose numbers depend on plan and repetition alone, and which count what they do.
    #[derive(Default)]
    struct Fake {
        trained: AtomicUsize,
        ran: AtomicUsize,
        measured: AtomicUsize,
        broken: Option<&'static str>,
        stop_after: Option<(usize, Cancel)>,
    }

    impl Stages for Fake {
        fn train(&self, _plan: &Plan, stage_context: StageContext<'_>) -> Result<TrainedPolicy> {
            self.trained.fetch_add(1, Ordering::Relaxed);
            let name = format!("{POLICY}/policy.safetensors");
            stage_context.store.write(&name, b"weights")?;
            Ok(TrainedPolicy {
                digest: digest::of(b"weights"),
                files: BTreeMap::from([(name, digest::of(b"weights"))]),
                sources: Vec::new(),
                validation: Vec::new(),
                states: 0,
                episodes: 0,
                curve: Vec::new(),
                importance: Vec::new(),
                selection_profile: Vec::new(),
                others: Digests::new(),
            })
        }

        fn search(&self, _plan: &Plan, _site: StageContext<'_>) -> Result<SearchedArchitecture> {
            let blocks = vec![crate::arch::Block::Residual { width: 32 }];
            let starts = Vec::new();
            Ok(SearchedArchitecture {
                files: BTreeMap::new(),
                blocks_per_stack: 1,
                stacks: 1,
                blocks,
                starts,
                steps: 9,
                held_out: Vec::new(),
                log: Vec::new(),
            })
        }

        fn episodes(
            &self,
            plan: &Plan,
            block: &Block,
            learned: StageOutputs<'_>,
            _site: StageContext<'_>,
        ) -> Result<Vec<TimedRow>> {
            assert!(learned.policy.is_some() && learned.architecture.is_some());
            let ran = self.ran.fetch_add(1, Ordering::Relaxed) + 1;
            if let Some((after, cancel)) = &self.stop_after
                && ran == *after
            {
                cancel.raise();
            }
            if self.broken == Some(block.strategy.as_str()) {
                panic!("{} is broken", block.strategy);
            }
            let key = Key::root(plan.seed()).named(block.target.name()).named(&block.strategy);
            let row = |repetition: u32| TimedRow {
                selecting: Some(0.25),
                overlays: Vec::new(),
                row: Row {
                    task: block.target.name().into(),
                    strategy: block.strategy.clone(),
                    architecture: block.architecture.to_string(),
                    repetition,
                    round: 0,
                    labels: 3,
                    accuracy: key.at(repetition.into()).rng().random(),
                    metric: Metric::Accuracy,
                    balanced_accuracy: Some(0.5),
                    macro_f1: Some(0.25),
                    verification: None,
                    mean_average_precision: None,
                    iou: None,
                    reward_accuracy: 0.5,
                    steps: 1,
                    picks: vec![],
                    pick_ids: vec![],
                    note: None,
                    answers: None,
                    stops: vec![],
                },
            };
            Ok(block.repetitions.clone().map(row).collect())
        }

        fn full_pool(
            &self,
            plan: &Plan,
            whole: &Whole,
            _learned: StageOutputs<'_>,
            _site: StageContext<'_>,
        ) -> Result<FullPool> {
            self.measured.fetch_add(1, Ordering::Relaxed);
            let key = Key::root(plan.seed()).named(whole.target.name());
            Ok(FullPool {
                task: whole.target.name().into(),
                repetition: whole.repetition,
                labels: 60,
                accuracy: key.at(whole.repetition.into()).rng().random(),
                metric: Metric::Accuracy,
                balanced_accuracy: 0.5,
                macro_f1: 0.5,
                verification: None,
                mean_average_precision: None,
                iou: None,
                largest_class: 0.4,
            })
        }

        fn identity(&self, _plan: &Plan, target: &DataRef, _site: StageContext<'_>) -> Result<String> {
            Ok(target.name().to_string())
        }

        fn trial(&self, _plan: &Plan, _bout: &Trial, _site: StageContext<'_>) -> Result<Vec<TimedRow>> {
            panic!("the plan compares no searches")
        }
    }

    fn go(dir: &Path, plan: &Plan, stages: &Fake, jobs: usize) -> Result<Finished> {
        let cancel = stages.stop_after.as_ref().map_or_else(Cancel::new, |(_, cancel)| cancel.clone());
        let save_every = SAVE_EVERY;
        let context = Context {
            dir,
            jobs,
            fresh: false,
            progress: &Silent,
            cancel: &cancel,
            save_every,
            spread: Spread::Alone,
        };
        run(plan, BTreeMap::from([("digits".into(), "d".into())]).into(), stages, context)
    }

    fn results(dir: &Path) -> [Vec<u8>; 3] {
        [ROWS, SUMMARY, FULL_POOL].map(|name| fs::read(dir.join(name)).unwrap())
    }

    #[test]
    fn a_run_writes_its_folder_and_then_does_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let fake = Fake::default();
        let finished = go(dir.path(), &plan(&[]), &fake, 2).unwrap();
        assert_eq!(fake.ran.load(Ordering::Relaxed), CELLS);
        assert_eq!(finished.rows.len(), 2 * 2 * 3 * 10);
        assert_eq!(Summary::read(dir.path()).unwrap(), finished.summary);
        let stored = rows::read(&dir.path().join(ROWS), Some(&finished.summary.rows_file)).unwrap();
        // One time per query.
        let times = QueryTimes::read(&dir.path().join(SELECTION)).unwrap();
        assert_eq!(times, finished.times);
        assert!(stored.iter().all(|row| times.of(row) == Some(0.25)));
        assert_eq!(stored, finished.rows);
        // Five repetitions of each target, whatever there is to be compared.
        assert_eq!((finished.full_pool.len(), fake.measured.load(Ordering::Relaxed)), (2 * 5, 2 * 5));
        assert_eq!(Finished::read(dir.path()).unwrap().full_pool, finished.full_pool);
        let before = results(dir.path());
        let second = go(dir.path(), &plan(&[]), &fake, 1).unwrap();
        assert_eq!(fake.ran.load(Ordering::Relaxed), CELLS, "nothing is run again");
        assert_eq!(fake.measured.load(Ordering::Relaxed), 2 * 5, "nor measured");
        assert_eq!(fake.trained.load(Ordering::Relaxed), 1);
        assert_eq!((second.summary, results(dir.path())), (finished.summary, before));
    }

    #[test]
    fn results_do_not_depend_on_threads_blocks_or_interruptions() {
        let reference = tempfile::tempdir().unwrap();
        go(reference.path(), &plan(&[]), &Fake::default(), 1).unwrap();
        let [rows, summary, full_pool] = results(reference.path());
        for jobs in [2, 8] {
            let dir = tempfile::tempdir().unwrap();
            for after in [1, 5, 9] {
                let stop_after = Some((after, Cancel::new()));
                let error =
                    go(dir.path(), &plan(&[]), &Fake { stop_after, ..Fake::default() }, jobs).unwrap_err();
                assert_eq!(error.exit(), Exit::Interrupted);
                assert!(!dir.path().join(SUMMARY).exists());
            }
            go(dir.path(), &plan(&[]), &Fake::default(), jobs).unwrap();
            assert_eq!(
                results(dir.path()),
                [rows.clone(), summary.clone(), full_pool.clone()],
                "{jobs} threads"
            );
        }
        let dir = tempfile::tempdir().unwrap();
        go(dir.path(), &plan(&["transfer.block=7"]), &Fake::default(), 1).unwrap();
        assert_eq!(results(dir.path())[0], rows, "blocks of seven repetitions");
    }

    /// Fault case 43: a strategy that panics costs its own rows alone, and its cells are tried again.
    #[test]
    fn a_broken_strategy_leaves_the_others_their_rows() {
        let dir = tempfile::tempdir().unwrap();
        let broken = Fake { broken: Some("margin"), ..Fake::default() };
        let finished = go(dir.path(), &plan(&[]), &broken, 2).unwrap();
        assert_eq!(finished.summary.failures.len(), CELLS / 3);
        assert_eq!(finished.summary.failures[0].cell, "transfer/digits/learner/margin/0-3");
        assert_eq!(finished.summary.failures[0].reason, "panic: margin is broken");
        assert_eq!(finished.rows.len(), 2 * 2 * 2 * 10);
        let repaired = Fake::default();
        let finished = go(dir.path(), &plan(&[]), &repaired, 2).unwrap();
        assert_eq!(repaired.ran.load(Ordering::Relaxed), CELLS / 3);
        assert_eq!((finished.summary.failures.len(), finished.rows.len()), (0, 2 * 2 * 3 * 10));
    }

    /// Fault cases 52 and 53, through the whole run.
    #[test]
    fn a_changed_plan_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        go(dir.path(), &plan(&[]), &Fake::default(), 2).unwrap();
        let before = results(dir.path());
        let error = go(dir.path(), &plan(&["transfer.repetitions=11"]), &Fake::default(), 2).unwrap_err();
        assert_eq!(error.exit(), Exit::BadInput);
        let text = error.to_string();
        assert!(text.contains("`repetitions = 10` there, `repetitions = 11` here"), "{text}");
        assert_eq!(results(dir.path()), before);
    }

    /// Fault cases 48 and 69: rows that were changed were once overwritten without a word.
    #[test]
    fn damaged_rows_are_refused_and_missing_ones_restored() {
        let dir = tempfile::tempdir().unwrap();
        let finished = go(dir.path(), &plan(&[]), &Fake::default(), 2).unwrap();
        let path = dir.path().join(ROWS);
        let good = fs::read(&path).unwrap();
        let mut bad = good.clone();
        bad[40] ^= 1;
        fs::write(&path, bad).unwrap();
        let error = rows::read(&path, Some(&finished.summary.rows_file)).unwrap_err();
        assert!(matches!(error, RunError::RowsDigest { .. }), "{error}");
        let error = go(dir.path(), &plan(&[]), &Fake::default(), 2).unwrap_err();
        assert_eq!(error.exit(), Exit::BadInput);
        let text = error.to_string();
        assert!(text.contains(&finished.summary.rows_file) && text.contains(ROWS), "{text}");
        fs::remove_file(&path).unwrap();
        go(dir.path(), &plan(&[]), &Fake::default(), 2).unwrap();
        assert_eq!(fs::read(&path).unwrap(), good);
    }

    /// Fault case 69: a policy that is missing is trained again, and one that was changed is refused.
    #[test]
    fn what_a_stage_wrote_is_restored_or_refused() {
        let dir = tempfile::tempdir().unwrap();
        go(dir.path(), &plan(&[]), &Fake::default(), 2).unwrap();
        let path = dir.path().join(POLICY).join("policy.safetensors");
        fs::remove_file(&path).unwrap();
        let fake = Fake::default();
        go(dir.path(), &plan(&[]), &fake, 2).unwrap();
        assert_eq!((fake.trained.load(Ordering::Relaxed), fake.ran.load(Ordering::Relaxed)), (1, 0));
        assert_eq!(fs::read(&path).unwrap(), b"weights");
        fs::write(&path, "others").unwrap();
        let error = go(dir.path(), &plan(&[]), &Fake::default(), 2).unwrap_err();
        assert_eq!(error.exit(), Exit::BadInput);
        let text = error.to_string();
        assert!(text.contains(&digest::of(b"weights")) && text.contains(&digest::of(b"others")), "{text}");
        assert_eq!(fs::read(&path).unwrap(), b"others", "it was left alone");
    }
}
