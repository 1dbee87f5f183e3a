//! Files that are opened to be changed in place: never through a link, and never anything but a plain file.
//!
//! Whoever can put a link into a folder could otherwise have this program truncate or append to a file
//! elsewhere: `.lock -> ../thesis.tex`. What has a second name (a hard link) is refused for the same reason,
//! and a named pipe, device or socket because opening or writing it does something else than intended.

use super::{DurableError, at};
use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

/// What stands at `path`, in words, where it is no plain file; none where it is one, or nothing is there.
/// A link counts as itself, wherever it leads.
pub(super) fn obstacle(path: &Path) -> io::Result<Option<&'static str>> {
    match fs::symlink_metadata(path) {
        Ok(found) => Ok(unusual(&found)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn unusual(found: &Metadata) -> Option<&'static str> {
    let kind = found.file_type();
    match () {
        () if kind.is_file() => None,
        () if kind.is_symlink() => Some("a symbolic link"),
        () if kind.is_dir() => Some("a folder"),
        () if kind.is_fifo() => Some("a named pipe"),
        () if kind.is_socket() => Some("a socket"),
        () if kind.is_block_device() || kind.is_char_device() => Some("a device"),
        () => Some("no regular file"),
    }
}

/// Refuses what stands at `path` and is no plain file.
pub(super) fn check(path: &Path) -> Result<(), DurableError> {
    match obstacle(path).map_err(at(path, "look at"))? {
        None => Ok(()),
        Some(found) => Err(DurableError::NotPlain { path: path.to_path_buf(), found }),
    }
}

/// Opens a file for reading and writing in place; with `create`, makes it where there is none.
pub(super) fn in_place(path: &Path, create: bool, doing: &'static str) -> Result<File, DurableError> {
    check(path)?;
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(create)
        .truncate(false)
        // Also where another process has put a link or a pipe there since the check.
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
        .open(path)
        .map_err(at(path, doing))?;
    let found = file.metadata().map_err(at(path, "look at"))?;
    let refused = unusual(&found).or_else(|| (found.nlink() > 1).then_some("a file with a second name"));
    match refused {
        None => Ok(file),
        Some(found) => Err(DurableError::NotPlain { path: path.to_path_buf(), found }),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Lock, Log, replace};
    use super::*;
    use std::os::unix::fs::symlink;

    /// A named pipe at `path`.
    fn pipe(path: &Path) {
        let status = std::process::Command::new("mkfifo").arg(path).status().unwrap();
        assert!(status.success());
    }

    /// Fault case 67: `.lock -> ../victim` once emptied the victim; so did a hard link.
    #[test]
    fn a_lock_that_is_no_plain_file_is_refused_and_its_target_kept() {
        let dir = tempfile::tempdir().unwrap();
        let (folder, victim) = (dir.path().join("run"), dir.path().join("victim"));
        fs::create_dir(&folder).unwrap();
        fs::write(&victim, "precious").unwrap();
        let lock = folder.join(".lock");
        let refused = |expected: &str| {
            let error = Lock::take(&folder).unwrap_err();
            assert!(matches!(&error, DurableError::NotPlain { found, .. } if *found == expected), "{error}");
            assert_eq!(crate::error::Fault::exit(&error), crate::error::Exit::BadInput);
            assert_eq!(fs::read(&victim).unwrap(), b"precious");
            fs::remove_file(&lock).or_else(|_| fs::remove_dir(&lock)).unwrap();
        };
        symlink("../victim", &lock).unwrap();
        refused("a symbolic link");
        symlink("../nowhere", &lock).unwrap();
        refused("a symbolic link");
        assert!(!dir.path().join("nowhere").exists());
        fs::hard_link(&victim, &lock).unwrap();
        refused("a file with a second name");
        pipe(&lock);
        refused("a named pipe");
        fs::create_dir(&lock).unwrap();
        refused("a folder");
        let _held = Lock::take(&folder).unwrap();
    }

    /// Fault case 67.
    #[test]
    fn nothing_is_appended_to_through_links_or_to_pipes() {
        let dir = tempfile::tempdir().unwrap();
        let (log, victim) = (dir.path().join("log"), dir.path().join("victim"));
        fs::write(&victim, "precious").unwrap();
        for link in [symlink::<&Path, &Path>, fs::hard_link, |_, to| {
            pipe(to);
            Ok(())
        }] {
            link(&victim, &log).unwrap();
            assert!(matches!(Log::open(&log, 0), Err(DurableError::NotPlain { .. })));
            assert_eq!(fs::read(&victim).unwrap(), b"precious");
            fs::remove_file(&log).unwrap();
        }
    }

    /// Fault case 65: a replaced `/dev/null` is a file from then on.
    #[test]
    fn only_plain_files_are_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out");
        symlink("victim", &path).unwrap();
        assert!(matches!(replace(&path, b"x"), Err(DurableError::NotPlain { .. })));
        fs::remove_file(&path).unwrap();
        pipe(&path);
        assert!(matches!(replace(&path, b"x"), Err(DurableError::NotPlain { .. })));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left beside it");
        let error = replace(Path::new("/dev/null"), b"x").unwrap_err();
        assert!(error.to_string().ends_with("is a device, expected a regular file"), "{error}");
    }
}
