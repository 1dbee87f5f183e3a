//! TOML with places, and the reader that turns its tables into checked values.
//!
//! A key is known because something asks for it: [`Section`] notes every key that is asked for, and
//! [`Section::finish`] refuses those that nobody asked for, with the nearest that somebody did.

use super::error::{ExperimentError, Place};
use super::keys::Described;
use crate::error::nearest;
use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashSet};
use std::fmt::Display;
use std::hash::Hash;
use std::ops::RangeInclusive;
use std::rc::Rc;
use std::sync::Arc;
use toml::de::{DeTable, DeValue};

type Result<T> = std::result::Result<T, ExperimentError>;

/// A value and where its key was given.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    pub value: Value,
    pub place: Place,
}

/// A TOML value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Text(String),
    Integer(i64),
    Float(f64),
    Boolean(bool),
    /// Dates, and integers beyond 64 bits: nothing here wants them.
    Other(String),
    List(Vec<Node>),
    Table(Table),
}

/// A table, by key.
pub type Table = BTreeMap<String, Node>;

impl Value {
    /// The value as the messages name it.
    fn describe(&self) -> String {
        match self {
            Value::Text(text) => format!("the string \"{text}\""),
            Value::Integer(number) => format!("the integer {number}"),
            Value::Float(number) => format!("the number {number}"),
            Value::Boolean(value) => format!("{value}"),
            Value::Other(text) => text.clone(),
            Value::List(_) => "a list".into(),
            Value::Table(_) => "a table".into(),
        }
    }
}

/// Parses TOML text; `locate` names the place of a byte offset.
pub fn parse(text: &str, locate: &dyn Fn(usize) -> Place) -> Result<Table> {
    match DeTable::parse(text) {
        Ok(table) => Ok(convert_table(table.get_ref(), locate)),
        Err(error) => Err(ExperimentError::Syntax {
            place: locate(error.span().map_or(0, |span| span.start)),
            message: error.message().lines().collect::<Vec<_>>().join("; "),
        }),
    }
}

/// Names the places in a file: line and column from one. A place takes a time that does not grow with the
/// text, since every key and every item of a list has one.
pub fn locate_in(file: &str, text: &str) -> impl Fn(usize) -> Place + use<> {
    /// Bytes whose characters are counted beforehand.
    const BLOCK: usize = 256;
    let starts_character = |byte: &&u8| !matches!(**byte, 0x80..=0xbf);
    let file: Arc<str> = file.into();
    let bytes = text.as_bytes().to_vec();
    let ends = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
    let lines: Vec<usize> = std::iter::once(0).chain(ends).collect();
    // Characters before each block.
    let blocks: Vec<usize> = std::iter::once(0)
        .chain(bytes.chunks(BLOCK).map(|block| block.iter().filter(starts_character).count()))
        .scan(0, |sum, count| {
            *sum += count;
            Some(*sum)
        })
        .collect();
    move |offset| {
        let characters = |offset: usize| {
            let block = offset / BLOCK;
            blocks[block] + bytes[block * BLOCK..offset].iter().filter(starts_character).count()
        };
        let offset = offset.min(bytes.len());
        let line = lines.partition_point(|&start| start <= offset);
        let column = characters(offset) - characters(lines[line - 1]) + 1;
        Place::File { file: file.clone(), line, column }
    }
}

fn convert_table(table: &DeTable<'_>, locate: &dyn Fn(usize) -> Place) -> Table {
    let entry = |(key, value): (&toml::Spanned<_>, &toml::Spanned<DeValue<'_>>)| {
        let name: &std::borrow::Cow<'_, str> = key.get_ref();
        let place = locate(key.span().start);
        (name.to_string(), Node { value: convert(value.get_ref(), locate), place })
    };
    table.iter().map(entry).collect()
}

fn convert(value: &DeValue<'_>, locate: &dyn Fn(usize) -> Place) -> Value {
    match value {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => Value::Integer(number),
            Err(_) => Value::Other(format!("the integer {} (beyond 64 bits)", number.as_str())),
        },
        DeValue::Float(number) => match number.as_str().parse() {
            Ok(number) => Value::Float(number),
            Err(_) => Value::Other(format!("the number {}", number.as_str())),
        },
        DeValue::Boolean(value) => Value::Boolean(*value),
        DeValue::Datetime(date) => Value::Other(format!("the date {date}")),
        DeValue::Array(items) => Value::List(
            items
                .iter()
                .map(|item| Node { value: convert(item.get_ref(), locate), place: locate(item.span().start) })
                .collect(),
        ),
        DeValue::Table(table) => Value::Table(convert_table(table, locate)),
    }
}

