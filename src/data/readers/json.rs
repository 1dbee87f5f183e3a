//! Records in JSON: one object a line, one array of objects, or one object of columns, as pandas writes them.
//!
//! Values go straight into columns; no tree of them is built, since one may take many times the file's size.

use super::columnar::{FREE_BYTES, TextColumn, table};
use super::error::ReadError;
use super::records::MAX_RECORD_FIELDS;
use super::source::{Source, check_inflation, fault};
use crate::data::error::DataError;
use crate::data::table::{Decision, Table};
use crate::error::{Error, Result, shorten};
use arrow_array::{Array, ArrayRef, BooleanArray, Float32Array, Float64Array, Int64Array};
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::collections::HashMap;
use std::fmt;
use std::io::{BufRead, Read};
use std::sync::Arc;

/// Bytes of one line.
const MAX_LINE_BYTES: usize = 16 << 20;
/// Bytes that an entry which is not there may come to while columns grow.
const CELL_BYTES: u64 = 16;
/// Bytes by which one object a line is told from one object in all.
const SAMPLE_BYTES: usize = 256 << 10;

/// Whether a file starts like JSON.
pub(super) fn recognise(start: &[u8]) -> bool {
    match start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start).trim_ascii_start() {
        [b'{', rest @ ..] => rest.trim_ascii_start().starts_with(b"\""),
        [b'[', rest @ ..] => rest.trim_ascii_start().starts_with(b"{"),
        _ => false,
    }
}

/// How the records are written.
#[derive(Clone, Copy, PartialEq)]
enum Form {
    Lines,
    List,
    Columns,
}

impl Form {
    fn of(sample: &[u8]) -> Self {
        let sample = sample.trim_ascii_start();
        if sample.starts_with(b"[") {
            return Form::List;
        }
        let end = sample.iter().position(|&byte| byte == b'\n').unwrap_or(sample.len());
        let (first, rest) = sample.split_at(end);
        let whole = serde_json::from_slice::<IgnoredAny>(first).is_ok();
        // Several objects on the first line: lines are meant, and the reader of lines says where the second begins.
        let mut objects = serde_json::Deserializer::from_slice(first).into_iter::<IgnoredAny>();
        if !whole && objects.next().is_some_and(|object| object.is_ok()) {
            return Form::Lines;
        }
        if whole && !rest.trim_ascii().is_empty() {
            return Form::Lines;
        }
        // One line in all, or a first line that is no record: columns hold objects or lists.
        let text = String::from_utf8_lossy(&sample[..sample.len().min(4 << 10)]).into_owned();
        let value = text
            .find("\":")
            .or(text.find("\" :"))
            .map_or("", |at| text[at..].trim_start_matches(['"', ':', ' ']));
        let nested = value.trim_start().starts_with(['{', '[']);
        if nested || !whole && !rest.is_empty() { Form::Columns } else { Form::Lines }
    }
}

/// Reads records.
pub(super) fn read(mut source: Source<'_>) -> Result<Table> {
    source.expect_utf8()?;
    let form = Form::of(&source.head(SAMPLE_BYTES)?);
    let mut records = Records::new(&source);
    let mut from = source.into_reader();
    match form {
        Form::Lines => read_lines(from, &mut records)?,
        Form::List | Form::Columns => {
            let mut json = serde_json::Deserializer::from_reader(&mut from);
            let read = match form {
                Form::List => json.deserialize_seq(List(&mut records)),
                _ => json.deserialize_map(Columns(&mut records)),
            };
            let read = read.and_then(|()| json.end());
            records.finish(read, None)?;
            records.expect_no_layout()?;
        }
    }
    records.into_table()
}

fn read_lines(mut from: Box<dyn BufRead + '_>, records: &mut Records) -> Result<()> {
    let (mut text, mut line) = (Vec::new(), 0);
    loop {
        text.clear();
        line += 1;
        let file = || records.file.clone();
        let limit = MAX_LINE_BYTES as u64 + 1;
        let read = (&mut from).take(limit).read_until(b'\n', &mut text);
        let count = read.map_err(|error| fault(&records.file, error))?;
        if count == 0 {
            return Ok(());
        }
        if count > MAX_LINE_BYTES {
            let (limit, what) = (MAX_LINE_BYTES, "bytes");
            return Err(ReadError::LongRecord { file: file(), line, limit, what }.into());
        }
        if text.trim_ascii().is_empty() {
            continue;
        }
        let mut json = serde_json::Deserializer::from_slice(&text);
        let read = json.deserialize_map(Row(records)).and_then(|()| json.end());
        records.finish(read, Some(line))?;
    }
}

