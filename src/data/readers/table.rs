//! CSV tables with a header line (RFC 4180; commas; UTF-8), plain or gzip-compressed.

use super::error::ReadError;
use super::guard::Guard;
use super::source::{Source, fault};
use crate::data::dataset::check_size;
use crate::data::table::Table;
use crate::error::{Result, nearest, shorten};
use arrow_array::builder::StringBuilder;
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, Schema};
use csv::ByteRecord;
use std::path::Path;
use std::sync::Arc;

/// Reads a table: every column as text, null where a field is empty and not quoted.
pub(super) fn read(source: Source<'_>) -> Result<Table> {
    let (file, mut reader, mut record) = start(source)?;
    let names = names(&file, &record)?;
    check_size(&file, 1, names.len())?;
    let mut columns: Vec<StringBuilder> = names.iter().map(|_| StringBuilder::new()).collect();
    let (mut first_line, mut rows) = (0, 0);
    while advance(&file, &mut reader, &mut record)? {
        let line = record.position().map_or(0, csv::Position::line);
        let (expected, found) = (names.len(), record.len());
        if found != expected {
            return Err(ReadError::Ragged { file, line, expected, found }.into());
        }
        for ((bytes, column), name) in record.iter().zip(&mut columns).zip(&names) {
            Place { file: &file, line, column: name }.utf8(bytes)?;
            column.append_option(std::str::from_utf8(bytes).ok().filter(|text| !text.is_empty()));
        }
        if rows == 0 {
            first_line = line;
        }
        rows += 1;
        check_size(&file, rows, 1)?;
    }
    let fields: Vec<Field> = names.iter().map(|name| Field::new(name, DataType::Utf8, true)).collect();
    let columns = columns.iter_mut().map(|column| Arc::new(column.finish()) as ArrayRef).collect();
    let columns = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
        .map_err(|error| ReadError::Header { file: file.clone(), problem: error.to_string() })?;
    Ok(Table { file, columns, typed: false, named: true, first_line, decisions: Vec::new() })
}

/// The names of a table's columns.
pub(super) fn columns(source: Source<'_>) -> Result<Vec<String>, ReadError> {
    let (file, _, record) = start(source)?;
    names(&file, &record)
}

type Records<'a> = csv::Reader<Guard<Box<dyn std::io::BufRead + 'a>>>;

/// The file's name, and a reader of its records.
fn guarded(mut source: Source<'_>) -> Result<(String, Records<'_>), ReadError> {
    source.expect_utf8()?;
    let file = source.file.clone();
    let guard = Guard::new(file.clone(), source.into_reader());
    Ok((file, csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(guard)))
}

/// The file's name, a reader that stands after the header, and the header.
fn start(source: Source<'_>) -> Result<(String, Records<'_>, ByteRecord), ReadError> {
    let (file, mut reader) = guarded(source)?;
    let mut record = ByteRecord::new();
    if !advance(&file, &mut reader, &mut record)? {
        return Err(ReadError::Empty { file });
    }
    Ok((file, reader, record))
}

fn names(file: &str, record: &ByteRecord) -> Result<Vec<String>, ReadError> {
    let name = |(index, bytes): (usize, &[u8])| {
        let column = (index + 1).to_string();
        Place { file, line: 1, column: &column }.utf8(bytes).map(str::to_string)
    };
    record.iter().enumerate().map(name).collect()
}

fn advance<R: std::io::Read>(
    file: &str,
    reader: &mut csv::Reader<R>,
    record: &mut ByteRecord,
) -> Result<bool, ReadError> {
    reader.read_byte_record(record).map_err(|error| match error.into_kind() {
        csv::ErrorKind::Io(error) => fault(file, error),
        // A flexible reader of raw bytes has no other errors; this keeps the words of one that comes.
        other => ReadError::Header { file: file.to_string(), problem: format!("{other:?}") },
    })
}

/// Calls `take` with every record of a table, the first like the others, with the line it begins in; an empty
/// file has none. The limits are those of every table.
///
/// # Errors
/// [`ReadError`] with the place, and what `take` refuses.
pub fn read_records(path: &Path, mut take: impl FnMut(u64, Fields<'_>) -> Result<()>) -> Result<()> {
    let source = match Source::open(path) {
        Err(ReadError::Empty { .. }) => return Ok(()),
        source => source?,
    };
    let (file, mut reader) = guarded(source)?;
    let mut record = ByteRecord::new();
    while advance(&file, &mut reader, &mut record)? {
        let line = record.position().map_or(0, csv::Position::line);
        take(line, Fields { file: &file, line, record: &record })?;
    }
    Ok(())
}

/// The fields of one record.
#[derive(Clone, Copy, Debug)]
pub struct Fields<'a> {
    file: &'a str,
    line: u64,
    record: &'a ByteRecord,
}

impl<'a> Fields<'a> {
    /// The text of a field without the spaces around it, counted from 0; none beyond the last.
    ///
    /// # Errors
    /// [`ReadError::NotUtf8`].
    pub fn get(&self, index: usize) -> Result<Option<&'a str>, ReadError> {
        let column = (index + 1).to_string();
        let place = Place { file: self.file, line: self.line, column: &column };
        self.record.get(index).map(|bytes| place.utf8(bytes)).transpose()
    }
}

/// The nearest of `known`, or what there is.
pub(in crate::data) fn suggest(wanted: &str, known: &[String]) -> String {
    /// How many names are listed where none is near.
    const LISTED: usize = 8;
    if known.len() == 1 && (known[0].contains(';') || known[0].contains('\t')) {
        return "there is only one column: fields must be separated by commas".to_string();
    }
    if let Some(name) = nearest(wanted, known.iter().map(String::as_str)) {
        return format!("did you mean \"{name}\"?");
    }
    let listed: Vec<String> = known.iter().take(LISTED).map(|name| shorten(name).into_owned()).collect();
    let more = if known.len() > LISTED { ", …" } else { "" };
    format!("there are: {}{more}", listed.join(", "))
}

/// Where a field stands, for errors.
pub(super) struct Place<'a> {
    pub file: &'a str,
    pub line: u64,
    pub column: &'a str,
}

impl Place<'_> {
    /// The text of a field, without the spaces around it.
    pub fn utf8<'b>(&self, bytes: &'b [u8]) -> Result<&'b str, ReadError> {
        std::str::from_utf8(bytes).map(str::trim).map_err(|error| ReadError::NotUtf8 {
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
