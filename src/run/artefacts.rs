//! What was made of a run's results: which files, and what was in them.
//!
//! `artefacts` lists, with their digests, the files of a folder that can be made again from the journal:
//! rows, tables, figures, exports. By it, a later start knows what is missing (and makes it again), what somebody has
//! changed (and refuses to overwrite it), and what is not the run's at all. It is sealed, so
//! that it holds for its own run only.
//!
//! The list is written before the files, with the digests before and after, and once more after them: a
//! process that ends in between leaves files that are one or the other.

use super::error::RunError;
use super::store::{ARTEFACTS, MANIFEST, inside, read_text, write_in};
use super::{digest, sealed};
use crate::durable;
use crate::error::Result;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// Digests of files, by their names in the folder.
pub type Digests = BTreeMap<String, String>;

/// A file to be written: its name in the folder, `/` between folders, and its bytes.
pub type Named = (String, Vec<u8>);

/// The list of a folder.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Artefacts {
    /// What each file may hold: one digest, or two while it is being replaced.
    files: BTreeMap<String, Vec<String>>,
    /// Whether an earlier list was lost. What this one does not name may be the run's all the same, then: it is
    /// replaced where the run writes it again, and never removed.
    #[serde(default)]
    lost: bool,
}

impl Artefacts {
    /// The list in `dir` of the run with this digest; none where there is none.
    ///
    /// # Errors
    /// A list of another run, with both digests; a damaged one.
    pub fn read(dir: &Path, run: &str) -> Result<Option<Self>, RunError> {
        let path = inside(dir, ARTEFACTS)?;
        if !path.exists() {
            return Ok(None);
        }
        let bytes = read_text(&path)?;
        let body = sealed::open(&bytes, run, &path)?;
        serde_json::from_slice(body).map(Some).map_err(|error| RunError::Damaged {
            path,
            offset: 0,
            reason: error.to_string(),
        })
    }

    /// Writes the list.
    pub(super) fn write(&self, dir: &Path, run: &str) -> Result<()> {
        let body = serde_json::to_vec_pretty(self).expect("strings serialise");
        write_in(dir, ARTEFACTS, &sealed::seal(run, &body)).map(drop)
    }

    /// The files.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }

    /// Refuses the folder if a file is there that does not hold what the list says. Missing files are fine.
    ///
    /// # Errors
    /// [`RunError::ArtefactChanged`] with both digests.
    pub fn check(&self, dir: &Path) -> Result<(), RunError> {
        self.files.iter().try_for_each(|(name, allowed)| {
            let Some(found) = of_file(dir, name)? else { return Ok(()) };
            match allowed.contains(&found) {
                true => Ok(()),
                false => Err(changed(dir, name, allowed, found)),
            }
        })
    }
}

/// Writes `files` to the folder of the run with this digest, and to its list. With `force`, a regular file
/// that is there is overwritten whatever it holds.
///
/// # Errors
/// [`RunError::ArtefactChanged`] for a file that somebody has changed, [`RunError::NotAnArtefact`] for one that
/// the run has not written, [`RunError::Foreign`] for a folder of another run's artefacts: nothing is
/// written then. The folder is in use; whatever writing fails with.
pub fn publish(dir: &Path, run: &str, files: &[Named], force: bool) -> Result<()> {
    durable::create_dir(dir)?;
    check(dir, run, files, force)?;
    let _lock = durable::lock(dir)?;
    publish_locked(dir, run, files, force)
}

/// As [`publish`], by the process that holds the folder.
pub(super) fn publish_locked(dir: &Path, run: &str, files: &[Named], force: bool) -> Result<()> {
    let mut list = check(dir, run, files, force)?;
    let new: Vec<String> = files.iter().map(|(_, bytes)| digest::of(bytes)).collect();
    for ((name, _), new) in files.iter().zip(&new) {
        let both = of_file(dir, name)?.into_iter().filter(|old| old != new).chain([new.clone()]);
        list.files.insert(name.clone(), both.collect());
    }
    list.write(dir, run)?;
    for (name, bytes) in files {
        write_in(dir, name, bytes)?;
    }
    for ((name, _), new) in files.iter().zip(new) {
        list.files.insert(name.clone(), vec![new]);
    }
    list.write(dir, run)
}

/// The folder's list, if all of `files` may be written there.
fn check(dir: &Path, run: &str, files: &[Named], force: bool) -> Result<Artefacts> {
    let list = match Artefacts::read(dir, run) {
        Err(_) if force => None,
        list => list?,
    };
    let list = match list {
        Some(list) => list,
        None => Artefacts { lost: inside(dir, MANIFEST)?.exists(), ..Artefacts::default() },
    };
    for (name, bytes) in files {
        let Some(found) = of_file(dir, name)? else { continue };
        if force || found == digest::of(bytes) {
            continue;
        }
        match list.files.get(name) {
            Some(allowed) if allowed.contains(&found) => {}
            Some(allowed) => return Err(changed(dir, name, allowed, found).into()),
            None if list.lost => {}
            None => return Err(RunError::NotAnArtefact { path: dir.join(name) }.into()),
        }
    }
    Ok(list)
}