/// One table of an experiment file, read key by key.
#[derive(Debug)]
pub struct Section {
    /// `train.imitation`; empty for the file itself.
    path: String,
    place: Place,
    table: Table,
    asked: Vec<&'static str>,
    /// Keys that would be read under a condition that does not hold, with the condition in words.
    barred: Vec<(&'static str, &'static str)>,
    /// Full names of all keys that were asked for anywhere in the file so far.
    everywhere: Rc<RefCell<Vec<String>>>,
    /// What was asked for, where that is all that is wanted.
    described: Option<Vec<Described>>,
}

impl Section {
    /// The whole file.
    pub fn root(table: Table, file: &str) -> Self {
        let place = Place::File { file: file.into(), line: 1, column: 1 };
        Self::of(String::new(), place, table, Rc::default())
    }

    /// A section without values, which notes what is asked for.
    pub fn describing() -> Self {
        Self { described: Some(Vec::new()), ..Self::root(Table::new(), "") }
    }

    fn of(path: String, place: Place, table: Table, everywhere: Rc<RefCell<Vec<String>>>) -> Self {
        Self { path, place, table, asked: Vec::new(), barred: Vec::new(), everywhere, described: None }
    }

    /// Whether it only notes what is asked for.
    pub fn describes(&self) -> bool {
        self.described.is_some()
    }

    /// Notes what is asked for, if that is wanted.
    pub fn describe(&mut self, key: impl FnOnce() -> Described) {
        if let Some(described) = &mut self.described {
            described.push(key());
        }
    }

    /// Notes of the last key that was asked for where alone it may stand.
    pub fn restrict(&mut self, only: &'static str) {
        if let Some(last) = self.described.as_mut().and_then(|described| described.last_mut()) {
            last.only = only;
        }
    }

    /// Notes a key that is not read, since it is read only so.
    pub fn bar(&mut self, key: &'static str, only: &'static str) {
        self.barred.push((key, only));
    }

    /// What was asked for.
    pub fn descriptions(self) -> Vec<Described> {
        self.described.unwrap_or_default()
    }

    /// The full name of one of its keys.
    pub fn name(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_string() } else { format!("{}.{key}", self.path) }
    }

    /// Where the section begins.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Whether a key is given.
    pub fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// Takes a key's value.
    pub fn take(&mut self, key: &'static str) -> Option<Node> {
        self.asked.push(key);
        self.everywhere.borrow_mut().push(self.name(key));
        self.table.remove(key)
    }

    /// Takes a table.
    pub fn section(&mut self, key: &'static str) -> Result<Option<Section>> {
        let Some(Node { value, place }) = self.take(key) else { return Ok(None) };
        let path = self.name(key);
        match value {
            Value::Table(table) => Ok(Some(self.inner(path, place, table))),
            other => Err(wrong_type(place, path, &other, "a table")),
        }
    }

    fn inner(&self, path: String, place: Place, table: Table) -> Section {
        Section::of(path, place, table, self.everywhere.clone())
    }

    /// Takes a table; an empty one if it is not there.
    pub fn section_or_empty(&mut self, key: &'static str) -> Result<Section> {
        let (path, place) = (self.name(key), self.place.clone());
        Ok(self.section(key)?.unwrap_or_else(|| self.inner(path, place, Table::new())))
    }

    /// Refuses what nobody asked for.
    pub fn finish(self) -> Result<()> {
        let Some((key, node)) = self.table.iter().next() else { return Ok(()) };
        if let Some(&(_, only)) = self.barred.iter().find(|(barred, _)| barred == key) {
            return Err(ExperimentError::Unread { place: node.place.clone(), key: self.name(key), only });
        }
        let elsewhere = || {
            let everywhere = self.everywhere.borrow();
            let same = everywhere.iter().filter(|name| name.rsplit('.').next() == Some(key));
            // Of the places that have this very key, one further down first, and of those the least deep.
            let depth = |name: &str| name.matches('.').count();
            same.max_by_key(|name| (name.starts_with(&self.path), Reverse(depth(name)))).cloned()
        };
        let name = self.name(key);
        let former = FORMER_NAMES.iter().find(|(former, _)| *former == name).map(|(_, now)| now.to_string());
        Err(ExperimentError::UnknownKey {
            place: node.place.clone(),
            key: name,
            nearest: former
                .or_else(elsewhere)
                .or_else(|| nearest(key, self.asked.iter().copied()).map(|near| self.name(near))),
            known: self.asked.iter().map(|key| self.name(key)).collect(),
        })
    }
}

