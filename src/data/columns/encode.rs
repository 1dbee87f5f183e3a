//! A column made into columns of numbers.

use super::categories::Levels;
use super::cells::{Cells, Texts};
use super::exact::{Decimal, EXACT_LIMIT};
use super::forms::Form;
use super::kinds::{self, Census, Found, Kind, NearlyDates, infer, partly_numbers};
use super::labels::Commas;
use super::moments::{self, Part};
use super::numbers::Narrowed;
use super::sentinels::{Sentinel, suspects};
use super::text::{TEXT_WIDTH, hashed};
use super::{ids, roles, split, words as known};
use crate::data::dataset::check_size;
use crate::data::error::DataError;
use crate::data::readers::ReadError;
use crate::data::table::{Decision, RowLines};
use crate::error::{Result, shorten};
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What holds for all columns of a table.
pub(super) struct Reading<'a> {
    /// The file's name, for messages.
    pub file: &'a str,
    pub rows: usize,
    /// Whether the format says what is a number.
    pub typed: bool,
    /// The lines in which rows begin.
    pub lines: &'a RowLines,
    /// What separates the fields; none where nothing does.
    pub separator: Option<char>,
    /// The decimal mark, where it was asked for.
    pub decimal: Option<char>,
    /// Whether commas stand before decimals in some column, so that points may group thousands in others.
    pub points_group: bool,
    /// Columns that a text becomes.
    pub text_width: Option<usize>,
    /// Columns of inputs so far.
    pub width: AtomicUsize,
}

impl Reading<'_> {
    /// Whether a comma may stand within a number, as it separates no fields.
    pub fn commas_are_free(&self) -> bool {
        self.decimal != Some('.') && self.separator.is_some_and(|separator| separator != ',')
    }

    /// Whether a comma within a number is likely to stand before decimals.
    pub fn decimal_comma(&self) -> bool {
        self.separator == Some(';')
    }

    /// What a comma within a label may be.
    pub fn commas(&self) -> Commas {
        Commas { free: self.commas_are_free(), decimal: self.decimal_comma() }
    }

    /// Makes room for so many columns of inputs, before they are made.
    fn reserve(&self, columns: usize) -> Result<(), DataError> {
        let before = self.width.fetch_add(columns, Ordering::Relaxed);
        check_size(self.file, self.rows, before.saturating_add(columns))
    }

    /// The line in which a row begins; of formats without lines, the row.
    pub fn line(&self, row: usize) -> u64 {
        self.lines.of(row).unwrap_or(row as u64)
    }
}

/// A column as numbers.
#[derive(Default)]
pub(super) struct Encoded {
    /// What the column is called.
    pub name: String,
    pub features: Vec<Feature>,
    /// Rows without a value, ascending.
    pub missing: Vec<u32>,
    pub decisions: Vec<Decision>,
    pub warnings: Vec<String>,
}

/// One column of inputs.
pub(super) struct Feature {
    pub name: String,
    /// One number per row; 0 where there is none.
    pub values: Vec<f32>,
    /// Whether the column's rows without a value have none here either, to be filled in by every task.
    pub gapped: bool,
}

impl Encoded {
    fn named(name: &str) -> Self {
        Self { name: name.to_string(), ..Self::default() }
    }

    fn say(&mut self, choice: impl Into<String>, reason: impl Into<String>, flag: String) {
        self.decisions.push(Decision {
            what: format!("column {}", shorten(&self.name)),
            choice: choice.into(),
            reason: reason.into(),
            flag: Some(flag),
        });
    }

    /// `--ignore NAME`, and how else the column may be taken.
    fn flag(&self, types: &[Kind]) -> String {
        let name = quoted(&shorten(&self.name));
        let types = types.iter().map(|kind| format!("--types {name}={}", kind.name()));
        types.chain([format!("--ignore {name}")]).collect::<Vec<_>>().join(", ")
    }

    /// Leaves the column out.
    fn left_out(mut self, reason: &str) -> Self {
        self.leave("left out".to_string(), reason);
        self
    }

