//! [`Table`]: columns of predictions and labels as CSV, JSON lines or Parquet.

use crate::error::Result;
use crate::run::RunError;
use arrow_array::{ArrayRef, Float32Array, RecordBatch, StringArray, UInt64Array};
use parquet::arrow::ArrowWriter;
use serde_json::{Map, Value};
use std::path::Path;
use std::sync::Arc;

/// How a table is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// RFC 4180; an empty field where there is nothing.
    Csv,
    /// A JSON object per line; null where there is nothing.
    Jsonl,
    Parquet,
}

impl Format {
    /// The format that a name's ending says.
    pub fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_lowercase().as_str() {
            "csv" => Some(Format::Csv),
            "jsonl" | "ndjson" => Some(Format::Jsonl),
            "parquet" => Some(Format::Parquet),
            _ => None,
        }
    }
}

/// One column, an entry per row.
#[derive(Clone, Debug, PartialEq)]
pub enum Column {
    Counts(Vec<u64>),
    Shares(Vec<Option<f32>>),
    Texts(Vec<Option<String>>),
}

/// Named columns of one length.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    pub columns: Vec<(String, Column)>,
}

impl Table {
    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.columns.first().map_or(0, |(_, column)| match column {
            Column::Counts(values) => values.len(),
            Column::Shares(values) => values.len(),
            Column::Texts(values) => values.len(),
        })
    }

    /// The table as a file's content.
    ///
    /// # Errors
    /// If the Parquet library fails.
    pub fn bytes(&self, format: Format) -> Result<Vec<u8>> {
        match format {
            Format::Csv => Ok(self.csv()),
            Format::Jsonl => Ok(self.jsonl()),
            Format::Parquet => Ok(self
                .parquet()
                .map_err(|error| RunError::Work { key: "Parquet".to_string(), reason: error.to_string() })?),
        }
    }

    fn csv(&self) -> Vec<u8> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        let mut line =
            |fields: Vec<String>| writer.write_record(&fields).expect("a vector takes every record");
        line(self.columns.iter().map(|(name, _)| name.clone()).collect());
        for row in 0..self.rows() {
            let field = |(_, column): &(String, Column)| match column {
                Column::Counts(values) => values[row].to_string(),
                Column::Shares(values) => values[row].map_or(String::new(), |value| value.to_string()),
                Column::Texts(values) => values[row].clone().unwrap_or_default(),
            };
            line(self.columns.iter().map(field).collect());
        }
        writer.into_inner().expect("a vector is always flushed")
    }

    fn jsonl(&self) -> Vec<u8> {
        let mut text = String::new();
        for row in 0..self.rows() {
            let value = |(name, column): &(String, Column)| {
                let value = match column {
                    Column::Counts(values) => Value::from(values[row]),
                    Column::Shares(values) => Value::from(values[row]),
                    Column::Texts(values) => Value::from(values[row].clone()),
                };
                (name.clone(), value)
            };
            let object: Map<String, Value> = self.columns.iter().map(value).collect();
            text.push_str(&Value::Object(object).to_string());
            text.push('\n');
        }
        text.into_bytes()
    }

    fn parquet(&self) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
        let array = |column: &Column| -> ArrayRef {
            match column {
                Column::Counts(values) => Arc::new(UInt64Array::from(values.clone())),
                Column::Shares(values) => Arc::new(Float32Array::from(values.clone())),
                Column::Texts(values) => Arc::new(StringArray::from(values.clone())),
            }
        };
        let batch =
            RecordBatch::try_from_iter(self.columns.iter().map(|(name, column)| (name, array(column))))?;
        let mut bytes = Vec::new();
        let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None)?;
        writer.write(&batch)?;
        writer.close()?;
        Ok(bytes)
    }
}
