//! Works through cells on a pool of threads.
//!
//! Guarantees: results come in the order of the cells, whatever order they finish in; a cell that errs
//! or panics is recorded as failed and the others go on; a result counts once its record is on the
//! disk. Excluded: a panic while another panic unwinds, and running out of memory, end the process.

use super::cancel::Cancel;
use super::error::RunError;
use super::journal::Record;
use super::ledger::Ledger;
use super::progress::Progress;
use crate::error::{Exit, Result};
use serde::{Serialize, de::DeserializeOwned};
use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, mpsc};
use std::time::Instant;

/// The most threads that may be asked for.
pub const MAX_JOBS: usize = 1024;

/// As much stack as a main thread has; dropping a long computation graph takes more than the two
/// megabytes that threads get otherwise.
const STACK_BYTES: usize = 8 << 20;

/// What the names of the threads begin with.
pub const WORKER: &str = "worker";

/// One independent piece of work.
#[derive(Clone, Debug)]
pub struct Cell<I> {
    /// Names the cell and all that its output depends on beyond the plan; unique within a run.
    pub key: String,
    /// What the work needs to know.
    pub input: I,
}

/// What became of one cell.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome<T> {
    /// Its output.
    Done(T),
    /// Why it has none.
    Failed(String),
}

/// Who works, who watches, and who may stop it.
#[derive(Clone, Copy)]
pub struct WorkerPool<'a> {
    /// Threads.
    pub jobs: usize,
    /// Told about every finished cell.
    pub progress: &'a dyn Progress,
    /// Once raised, no cell is started any more.
    pub cancel: &'a Cancel,
}

/// Computes the cells that `ledger` does not know as done and returns all outcomes in the order of
/// `cells`. Failed cells of an earlier attempt are tried again.
///
/// `work` must depend on the cell alone. It runs inside a pool of `worker_pool.jobs` threads, which rayon
/// calls within it share. Work that takes long polls `worker_pool.cancel` and returns an error with
/// [`Exit::Interrupted`]; such a cell is neither done nor failed.
///
/// # Errors
/// [`RunError::Interrupted`] if the flag was raised before all was done (what is done is recorded);
/// [`RunError::TwinCells`]; whatever writing the journal fails with.
pub fn run_cells<I, T, W>(
    what: &str,
    cells: &[Cell<I>],
    ledger: &mut Ledger,
    worker_pool: WorkerPool<'_>,
    work: W,
) -> Result<Vec<Outcome<T>>>
where
    I: Sync,
    T: Serialize + DeserializeOwned,
    W: Fn(&Cell<I>) -> Result<T> + Sync,
{
    let mut seen = HashSet::new();
    for cell in cells {
        if !seen.insert(cell.key.as_str()) {
            return Err(RunError::TwinCells { key: cell.key.clone() }.into());
        }
    }
    let pending: Vec<&Cell<I>> = cells.iter().filter(|cell| ledger.output(&cell.key).is_none()).collect();
    let bar = worker_pool.progress.begin(what, cells.len() as u64);
    bar.resume((cells.len() - pending.len()) as u64);
    if !pending.is_empty() {
        let (jobs, pool) = pool(worker_pool)?;
        let (next, broken) = (AtomicUsize::new(0), Cancel::new());
        let (sender, receiver) = mpsc::channel();
        pool.in_place_scope(|scope| {
            // One loop per thread, so that rayon calls inside a cell cannot start another cell.
            for _ in 0..jobs.min(pending.len()) {
                let sender = sender.clone();
                let (work, next, broken, pending) = (&work, &next, &broken, &pending);
                scope.spawn(move |_| {
                    while !worker_pool.cancel.raised() && !broken.raised() {
                        let Some(cell) = pending.get(next.fetch_add(1, Ordering::Relaxed)) else { break };
                        let Some(record) = attempt(cell, work) else { break };
                        if sender.send(record).is_err() {
                            break;
                        }
                    }
                });
            }
            drop(sender);
            // This thread alone writes. All that waits goes to the disk with one flush.
            while let Ok(first) = receiver.recv() {
                let batch: Vec<Record> = std::iter::once(first).chain(receiver.try_iter()).collect();
                let count = batch.len() as u64;
                if let Err(error) = ledger.record(batch) {
                    broken.raise();
                    return Err(error);
                }
                bar.advance(count);
            }
            Ok::<_, crate::Error>(())
        })?;
    }
    let attempted_anew: HashSet<&str> = pending.iter().map(|cell| cell.key.as_str()).collect();
    let known = |cell: &Cell<I>| match ledger.get(&cell.key) {
        Some(Record::Done { output, .. }) => Some(decode(&cell.key, output)),
        // A failure of an earlier process counts only once it was tried again.
        Some(Record::Failed { reason, .. }) if attempted_anew.contains(cell.key.as_str()) => {
            Some(Ok(Outcome::Failed(reason.clone())))
        }
        _ => None,
    };
    let outcomes: Vec<_> = cells.iter().filter_map(known).collect::<Result<_, RunError>>()?;
    if outcomes.len() < cells.len() || worker_pool.cancel.raised() {
        let done = cells.iter().filter(|cell| ledger.output(&cell.key).is_some()).count();
        return Err(RunError::Interrupted { done, total: cells.len() }.into());
    }
    Ok(outcomes)
}

