//! Parquet files, through the `parquet` crate.
//!
//! The crate believes what page headers announce: a size is reserved, a length of statistics is allocated, a run
//! is unrolled. So every page header is walked first, and weighed against the file.

use super::columnar::{Batches, FREE_BYTES};
use super::error::ReadError;
use super::seam::caught;
use super::source::{check_inflation, fault};
use crate::durable::input;
use crate::error::{Result, shorten};
use arrow_array::{RecordBatch, RecordBatchOptions};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};
use parquet::basic::Type;
use parquet::errors::ParquetError;
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};
use serde_json::Value;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

/// How a file starts and ends.
pub(super) const MAGIC: &[u8] = b"PAR1";
/// What messages call it.
pub(super) const FORMAT: &str = "Parquet";
/// Rows that are decoded at a time …
const BATCH_ROWS: u64 = 8_192;
/// … fewer where one text, repeated in each, would come to more bytes than these or than the file has.
const BATCH_BYTES: u64 = 16 << 20;
/// Times that a file is gone through, at most: a file of more columns is read several of them at a time.
const PASSES: usize = 64;
/// Bytes of one page header: statistics hold a least and a largest value.
const MAX_HEADER_BYTES: u64 = 16 << 20;

/// Adds the rows of a file; the features that a Hugging Face library has put into it, if it has.
pub(super) fn collect(path: &Path, into: &mut Batches) -> Result<Option<Value>> {
    let file = path.display().to_string();
    caught(&file, FORMAT, || read(&file, path, into))
}

fn read(file: &str, path: &Path, into: &mut Batches) -> Result<Option<Value>> {
    let (mut handle, size) = input::open(path)?;
    let mut ends = [0u8; 4];
    let last = handle.seek(SeekFrom::End(-4)).and_then(|_| handle.read_exact(&mut ends));
    if size < 12 || last.is_err() || ends != *MAGIC {
        let what = "no footer at the end".to_string();
        return Err(ReadError::Truncated { file: file.to_string(), what }.into());
    }
    let refuse = |error: ParquetError| damaged(file, &error);
    // The arrow schema that a writer may have put beside the columns decides nothing that is needed here.
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let copy = handle.try_clone().map_err(|error| fault(file, error))?;
    let metadata = ArrowReaderMetadata::load(&copy, options).map_err(refuse)?;
    let features = huggingface(metadata.metadata());
    let batch_rows = weigh(file, &mut handle, size, metadata.metadata())?;
    into.grow(size);
    let rows = |group: &RowGroupMetaData| usize::try_from(group.num_rows()).unwrap_or(0);
    let rows = metadata.metadata().row_groups().iter().map(rows).fold(0, usize::saturating_add);
    if rows == 0 {
        return Ok(features);
    }
    // A few columns at a time, each of which is one array before the next ones are read: batches of all columns lie
    // between each other in memory, which then is not given back before the last of them is.
    let roots: Vec<usize> = (0..metadata.schema().fields().len()).collect();
    let mut columns = Vec::with_capacity(roots.len());
    for some in roots.chunks(roots.len().div_ceil(PASSES).max(1)) {
        let copy = handle.try_clone().map_err(|error| fault(file, error))?;
        let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(copy, metadata.clone())
            .with_projection(ProjectionMask::roots(metadata.parquet_schema(), some.iter().copied()))
            .with_batch_size(batch_rows as usize)
            .build()
            .map_err(refuse)?;
        let mut part = Batches::new(file, FORMAT);
        for batch in reader {
            let batch = batch.map_err(|error| super::columnar::damaged(file, FORMAT, &error))?;
            into.weigh(&batch)?;
            part.add(batch)?;
        }
        columns.extend(part.into_columns()?.into_iter().map(|(_, column)| column));
    }
    let options = RecordBatchOptions::new().with_row_count(columns.is_empty().then_some(rows));
    let whole = RecordBatch::try_new_with_options(metadata.schema().clone(), columns, &options)
        .map_err(|error| super::columnar::damaged(file, FORMAT, &error))?;
    into.add(whole)?;
    Ok(features)
}

