//! The processes of an MPI job, which make the pieces of one training together.
//!
//! Rank 0 trains and holds the run's folder; it is the only one that decides anything. The others [`serve`] it. An order
//! (the work) is broadcast; then every thread of every rank asks rank 0 for one piece after another, since pieces differ in
//! length and shares that were dealt out beforehand would leave ranks waiting. What is made takes its place by the number of
//! its piece, and nothing is summed on the way, so that no number depends on how many ranks there are.
//!
//! A rank that is lost ends the job, as MPI has it. Started again (`sbatch --requeue`), rank 0 goes on from its journal
//! and checkpoints.

use super::cancel::Cancel;
use super::error::RunError;
use crate::agent::spread::{Deliver, Make, Team, Work};
use crate::error::{Error, Result};
use mpi::Threading;
use mpi::environment::Universe;
use mpi::topology::SimpleCommunicator;
use mpi::traits::{Communicator, Destination, Root, Source};
use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The most bytes that are broadcast or sent at once: MPI counts them in 31 bits.
const MAX_BYTES: usize = i32::MAX as usize;
/// How often a rank looks whether there is a message for it, at the most and at the least often.
const LOOKS: [Duration; 2] = [Duration::from_micros(50), Duration::from_millis(5)];
/// The share of the time that it has waited already after which it looks again.
const PATIENCE: u32 = 32;
/// The answer to a rank for which there is no further piece.
const NONE: u64 = u64::MAX;

/// This process as one of an MPI job. The job is left when it is dropped.
pub struct Job {
    rank: usize,
    ranks: usize,
    _universe: Universe,
}

impl Job {
    /// Joins the job that this process was started in; without one, a job of this process alone.
    ///
    /// # Errors
    /// [`RunError::Mpi`] if MPI does not let other threads than the first send, or was joined before.
    pub fn join() -> Result<Self, RunError> {
        // Messages are sent from the thread that trains, which is not always the first; never from two at once.
        let wanted = Threading::Serialized;
        let Some((universe, given)) = mpi::initialize_with_threading(wanted) else {
            return Err(RunError::Mpi { problem: "this process has joined a job before".to_string() });
        };
        if given < wanted {
            let problem = format!("the library gives {given:?} threads, expected {wanted:?}");
            return Err(RunError::Mpi { problem });
        }
        let world = universe.world();
        let [rank, ranks] = [world.rank(), world.size()].map(|number| number as usize);
        Ok(Self { rank, ranks, _universe: universe })
    }

    /// The number of this process, from zero.
    pub fn rank(&self) -> usize {
        self.rank
    }

    /// The number of processes.
    pub fn ranks(&self) -> usize {
        self.ranks
    }

    /// Ends the job, all its processes at once, with an exit code.
    pub fn abort(&self, code: i32) -> ! {
        SimpleCommunicator::world().abort(code)
    }
}

/// What rank 0 says to all.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
enum Order {
    /// To make pieces of work of the run with this digest, one after another, as rank 0 names them.
    Make { run: String, work: Work },
    /// The training has ended.
    End,
}

/// What another rank says to rank 0. All but the last are answered with the number of a piece, or [`NONE`].
#[derive(Debug, PartialEq)]
enum Said {
    /// A thread has nothing to do.
    Idle,
    /// A piece, as it was made.
    Made { piece: u64, body: Vec<u8> },
    /// Why one was not made.
    Failed(String),
    /// All threads have been told that there is no further piece.
    Left,
}

impl Said {
    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Idle => vec![0],
            Self::Made { piece, body } => [&[1][..], &piece.to_le_bytes(), body].concat(),
            Self::Failed(reason) => [&[2], reason.as_bytes()].concat(),
            Self::Left => vec![3],
        }
    }

    /// The inverse of [`bytes`](Self::bytes); none for bytes that it does not make.
    fn read(bytes: &[u8]) -> Option<Self> {
        match bytes.split_first()? {
            (0, []) => Some(Self::Idle),
            (1, rest) => {
                let (piece, body) = rest.split_first_chunk::<8>()?;
                Some(Self::Made { piece: u64::from_le_bytes(*piece), body: body.to_vec() })
            }
            (2, reason) => Some(Self::Failed(String::from_utf8_lossy(reason).into_owned())),
            (3, []) => Some(Self::Left),
            _ => None,
        }
    }
}

/// Waiting for a message without keeping a core busy, as waiting in MPI does: the longer there has been none, the more seldom it is
/// looked for, since a look costs a hundredth of a millisecond of a core that works.
struct Wait(Instant);

