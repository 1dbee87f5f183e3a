//! A run's folder.
//!
//! ```text
//! plan.toml       the resolved plan; an experiment file itself
//! manifest.json   what the results depend on (plan, seed, data, binary)
//! journal         every finished cell; the authority from which the rest can be written again
//! rows.jsonl      the results, sorted
//! full_pool.jsonl what the classifier reaches with all labels ([`FullPool`](super::FullPool))
//! timings.jsonl   seconds per cell
//! overlays.jsonl  images of repetition 0 with predicted and true masks ([`Pictured`](super::Pictured)), where targets are masks
//! selection.jsonl seconds per query ([`QueryTimes`](super::QueryTimes))
//! summary.json    totals and the rows' digest
//! report.html     figures; beside it results.csv, rows.parquet, figures/, tables/ and tensorboard/
//! artefacts       what of these was written, with digests ([`Artefacts`])
//! policy/         the trained policy
//! checkpoints/    where an interrupted training goes on
//! .lock           the process that holds the folder
//! ```
//!
//! Of a folder, a run touches only what it has written itself: files of the names below, and those in the
//! list of artefacts. No name is followed out of the folder, and no link, pipe or device is read or written.

use super::artefacts::{self, Artefacts, Digests, Named, Publication};
use super::error::RunError;
use super::journal::{self, Journal, Record};
use super::ledger::Ledger;
use super::manifest::Manifest;
use super::sealed;
use crate::agent::{Frozen, policy};
use crate::durable::{self, Lock, input};
use crate::error::Result;
use std::fs;
use std::path::{Component, Path, PathBuf};

pub const PLAN: &str = "plan.toml";
pub const MANIFEST: &str = "manifest.json";
pub const JOURNAL: &str = "journal";
pub const ROWS: &str = "rows.jsonl";
/// What the classifier reaches with all labels.
pub const FULL_POOL: &str = "full_pool.jsonl";
/// Images with their masks.
pub const OVERLAYS: &str = "overlays.jsonl";
pub const TIMINGS: &str = "timings.jsonl";
/// Seconds that each query took.
pub const SELECTION: &str = "selection.jsonl";
pub const SUMMARY: &str = "summary.json";
pub const REPORT: &str = "report.html";
/// Where a search on a target starts, and why.
pub const ARCHITECTURE: &str = "arch.json";
/// What rules that say where to start lose on sources that were left out.
pub const STARTS: &str = "starts.md";
/// The files that were made of the results, with their digests.
pub const ARTEFACTS: &str = "artefacts";
/// The trained policy.
pub const POLICY: &str = "policy";
/// What training that was interrupted goes on from.
pub const CHECKPOINTS: &str = "checkpoints";
/// The report's figures, one file each.
pub const FIGURES: &str = "figures";

/// What imitation came to.
pub const IMITATED: &str = "checkpoints/imitated.json";
/// The evolution strategy, between two iterations.
pub const EVOLUTION: &str = "checkpoints/evolution.safetensors";
/// The policy gradient, between two iterations.
pub const POLICY_GRADIENT: &str = "checkpoints/policy-gradient.safetensors";
/// The name of a learning algorithm's checkpoint: what it is between two iterations.
pub fn checkpoint_of(algorithm: &str) -> String {
    format!("{CHECKPOINTS}/{}.safetensors", algorithm.replace('_', "-"))
}

/// The name of the file of a learning algorithm's policy.
pub fn policy_of(algorithm: &str) -> String {
    format!("{POLICY}/{}", Frozen::file(algorithm))
}

/// Finished parts of the train stage.
pub const TRAIN_PARTS: &str = "checkpoints/train.parts";
/// Finished parts of the search stage.
pub const SEARCH_PARTS: &str = "checkpoints/search.parts";

