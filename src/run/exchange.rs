//! A folder through which several processes, on one machine or many, make the pieces of one training.
//!
//! ```text
//! order        what is to be made now, and by whom
//! <work>.work  the work that it names: weights and seeds
//! <work>-<n>   piece number n of it, made by one of the others
//! alive-<i>    changes several times a second as long as shard i lives
//! end          the training is finished
//! ```
//!
//! The first shard trains and holds the run's folder; it is the only one that decides anything. The others [`serve`] it:
//! they read the order, make their share of the pieces and put each into the folder, whole or not at all. Every file but
//! the signs of life names the run (its manifest's digest, and so plan, data and binary), and a piece also the content
//! of its work, so that nothing foreign or left over is ever taken for an answer. Who lives is only asked in
//! order to share the work out: a shard that is killed, late, or started twice changes the time that training takes and
//! nothing else. What a lost shard was to make, the first makes itself.
//!
//! The folder must be one that all shards see, with renames that are seen whole (a local disk, NFS, Lustre).

use super::cancel::Cancel;
use super::error::RunError;
use super::{digest, sealed};
use crate::agent::spread::{Deliver, Make, Team, Work};
use crate::durable::{self, input};
use crate::error::Result;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// What the folder's name ends with.
pub const ENDING: &str = ".exchange";
/// The most shards of a training.
pub const MAX_SHARDS: usize = 4_096;
/// Pieces of one order, per thread of every shard: so many are lost to nobody's use when a shard dies, and a shard that
/// comes late waits for no more.
const PER_THREAD: usize = 8;
/// How often a shard shows that it lives, and after how long without a sign it is taken for lost.
const BEAT: Duration = Duration::from_millis(250);
const LOST: Duration = Duration::from_secs(10);
/// How long the others wait without a sign of the first shard.
pub const SILENCE: Duration = Duration::from_secs(600);
/// Between two looks at the folder.
const LOOK: Duration = Duration::from_millis(5);
/// The longest file that is read.
const MAX_BYTES: u64 = 1 << 30;
/// Of the digest of a work, so many digits name its files.
const DIGITS: usize = 24;

/// The folder of the training whose run lies at `dir`.
pub fn folder(dir: &Path) -> PathBuf {
    let mut name = dir.file_name().unwrap_or_default().to_os_string();
    name.push(ENDING);
    dir.with_file_name(name)
}

/// What is to be made now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    /// Counts the orders of one process, which is named too: two orders are never the same.
    number: u64,
    process: String,
    /// The digest of the work.
    work: String,
    pieces: Vec<usize>,
    /// The shards that share the pieces, in turn; the first shard is the first of them.
    shards: Vec<usize>,
}

impl Order {
    /// The pieces that a shard is to make.
    fn share(&self, shard: usize) -> Vec<usize> {
        let Some(own) = self.shards.iter().position(|&other| other == shard) else { return Vec::new() };
        self.pieces.iter().skip(own).step_by(self.shards.len()).copied().collect()
    }
}

/// The files of one run's exchange.
#[derive(Clone, Debug)]
struct Place {
    folder: PathBuf,
    run: String,
}

impl Place {
    fn order(&self) -> PathBuf {
        self.folder.join("order")
    }

    fn end(&self) -> PathBuf {
        self.folder.join("end")
    }

    fn alive(&self, shard: usize) -> PathBuf {
        self.folder.join(format!("alive-{shard}"))
    }

    fn work(&self, digest: &str) -> PathBuf {
        self.folder.join(format!("{digest:.DIGITS$}.work"))
    }

    fn piece(&self, digest: &str, piece: usize) -> PathBuf {
        self.folder.join(format!("{digest:.DIGITS$}-{piece}"))
    }

    fn write(&self, path: &Path, body: &[u8]) -> Result<()> {
        Ok(durable::replace(path, &sealed::seal(&self.run, body))?)
    }

    /// What lies at `path`; none where nothing does.
    fn read(&self, path: &Path) -> Result<Option<Vec<u8>>> {
        if !path.exists() {
            return Ok(None);
        }
        let mut bytes = match input::read(path, MAX_BYTES) {
            Ok(bytes) => bytes,
            // It was removed in between.
            Err(_) if !path.exists() => return Ok(None),
            Err(error) => return Err(RunError::from(error).into()),
        };
        let length = sealed::open(&bytes, &self.run, path)?.len();
        Ok(Some(bytes.split_off(bytes.len() - length)))
    }

