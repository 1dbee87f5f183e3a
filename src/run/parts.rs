//! A log of finished parts, from which a computation within a cell goes on that was interrupted.
//!
//! ```text
//! querist-parts 2 <run> <crc>\n
//! <crc> <seq> <len> <name> <json>\n
//! ```
//!
//! Its lines are those of `lines`: they belong to one run, and what is damaged is refused. They go to the disk
//! together, at most every so often, so that keeping many small parts costs one flush; the end of the process at any
//! moment loses what was kept since, and no more. Once the cell's result is in the journal, the file is removed.

use super::cancel::Cancel;
use super::error::RunError;
use super::lines::{self, Format, Lines};
use super::store::Store;
use crate::agent::{Parts, Team};
use crate::durable::{self, Log, input};
use crate::error::Result;
use std::collections::HashMap;
use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The format's version.
pub const VERSION: u64 = 2;
/// The longest file that is read. What would make a file longer is not kept.
pub const MAX_BYTES: u64 = 2 << 30;
/// How often checkpoints and parts go to the disk: with parts of no more than this, the end of the process loses
/// no more than ten seconds of work.
pub const SAVE_EVERY: Duration = Duration::from_secs(5);

const FORMAT: Format =
    Format { magic: "querist-parts", version: VERSION, name: "log of parts", line: "part" };

/// The parts of one cell, on the disk.
#[derive(Debug)]
pub struct PartsLog<'a> {
    path: PathBuf,
    team: Option<&'a dyn Team>,
    cancel: &'a Cancel,
    every: Duration,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// What the file held when it was opened: where in it the JSON of every name is.
    known: HashMap<String, Range<usize>>,
    /// The file, read part by part: the parts of a long training take more memory than what it needs of them at once.
    held: Option<File>,
    /// None until something is written: what is refused in the end changes no file.
    log: Option<Log>,
    header: String,
    /// The next line's number, and the length of the file up to there; zero where there is no file.
    next: u64,
    length: u64,
    /// Kept, but not yet on the disk.
    pending: Vec<(String, Vec<u8>)>,
    written: Instant,
}

impl<'a> PartsLog<'a> {
    /// Opens the log called `name` in the run's folder, or begins it. Parts go to the disk at most every `every`, and
    /// at once when `cancel` is raised.
    ///
    /// # Errors
    /// [`RunError::Foreign`] with both digests for the parts of another run; [`RunError::Damaged`] and
    /// [`RunError::Newer`]; whatever reading and writing fail with.
    pub fn open(store: &Store, name: &str, cancel: &'a Cancel, every: Duration) -> Result<Self> {
        let path = store.path(name)?;
        let mut state = State {
            known: HashMap::new(),
            held: None,
            log: None,
            header: FORMAT.header(store.run()),
            next: 0,
            length: 0,
            pending: Vec::new(),
            written: Instant::now(),
        };
        if path.exists() {
            let bytes = input::read(&path, MAX_BYTES).map_err(RunError::from)?;
            let Lines { run, lines, keep } = FORMAT.decode(&bytes, &path)?;
            if run != store.run() {
                return Err(RunError::Foreign { path, stored: run, found: store.run().to_string() }.into());
            }
            state.known = index(&lines, &path)?;
            (state.next, state.length) = (lines.len() as u64, keep);
            state.held = Some(input::open(&path).map_err(RunError::from)?.0);
            tracing::info!(log = %path.display(), parts = state.known.len(), "going on from what is kept");
        }
        Ok(Self { path, team: None, cancel, every, state: Mutex::new(state) })
    }

    /// The same, with others who make parts, too.
    pub fn with_team(mut self, team: Option<&'a dyn Team>) -> Self {
        self.team = team;
        self
    }

