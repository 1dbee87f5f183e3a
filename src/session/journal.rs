//! The journal of a session: what was asked, told, released and found, in the checksummed lines of every journal.
//!
//! An event is on the disk before the call that makes it returns, so that an acknowledged answer survives the end of the
//! process at any moment; a torn tail is cut off by the next process that appends.

use super::answer::Verdict;
use super::error::SessionError;
use crate::arch::Point;
use crate::durable::{self, Log, input};
use crate::error::Result;
use crate::run::RunError;
use crate::run::lines::{self, Format, Lines};
use serde::{Deserialize, Serialize};
use std::path::Path;

pub(super) const JOURNAL: &str = "journal";
/// The longest journal that is read.
const MAX_BYTES: u64 = 1 << 30;
const FORMAT: Format =
    Format { magic: "querist-session", version: 1, name: "journal of a session", line: "record" };

/// Something that happened. `at` counts seconds since 1970.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Event {
    /// Rows were handed to an annotator, until the lease ends.
    Asked {
        at: u64,
        annotator: String,
        until: Option<u64>,
        by: String,
        note: Option<String>,
        picks: Vec<Pick>,
    },
    /// Answers were taken.
    Told { at: u64, answers: Vec<Given> },
    /// Rows were taken back.
    Released { at: u64, rows: Vec<u32> },
    /// A network was searched for on so many labels, which with their inputs have this digest; `point` is what was found, if
    /// anything.
    Searched { at: u64, labels: usize, digest: String, point: Option<Point> },
}

/// A row that was asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Pick {
    pub row: u32,
    /// Why, in words.
    pub reason: String,
    /// What is predicted, where anything is that can be written, and of a class its probability.
    pub predicted: Option<(String, Option<f32>)>,
}

/// An answer that was taken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Given {
    pub row: u32,
    pub annotator: String,
    pub verdict: Verdict,
}

/// What a journal holds.
pub(super) struct Content {
    pub events: Vec<Event>,
    /// Bytes up to the end of the last record.
    pub keep: u64,
}

/// A journal of the session with this name that holds `first`, if anything.
pub(super) fn create(path: &Path, session: &str, first: Option<&Event>) -> Result<()> {
    let text = FORMAT.header(session) + &first.map_or(String::new(), |event| line(0, event));
    Ok(durable::replace(path, text.as_bytes())?)
}

fn line(seq: u64, event: &Event) -> String {
    lines::encode(seq, &serde_json::to_string(event).expect("an event serialises"))
}

/// Reads the journal of the session with this name.
///
/// # Errors
/// [`SessionError::Content`], [`SessionError::Newer`], [`SessionError::OtherJournal`]; a file that cannot be opened.
pub(super) fn read(path: &Path, session: &str) -> Result<Content> {
    decode(path, session).map_err(|error| match error {
        RunError::Damaged { path, offset, reason } => {
            SessionError::Content { path, problem: format!("damaged at byte {offset}: {reason}") }.into()
        }
        RunError::Newer { path, found, known } => SessionError::Newer { path, found, known }.into(),
        RunError::Foreign { path, stored, found } => {
            SessionError::OtherJournal { path, stored, found }.into()
        }
        other => other.into(),
    })
}

fn decode(path: &Path, session: &str) -> Result<Content, RunError> {
    let bytes = input::read(path, MAX_BYTES)?;
    let Lines { run, lines, keep } = FORMAT.decode(&bytes, path)?;
    if run != session {
        let (path, found) = (path.to_path_buf(), session.to_string());
        return Err(RunError::Foreign { path, stored: run, found });
    }
    let event = |line: lines::Line<'_>| {
        serde_json::from_str(line.text)
            .map_err(|_| lines::damaged(path, line.offset, "the record's content is not known".into()))
    };
    Ok(Content { events: lines.into_iter().map(event).collect::<Result<_, RunError>>()?, keep })
}

/// Appends an event behind `keep` bytes and `count` records; gives the bytes that are there then.
pub(super) fn append(path: &Path, keep: u64, count: usize, event: &Event) -> Result<u64> {
    let line = line(count as u64, event);
    Log::open(path, keep)?.append(line.as_bytes())?;
    Ok(keep + line.len() as u64)
}
