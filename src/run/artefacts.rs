//! What was made of a run's results: which files, and what was in them.
//!
//! `artefacts` lists, with their digests, the files of a folder that can be made again from the journal:
//! rows, tables, figures, exports. By it, a later start knows what is missing (and makes it again), what somebody has
//! changed (and refuses to overwrite it), and what is not the run's at all. It is sealed, so
//! that it holds for its own run only.
//!
//! Of a publication that says of some folders that it writes them whole, earlier files of the list that it does not write are removed, if they are as
//! they were written: no figure of yesterday's report lies beside today's.
//!
//! The list is written before the files, with the digests before and after, and once more after them: a
//! process that ends in between leaves files that are one or the other.

use super::error::RunError;
use super::store::{ARTEFACTS, MANIFEST, folders_of, inside, read_text, write_in};
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
        Self::called(dir, ARTEFACTS, |bytes, path| sealed::open(bytes, run, path))
    }

    /// The list of this name in `dir`, whose body `open` finds in its bytes.
    fn called(
        dir: &Path,
        name: &str,
        open: impl for<'b> Fn(&'b [u8], &Path) -> Result<&'b [u8], RunError>,
    ) -> Result<Option<Self>, RunError> {
        let path = inside(dir, name)?;
        if !path.exists() {
            return Ok(None);
        }
        let bytes = read_text(&path)?;
        let body = open(&bytes, &path)?;
        serde_json::from_slice(body).map(Some).map_err(|error| RunError::Damaged {
            path: path.clone(),
            offset: 0,
            reason: error.to_string(),
        })
    }

    /// Writes the list.
    pub(super) fn write(&self, dir: &Path, how: Publication<'_>) -> Result<()> {
        let body = serde_json::to_vec_pretty(self).expect("strings serialise");
        write_in(dir, how.list, &sealed::seal(how.run, &body)).map(drop)
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

/// How files are published.
#[derive(Clone, Copy, Debug)]
pub struct Publication<'a> {
    /// The digest of the run that they are of.
    pub run: &'a str,
    /// The name of the list.
    pub list: &'a str,
    /// How the names of files begin that it writes all of: earlier ones of the list are removed.
    pub whole: &'a [&'a str],
    /// Whether a regular file that is there is overwritten whatever it holds, and a list of another run believed and replaced.
    pub force: bool,
    /// Whether, with `force`, a file that the list does not name, or that was changed since, stays all the same.
    pub own_alone: bool,
}

impl<'a> Publication<'a> {
    /// More files of the run with this digest, none of which takes another's place.
    pub fn of(run: &'a str) -> Self {
        Self { run, list: ARTEFACTS, whole: &[], force: false, own_alone: false }
    }
}

/// Writes `files` to a folder, and to its list.
///
/// # Errors
/// [`RunError::ArtefactChanged`] for a file that somebody has changed, [`RunError::NotAnArtefact`] for one that
/// the run has not written, [`RunError::Foreign`] for a folder of another run's artefacts: nothing is
/// written then. The folder is in use; whatever writing fails with.
pub fn publish(dir: &Path, files: &[Named], how: Publication<'_>) -> Result<()> {
    durable::create_dir(dir)?;
    check(dir, files, how)?;
    let _lock = durable::lock(dir)?;
    publish_locked(dir, files, how)
}

/// As [`publish`], by the process that holds the folder.
pub(super) fn publish_locked(dir: &Path, files: &[Named], how: Publication<'_>) -> Result<()> {
    let (mut list, stale) = check(dir, files, how)?;
    let new: Vec<String> = files.iter().map(|(_, bytes)| digest::of(bytes)).collect();
    for ((name, _), new) in files.iter().zip(&new) {
        let both = of_file(dir, name)?.into_iter().filter(|old| old != new).chain([new.clone()]);
        list.files.insert(name.clone(), both.collect());
    }
    list.write(dir, how)?;
    for (name, bytes) in files {
        write_in(dir, name, bytes)?;
    }
    for name in &stale {
        // Between the check and this, nobody has written to it.
        if of_file(dir, name)?.is_some_and(|found| list.files[name].contains(&found)) {
            durable::remove(&inside(dir, name)?)?;
        }
    }
    for folder in folders_of(stale.iter().map(String::as_str)) {
        durable::remove_empty_dir(&inside(dir, &folder)?)?;
    }
    for ((name, _), new) in files.iter().zip(new) {
        list.files.insert(name.clone(), vec![new]);
    }
    list.files.retain(|name, _| !stale.contains(name));
    list.write(dir, how)
}