/// What the `datasets` library says of the columns: the names of classes, and which columns are pictures.
fn huggingface(metadata: &ParquetMetaData) -> Option<Value> {
    let entries = metadata.file_metadata().key_value_metadata()?;
    let text = entries.iter().find(|entry| entry.key == "huggingface")?.value.as_deref()?;
    let mut value: Value = serde_json::from_str(text).ok()?;
    Some(value.get_mut("info")?.get_mut("features")?.take())
}

fn damaged(file: &str, error: &ParquetError) -> ReadError {
    let error = shorten(&error.to_string()).into_owned();
    ReadError::Damaged { file: file.to_string(), format: FORMAT, error }
}

/// What the header of one page announces.
#[derive(Clone, Copy, Debug, Default)]
struct Page {
    kind: i64,
    inflated: u64,
    stored: u64,
    values: u64,
    encoding: i64,
}

/// Walks all page headers and refuses what the file cannot hold; the rows to decode at a time.
fn weigh(file: &str, handle: &mut File, size: u64, metadata: &ParquetMetaData) -> Result<u64> {
    const DICTIONARY_PAGE: i64 = 2;
    const DELTA_BYTE_ARRAY: i64 = 7;
    let problem = |problem: String| ReadError::Header { file: file.to_string(), problem };
    let (mut inflated, mut values, mut longest) = (0u64, 0u64, 1u64);
    for group in metadata.row_groups() {
        if group.num_rows() < 0 {
            return Err(problem(format!("a row group of {} rows", group.num_rows())).into());
        }
        for column in group.columns() {
            let start = column.dictionary_page_offset().unwrap_or(column.data_page_offset());
            let ends = u64::try_from(start).ok().zip(u64::try_from(column.compressed_size()).ok());
            let (start, end) = ends
                .and_then(|(start, length)| Some((start, start.checked_add(length)?)))
                .filter(|&(_, end)| end <= size)
                .ok_or_else(|| problem(format!("a column chunk beyond the file's {size} bytes")))?;
            let mut at = start;
            while at < end {
                handle.seek(SeekFrom::Start(at)).map_err(|error| fault(file, error))?;
                let room = (end - at).min(MAX_HEADER_BYTES);
                let mut thrift = Thrift { from: BufReader::new(&*handle).take(room) };
                let page = thrift.page().ok_or_else(|| problem(format!("no page header at byte {at}")))?;
                let next = at + (room - thrift.from.limit());
                at = next.checked_add(page.stored).filter(|&at| at <= end).ok_or_else(|| {
                    problem(format!("a page of {} bytes at byte {next}, beyond its column", page.stored))
                })?;
                inflated = inflated.saturating_add(page.inflated);
                if page.kind != DICTIONARY_PAGE {
                    values = values.saturating_add(page.values);
                }
                let repeats = page.kind == DICTIONARY_PAGE || page.encoding == DELTA_BYTE_ARRAY;
                if column.column_type() == Type::BYTE_ARRAY && repeats {
                    longest = longest.max(page.inflated);
                }
                check_inflation(file, inflated, size)?;
                // A column of constants takes next to nothing, and four bytes or more a value once it is read.
                check_inflation(file, values.saturating_mul(4).saturating_sub(FREE_BYTES), size)?;
            }
        }
    }
    Ok((BATCH_BYTES.max(size) / longest).clamp(1, BATCH_ROWS))
}

/// As much of Thrift's compact protocol as it takes to walk a page header.
struct Thrift<R> {
    from: R,
}

