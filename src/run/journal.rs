//! The journal: an append-only file of checksummed records, one line each.
//!
//! ```text
//! querist-journal 1 <run> <crc>\n           the header; <run> is the manifest's digest
//! <crc> <seq> <len> <json>\n                a record
//! ```
//!
//! Its lines are those of `lines`, which says how strictly they are read and what of a torn tail is cut
//! off. JSON text holds no raw newline, so a record is a line and the file can be read with `less` and
//! `cut -d' ' -f4-`. Cells whose records a file that was cut off exactly between two records has lost are
//! computed again.

use super::error::RunError;
use super::lines::{self, Format, Tail};
use crate::durable::{self, Log, input};
use crate::error::Result;
use serde::{Deserialize, Serialize};
use std::io::BufRead;
use std::path::Path;

/// The format's version.
pub const VERSION: u64 = 1;
/// The longest journal that is read.
pub const MAX_BYTES: u64 = 4 << 30;
const FORMAT: Format = Format { magic: "querist-journal", version: VERSION, name: "journal", line: "record" };

/// What became of one cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Record {
    /// It was computed.
    Done { key: String, seconds: f64, output: serde_json::Value },
    /// It erred or panicked. The same command again tries it anew.
    Failed { key: String, seconds: f64, reason: String },
}

impl Record {
    /// The cell's key.
    pub fn key(&self) -> &str {
        match self {
            Record::Done { key, .. } | Record::Failed { key, .. } => key,
        }
    }
}

/// What a journal holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Content {
    /// The digest of the manifest it belongs to.
    pub run: String,
    /// All records, oldest first.
    pub records: Vec<Record>,
    /// Bytes up to the end of the last record; what follows is a torn tail.
    pub keep: u64,
}

/// A journal that can be appended to.
#[derive(Debug)]
pub struct Journal {
    log: Log,
    next: u64,
}

impl Journal {
    /// Starts an empty journal of the run with this digest; what was at `path` is replaced.
    pub fn create(path: &Path, run: &str) -> Result<Self> {
        let header = FORMAT.header(run);
        durable::replace(path, header.as_bytes())?;
        Ok(Self { log: Log::open(path, header.len() as u64)?, next: 0 })
    }

    /// Reads the journal at `path` and opens it behind its last whole record.
    pub fn open(path: &Path) -> Result<(Self, Content)> {
        let content = read(path)?;
        let log = Log::open(path, content.keep)?;
        Ok((Self { log, next: content.records.len() as u64 }, content))
    }

    /// The same, handing the records on one by one, oldest first: no more than one is held.
    ///
    /// # Errors
    /// As [`open`](Self::open), and those of `each`; the journal is as it was then.
    pub fn open_each(path: &Path, each: impl FnMut(Record) -> Result<()>) -> Result<Self> {
        let tail = visit(path, each)?;
        Ok(Self { log: Log::open(path, tail.keep)?, next: tail.lines })
    }

    /// Appends `records`; they are on the disk when this returns.
    pub fn append(&mut self, records: &[Record]) -> Result<()> {
        let mut lines = String::new();
        for record in records {
            lines.push_str(&encode(self.next, record));
            self.next += 1;
        }
        Ok(self.log.append(lines.as_bytes())?)
    }
}

/// Reads the journal at `path`.
pub fn read(path: &Path) -> Result<Content> {
    collect(input::reader(path, MAX_BYTES).map_err(RunError::from)?, path)
}

/// The run of the journal at `path`, and the number of its records, all of which are checked.
pub fn scan(path: &Path) -> Result<(String, u64)> {
    let tail = visit(path, |_| Ok(()))?;
    Ok((tail.run, tail.lines))
}

fn visit(path: &Path, each: impl FnMut(Record) -> Result<()>) -> Result<Tail> {
    visit_in(input::reader(path, MAX_BYTES).map_err(RunError::from)?, path, each)
}

fn encode(seq: u64, record: &Record) -> String {
    lines::encode(
        seq,
        &serde_json::to_string(record).expect("a record of strings and JSON values serialises"),
    )
}