    /// Says that the column is left out, and warns of it.
    fn leave(&mut self, choice: String, reason: &str) {
        let column = shorten(&self.name).into_owned();
        self.warnings.push(format!("column \"{column}\" is {choice}: {reason}"));
        // Kept by its name, and all others by the pattern.
        self.say(choice, reason, format!("--columns \"{column},*\""));
    }

    fn push(&mut self, name: String, values: Vec<f32>, gapped: bool) {
        self.features.push(Feature { name, values, gapped });
    }

    /// A column with 1 in the rows without a value.
    fn indicate(&mut self, rows: usize) {
        if self.missing.is_empty() {
            return;
        }
        let mut values = vec![0.0; rows];
        self.missing.iter().for_each(|&row| values[row as usize] = 1.0);
        self.push(format!("{}=(missing)", self.name), values, false);
    }

    /// How its missing values are taken, as a clause.
    fn filled(&self, by: &str) -> String {
        match self.missing.len() {
            0 => String::new(),
            1 => format!("; 1 missing value by {by}, with an indicator"),
            count => format!("; {count} missing values by {by}, with an indicator"),
        }
    }
}

/// The name as a shell takes it.
fn quoted(name: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "_-.".contains(c);
    if !name.is_empty() && name.chars().all(plain) { name.to_string() } else { format!("\"{name}\"") }
}

/// Makes numbers of one column. `asked`: it was named, and so is kept; `kind`: what it was said to hold; `classes`:
/// the classes of the rows, only to warn of a column that repeats them.
pub(super) fn column(
    reading: &Reading<'_>,
    name: &str,
    cells: Cells,
    asked: bool,
    kind: Option<Kind>,
    classes: Option<&[Option<u32>]>,
) -> Result<Encoded> {
    let mut out = Encoded::named(name);
    let marked = matches!(cells, Cells::Levels(_));
    let texts = match cells {
        // What they were said to hold is looked for in what they would be written as.
        Cells::Numbers(values) if kind.is_some_and(|kind| kind != Kind::Number) => number_texts(&values),
        Cells::Whole(values) if kind.is_some_and(|kind| kind != Kind::Number) => {
            let text = |value: &Option<i128>| value.map(|value| value.to_string());
            Texts::Large(values.iter().map(text).collect())
        }
        Cells::Whole(whole) => {
            let values = whole.iter().map(|value| value.map_or(f64::NAN, |value| value as f64)).collect();
            let written = Written {
                values,
                whole: Some(whole),
                form: Form::default(),
                apart: &[],
                texts: None,
                retyped: false,
            };
            return numbers(reading, out, written, asked, classes);
        }
        Cells::Numbers(values) => {
            if kind.is_none()
                && let Some(seconds) = moments::eight_digits(&values)
            {
                return moment(reading, out, &seconds, false, Some((moments::Form::Digits, false)));
            }
            let written = Written {
                values,
                whole: None,
                form: Form::default(),
                apart: &[],
                texts: None,
                retyped: false,
            };
            return numbers(reading, out, written, asked, classes);
        }
        Cells::Truths(values) => return truths(reading, out, &values, ("false", "true"), classes),
        Cells::Moments(values, timed) => return moment(reading, out, &values, timed, None),
        Cells::Vectors { width, values } => return vectors(reading, out, width, &values),
        Cells::Other(kind, _) => {
            return Ok(out.left_out(&format!("no numbers can be made of the type {kind}")));
        }
        Cells::Levels(texts) | Cells::Texts(texts) => texts,
    };
    let found = if marked && kind.is_none() {
        Found::Levels(Census::of(&texts))
    } else {
        infer(reading, name, &texts, asked, kind)?
    };
    if let Found::Levels(census) | Found::Text(census) = &found
        && kind.is_none()
        && !marked
    {
        warn_of_others(reading, &mut out, census);
    }
    let retyped = reading.typed && kind.is_none();
    match found {
        Found::Numbers { values, form, apart } => {
            let whole = (form == Form::default()).then(|| whole_numbers(&values, &texts)).flatten();
            let written = Written { values, whole, form, apart: &apart, texts: Some(&texts), retyped };
            numbers(reading, out, written, asked || kind.is_some(), classes)
        }
        Found::Truths { values, words } => truths(reading, out, &values, words, classes),
        Found::Moments { values, timed, form, ambiguous } => {
            moment(reading, out, &values, timed, Some((form, ambiguous)))
        }
        Found::Vectors { width, values } => vectors(reading, out, width, &values),
        Found::Keys(reason) => {
            warn_of_others(reading, &mut out, &Census::of(&texts));
            let reason = format!("{reason}, so it tells rows apart and nothing else");
            note_missing(&mut out, texts.iter().map(|text| text.is_none_or(known::missing)));
            if out.missing.is_empty() {
                return Ok(out.left_out(&reason));
            }
            reading.reserve(1)?;
            out.indicate(reading.rows);
            let choice =
                format!("left out, but for an indicator of its {} missing values", out.missing.len());
            out.leave(choice, &reason);
            Ok(out)
        }
        Found::Text(census) => text(reading, out, &texts, &census),
        Found::Levels(census) => levels(reading, out, &texts, &census, asked, classes),
    }
}