impl Wait {
    fn begin() -> Self {
        Self(Instant::now())
    }

    fn pause(&self) {
        let [least, most] = LOOKS;
        std::thread::sleep((self.0.elapsed() / PATIENCE).clamp(least, most));
    }
}

/// Tells every other rank an order.
fn broadcast(bytes: &[u8]) -> Result<(), RunError> {
    let world = SimpleCommunicator::world();
    let root = world.process_at_rank(0);
    if bytes.len() > MAX_BYTES {
        let problem = format!("an order of {} bytes, expected at most {MAX_BYTES}", bytes.len());
        return Err(RunError::Mpi { problem });
    }
    let length = bytes.len() as u64;
    (1..world.size()).for_each(|rank| world.process_at_rank(rank).send(&length));
    root.broadcast_into(&mut bytes.to_vec()[..]);
    Ok(())
}

/// The next order: its length is sent ahead, which can be waited for without keeping a core busy, and a broadcast cannot.
fn heard() -> Result<Order, RunError> {
    let world = SimpleCommunicator::world();
    let root = world.process_at_rank(0);
    let wait = Wait::begin();
    while root.immediate_probe().is_none() {
        wait.pause();
    }
    let (length, _) = root.receive::<u64>();
    let mut bytes = vec![0u8; length as usize];
    root.broadcast_into(&mut bytes[..]);
    serde_json::from_slice(&bytes).map_err(|error| RunError::Mpi { problem: format!("an order: {error}") })
}

/// Rank 0's side: shares work out, and takes what the others have made. The others are told when it is dropped that
/// the training has ended.
#[derive(Debug)]
pub struct Ranks<'a> {
    run: String,
    ranks: usize,
    cancel: &'a Cancel,
    /// One order at a time.
    turn: Mutex<()>,
}

impl<'a> Ranks<'a> {
    /// Leads the job for the run with this digest. A [`Job`] must have been joined.
    pub fn lead(run: &str, cancel: &'a Cancel) -> Self {
        let ranks = SimpleCommunicator::world().size() as usize;
        Self { run: run.to_string(), ranks, cancel, turn: Mutex::new(()) }
    }
}

impl Team for Ranks<'_> {
    fn make(&self, work: &Work, pieces: &[usize], make: Make<'_>, deliver: Deliver<'_>) -> Result<()> {
        let _turn = self.turn.lock().expect("no order panics");
        self.cancel.check()?;
        let order = Order::Make { run: self.run.clone(), work: work.clone() };
        broadcast(&serde_json::to_vec(&order).expect("plain data with string keys"))?;
        let queue = Queue { pieces, next: AtomicUsize::new(0), failure: Mutex::new(None) };
        std::thread::scope(|scope| {
            scope.spawn(|| self.hand_out(&queue, deliver));
            // One loop per thread, so that rayon calls within a piece cannot start another one.
            rayon::broadcast(|_| {
                while let Some(piece) = queue.take() {
                    let made = self.cancel.check().map_err(Into::into).and_then(|()| make(piece));
                    queue.check(made.and_then(|body| deliver(piece, body)));
                }
            });
        });
        queue.failure.into_inner().unwrap_or_else(PoisonError::into_inner).map_or(Ok(()), Err)
    }
}

/// The pieces of an order that nobody has taken yet.
struct Queue<'a> {
    pieces: &'a [usize],
    next: AtomicUsize,
    /// The first failure of any rank; there are no further pieces after it.
    failure: Mutex<Option<Error>>,
}

impl Queue<'_> {
    fn take(&self) -> Option<usize> {
        let failed = self.failure.lock().unwrap_or_else(PoisonError::into_inner).is_some();
        let at = self.next.fetch_add(1, Ordering::Relaxed);
        self.pieces.get(at).copied().filter(|_| !failed)
    }

    fn check(&self, result: Result<()>) {
        if let Err(error) = result {
            self.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        }
    }
}

impl Ranks<'_> {
    /// Names pieces to the other ranks and delivers what they have made, until all of them have left: an order is over when every
    /// rank has been told so, whatever any of them says.
    fn hand_out(&self, queue: &Queue<'_>, deliver: Deliver<'_>) {
        let world = SimpleCommunicator::world();
        let mut there = self.ranks - 1;
        let mut wait = Wait::begin();
        while there > 0 {
            let Some(waiting) = world.any_process().immediate_probe() else {
                wait.pause();
                continue;
            };
            wait = Wait::begin();
            let rank = waiting.source_rank();
            let other = world.process_at_rank(rank);
            let failed = |problem: String| RunError::Mpi { problem: format!("rank {rank}: {problem}") };
            match Said::read(&other.receive_vec::<u8>().0) {
                Some(Said::Left) => {
                    there -= 1;
                    continue;
                }
                Some(Said::Idle) => {}
                Some(Said::Made { piece, body }) => queue.check(deliver(piece as usize, body)),
                Some(Said::Failed(reason)) => queue.check(Err(failed(reason).into())),
                None => queue.check(Err(failed("what it says cannot be read".to_string()).into())),
            }
            other.send(&queue.take().map_or(NONE, |piece| piece as u64));
        }
    }
}