    /// Poisoned or not: what a panic leaves behind is a list of whole parts.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where the JSON of every name is; of two of one name, the later.
fn index(lines: &[lines::Line<'_>], path: &Path) -> Result<HashMap<String, Range<usize>>, RunError> {
    let mut known = HashMap::new();
    for line in lines {
        let Some((name, json)) = line.text.split_once(' ') else {
            return Err(lines::damaged(path, line.offset, "a part without a name".into()));
        };
        let end = line.start + line.text.len();
        known.insert(name.to_string(), end - json.len()..end);
    }
    Ok(known)
}

impl State {
    /// The file at its end, begun if there is none.
    fn log(&mut self, path: &Path) -> Result<&mut Log> {
        if self.log.is_none() {
            if self.length == 0 {
                if let Some(folder) = path.parent() {
                    durable::create_dir(folder)?;
                }
                durable::replace(path, self.header.as_bytes())?;
                self.length = self.header.len() as u64;
            }
            self.log = Some(Log::open(path, self.length)?);
        }
        Ok(self.log.as_mut().expect("just opened"))
    }

    /// Appends what is pending; on the disk when this returns.
    fn write(&mut self, path: &Path) -> Result<()> {
        let mut lines = String::new();
        let mut next = self.next;
        for (name, part) in self.pending.drain(..) {
            let Ok(part) = str::from_utf8(&part) else { continue };
            let line = lines::encode(next, &format!("{name} {part}"));
            if self.length + (lines.len() + line.len()) as u64 > MAX_BYTES {
                tracing::warn!(%name, "a part is not kept: the log is full");
                continue;
            }
            lines.push_str(&line);
            next += 1;
        }
        self.log(path)?.append(lines.as_bytes())?;
        (self.next, self.length, self.written) = (next, self.length + lines.len() as u64, Instant::now());
        Ok(())
    }
}

impl Parts for PartsLog<'_> {
    /// What the log held when it was opened: nobody asks for what was made since.
    fn recall(&self, name: &str) -> Result<Option<Vec<u8>>> {
        let state = self.state();
        let (Some(place), Some(file)) = (state.known.get(name), &state.held) else { return Ok(None) };
        let mut part = vec![0; place.len()];
        let unreadable = |source| RunError::Read { path: self.path.clone(), source };
        file.read_exact_at(&mut part, place.start as u64).map_err(unreadable)?;
        Ok(Some(part))
    }

    fn keep(&self, name: &str, part: Vec<u8>) -> Result<()> {
        let mut state = self.state();
        match state.pending.iter_mut().find(|(other, _)| other == name) {
            Some((_, pending)) => *pending = part,
            None => state.pending.push((name.to_string(), part)),
        }
        let stop = self.cancel.raised();
        if stop || state.written.elapsed() >= self.every {
            state.write(&self.path)?;
        }
        Ok(self.cancel.check()?)
    }

    fn team(&self) -> Option<&dyn Team> {
        self.team
    }
}

impl Drop for PartsLog<'_> {
    /// An interruption that was noticed elsewhere loses nothing either.
    fn drop(&mut self) {
        let mut state = self.state();
        if !state.pending.is_empty()
            && let Err(error) = state.write(&self.path)
        {
            tracing::warn!(path = %self.path.display(), %error, "the last parts are not kept");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::manifest::Manifest;
    use super::*;
    use crate::error::Exit;
    use std::collections::BTreeMap;
    use std::fs;

    const NAME: &str = "checkpoints/train.parts";

    fn store(dir: &Path, seed: u64) -> Store {
        let plan = format!("seed = {seed}\n");
        let manifest = Manifest::new(&plan, seed, BTreeMap::new()).unwrap();
        Store::open(dir, &manifest, &plan, false).unwrap().0
    }

    fn log<'a>(store: &Store, cancel: &'a Cancel, every: Duration) -> PartsLog<'a> {
        PartsLog::open(store, NAME, cancel, every).unwrap()
    }

    /// Three parts, one of them kept twice.
    fn sample(dir: &Path) -> Vec<u8> {
        let (store, cancel) = (store(dir, 1), Cancel::new());
        let log = log(&store, &cancel, Duration::ZERO);
        assert_eq!(log.state().known.len(), 0);
        for (name, part) in [("a/1", "[1.5, \"é\"]"), ("b", "{}"), ("a/1", "[2]"), ("c", "null")] {
            log.keep(name, part.as_bytes().to_vec()).unwrap();
        }
        drop(log);
        fs::read(dir.join(NAME)).unwrap()
    }