/// Every file that a run writes by a fixed name, besides the manifest; the list of artefacts has the rest.
const FILES: [&str; 17] = [
    JOURNAL,
    PLAN,
    ROWS,
    FULL_POOL,
    OVERLAYS,
    TIMINGS,
    SELECTION,
    SUMMARY,
    REPORT,
    ARCHITECTURE,
    STARTS,
    IMITATED,
    EVOLUTION,
    POLICY_GRADIENT,
    TRAIN_PARTS,
    SEARCH_PARTS,
    ARTEFACTS,
];
/// The files of the folder of policies, besides those of learning algorithms.
const POLICY_FILES: [&str; 2] = [policy::WEIGHTS_FILE, policy::CARD_FILE];
/// More than any checkpoint has, in bytes.
const MAX_CHECKPOINT_BYTES: u64 = 1 << 30;
/// The most bytes of a plan or manifest that are read.
const MAX_TEXT_BYTES: u64 = 16 << 20;

/// The folder of one run, held by this process.
#[derive(Debug)]
pub struct Store {
    dir: PathBuf,
    manifest: Manifest,
    run: String,
    _lock: Lock,
}

impl Store {
    /// Opens the run of `manifest` in `dir`: starts it where there is none, continues it where there
    /// is this one. `plan` is the resolved plan's text. With `fresh`, the files of a run that is there are
    /// removed first; files that are not a run's stay.
    ///
    /// # Errors
    /// If the folder is in use, is not a run's, or holds another run (with both digests); if the run's
    /// files are damaged, changed, or from a later release. Nothing is changed then.
    pub fn open(dir: &Path, manifest: &Manifest, plan: &str, fresh: bool) -> Result<(Self, Ledger)> {
        let mut records = Vec::new();
        let (store, journal) = Self::open_each(dir, manifest, plan, fresh, |record| {
            records.push(record);
            Ok(())
        })?;
        Ok((store, Ledger::new(journal, records)))
    }

    /// The same for who keeps no index: the journal's records are handed on one by one, oldest first, and none is held.
    ///
    /// # Errors
    /// As [`open`](Self::open), and those of `each`.
    pub fn open_each(
        dir: &Path,
        manifest: &Manifest,
        plan: &str,
        fresh: bool,
        each: impl FnMut(Record) -> Result<()>,
    ) -> Result<(Self, Journal)> {
        durable::create_dir(dir)?;
        stored(dir, manifest, fresh)?;
        let lock = durable::lock(dir)?;
        let store =
            Self { dir: dir.to_path_buf(), manifest: manifest.clone(), run: manifest.digest(), _lock: lock };
        // Once more, now that nobody else changes it.
        let stored = stored(dir, manifest, fresh)?;
        if let Some(stored) = stored.as_ref().filter(|_| !fresh) {
            store.check_same(stored, plan)?;
        }
        store.sweep()?;
        let journal = match (&stored, fresh) {
            (Some(stored), true) => {
                store.clear(stored)?;
                store.start(plan)?
            }
            _ => store.resume_or_start(stored.is_some(), plan, each)?,
        };
        Ok((store, journal))
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The run's name: its manifest's digest.
    pub fn run(&self) -> &str {
        &self.run
    }

    /// The path of `name` in the folder. `name` may be a path with `/`.
    ///
    /// # Errors
    /// [`RunError::Outside`] if it is absolute, goes up, passes a symbolic link, or is a device or pipe. (A
    /// link that another process puts there between this check and the use is not seen, nor followed by
    /// what writes.)
    pub fn path(&self, name: &str) -> Result<PathBuf, RunError> {
        inside(&self.dir, name)
    }

    /// Writes a file whole, unless it is already just that. True if it was written.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<bool> {
        write_in(&self.dir, name, bytes)
    }

    /// Writes files that can be made again from the journal, and lists them as [`Artefacts`].
    ///
    /// # Errors
    /// As [`artefacts::publish`].
    pub fn publish(&self, files: &[Named]) -> Result<()> {
        artefacts::publish_locked(&self.dir, files, Publication::of(&self.run))
    }

    /// Refuses what somebody has changed of the files that were made of the results.
    ///
    /// # Errors
    /// As [`Artefacts::check`].
    pub fn check_artefacts(&self) -> Result<(), RunError> {
        Artefacts::read(&self.dir, &self.run)?.map_or(Ok(()), |list| list.check(&self.dir))
    }