impl<R: Read> Thrift<R> {
    fn byte(&mut self) -> Option<u8> {
        let mut one = [0u8];
        self.from.read_exact(&mut one).ok()?;
        Some(one[0])
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    fn integer(&mut self) -> Option<i64> {
        let value = self.varint()?;
        Some((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    /// The next field's number and type; a type of 0 ends the struct.
    fn field(&mut self, last: i64) -> Option<(i64, u8)> {
        let byte = self.byte()?;
        let number = match byte >> 4 {
            0 if byte & 0x0f != 0 => self.integer()?,
            delta => last.checked_add(i64::from(delta))?,
        };
        Some((number, byte & 0x0f))
    }

    fn skip_bytes(&mut self, count: u64) -> Option<()> {
        let copied = std::io::copy(&mut (&mut self.from).take(count), &mut std::io::sink()).ok()?;
        (copied == count).then_some(())
    }

    /// Passes over a value of the given type.
    fn skip(&mut self, kind: u8, depth: usize) -> Option<()> {
        const MAX_DEPTH: usize = 16;
        if depth > MAX_DEPTH {
            return None;
        }
        match kind {
            1 | 2 => Some(()),
            3 => self.byte().map(drop),
            4..=6 => self.varint().map(drop),
            7 => self.skip_bytes(8),
            8 => {
                let count = self.varint()?;
                self.skip_bytes(count)
            }
            9 | 10 => {
                let head = self.byte()?;
                let count = if head >> 4 == 15 { self.varint()? } else { u64::from(head >> 4) };
                // An entry of a list takes a byte even where it is a boolean.
                let kind = if matches!(head & 0x0f, 1 | 2) { 3 } else { head & 0x0f };
                (0..count).try_for_each(|_| self.skip(kind, depth + 1))
            }
            12 => {
                let mut last = 0;
                loop {
                    let (number, kind) = self.field(last)?;
                    if kind == 0 {
                        return Some(());
                    }
                    self.skip(kind, depth + 1)?;
                    last = number;
                }
            }
            _ => None,
        }
    }

    /// A page header.
    fn page(&mut self) -> Option<Page> {
        let (mut page, mut last) = (Page::default(), 0);
        loop {
            let (number, kind) = self.field(last)?;
            match (number, kind) {
                (_, 0) => return Some(page),
                (1, 5) => page.kind = self.integer()?,
                (2, 5) => page.inflated = u64::try_from(self.integer()?).ok()?,
                (3, 5) => page.stored = u64::try_from(self.integer()?).ok()?,
                (5 | 7 | 8, 12) => {
                    let mut last = 0;
                    loop {
                        let (inner, kind) = self.field(last)?;
                        match (number, inner, kind) {
                            (_, _, 0) => break,
                            (_, 1, 5) => page.values = u64::try_from(self.integer()?).ok()?,
                            (5, 2, 5) | (8, 4, 5) => page.encoding = self.integer()?,
                            _ => self.skip(kind, 1)?,
                        }
                        last = inner;
                    }
                }
                _ => self.skip(kind, 0)?,
            }
            last = number;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::{ArrayRef, Float32Array, StringArray};
    use parquet::arrow::ArrowWriter;
    use parquet::file::properties::WriterProperties;
    use std::sync::Arc;

    /// More columns than passes, and several row groups and batches: every column is read whole and under its name.
    #[test]
    fn columns_are_read_a_few_at_a_time() {
        let (rows, width) = (20_000, 2 * PASSES + 3);
        let column = |at: usize| -> ArrayRef {
            match at % 2 {
                0 => Arc::new(Float32Array::from_iter_values((0..rows).map(|row| (row * width + at) as f32))),
                _ => {
                    Arc::new(StringArray::from_iter_values((0..rows).map(|row| format!("{at}:{}", row % 7))))
                }
            }
        };
        let written =
            RecordBatch::try_from_iter((0..width).map(|at| (format!("c{at}"), column(at)))).unwrap();
        let properties = WriterProperties::builder().set_max_row_group_row_count(Some(9_000)).build();
        let mut bytes = Vec::new();
        let mut writer = ArrowWriter::try_new(&mut bytes, written.schema(), Some(properties)).unwrap();
        writer.write(&written).unwrap();
        writer.close().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.parquet");
        std::fs::write(&path, bytes).unwrap();
        let mut batches = Batches::new("t", FORMAT);
        collect(&path, &mut batches).unwrap();
        assert_eq!(batches.rows(), rows);
        let found = batches.into_columns().unwrap();
        assert_eq!(found.len(), width);
        for (at, (field, values)) in found.into_iter().enumerate() {
            assert_eq!((field.name(), &values), (&format!("c{at}"), &column(at)));
        }
    }
}
