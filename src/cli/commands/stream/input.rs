//! Lines of a stream: read one by one within a limit, and parsed by a header.

use super::error::StreamInputError;
use crate::error::Error;
use serde::Deserialize;
use std::io::{BufRead, BufReader, Read};

/// The longest line.
const MAX_LINE: usize = 1 << 20;

/// The lines of a source, by number.
pub(super) struct Lines<'s> {
    source: BufReader<Box<dyn Read + 's>>,
    name: String,
    number: u64,
}

impl<'s> Lines<'s> {
    pub(super) fn new(source: Box<dyn Read + 's>, name: String) -> Self {
        Self { source: BufReader::with_capacity(1 << 16, source), name, number: 0 }
    }

    /// Whether the next line may take its time: what has been read holds no whole one.
    pub(super) fn would_wait(&self) -> bool {
        !self.source.buffer().contains(&b'\n')
    }

    /// What the source is called.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Where the last line stands, for messages.
    pub(super) fn place(&self) -> String {
        format!("{}, line {}", self.name, self.number)
    }

    /// An error with the place of the last line.
    pub(super) fn at(&self, error: Error) -> StreamInputError {
        StreamInputError::At { place: self.place(), error }
    }

    /// The next line without its end; none at the end of the source.
    pub(super) fn next(&mut self) -> Result<Option<String>, StreamInputError> {
        let mut bytes = Vec::new();
        self.number += 1;
        let mut limited = self.source.by_ref().take(MAX_LINE as u64 + 1);
        let read = limited.read_until(b'\n', &mut bytes);
        let place = || format!("{}, line {}", self.name, self.number);
        if let Err(error) = read {
            return Err(StreamInputError::Read {
                place: place(),
                reason: crate::durable::input::words(&error),
            });
        }
        if bytes.is_empty() {
            return Ok(None);
        }
        if bytes.last() == Some(&b'\n') {
            bytes.pop();
            if bytes.last() == Some(&b'\r') {
                bytes.pop();
            }
        } else if bytes.len() > MAX_LINE {
            return Err(StreamInputError::Long { place: place(), limit: MAX_LINE });
        }
        if self.number == 1 && bytes.starts_with(b"\xef\xbb\xbf") {
            bytes.drain(..3);
        }
        match String::from_utf8(bytes) {
            Ok(line) => Ok(Some(line)),
            Err(error) => {
                let offset = error.utf8_error().valid_up_to();
                Err(StreamInputError::NotUtf8 { place: place(), offset })
            }
        }
    }
}

/// A line, taken apart.
pub(super) enum Line {
    Empty,
    Row { inputs: Vec<f32>, label: Option<String> },
    Answer { row: u64, label: String },
}

/// The names of the columns, and which one holds labels.
pub(super) struct Header {
    names: Vec<String>,
    label: Option<usize>,
}

impl Header {
    /// The first line.
    pub(super) fn read(lines: &mut Lines<'_>, label: &str) -> Result<Self, StreamInputError> {
        let name = lines.name.clone();
        let Some(line) = lines.next()? else { return Err(StreamInputError::Empty { name }) };
        let names = fields(&line, lines)?;
        let place = || lines.place();
        let mut sorted: Vec<&String> = names.iter().collect();
        sorted.sort_unstable();
        if let Some(pair) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(StreamInputError::Twice { place: place(), column: pair[0].clone() });
        }
        let label = names.iter().position(|name| name == label);
        match names.len() - usize::from(label.is_some()) {
            0 => Err(StreamInputError::NoColumns { place: place() }),
            _ => Ok(Self { names, label }),
        }
    }

    /// The columns of numbers.
    pub(super) fn columns(&self) -> Vec<String> {
        let numbers = self.names.iter().enumerate().filter(|&(at, _)| Some(at) != self.label);
        numbers.map(|(_, name)| name.clone()).collect()
    }

    /// A line as what it is, the last one of `lines`.
    pub(super) fn parse(&self, line: &str, lines: &Lines<'_>) -> Result<Line, StreamInputError> {
        let line = line.trim();
        if line.is_empty() {
            return Ok(Line::Empty);
        }
        if line.starts_with('{') {
            let (row, label) = answer(line, || lines.place())?;
            return Ok(Line::Answer { row, label });
        }
        let fields = fields(line, lines)?;
        let (found, expected) = (fields.len(), self.names.len());
        if found != expected {
            let (place, hint) = (lines.place(), self.separator_hint());
            return Err(StreamInputError::Ragged { place, found, expected, hint });
        }
        let mut inputs = Vec::with_capacity(expected);
        let mut label = None;
        for (at, (field, column)) in fields.into_iter().zip(&self.names).enumerate() {
            if Some(at) == self.label {
                label = (!field.is_empty()).then_some(field);
                continue;
            }
            match field.parse::<f32>() {
                Ok(value) if value.is_finite() => inputs.push(value),
                parsed => return Err(self.no_number(field, column, parsed.is_ok(), lines.place())),
            }
        }
        Ok(Line::Row { inputs, label })
    }

    /// Why a field is refused that was `read` as no finite number.
    fn no_number(&self, value: String, column: &str, read: bool, place: String) -> StreamInputError {
        let column = column.to_string();
        // Infinities and NaN are written without digits.
        if read && value.contains(|letter: char| letter.is_ascii_digit()) {
            return StreamInputError::Overflow { place, column, value };
        }
        let missing =
            || "leave rows with missing values out, or fill them in; none are skipped here".to_string();
        let hint = self.separator_hint().unwrap_or_else(missing);
        StreamInputError::Number { place, column, value, hint }
    }

    /// What there is to say where the header looks as if its fields were separated by something else.
    fn separator_hint(&self) -> Option<String> {
        let [name] = &self.names[..] else { return None };
        let found = name.contains([';', '\t']);
        found.then(|| {
            "fields are separated by commas, not by `;` or tabs: the header has one column".to_string()
        })
    }
}

/// The fields of a line of CSV, without blanks around them.
fn fields(line: &str, lines: &Lines<'_>) -> Result<Vec<String>, StreamInputError> {
    if !line.contains('"') {
        return Ok(line.split(',').map(|field| field.trim().to_string()).collect());
    }
    // A quoted field ends in its line.
    if line.matches('"').count() % 2 == 1 {
        return Err(StreamInputError::Quote { place: lines.place() });
    }
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(line.as_bytes());
    let record = reader.records().next().and_then(Result::ok).unwrap_or_default();
    Ok(record.iter().map(|field| field.trim().to_string()).collect())
}

/// A line that answers for a row.
pub(super) fn answer(line: &str, place: impl FnOnce() -> String) -> Result<(u64, String), StreamInputError> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Answer {
        row: u64,
        label: serde_json::Value,
    }
    let wrong = |reason: String| StreamInputError::Answer { place: place(), reason };
    let found: Answer = match serde_json::from_str(line) {
        Ok(found) => found,
        Err(error) => return Err(wrong(error.to_string())),
    };
    // Arrays of the fields in their order would be read, too.
    if !line.trim_start().starts_with('{') {
        return Err(wrong("expected an object".to_string()));
    }
    match found.label {
        serde_json::Value::String(label) => Ok((found.row, label)),
        serde_json::Value::Number(label) => Ok((found.row, label.to_string())),
        other => Err(wrong(format!("the label is {other}, expected a text or a number"))),
    }
}