/// Warns of a column in which a few values are no dates, or no numbers, as most are.
fn warn_of_others(reading: &Reading<'_>, out: &mut Encoded, census: &Census<'_>) {
    let column = shorten(&out.name).into_owned();
    if let Some(found) = NearlyDates::of(census) {
        let (text, row) = found.odd;
        let place = match reading.lines.of(row) {
            None => format!("row {row}"),
            Some(line) => format!("line {line}"),
        };
        out.warnings.push(format!(
            "column \"{column}\": {} of {} values are dates, but \"{}\" in {place} is none, so that the column is not \
             taken as dates: correct it, or leave it empty",
            found.dates,
            found.all,
            shorten(text)
        ));
    } else if reading.typed
        && let Some(numbers) = partly_numbers(census)
    {
        out.warnings.push(format!(
            "column \"{column}\": {numbers} of {} values are numbers written as text, but not all: take the others as \
             missing with --types {}=number",
            census.present,
            quoted(&column)
        ));
    }
}

fn note_missing(out: &mut Encoded, missing: impl Iterator<Item = bool>) {
    for (row, missing) in (0u32..).zip(missing) {
        if missing {
            out.missing.push(row);
        }
    }
}

/// The numbers that the texts are, if all of them are whole and `f64` may not hold some of them.
fn whole_numbers(values: &[f64], texts: &Texts) -> Option<Vec<Option<i128>>> {
    if !values.iter().any(|value| value.abs() >= EXACT_LIMIT) {
        return None;
    }
    let whole = |(value, text): (&f64, Option<&str>)| {
        if value.is_nan() { Some(None) } else { Some(Some(Decimal::of(text?)?.whole()?)) }
    };
    values.iter().zip(texts.iter()).map(whole).collect()
}

/// The first text that begins with a 0 before another digit, where all numbers are whole and none is below 0.
fn first_code<'a>(values: &[f64], texts: &'a Texts) -> Option<&'a str> {
    if !values.iter().all(|value| value.is_nan() || value.fract() == 0.0 && *value >= 0.0) {
        return None;
    }
    texts.iter().flatten().find(|text| kinds::is_code(text))
}

/// Warns of numbers that may stand for no value.
fn warn_of_sentinels(out: &mut Encoded, values: &[f64]) {
    let column = shorten(&out.name).into_owned();
    for one in suspects(values.iter().copied()) {
        let (value, Sentinel { rows, least, most, .. }) = (one.written(), one);
        let rows = if rows == 1 { "1 row".to_string() } else { format!("{rows} rows") };
        out.warnings.push(format!(
            "column \"{column}\": {value} in {rows} may stand for no value, as all others lie from {least} to {most}; it is \
             taken as a number unless `--missing {}={value}` says otherwise",
            quoted(&column)
        ));
    }
}

