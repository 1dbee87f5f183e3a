//! One process per folder.

use super::{DurableError, at, open};
use std::fs::{File, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;

/// The name of the lock file; it stays behind, empty of meaning once the lock is given back.
pub const NAME: &str = ".lock";
/// More than any process id takes.
const MAX_PID_BYTES: u64 = 32;

/// Whether what stands at `path` is a lock of this program: nothing in it, or a process id.
pub fn is_lock(path: &Path) -> bool {
    let plain = matches!(open::obstacle(path), Ok(None));
    let text = || {
        let mut text = String::new();
        File::open(path)?.take(MAX_PID_BYTES).read_to_string(&mut text)?;
        Ok::<_, std::io::Error>(text)
    };
    plain && text().is_ok_and(|text| text.trim_end().bytes().all(|byte| byte.is_ascii_digit()))
}

/// A folder held by this process.
#[derive(Debug)]
#[must_use]
pub struct Lock {
    // The lock lives as long as the open file.
    _file: File,
}

impl Lock {
    pub(super) fn take(folder: &Path) -> Result<Self, DurableError> {
        let path = folder.join(NAME);
        // Not truncated on opening: the file may hold the id of the process that has the lock.
        let mut file = open::in_place(&path, true, "open")?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                let read = file.take(MAX_PID_BYTES).read_to_string(&mut text);
                let pid = match (read, text.trim()) {
                    (Ok(_), pid) if !pid.is_empty() => pid.to_string(),
                    _ => "(unknown)".to_string(),
                };
                return Err(DurableError::Locked { path: folder.to_path_buf(), pid });
            }
            Err(TryLockError::Error(source)) => return Err(at(&path, "lock")(source)),
        }
        // For the message of a process that comes later; losing it loses nothing else.
        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "{}", std::process::id()))
            .map_err(at(&path, "write"))?;
        Ok(Self { _file: file })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fault case 51: the second taker is refused by name; a stale file is no obstacle.
    #[test]
    fn the_second_taker_learns_who_holds_it() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(NAME), "999999\n").unwrap();
        let first = Lock::take(dir.path()).unwrap();
        match Lock::take(dir.path()) {
            Err(DurableError::Locked { pid, .. }) => assert_eq!(pid, std::process::id().to_string()),
            other => panic!("{other:?}"),
        }
        drop(first);
        let _again = Lock::take(dir.path()).unwrap();
    }
}
