//! What a table of delimited text leaves open (separator, header, decimal comma), and how it is taken.
//!
//! The first records are split by every separator in question; the one wins that gives records of one length and
//! fields that look whole, and before it one that makes a column of a name that was asked for. What is decided is said with its reason, and every choice has an option.

mod header;
mod numbers;

use super::ReadOptions;
use super::choices::Separator;
use super::records::Records;
use crate::data::table::Decision;
use header::{asked, decide_header};
use numbers::{decide_decimals, is_number};
use std::collections::HashMap;

pub(super) use numbers::decimal_point;

/// Records that are looked at.
const SAMPLE_RECORDS: usize = 200;

impl Separator {
    /// Those that are looked for, the more usual first.
    const KNOWN: [Separator; 5] = [
        Separator::Byte(b','),
        Separator::Byte(b'\t'),
        Separator::Byte(b';'),
        Separator::Byte(b'|'),
        Separator::Blanks,
    ];

    /// What separates fields as records are split.
    pub(super) fn byte(self) -> u8 {
        match self {
            Separator::Byte(byte) => byte,
            Separator::Blanks => b'\t',
        }
    }
}

/// How the records of a table are to be taken.
#[derive(Clone, Debug)]
pub(super) struct Dialect {
    pub separator: Separator,
    /// Bytes and lines before the first record.
    pub skipped: (usize, u64),
    /// The names of the columns, as many as a record has fields; made of positions where there is no header.
    pub names: Vec<String>,
    /// Whether the names are the first record, which then is no row.
    pub header: bool,
    /// Whether the names are a comment, so that all records are rows.
    pub header_is_comment: bool,
    /// Whether numbers are written with a decimal comma.
    pub decimal_comma: bool,
    pub decisions: Vec<Decision>,
    /// Decisions that may well be wrong, a line each.
    pub warnings: Vec<String>,
}

/// The first records under one separator.
struct Sample {
    separator: Separator,
    records: Vec<Vec<String>>,
}

impl Sample {
    fn new(text: &[u8], separator: Separator, whole: bool) -> Self {
        let mut reader = Records::new(String::new(), text, separator, 1);
        let mut records: Vec<Vec<String>> = Vec::new();
        // A fault of the table is reported when the table is read.
        while records.len() <= SAMPLE_RECORDS
            && let Ok(Some(record)) = reader.next()
        {
            let field = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_string();
            records.push(record.iter().map(field).collect());
        }
        // The last record may have been cut off.
        if (!whole || records.len() > SAMPLE_RECORDS) && records.len() > 1 {
            records.pop();
        }
        Self { separator, records }
    }

    /// The most frequent number of fields behind the first record, and the share of records that have it.
    fn width(&self) -> (usize, f64) {
        let rows = if self.records.len() > 1 { &self.records[1..] } else { &self.records[..] };
        let mut counts: HashMap<usize, usize> = HashMap::new();
        for row in rows {
            *counts.entry(row.len()).or_default() += 1;
        }
        let most = counts.into_iter().max_by_key(|&(width, count)| (count, width));
        most.map_or((0, 0.0), |(width, count)| (width, count as f64 / rows.len() as f64))
    }

    /// How much speaks for the separator, from 0 to 1.
    fn score(&self) -> f64 {
        let (width, share) = self.width();
        if width < 2 {
            return 0.0;
        }
        let others: Vec<char> = Separator::KNOWN
            .into_iter()
            .filter(|&other| other != self.separator && other != Separator::Blanks)
            .map(|other| char::from(other.byte()))
            .filter(|&other| !(self.separator == Separator::Blanks && other == '\t'))
            .collect();
        let comma = self.separator != Separator::Byte(b',');
        let cells = || self.records.iter().flatten();
        let total = cells().count().max(1) as f64;
        let whole = cells().filter(|cell| {
            is_number(cell) || comma && decimal_point(cell).is_some() || !cell.contains(&others[..])
        });
        let whole = whole.count() as f64 / total;
        if self.separator == Separator::Blanks {
            // Blanks stand within texts, too.
            let numbers = cells().filter(|cell| is_number(cell)).count() as f64 / total;
            return if share < 1.0 || whole < 0.9 || numbers < 0.5 { 0.0 } else { 0.9 * whole };
        }
        // A header has as many fields as the rows, or one fewer or more.
        let header = if self.records[0].len().abs_diff(width) > 1 { 0.5 } else { 1.0 };
        header * share * share * whole
    }
}

impl Dialect {
    /// Decides by the start of the table, `sample`, which is all of it where `whole`.
    pub fn of(file: &str, sample: &[u8], whole: bool, options: &ReadOptions) -> Self {
        let mut decisions = Vec::new();
        let mut warnings = Vec::new();
        let (mut lead, announced) = leading_lines(sample);
        let marked = options.separator.or(announced);
        let kept =
            lead.keep_rows(sample, |text| marked.unwrap_or_else(|| sniff(file, text, whole, options).0));
        let text = &sample[lead.bytes..];
        let (separator, reason) = match (options.separator, announced) {
            (Some(separator), _) => (separator, "asked for".to_string()),
            (None, Some(separator)) => (separator, "the first line says so (`sep=`)".to_string()),
            (None, None) => sniff(file, text, whole, options),
        };
        let it = Sample::new(text, separator, whole);
        decisions.push(decision("separator", separator.to_string(), reason, "--separator"));
        if let Some(comment) = lead.comment {
            let choice = format!("{} lines left out", lead.lines);
            decisions.push(Decision {
                what: "lines before the table".to_string(),
                choice,
                reason: format!("they begin with {:?}", char::from(comment)),
                flag: None,
            });
        }
        let decimal_comma = decide_decimals(&it, options, &mut decisions);
        let (names, header, header_is_comment) =
            decide_header(&it, lead.last.as_deref(), decimal_comma, options, &mut decisions, &mut warnings);
        let skipped = (lead.bytes, lead.lines);
        if kept && !header {
            let line = lead.lines + 1;
            decisions.push(Decision {
                what: "lines that begin with '#'".to_string(),
                choice: "rows".to_string(),
                reason: format!("line {line} has as many fields as the table"),
                flag: None,
            });
            let alone = |row: &Vec<String>| !row.first().is_some_and(|field| field.starts_with('#'));
            if it.records.iter().skip(1).all(alone) {
                warnings.push(format!(
                    "line {line} begins with '#' and is taken as a row, since it has as many fields as the table: if \
                     it is a comment, take it out"
                ));
            }
        }
        Self { separator, skipped, names, header, header_is_comment, decimal_comma, decisions, warnings }
    }
}

