//! Files that say which run they belong to: checkpoints, and the list of a run's artefacts.
//!
//! ```text
//! querist-sealed 1 <run> <sha256>\n      <run> is the manifest's digest, <sha256> that of the body
//! <body>
//! ```
//!
//! A checkpoint decides what training goes on from, so one of another run must never be believed, however
//! well-formed it is.

use super::digest;
use super::error::RunError;
use std::path::Path;

const MAGIC: &str = "querist-sealed";
/// The format's version.
const VERSION: u64 = 1;
/// More than the first line takes.
pub const MAX_HEADER_BYTES: u64 = 256;

/// `body` as a file of the run with this digest.
pub fn seal(run: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes = format!("{MAGIC} {VERSION} {run} {}\n", digest::of(body)).into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

/// The body of a file of the run with this digest; `path` is for the messages.
///
/// # Errors
/// [`RunError::Foreign`] with both digests for a file of another run; [`RunError::Damaged`] for one that is
/// not what was sealed; [`RunError::Newer`].
pub fn open<'a>(bytes: &'a [u8], run: &str, path: &Path) -> Result<&'a [u8], RunError> {
    match open_any(bytes, path)? {
        (stored, body) if stored == run => Ok(body),
        (stored, _) => {
            let (stored, found) = (stored.to_string(), run.to_string());
            Err(RunError::Foreign { path: path.to_path_buf(), stored, found })
        }
    }
}

/// The digest of the run that a file is of, and its body; `path` is for the messages.
///
/// # Errors
/// [`RunError::Damaged`] for what is not what was sealed; [`RunError::Newer`].
pub fn open_any<'a>(bytes: &'a [u8], path: &Path) -> Result<(&'a str, &'a [u8]), RunError> {
    let damaged = |reason: String| RunError::Damaged { path: path.to_path_buf(), offset: 0, reason };
    let first = &bytes[..bytes.len().min(MAX_HEADER_BYTES as usize)];
    let end = first.iter().position(|&b| b == b'\n').ok_or_else(|| damaged("no header line".into()))?;
    let header = std::str::from_utf8(&bytes[..end]).map_err(|_| damaged("the header is not UTF-8".into()))?;
    let [magic, version, stored, sealed] = header.split(' ').collect::<Vec<_>>()[..] else {
        return Err(damaged("not a sealed file of a run".into()));
    };
    if magic != MAGIC {
        return Err(damaged("not a sealed file of a run".into()));
    }
    match version.parse() {
        Ok(VERSION) => {}
        Ok(found) => return Err(RunError::Newer { path: path.to_path_buf(), found, known: VERSION }),
        Err(_) => return Err(damaged("no format version".into())),
    }
    let body = &bytes[end + 1..];
    let found = digest::of(body);
    match found == sealed {
        true => Ok((stored, body)),
        false => Err(damaged(format!("sha256 is {found}, expected {sealed}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_is_opened_by_its_run_alone() {
        let (run, path) = (digest::of(b"run"), Path::new("c"));
        let bytes = seal(&run, b"body\n");
        assert_eq!(open(&bytes, &run, path).unwrap(), b"body\n");
        let error = open(&bytes, &digest::of(b"other"), path).unwrap_err();
        assert!(matches!(error, RunError::Foreign { .. }), "{error}");
        let text = error.to_string();
        assert!(text.contains(&run) && text.contains(&digest::of(b"other")), "{text}");
    }

    /// Fault case 48.
    #[test]
    fn every_flipped_bit_and_every_truncation_is_refused() {
        let (run, path) = (digest::of(b"run"), Path::new("c"));
        let bytes = seal(&run, b"body");
        for at in 0..bytes.len() {
            assert!(open(&bytes[..at], &run, path).is_err(), "{at} bytes");
            for bit in 0..8 {
                let mut flipped = bytes.clone();
                flipped[at] ^= 1 << bit;
                assert!(open(&flipped, &run, path).is_err(), "byte {at}, bit {bit}");
            }
        }
    }
}