/// Those of `files` that are not in `dir`.
///
/// # Errors
/// [`RunError::ArtefactChanged`] for one that holds something else.
pub fn missing(dir: &Path, files: &Digests) -> Result<Vec<String>, RunError> {
    let mut missing = Vec::new();
    for (name, stored) in files {
        match of_file(dir, name)? {
            None => missing.push(name.clone()),
            Some(found) if found == *stored => {}
            Some(found) => return Err(changed(dir, name, std::slice::from_ref(stored), found)),
        }
    }
    Ok(missing)
}

fn changed(dir: &Path, name: &str, allowed: &[String], found: String) -> RunError {
    RunError::ArtefactChanged { path: dir.join(name), stored: allowed.join(" or "), found }
}

/// The digest of a file; none where there is none.
fn of_file(dir: &Path, name: &str) -> Result<Option<String>, RunError> {
    let path = inside(dir, name)?;
    // A link that leads nowhere is there, and is refused where it is opened.
    if path.symlink_metadata().is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound) {
        return Ok(None);
    }
    digest::of_file(&path).map(Some).map_err(|source| RunError::Read { path, source })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::durable::faults::{Outcome, arm};
    use std::fs;

    fn file(name: &str, bytes: &[u8]) -> Named {
        (name.to_string(), bytes.to_vec())
    }

    fn refused(result: Result<()>) -> String {
        let error = result.unwrap_err();
        assert_eq!(error.exit(), crate::error::Exit::BadInput);
        assert!(error.hint().is_some());
        error.to_string()
    }

    #[test]
    fn files_are_replaced_as_long_as_they_are_as_they_were_written() {
        let dir = tempfile::tempdir().unwrap();
        let (dir, run) = (dir.path(), digest::of(b"run"));
        publish(dir, &run, &[file("a.csv", b"1"), file("t/b.md", b"2")], false).unwrap();
        publish(dir, &run, &[file("a.csv", b"3")], false).unwrap();
        let list = Artefacts::read(dir, &run).unwrap().unwrap();
        assert_eq!(list.names().collect::<Vec<_>>(), ["a.csv", "t/b.md"]);
        list.check(dir).unwrap();
        // Missing is not changed.
        fs::remove_file(dir.join("t/b.md")).unwrap();
        list.check(dir).unwrap();
        fs::write(dir.join("a.csv"), "mine").unwrap();
        let text = refused(publish(dir, &run, &[file("a.csv", b"4")], false));
        assert!(text.contains(&digest::of(b"3")) && text.contains(&digest::of(b"mine")), "{text}");
        assert_eq!(fs::read(dir.join("a.csv")).unwrap(), b"mine");
        publish(dir, &run, &[file("a.csv", b"4")], true).unwrap();
        assert_eq!(fs::read(dir.join("a.csv")).unwrap(), b"4");
    }

    #[test]
    fn what_is_not_the_runs_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let (dir, run) = (dir.path(), digest::of(b"run"));
        fs::write(dir.join("report.html"), "mine").unwrap();
        let text = refused(publish(dir, &run, &[file("report.html", b"x"), file("b", b"x")], false));
        assert!(text.contains("report.html"), "{text}");
        assert_eq!(fs::read_dir(dir).unwrap().count(), 1, "nothing was written");
        publish(dir, &run, &[file("b", b"x")], false).unwrap();
        refused(publish(dir, &digest::of(b"other run"), &[file("b", b"x")], false));
        std::os::unix::fs::symlink("report.html", dir.join("c")).unwrap();
        refused(publish(dir, &run, &[file("c", b"x")], true));
        assert_eq!(fs::read(dir.join("report.html")).unwrap(), b"mine");
    }

    /// Fault case 45: wherever a publication ends, the next one goes through.
    #[test]
    fn an_interrupted_publication_can_be_repeated() {
        for n in 0.. {
            let dir = tempfile::tempdir().unwrap();
            let (dir, run) = (dir.path(), digest::of(b"run"));
            publish(dir, &run, &[file("a", b"old"), file("b", b"old")], false).unwrap();
            let guard = arm(n, Outcome::Fail(libc::EIO));
            let result = publish(dir, &run, &[file("a", b"new"), file("b", b"new")], false);
            drop(guard);
            Artefacts::read(dir, &run).unwrap().unwrap().check(dir).unwrap();
            publish(dir, &run, &[file("a", b"newer"), file("b", b"newer")], false).unwrap();
            assert_eq!(fs::read(dir.join("b")).unwrap(), b"newer");
            if result.is_ok() {
                assert!(n > 10, "only {n} operations");
                break;
            }
        }
    }
}
