//! Delimited text (RFC 4180 and its relatives; UTF-8), plain or compressed, as columns of text.

use super::ReadOptions;
use super::choices::Separator;
use super::columnar::{TextColumn, table};
use super::dialect::{Dialect, decimal_point, decision};
use super::error::ReadError;
use super::records::{Record, Records};
use super::source::Source;
use crate::data::dataset::check_size;
use crate::data::table::{Decision, RowLines, Table};
use crate::error::{Result, nearest, shorten};
use arrow_array::ArrayRef;
use std::borrow::Cow;
use std::io::BufRead;
use std::path::Path;
use std::sync::Arc;

/// Bytes by which it is decided how a table is to be taken …
const SAMPLE_BYTES: usize = 256 << 10;
/// … more of them until there are so many lines …
const SAMPLE_LINES: usize = 8;
/// … but no more than these.
const MAX_SAMPLE_BYTES: usize = 4 << 20;
/// The column that holds the official split, unless another is named.
pub const DEFAULT_SPLIT_COLUMN: &str = "split";

/// Reads a table; every column is text, with null where nothing stands.
pub(super) fn read(mut source: Source<'_>, options: &ReadOptions) -> Result<Table> {
    let file = source.file.clone();
    let dialect = start(&mut source, options)?;
    let mut records = records(source, dialect.separator, dialect.skipped.1 + 1);
    if dialect.header {
        let Some(record) = records.next()? else { return Err(ReadError::Empty { file }.into()) };
        for (index, bytes) in record.iter().enumerate() {
            Place { file: &file, line: record.line, column: &(index + 1).to_string() }.utf8(bytes)?;
        }
    }
    let Dialect { names, decimal_comma, mut decisions, warnings, header, .. } = dialect;
    // A column costs memory before it holds anything: not before there is a row.
    let mut columns: Vec<TextColumn> = Vec::new();
    let (mut rows, mut blank, mut lines) = (0, 0, RowLines::default());
    while let Some(record) = records.next()? {
        let (line, expected, found) = (record.line, names.len(), record.len());
        if found != expected {
            return Err(ReadError::Ragged { file, line, expected, found }.into());
        }
        if expected > 1 && record.iter().all(|bytes| bytes.trim_ascii().is_empty()) {
            blank += 1;
            continue;
        }
        if rows == 0 {
            columns.resize_with(expected, TextColumn::default);
        }
        let texts = record.texts().map_err(|(field, sound)| ReadError::NotUtf8 {
            file: file.clone(),
            line,
            column: shorten(&names[field]).into_owned(),
            byte: sound + 1,
        })?;
        for (text, column) in texts.zip(&mut columns) {
            let turned = if decimal_comma { decimal_point(text.trim()) } else { None };
            column.push(&file, Some(turned.as_deref().unwrap_or(text)).filter(|text| !is_blank(text)))?;
        }
        lines.push(rows, line);
        rows += 1;
        check_size(&file, rows, expected)?;
    }
    if rows == 0 {
        return Err(ReadError::NoRows { file }.into());
    }
    if blank > 0 {
        let reason = "no field of theirs holds anything".to_string();
        decisions.push(Decision {
            what: "blank rows".to_string(),
            choice: format!("{blank} left out"),
            reason,
            flag: None,
        });
    }
    let mut named: Vec<(String, ArrayRef)> = Vec::new();
    for (position, (name, column)) in names.into_iter().zip(columns).enumerate() {
        if name.is_empty() && column.is_empty() {
            let what = format!("column {}", position + 1);
            decisions.push(decision(&what, "left out".into(), "neither name nor entries".into(), "--header"));
            continue;
        }
        named.push((name, Arc::new(column.into_array())));
    }
    Ok(Table {
        typed: false,
        named: header || dialect.header_is_comment,
        lines,
        warnings,
        ..table(file, named, decisions)?
    })
}

/// Whether a text is empty or nothing but spaces; most begin with a letter or a digit.
fn is_blank(text: &str) -> bool {
    !text.as_bytes().first().is_some_and(u8::is_ascii_graphic) && text.trim().is_empty()
}

/// The names of a table's columns.
pub(super) fn columns(mut source: Source<'_>) -> Result<Vec<String>, ReadError> {
    Ok(start(&mut source, &ReadOptions::default())?.names)
}

/// Decides how a table is to be taken; leaves its first record to come next.
fn start(source: &mut Source<'_>, options: &ReadOptions) -> Result<Dialect, ReadError> {
    source.expect_utf8()?;
    // As much as it takes to see some lines, where lines are long.
    let mut bytes = SAMPLE_BYTES;
    let (sample, whole) = loop {
        let sample = source.head(bytes)?;
        let whole = sample.len() < bytes;
        let lines = sample.iter().filter(|&&byte| byte == b'\n').take(SAMPLE_LINES).count();
        if whole || lines == SAMPLE_LINES || bytes >= MAX_SAMPLE_BYTES || sample.contains(&0) {
            break (sample, whole);
        }
        bytes *= 4;
    };
    let dialect = Dialect::of(&source.file, &sample, whole, options);
    source.fill(&mut vec![0; dialect.skipped.0], "the lines before the table")?;
    Ok(dialect)
}