/// Numbers as texts, to be taken as levels.
fn number_texts(values: &[f64]) -> Texts {
    let text = |value: &f64| (!value.is_nan()).then(|| value.to_string());
    Texts::Large(values.iter().map(text).collect())
}

/// Warns of a column that has one value per class, and of each class one: the label by another name.
fn warn_of_a_copy(
    out: &mut Encoded,
    keys: impl Iterator<Item = Option<u64>>,
    classes: Option<&[Option<u32>]>,
) {
    let Some(classes) = classes else { return };
    let (mut class_of, mut key_of, mut rows) = (HashMap::new(), HashMap::new(), 0);
    for (key, class) in keys.zip(classes) {
        let (Some(key), Some(class)) = (key, *class) else { continue };
        if *class_of.entry(key).or_insert(class) != class || *key_of.entry(class).or_insert(key) != key {
            return;
        }
        rows += 1;
    }
    if class_of.len() > 1 && rows >= ids::LEAST {
        let column = shorten(&out.name).into_owned();
        out.warnings.push(format!(
            "column \"{column}\" has one value per class: if it is the label by another name, leave it out \
             (--ignore {})",
            quoted(&column)
        ));
    }
}

/// Numbers, and how they were written.
struct Written<'a> {
    values: Vec<f64>,
    /// The same, if they are whole and `f64` may not hold some of them.
    whole: Option<Vec<Option<i128>>>,
    form: Form,
    /// Words that stand for no value.
    apart: &'a [&'a str],
    /// The cells as they are, if they are texts.
    texts: Option<&'a Texts>,
    /// Whether the format has them as texts, though it knows numbers.
    retyped: bool,
}

/// Why numbers that tell rows apart are to be left out; where they may be a feature, a warning takes note of it.
fn note_key(out: &mut Encoded, values: &[f64], whole: Option<&[Option<i128>]>) -> Option<&'static str> {
    let different = || whole.map_or_else(|| ids::all_different(values), ids::all_different_whole);
    let counts = ids::counts_rows(values);
    let sequence = match whole {
        // Small enough for `f64` once the least is taken from them.
        Some(whole) => {
            let least = whole.iter().flatten().min().copied().unwrap_or(0);
            let less = |value: &Option<i128>| {
                value.and_then(|value| value.checked_sub(least)).map_or(f64::NAN, |value| value as f64)
            };
            ids::sequence(&whole.iter().map(less).collect::<Vec<_>>())
        }
        None => ids::sequence(values),
    };
    let (named, doubtful) = (ids::named(&out.name), ids::doubtful(&out.name));
    if (named || doubtful) && counts {
        return Some("it counts the rows");
    }
    if named && different() {
        return Some("its name is that of a key, and every row has a number of its own");
    }
    if (named || doubtful) && sequence.is_some() {
        return Some("its name is that of a key, and its numbers follow one another from row to row");
    }
    if ids::index(&out.name) && ids::index_like(values) {
        return Some("its name is that of an index of rows");
    }
    let found = match sequence {
        _ if counts => Some("counts the rows"),
        Some(found) => Some(found),
        None => {
            (doubtful && different()).then_some("has the name of a key, and a number of its own in every row")
        }
    };
    if let Some(found) = found {
        let column = shorten(&out.name).into_owned();
        out.warnings.push(format!(
            "column \"{column}\" {found}: if it is no feature, leave it out (--ignore {})",
            quoted(&column)
        ));
    }
    None
}

