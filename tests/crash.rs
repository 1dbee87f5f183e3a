//! A run survives the end of its process at any moment.
//!
//! The test executes itself: with `QUERIST_CRASH_DIR` set, [`child`] is a run of forty small cells in
//! that folder, and [`pupil`] a training of a policy, which is one cell that takes long.

#![allow(clippy::disallowed_methods)]

use querist::durable::faults::{Outcome as Happens, arm};
use querist::episode::Row;
use querist::experiment::inputs::Inputs;
use querist::experiment::stages::Builtin;
use querist::experiment::{self, Context, Plan, Spread, Vocabulary};
use querist::learner::Metric;
use querist::run::journal::{self, Record};
use querist::run::store::{JOURNAL, ROWS, TRAIN_PARTS};
use querist::run::{
    Bar, Cancel, Cell, Manifest, Outcome, Progress, Silent, Store, WorkerPool, rows, run_cells,
};
use querist::{Key, Result};
use rand::RngExt;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

const CELLS: u32 = 40;
const PLAN: &str = "name = \"crash\"\nseed = 1\n";
const DIR: &str = "QUERIST_CRASH_DIR";
const JOBS: &str = "QUERIST_CRASH_JOBS";
const ABORT_AT: &str = "QUERIST_CRASH_ABORT_AT";
const SLOW: &str = "QUERIST_CRASH_SLOW";
const UNITS: &str = "QUERIST_CRASH_UNITS";

/// Two rows whose numbers depend on the cell's key alone.
fn work(cell: &Cell<u32>) -> Vec<Row> {
    let mut rng = Key::root(1).named(&cell.key).rng();
    let mut row = |round: u32| Row {
        task: "crash".into(),
        strategy: format!("s{}", cell.input % 3),
        architecture: "4-3".into(),
        repetition: cell.input,
        round,
        labels: 3 + round,
        accuracy: rng.random(),
        metric: Metric::Accuracy,
        balanced_accuracy: Some(rng.random()),
        macro_f1: Some(rng.random()),
        verification: None,
        mean_average_precision: None,
        iou: None,
        reward_accuracy: rng.random(),
        steps: 10,
        answers: None,
        stops: Vec::new(),
        picks: vec![cell.input],
        pick_ids: vec![],
        note: None,
    };
    vec![row(0), row(1)]
}

fn run(dir: &Path, jobs: usize, slow: Duration) -> Result<()> {
    let manifest = Manifest::new(PLAN, 1, BTreeMap::new())?;
    let (store, mut ledger) = Store::open(dir, &manifest, PLAN, false)?;
    let cancel = Cancel::new();
    let worker_pool = WorkerPool { jobs, progress: &Silent, cancel: &cancel };
    let cells: Vec<_> = (0..CELLS).map(|i| Cell { key: format!("cell/{i}"), input: i }).collect();
    let outcomes = run_cells("cells", &cells, &mut ledger, worker_pool, |cell| {
        std::thread::sleep(slow);
        Ok(work(cell))
    })?;
    let done = outcomes.into_iter().flat_map(|outcome| match outcome {
        Outcome::Done(rows) => rows,
        Outcome::Failed(reason) => panic!("{reason}"),
    });
    store.write(ROWS, &rows::to_jsonl(&mut done.collect::<Vec<_>>())?)?;
    Ok(())
}

/// What the other tests start and kill; by itself it does nothing.
#[test]
fn child() {
    let Ok(dir) = std::env::var(DIR) else { return };
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let jobs = number(JOBS).unwrap_or(2) as usize;
    let slow = Duration::from_millis(number(SLOW).unwrap_or(0));
    let _armed = number(ABORT_AT).map(|n| arm(n, Happens::Abort));
    run(Path::new(&dir), jobs, slow).unwrap();
}

fn command(dir: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["child", "--exact", "--test-threads=1"]).env(DIR, dir);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// Runs until disk operation `n`, in cells long enough that each has a flush of its own.
fn run_until(dir: &Path, n: u64) -> ExitStatus {
    command(dir).env(ABORT_AT, n.to_string()).env(JOBS, "1").env(SLOW, "3").status().unwrap()
}