    /// Those of `files` that are not there.
    ///
    /// # Errors
    /// As [`artefacts::missing`].
    pub fn missing(&self, files: &Digests) -> Result<Vec<String>, RunError> {
        artefacts::missing(&self.dir, files)
    }

    /// Saves a checkpoint as this run's.
    pub fn save(&self, name: &str, body: &[u8]) -> Result<()> {
        self.write(name, &sealed::seal(&self.run, body)).map(drop)
    }

    /// A checkpoint of this run, of at most `limit` bytes; none where there is none.
    ///
    /// # Errors
    /// As [`sealed::open`]: a checkpoint of another run is refused with both digests.
    pub fn saved(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, RunError> {
        let path = self.path(name)?;
        if !path.exists() {
            return Ok(None);
        }
        let mut bytes = read_up_to(&path, limit.saturating_add(sealed::MAX_HEADER_BYTES))?;
        let length = sealed::open(&bytes, &self.run, &path)?.len();
        Ok(Some(bytes.split_off(bytes.len() - length)))
    }

    /// Removes a file that the run needs no more, if it is there.
    pub fn discard(&self, name: &str) -> Result<()> {
        let path = self.path(name)?;
        if path.exists() {
            durable::remove(&path)?;
        }
        Ok(())
    }

    /// Refuses a checkpoint that is there and is not this run's: before anything is computed, not when it is needed.
    /// `algorithms` are the names of those that learn.
    ///
    /// # Errors
    /// As [`saved`](Self::saved).
    pub fn check_saved<'n>(&self, algorithms: impl Iterator<Item = &'n str>) -> Result<(), RunError> {
        let own = [IMITATED, EVOLUTION, POLICY_GRADIENT].map(String::from);
        let mut all = own.into_iter().chain(algorithms.map(checkpoint_of));
        all.try_for_each(|name| self.saved(&name, MAX_CHECKPOINT_BYTES).map(drop))
    }

    /// Refuses an input that is not what the manifest says: what was read when the run started is read again
    /// when it is needed. Of inputs of one name, which the manifest numbers (`a`, `a (2)`), it may be any; one that
    /// the manifest does not name is accepted.
    ///
    /// # Errors
    /// [`RunError::InputChanged`] with both digests.
    pub fn check_input(&self, name: &str, found: &str) -> Result<(), RunError> {
        let numbered = format!("{name} (");
        let of_name = |own: &str| own == name || own.starts_with(&numbered);
        let mut stored = self.manifest.data.iter().filter(|(own, _)| of_name(own)).map(|(_, stored)| stored);
        let Some(first) = stored.next() else { return Ok(()) };
        if first == found || stored.any(|other| other == found) {
            return Ok(());
        }
        let (name, stored, found) = (name.to_string(), first.clone(), found.to_string());
        Err(RunError::InputChanged { name, stored, found })
    }

    /// Removes what interrupted replacements have left.
    fn sweep(&self) -> Result<()> {
        durable::sweep(&self.dir)?;
        for folder in self.folders(&[]) {
            let folder = self.path(&folder)?;
            if folder.is_dir() {
                durable::sweep(&folder)?;
            }
        }
        Ok(())
    }

    /// Removes the files of the run that is there, but its manifest: as long as it lies there, the folder is
    /// known as a run's, and it is replaced once the new run's other files are there.
    fn clear(&self, stored: &Manifest) -> Result<()> {
        // A list that cannot be believed names nothing.
        let list = Artefacts::read(&self.dir, &stored.digest()).ok().flatten().unwrap_or_default();
        let listed: Vec<&str> = list.names().collect();
        let policy = POLICY_FILES.map(|name| format!("{POLICY}/{name}"));
        let of_algorithms = self.algorithms();
        let of_algorithms = of_algorithms.iter().flat_map(|name| [checkpoint_of(name), policy_of(name)]);
        let named: Vec<String> = policy.into_iter().chain(of_algorithms).collect();
        let names = || listed.iter().copied().chain(named.iter().map(String::as_str)).chain(FILES);
        // All of them, before any is gone.
        for name in names() {
            let path = self.path(name)?;
            let within = path.ancestors().skip(1).take_while(|above| *above != self.dir);
            if path.is_dir() || within.into_iter().any(|above| above.is_file()) {
                let why = "files and folders have changed places there since the run was written";
                return Err(RunError::Outside { dir: self.dir.clone(), name: name.to_string(), why }.into());
            }
        }
        for name in names() {
            durable::remove(&self.path(name)?)?;
        }
        for folder in self.folders(&listed) {
            durable::remove_empty_dir(&self.path(&folder)?)?;
        }
        Ok(())
    }

