//! The only module that writes files: atomic replacement, an append-only log, folders, locks; and the only
//! one that opens files which are handed in ([`input`]).
//!
//! What has been acknowledged (a call that returned `Ok`) survives the end of the process at any
//! moment, and a power failure as far as the file system honours `fsync`. A file is either the old or
//! the new one, never a mixture. What files mean (journals, manifests, reports) is not known here.
//! Every system call that changes the disk passes `faults::boundary`, so that tests can make the
//! n-th of them fail or be the process's last. Lints forbid file writes elsewhere; `clippy.toml` lists
//! the calls.

// The one place where the calls that `clippy.toml` forbids are allowed.
#![allow(clippy::disallowed_methods)]

pub(crate) mod digest;
pub mod faults;
pub(crate) mod input;
mod lock;
mod log;
mod open;

pub use input::InputError;
pub use lock::{Lock, NAME as LOCK, is_lock};
pub use log::Log;

use crate::error::{Exit, Fault};
use faults::{Op, boundary};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Why something could not be written.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum DurableError {
    /// The operating system refused.
    #[error("{}: cannot {doing}: {source}", path.display())]
    #[diagnostic(help("{}", io_hint(source)))]
    Io { path: PathBuf, doing: &'static str, source: io::Error },
    /// Another process holds the folder.
    #[error("{}: in use by process {pid}", path.display())]
    #[diagnostic(help("wait for it to end, stop it, or choose another folder with --out"))]
    Locked { path: PathBuf, pid: String },
    /// An earlier write of this log failed; what a later one would mean is unknown.
    #[error("{}: not written, since an earlier write to it failed", path.display())]
    #[diagnostic(help("run the same command again: it continues from the last good record"))]
    Poisoned { path: PathBuf },
    /// A path without a file name.
    #[error("{}: not the path of a file", path.display())]
    NoName { path: PathBuf },
    /// Something else than a plain file stands where one is to be written.
    #[error("{}: is {found}, expected a regular file", path.display())]
    #[diagnostic(help("nothing was written; remove it, or choose another place"))]
    NotPlain { path: PathBuf, found: &'static str },
    /// The folder of a new file is not there.
    #[error("{}: there is no folder {}", path.display(), folder.display())]
    #[diagnostic(help("create it, or choose another place"))]
    NoFolder { path: PathBuf, folder: PathBuf },
    /// A file stands where a new one is to be written.
    #[error("{}: exists", path.display())]
    #[diagnostic(help("choose another name, or overwrite it with --force"))]
    Exists { path: PathBuf },
}

impl Fault for DurableError {
    fn exit(&self) -> Exit {
        match self {
            // What stands in the way is somebody's choice of a place, and no failure of the machine.
            DurableError::Io { source, .. } if in_the_way(source) => Exit::BadInput,
            DurableError::Io { .. } | DurableError::Poisoned { .. } => Exit::Failed,
            DurableError::Locked { .. }
            | DurableError::NoName { .. }
            | DurableError::NotPlain { .. }
            | DurableError::NoFolder { .. }
            | DurableError::Exists { .. } => Exit::BadInput,
        }
    }
}

/// Whether a file stands where a folder is needed.
fn in_the_way(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists)
}

fn io_hint(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "free some space, then run the same command again: it continues where it stopped"
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "choose a folder that may be written to"
        }
        _ if in_the_way(error) => {
            "a file stands where a folder is needed: remove it or choose another folder"
        }
        _ => "nothing that was acknowledged before is lost; run the same command again",
    }
}

/// Names the place and the action of an [`io::Error`].
fn at<'a>(path: &'a Path, doing: &'static str) -> impl FnOnce(io::Error) -> DurableError + 'a {
    move |source| DurableError::Io { path: path.to_path_buf(), doing, source }
}

/// Marks the files that a replacement was interrupted on; see [`sweep`].
const TEMPORARY: &str = ".tmp~";

/// Puts `bytes` at `path`, whole or not at all: a temporary file in the same folder, `fsync`, rename,
/// `fsync` of the folder. An existing file is replaced.
///
/// # Errors
/// [`DurableError::NotPlain`] if something else than a regular file is there (a link, too, wherever it
/// leads); whatever the operating system refuses.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), DurableError> {
    replace_from(path, bytes)
}

/// [`replace`], with all that `content` gives, block by block.
///
/// # Errors
/// As [`replace`], and where `content` cannot be read.
pub fn replace_from(path: &Path, content: impl Read) -> Result<(), DurableError> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let name = path.file_name().ok_or_else(|| DurableError::NoName { path: path.to_path_buf() })?;
    open::check(path)?;
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let temporary =
        path.with_file_name(format!(".{}.{}-{count}{TEMPORARY}", name.to_string_lossy(), std::process::id()));
    let result = replace_through(&temporary, path, content);
    if result.is_err() {
        // The error that is reported is the first one; what stays behind is swept by the next run.
        let _ = fs::remove_file(&temporary);
    }
    result
}

fn replace_through(temporary: &Path, path: &Path, mut content: impl Read) -> Result<(), DurableError> {
    boundary(Op::Create, temporary).map_err(at(path, "create a file beside it"))?;
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(temporary)
        .map_err(at(path, "create a file beside it"))?;
    boundary(Op::Write, temporary)
        .and_then(|()| io::copy(&mut content, &mut file))
        .map_err(at(path, "write"))?;
    boundary(Op::Sync, temporary).and_then(|()| file.sync_all()).map_err(at(path, "flush to disk"))?;
    boundary(Op::Rename, path).and_then(|()| fs::rename(temporary, path)).map_err(at(path, "replace"))?;
    sync_folder(parent(path))
}