/// Reads a journal's bytes; `path` is for the messages.
pub fn decode(bytes: &[u8], path: &Path) -> Result<Content> {
    collect(bytes, path)
}

fn collect(source: impl BufRead, path: &Path) -> Result<Content> {
    let mut records = Vec::new();
    let Tail { run, keep, .. } = visit_in(source, path, |record| {
        records.push(record);
        Ok(())
    })?;
    Ok(Content { run, records, keep })
}

fn visit_in(source: impl BufRead, path: &Path, mut each: impl FnMut(Record) -> Result<()>) -> Result<Tail> {
    FORMAT.visit(source, path, |line| {
        let unknown = |_| lines::damaged(path, line.offset, "the record's content is not known".into());
        each(serde_json::from_str(line.text).map_err(unknown)?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn is_damaged(result: Result<Content>) -> bool {
        let error = result.err();
        matches!(error.as_ref().and_then(|error| error.downcast_ref()), Some(RunError::Damaged { .. }))
    }

    fn done(i: usize) -> Record {
        let output = serde_json::json!({"rows": [i, 0.1, "π \n"], "i": i});
        Record::Done { key: format!("cell/{i}"), seconds: 0.25, output }
    }

    fn sample(dir: &Path) -> (std::path::PathBuf, Vec<u8>) {
        let path = dir.join("journal");
        let mut journal = Journal::create(&path, "abc123").unwrap();
        journal.append(&[done(0)]).unwrap();
        let failed = Record::Failed { key: "cell/1".into(), seconds: 1.5, reason: "it broke".into() };
        journal.append(&[failed, done(2)]).unwrap();
        let bytes = fs::read(&path).unwrap();
        (path, bytes)
    }

    #[test]
    fn reads_back_what_was_appended() {
        let dir = tempfile::tempdir().unwrap();
        let (path, bytes) = sample(dir.path());
        let content = read(&path).unwrap();
        assert_eq!(content.run, "abc123");
        assert_eq!(content.keep, bytes.len() as u64);
        let keys: Vec<_> = content.records.iter().map(Record::key).collect();
        assert_eq!(keys, ["cell/0", "cell/1", "cell/2"]);
        assert_eq!(content.records[0], done(0));
    }

    /// One by one, the same records come in the same order; a fault of who takes them leaves the journal as it is.
    #[test]
    fn records_are_handed_on_one_by_one() {
        let dir = tempfile::tempdir().unwrap();
        let (path, mut bytes) = sample(dir.path());
        bytes.extend(b"0123");
        fs::write(&path, &bytes).unwrap();
        assert_eq!(scan(&path).unwrap(), ("abc123".to_string(), 3));
        let refuse = Journal::open_each(&path, |_| Err(lines::damaged(&path, 7, "no".into()).into()));
        assert!(refuse.is_err() && fs::read(&path).unwrap() == bytes);
        let mut keys = Vec::new();
        let mut journal = Journal::open_each(&path, |record| {
            keys.push(record.key().to_string());
            Ok(())
        })
        .unwrap();
        assert_eq!(keys, ["cell/0", "cell/1", "cell/2"]);
        journal.append(&[done(3)]).unwrap();
        assert_eq!(read(&path).unwrap().records.len(), 4);
    }

    /// Worked example: the checksum of `0 <len> <json>` stands before it.
    #[test]
    fn a_record_is_one_readable_line() {
        let record = Record::Failed { key: "a".into(), seconds: 0.0, reason: "b".into() };
        let json = r#"{"failed":{"key":"a","seconds":0.0,"reason":"b"}}"#;
        let text = format!("7 {} {json}", json.len());
        assert_eq!(encode(7, &record), format!("{:08x} {text}\n", crc32fast::hash(text.as_bytes())));
    }

    /// Fault case 46: every torn tail is cut off, and what is appended then can be read for ever.
    #[test]
    fn every_truncation_is_noticed_and_can_be_appended_to() {
        let dir = tempfile::tempdir().unwrap();
        let (path, bytes) = sample(dir.path());
        let all = read(&path).unwrap().records;
        let header = bytes.iter().position(|&b| b == b'\n').unwrap() + 1;
        for length in 0..bytes.len() {
            fs::write(&path, &bytes[..length]).unwrap();
            if length < header {
                assert!(is_damaged(read(&path)), "length {length}");
                continue;
            }
            let (mut journal, content) = Journal::open(&path).unwrap();
            let whole = bytes[header..length].iter().filter(|&&b| b == b'\n').count();
            assert_eq!(content.records, all[..whole], "length {length}");
            journal.append(&[done(9)]).unwrap();
            drop(journal);
            let again = read(&path).unwrap();
            assert_eq!(again.records.len(), whole + 1, "length {length}");
            assert_eq!(again.records[whole], done(9));
            assert_eq!(again.keep, fs::metadata(&path).unwrap().len());
        }
    }

    /// Fault cases 47 and 48: no flipped bit, wherever it is, is read as something else.
    #[test]
    fn every_flipped_bit_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let (path, bytes) = sample(dir.path());
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut flipped = bytes.clone();
                flipped[at] ^= 1 << bit;
                let result = decode(&flipped, &path);
                assert!(is_damaged(result), "byte {at}, bit {bit}");
            }
        }
    }

    /// Fault case 48 on a sample of 64 KiB: one random bit of every byte.
    #[test]
    fn a_flipped_bit_in_every_byte_of_a_long_journal_is_refused() {
        use rand::RngExt;
        let mut bytes = FORMAT.header("abc").into_bytes();
        for seq in 0.. {
            if bytes.len() >= 64 << 10 {
                break;
            }
            let output = "x".repeat(2000 + seq as usize).into();
            let record = Record::Done { key: format!("cell/{seq}"), seconds: 0.5, output };
            bytes.extend(encode(seq, &record).into_bytes());
        }
        let mut rng = crate::Key::root(48).rng();
        for at in 0..bytes.len() {
            let bit = 1 << rng.random_range(0..8);
            bytes[at] ^= bit;
            let result = decode(&bytes, Path::new("j"));
            assert!(is_damaged(result), "byte {at}");
            bytes[at] ^= bit;
        }
        assert!(decode(&bytes, Path::new("j")).is_ok());
    }

    #[test]
    fn missing_repeated_and_swapped_records_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let (path, bytes) = sample(dir.path());
        let lines: Vec<&[u8]> = bytes.split_inclusive(|&b| b == b'\n').collect();
        for order in [&[0, 2, 3][..], &[0, 1, 1, 2], &[0, 2, 1, 3], &[0, 1, 3], &[1, 2, 3]] {
            let mixed: Vec<u8> = order.iter().flat_map(|&i| lines[i]).copied().collect();
            assert!(is_damaged(decode(&mixed, &path)), "{order:?}");
        }
    }

    /// Fault case 55: a later version is named, not called damage.
    #[test]
    fn a_newer_version_is_refused_by_number() {
        let text = format!("{} 2 abc", FORMAT.magic);
        let line = format!("{text} {:08x}\n", crc32fast::hash(text.as_bytes()));
        let error = decode(line.as_bytes(), Path::new("j")).unwrap_err();
        assert!(matches!(error.downcast_ref(), Some(RunError::Newer { found: 2, known: 1, .. })), "{error}");
    }

    #[test]
    fn a_tail_of_zeros_is_torn() {
        let dir = tempfile::tempdir().unwrap();
        let (path, mut bytes) = sample(dir.path());
        let keep = bytes.len() as u64;
        bytes.extend([0; 512]);
        let content = decode(&bytes, &path).unwrap();
        assert_eq!((content.keep, content.records.len()), (keep, 3));
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(tail in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            let mut bytes = FORMAT.header("abc").into_bytes();
            bytes.extend(&tail);
            let _ = decode(&bytes, Path::new("j"));
            let _ = decode(&tail, Path::new("j"));
        }
    }
}
