//! What a column of text holds.

use super::cells::Texts;
use super::encode::Reading;
use super::forms::{Commas, Form};
use super::moments;
use super::numbers::{self, plain};
use super::text::words;
use super::{ids, words as known};
use crate::data::readers::ReadError;
use crate::error::shorten;
use std::collections::HashMap;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Numbers. Whatever is none counts as missing.
    Number,
    /// One column per level.
    Category,
    /// Dates or times of day.
    Date,
    /// Words, to be hashed.
    Text,
}

impl Kind {
    /// The kinds by their names.
    pub const NAMED: [(&str, Kind); 4] =
        [("number", Kind::Number), ("category", Kind::Category), ("date", Kind::Date), ("text", Kind::Text)];

    /// The name of the kind.
    pub fn name(self) -> &'static str {
        Self::NAMED.iter().find(|(_, kind)| *kind == self).map_or("number", |(name, _)| name)
    }
}

/// Words per value from which a column of many different values is text.
const WORDS: f64 = 5.0;
/// Share of the values from which, if they are numbers, the others are looked at as mistakes.
const MOSTLY: f64 = 0.8;
/// Different numbers from which a column with a few other values is no category.
const MANY: usize = 20;

/// What was found in a column of text.
pub(super) enum Found<'a> {
    /// Numbers, NaN where there is none; how they are written; words that were taken as missing.
    Numbers { values: Vec<f64>, form: Form, apart: Vec<&'a str> },
    /// Truth values, and the words for them.
    Truths { values: Vec<Option<bool>>, words: (&'static str, &'static str) },
    /// Seconds, NaN where there is none.
    Moments { values: Vec<f64>, timed: bool, form: moments::Form, ambiguous: bool },
    /// Lists of as many numbers, side by side; NaN in rows without one.
    Vectors { width: usize, values: Vec<f64> },
    /// A category.
    Levels(Census<'a>),
    /// Words.
    Text(Census<'a>),
    /// What tells rows apart, with the reason to think so.
    Keys(&'static str),
}

/// The different values of a column.
pub(super) struct Census<'a> {
    /// Rows of each, and the first of them.
    pub levels: HashMap<&'a str, (usize, usize)>,
    /// Rows that have a value.
    pub present: usize,
    /// Words in all rows.
    words: usize,
}

impl<'a> Census<'a> {
    /// Counts the values that are not missing.
    pub fn of(texts: &'a Texts) -> Self {
        let mut census = Census { levels: HashMap::new(), present: 0, words: 0 };
        for (row, text) in texts.iter().enumerate() {
            let Some(text) = text.filter(|text| !known::missing(text)) else { continue };
            census.levels.entry(text).or_insert((0, row)).0 += 1;
            census.present += 1;
            census.words += words(text);
        }
        census
    }

    fn words_per_value(&self) -> f64 {
        self.words as f64 / self.present.max(1) as f64
    }
}

/// Whether commas stand before decimals in a column of text.
pub(super) fn decimal_commas(reading: &Reading<'_>, texts: &Texts) -> bool {
    if !texts.iter().flatten().any(|text| text.contains(',')) {
        return false;
    }
    let census = Census::of(texts);
    let levels = census.levels.keys().copied().filter(|text| !known::missing_beside(text));
    Form::of(levels, reading.commas_are_free(), reading.decimal_comma())
        .is_some_and(|form| form.commas == Commas::Decimal)
}

/// A date form in which most values of a column are written, and a value that is none.
pub(super) struct NearlyDates<'a> {
    /// The first value that is no date, and its row.
    pub odd: (&'a str, usize),
    /// Rows with a date, and with any value.
    pub dates: usize,
    pub all: usize,
}

impl<'a> NearlyDates<'a> {
    /// Looks for such a form.
    pub fn of(census: &Census<'a>) -> Option<Self> {
        let levels = || census.levels.iter().filter(|(text, _)| !known::missing_beside(text));
        let all: usize = levels().map(|(_, (count, _))| count).sum();
        let dates = |form: &moments::Form| -> usize {
            levels().filter(|(text, _)| form.parse(text).is_some()).map(|(_, (count, _))| count).sum()
        };
        let (dates, form) =
            moments::Form::ALL.iter().map(|form| (dates(form), form)).max_by_key(|(dates, _)| *dates)?;
        let odd = levels().filter(|(text, _)| form.parse(text).is_none()).min_by_key(|(_, (_, row))| *row)?;
        let nearly = dates >= ids::LEAST && dates as f64 >= MOSTLY * all as f64;
        nearly.then_some(Self { odd: (*odd.0, odd.1.1), dates, all })
    }
}

/// Rows of a column with a number, if these are at least half of its values and some are none.
pub(super) fn partly_numbers(census: &Census<'_>) -> Option<usize> {
    let numbers = census.levels.iter().filter(|(text, _)| plain(text).is_some());
    let numbers: usize = numbers.map(|(_, (count, _))| count).sum();
    (numbers * 2 >= census.present && numbers > 0 && numbers < census.present).then_some(numbers)
}

/// Whether a text begins with a 0 before another digit, as codes do: `01234`.
pub(super) fn is_code(text: &str) -> bool {
    matches!(text.as_bytes(), [b'0', b'0'..=b'9', ..])
}

/// Looks at a column of text. One of a format that has numbers may hold them all the same, but not codes: `01234`.
pub(super) fn infer<'a>(
    reading: &Reading<'_>,
    name: &str,
    texts: &'a Texts,
    asked: bool,
    kind: Option<Kind>,
) -> Result<Found<'a>, ReadError> {
    let free = kind.is_none();
    let may_count = free && !(reading.typed && texts.iter().flatten().any(is_code));
    if reading.points_group
        && (free || kind == Some(Kind::Number))
        && Form::points_group(texts.iter().flatten().filter(|text| !known::missing_beside(text)))
    {
        let form = Form { commas: Commas::Elsewhere, ..Form::default() };
        let number = |text: Option<&str>| text.and_then(|text| form.parse(text)).unwrap_or(f64::NAN);
        return Ok(Found::Numbers { values: texts.iter().map(number).collect(), form, apart: Vec::new() });
    }
    if may_count && let Some(values) = plainly(texts) {
        if let Some(seconds) = moments::eight_digits(&values) {
            let form = moments::Form::Digits;
            return Ok(Found::Moments { values: seconds, timed: false, form, ambiguous: false });
        }
        return Ok(Found::Numbers { values, form: Form::default(), apart: Vec::new() });
    }
    if free && let Some((width, values)) = lists(texts) {
        return Ok(Found::Vectors { width, values });
    }
    let census = Census::of(texts);
    match kind {
        Some(Kind::Category) => return Ok(Found::Levels(census)),
        Some(Kind::Text) => return Ok(Found::Text(census)),
        _ => {}
    }
    let levels = || census.levels.keys().copied();
    let apart: Vec<&str> = levels().filter(|text| known::missing_beside(text)).collect();
    let rest: Vec<&str> = levels().filter(|text| !known::missing_beside(text)).collect();
    let some = !rest.is_empty();
    let value = |text: Option<&'a str>| text.filter(|text| !known::missing_beside(text));

    if some && (kind == Some(Kind::Number) || may_count) {
        let form = Form::of(rest.iter().copied(), reading.commas_are_free(), reading.decimal_comma());
        if let Some(form) = form {
            let number = |text| value(text).and_then(|text| form.parse(text)).unwrap_or(f64::NAN);
            let values: Vec<f64> = texts.iter().map(number).collect();
            return Ok(Found::Numbers { values, form, apart });
        }
        if kind == Some(Kind::Number) {
            let number = |text: Option<&str>| text.and_then(plain).unwrap_or(f64::NAN);
            let values: Vec<f64> = texts.iter().map(number).collect();
            let apart = levels().filter(|text| plain(text).is_none()).collect();
            return Ok(Found::Numbers { values, form: Form::default(), apart });
        }
        if !reading.typed {
            refuse_slips(reading, name, &census, &rest)?;
        }
    }
    if some
        && free
        && let Some(pair) = known::truths(rest.iter().copied())
    {
        let truth = |text| value(text).map(|text: &str| text.eq_ignore_ascii_case(pair.1));
        return Ok(Found::Truths { values: texts.iter().map(truth).collect(), words: pair });
    }
    if some
        && kind != Some(Kind::Number)
        && let Some((form, ambiguous)) = moments::Form::of(rest.iter().copied())
    {
        let moment = |text| value(text).and_then(|text| form.parse(text));
        let timed = rest.iter().any(|text| form.parse(text).is_some_and(|(_, timed)| timed));
        let values = texts.iter().map(|text| moment(text).map_or(f64::NAN, |(seconds, _)| seconds)).collect();
        return Ok(Found::Moments { values, timed, form, ambiguous });
    }
    if kind == Some(Kind::Date) {
        return Err(ReadError::Option {
            file: reading.file.to_string(),
            problem: format!("column {}: not all of its values are dates of one form", shorten(name)),
            hint: "write them as 2021-01-31 or 2021-01-31T13:05:00, or take another type".to_string(),
        });
    }
    let unique = census.levels.len() == census.present && census.present >= ids::LEAST;
    if !asked && census.present >= ids::LEAST && levels().all(ids::is_uuid) {
        return Ok(Found::Keys("its values are universally unique identifiers"));
    }
    if unique && asked {
        return Ok(Found::Text(census));
    }
    if unique && census.words_per_value() < WORDS {
        return Ok(Found::Keys("every row has a value of its own"));
    }
    let many = census.levels.len() * 2 > census.present || census.levels.len() > super::MAX_LEVELS;
    if census.words_per_value() >= WORDS && many && census.present >= ids::LEAST {
        return Ok(Found::Text(census));
    }
    Ok(Found::Levels(census))
}