    /// What learned in the run that is there, as its plan says: tables of `[train]` with iterations. A plan that cannot be
    /// read names nothing.
    fn algorithms(&self) -> Vec<String> {
        let text = self.path(PLAN).ok().and_then(|path| read_text(&path).ok());
        let plan = text.and_then(|text| String::from_utf8(text).ok()?.parse::<toml::Table>().ok());
        let train = plan.as_ref().and_then(|plan| plan.get("train")?.as_table());
        let learned = |table: &toml::Value| {
            let iterations = table.get("iterations").and_then(toml::Value::as_integer);
            iterations.is_some_and(|iterations| iterations > 0)
        };
        let names = train.into_iter().flatten().filter(|(_, table)| learned(table));
        names.map(|(name, _)| name.clone()).collect()
    }

    /// The folders that hold files of a run, inner ones first.
    fn folders(&self, listed: &[&str]) -> Vec<String> {
        let own = [POLICY, CHECKPOINTS, FIGURES].map(|folder| format!("{folder}/"));
        folders_of(listed.iter().copied().chain(own.iter().map(String::as_str)))
    }

    /// Refuses to continue another run.
    fn check_same(&self, stored: &Manifest, plan: &str) -> Result<(), RunError> {
        let Some((what, before, now)) = stored.difference(&self.manifest) else { return Ok(()) };
        let detail = self.plan_difference(plan);
        Err(RunError::Changed { dir: self.dir.clone(), what, stored: before, found: now, detail })
    }

    fn resume_or_start(
        &self,
        has_manifest: bool,
        plan: &str,
        each: impl FnMut(Record) -> Result<()>,
    ) -> Result<Journal> {
        let journal_path = self.path(JOURNAL)?;
        if journal_path.exists() {
            let (run, records) = journal::scan(&journal_path)?;
            if run == self.run {
                self.check_artefacts()?;
                let journal = Journal::open_each(&journal_path, each)?;
                self.write(PLAN, plan.as_bytes())?;
                self.write(MANIFEST, &self.manifest.to_json())?;
                return Ok(journal);
            }
            // Without records and without a manifest, it is a start that was interrupted.
            if has_manifest || records > 0 {
                return Err(RunError::Changed {
                    dir: self.dir.clone(),
                    what: "a journal of the run".into(),
                    stored: run,
                    found: self.run.clone(),
                    detail: None,
                }
                .into());
            }
        } else if has_manifest {
            let reason = "the journal is missing".into();
            return Err(RunError::Damaged { path: journal_path, offset: 0, reason }.into());
        }
        self.start(plan)
    }

    /// Begins a run. The journal comes first, by which an interrupted start is known, and the manifest last: it
    /// says that the rest is there.
    fn start(&self, plan: &str) -> Result<Journal> {
        let journal_path = self.path(JOURNAL)?;
        let journal = Journal::create(&journal_path, &self.run)?;
        self.write(PLAN, plan.as_bytes())?;
        Artefacts::default().write(&self.dir, Publication::of(&self.run))?;
        self.write(MANIFEST, &self.manifest.to_json())?;
        Ok(journal)
    }

    /// The first line in which the stored plan differs from `plan`, for the message.
    fn plan_difference(&self, plan: &str) -> Option<String> {
        let stored = read_text(&self.path(PLAN).ok()?).ok()?;
        let stored = String::from_utf8(stored).ok()?;
        let changed = |a: &str, b: &str| format!("`{}` there, `{}` here", a.trim(), b.trim());
        let mut pairs = stored.lines().zip(plan.lines());
        pairs.find(|(a, b)| a != b).map(|(a, b)| changed(a, b)).or_else(|| {
            let (a, b) = (stored.lines().count(), plan.lines().count());
            (a != b).then(|| format!("{a} lines of plan there, {b} here"))
        })
    }
}