/// Creates `path` and what is missing above it.
pub fn create_dir(path: &Path) -> Result<(), DurableError> {
    let mut missing = Vec::new();
    let mut here = path;
    while !here.as_os_str().is_empty() && !here.exists() {
        missing.push(here);
        here = parent(here);
    }
    if !here.as_os_str().is_empty() && !here.is_dir() {
        let source = io::Error::from(io::ErrorKind::NotADirectory);
        return Err(DurableError::Io { path: here.to_path_buf(), doing: "create a folder in it", source });
    }
    for folder in missing.into_iter().rev() {
        boundary(Op::Create, folder).map_err(at(folder, "create the folder"))?;
        match fs::create_dir(folder) {
            // Another process was faster.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => {}
            result => result.map_err(at(folder, "create the folder"))?,
        }
        sync_folder(parent(folder))?;
    }
    Ok(())
}

/// Removes a file, if it is there.
pub fn remove(path: &Path) -> Result<(), DurableError> {
    boundary(Op::Remove, path).map_err(at(path, "remove"))?;
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result.map_err(at(path, "remove")),
    }
}

/// Refuses a place that a new file cannot have: something is there (with `overwrite`, anything but a
/// regular file), or there is no folder to put it in. For commands to ask before they compute.
///
/// # Errors
/// [`DurableError::Exists`], [`DurableError::NotPlain`], [`DurableError::NoName`], or that the folder is
/// missing.
pub fn check_free(path: &Path, overwrite: bool) -> Result<(), DurableError> {
    path.file_name().ok_or_else(|| DurableError::NoName { path: path.to_path_buf() })?;
    open::check(path)?;
    if !overwrite && fs::symlink_metadata(path).is_ok() {
        return Err(DurableError::Exists { path: path.to_path_buf() });
    }
    let folder = parent(path);
    match folder.is_dir() {
        true => Ok(()),
        false => Err(DurableError::NoFolder { path: path.to_path_buf(), folder: folder.to_path_buf() }),
    }
}

/// Removes a folder, if it is there and empty.
pub fn remove_empty_dir(path: &Path) -> Result<(), DurableError> {
    boundary(Op::Remove, path).map_err(at(path, "remove"))?;
    match fs::remove_dir(path) {
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::DirectoryNotEmpty) => {
            Ok(())
        }
        result => result.map_err(at(path, "remove")),
    }
}

/// Removes what interrupted [`replace`] calls left in `folder`. The caller holds its [`Lock`].
pub fn sweep(folder: &Path) -> Result<(), DurableError> {
    for entry in fs::read_dir(folder).map_err(at(folder, "list"))? {
        let entry = entry.map_err(at(folder, "list"))?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if is_temporary(&name) {
            remove(&entry.path())?;
        }
    }
    Ok(())
}

/// Whether an interrupted [`replace`] leaves files of this name.
pub fn is_temporary(name: &str) -> bool {
    name.starts_with('.') && name.ends_with(TEMPORARY)
}

/// Takes the folder for this process until the [`Lock`] is dropped or the process ends.
///
/// # Errors
/// [`DurableError::Locked`] with the holder's process id if another process has it. A file left by a
/// dead process is no lock: the operating system gave the lock back when the process ended.
pub fn lock(folder: &Path) -> Result<Lock, DurableError> {
    Lock::take(folder)
}

/// The folder a path lies in; the current one for a bare name.
fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ if path.has_root() => path,
        _ => Path::new("."),
    }
}

/// Makes the folder's entries (a new file, a rename) as durable as the files themselves.
fn sync_folder(folder: &Path) -> Result<(), DurableError> {
    boundary(Op::Sync, folder)
        .and_then(|()| File::open(folder)?.sync_all())
        .map_err(at(folder, "flush the folder to disk"))
}

#[cfg(test)]
mod tests {
    use super::faults::{Outcome, arm};
    use super::*;

    #[test]
    fn replaces_whole_files_and_leaves_nothing_beside_them() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.json");
        replace(&path, b"one").unwrap();
        replace(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    /// Fault cases 49 and 50: disk full or an I/O error at the n-th call leaves the old file whole.
    #[test]
    fn a_failed_replacement_leaves_the_old_file() {
        for errno in [libc::ENOSPC, libc::EIO, libc::EROFS] {
            for n in 0..5 {
                let dir = tempfile::tempdir().unwrap();
                let path = dir.path().join("a");
                replace(&path, b"old").unwrap();
                let guard = arm(n, Outcome::Fail(errno));
                let error = replace(&path, b"new").unwrap_err();
                drop(guard);
                let DurableError::Io { source, .. } = &error else { panic!("{error:?}") };
                assert_eq!(source.raw_os_error(), Some(errno));
                assert_eq!(error.exit(), Exit::Failed);
                // Only the last call comes after the rename.
                let expected: &[u8] = if n == 4 { b"new" } else { b"old" };
                assert_eq!(fs::read(&path).unwrap(), expected, "call {n}");
                assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "call {n}");
            }
        }
    }

    #[test]
    fn folders_are_created_with_what_is_above_them() {
        let dir = tempfile::tempdir().unwrap();
        let deep = dir.path().join("a/b/c");
        create_dir(&deep).unwrap();
        create_dir(&deep).unwrap();
        assert!(deep.is_dir());
        replace(&dir.path().join("file"), b"").unwrap();
        let error = create_dir(&dir.path().join("file/below")).unwrap_err();
        assert!(error.to_string().contains("file"), "{error}");
    }

    #[test]
    fn sweeping_removes_only_interrupted_replacements() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(format!(".rows.jsonl.7-0{TEMPORARY}")), "x").unwrap();
        fs::write(dir.path().join("rows.jsonl"), "x").unwrap();
        sweep(dir.path()).unwrap();
        let left: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(left, ["rows.jsonl"]);
    }
}
