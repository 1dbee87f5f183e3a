//! Checksummed, numbered lines: what an append-only file of a run is made of.
//!
//! ```text
//! <magic> <version> <run> <crc>\n    the header; <run> is the manifest's digest
//! <crc> <seq> <len> <text>\n         a line
//! ```
//!
//! `<crc>` is the CRC-32 (IEEE) of the rest of the line without its newline, in eight hexadecimal
//! digits: of `<magic> <version> <run>` in the header, of `<seq> <len> <text>` in a line. `<seq>` counts
//! lines from zero and `<len>` is the length of `<text>` in bytes, which holds no raw newline.
//!
//! Reading is strict. A process that dies while it appends leaves a *torn tail*: a strict prefix of a
//! line, without a newline, at the very end. That, and a tail of zero bytes (what some file systems
//! leave after a power failure), is cut off before anything is appended. Everything else that is not
//! a line is damage, wherever it is, and is refused: a damaged line is never skipped. What this
//! cannot see is a file cut off exactly between two lines.

use super::error::RunError;
use crate::error::Result;
use std::io::BufRead;
use std::path::Path;

/// One kind of such files.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Format {
    /// The first word of the header.
    pub(crate) magic: &'static str,
    /// The version that is written, and the only one that is read.
    pub(crate) version: u64,
    /// What messages call the file.
    pub(crate) name: &'static str,
    /// What messages call a line.
    pub(crate) line: &'static str,
}

/// One line of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Line<'a> {
    /// Where it begins.
    pub(crate) offset: usize,
    /// Where its text begins.
    pub(crate) start: usize,
    pub(crate) text: &'a str,
}

/// What a file holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lines<'a> {
    /// The digest of the manifest it belongs to.
    pub(crate) run: String,
    /// All lines, oldest first.
    pub(crate) lines: Vec<Line<'a>>,
    /// Bytes up to the end of the last line; what follows is a torn tail.
    pub(crate) keep: u64,
}

/// What a file held that was read line by line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tail {
    /// The digest of the manifest it belongs to.
    pub(crate) run: String,
    /// The number of lines.
    pub(crate) lines: u64,
    /// Bytes up to the end of the last line; what follows is a torn tail.
    pub(crate) keep: u64,
}

/// Damage at a place of a file.
pub(crate) fn damaged(path: &Path, offset: usize, reason: String) -> RunError {
    RunError::Damaged { path: path.to_path_buf(), offset: offset as u64, reason }
}

impl Format {
    /// The first line of a file of the run with this digest.
    pub(crate) fn header(&self, run: &str) -> String {
        let text = format!("{} {} {run}", self.magic, self.version);
        format!("{text} {:08x}\n", crc32fast::hash(text.as_bytes()))
    }