/// The records, the first of which begins in `line`.
fn records(source: Source<'_>, separator: Separator, line: u64) -> Records<Box<dyn BufRead + '_>> {
    Records::new(source.file.clone(), source.into_reader(), separator, line)
}

/// Calls `take` with every record of a table, the first like the others, with the line it begins in; an empty
/// file has none. What separates fields, where the table begins and which decimal mark numbers have are decided by `options`
/// and the first records, and the limits are those of every table.
///
/// # Errors
/// [`ReadError`] with the place, and what `take` refuses.
pub fn read_records(
    path: &Path,
    options: &ReadOptions,
    mut take: impl FnMut(u64, Fields<'_>) -> Result<()>,
) -> Result<()> {
    let mut source = match Source::open(path) {
        Err(ReadError::Empty { .. }) => return Ok(()),
        source => source?,
    };
    let file = source.file.clone();
    let Dialect { separator, skipped, decimal_comma, .. } = start(&mut source, options)?;
    let mut records = records(source, separator, skipped.1 + 1);
    while let Some(record) = records.next()? {
        take(record.line, Fields { file: &file, record, decimal_comma })?;
    }
    Ok(())
}

/// The fields of one record.
#[derive(Clone, Copy, Debug)]
pub struct Fields<'a> {
    file: &'a str,
    record: Record<'a>,
    decimal_comma: bool,
}

impl<'a> Fields<'a> {
    /// The text of a field without the spaces around it, counted from 0; none beyond the last.
    ///
    /// # Errors
    /// [`ReadError::NotUtf8`].
    pub fn get(&self, index: usize) -> Result<Option<&'a str>, ReadError> {
        let column = (index + 1).to_string();
        let place = Place { file: self.file, line: self.record.line, column: &column };
        self.record.get(index).map(|bytes| place.utf8(bytes)).transpose()
    }

    /// All fields, as [`get`](Self::get) has each.
    ///
    /// # Errors
    /// [`ReadError::NotUtf8`].
    pub fn all(&self) -> Result<Vec<&'a str>, ReadError> {
        (0..self.record.len()).filter_map(|index| self.get(index).transpose()).collect()
    }

    /// A number as it is written in this table with a decimal point: where decimals have a comma, that is turned into one.
    pub fn number<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let turned = if self.decimal_comma { decimal_point(text) } else { None };
        turned.map_or(Cow::Borrowed(text), Cow::Owned)
    }
}

/// The nearest of `known`, or what there is.
pub(in crate::data) fn suggest(wanted: &str, known: &[String]) -> String {
    /// How many names are listed where none is near.
    const LISTED: usize = 8;
    if let [only] = known {
        return format!(
            "there is only one column, {:?}; `--separator` says what fields are separated by",
            shorten(only)
        );
    }
    if let Some(name) = nearest(wanted, known.iter().map(String::as_str)) {
        return format!("did you mean \"{name}\"?");
    }
    let listed: Vec<String> = known.iter().take(LISTED).map(|name| shorten(name).into_owned()).collect();
    let more = if known.len() > LISTED { ", …" } else { "" };
    format!("there are: {}{more}", listed.join(", "))
}

/// Where a field stands, for errors.
pub(in crate::data) struct Place<'a> {
    pub file: &'a str,
    pub line: u64,
    pub column: &'a str,
}

impl Place<'_> {
    /// The text of a field, without the spaces around it.
    pub fn utf8<'b>(&self, bytes: &'b [u8]) -> Result<&'b str, ReadError> {
        self.written(bytes).map(str::trim)
    }

    /// The text of a field as it is written.
    pub fn written<'b>(&self, bytes: &'b [u8]) -> Result<&'b str, ReadError> {
        std::str::from_utf8(bytes).map_err(|error| ReadError::NotUtf8 {
            file: self.file.to_string(),
            line: self.line,
            column: shorten(self.column).into_owned(),
            byte: error.valid_up_to() + 1,
        })
    }

    /// A finite number within the range of `f32`, rounded through `f64` as NumPy does.
    pub fn number(&self, text: &str) -> Result<f32, ReadError> {
        let parsed = text.parse::<f64>();
        if let Ok(value) = parsed
            && (value as f32).is_finite()
        {
            return Ok(value as f32);
        }
        let (range, hint) = match parsed {
            Ok(value) if !value.is_nan() && text.bytes().any(|byte| byte.is_ascii_digit()) => {
                (" that `f32` can hold", "rescale the column")
            }
            Ok(_) => ("", "fill in or leave out missing values first; none are skipped here"),
            Err(_) if text.is_empty() => {
                ("", "fill in or leave out missing values first; none are skipped here")
            }
            Err(_) if text.replacen(',', ".", 1).parse::<f64>().is_ok() => {
                ("", "write decimals with a point, not with a comma")
            }
            Err(_) => ("", "a column that is no feature can be left out (`ignore`)"),
        };
        Err(ReadError::Number {
            file: self.file.to_string(),
            line: self.line,
            column: shorten(self.column).into_owned(),
            value: shorten(text).into_owned(),
            range,
            hint: hint.to_string(),
        })
    }
}
