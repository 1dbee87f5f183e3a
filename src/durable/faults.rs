//! Faults on demand: makes the n-th disk operation of a thread fail, or be the last of the process.
//!
//! Nothing is armed unless a test does so; then every operation of the arming thread is counted.

use std::cell::Cell;
use std::io;
use std::marker::PhantomData;
use std::path::Path;

/// The kinds of system calls that change the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    Create,
    Write,
    Sync,
    Rename,
    Truncate,
    Remove,
}

/// What happens at the chosen operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It fails with this error number (`ENOSPC`, `EIO`, …); later ones work again.
    Fail(i32),
    /// The process ends before it, as with `kill -9`.
    Abort,
    /// Nothing: for counting.
    Count,
}

thread_local! {
    static ARMED: Cell<Option<Outcome>> = const { Cell::new(None) };
    static CHOSEN: Cell<u64> = const { Cell::new(0) };
    static SEEN: Cell<u64> = const { Cell::new(0) };
}

/// Disarms when dropped.
#[must_use]
pub struct Armed(PhantomData<*const ()>);

impl Armed {
    /// Operations of this thread since arming.
    pub fn seen(&self) -> u64 {
        SEEN.get()
    }
}

impl Drop for Armed {
    fn drop(&mut self) {
        ARMED.set(None);
    }
}

/// Lets `outcome` happen at the `n`-th disk operation (from zero) of this thread.
pub fn arm(n: u64, outcome: Outcome) -> Armed {
    CHOSEN.set(n);
    SEEN.set(0);
    ARMED.set(Some(outcome));
    Armed(PhantomData)
}

/// Stands before every system call that changes the disk.
pub(super) fn boundary(op: Op, path: &Path) -> io::Result<()> {
    let Some(outcome) = ARMED.get() else { return Ok(()) };
    tracing::trace!(?op, path = %path.display(), "disk operation");
    let now = SEEN.get();
    SEEN.set(now + 1);
    if now != CHOSEN.get() {
        return Ok(());
    }
    match outcome {
        Outcome::Fail(errno) => Err(io::Error::from_raw_os_error(errno)),
        Outcome::Abort => std::process::abort(),
        Outcome::Count => Ok(()),
    }
}