/// The values of a column in which everything is a number or missing, as nearly all columns of numbers are.
fn plainly(texts: &Texts) -> Option<Vec<f64>> {
    let mut values = Vec::with_capacity(texts.len());
    let mut some = false;
    for text in texts.iter() {
        match text {
            None => values.push(f64::NAN),
            Some(text) => match plain(text) {
                Some(value) => {
                    some = true;
                    values.push(value);
                }
                None if known::missing(text) => values.push(f64::NAN),
                None => return None,
            },
        }
    }
    some.then_some(values)
}

/// Lists of numbers that are written as texts (`[0.1, 0.2]`, or as NumPy prints an array), if all that are there have
/// one length: how many numbers, and all of them side by side, NaN in rows without a list.
fn lists(texts: &Texts) -> Option<(usize, Vec<f64>)> {
    let inside = |text: &str| Some(text.strip_prefix('[')?.strip_suffix(']')?.to_string());
    let split = |text: &str| -> Option<Vec<f64>> {
        let inside = inside(text)?;
        let parts = inside.split([',', ' ', '\n', '\r', '\t']).filter(|part| !part.is_empty());
        parts.map(plain).collect()
    };
    let width = split(texts.iter().flatten().find(|text| !known::missing(text))?)?.len();
    let present = texts.iter().flatten().filter(|text| !known::missing(text)).count();
    // Rows without a list take as much memory as those with one, and no bytes of the file.
    if width == 0 || texts.len() - present > 4 * present {
        return None;
    }
    let mut values = Vec::new();
    for text in texts.iter() {
        match text.filter(|text| !known::missing(text)) {
            None => values.extend(std::iter::repeat_n(f64::NAN, width)),
            Some(text) => values.extend(split(text).filter(|list| list.len() == width)?),
        }
    }
    Some((width, values))
}