/// Runs to the end and returns the rows.
fn finish(dir: &Path, jobs: usize) -> Vec<u8> {
    let status = command(dir).env(JOBS, jobs.to_string()).status().unwrap();
    assert!(status.success(), "{status}");
    fs::read(dir.join(ROWS)).unwrap()
}

/// Keys of the journal's records, in order; none before it exists. Never damaged.
fn recorded(dir: &Path) -> Vec<String> {
    let path = dir.join(JOURNAL);
    if !path.exists() {
        return Vec::new();
    }
    let content = journal::read(&path).unwrap();
    content.records.iter().map(Record::key).map(String::from).collect()
}

fn reference() -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    finish(dir.path(), 1)
}

#[test]
fn rows_do_not_depend_on_threads_or_process() {
    let expected = reference();
    assert_eq!(expected.iter().filter(|&&b| b == b'\n').count(), 2 * CELLS as usize);
    for jobs in [1, 2, 8, 16] {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(finish(dir.path(), jobs), expected, "{jobs} threads");
        let before = fs::read(dir.path().join(JOURNAL)).unwrap();
        assert_eq!(finish(dir.path(), jobs), expected);
        assert_eq!(fs::read(dir.path().join(JOURNAL)).unwrap(), before, "a finished run does nothing");
    }
}

/// Fault case 45: the process ends before every single disk operation.
#[test]
fn an_abort_at_every_disk_operation_loses_nothing() {
    let expected = reference();
    let mut aborted = 0;
    loop {
        let dir = tempfile::tempdir().unwrap();
        let armed = run_until(dir.path(), aborted);
        if armed.success() {
            break;
        }
        let acknowledged = recorded(dir.path());
        assert_eq!(finish(dir.path(), 2), expected, "operation {aborted}");
        let after = recorded(dir.path());
        assert_eq!(after[..acknowledged.len()], acknowledged, "operation {aborted}");
        assert_eq!(after.len(), CELLS as usize, "operation {aborted}: nothing was computed twice");
        aborted += 1;
    }
    assert!(aborted > 30, "only {aborted} operations");
}

/// Fault case 46: a run with a torn record is resumed, and the resuming process ends before each of
/// its first disk operations in turn: while it cuts the tail off, appends, tears the next record.
#[test]
fn an_abort_while_a_torn_run_is_resumed_loses_nothing() {
    let expected = reference();
    let torn = tempfile::tempdir().unwrap();
    let mut acknowledged = Vec::new();
    // The first operation after which the journal ends within a record.
    for n in 0.. {
        let dir = tempfile::tempdir().unwrap();
        let armed = run_until(dir.path(), n);
        assert!(!armed.success(), "no operation tears a record");
        let Ok(bytes) = fs::read(dir.path().join(JOURNAL)) else { continue };
        acknowledged = recorded(dir.path());
        if acknowledged.len() > 3 && !bytes.ends_with(b"\n") {
            for entry in fs::read_dir(dir.path()).unwrap() {
                let path = entry.unwrap().path();
                fs::copy(&path, torn.path().join(path.file_name().unwrap())).unwrap();
            }
            break;
        }
    }
    for n in 0..12 {
        let dir = tempfile::tempdir().unwrap();
        for entry in fs::read_dir(torn.path()).unwrap() {
            let path = entry.unwrap().path();
            fs::copy(&path, dir.path().join(path.file_name().unwrap())).unwrap();
        }
        let armed = run_until(dir.path(), n);
        assert!(!armed.success(), "operation {n}");
        assert_eq!(recorded(dir.path())[..acknowledged.len()], acknowledged, "operation {n}");
        assert_eq!(finish(dir.path(), 2), expected, "operation {n}");
        assert_eq!(recorded(dir.path()).len(), CELLS as usize, "operation {n}");
    }
}