fn numbers(
    reading: &Reading<'_>,
    mut out: Encoded,
    Written { values, whole, form, apart, texts, retyped }: Written<'_>,
    asked: bool,
    classes: Option<&[Option<u32>]>,
) -> Result<Encoded> {
    if let Some(row) = values.iter().position(|value| !value.is_nan() && !(*value as f32).is_finite()) {
        return Err(ReadError::Number {
            file: reading.file.to_string(),
            line: reading.line(row),
            column: shorten(&out.name).into_owned(),
            value: texts
                .and_then(|texts| texts.get(row))
                .map_or_else(|| values[row].to_string(), |text| shorten(text).into_owned()),
            range: " that `f32` can hold",
            hint: match texts {
                None if values[row].is_infinite() => {
                    "write nothing where a value is missing, and rescale the column"
                }
                _ => "rescale the column",
            }
            .to_string(),
        }
        .into());
    }
    note_missing(&mut out, values.iter().map(|value| value.is_nan()));
    if out.missing.len() == values.len() {
        return Ok(out.left_out("it has no value"));
    }
    if !asked && let Some(reason) = note_key(&mut out, &values, whole.as_deref()) {
        return Ok(out.left_out(reason));
    }
    let bits = |value: &f64| (!value.is_nan()).then_some((value + 0.0).to_bits());
    warn_of_a_copy(&mut out, values.iter().map(bits), classes);
    reading.reserve(2)?;
    let narrowed = Narrowed::of(&values, whole.as_deref());
    let column = shorten(&out.name).into_owned();
    warn_of_sentinels(&mut out, &values);
    if let Some(code) = texts.and_then(|texts| first_code(&values, texts)) {
        out.warnings.push(format!(
            "column \"{column}\": \"{}\" begins with a 0, as codes do, and is taken as a number: --types {}=category \
             takes the column as codes",
            shorten(code),
            quoted(&column)
        ));
    }
    if narrowed.merges() {
        let (distinct, kept) = (narrowed.distinct, narrowed.kept);
        out.warnings.push(format!(
            "column \"{column}\": {distinct} different numbers are {kept} after rounding to f32; subtract a constant, \
             and take out what lies far from all others"
        ));
    }
    out.push(out.name.clone(), narrowed.values, true);
    out.indicate(reading.rows);
    let (mut reasons, mut moved) = (Vec::new(), String::new());
    if let Some(says) = form.says() {
        reasons.push(format!("all values are numbers in which {says}"));
    }
    if retyped {
        reasons.push("the format has them as text, but all values are numbers".to_string());
    }
    if !apart.is_empty() {
        let apart: Vec<String> = apart.iter().map(|text| shorten(text).into_owned()).collect();
        reasons.push(format!("{} stands for no value, as all others are numbers", roles::listed(&apart)));
    }
    if let Some(middle) = &narrowed.middle {
        let (distinct, rounded) = (narrowed.distinct, narrowed.rounded);
        moved = format!(", {middle} taken from each");
        reasons.push(format!("{distinct} different numbers would be {rounded} after rounding to f32"));
    }
    if reasons.is_empty() && out.missing.is_empty() {
        return Ok(out);
    }
    if reasons.is_empty() {
        reasons.push("all other values are numbers".to_string());
    }
    let choice = format!("number{moved}{}", out.filled("the pool's median"));
    let flag = out.flag(&[Kind::Category]);
    out.say(choice, reasons.join("; "), flag);
    Ok(out)
}

fn truths(
    reading: &Reading<'_>,
    mut out: Encoded,
    values: &[Option<bool>],
    (no, yes): (&str, &str),
    classes: Option<&[Option<u32>]>,
) -> Result<Encoded> {
    warn_of_a_copy(&mut out, values.iter().map(|value| value.map(u64::from)), classes);
    note_missing(&mut out, values.iter().map(Option::is_none));
    if out.missing.len() == values.len() {
        return Ok(out.left_out("it has no value"));
    }
    reading.reserve(2)?;
    let number = |value: &Option<bool>| value.map_or(0.0, |value| f32::from(u8::from(value)));
    out.push(out.name.clone(), values.iter().map(number).collect(), true);
    out.indicate(reading.rows);
    let choice = format!("truth value, 0 or 1{}", out.filled("the more frequent one of the pool"));
    let flag = out.flag(&[Kind::Category]);
    out.say(choice, format!("all values are {no} or {yes}"), flag);
    Ok(out)
}