    fn parse<T: serde::de::DeserializeOwned>(&self, path: &Path, body: &[u8]) -> Result<T, RunError> {
        let damaged = |error: serde_json::Error| RunError::Damaged {
            path: path.to_path_buf(),
            offset: 0,
            reason: error.to_string(),
        };
        serde_json::from_slice(body).map_err(damaged)
    }
}

/// Shows, as long as it is there, that a shard lives.
#[derive(Debug)]
struct Beat {
    stop: Arc<(Mutex<bool>, Condvar)>,
    thread: Option<JoinHandle<()>>,
}

impl Beat {
    fn start(path: PathBuf) -> Result<Self> {
        let sign = move |count: u64| durable::replace(&path, format!("{} {count}\n", process()).as_bytes());
        sign(0)?;
        let stop = Arc::new((Mutex::new(false), Condvar::new()));
        let own = Arc::clone(&stop);
        let run = move || {
            let mut stopped = own.0.lock().unwrap_or_else(PoisonError::into_inner);
            for count in 1u64.. {
                (stopped, _) = own.1.wait_timeout(stopped, BEAT).unwrap_or_else(PoisonError::into_inner);
                if *stopped {
                    break;
                }
                // A disk that is full for a moment is no reason to end: without a sign others take over.
                if let Err(error) = sign(count) {
                    tracing::warn!(%error, "no sign of life");
                }
            }
        };
        Ok(Self { stop, thread: Some(std::thread::spawn(run)) })
    }
}

impl Drop for Beat {
    fn drop(&mut self) {
        *self.stop.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.stop.1.notify_all();
        if let Some(thread) = self.thread.take() {
            // A panic in it was reported where it happened.
            let _ = thread.join();
        }
    }
}

/// This process, on whatever machine.
fn process() -> String {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    format!("{}-{}", std::process::id(), since.as_nanos())
}

/// What is known of another shard's life: its last sign, and when that was new.
#[derive(Debug, Default)]
struct Signs {
    last: BTreeMap<usize, (Vec<u8>, Option<Instant>)>,
}

impl Signs {
    /// Whether a shard has changed its sign within `limit`. What is seen for the first time may be left over.
    fn fresh(&mut self, place: &Place, shard: usize, limit: Duration) -> bool {
        let Ok(sign) = input::read(&place.alive(shard), 256) else { return false };
        match self.last.get_mut(&shard) {
            Some((last, changed)) if *last == sign => changed.is_some_and(|at| at.elapsed() < limit),
            Some(entry) => {
                *entry = (sign, Some(Instant::now()));
                true
            }
            None => {
                self.last.insert(shard, (sign, None));
                false
            }
        }
    }
}

/// The first shard's side: shares work out, and takes what the others have made.
#[derive(Debug)]
pub struct Exchange<'a> {
    place: Place,
    shards: usize,
    cancel: &'a Cancel,
    process: String,
    state: Mutex<(Signs, u64)>,
    _beat: Beat,
}

impl<'a> Exchange<'a> {
    /// Opens the folder of the run with this digest for `shards` shards, this one included.
    ///
    /// # Errors
    /// Whatever writing fails with.
    pub fn open(folder: &Path, run: &str, shards: usize, cancel: &'a Cancel) -> Result<Self> {
        durable::create_dir(folder)?;
        let place = Place { folder: folder.to_path_buf(), run: run.to_string() };
        durable::remove(&place.end())?;
        durable::remove(&place.order())?;
        let beat = Beat::start(place.alive(0))?;
        let state = Mutex::new((Signs::default(), 0));
        Ok(Self { place, shards, cancel, process: process(), state, _beat: beat })
    }

    /// The other shards that live.
    fn others(&self) -> Vec<usize> {
        let (signs, _) = &mut *self.state.lock().unwrap_or_else(PoisonError::into_inner);
        (1..self.shards).filter(|&shard| signs.fresh(&self.place, shard, LOST)).collect()
    }

    /// Tells the others that there is nothing more to do.
    ///
    /// # Errors
    /// Whatever writing fails with.
    pub fn finish(self) -> Result<()> {
        durable::remove(&self.place.order())?;
        self.place.write(&self.place.end(), b"")
    }

    /// Takes the pieces that are there out of the folder, and gives those that are not.
    fn take(&self, work: &str, pieces: &[usize], deliver: Deliver<'_>) -> Result<Vec<usize>> {
        let mut left = Vec::new();
        for &piece in pieces {
            let path = self.place.piece(work, piece);
            match self.place.read(&path)? {
                Some(body) => {
                    deliver(piece, body)?;
                    durable::remove(&path)?;
                }
                None => left.push(piece),
            }
        }
        Ok(left)
    }