/// Keys of earlier versions, and what they are called now.
const FORMER_NAMES: [(&str, &str); 1] = [("rivals", "search_comparison")];

/// Refuses a list in which something stands twice.
pub fn refuse_twice<'a, T: Eq + Hash + ?Sized + 'a>(
    key: &str,
    list: impl Iterator<Item = (&'a T, &'a Place)>,
    name: impl Fn(&T) -> &str,
) -> Result<()> {
    let mut seen = HashSet::new();
    for (found, place) in list {
        if !seen.insert(found) {
            let (place, key, found) = (place.clone(), key.to_string(), name(found).to_string());
            return Err(ExperimentError::Twice { place, key, found });
        }
    }
    Ok(())
}

/// A node that must be a table.
pub fn section_of(node: Node, name: String) -> Result<Section> {
    match node.value {
        Value::Table(table) => Ok(Section::of(name, node.place, table, Rc::default())),
        other => Err(wrong_type(node.place, name, &other, "a table")),
    }
}

/// A node that must be a string.
pub fn text_of(node: Node, name: String) -> Result<(String, Place)> {
    match node.value {
        Value::Text(text) => Ok((text, node.place)),
        other => Err(wrong_type(node.place, name, &other, "a string")),
    }
}

/// A node that must be `true` or `false`.
pub fn boolean_of(node: Node, name: String) -> Result<bool> {
    match node.value {
        Value::Boolean(value) => Ok(value),
        other => Err(wrong_type(node.place, name, &other, "true or false")),
    }
}

/// A node that must be one of some words.
pub fn word_of<T: Copy>(node: Node, name: String, choices: &[(&str, T)]) -> Result<T> {
    let (found, place) = text_of(node, name.clone())?;
    match choices.iter().find(|(word, _)| *word == found) {
        Some(&(_, value)) => Ok(value),
        None => Err(unknown_word(place, name, found, choices.iter().map(|&(word, _)| word))),
    }
}

/// A node that must be a whole number in `range`.
pub fn integer_of(node: Node, name: String, range: RangeInclusive<u64>) -> Result<u64> {
    match node.value {
        Value::Integer(number) => match u64::try_from(number) {
            Ok(number) if range.contains(&number) => Ok(number),
            _ => Err(out_of_range(node.place, name, number, range)),
        },
        other => Err(wrong_type(node.place, name, &other, "a whole number")),
    }
}

/// A node that must be a number in `range`. NaN is in no range.
pub fn number_of(node: Node, name: String, range: RangeInclusive<f64>) -> Result<f64> {
    let number = match node.value {
        Value::Float(number) => number,
        Value::Integer(number) => number as f64,
        other => return Err(wrong_type(node.place, name, &other, "a number")),
    };
    if range.contains(&number) { Ok(number) } else { Err(out_of_range(node.place, name, number, range)) }
}

/// The error for a word that is none of `known`.
pub fn unknown_word<'a>(
    place: Place,
    key: String,
    found: String,
    known: impl Iterator<Item = &'a str> + Clone,
) -> ExperimentError {
    let nearest = nearest(&found, known.clone()).map(str::to_string);
    ExperimentError::Choice { place, key, found, nearest, known: known.map(str::to_string).collect() }
}

/// The error for a value that is not what is expected.
pub fn wrong_type(place: Place, key: String, found: &Value, expected: &'static str) -> ExperimentError {
    ExperimentError::WrongType { place, key, found: found.describe(), expected }
}

fn out_of_range<T: Display>(
    place: Place,
    key: String,
    found: impl Display,
    range: RangeInclusive<T>,
) -> ExperimentError {
    let (low, high) = (range.start().to_string(), range.end().to_string());
    ExperimentError::OutOfRange { place, key, found: found.to_string(), low, high }
}