/// What a column has been seen to hold, one bit each.
mod kind {
    pub const BOOLEAN: u8 = 1;
    pub const WHOLE: u8 = 2;
    pub const FRACTION: u8 = 4;
    pub const TEXT: u8 = 8;
    pub const LIST: u8 = 16;
    pub const OTHER: u8 = 32;
}

/// A column that grows; rows that do not name it are caught up with when another does.
#[derive(Default)]
struct Column {
    texts: TextColumn,
    rows: usize,
    kinds: u8,
    /// The lists, one after another, and their length.
    lists: Vec<f32>,
    width: usize,
}

/// The columns so far.
struct Records {
    file: String,
    size: u64,
    names: Vec<String>,
    columns: Vec<Column>,
    places: HashMap<String, usize>,
    rows: usize,
    cells: u64,
    /// Whether columns are called by numbers and their rows are not, as where one stands for the other.
    turned: bool,
    fault: Option<Error>,
}

impl Records {
    fn new(source: &Source<'_>) -> Self {
        Self {
            file: source.file.clone(),
            size: source.size,
            names: Vec::new(),
            columns: Vec::new(),
            places: HashMap::new(),
            rows: 0,
            cells: 0,
            turned: false,
            fault: None,
        }
    }

    /// Refuses what pandas writes in a layout of its own (`to_json(orient="split")` and `"table"`): its parts would be
    /// taken for columns.
    fn expect_no_layout(&self) -> Result<()> {
        let has = |name: &str| self.names.iter().any(|other| other == name);
        let parts = |name: &String| name == "schema" || name == "data" || name.starts_with("data.");
        let what = if self.names.len() <= 3 && has("columns") && has("data") {
            "a table that pandas has written with `orient=\"split\"`"
        } else if has("schema") && self.names.len() > 1 && self.names.iter().all(parts) {
            "a table that pandas has written with `orient=\"table\"`"
        } else if self.turned && self.names.len() > self.rows {
            "a table that pandas has written with `orient=\"index\"`"
        } else {
            return Ok(());
        };
        let hint = "write it with `to_json(file, orient=\"records\")`";
        Err(ReadError::OtherFormat { file: self.file.clone(), what, hint }.into())
    }

    /// Adds an entry to the present row.
    fn put(&mut self, name: &str, found: u8, text: Option<&str>, list: &[f32]) -> Result<()> {
        let place = match self.places.get(name) {
            Some(&place) => place,
            None if self.columns.len() == MAX_RECORD_FIELDS => {
                let (name, found) = (self.file.clone(), MAX_RECORD_FIELDS as u128 + 1);
                let limit = MAX_RECORD_FIELDS as u128;
                return Err(DataError::TooMany { name, what: "keys", found, limit }.into());
            }
            None => {
                self.places.insert(name.to_string(), self.columns.len());
                self.names.push(name.to_string());
                self.columns.push(Column::default());
                self.columns.len() - 1
            }
        };
        let column = &mut self.columns[place];
        if column.rows > self.rows {
            let problem = format!("row {} has two entries called {:?}", self.rows, shorten(name));
            return Err(ReadError::Header { file: self.file.clone(), problem }.into());
        }
        self.cells += (self.rows - column.rows) as u64 + 1;
        check_inflation(&self.file, (self.cells * CELL_BYTES).saturating_sub(FREE_BYTES), self.size)?;
        column.catch_up(&self.file, self.rows)?;
        column.kinds |= found;
        if found == kind::LIST && column.kinds == kind::LIST {
            if column.width == 0 {
                column.width = list.len();
            }
            if column.width == list.len() && column.lists.len() == column.rows * column.width {
                column.lists.extend_from_slice(list);
            } else {
                column.kinds |= kind::OTHER;
            }
        }
        column.texts.push(&self.file, text)?;
        column.rows += 1;
        Ok(())
    }