impl Drop for Ranks<'_> {
    fn drop(&mut self) {
        // A panic in the middle of an order leaves ranks that wait for this one: only ending the job frees them.
        if std::thread::panicking() {
            SimpleCommunicator::world().abort(1);
        }
        let end = serde_json::to_vec(&Order::End).expect("a word");
        broadcast(&end).expect("a few bytes");
    }
}

/// Makes what rank 0 orders until the training has ended; gives the number of pieces that were made.
///
/// # Errors
/// An order that cannot be read. What `answer` fails with is told to rank 0, which ends the training.
pub fn serve(
    run: &str,
    cancel: &Cancel,
    answer: &(dyn Fn(&Work, usize) -> Result<Vec<u8>> + Sync),
) -> Result<usize> {
    let made = AtomicUsize::new(0);
    loop {
        let Order::Make { run: ordered, work } = heard()? else { return Ok(made.into_inner()) };
        // Threads talk to rank 0 one at a time, each until it has its answer.
        let turn = Mutex::new(());
        let say = |said: &Said| {
            let _turn = turn.lock().unwrap_or_else(PoisonError::into_inner);
            let world = SimpleCommunicator::world();
            let leader = world.process_at_rank(0);
            leader.send(&said.bytes()[..]);
            let (piece, _) = leader.receive::<u64>();
            (piece != NONE).then_some(piece)
        };
        if ordered == run {
            rayon::broadcast(|_| {
                let mut said = Said::Idle;
                while let Some(piece) = say(&said) {
                    let body =
                        cancel.check().map_err(Into::into).and_then(|()| answer(&work, piece as usize));
                    said = match body {
                        Ok(body) if body.len() < MAX_BYTES - 16 => {
                            made.fetch_add(1, Ordering::Relaxed);
                            Said::Made { piece, body }
                        }
                        Ok(body) => Said::Failed(format!(
                            "{} bytes to send, expected at most {MAX_BYTES}",
                            body.len()
                        )),
                        Err(error) => Said::Failed(error.to_string()),
                    };
                }
            });
        } else {
            say(&Said::Failed(format!(
                "its run is {run}, that of rank 0 {ordered}: another plan, other data or another binary"
            )));
        }
        SimpleCommunicator::world().process_at_rank(0).send(&Said::Left.bytes()[..]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_said_is_read(piece: u64, body in prop::collection::vec(any::<u8>(), 0..40), reason: String) {
            for said in [Said::Idle, Said::Made { piece, body }, Said::Failed(reason), Said::Left] {
                prop_assert_eq!(Said::read(&said.bytes()), Some(said));
            }
        }

        #[test]
        fn every_piece_is_taken_once(pieces in prop::collection::vec(any::<usize>(), 0..40)) {
            let queue = Queue { pieces: &pieces, next: AtomicUsize::new(0), failure: Mutex::new(None) };
            let taken: Vec<usize> = std::iter::from_fn(|| queue.take()).collect();
            prop_assert_eq!(&taken, &pieces);
        }
    }

    #[test]
    fn nothing_is_taken_after_a_failure_and_bytes_cut_short_are_not_read() {
        let queue = Queue { pieces: &[1, 2, 3], next: AtomicUsize::new(0), failure: Mutex::new(None) };
        assert_eq!(queue.take(), Some(1));
        queue.check(Err(RunError::Mpi { problem: "no memory".to_string() }.into()));
        queue.check(Err(RunError::Mpi { problem: "a later one".to_string() }.into()));
        assert_eq!(queue.take(), None);
        assert!(queue.failure.into_inner().unwrap().unwrap().to_string().contains("no memory"));
        let whole = Said::Made { piece: 7, body: Vec::new() }.bytes();
        assert_eq!(Said::read(&whole[..whole.len() - 1]), None);
        assert_eq!([Said::read(&[]), Said::read(&[9]), Said::read(&[0, 0])], [None, None, None]);
    }
}
