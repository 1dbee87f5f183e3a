//! Whether the first record names the columns.

use super::super::ReadOptions;
use super::numbers::{decimal_point, is_missing, is_number};
use super::{Sample, decision};
use crate::data::table::Decision;
use crate::error::shorten;
use std::collections::{HashMap, HashSet};

/// Names that label columns usually have: a first line with one of them is a header.
const LABEL_NAMES: [&str; 7] = ["label", "labels", "target", "class", "species", "diagnosis", "outcome"];

/// The names of the columns, whether they are the first record, and whether they are a comment.
pub(super) fn decide_header(
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

/// A column that `options` name among the fields of a record; numbers are positions, and name none.
pub(super) fn asked<'o>(
    fields: &[String],
    options: &'o ReadOptions,
    number: impl Fn(&str) -> bool,
) -> Option<&'o str> {
    let asked = &options.columns;
    let named = [&asked.label, &asked.split, &asked.id].into_iter().flatten();
    let named = named.chain(asked.domains.iter().map(|domains| &domains.column));
    let mut named = named.chain(&asked.columns).chain(&asked.ignore).map(String::as_str);
    named.find(|&name| !number(name) && fields.iter().any(|cell| cell == name))
}

fn is_header(first: &[String], rows: &[Vec<String>], decimal_comma: bool, options: &ReadOptions) -> Verdict {
    let number = |cell: &str| is_number(cell) || decimal_comma && decimal_point(cell).is_some();
    if let Some(name) = asked(first, options, number) {
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