fn moment(
    reading: &Reading<'_>,
    mut out: Encoded,
    seconds: &[f64],
    timed: bool,
    form: Option<(moments::Form, bool)>,
) -> Result<Encoded> {
    note_missing(&mut out, seconds.iter().map(|value| value.is_nan()));
    if out.missing.len() == seconds.len() {
        return Ok(out.left_out("it has no value"));
    }
    reading.reserve(2 + 2 * Part::ALL.len())?;
    let rows = seconds.len();
    let known = || seconds.iter().copied().filter(|value| !value.is_nan());
    let least = known().fold(f64::INFINITY, f64::min);
    let most = known().fold(f64::NEG_INFINITY, f64::max);
    let middle = least + (most - least) / 2.0;
    let days = |&value: &f64| if value.is_nan() { 0.0 } else { ((value - middle) / 86_400.0) as f32 };
    out.push(out.name.clone(), seconds.iter().map(days).collect(), true);
    let written = form.map(|(form, _)| form);
    // Months without days have no weekday, and times of day neither.
    let has = |part: &Part| match part {
        Part::Hour => timed,
        Part::Weekday => !matches!(written, Some(moments::Form::Clock | moments::Form::Monthly)),
        Part::Month => written != Some(moments::Form::Clock),
    };
    let parts = Part::ALL.into_iter().filter(has);
    let mut names = vec!["the time in days"];
    for part in parts {
        let first = known().next().map(|value| part.of(value));
        if known().all(|value| Some(part.of(value)) == first) {
            continue;
        }
        names.push(part.name());
        for (wave, of) in [("sin", f64::sin as fn(f64) -> f64), ("cos", f64::cos)] {
            let value = |&value: &f64| {
                if value.is_nan() { 0.0 } else { of(std::f64::consts::TAU * part.of(value)) as f32 }
            };
            let name = format!("{}.{}.{wave}", out.name, part.name());
            out.push(name, seconds.iter().map(value).collect(), true);
        }
    }
    out.indicate(rows);
    let around = if names.len() > 1 { ", what comes round as sine and cosine" } else { "" };
    let choice = format!("date, as {}{around}{}", names.join(", "), out.filled("the pool's medians"));
    let reason = match form {
        None => "the format says so".to_string(),
        Some((form, _)) => format!("all values are dates: {}", form.says()),
    };
    if let Some((form, true)) = form {
        let column = shorten(&out.name).into_owned();
        out.warnings.push(format!(
            "column \"{column}\": dates are read as {}, but day and month could be the other way round; write them \
             as 2021-01-31",
            form.says()
        ));
    }
    let others = match written {
        Some(moments::Form::Digits) => &[Kind::Number, Kind::Category][..],
        _ => &[Kind::Category],
    };
    let flag = out.flag(others);
    out.say(choice, reason, flag);
    Ok(out)
}

fn vectors(reading: &Reading<'_>, mut out: Encoded, width: usize, values: &[f64]) -> Result<Encoded> {
    reading.reserve(width)?;
    let rows = values.chunks(width);
    note_missing(&mut out, rows.clone().map(|row| row.iter().all(|value| value.is_nan())));
    let whole = |row: &[f64]| {
        row.iter().all(|value| (*value as f32).is_finite()) || row.iter().all(|value| value.is_nan())
    };
    if let Some(row) = rows.clone().position(|row| !whole(row)) {
        return Err(ReadError::Number {
            file: reading.file.to_string(),
            line: reading.line(row),
            column: shorten(&out.name).into_owned(),
            value: "a list".to_string(),
            range: " in every element",
            hint: "write no list at all where a value is missing".to_string(),
        }
        .into());
    }
    for at in 0..width {
        let value = |row: &[f64]| if row[at].is_nan() { 0.0 } else { row[at] as f32 };
        out.push(format!("{}#{at}", out.name), rows.clone().map(value).collect(), true);
    }
    out.indicate(reading.rows);
    let choice = format!("{width} numbers side by side{}", out.filled("the pool's medians"));
    let flag = out.flag(&[]);
    out.say(choice, "every row has a list of as many numbers", flag);
    Ok(out)
}