/// Refuses a column of numbers in which a few values are none.
fn refuse_slips(
    reading: &Reading<'_>,
    name: &str,
    census: &Census<'_>,
    rest: &[&str],
) -> Result<(), ReadError> {
    let rows = |text: &&str| census.levels[*text].0;
    let number = |text: &&&str| plain(text).is_some();
    let numbers: usize = rest.iter().filter(number).map(rows).sum();
    let all: usize = rest.iter().map(rows).sum();
    let infinite = rest.iter().any(|text| numbers::infinite(text));
    let commas = rest.iter().all(|text| plain(&text.replacen(',', ".", 1)).is_some());
    let mostly = numbers as f64 >= MOSTLY * all as f64 && rest.iter().filter(number).count() > MANY;
    let odd = rest.iter().filter(|text| plain(text).is_none()).min_by_key(|text| census.levels[**text].1);
    let Some(odd) =
        odd.filter(|_| mostly || commas || infinite && numbers + infinite_rows(census, rest) == all)
    else {
        return Ok(());
    };
    let column = shorten(name).into_owned();
    let hint = if commas {
        "write decimals with a point, not with a comma".to_string()
    } else if infinite {
        "write nothing where a value is missing, and rescale what is too large".to_string()
    } else if all - numbers == 1 && [0, reading.rows - 1].contains(&census.levels[*odd].1) {
        let line = if census.levels[*odd].1 == 0 { "says units or names" } else { "sums the others up" };
        format!(
            "if the line {line}, take it out of the file; else take the value as missing with --types {column}=number, or \
             leave the column out with --ignore {column}"
        )
    } else {
        format!(
            "{} of {all} values are none: take them as missing with --types {column}=number, take the column as a \
             category with --types {column}=category, or leave it out with --ignore {column}",
            all - numbers
        )
    };
    Err(ReadError::Number {
        file: reading.file.to_string(),
        line: reading.line(census.levels[*odd].1),
        column,
        value: shorten(odd).into_owned(),
        range: "",
        hint,
    })
}

fn infinite_rows(census: &Census<'_>, rest: &[&str]) -> usize {
    rest.iter().filter(|text| numbers::infinite(text)).map(|text| census.levels[*text].0).sum()
}