pub(super) fn decision(what: &str, choice: String, reason: String, flag: &str) -> Decision {
    Decision { what: what.to_string(), choice, reason, flag: Some(flag.to_string()) }
}

/// Lines before the table.
#[derive(Default)]
struct Lead {
    bytes: usize,
    lines: u64,
    comment: Option<u8>,
    /// The last comment, without its mark.
    last: Option<String>,
}

impl Lead {
    /// Ends before the first line that is a row whose first field merely begins with a number sign, as colours and tags
    /// do: it has as many fields as the table, and no blank behind the sign. Whether there is one.
    fn keep_rows(&mut self, sample: &[u8], separator: impl Fn(&[u8]) -> Separator) -> bool {
        if self.comment != Some(b'#') {
            return false;
        }
        let (mut lines, mut bytes) = (Vec::new(), 0);
        for (line, text) in (0u64..).zip(sample[..self.bytes].split_inclusive(|&byte| byte == b'\n')) {
            lines.push((line, bytes, text));
            bytes += text.len();
        }
        let is_open = |text: &[u8]| match text.trim_ascii() {
            [b'#', next, ..] => !next.is_ascii_whitespace() && *next != b'#',
            _ => false,
        };
        let Some(&(_, first, _)) = lines.iter().find(|(_, _, text)| is_open(text)) else { return false };
        let rest = &sample[self.bytes..];
        let alone = rest.trim_ascii().is_empty();
        let table = if alone { &sample[first..] } else { rest };
        let separator = separator(table);
        let (width, _) = Sample::new(table, separator, true).width();
        // Runs of blanks separate words as well, and a table of one column has the fields of any line.
        if separator == Separator::Blanks || width < 2 && !alone {
            return false;
        }
        let fields = |text: &[u8]| Sample::new(text, separator, true).records.first().map_or(0, Vec::len);
        let found = lines.iter().position(|(_, _, text)| is_open(text) && fields(text) == width);
        let Some((line, bytes, _)) = found.map(|at| lines[at]) else { return false };
        (self.lines, self.bytes) = (line, bytes);
        let before = found.and_then(|at| at.checked_sub(1)).map(|at| String::from_utf8_lossy(lines[at].2));
        self.last = before.map(|text| text.trim().trim_start_matches('#').trim().to_string());
        self.comment = self.comment.filter(|_| line > 0);
        true
    }
}

/// The comments at the start, as NumPy's `savetxt` writes its header, and a line `sep=;`, as spreadsheets do.
fn leading_lines(sample: &[u8]) -> (Lead, Option<Separator>) {
    let (mut lead, mut separator) = (Lead::default(), None);
    for line in sample.split_inclusive(|&byte| byte == b'\n') {
        let text = String::from_utf8_lossy(line);
        let text = text.trim();
        match text.as_bytes() {
            [b's', b'e', b'p', b'=', rest @ ..] if lead.lines == 0 && rest.len() == 1 => {
                separator = std::str::from_utf8(rest).ok().and_then(|rest| rest.parse().ok());
                if separator.is_none() {
                    break;
                }
            }
            [mark @ (b'#' | b'%'), ..] if separator.is_none() => {
                lead.comment = Some(*mark);
                lead.last = Some(text[1..].trim().to_string());
            }
            _ => break,
        }
        lead.bytes += line.len();
        lead.lines += 1;
    }
    (lead, separator)
}

fn sniff(file: &str, text: &[u8], whole: bool, options: &ReadOptions) -> (Separator, String) {
    let name = file.to_lowercase();
    let name = [".gz", ".zst"].iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(&name);
    let customary = match name.rsplit('.').next() {
        Some("tsv" | "tab") => Some(b'\t'),
        Some("psv") => Some(b'|'),
        _ => None,
    };
    let mut best = (Separator::Byte(customary.unwrap_or(b',')), (false, 0.0), (1, 1.0));
    for separator in Separator::KNOWN {
        let sample = Sample::new(text, separator, whole);
        let likely = if customary == Some(separator.byte()) { 1.5 } else { 1.0 };
        let score = likely * sample.score();
        let names = score > 0.0 && asked(&sample.records[0], options, is_number).is_some();
        if (names, score) > best.1 {
            best = (separator, (names, score), sample.width());
        }
    }
    let (separator, (_, score), (width, share)) = best;
    let reason = match score > 0.0 {
        true => format!("{:.0} % of the first records then have {width} fields", 100.0 * share),
        false => "no separator is to be seen: one column".to_string(),
    };
    (separator, reason)
}

#[cfg(test)]
mod tests;