    /// Makes pieces on the threads of this process.
    fn make_here(&self, pieces: &[usize], make: Make<'_>, deliver: Deliver<'_>) -> Result<()> {
        pieces.par_iter().try_for_each(|&piece| {
            self.cancel.check()?;
            deliver(piece, make(piece)?)
        })
    }
}

impl Team for Exchange<'_> {
    fn make(&self, work: &Work, pieces: &[usize], make: Make<'_>, deliver: Deliver<'_>) -> Result<()> {
        let body = serde_json::to_vec(work).expect("plain data with string keys");
        let digest = digest::of(&body);
        let path = self.place.work(&digest);
        let mut written = false;
        // What was made before this process took over from one that was killed.
        let mut left = self.take(&digest, pieces, deliver)?;
        while !left.is_empty() {
            self.cancel.check()?;
            let mut shards = vec![0];
            shards.extend(self.others());
            let most = shards.len() * rayon::current_num_threads() * PER_THREAD;
            let pieces: Vec<usize> = left.drain(..most.min(left.len())).collect();
            if shards.len() == 1 {
                self.make_here(&pieces, make, deliver)?;
                continue;
            }
            if !written {
                self.place.write(&path, &body)?;
                written = true;
            }
            let number = {
                let (_, number) = &mut *self.state.lock().unwrap_or_else(PoisonError::into_inner);
                *number += 1;
                *number
            };
            let order = Order { number, process: self.process.clone(), work: digest.clone(), pieces, shards };
            self.place.write(&self.place.order(), &serde_json::to_vec(&order).expect("numbers and texts"))?;
            self.make_here(&order.share(0), make, deliver)?;
            for &shard in &order.shards[1..] {
                let mut missing = self.take(&digest, &order.share(shard), deliver)?;
                while !missing.is_empty() {
                    self.cancel.check()?;
                    if !self.others().contains(&shard) {
                        tracing::warn!(shard = shard + 1, pieces = missing.len(), "a shard is lost");
                        self.make_here(&missing, make, deliver)?;
                        break;
                    }
                    std::thread::sleep(LOOK);
                    missing = self.take(&digest, &missing, deliver)?;
                }
            }
        }
        if written {
            durable::remove(&self.place.order())?;
            durable::remove(&path)?;
        }
        Ok(())
    }
}