fn text(reading: &Reading<'_>, mut out: Encoded, texts: &Texts, census: &Census<'_>) -> Result<Encoded> {
    let width = reading.text_width.unwrap_or(TEXT_WIDTH);
    reading.reserve(width)?;
    note_missing(&mut out, texts.iter().map(|text| text.is_none_or(known::missing)));
    for (at, values) in hashed(texts, width).into_iter().enumerate() {
        out.push(format!("{}#{at}", out.name), values, false);
    }
    out.indicate(reading.rows);
    let missing = if out.missing.is_empty() { "" } else { "; missing ones have no word, and an indicator" };
    let choice = format!("text: words and pairs of words, hashed to {width} columns{missing}");
    let reason = format!("{} different values in {} rows", census.levels.len(), census.present);
    let flag = format!("--hash N, --features FILE.npy for embeddings, {}", out.flag(&[Kind::Category]));
    out.say(choice, reason, flag);
    Ok(out)
}

fn levels(
    reading: &Reading<'_>,
    mut out: Encoded,
    texts: &Texts,
    census: &Census<'_>,
    asked: bool,
    classes: Option<&[Option<u32>]>,
) -> Result<Encoded> {
    let rows = texts.len();
    let value = |text: Option<&'_ str>| text.filter(|text| !known::missing(text)).is_some();
    note_missing(&mut out, texts.iter().map(|text| !value(text)));
    if census.present == 0 {
        return Ok(out.left_out("it has no value"));
    }
    if census.levels.len() == 1 && out.missing.is_empty() && !asked {
        return Ok(out.left_out("it has one value throughout"));
    }
    let first =
        |text: Option<&str>| text.and_then(|text| census.levels.get(text)).map(|level| level.1 as u64);
    warn_of_a_copy(&mut out, texts.iter().map(first), classes);
    if split::parts(census.levels.keys().copied()) {
        let column = shorten(&out.name).into_owned();
        let name = quoted(&column);
        out.warnings.push(format!(
            "column \"{column}\" names the parts of a split, but is taken as a feature: --split {name} heeds train and \
             test, --ignore {name} leaves it out"
        ));
    }
    let Levels { kept, pooled, least } = Levels::of(census, rows);
    if kept.is_empty() && out.missing.is_empty() {
        return Ok(out.left_out(&format!("no value of it has {least} rows, and no number can be made of it")));
    }
    reading.reserve(kept.len() + 2)?;
    // The only level beside missing ones says what their indicator says.
    let others = usize::from(pooled > 0);
    if kept.len() + others > 1 {
        let place: HashMap<&str, usize> = kept.iter().enumerate().map(|(at, text)| (*text, at)).collect();
        let mut columns = vec![vec![0.0f32; rows]; kept.len() + others];
        for (row, text) in texts.iter().enumerate() {
            let Some(text) = text.filter(|text| !known::missing(text)) else { continue };
            columns[place.get(text).copied().unwrap_or(kept.len())][row] = 1.0;
        }
        let names = kept.iter().copied().chain(["(other)"]);
        for (name, values) in names.zip(columns) {
            out.push(format!("{}={name}", out.name), values, false);
        }
    }
    out.indicate(rows);
    let mut choice = format!("category, a column for each of {} levels", kept.len());
    if pooled > 0 {
        choice.push_str(&format!(
            ", one for the {pooled} that have fewer than {least} rows or are beyond the most frequent"
        ));
    }
    if !out.missing.is_empty() {
        choice.push_str(&format!(", and one for {} missing values", out.missing.len()));
    }
    let reason =
        format!("{} different values in {} rows; unseen ones are all 0", census.levels.len(), census.present);
    let kinds = if pooled > 0 { &[Kind::Text][..] } else { &[] };
    let flag = out.flag(kinds);
    out.say(choice, reason, flag);
    Ok(out)
}
