//! An append-only file.

use super::faults::{Op, boundary};
use super::{DurableError, at, open};
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// A file that only grows. [`append`](Self::append) returns once its bytes are on the disk.
///
/// After a failed write or `fsync` nothing is known about the file's end, so the handle refuses all
/// further appends; opening it anew finds the last good length.
#[derive(Debug)]
pub struct Log {
    file: File,
    path: PathBuf,
    poisoned: bool,
}

impl Log {
    /// Opens an existing file to append behind its first `keep` bytes; the rest, a torn tail, is cut
    /// off first.
    pub fn open(path: &Path, keep: u64) -> Result<Self, DurableError> {
        let mut file = open::in_place(path, false, "open to append")?;
        let length = file.metadata().map_err(at(path, "measure"))?.len();
        if length > keep {
            boundary(Op::Truncate, path).and_then(|()| file.set_len(keep)).map_err(at(path, "truncate"))?;
            boundary(Op::Sync, path).and_then(|()| file.sync_all()).map_err(at(path, "flush to disk"))?;
        }
        file.seek(SeekFrom::End(0)).map_err(at(path, "seek in"))?;
        Ok(Self { file, path: path.to_path_buf(), poisoned: false })
    }

    /// Appends `bytes` and waits until they are on the disk.
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), DurableError> {
        if self.poisoned {
            return Err(DurableError::Poisoned { path: self.path.clone() });
        }
        // Until it is known to have worked.
        self.poisoned = true;
        boundary(Op::Write, &self.path)
            .and_then(|()| self.write(bytes))
            .map_err(at(&self.path, "append to"))?;
        boundary(Op::Sync, &self.path)
            .and_then(|()| self.file.sync_data())
            .map_err(at(&self.path, "flush to disk"))?;
        self.poisoned = false;
        Ok(())
    }

    /// In two halves with a boundary between them, so that tests can tear a record.
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        let (first, second) = bytes.split_at(bytes.len() / 2);
        self.file.write_all(first)?;
        boundary(Op::Write, &self.path)?;
        self.file.write_all(second)
    }
}

#[cfg(test)]
mod tests {
    use super::super::faults::{Outcome, arm};
    use super::*;

    #[test]
    fn appends_behind_what_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        std::fs::write(&path, "good torn").unwrap();
        let mut log = Log::open(&path, 5).unwrap();
        log.append(b"new").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "good new");
    }

    /// Fault cases 49 and 50: after a failed write or fsync the handle writes no more.
    #[test]
    fn a_failed_append_poisons_the_handle() {
        for n in 0..3 {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("log");
            std::fs::write(&path, "").unwrap();
            let mut log = Log::open(&path, 0).unwrap();
            log.append(b"first\n").unwrap();
            let guard = arm(n, Outcome::Fail(libc::EIO));
            assert!(matches!(log.append(b"second\n"), Err(DurableError::Io { .. })));
            drop(guard);
            assert!(matches!(log.append(b"third\n"), Err(DurableError::Poisoned { .. })));
            assert!(std::fs::read(&path).unwrap().starts_with(b"first\n"));
        }
    }
}