/// The threads that work runs in, and how many they are.
fn pool(worker_pool: WorkerPool<'_>) -> Result<(usize, rayon::ThreadPool), RunError> {
    let jobs = worker_pool.jobs.clamp(1, MAX_JOBS);
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(jobs)
        .stack_size(STACK_BYTES)
        .thread_name(|i| format!("{WORKER} {i}"))
        .build()
        .map_err(|error| RunError::Threads { jobs, reason: error.to_string() })?;
    Ok((jobs, pool))
}

/// Does work whose result is recorded already, for what it writes besides.
///
/// # Errors
/// The work's own; [`RunError::Work`] if it panicked.
pub fn redo<T: Send>(
    key: &str,
    worker_pool: WorkerPool<'_>,
    work: impl FnOnce() -> Result<T> + Send,
) -> Result<T> {
    let (_, pool) = pool(worker_pool)?;
    let result = pool.install(|| catch_unwind(AssertUnwindSafe(work)));
    result.unwrap_or_else(|panic| {
        let reason = format!("panic: {}", panic_text(&*panic));
        Err(RunError::Work { key: key.to_string(), reason }.into())
    })
}

/// Does one piece of work that others build on, or recalls it.
///
/// # Errors
/// [`RunError::Work`] if it failed. Where it refuses what it was handed (a checkpoint of another run, say),
/// that error itself, and nothing is recorded: nothing was tried.
pub fn once<T, W>(key: &str, ledger: &mut Ledger, worker_pool: WorkerPool<'_>, work: W) -> Result<T>
where
    T: Serialize + DeserializeOwned,
    W: Fn() -> Result<T> + Sync,
{
    let cell = Cell { key: key.to_string(), input: () };
    let refused = Mutex::new(None);
    let work = |_: &Cell<()>| {
        work().map_err(|error| match error.exit() {
            Exit::BadInput => {
                *refused.lock().expect("no panic while it is held") = Some(error);
                RunError::Interrupted { done: 0, total: 1 }.into()
            }
            _ => error,
        })
    };
    let outcomes = run_cells(key, std::slice::from_ref(&cell), ledger, worker_pool, work);
    if let Some(error) = refused.into_inner().expect("no panic while it is held") {
        return Err(error);
    }
    let mut outcomes = outcomes?;
    match outcomes.pop() {
        Some(Outcome::Done(output)) => Ok(output),
        Some(Outcome::Failed(reason)) => Err(RunError::Work { key: key.to_string(), reason }.into()),
        None => Err(RunError::Interrupted { done: 0, total: 1 }.into()),
    }
}

/// The cell's record; none if it was interrupted.
fn attempt<I, T, W>(cell: &Cell<I>, work: &W) -> Option<Record>
where
    T: Serialize + DeserializeOwned,
    W: Fn(&Cell<I>) -> Result<T>,
{
    let start = Instant::now();
    let result = catch_unwind(AssertUnwindSafe(|| work(cell)));
    let seconds = start.elapsed().as_secs_f64();
    let key = cell.key.clone();
    let reason = match result {
        Ok(Ok(output)) => match storable(&output) {
            Ok(output) => return Some(Record::Done { key, seconds, output }),
            Err(reason) => reason,
        },
        Ok(Err(error)) if error.exit() == Exit::Interrupted => return None,
        Ok(Err(error)) => error.to_string(),
        Err(panic) => format!("panic: {}", panic_text(&*panic)),
    };
    tracing::warn!(%key, %reason, "cell failed");
    Some(Record::Failed { key, seconds, reason })
}

/// The output as JSON that can be read back: a number that is not finite cannot.
fn storable<T: Serialize + DeserializeOwned>(output: &T) -> Result<serde_json::Value, String> {
    let unfit = |error| format!("the output cannot be stored: {error}");
    let value = serde_json::to_value(output).map_err(unfit)?;
    T::deserialize(&value).map_err(unfit)?;
    Ok(value)
}

fn decode<T: DeserializeOwned>(key: &str, output: &serde_json::Value) -> Result<Outcome<T>, RunError> {
    // Fresh and recalled outputs take the same way, so that neither can differ from the other.
    T::deserialize(output)
        .map(Outcome::Done)
        .map_err(|error| RunError::Work { key: key.to_string(), reason: error.to_string() })
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("(no message)")
}

#[cfg(test)]
mod tests {
    use super::super::journal::{Journal, read};
    use super::super::progress::Silent;
    use super::*;
    use crate::durable::faults::{Outcome as Happens, arm};
    use std::path::Path;
    use std::time::Duration;

    fn cells(n: u64) -> Vec<Cell<u64>> {
        (0..n).map(|i| Cell { key: format!("square/{i}"), input: i }).collect()
    }

    fn ledger(path: &Path) -> Ledger {
        if !path.exists() {
            Journal::create(path, "run").unwrap();
        }
        let (journal, content) = Journal::open(path).unwrap();
        Ledger::new(journal, content.records)
    }

    fn run(
        path: &Path,
        jobs: usize,
        cancel: &Cancel,
        work: impl Fn(&Cell<u64>) -> Result<f64> + Sync,
    ) -> Result<Vec<Outcome<f64>>> {
        let worker_pool = WorkerPool { jobs, progress: &Silent, cancel };
        run_cells("squares", &cells(20), &mut ledger(path), worker_pool, work)
    }

    #[test]
    fn results_come_in_order_for_any_number_of_threads() {
        let expected: Vec<_> = (0..20).map(|i| Outcome::Done((i * i) as f64 / 3.0)).collect();
        for jobs in [1, 2, 8] {
            let dir = tempfile::tempdir().unwrap();
            let outcomes = run(&dir.path().join("j"), jobs, &Cancel::new(), |cell| {
                // Late cells finish first.
                std::thread::sleep(Duration::from_millis(20 - cell.input));
                Ok((cell.input * cell.input) as f64 / 3.0)
            });
            assert_eq!(outcomes.unwrap(), expected, "{jobs} threads");
        }
    }

    /// Fault case 43: a panic and an error in one worker leave the others alone, and are tried again.
    #[test]
    fn failures_are_recorded_and_stop_nobody() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("j");
        let outcomes = run(&path, 2, &Cancel::new(), |cell| match cell.input {
            3 => panic!("cell three"),
            5 => Err(RunError::TwinCells { key: "five".into() }.into()),
            7 => Ok(f64::NAN),
            i => Ok(i as f64),
        })
        .unwrap();
        let Outcome::Failed(reason) = &outcomes[3] else { panic!("{:?}", outcomes[3]) };
        assert_eq!(reason, "panic: cell three");
        assert_eq!(outcomes[5], Outcome::Failed("run: two cells are called `five`".into()));
        let Outcome::Failed(reason) = &outcomes[7] else { panic!("{:?}", outcomes[7]) };
        assert!(reason.contains("cannot be stored"), "{reason}");
        assert_eq!(outcomes.iter().filter(|o| matches!(o, Outcome::Done(_))).count(), 17);

        let tried = AtomicUsize::new(0);
        let second = run(&path, 2, &Cancel::new(), |cell| {
            tried.fetch_add(1, Ordering::Relaxed);
            Ok(cell.input as f64)
        });
        assert_eq!(tried.into_inner(), 3, "only the failed ones");
        assert_eq!(second.unwrap()[3], Outcome::Done(3.0));
    }

    #[test]
    fn a_raised_flag_stops_and_the_next_call_continues() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("j");
        let cancel = Cancel::new();
        let error = run(&path, 1, &cancel, |cell| {
            if cell.input == 6 {
                cancel.raise();
            }
            Ok(cell.input as f64)
        })
        .unwrap_err();
        assert_eq!(error.exit(), Exit::Interrupted);
        assert_eq!(error.to_string(), "interrupted with 7 of 20 cells done");
        let first = AtomicUsize::new(usize::MAX);
        run(&path, 1, &Cancel::new(), |cell| {
            first.fetch_min(cell.input as usize, Ordering::Relaxed);
            Ok(cell.input as f64)
        })
        .unwrap();
        assert_eq!(first.into_inner(), 7);
    }

    /// A cell that stops because it was asked to is neither done nor failed.
    #[test]
    fn an_interrupted_cell_leaves_no_record() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("j");
        let cancel = Cancel::new();
        let error = run(&path, 1, &cancel, |cell| {
            if cell.input == 2 {
                cancel.raise();
            }
            cancel.check()?;
            Ok(1.0)
        })
        .unwrap_err();
        assert_eq!(error.to_string(), "interrupted with 2 of 20 cells done");
        assert_eq!(read(&path).unwrap().records.len(), 2);
    }

    #[test]
    fn twins_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let mut twins = cells(2);
        twins[1].key = twins[0].key.clone();
        let cancel = Cancel::new();
        let worker_pool = WorkerPool { jobs: 1, progress: &Silent, cancel: &cancel };
        let result = run_cells("t", &twins, &mut ledger(&dir.path().join("j")), worker_pool, |c| Ok(c.input));
        assert!(matches!(result.unwrap_err().downcast_ref(), Some(RunError::TwinCells { .. })));
    }

    /// Fault cases 49 and 50: a full disk ends the run with an error; what was recorded stays.
    #[test]
    fn a_failing_disk_ends_the_run_and_loses_nothing() {
        for n in 0..9 {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("j");
            let mut ledger = ledger(&path);
            let cancel = Cancel::new();
            let worker_pool = WorkerPool { jobs: 2, progress: &Silent, cancel: &cancel };
            let guard = arm(n, Happens::Fail(libc::ENOSPC));
            let slow = |cell: &Cell<u64>| {
                std::thread::sleep(Duration::from_millis(2));
                Ok(cell.input)
            };
            let error = run_cells("t", &cells(20), &mut ledger, worker_pool, slow).unwrap_err();
            drop(guard);
            assert_eq!(error.exit(), Exit::Failed);
            let kept = read(&path).unwrap().records.len() as u64;
            assert!(kept >= n / 3, "{kept} records after {n} operations");
            let (journal, content) = Journal::open(&path).unwrap();
            let outcomes =
                run_cells("t", &cells(20), &mut Ledger::new(journal, content.records), worker_pool, slow)
                    .unwrap();
            assert_eq!(outcomes, (0..20).map(Outcome::Done).collect::<Vec<_>>());
        }
    }

    #[test]
    fn once_is_computed_once() {
        let dir = tempfile::tempdir().unwrap();
        let mut ledger = ledger(&dir.path().join("j"));
        let cancel = Cancel::new();
        let worker_pool = WorkerPool { jobs: 1, progress: &Silent, cancel: &cancel };
        let count = AtomicUsize::new(0);
        for _ in 0..2 {
            let value = once("train", &mut ledger, worker_pool, || {
                count.fetch_add(1, Ordering::Relaxed);
                Ok(vec![1.5f32, 0.1])
            });
            assert_eq!(value.unwrap(), [1.5, 0.1]);
        }
        assert_eq!(count.into_inner(), 1);
        let failed = once::<f32, _>("search", &mut ledger, worker_pool, || panic!("no"));
        assert_eq!(failed.unwrap_err().to_string(), "run: `search` failed: panic: no");
    }
}