    /// The fault of this reader if it has one, else what the text is.
    fn finish(&mut self, read: serde_json::Result<()>, line: Option<u64>) -> Result<()> {
        if let Some(fault) = self.fault.take() {
            return Err(fault);
        }
        read.map_err(|error| {
            let file = self.file.clone();
            if error.is_io() {
                return fault(&file, error.into());
            }
            let text = error.to_string();
            let problem = text.split(" at line ").next().unwrap_or(&text);
            let (line, column) = (line.unwrap_or(error.line() as u64), error.column());
            let hint = match problem {
                "expected value" | "invalid number" => Some(
                    "JSON has no NaN and no Infinity, which Python writes all the same: write null instead, as \
                     `DataFrame.to_json` does",
                ),
                text if text.contains("expected a column") => Some(
                    "columns are lists, or objects by row; where one of the members holds the records, save that list alone",
                ),
                text if text.contains("expected an object: one record") => Some(
                    "rows are objects with their names, as `DataFrame.to_json(file, orient=\"records\")` writes them",
                ),
                "trailing characters" => Some("write one object on a line, or all of them in one list"),
                _ => None,
            };
            let problem = format!("column {column}: {}", shorten(problem));
            match hint {
                Some(hint) => ReadError::Json { file, line, problem, hint },
                None => ReadError::Line { file, line, problem },
            }
        })?;
        Ok(())
    }

    fn into_table(mut self) -> Result<Table> {
        let cells = (self.rows as u64).saturating_mul(self.columns.len() as u64);
        check_inflation(&self.file, cells.saturating_mul(CELL_BYTES).saturating_sub(FREE_BYTES), self.size)?;
        let (mut columns, mut decisions): (Vec<(String, ArrayRef)>, _) = (Vec::new(), Vec::new());
        for (name, mut column) in self.names.drain(..).zip(self.columns.drain(..)) {
            let given = column.rows;
            column.catch_up(&self.file, self.rows)?;
            if column.kinds & (kind::LIST | kind::OTHER) == 0 {
                columns.push((name, column.into_array()));
                continue;
            }
            let (width, lists) = (column.width, column.lists);
            let even = column.kinds == kind::LIST && width > 0 && given == self.rows;
            let choice = if even && lists.len() == self.rows * width {
                for place in 0..width {
                    let values: Float32Array =
                        lists.iter().skip(place).step_by(width).copied().map(Some).collect();
                    columns.push((format!("{name}_{place}"), Arc::new(values)));
                }
                format!("{width} columns, {name}_0 to {name}_{}", width - 1)
            } else {
                "left out".to_string()
            };
            let reason = match choice.as_str() {
                "left out" => "lists of several lengths, or not of numbers".to_string(),
                _ => format!("every entry is a list of {width} numbers"),
            };
            decisions.push(Decision {
                what: format!("column {}", shorten(&name)),
                choice,
                reason,
                flag: None,
            });
        }
        if self.rows == 0 {
            return Err(ReadError::NoRows { file: self.file }.into());
        }
        table(self.file, columns, decisions)
    }
}

impl Column {
    /// Adds rows without an entry up to the given number of rows.
    fn catch_up(&mut self, file: &str, rows: usize) -> Result<(), DataError> {
        while self.rows < rows {
            self.texts.push(file, None)?;
            self.rows += 1;
        }
        Ok(())
    }

    fn into_array(self) -> ArrayRef {
        let kinds = self.kinds;
        let texts = self.texts.into_array();
        match kinds {
            kind::BOOLEAN => {
                Arc::new(texts.iter().map(|text| text.map(|text| text == "true")).collect::<BooleanArray>())
            }
            kind::WHOLE => {
                let whole: Int64Array = texts.iter().map(|text| text?.parse().ok()).collect();
                if whole.null_count() == texts.null_count() { Arc::new(whole) } else { floats(&texts) }
            }
            _ if kinds != 0 && kinds & !(kind::WHOLE | kind::FRACTION) == 0 => floats(&texts),
            _ => Arc::new(texts),
        }
    }
}

fn floats(texts: &arrow_array::StringArray) -> ArrayRef {
    Arc::new(texts.iter().map(|text| text?.parse::<f64>().ok()).collect::<Float64Array>())
}