/// Makes what the first shard orders, as shard number `shard` (from zero), until the training has ended; gives the
/// number of pieces that were made.
///
/// # Errors
/// [`RunError::NoSign`] if nothing is seen of the first shard for [`SILENCE`]; an interruption; what `answer` and
/// writing fail with.
pub fn serve(
    folder: &Path,
    run: &str,
    shard: usize,
    cancel: &Cancel,
    answer: &(dyn Fn(&Work, usize) -> Result<Vec<u8>> + Sync),
) -> Result<usize> {
    durable::create_dir(folder)?;
    let place = Place { folder: folder.to_path_buf(), run: run.to_string() };
    let _beat = Beat::start(place.alive(shard))?;
    let (mut signs, mut heard) = (Signs::default(), Instant::now());
    let (mut last, mut made) = (None, 0);
    loop {
        cancel.check()?;
        if place.read(&place.end())?.is_some() {
            return Ok(made);
        }
        let order = match place.read(&place.order())? {
            Some(body) => Some(place.parse::<Order>(&place.order(), &body)?),
            None => None,
        };
        if let Some(order) = order.filter(|order| last.as_ref() != Some(order)) {
            let share = order.share(shard);
            if !share.is_empty()
                && let Some(body) = place.read(&place.work(&order.work))?
            {
                let work: Work = place.parse(&place.work(&order.work), &body)?;
                share.par_iter().try_for_each(|&piece| {
                    cancel.check()?;
                    place.write(&place.piece(&order.work, piece), &answer(&work, piece)?)
                })?;
                made += share.len();
            }
            (last, heard) = (Some(order), Instant::now());
            continue;
        }
        if signs.fresh(&place, 0, BEAT) {
            heard = Instant::now();
        }
        if heard.elapsed() > SILENCE {
            let seconds = heard.elapsed().as_secs();
            return Err(RunError::NoSign { folder: folder.to_path_buf(), seconds }.into());
        }
        std::thread::sleep(LOOK);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    const RUN: &str = "0123";

    fn answer(_: &Work, piece: usize) -> Result<Vec<u8>> {
        Ok(format!("{}", piece * piece).into_bytes())
    }

    /// All pieces of one work, in order, and how many were made by the first shard itself.
    fn made(exchange: &Exchange<'_>, pieces: usize) -> (Vec<Vec<u8>>, usize) {
        let (own, delivered) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
        let all: Vec<usize> = (0..pieces).collect();
        let make = |piece: usize| {
            own.fetch_add(1, Ordering::SeqCst);
            answer(&Work::Reference, piece)
        };
        let deliver = |piece: usize, body: Vec<u8>| {
            assert!(delivered.lock().unwrap().insert(piece, body).is_none(), "delivered twice");
            Ok(())
        };
        exchange.make(&Work::Reference, &all, &make, &deliver).unwrap();
        let delivered = delivered.into_inner().unwrap();
        assert!(delivered.keys().copied().eq(all));
        (delivered.into_values().collect(), own.into_inner())
    }

    #[test]
    fn shares_are_disjoint_and_whole() {
        let order = Order {
            number: 1,
            process: String::new(),
            work: String::new(),
            pieces: vec![4, 5, 9, 10, 11],
            shards: vec![0, 3],
        };
        assert_eq!((order.share(0), order.share(3)), (vec![4, 9, 11], vec![5, 10]));
        assert!(order.share(1).is_empty());
    }

    #[test]
    fn pieces_are_the_same_alone_with_others_and_with_one_that_is_lost() {
        let dir = tempfile::tempdir().unwrap();
        let (folder, cancel) = (dir.path().join("x.exchange"), Cancel::new());
        let exchange = Exchange::open(&folder, RUN, 3, &cancel).unwrap();
        let (expected, own) = made(&exchange, 20);
        assert_eq!((expected[7].as_slice(), own), (&b"49"[..], 20));
        // A shard that ended long ago has left its sign.
        let place = exchange.place.clone();
        durable::replace(&place.alive(2), b"old").unwrap();
        std::thread::scope(|scope| {
            let helper = scope.spawn(|| serve(&folder, RUN, 1, &Cancel::new(), &answer));
            while exchange.others().is_empty() {
                std::thread::sleep(LOOK);
            }
            let (found, own) = made(&exchange, 20);
            assert_eq!((found, own), (expected.clone(), 10), "every second one");
            // One that gives signs of life and then no more, without ever having made anything.
            durable::replace(&place.alive(2), b"new").unwrap();
            assert_eq!(exchange.others(), [1, 2]);
            let (found, own) = made(&exchange, 20);
            assert_eq!(found, expected);
            assert!(own >= 13, "{own}: a third, and what the lost one was to make");
            exchange.finish().unwrap();
            assert!(helper.join().unwrap().unwrap() >= 10 + 6);
        });
        assert_eq!(serve(&folder, RUN, 1, &cancel, &answer).unwrap(), 0, "one that comes too late");
        let left: Vec<String> = std::fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| !name.starts_with("alive-"))
            .collect();
        assert_eq!(left, ["end"]);
    }

    #[test]
    fn what_was_made_before_a_kill_is_taken_and_what_is_foreign_refused() {
        let dir = tempfile::tempdir().unwrap();
        let cancel = Cancel::new();
        let exchange = Exchange::open(dir.path(), RUN, 2, &cancel).unwrap();
        let digest = digest::of(&serde_json::to_vec(&Work::Reference).unwrap());
        let path = exchange.place.piece(&digest, 3);
        exchange.place.write(&path, b"9").unwrap();
        assert_eq!(made(&exchange, 5).1, 4);
        assert!(!path.exists());
        let other = Place { run: "4567".into(), ..exchange.place.clone() };
        other.write(&path, b"10").unwrap();
        let make = |piece: usize| answer(&Work::Reference, piece);
        let error = exchange.make(&Work::Reference, &[3], &make, &|_, _| Ok(())).unwrap_err();
        assert!(matches!(error.downcast_ref(), Some(RunError::Foreign { .. })), "{error}");
    }

    #[test]
    fn an_interruption_ends_both_sides() {
        let dir = tempfile::tempdir().unwrap();
        let cancel = Cancel::new();
        let exchange = Exchange::open(dir.path(), RUN, 2, &cancel).unwrap();
        cancel.raise();
        let make = |piece: usize| answer(&Work::Reference, piece);
        let error = exchange.make(&Work::Reference, &[0], &make, &|_, _| Ok(())).unwrap_err();
        assert_eq!(error.exit(), crate::error::Exit::Interrupted);
        let error = serve(dir.path(), RUN, 1, &cancel, &answer).unwrap_err();
        assert_eq!(error.exit(), crate::error::Exit::Interrupted);
    }
}