    /// Reads a file's bytes; `path` is for the messages.
    ///
    /// # Errors
    /// [`RunError::Damaged`] and [`RunError::Newer`].
    pub(crate) fn decode<'a>(&self, bytes: &'a [u8], path: &Path) -> Result<Lines<'a>, RunError> {
        let mut pieces = bytes.split_inclusive(|&b| b == b'\n');
        let header = pieces.next().unwrap_or_default();
        let run = self.run(header, path)?;
        let mut found = Lines { run, lines: Vec::new(), keep: header.len() as u64 };
        for piece in pieces {
            let Some(line) = self.line(piece, found.lines.len() as u64, found.keep, path)? else { break };
            found.lines.push(line);
            found.keep += piece.len() as u64;
        }
        Ok(found)
    }

    /// Reads a file line by line, of which one is held at a time; `path` is for the messages.
    ///
    /// # Errors
    /// As [`decode`](Self::decode), [`RunError::Read`], and those of `each`.
    pub(crate) fn visit(
        &self,
        mut source: impl BufRead,
        path: &Path,
        mut each: impl FnMut(Line<'_>) -> Result<()>,
    ) -> Result<Tail> {
        let mut piece = Vec::new();
        let mut next = |piece: &mut Vec<u8>| {
            piece.clear();
            let unreadable = |source| RunError::Read { path: path.to_path_buf(), source };
            source.read_until(b'\n', piece).map_err(unreadable)
        };
        next(&mut piece)?;
        let mut tail = Tail { run: self.run(&piece, path)?, lines: 0, keep: piece.len() as u64 };
        while next(&mut piece)? > 0 {
            let Some(line) = self.line(&piece, tail.lines, tail.keep, path)? else { break };
            each(line)?;
            tail.lines += 1;
            tail.keep += piece.len() as u64;
        }
        Ok(tail)
    }

    /// The run that the header, a line with its end, names.
    fn run(&self, header: &[u8], path: &Path) -> Result<String, RunError> {
        let header = header.strip_suffix(b"\n").ok_or_else(|| damaged(path, 0, "no header line".into()))?;
        let (version, run) = self.decode_header(header).map_err(|reason| damaged(path, 0, reason))?;
        if version != self.version {
            let (path, known) = (path.to_path_buf(), self.version);
            return Err(RunError::Newer { path, found: version, known });
        }
        Ok(run)
    }

    /// Line `seq`, which begins at byte `at`, with its end; none for a torn tail.
    fn line<'a>(
        &self,
        piece: &'a [u8],
        seq: u64,
        at: u64,
        path: &Path,
    ) -> Result<Option<Line<'a>>, RunError> {
        let offset = at as usize;
        match piece.strip_suffix(b"\n") {
            Some(line) => {
                let text = self.decode_line(line, seq).map_err(|reason| damaged(path, offset, reason))?;
                Ok(Some(Line { offset, start: offset + line.len() - text.len(), text }))
            }
            None if self.is_torn(piece, seq) => Ok(None),
            None => {
                let reason = format!("the last line is neither a {} nor the beginning of one", self.line);
                Err(damaged(path, offset, reason))
            }
        }
    }

    fn decode_header(&self, line: &[u8]) -> Result<(u64, String), String> {
        let line = std::str::from_utf8(line).map_err(|_| "the header is not UTF-8")?;
        let foreign = || format!("not a {}", self.name);
        let (text, crc) = line.rsplit_once(' ').ok_or_else(foreign)?;
        let mut words = text.split(' ');
        if words.next() != Some(self.magic) {
            return Err(foreign());
        }
        if parse_crc(crc) != Some(crc32fast::hash(text.as_bytes())) {
            return Err("the header's checksum does not match".into());
        }
        let version = words.next().and_then(|word| word.parse().ok()).ok_or("the header has no version")?;
        Ok((version, words.next().unwrap_or_default().to_string()))
    }

    fn decode_line<'a>(&self, line: &'a [u8], seq: u64) -> Result<&'a str, String> {
        let kind = self.line;
        let line = std::str::from_utf8(line).map_err(|_| format!("the {kind} is not UTF-8"))?;
        let foreign = || format!("not a {kind}");
        let (crc, text) = line.split_once(' ').ok_or_else(foreign)?;
        if parse_crc(crc) != Some(crc32fast::hash(text.as_bytes())) {
            return Err(format!("the {kind}'s checksum does not match"));
        }
        let mut words = text.splitn(3, ' ');
        if words.next() != Some(seq.to_string().as_str()) {
            return Err(format!("a {kind} is missing before this one, or stands twice"));
        }
        let length = words.next().ok_or_else(foreign)?;
        let text = words.next().ok_or_else(foreign)?;
        if length != text.len().to_string() {
            return Err(format!("the {kind}'s length does not match"));
        }
        Ok(text)
    }

    /// Whether `tail`, which has no newline, is what an interrupted append of line `seq` leaves.
    fn is_torn(&self, tail: &[u8], seq: u64) -> bool {
        if tail.iter().all(|&b| b == 0) {
            return true;
        }
        let is_hex = |b: &u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
        let (crc, rest) = tail.split_at(tail.len().min(8));
        if !crc.iter().all(is_hex) {
            return false;
        }
        let Some((b' ', rest)) = rest.split_first() else { return rest.is_empty() };
        let expected = format!("{seq} ");
        if rest.len() < expected.len() {
            return expected.as_bytes().starts_with(rest);
        }
        let Some(rest) = rest.strip_prefix(expected.as_bytes()) else { return false };
        let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
        let (length, rest) = rest.split_at(digits);
        let Some((b' ', text)) = rest.split_first() else { return rest.is_empty() };
        let length = std::str::from_utf8(length).ok().and_then(|text| text.parse::<usize>().ok());
        let Some(length) = length else { return false };
        // The whole line without its newline is torn only if it is the line.
        text.len() < length || (text.len() == length && self.decode_line(tail, seq).is_ok())
    }
}

/// `text` as line number `seq`.
pub(crate) fn encode(seq: u64, text: &str) -> String {
    let text = format!("{seq} {} {text}", text.len());
    format!("{:08x} {text}\n", crc32fast::hash(text.as_bytes()))
}

/// Exactly eight lower-case digits, so that no flipped bit gives another spelling of the same number.
fn parse_crc(text: &str) -> Option<u32> {
    let canonical = text.len() == 8 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    canonical.then(|| u32::from_str_radix(text, 16).ok()).flatten()
}