/// An array of records.
struct List<'a>(&'a mut Records);

impl<'de> Visitor<'de> for List<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element_seed(Row(self.0))?.is_some() {}
        Ok(())
    }
}

/// One record.
struct Row<'a>(&'a mut Records);

impl<'de> DeserializeSeed<'de> for Row<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Row<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object: one record of a table")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<String>()? {
            map.next_value_seed(Entry { records: self.0, name: &name })?;
        }
        self.0.rows += 1;
        Ok(())
    }
}

/// Columns by name, each a list or an object whose keys number the rows.
struct Columns<'a>(&'a mut Records);

impl<'de> Visitor<'de> for Columns<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of columns")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut rows = 0;
        while let Some(name) = map.next_key::<String>()? {
            self.0.rows = 0;
            map.next_value_seed(Down { records: self.0, name: &name })?;
            rows = rows.max(self.0.rows);
        }
        self.0.rows = rows;
        Ok(())
    }
}

/// The entries of one column.
struct Down<'a> {
    records: &'a mut Records,
    name: &'a str,
}

impl<'de> DeserializeSeed<'de> for Down<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Down<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a column: a list, or an object whose keys number the rows")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element_seed(Entry { records: self.records, name: self.name })?.is_some() {
            self.records.rows += 1;
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let mut first = map.next_key::<String>()?;
        // Numbers name the rows and not the columns.
        self.records.turned |= number(self.name) && first.as_deref().is_some_and(|key| !number(key));
        while first.take().is_some() || map.next_key::<IgnoredAny>()?.is_some() {
            map.next_value_seed(Entry { records: self.records, name: self.name })?;
            self.records.rows += 1;
        }
        Ok(())
    }
}

/// One entry of a record.
struct Entry<'a> {
    records: &'a mut Records,
    name: &'a str,
}

impl Entry<'_> {
    fn put<E: serde::de::Error>(self, found: u8, text: Option<&str>, list: &[f32]) -> Result<(), E> {
        self.records.put(self.name, found, text, list).map_err(|error| {
            let words = E::custom(&error);
            self.records.fault = Some(error);
            words
        })
    }
}

impl<'de> DeserializeSeed<'de> for Entry<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Entry<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<(), E> {
        self.put(kind::BOOLEAN, Some(if value { "true" } else { "false" }), &[])
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<(), E> {
        self.put(kind::WHOLE, Some(&value.to_string()), &[])
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<(), E> {
        self.put(kind::WHOLE, Some(&value.to_string()), &[])
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<(), E> {
        self.put(kind::FRACTION, Some(&value.to_string()), &[])
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<(), E> {
        self.put(kind::TEXT, Some(value), &[])
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        self.put(0, None, &[])
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let (mut numbers, mut plain) = (Vec::new(), true);
        while let Some(numeric) = list.next_element_seed(Numbers(&mut numbers))? {
            plain &= numeric;
        }
        self.put(if plain { kind::LIST } else { kind::OTHER }, None, &numbers)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            let name = format!("{}.{key}", self.name);
            if name.len() > MAX_NAME_BYTES {
                return Err(A::Error::custom(format!("a name of more than {MAX_NAME_BYTES} bytes")));
            }
            map.next_value_seed(Entry { records: self.records, name: &name })?;
        }
        Ok(())
    }
}

/// Bytes of the name that objects within objects come to.
const MAX_NAME_BYTES: usize = 4 << 10;

/// Numbers, in lists or not; whether there is nothing else.
struct Numbers<'a>(&'a mut Vec<f32>);

impl<'de> DeserializeSeed<'de> for Numbers<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<bool, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Numbers<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("numbers")
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<bool, E> {
        self.0.push(value as f32);
        Ok(true)
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<bool, E> {
        self.0.push(value as f32);
        Ok(true)
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<bool, E> {
        self.0.push(value as f32);
        Ok(true)
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<bool, E> {
        self.0.push(f32::from(value));
        Ok(true)
    }

    fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<bool, A::Error> {
        let mut plain = true;
        while let Some(numeric) = list.next_element_seed(Numbers(self.0))? {
            plain &= numeric;
        }
        Ok(plain)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(false)
    }
}
