//! LIBSVM files (`label index:value …`, indices from 1 ascending), made dense; plain or compressed.

use super::error::ReadError;
use super::labels::LabelBook;
use super::source::{Source, fault};
use super::table::Place;
use super::{ReadOptions, shape_of};
use crate::data::dataset::{Dataset, MAX_WIDTH, check_size};
use crate::data::error::DataError;
use crate::data::matrix::Matrix;
use crate::error::{Result, shorten};
use std::io::{BufRead, Read};

/// Bytes of one line.
pub const MAX_LINE_BYTES: usize = 16 << 20;
/// A dense matrix may have this many values …
pub const FREE_VALUES: u128 = 4 << 20;
/// … and this many more per byte of the file: what is not written down is zero, and a few bytes could
/// otherwise ask for any amount of memory.
pub const VALUES_PER_BYTE: u128 = 100;

/// Reads a sparse file. Its width is the largest index that occurs.
pub(super) fn read(name: &str, mut source: Source<'_>, options: &ReadOptions) -> Result<Dataset> {
    source.expect_utf8()?;
    let (file, size) = (source.file.clone(), source.size);
    let mut from = source.into_reader();
    let (mut labels, mut entries, mut ends) = (LabelBook::default(), Vec::new(), Vec::new());
    let (mut text, mut line, mut width) = (Vec::new(), 0, 0);
    loop {
        text.clear();
        line += 1;
        let limit = MAX_LINE_BYTES as u64 + 1;
        let count =
            (&mut from).take(limit).read_until(b'\n', &mut text).map_err(|error| fault(&file, error))?;
        if count == 0 {
            break;
        }
        if count > MAX_LINE_BYTES {
            return Err(ReadError::LongRecord { file, line, limit: MAX_LINE_BYTES, what: "bytes" }.into());
        }
        let place = |column| Place { file: &file, line, column };
        if text.contains(&0) {
            return Err(ReadError::Nul { file, line }.into());
        }
        let row = place("line").utf8(&text)?.split('#').next().unwrap_or("");
        let mut fields = row.split_ascii_whitespace();
        let Some(label) = fields.next() else { continue };
        let problem = |problem: String| ReadError::Line { file: file.clone(), line, problem };
        if label.contains([':', ',']) {
            let text = format!("{:?} is not one label; each line starts with one", shorten(label));
            return Err(problem(text).into());
        }
        labels.push(place("label"), label.strip_prefix('+').unwrap_or(label))?;
        let mut last = 0;
        for field in fields {
            let Some((index, value)) = field.split_once(':') else {
                return Err(problem(format!("{:?} is not index:value", shorten(field))).into());
            };
            let column: usize = index.parse().map_err(|_| {
                problem(format!("{:?} is not an index (a whole number from 1)", shorten(index)))
            })?;
            if column <= last || column > MAX_WIDTH {
                let rule = format!("indices ascend from 1 to at most {MAX_WIDTH}");
                return Err(problem(format!("index {column} after {last}; {rule}")).into());
            }
            let value = place(index).number(value)?;
            entries.push((column as u32 - 1, value));
            last = column;
        }
        width = width.max(last);
        ends.push(entries.len());
    }
    let rows = labels.rows();
    if rows == 0 {
        return Err(DataError::NoRows { name: file }.into());
    }
    if width == 0 {
        return Err(DataError::NoColumns { name: file }.into());
    }
    check_size(&file, rows, width)?;
    let (found, limit) = (rows as u128 * width as u128, FREE_VALUES + u128::from(size) * VALUES_PER_BYTE);
    if found > limit {
        return Err(DataError::TooMany { name: file, what: "values once dense", found, limit }.into());
    }
    let mut inputs = Matrix::zeros(rows, width);
    let mut start = 0;
    for (row, &end) in ends.iter().enumerate() {
        for &(column, value) in &entries[start..end] {
            inputs.row_mut(row)[column as usize] = value;
        }
        start = end;
    }
    let shape = shape_of(&file, width, options)?;
    Dataset::new(name, shape, inputs, labels.into_targets(&file)?, None)
}