/// Fault case 51: a second process is refused by the first one's number; a dead one is no obstacle.
#[test]
fn a_second_process_is_refused_until_the_first_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    let mut child = command(dir.path()).env(SLOW, "1000").spawn().unwrap();
    while !dir.path().join("manifest.json").exists() {
        std::thread::sleep(Duration::from_millis(1));
    }
    let error = run(dir.path(), 1, Duration::ZERO).unwrap_err();
    assert!(error.to_string().ends_with(&format!("in use by process {}", child.id())), "{error}");
    assert_eq!(error.exit() as u8, 2);
    child.kill().unwrap();
    child.wait().unwrap();
    run(dir.path(), 2, Duration::ZERO).unwrap();
}

/// Fault case 44: `kill -9` at random moments, several times in one run.
#[test]
fn kills_at_random_moments_lose_nothing() {
    let expected = reference();
    let mut rng = Key::root(44).rng();
    let mut killed = 0;
    for round in 0..50 {
        let dir = tempfile::tempdir().unwrap();
        for _ in 0..4 {
            let mut child = command(dir.path()).env(SLOW, "4").spawn().unwrap();
            std::thread::sleep(Duration::from_millis(rng.random_range(0..60)));
            let before = recorded(dir.path());
            child.kill().unwrap();
            killed += u32::from(!child.wait().unwrap().success());
            let after = recorded(dir.path());
            assert_eq!(after[..before.len()], before, "round {round}");
        }
        assert_eq!(finish(dir.path(), 2), expected, "round {round}");
        assert_eq!(recorded(dir.path()).len(), CELLS as usize, "round {round}");
    }
    assert!(killed >= 100, "only {killed} of 200 were killed at work");
}

/// A training of a second: states of eight tasks, two rounds of DAgger on six of them, and three steps of an evolution
/// strategy; as many units of work.
const TRAINING: &str = r#"
    name = "training"
    [learner]
    hidden = [6]
    epochs = 8
    [episode]
    rounds = 4
    [sources]
    synthetic = 6
    validation_synthetic = 2
    max_pool = 60
    max_held = 40
    [train]
    imitation = { episodes = 2, states = 2, candidates = 4, epochs = 4 }
    dagger = { rounds = 2, episodes = 2 }
    evolution = { iterations = 2, pairs = 2, tasks_per_pair = 2, validate_every = 1 }
    policy_gradient = { iterations = 0 }
    network = { kind = "deep_sets", hidden = 4 }
    validation_episodes = 2
"#;
/// Ends the process, as `kill -9` would, once so many units of work are done.
struct Ends(Arc<AtomicU64>);

impl Progress for Ends {
    fn begin(&self, what: &str, _total: u64) -> Box<dyn Bar> {
        match what {
            // The bar of the stage itself.
            "train" => Box::new(Silent),
            _ => Box::new(Ends(self.0.clone())),
        }
    }
}

impl Bar for Ends {
    fn advance(&self, units: u64) {
        for _ in 0..units {
            if self.0.fetch_sub(1, Ordering::SeqCst) == 1 {
                std::process::abort();
            }
        }
    }
}

/// Trains in `dir`, and ends the process after so many units of work, if there are as many.
fn train(dir: &Path, seed: u64, units: u64) -> Result<()> {
    let plan = Plan::parse(TRAINING, "training.toml", &[], Some(seed), &Vocabulary::default())?;
    let progress = Ends(Arc::new(AtomicU64::new(units)));
    let (cancel, save_every) = (Cancel::new(), Duration::ZERO);
    let spread = Spread::Alone;
    let context =
        Context { dir, jobs: 2, fresh: false, progress: &progress, cancel: &cancel, save_every, spread };
    experiment::run(&plan, Inputs::default(), &Builtin::default(), context).map(drop)
}

/// What the tests below start and kill; by itself it does nothing.
#[test]
fn pupil() {
    let Ok(dir) = std::env::var(DIR) else { return };
    train(Path::new(&dir), 1, std::env::var(UNITS).unwrap().parse().unwrap()).unwrap();
}