/// Refuses a folder to which nothing may be published, whatever it is.
///
/// # Errors
/// As [`publish`].
pub fn check_publication(dir: &Path, how: Publication<'_>) -> Result<()> {
    check(dir, &[], how).map(drop)
}

/// The folder's list, if all of `files` may be written there, and which of its files they take the place of.
fn check(dir: &Path, files: &[Named], how: Publication<'_>) -> Result<(Artefacts, Vec<String>)> {
    let Publication { run, force, .. } = how;
    let of_whole = |name: &str| how.whole.iter().any(|start| name.starts_with(start));
    let list = match Artefacts::called(dir, how.list, |bytes, path| sealed::open(bytes, run, path)) {
        Err(RunError::Foreign { .. }) if force => {
            // Another run's: of what it wrote, no more is known here than what is replaced.
            let theirs = Artefacts::called(dir, how.list, |bytes, path| {
                sealed::open_any(bytes, path).map(|(_, body)| body)
            });
            let mut list = theirs.ok().flatten().unwrap_or_default();
            list.files.retain(|name, _| of_whole(name));
            Some(Artefacts { lost: inside(dir, MANIFEST)?.exists(), ..list })
        }
        Err(_) if force => None,
        list => list?,
    };
    let list = match list {
        Some(list) => list,
        None => Artefacts { lost: inside(dir, MANIFEST)?.exists(), ..Artefacts::default() },
    };
    let stale = |name: &&String| of_whole(name) && !files.iter().any(|(new, _)| new == *name);
    let stale: Vec<String> = list.files.keys().filter(stale).cloned().collect();
    for name in stale.iter().filter(|_| !force) {
        let allowed = &list.files[name];
        if let Some(found) = of_file(dir, name)?.filter(|found| !allowed.contains(found)) {
            return Err(changed(dir, name, allowed, found).into());
        }
    }
    for (name, bytes) in files {
        let Some(found) = of_file(dir, name)? else { continue };
        let own = list.files.get(name).is_some_and(|allowed| allowed.contains(&found));
        if how.own_alone && !own {
            return Err(RunError::NotAnArtefact { path: dir.join(name) }.into());
        }
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
    Ok((list, stale))
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

    fn how(run: &str, force: bool) -> Publication<'_> {
        Publication { force, ..Publication::of(run) }
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
        publish(dir, &[file("a.csv", b"1"), file("t/b.md", b"2")], how(&run, false)).unwrap();
        publish(dir, &[file("a.csv", b"3")], how(&run, false)).unwrap();
        let list = Artefacts::read(dir, &run).unwrap().unwrap();
        assert_eq!(list.names().collect::<Vec<_>>(), ["a.csv", "t/b.md"]);
        list.check(dir).unwrap();
        // Missing is not changed.
        fs::remove_file(dir.join("t/b.md")).unwrap();
        list.check(dir).unwrap();
        fs::write(dir.join("a.csv"), "mine").unwrap();
        let text = refused(publish(dir, &[file("a.csv", b"4")], how(&run, false)));
        assert!(text.contains(&digest::of(b"3")) && text.contains(&digest::of(b"mine")), "{text}");
        assert_eq!(fs::read(dir.join("a.csv")).unwrap(), b"mine");
        publish(dir, &[file("a.csv", b"4")], how(&run, true)).unwrap();
        assert_eq!(fs::read(dir.join("a.csv")).unwrap(), b"4");
    }

    #[test]
    fn what_is_not_the_runs_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let (dir, run) = (dir.path(), digest::of(b"run"));
        fs::write(dir.join("report.html"), "mine").unwrap();
        let text = refused(publish(dir, &[file("report.html", b"x"), file("b", b"x")], how(&run, false)));
        assert!(text.contains("report.html"), "{text}");
        assert_eq!(fs::read_dir(dir).unwrap().count(), 1, "nothing was written");
        publish(dir, &[file("b", b"x")], how(&run, false)).unwrap();
        refused(publish(dir, &[file("b", b"x")], how(&digest::of(b"other run"), false)));
        std::os::unix::fs::symlink("report.html", dir.join("c")).unwrap();
        refused(publish(dir, &[file("c", b"x")], how(&run, true)));
        assert_eq!(fs::read(dir.join("report.html")).unwrap(), b"mine");
    }

    /// A picture of somebody else's was once overwritten where it had the name of a new one.
    #[test]
    fn by_force_too_the_own_files_alone_are_replaced_where_that_is_said() {
        let dir = tempfile::tempdir().unwrap();
        let (dir, run) = (dir.path(), digest::of(b"run"));
        let own = |force| Publication { whole: &[""], own_alone: true, ..how(&run, force) };
        publish(dir, &[file("a", b"1"), file("b", b"2")], own(false)).unwrap();
        fs::write(dir.join("c"), "mine").unwrap();
        // What was changed since is somebody's, too.
        fs::write(dir.join("a"), "changed").unwrap();
        let text = refused(publish(dir, &[file("a", b"3")], own(true)));
        assert!(text.contains(&dir.join("a").display().to_string()), "{text}");
        fs::write(dir.join("a"), "1").unwrap();
        for mine in [&b"3"[..], b"mine"] {
            let text = refused(publish(dir, &[file("a", b"3"), file("c", mine)], own(true)));
            assert!(text.contains(&dir.join("c").display().to_string()), "{text}");
        }
        let read = |name: &str| fs::read_to_string(dir.join(name)).unwrap();
        assert_eq!((read("a"), read("b"), read("c")), ("1".into(), "2".into(), "mine".into()));
        publish(dir, &[file("a", b"3")], own(true)).unwrap();
        assert_eq!((read("a"), read("c"), dir.join("b").exists()), ("3".into(), "mine".into(), false));
    }

    /// Figures of an earlier report once stayed beside the new one, as if they were its own.
    #[test]
    fn what_a_publication_writes_whole_has_no_earlier_files() {
        let dir = tempfile::tempdir().unwrap();
        let (dir, run) = (dir.path(), digest::of(b"run"));
        let is_there = |name: &str| dir.join(name).exists();
        let whole = |run, force| Publication { whole: &["figures/", "t/"], ..how(run, force) };
        let first = [
            file("rows", b"1"),
            file("figures/a.svg", b"2"),
            file("figures/b.svg", b"3"),
            file("t/x/c", b"4"),
        ];
        publish(dir, &first, whole(&run, false)).unwrap();
        fs::write(dir.join("figures/mine.svg"), "mine").unwrap();
        publish(dir, &[file("figures/a.svg", b"5")], whole(&run, false)).unwrap();
        assert!(is_there("rows") && is_there("figures/a.svg") && is_there("figures/mine.svg"));
        assert!(!is_there("figures/b.svg") && !is_there("t"), "with its folders, as far as they are empty");
        let list = Artefacts::read(dir, &run).unwrap().unwrap();
        assert_eq!(list.names().collect::<Vec<_>>(), ["figures/a.svg", "rows"]);
        // What somebody has changed is no longer the run's to remove.
        fs::write(dir.join("figures/a.svg"), "mine").unwrap();
        let text = refused(publish(dir, &[file("figures/d.svg", b"6")], whole(&run, false)));
        assert!(text.contains("figures/a.svg"), "{text}");
        assert!(!is_there("figures/d.svg"));
        publish(dir, &[file("figures/d.svg", b"6")], whole(&run, true)).unwrap();
        assert_eq!(fs::read(dir.join("figures/a.svg")).unwrap(), b"mine");
        // Another run takes the place by force, and of the other files knows nothing.
        let other = digest::of(b"other run");
        refused(publish(dir, &[file("figures/e.svg", b"7")], whole(&other, false)));
        assert!(is_there("figures/d.svg"));
        publish(dir, &[file("figures/e.svg", b"7")], whole(&other, true)).unwrap();
        assert!(!is_there("figures/d.svg") && is_there("rows") && is_there("figures/mine.svg"));
        let list = Artefacts::read(dir, &other).unwrap().unwrap();
        assert_eq!(list.names().collect::<Vec<_>>(), ["figures/e.svg"]);
    }

    /// Fault case 45: wherever a publication ends, the next one goes through.
    #[test]
    fn an_interrupted_publication_can_be_repeated() {
        for n in 0.. {
            let dir = tempfile::tempdir().unwrap();
            let (dir, run) = (dir.path(), digest::of(b"run"));
            publish(dir, &[file("a", b"old"), file("b", b"old")], how(&run, false)).unwrap();
            let guard = arm(n, Outcome::Fail(libc::EIO));
            let result = publish(dir, &[file("a", b"new"), file("b", b"new")], how(&run, false));
            drop(guard);
            Artefacts::read(dir, &run).unwrap().unwrap().check(dir).unwrap();
            publish(dir, &[file("a", b"newer"), file("b", b"newer")], how(&run, false)).unwrap();
            assert_eq!(fs::read(dir.join("b")).unwrap(), b"newer");
            if result.is_ok() {
                assert!(n > 10, "only {n} operations");
                break;
            }
        }
    }
}