    #[test]
    fn what_was_kept_is_recalled_by_the_next_process() {
        let dir = tempfile::tempdir().unwrap();
        let bytes = sample(dir.path());
        assert_eq!(bytes.iter().filter(|&&b| b == b'\n').count(), 5);
        let (store, cancel) = (store(dir.path(), 1), Cancel::new());
        let log = log(&store, &cancel, Duration::ZERO);
        assert_eq!(log.state().known.len(), 3);
        assert_eq!(log.recall("a/1").unwrap().unwrap(), b"[2]");
        assert_eq!(log.recall("b").unwrap().unwrap(), b"{}");
        assert_eq!(log.recall("d").unwrap(), None);
        log.keep("d", b"1".to_vec()).unwrap();
        drop(log);
        let now = fs::read(dir.path().join(NAME)).unwrap();
        assert!(now.starts_with(&bytes) && now.ends_with(b" 4 3 d 1\n"));
    }

    /// Many parts are one flush; the last of a name is the one that is written; an end without a kill loses none.
    #[test]
    fn parts_go_to_the_disk_together() {
        let dir = tempfile::tempdir().unwrap();
        let (store, cancel) = (store(dir.path(), 1), Cancel::new());
        let path = dir.path().join(NAME);
        let parts = log(&store, &cancel, Duration::from_secs(3_600));
        for at in 0..9 {
            parts.keep("fit", at.to_string().into_bytes()).unwrap();
            parts.keep(&at.to_string(), b"0".to_vec()).unwrap();
        }
        assert!(!path.exists());
        drop(parts);
        let parts = log(&store, &cancel, Duration::from_secs(3_600));
        let known = parts.state().known.len();
        assert_eq!((known, parts.recall("fit").unwrap().unwrap()), (10, b"8".to_vec()));
        assert_eq!(fs::read(&path).unwrap().iter().filter(|&&b| b == b'\n').count(), 11);
        // Whoever is asked to stop writes at once, and ends with an interruption.
        cancel.raise();
        let error = parts.keep("last", b"1".to_vec()).unwrap_err();
        assert_eq!(error.exit(), Exit::Interrupted);
        assert!(fs::read(&path).unwrap().ends_with(b" last 1\n"));
    }

    #[test]
    fn the_parts_of_another_run_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let (a, b) = (dir.path().join("a"), dir.path().join("b"));
        sample(&a);
        let (store, cancel) = (store(&b, 2), Cancel::new());
        fs::create_dir(b.join("checkpoints")).unwrap();
        fs::copy(a.join(NAME), b.join(NAME)).unwrap();
        let error = PartsLog::open(&store, NAME, &cancel, SAVE_EVERY).unwrap_err();
        assert_eq!(error.exit(), Exit::BadInput);
        assert!(matches!(error.downcast_ref(), Some(RunError::Foreign { .. })), "{error}");
        assert!(error.to_string().contains(store.run()), "{error}");
    }

    /// Fault cases 46 to 48: a torn tail is cut off, and everything else that was changed is refused.
    #[test]
    fn every_truncation_is_cut_off_and_every_flipped_bit_refused() {
        let dir = tempfile::tempdir().unwrap();
        let bytes = sample(dir.path());
        let header = bytes.iter().position(|&b| b == b'\n').unwrap() + 1;
        let (store, cancel, path) = (store(dir.path(), 1), Cancel::new(), dir.path().join(NAME));
        for length in header..bytes.len() {
            fs::write(&path, &bytes[..length]).unwrap();
            let parts = log(&store, &cancel, Duration::ZERO);
            parts.keep("more", b"7".to_vec()).unwrap();
            drop(parts);
            assert_eq!(log(&store, &cancel, SAVE_EVERY).recall("more").unwrap().unwrap(), b"7");
        }
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut flipped = bytes.clone();
                flipped[at] ^= 1 << bit;
                fs::write(&path, flipped).unwrap();
                let error = PartsLog::open(&store, NAME, &cancel, SAVE_EVERY).unwrap_err();
                assert_eq!(error.exit(), Exit::BadInput, "byte {at}, bit {bit}");
            }
        }
    }
}
