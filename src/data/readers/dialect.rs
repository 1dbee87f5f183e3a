//! What a table of delimited text leaves open (separator, header, decimal comma), and how it is taken.
//!
//! The first records are split by every separator in question; the one wins that gives records of one length and
//! fields that look whole. What is decided is said with its reason, and every choice has an option.

use super::ReadOptions;
use super::choices::Separator;
use super::records::Records;
use crate::data::table::Decision;
use crate::error::shorten;
use std::collections::{HashMap, HashSet};

/// Records that are looked at.
const SAMPLE_RECORDS: usize = 200;
/// Names that label columns usually have: a first line with one of them is a header.
const LABEL_NAMES: [&str; 7] = ["label", "labels", "target", "class", "species", "diagnosis", "outcome"];

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
        let kept = lead.keep_rows(sample, |text| marked.unwrap_or_else(|| sniff(file, text, whole).0));
        let text = &sample[lead.bytes..];
        let (separator, reason) = match (options.separator, announced) {
            (Some(separator), _) => (separator, "asked for".to_string()),
            (None, Some(separator)) => (separator, "the first line says so (`sep=`)".to_string()),
            (None, None) => sniff(file, text, whole),
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

fn sniff(file: &str, text: &[u8], whole: bool) -> (Separator, String) {
    let name = file.to_lowercase();
    let name = [".gz", ".zst"].iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(&name);
    let customary = match name.rsplit('.').next() {
        Some("tsv" | "tab") => Some(b'\t'),
        Some("psv") => Some(b'|'),
        _ => None,
    };
    let mut best = (Separator::Byte(customary.unwrap_or(b',')), 0.0, (1, 1.0));
    for separator in Separator::KNOWN {
        let sample = Sample::new(text, separator, whole);
        let likely = if customary == Some(separator.byte()) { 1.5 } else { 1.0 };
        let score = likely * sample.score();
        if score > best.1 {
            best = (separator, score, sample.width());
        }
    }
    let (separator, score, (width, share)) = best;
    let reason = match score > 0.0 {
        true => format!("{:.0} % of the first records then have {width} fields", 100.0 * share),
        false => "no separator is to be seen: one column".to_string(),
    };
    (separator, reason)
}

/// Whether `text` is a number as it stands.
pub(super) fn is_number(text: &str) -> bool {
    text.bytes().any(|byte| byte.is_ascii_digit()) && text.parse::<f64>().is_ok()
}

/// Whether `text` stands for a missing value.
fn is_missing(text: &str) -> bool {
    let marks = ["", "?", "na", "n/a", "nan", "null", "none", "-", ".", "#n/a", "<na>"];
    marks.iter().any(|mark| text.eq_ignore_ascii_case(mark))
}

/// A number with a decimal comma, and perhaps points between thousands, as one with a decimal point.
pub(super) fn decimal_point(text: &str) -> Option<String> {
    let (whole, fraction) = text.split_once(',')?;
    let digits = whole.strip_prefix(['-', '+']).unwrap_or(whole);
    let grouped = digits.split('.').skip(1).all(|group| group.len() == 3);
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let point = format!("{}.{fraction}", whole.replace('.', ""));
    (plain && grouped && !digits.starts_with('.') && !fraction.is_empty() && is_number(&point))
        .then_some(point)
}

/// Whether `1,234` may as well be a thousand and more.
fn may_be_grouped(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let mut groups = digits.split(',');
    let first = groups.next().unwrap_or("");
    (1..=3).contains(&first.len()) && !first.starts_with('0') && groups.all(|group| group.len() == 3)
}

fn decide_decimals(sample: &Sample, options: &ReadOptions, decisions: &mut Vec<Decision>) -> bool {
    const FLAG: &str = "--decimal";
    if let Some(mark) = options.decimal {
        let choice = format!("\"{mark}\"");
        decisions.push(decision("decimals", choice, "asked for".to_string(), FLAG));
        return mark == ',';
    }
    if sample.separator == Separator::Byte(b',') {
        return false;
    }
    let cells = || sample.records.iter().flatten();
    let Some(example) = cells().find(|cell| decimal_point(cell).is_some()) else { return false };
    let pointed = cells().any(|cell| cell.contains('.') && is_number(cell));
    let commas = || cells().filter(|cell| decimal_point(cell).is_some());
    let grouped = sample.separator != Separator::Byte(b';') && commas().all(|cell| may_be_grouped(cell));
    if pointed || grouped {
        return false;
    }
    let reason = format!("{:?} is a number so, and none has a point", shorten(example));
    decisions.push(decision("decimals", "\",\"".to_string(), reason, FLAG));
    true
}

/// The names of the columns, whether they are the first record, and whether they are a comment.
fn decide_header(
    sample: &Sample,
    comment: Option<&str>,
    decimal_comma: bool,
    options: &ReadOptions,
    decisions: &mut Vec<Decision>,
    warnings: &mut Vec<String>,
) -> (Vec<String>, bool, bool) {
    const FLAG: &str = "--header";
    let Some(first) = sample.records.first() else {
        // Nothing at all, or a fault in the first record, which is reported when the table is read.
        return (Vec::new(), true, false);
    };
    let rows = &sample.records[1..];
    let mut say = |what, choice: String, reason: String| decisions.push(decision(what, choice, reason, FLAG));
    let (header, reason) = match options.header {
        Some(header) => (header, "asked for".to_string()),
        None => {
            if let Some(text) = comment.filter(|_| first.iter().any(|cell| is_number(cell))) {
                let named = Sample::new(text.as_bytes(), sample.separator, true);
                if let Some(names) =
                    named.records.into_iter().next().filter(|names| names.len() == first.len())
                    && (names.len() > 1 || !names[0].contains(' '))
                {
                    let reason = "it has as many fields as the rows".to_string();
                    say("header", "the comment before the table".to_string(), reason);
                    return (names, false, true);
                }
            }
            let Verdict { header, reason, doubtful } = is_header(first, rows, decimal_comma, options);
            if doubtful {
                let (taken, other) = if header { ("the header", "false") } else { ("a row", "true") };
                let (start, right) = (shorten(&first[0]), header);
                warnings.push(format!(
                    "the first line ({start:?}, …) is taken as {taken}, but may be the other: {reason}; `--header \
                     {other}` takes it otherwise, `--header {right}` confirms it"
                ));
            }
            (header, reason)
        }
    };
    if !header {
        say("header", "none".to_string(), reason);
        return ((0..first.len()).map(|position| position.to_string()).collect(), false, false);
    }
    say("header", "the first line".to_string(), reason);
    let mut names = first.clone();
    let all = |width: usize| !rows.is_empty() && rows.iter().all(|row| row.len() == width);
    if all(names.len() + 1) && rows.iter().all(|row| row.last().is_some_and(String::is_empty)) {
        // Every row ends with a separator; what stands behind it is left out as an empty column.
        names.push(String::new());
    } else if rows.len() > 1 && all(names.len() + 1) && distinct(rows) {
        let reason = "rows have one field more than the first line, and it differs from row to row";
        say("row names", "the first column".to_string(), reason.to_string());
        names.insert(0, String::new());
    } else if names.len() > 1 && all(names.len() - 1) && names.last().is_some_and(String::is_empty) {
        let reason = "the first line ends with a separator, rows do not";
        say("last column", "none".to_string(), reason.to_string());
        names.pop();
    }
    (names, true, false)
}

/// Whether no two rows begin alike.
fn distinct(rows: &[Vec<String>]) -> bool {
    let mut seen = HashSet::new();
    rows.iter().all(|row| row.first().is_some_and(|name| seen.insert(name)))
}

/// Whether the first record is a header.
struct Verdict {
    header: bool,
    /// What speaks for it.
    reason: String,
    /// Whether it may as well be otherwise, so that a decision does not do.
    doubtful: bool,
}

impl Verdict {
    fn sure(header: bool, reason: String) -> Self {
        Self { header, reason, doubtful: false }
    }
}

/// Different entries up to which a column looks like one of classes.
const FEW_ENTRIES: usize = 20;
/// Share of a column's entries that are written alike where the column has a form.
const ALIKE_SHARE: f64 = 0.9;
/// Letters of the longest name that a column is expected to have.
const LONG_NAME: usize = 40;

/// How the names of months begin.
const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// How a text with digits is written: numbers become `0` and months `M`, so that dates, amounts, percentages and
/// numbered names of one form are equal. None where there is no digit.
fn form(text: &str) -> Option<String> {
    let (mut form, mut word, mut found) = (String::new(), String::new(), false);
    let letters: Vec<char> = text.chars().collect();
    for (at, &letter) in letters.iter().enumerate() {
        if letter.is_alphabetic() {
            word.push(letter);
            continue;
        }
        close_word(&mut form, &mut word);
        let digit = |at: Option<usize>| at.and_then(|at| letters.get(at)).is_some_and(char::is_ascii_digit);
        let within = matches!(letter, '.' | ',') && digit(at.checked_sub(1)) && digit(Some(at + 1));
        let sign = matches!(letter, '-' | '+') && form.trim_end().is_empty();
        if letter.is_ascii_digit() || within {
            found = true;
            if !form.ends_with('0') {
                form.push('0');
            }
        } else if !sign {
            form.push(letter);
        }
    }
    close_word(&mut form, &mut word);
    found.then_some(form)
}

/// Ends a word: the name of a month, short or long, becomes `M`.
fn close_word(form: &mut String, word: &mut String) {
    let lower = word.to_lowercase();
    let month = lower.len() <= 9 && MONTHS.iter().any(|month| lower.starts_with(month));
    form.push_str(if month { "M" } else { word });
    word.clear();
}

/// Whether `first` is made of different short words, as names of columns are.
fn look_like_names(first: &[String]) -> bool {
    let mut seen = HashSet::new();
    first.iter().enumerate().all(|(at, cell)| {
        let word = cell.chars().next().is_some_and(|letter| letter.is_alphabetic() || "_#(".contains(letter))
            && cell.chars().count() <= LONG_NAME
            && cell.split_whitespace().count() <= 4;
        (word || cell.is_empty() && (at == 0 || at + 1 == first.len())) && seen.insert(cell)
    })
}

fn is_header(first: &[String], rows: &[Vec<String>], decimal_comma: bool, options: &ReadOptions) -> Verdict {
    let number = |cell: &str| is_number(cell) || decimal_comma && decimal_point(cell).is_some();
    let asked = &options.columns;
    let named = [&asked.label, &asked.split, &asked.id].into_iter().flatten();
    let named = named.chain(&asked.columns).chain(&asked.ignore).map(String::as_str);
    if let Some(name) = named.into_iter().find(|&name| !number(name) && first.iter().any(|cell| cell == name))
    {
        return Verdict::sure(true, format!("it names the column {:?}", shorten(name)));
    }
    let customary = |cell: &&String| LABEL_NAMES.iter().any(|name| cell.eq_ignore_ascii_case(name));
    if let Some(name) = first.iter().find(customary) {
        return Verdict::sure(true, format!("{:?} is what a column is called", shorten(name)));
    }
    let numbers_alone = first.iter().all(|cell| number(cell));
    if rows.is_empty() {
        let header = !first.iter().any(|cell| number(cell));
        let reason = "there is no other line to compare it with".to_string();
        return Verdict { header, reason, doubtful: numbers_alone };
    }
    // What pandas writes for an array, with its index or without. A few numbers from 0 or 1 may as well be a row.
    let (indexed, cells) = match first {
        [index, cells @ ..] if index.is_empty() => (true, cells),
        cells => (false, cells),
    };
    let counts = |start: usize| cells.iter().enumerate().all(|(at, cell)| *cell == (at + start).to_string());
    let least = if indexed { 2 } else { 3 };
    if cells.len() >= least && counts(0) {
        return Verdict::sure(true, "it counts the columns".to_string());
    }
    if cells.len() >= least + 2 && counts(1) {
        let reason = "it counts the columns from 1".to_string();
        return Verdict { header: true, reason, doubtful: numbers_alone };
    }
    // Rows of a table with row names have a field before that of the header.
    let shift = usize::from(rows.iter().all(|row| row.len() == first.len() + 1));
    let column = |at: usize| rows.iter().filter_map(move |row| row.get(at + shift)).map(String::as_str);
    let (mut against, mut alike, mut above) = (None, None, None);
    let (mut repeated, mut classes) = (Vec::new(), false);
    for (at, cell) in first.iter().enumerate() {
        let present = || column(at).filter(|cell| !is_missing(cell));
        let count = present().count();
        if count == 0 || is_missing(cell) {
            continue;
        }
        let numeric = present().all(number);
        if numeric && !number(cell) && form(cell).is_none() {
            return Verdict::sure(true, format!("{:?} stands above numbers", shorten(cell)));
        }
        if numeric && number(cell) {
            against.get_or_insert(cell);
            continue;
        }
        if numeric {
            above.get_or_insert(cell);
            continue;
        }
        let mut forms: HashMap<String, usize> = HashMap::new();
        present().filter_map(form).for_each(|form| *forms.entry(form).or_default() += 1);
        let own = form(cell);
        let is_form = |times: usize| times as f64 >= ALIKE_SHARE * count as f64;
        match &own {
            Some(own) if forms.get(own).is_some_and(|&times| is_form(times)) => {
                alike.get_or_insert(cell);
            }
            None if forms.values().any(|&times| is_form(times)) => {
                above.get_or_insert(cell);
            }
            _ => {}
        }
        if present().any(|other| other == cell) {
            let different = present().collect::<HashSet<_>>().len();
            classes |= different <= FEW_ENTRIES && different < count;
            repeated.push(cell);
        }
    }
    let quoted = |cell: &String| format!("{:?}", shorten(cell));
    match (against, alike, above) {
        (Some(cell), ..) => {
            let reason = if numbers_alone {
                "it is numbers alone, as are rows, but so may be names".to_string()
            } else {
                format!("{} is a number like those below it", quoted(cell))
            };
            Verdict { header: false, reason, doubtful: numbers_alone || above.is_some() }
        }
        (None, Some(cell), above) => {
            let reason = format!("{} is written like those below it", quoted(cell));
            Verdict { header: false, reason, doubtful: above.is_some() }
        }
        (None, None, above) if !repeated.is_empty() => {
            let (count, all) = (repeated.len(), first.len());
            let reason =
                format!("{count} of its {all} fields occur again below it, {} first", quoted(repeated[0]));
            let doubtful = above.is_some() || !classes && 2 * count < all;
            Verdict { header: false, reason, doubtful }
        }
        (None, None, Some(cell)) => {
            Verdict::sure(true, format!("{} stands above values of another form", quoted(cell)))
        }
        (None, None, None) => {
            let reason = "its fields do not occur below it".to_string();
            Verdict { header: true, reason, doubtful: !look_like_names(first) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dialect(file: &str, text: &str) -> Dialect {
        Dialect::of(file, text.as_bytes(), true, &ReadOptions::default())
    }

    #[test]
    fn separators_are_told_by_the_records() {
        let comma = Separator::Byte(b',');
        let tab = Separator::Byte(b'\t');
        for (text, expected) in [
            ("a,b\n1,2\n3,4\n", comma),
            ("a\tb\n1\t2\n", tab),
            ("a\ttext\n1\tmore, or less\n2\tone, two, three\n", tab),
            ("a;b\n1,5;2,5\n2,5;3\n", Separator::Byte(b';')),
            ("a|b\n1|2\n", Separator::Byte(b'|')),
            ("movie,genres\nx,Action|War\ny,Drama|War\n", comma),
            ("movie,text\n1,\"a; b; c\"\n2,\"d; e; f\"\n", comma),
            ("39, State-gov, 77516\n50, Private, 83311\n", comma),
            ("  1.0   2.0  3\n 1.5  2.5    4\n", Separator::Blanks),
            ("15.26\t14.84\t\t1\n14.88\t14.57\t2\n14.29\t\t14.09\t1\n13.84\t13.94\t1\n", Separator::Blanks),
            ("when,what\n2020-01-01 10:00:00,x\n2020-01-02 11:00:00,y\n", comma),
            ("name\nAda Lovelace\nAlan Turing\n", comma),
            ("sep=;\na;b\nx;y\n", Separator::Byte(b';')),
        ] {
            assert_eq!(dialect("t.csv", text).separator, expected, "{text}");
        }
        assert_eq!("\\t".parse(), Ok(tab));
        assert_eq!("semicolon".parse(), Ok(Separator::Byte(b';')));
        assert!("ab".parse::<Separator>().is_err() && "7".parse::<Separator>().is_err());
    }

    #[test]
    fn headers_are_told_from_rows() {
        for (text, expected) in [
            ("a,b\n1,2\n", true),
            ("1,2\n3,4\n", false),
            ("5.1,3.5,Iris-setosa\n4.9,3.0,Iris-setosa\n", false),
            ("0,1,2\n0.5,0.25,7\n", true),
            (",0,1\n0,5.5,2.5\n1,4.5,3.5\n", true),
            ("country,1990,label\nChad,3,a\n", true),
            ("vhigh,2,small,unacc\nvhigh,3,small,acc\nlow,2,big,unacc\n", false),
            ("p,x,s\ne,x,s\np,b,s\n", false),
            ("text,kind\nbuy now,spam\nsee you,ham\n", true),
            ("?,1.5\n2,3\n", false),
            ("x\n1\n", true),
        ] {
            let found = dialect("t.csv", text);
            assert_eq!(found.header, expected, "{text}: {:?}", found.decisions);
        }
        let first = dialect("t.csv", "text,kind\nbuy now,spam\nsee you,ham\n");
        assert!(first.warnings.is_empty(), "{:?}", first.warnings);
        let named = dialect("t.csv", "# x y z\n# a,b\n1,2\n3,4\n");
        assert_eq!((named.names.join(" "), named.header), ("a b".to_string(), false));
        assert_eq!(named.skipped, (14, 2));
    }

    /// Rows without numbers were once taken for headers.
    #[test]
    fn a_first_row_of_texts_is_kept() {
        let table = |row: &dyn Fn(usize) -> String| (0..60).map(row).collect::<String>();
        for text in [
            table(&|k| {
                format!("doc{k:03},some text number {k} of words {},{}os\n", k * k, ["n", "p"][k % 2])
            }),
            table(&|k| format!("{},user{k},words of {}\n", ["neg", "pos"][k % 2], "a ".repeat(k + 1))),
            table(&|k| format!("P{k},2020-01-{:02}T00:00:00,{},n{k}\n", k % 28 + 1, ["M", "F"][k % 2])),
            table(&|k| format!("${k}.50,M,z{k}\n")),
            table(&|k| format!("{k}%,M,z{k}\n")),
            table(&|k| format!("{} Mar 2020,{}\n", k % 28 + 1, "b".repeat(k + 1))),
            table(&|k| format!("{},{},{}\n", "q".repeat(k + 1), "b".repeat(k + 1), ["spam", "ham"][k % 2])),
        ] {
            let found = dialect("t.csv", &text);
            assert!(
                !found.header && found.warnings.is_empty(),
                "{text}: {:?} {:?}",
                found.decisions,
                found.warnings
            );
        }
        for text in ["when,what\n2020-01-01,x\n2020-01-02,y\n", "price,kind\n$1,x\n$2,y\n"] {
            let found = dialect("t.csv", text);
            assert!(found.header && found.warnings.is_empty(), "{text}: {:?}", found.decisions);
        }
        let unsure = dialect("t.csv", "a long sentence of many words,!\nanother one,b\n");
        assert!(unsure.header && unsure.warnings[0].contains("`--header false`"), "{:?}", unsure.warnings);
    }

    #[test]
    fn a_first_line_of_numbers_alone_is_warned_of() {
        for first in ["2001,2002,2003", "1.0,2.0,3.0", "5,3,1", "0,1", "1,2,3,4", "1,2,3,4,5"] {
            let row = vec!["7.5"; first.split(',').count()].join(",");
            let found = dialect("t.csv", &format!("{first}\n{row}\n{row}\n"));
            assert_eq!(found.warnings.len(), 1, "{first}: {:?}", found.warnings);
            assert!(found.warnings[0].contains("--header"), "{first}");
            let asked = ReadOptions { header: Some(true), ..ReadOptions::default() };
            let text = format!("{first}\n{row}\n{row}\n");
            assert!(Dialect::of("t.csv", text.as_bytes(), true, &asked).warnings.is_empty());
        }
        let positions = dialect("t.csv", "0,1,2,3\n1,2,3,4\n");
        assert!(positions.header && positions.warnings.is_empty());
    }

    /// Colours and tags were once taken for comments.
    #[test]
    fn rows_that_begin_with_a_number_sign_are_kept() {
        let colours: String =
            (0..60).map(|k| format!("{}{k:06},{k},a\n", if k < 4 { "#" } else { "" })).collect();
        let all: String = (0..60).map(|k| format!("#ff{k:04},1.5,a\n")).collect();
        let tags: String = (0..60).map(|k| format!("#tag words {k},b\n")).collect();
        for text in [colours, all, tags] {
            let found = dialect("t.csv", &text);
            assert_eq!((found.skipped, found.header), ((0, 0), false), "{text}: {:?}", found.decisions);
            assert!(found.warnings.is_empty(), "{:?}", found.warnings);
        }
        let header = dialect("t.csv", "#id,x,y\n1,2,3\n4,5,6\n");
        assert_eq!((header.names.join("|").as_str(), header.header), ("#id|x|y", true));
        let comment = dialect("t.csv", "#made by hand\n#red,1\nblue,2\nred,3\n");
        assert_eq!((comment.skipped, comment.header), ((14, 1), false));
        assert_eq!(comment.warnings.len(), 1, "{:?}", comment.warnings);
    }

    #[test]
    fn row_names_and_stray_separators_are_seen() {
        let names = |text: &str| dialect("t.csv", text).names.join("|");
        assert_eq!(names("mpg\tcyl\nMazda\t21\t6\nFiat\t32\t4\n"), "|mpg|cyl");
        assert_eq!(names("a,b\n1,2,\n3,4,\n"), "a|b|");
        assert_eq!(names("a,b,\n1,2\n3,4\n"), "a|b");
        // A decimal comma without quotes is no row name.
        assert_eq!(names("label,x\na,1,5\nb,2,5\na,3,5\n"), "label|x");
    }

    #[test]
    fn decimal_commas_are_turned() {
        assert_eq!(decimal_point("-1,5").unwrap(), "-1.5");
        assert_eq!(decimal_point("1.234,5").unwrap(), "1234.5");
        for text in ["1.5", "1,", ",5", "a,5", "1,5,6", "12.34,5", "", ","] {
            assert_eq!(decimal_point(text), None, "{text}");
        }
        assert!(dialect("t.csv", "a;b\n1,5;x\n2,25;y\n").decimal_comma);
        assert!(!dialect("t.csv", "a;b\n1.5;2,25\n").decimal_comma);
        assert!(!dialect("t.tsv", "a\tb\n1,234\t5\n").decimal_comma, "a thousand and more");
    }
}
