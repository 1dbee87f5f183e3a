//! A run survives the end of its process at any moment.
//!
//! The test executes itself: with `QUERIST_CRASH_DIR` set, [`child`] is a run of forty small cells in
//! that folder.

#![allow(clippy::disallowed_methods)]

use querist::durable::faults::{Outcome as Happens, arm};
use querist::episode::Row;
use querist::run::journal::{self, Record};
use querist::run::store::{JOURNAL, ROWS};
use querist::run::{Cancel, Cell, Crew, Manifest, Outcome, Silent, Store, rows, run_cells};
use querist::{Key, Result};
use rand::RngExt;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

const CELLS: u32 = 40;
const PLAN: &str = "name = \"crash\"\nseed = 1\n";
const DIR: &str = "QUERIST_CRASH_DIR";
const JOBS: &str = "QUERIST_CRASH_JOBS";
const ABORT_AT: &str = "QUERIST_CRASH_ABORT_AT";
const SLOW: &str = "QUERIST_CRASH_SLOW";

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
        balanced_accuracy: rng.random(),
        macro_f1: rng.random(),
        reward_accuracy: rng.random(),
        steps: 10,
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
    let crew = Crew { jobs, progress: &Silent, cancel: &cancel };
    let cells: Vec<_> = (0..CELLS).map(|i| Cell { key: format!("cell/{i}"), input: i }).collect();
    let outcomes = run_cells("cells", &cells, &mut ledger, crew, |cell| {
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
