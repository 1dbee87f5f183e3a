//! The processes of an MPI job, which make the pieces of one training together.
//!
//! Rank 0 trains and holds the run's folder; it is the only one that decides anything. The others [`serve`] it. An order
//! (the work, and who makes which of its pieces) is broadcast; what a rank has made it sends to rank 0, which takes the
//! ranks in their order. Nothing is summed on the way, so that no number depends on how many ranks there are.
//!
//! A rank that is lost ends the job, as MPI has it. Started again (`sbatch --requeue`), rank 0 goes on from its journal
//! and checkpoints.

use super::cancel::Cancel;
use super::error::RunError;
use crate::agent::spread::{Deliver, Make, Team, Work};
use crate::error::Result;
use mpi::Threading;
use mpi::environment::Universe;
use mpi::topology::SimpleCommunicator;
use mpi::traits::{Communicator, Destination, Root, Source};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::sync::Mutex;

/// Pieces of one order, per thread of every rank: what is lost when a job ends in the middle of one, and what a rank
/// sends at once.
const PER_THREAD: usize = 8;
/// The fewest pieces of one order for every rank. An order ends with its slowest rank, and pieces differ: the fewer there are, the longer
/// the others wait.
const PER_RANK: usize = 64;
/// The most bytes that are broadcast or sent at once: MPI counts them in 31 bits.
const MAX_BYTES: usize = i32::MAX as usize;

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
    /// To make pieces of work of the run with this digest, each rank from its own number on every so many-th.
    Make { run: String, work: Work, pieces: Vec<usize> },
    /// The training has ended.
    End,
}

/// The pieces of an order that a rank makes.
fn share(pieces: &[usize], rank: usize, ranks: usize) -> Vec<usize> {
    pieces.iter().skip(rank).step_by(ranks).copied().collect()
}

/// What a rank has made, or why it has not.
type Made = std::result::Result<Vec<Vec<u8>>, String>;

/// As bytes: whether it was made, then every piece with its length before it, or the reason.
fn packed(made: &Made) -> Vec<u8> {
    match made {
        Ok(bodies) => {
            let length = 1 + bodies.iter().map(|body| 8 + body.len()).sum::<usize>();
            let mut bytes = Vec::with_capacity(length);
            bytes.push(1);
            for body in bodies {
                bytes.extend((body.len() as u64).to_le_bytes());
                bytes.extend(body);
            }
            bytes
        }
        Err(reason) => [&[0], reason.as_bytes()].concat(),
    }
}

/// The inverse of [`packed`]; none for bytes that it does not make.
fn unpacked(bytes: &[u8]) -> Option<Made> {
    let (&kind, mut rest) = bytes.split_first()?;
    if kind == 0 {
        return Some(Err(String::from_utf8_lossy(rest).into_owned()));
    }
    let mut bodies = Vec::new();
    while !rest.is_empty() {
        let (length, after) = rest.split_first_chunk::<8>()?;
        let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
        bodies.push(after.get(..length)?.to_vec());
        rest = &after[length..];
    }
    Some(Ok(bodies))
}

fn broadcast(bytes: &[u8]) -> Result<(), RunError> {
    let world = SimpleCommunicator::world();
    let root = world.process_at_rank(0);
    if bytes.len() > MAX_BYTES {
        let problem = format!("an order of {} bytes, expected at most {MAX_BYTES}", bytes.len());
        return Err(RunError::Mpi { problem });
    }
    root.broadcast_into(&mut (bytes.len() as u64));
    root.broadcast_into(&mut bytes.to_vec()[..]);
    Ok(())
}

fn heard() -> Result<Order, RunError> {
    let world = SimpleCommunicator::world();
    let root = world.process_at_rank(0);
    let mut length = 0u64;
    root.broadcast_into(&mut length);
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
        let world = SimpleCommunicator::world();
        let at_once = self.ranks * (rayon::current_num_threads() * PER_THREAD).max(PER_RANK);
        for pieces in pieces.chunks(at_once) {
            self.cancel.check()?;
            let order = Order::Make { run: self.run.clone(), work: work.clone(), pieces: pieces.to_vec() };
            broadcast(&serde_json::to_vec(&order).expect("plain data with string keys"))?;
            let own = share(pieces, 0, self.ranks).par_iter().try_for_each(|&piece| {
                self.cancel.check()?;
                deliver(piece, make(piece)?)
            });
            // All of them, whatever any of them says: an order is over when every rank has answered.
            let answers: Vec<Vec<u8>> = (1..self.ranks)
                .map(|rank| world.process_at_rank(rank as i32).receive_vec::<u8>().0)
                .collect();
            own?;
            for (rank, answer) in (1..self.ranks).zip(answers) {
                let failed = |problem: String| RunError::Mpi { problem: format!("rank {rank}: {problem}") };
                let bodies = unpacked(&answer).unwrap_or_else(|| Err("no answer to an order".to_string()));
                let (bodies, share) = (bodies.map_err(failed)?, share(pieces, rank, self.ranks));
                if bodies.len() != share.len() {
                    return Err(failed(format!("{} pieces, expected {}", bodies.len(), share.len())).into());
                }
                for (piece, body) in share.into_iter().zip(bodies) {
                    deliver(piece, body)?;
                }
            }
        }
        Ok(())
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
    let world = SimpleCommunicator::world();
    let (rank, ranks) = (world.rank() as usize, world.size() as usize);
    let mut made = 0;
    loop {
        let Order::Make { run: ordered, work, pieces } = heard()? else { return Ok(made) };
        let share = share(&pieces, rank, ranks);
        let bodies: Made = if ordered == run {
            let each = |&piece: &usize| {
                cancel.check()?;
                answer(&work, piece)
            };
            let bodies: Result<Vec<_>> = share.par_iter().map(each).collect();
            bodies.map_err(|error| error.to_string())
        } else {
            Err(format!(
                "its run is {run}, that of rank 0 {ordered}: another plan, other data or another binary"
            ))
        };
        made += bodies.as_ref().map_or(0, Vec::len);
        let mut bytes = packed(&bodies);
        if bytes.len() > MAX_BYTES {
            bytes = packed(&Err(format!("{} bytes to send, expected at most {MAX_BYTES}", bytes.len())));
        }
        world.process_at_rank(0).send(&bytes[..]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_packed_is_unpacked(bodies in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..9), 0..6)) {
            let made: Made = Ok(bodies);
            prop_assert_eq!(unpacked(&packed(&made)), Some(made));
        }

        #[test]
        fn shares_are_disjoint_and_whole(pieces in prop::collection::vec(any::<usize>(), 0..40), ranks in 1usize..9) {
            let mut all: Vec<usize> = (0..ranks).flat_map(|rank| share(&pieces, rank, ranks)).collect();
            let mut expected = pieces;
            all.sort_unstable();
            expected.sort_unstable();
            prop_assert_eq!(all, expected);
        }
    }

    #[test]
    fn a_reason_is_carried_and_bytes_cut_short_are_not_taken() {
        let failed: Made = Err("no memory".to_string());
        assert_eq!(unpacked(&packed(&failed)), Some(failed));
        let whole = packed(&Ok(vec![vec![1, 2, 3]]));
        assert_eq!(unpacked(&whole[..whole.len() - 1]), None);
        assert_eq!(unpacked(&[]), None);
    }
}