fn killed(dir: &Path, units: u64) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["pupil", "--exact", "--test-threads=1"]).env(DIR, dir).env(UNITS, units.to_string());
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
    assert!(!status.success(), "training ended before {units} units");
}

/// The names of the parts that are on the disk, in order.
fn parts(dir: &Path) -> Vec<String> {
    let text = fs::read_to_string(dir.join(TRAIN_PARTS)).unwrap();
    text.lines().skip(1).map(|line| line.split(' ').nth(3).unwrap().to_string()).collect()
}

fn policy(dir: &Path) -> [Vec<u8>; 2] {
    ["policy.safetensors", "card.toml"].map(|file| fs::read(dir.join("policy").join(file)).unwrap())
}

/// Imitation once began anew after a kill, however long it had taken.
#[test]
fn kills_within_training_lose_no_part_and_change_no_byte() {
    let whole = tempfile::tempdir().unwrap();
    train(whole.path(), 1, u64::MAX).unwrap();
    let expected = policy(whole.path());
    assert!(!whole.path().join(TRAIN_PARTS).exists(), "what is done needs no parts");
    for units in [1, 5, 8, 10, 16, 20] {
        let dir = tempfile::tempdir().unwrap();
        killed(dir.path(), units);
        let before = parts(dir.path());
        assert!(before.len() as u64 >= units, "{units} units: {before:?}");
        // Killed once more, later: what was there is there, and was not made again.
        killed(dir.path(), units + 3);
        let after = parts(dir.path());
        assert!(after.len() > before.len(), "{units} units");
        assert_eq!(after[..before.len()], before, "{units} units");
        let states: Vec<&String> = after.iter().filter(|name| name.starts_with("states/")).collect();
        let distinct: BTreeSet<&&String> = states.iter().collect();
        assert_eq!(distinct.len(), states.len(), "{units} units: states were visited twice");
        train(dir.path(), 1, u64::MAX).unwrap();
        assert_eq!(policy(dir.path()), expected, "{units} units");
        assert!(!dir.path().join(TRAIN_PARTS).exists());
    }
    // Within the evolution strategy, which goes on from its checkpoint.
    let dir = tempfile::tempdir().unwrap();
    killed(dir.path(), 22);
    train(dir.path(), 1, u64::MAX).unwrap();
    assert_eq!(policy(dir.path()), expected);
}

/// Fault cases 48 and 68 for parts: those of another run and damaged ones are not believed.
#[test]
fn parts_of_another_run_and_damaged_parts_are_refused() {
    let (own, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    killed(own.path(), 6);
    let path = other.path().join(TRAIN_PARTS);
    // A run of another seed that has begun, and has nothing yet.
    let begun = |seed| {
        let plan = Plan::parse(TRAINING, "training.toml", &[], Some(seed), &Vocabulary::default()).unwrap();
        let manifest = Manifest::new(&plan.to_toml(), seed, BTreeMap::new()).unwrap();
        drop(Store::open(other.path(), &manifest, &plan.to_toml(), false).unwrap());
        manifest.digest()
    };
    let digest = begun(2);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let kept = fs::read(own.path().join(TRAIN_PARTS)).unwrap();
    fs::write(&path, &kept).unwrap();
    let error = train(other.path(), 2, u64::MAX).unwrap_err();
    assert_eq!(error.exit() as u8, 2);
    assert!(error.to_string().contains(&digest) && error.to_string().contains("train.parts"), "{error}");
    assert_eq!(fs::read(&path).unwrap(), kept, "nothing was changed");

    let mut damaged = kept.clone();
    damaged[kept.len() / 2] ^= 1;
    fs::write(own.path().join(TRAIN_PARTS), &damaged).unwrap();
    let error = train(own.path(), 1, u64::MAX).unwrap_err();
    assert_eq!(error.exit() as u8, 2);
    assert!(error.to_string().contains("damaged at byte"), "{error}");
    assert_eq!(fs::read(own.path().join(TRAIN_PARTS)).unwrap(), damaged);
}