/// The manifest in `dir`; none in a folder that is empty, or that a start was interrupted in. A folder of anything
/// else is refused, before anything is written to it.
fn stored(dir: &Path, manifest: &Manifest, fresh: bool) -> Result<Option<Manifest>, RunError> {
    let path = inside(dir, MANIFEST)?;
    if path.exists() {
        return Manifest::from_json(&read_text(&path)?, &path).map(Some);
    }
    let unreadable = |source| RunError::Read { path: dir.to_path_buf(), source };
    let mut names = Vec::new();
    for entry in fs::read_dir(dir).map_err(unreadable)? {
        names.push(entry.map_err(unreadable)?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    let path = inside(dir, JOURNAL)?;
    let journal = if path.exists() { journal::scan(&path).ok() } else { None };
    match &journal {
        // It names this very run, whose manifest was lost.
        Some((run, _)) if !fresh && *run == manifest.digest() => return Ok(None),
        // Results of another run.
        Some((_, 1..)) if !fresh => return Ok(None),
        _ => {}
    }
    let begun = matches!(journal, Some((_, 0)));
    let foreign = names.into_iter().find(|name| match name.as_str() {
        durable::LOCK => !durable::is_lock(&dir.join(name)),
        JOURNAL | PLAN | ARTEFACTS => !begun,
        name => !durable::is_temporary(name),
    });
    match foreign {
        None => Ok(None),
        Some(found) => Err(RunError::NotARun { dir: dir.to_path_buf(), found }),
    }
}

/// The folders that files of these names lie in, inner ones first; a name that ends in `/` is a folder's.
pub(super) fn folders_of<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let above = |name: &'a str| name.match_indices('/').map(|(end, _)| name[..end].to_string());
    let mut folders: Vec<String> = names.flat_map(above).collect();
    folders.sort();
    folders.dedup();
    folders.reverse();
    folders
}

/// The path of `name` in `dir`; see [`Store::path`].
pub(super) fn inside(dir: &Path, name: &str) -> Result<PathBuf, RunError> {
    let outside = |why| RunError::Outside { dir: dir.to_path_buf(), name: name.to_string(), why };
    let mut path = dir.to_path_buf();
    let mut parts = 0;
    for component in Path::new(name).components() {
        let Component::Normal(part) = component else {
            return Err(outside("it is absolute or has a `.` or `..` part"));
        };
        path.push(part);
        parts += 1;
        let Ok(found) = fs::symlink_metadata(&path) else { continue };
        if found.is_symlink() {
            return Err(outside("a part of it is a symbolic link"));
        }
        if !found.is_file() && !found.is_dir() {
            return Err(outside("it is no regular file"));
        }
    }
    if parts == 0 { Err(outside("it is empty")) } else { Ok(path) }
}

/// Writes a file in the folder of a run; see [`Store::write`].
pub(super) fn write_in(dir: &Path, name: &str, bytes: &[u8]) -> Result<bool> {
    let path = inside(dir, name)?;
    let same_length = fs::metadata(&path).is_ok_and(|found| found.len() == bytes.len() as u64);
    if same_length && input::read(&path, bytes.len() as u64).is_ok_and(|found| found == bytes) {
        return Ok(false);
    }
    if let Some(parent) = path.parent() {
        durable::create_dir(parent)?;
    }
    durable::replace(&path, bytes)?;
    Ok(true)
}

/// Reads a small file of a run.
pub fn read_text(path: &Path) -> Result<Vec<u8>, RunError> {
    read_up_to(path, MAX_TEXT_BYTES)
}

/// Reads a file of a run that has at most `limit` bytes: checkpoints may be larger than texts.
pub fn read_up_to(path: &Path, limit: u64) -> Result<Vec<u8>, RunError> {
    Ok(input::read(path, limit)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Exit;
    use std::collections::BTreeMap;

    fn manifest(seed: u64) -> Manifest {
        Manifest::new(&plan(seed), seed, BTreeMap::from([("iris".into(), "d1".into())])).unwrap()
    }

    fn plan(seed: u64) -> String {
        format!("name = \"a\"\nseed = {seed}\n")
    }

    fn open(dir: &Path, seed: u64, fresh: bool) -> Result<(Store, Ledger)> {
        Store::open(dir, &manifest(seed), &plan(seed), fresh)
    }

    fn files(dir: &Path) -> Vec<(String, Vec<u8>)> {
        let mut all: Vec<_> = fs::read_dir(dir)
            .unwrap()
            .map(|entry| entry.unwrap())
            .filter(|entry| entry.path().is_file() && entry.file_name() != ".lock")
            .map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap()))
            .collect();
        all.sort();
        all
    }

    fn done(key: &str) -> Record {
        Record::Done { key: key.into(), seconds: 0.0, output: 1.into() }
    }

    #[test]
    fn a_run_continues_where_it_stopped() {
        let dir = tempfile::tempdir().unwrap();
        let run = dir.path().join("runs/a");
        let (store, mut ledger) = open(&run, 1, false).unwrap();
        ledger.record(vec![done("x")]).unwrap();
        drop((store, ledger));
        let before = files(&run);
        let (_store, ledger) = open(&run, 1, false).unwrap();
        assert_eq!(ledger.output("x"), Some(&1.into()));
        assert_eq!(files(&run), before, "opening changes nothing");
    }

    #[test]
    fn beginning_anew_removes_all_or_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let (_, mut ledger) = open(dir.path(), 1, false).unwrap();
        ledger.record(vec![done("x")]).unwrap();
        drop(ledger);
        fs::write(dir.path().join(POLICY), "mine").unwrap();
        let before = files(dir.path());
        let error = open(dir.path(), 2, true).unwrap_err();
        assert_eq!(error.exit(), Exit::BadInput, "{error}");
        assert_eq!(files(dir.path()), before);
    }

    /// Fault cases 52 and 53: another seed, plan or data set is refused with both digests.
    #[test]
    fn another_run_is_refused_and_nothing_changes() {
        let dir = tempfile::tempdir().unwrap();
        let (_, mut ledger) = open(dir.path(), 1, false).unwrap();
        ledger.record(vec![done("x")]).unwrap();
        let before = files(dir.path());
        let refused = |manifest: &Manifest, plan: &str, wanted: [&str; 2]| {
            let error = Store::open(dir.path(), manifest, plan, false).unwrap_err();
            assert_eq!(error.exit(), Exit::BadInput);
            let text = error.to_string();
            assert!(wanted.iter().all(|part| text.contains(part)), "{text}");
            assert!(error.hint().unwrap().contains("--fresh"));
            assert_eq!(files(dir.path()), before);
        };
        refused(&manifest(2), &plan(2), ["the seed 1", "2 (`seed = 1` there, `seed = 2` here)"]);
        let mut other = manifest(1);
        other.data.insert("iris".into(), "d2".into());
        refused(&other, &plan(1), ["d1", "d2"]);
        let mut other = manifest(1);
        other.binary = "ffff".into();
        refused(&other, &plan(1), ["the binary digest", "ffff"]);
        let longer = format!("{}rounds = 40\n", plan(1));
        let other = Manifest::new(&longer, 1, manifest(1).data).unwrap();
        refused(&other, &longer, [&manifest(1).plan, "2 lines of plan there, 3 here"]);
    }

    /// Fault case 54: a journal of another run beside a manifest.
    #[test]
    fn parts_of_two_runs_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let (a, b) = (dir.path().join("a"), dir.path().join("b"));
        drop(open(&a, 1, false).unwrap());
        drop(open(&b, 2, false).unwrap());
        fs::copy(b.join(JOURNAL), a.join(JOURNAL)).unwrap();
        let error = open(&a, 1, false).unwrap_err();
        assert!(error.to_string().contains(&manifest(2).digest()), "{error}");
        fs::remove_file(a.join(JOURNAL)).unwrap();
        let error = open(&a, 1, false).unwrap_err();
        assert!(error.to_string().contains("the journal is missing"), "{error}");
    }

    #[test]
    fn a_lost_manifest_is_written_again_but_never_over_other_records() {
        let dir = tempfile::tempdir().unwrap();
        let (store, mut ledger) = open(dir.path(), 1, false).unwrap();
        ledger.record(vec![done("x")]).unwrap();
        drop((store, ledger));
        fs::remove_file(dir.path().join(MANIFEST)).unwrap();
        let error = open(dir.path(), 2, false).unwrap_err();
        assert!(matches!(error.downcast_ref(), Some(RunError::Changed { .. })), "{error}");
        let (_store, ledger) = open(dir.path(), 1, false).unwrap();
        assert!(ledger.output("x").is_some());
        assert!(dir.path().join(MANIFEST).exists());
    }

    #[test]
    fn fresh_starts_anew_but_keeps_what_is_not_the_runs() {
        let dir = tempfile::tempdir().unwrap();
        let (store, mut ledger) = open(dir.path(), 1, false).unwrap();
        ledger.record(vec![done("x")]).unwrap();
        store.write("policy/card.toml", b"old").unwrap();
        drop((store, ledger));
        fs::write(dir.path().join("notes.txt"), "mine").unwrap();
        let (_store, ledger) = open(dir.path(), 2, true).unwrap();
        assert!(ledger.get("x").is_none());
        assert!(!dir.path().join("policy").exists());
        assert_eq!(fs::read(dir.path().join("notes.txt")).unwrap(), b"mine");
    }

    /// What a plan's learning algorithms left is the run's; a file of another name in their folders is not.
    #[test]
    fn fresh_removes_what_learning_algorithms_left() {
        let dir = tempfile::tempdir().unwrap();
        let plan = "seed = 1\n[train.sharpness]\niterations = 3\n[train.half_done]\niterations = 0\n";
        let manifest = Manifest::new(plan, 1, BTreeMap::new()).unwrap();
        let all = ["sharpness", "half_done"].map(|name| [checkpoint_of(name), policy_of(name)]).concat();
        assert_eq!(all[2..], ["checkpoints/half-done.safetensors", "policy/half_done.safetensors"]);
        {
            let (store, _ledger) = Store::open(dir.path(), &manifest, plan, false).unwrap();
            for name in &all {
                store.write(name, b"weights").unwrap();
            }
        }
        let (store, _ledger) = Store::open(dir.path(), &manifest, plan, true).unwrap();
        let there = all.iter().map(|name| store.path(name).unwrap().exists());
        assert_eq!(there.collect::<Vec<_>>(), [false, false, true, true]);
    }

    #[test]
    fn a_folder_of_other_things_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("thesis.tex"), "").unwrap();
        let error = open(dir.path(), 1, true).unwrap_err();
        assert!(error.to_string().contains("thesis.tex"), "{error}");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    /// Fault case 51.
    #[test]
    fn a_run_in_use_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let held = open(dir.path(), 1, false).unwrap();
        let error = open(dir.path(), 1, false).unwrap_err();
        assert!(error.to_string().contains(&std::process::id().to_string()), "{error}");
        drop(held);
        open(dir.path(), 1, false).unwrap();
    }

    /// Fault case 63.
    #[test]
    fn no_name_leads_out() {
        let dir = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        let (store, _ledger) = open(dir.path(), 1, false).unwrap();
        std::os::unix::fs::symlink(elsewhere.path(), dir.path().join("link")).unwrap();
        std::os::unix::fs::symlink(elsewhere.path().join("x"), dir.path().join("dangling")).unwrap();
        for name in ["", ".", "..", "../x", "a/../../x", "/etc/passwd", "link", "link/x", "dangling"] {
            assert!(matches!(store.path(name), Err(RunError::Outside { .. })), "{name}");
            assert!(store.write(name, b"x").is_err(), "{name}");
        }
        assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 0);
        assert!(store.write("policy/a/b", b"x").unwrap());
        assert!(!store.write("policy/a/b", b"x").unwrap(), "the same again is not written");
    }
}
