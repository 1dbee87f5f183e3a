//! Columns of any reader made one [`Table`]: few types, no nesting, no two of a name.

use super::error::ReadError;
use super::source::check_inflation;
use crate::data::dataset::{MAX_WIDTH, check_size};
use crate::data::error::DataError;
use crate::data::table::{Decision, RowLines, Table};
use crate::error::{Result, shorten};
use arrow_array::builder::StringBuilder;
use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Int64Type};
use arrow_array::{Array, ArrayRef, Float32Array, RecordBatch, RecordBatchOptions, StringArray};
use arrow_buffer::{Buffer, NullBufferBuilder, OffsetBuffer, ScalarBuffer};
use arrow_schema::{ArrowError, DataType, Field, Schema, TimeUnit};
use std::collections::HashMap;
use std::sync::Arc;

/// A column of text that grows row by row. Costs nothing but its own size while empty.
#[derive(Debug)]
pub(super) struct TextColumn {
    bytes: Vec<u8>,
    ends: Vec<i32>,
    nulls: NullBufferBuilder,
}

impl Default for TextColumn {
    fn default() -> Self {
        Self { bytes: Vec::new(), ends: Vec::new(), nulls: NullBufferBuilder::new(0) }
    }
}

impl TextColumn {
    /// Adds the entry of the next row.
    pub fn push(&mut self, file: &str, text: Option<&str>) -> Result<(), DataError> {
        self.bytes.extend_from_slice(text.unwrap_or("").as_bytes());
        let end = i32::try_from(self.bytes.len()).map_err(|_| text_limit(file, self.bytes.len()))?;
        self.ends.push(end);
        self.nulls.append(text.is_some());
        Ok(())
    }

    /// Whether no row has an entry.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The entries.
    pub fn into_array(mut self) -> StringArray {
        let ends: Vec<i32> = std::iter::once(0).chain(self.ends).collect();
        let offsets = OffsetBuffer::new(ScalarBuffer::from(ends));
        StringArray::new(offsets, Buffer::from_vec(self.bytes), self.nulls.finish())
    }
}

fn text_limit(file: &str, found: usize) -> DataError {
    let (name, found, limit) = (file.to_string(), found as u128, i32::MAX as u128);
    DataError::TooMany { name, what: "bytes of text in a column", found, limit }
}

/// A table of columns that have names of their own and types that are taken as they are.
pub(super) fn table(
    file: String,
    columns: Vec<(String, ArrayRef)>,
    mut decisions: Vec<Decision>,
) -> Result<Table> {
    let rows = columns.first().map_or(0, |(_, column)| column.len());
    if columns.is_empty() {
        return Err(DataError::NoColumns { name: file }.into());
    }
    if rows == 0 {
        return Err(ReadError::NoRows { file }.into());
    }
    check_size(&file, rows, columns.len())?;
    let mut fields = Vec::with_capacity(columns.len());
    let mut arrays = Vec::with_capacity(columns.len());
    let mut places: HashMap<String, usize> = HashMap::new();
    for (index, (mut name, column)) in columns.into_iter().enumerate() {
        if name.is_empty() && places.contains_key("") {
            name = format!("unnamed {}", index + 1);
            decisions.push(Decision {
                what: format!("column {}", index + 1),
                choice: format!("called {name:?}"),
                reason: "it has no name, and neither has another before it".to_string(),
                flag: None,
            });
        }
        if let Some(&first) = places.get(&name) {
            return Err(
                ReadError::SameColumn { file, column: name, first: first + 1, second: index + 1 }.into()
            );
        }
        fields.push(Field::new(&name, column.data_type().clone(), true));
        places.insert(name, index);
        arrays.push(column);
    }
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    let columns = RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), arrays, &options)
        .map_err(|error| damaged(&file, "table", &error))?;
    Ok(Table {
        file,
        columns,
        typed: true,
        named: true,
        lines: RowLines::default(),
        decisions,
        warnings: Vec::new(),
    })
}

/// What an arrow crate finds wrong with a file.
pub(super) fn damaged(file: &str, format: &'static str, error: &ArrowError) -> ReadError {
    ReadError::Damaged { file: file.to_string(), format, error: shorten(&error.to_string()).into_owned() }
}

/// Record batches as they come, of one file or of several, made one table at the end; what they hold may not exceed
/// by far what files of their size can say.
pub(super) struct Batches {
    file: String,
    format: &'static str,
    size: u64,
    bytes: u64,
    rows: usize,
    batches: Vec<RecordBatch>,
}

/// Bytes that a file of columns may come to, however small it is, beyond the limit for any compressed file.
pub(super) const FREE_BYTES: u64 = 28 << 20;

impl Batches {
    pub fn new(file: &str, format: &'static str) -> Self {
        Self { file: file.to_string(), format, size: 0, bytes: 0, rows: 0, batches: Vec::new() }
    }

    /// Rows so far.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Bytes of all files so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Lets `size` more bytes of file speak for what comes.
    pub fn grow(&mut self, size: u64) {
        self.size = self.size.saturating_add(size);
    }

    /// Takes the next batch.
    pub fn push(&mut self, batch: RecordBatch) -> Result<()> {
        self.weigh(&batch)?;
        self.add(batch)
    }

    /// Counts what columns take, of a batch or of a part of one, before they are kept.
    pub fn weigh(&mut self, batch: &RecordBatch) -> Result<()> {
        for column in batch.columns() {
            // Columns without values, and runs, take next to nothing until they are unrolled.
            let bytes = column.get_array_memory_size().max(column.len().saturating_mul(4));
            self.bytes = self.bytes.saturating_add(bytes as u64);
        }
        Ok(check_inflation(&self.file, self.bytes.saturating_sub(FREE_BYTES), self.size)?)
    }

    /// Keeps a batch that has been weighed.
    pub fn add(&mut self, batch: RecordBatch) -> Result<()> {
        self.rows = self.rows.saturating_add(batch.num_rows());
        check_size(&self.file, self.rows, batch.num_columns())?;
        self.batches.push(batch);
        Ok(())
    }

    /// The columns of all batches, each under its name.
    pub fn into_columns(self) -> Result<Vec<(Arc<Field>, ArrayRef)>> {
        let Some(first) = self.batches.first() else {
            return Err(ReadError::NoRows { file: self.file }.into());
        };
        let schema = first.schema();
        if self.batches.iter().any(|batch| batch.schema().fields().len() != schema.fields().len()) {
            let error = "its parts have different columns".to_string();
            return Err(ReadError::Damaged { file: self.file, format: self.format, error }.into());
        }
        // Parts may have their columns in another order. A column's parts are given back once it is one.
        let mut parts: Vec<Vec<ArrayRef>> = schema.fields().iter().map(|_| Vec::new()).collect();
        for batch in self.batches {
            for ((index, field), parts) in schema.fields().iter().enumerate().zip(&mut parts) {
                let same = batch.schema_ref().field(index).name() == field.name();
                let column =
                    if same { Some(batch.column(index)) } else { batch.column_by_name(field.name()) };
                let Some(column) = column else {
                    let error = format!("not all of its parts have the column {:?}", shorten(field.name()));
                    return Err(ReadError::Damaged { file: self.file, format: self.format, error }.into());
                };
                parts.push(column.clone());
            }
        }
        let mut columns = Vec::new();
        for (field, parts) in schema.fields().iter().zip(parts) {
            let whole = match &parts[..] {
                [only] => only.clone(),
                parts => {
                    let parts: Vec<&dyn Array> = parts.iter().map(AsRef::as_ref).collect();
                    arrow_select::concat::concat(&parts)
                        .map_err(|error| damaged(&self.file, self.format, &error))?
                }
            };
            columns.push((field.clone(), whole));
        }
        Ok(columns)
    }
}

/// A table of typed columns: dictionaries become what they stand for, structs and lists of one length become
/// columns of their own, and text, numbers, dates and times become one type each. What cannot be a column of
/// numbers or text is left out, and said.
pub(super) fn typed_table(
    file: &str,
    format: &'static str,
    size: u64,
    columns: Vec<(Arc<Field>, ArrayRef)>,
    mut decisions: Vec<Decision>,
) -> Result<Table> {
    let warnings = Vec::new();
    let mut plain = Plain { file, format, size, columns: Vec::new(), decisions: &mut decisions, warnings };
    for (field, column) in columns {
        plain.add(field.name(), &column, 0)?;
    }
    let (columns, warnings) = (plain.columns, plain.warnings);
    // Nothing is left but, at most, labels.
    if let (0 | 1, Some(problem)) = (columns.len(), warnings.first()) {
        let (file, problem) = (file.to_string(), problem.clone());
        let hint = "fill the lists in, or leave out the rows without them, and save again".to_string();
        return Err(ReadError::Option { file, problem, hint }.into());
    }
    Ok(Table { warnings, ..table(file.to_string(), columns, decisions)? })
}

struct Plain<'a> {
    file: &'a str,
    format: &'static str,
    size: u64,
    columns: Vec<(String, ArrayRef)>,
    decisions: &'a mut Vec<Decision>,
    warnings: Vec<String>,
}

impl Plain<'_> {
    fn add(&mut self, name: &str, column: &ArrayRef, depth: usize) -> Result<()> {
        /// Structs within structs.
        const MAX_DEPTH: usize = 8;
        let to = |to: &DataType| {
            arrow_cast::cast(column, to).map_err(|error| damaged(self.file, self.format, &error))
        };
        use DataType::{
            Binary, BinaryView, Boolean, Date32, Date64, Decimal32, Decimal64, Decimal128, Decimal256,
            Dictionary, FixedSizeBinary, FixedSizeList, Float16, Float32, Float64, Int8, Int16, Int32, Int64,
            LargeBinary, LargeList, LargeUtf8, List, Null, RunEndEncoded, Struct, Time32, Time64, Timestamp,
            UInt8, UInt16, UInt32, UInt64, Utf8, Utf8View,
        };
        let taken = match column.data_type() {
            Boolean | Int64 | UInt64 | Float32 | Float64 | Date32 | Utf8 => column.clone(),
            Int8 | Int16 | Int32 | UInt8 | UInt16 | UInt32 => to(&Int64)?,
            Float16 => to(&Float32)?,
            // Whole numbers stay exact where they fit.
            Decimal32(_, 0) | Decimal64(_, 0) | Decimal128(_, 0) | Decimal256(_, 0) => {
                let whole = to(&Int64)?;
                if whole.null_count() == column.null_count() { whole } else { to(&Float64)? }
            }
            Decimal32(..) | Decimal64(..) | Decimal128(..) | Decimal256(..) => to(&Float64)?,
            Date64 => to(&Date32)?,
            Timestamp(..) => to(&Timestamp(TimeUnit::Microsecond, None))?,
            Time32(_) | Time64(_) => to(&Time64(TimeUnit::Microsecond)).and_then(|time| {
                arrow_cast::cast(&time, &Int64).map_err(|error| damaged(self.file, self.format, &error))
            })?,
            Null => Arc::new(StringArray::new_null(column.len())),
            LargeUtf8 | Utf8View => self.text(column)?,
            Dictionary(_, values) => {
                self.weigh_dictionary(column)?;
                let plain = arrow_cast::cast(column, values)
                    .map_err(|error| damaged(self.file, self.format, &error))?;
                return self.add(name, &plain, depth);
            }
            RunEndEncoded(_, values) => {
                let plain = arrow_cast::cast(column, values.data_type())
                    .map_err(|error| damaged(self.file, self.format, &error))?;
                return self.add(name, &plain, depth);
            }
            Struct(fields) if depth < MAX_DEPTH => {
                let parts = column.as_struct();
                for (field, part) in fields.iter().zip(parts.columns()) {
                    self.add(&format!("{name}.{}", field.name()), part, depth + 1)?;
                }
                return Ok(());
            }
            FixedSizeList(..) | List(_) | LargeList(_) => return self.list(name, column),
            Binary | LargeBinary | BinaryView | FixedSizeBinary(_) => match written_as_bytes(column) {
                Some(texts) => {
                    self.decisions.push(Decision {
                        what: format!("column {}", shorten(name)),
                        choice: "text".to_string(),
                        reason: "the format has it as bytes, but all of them are text in UTF-8".to_string(),
                        flag: None,
                    });
                    return self.add(name, &texts, depth);
                }
                None => {
                    self.leave_out(name, "bytes are neither numbers nor text");
                    return Ok(());
                }
            },
            other => {
                let reason = format!("{} is neither numbers nor text", shorten(&other.to_string()));
                self.leave_out(name, &reason);
                return Ok(());
            }
        };
        self.columns.push((name.to_string(), taken));
        Ok(())
    }

    fn leave_out(&mut self, name: &str, reason: &str) {
        self.decisions.push(Decision {
            what: format!("column {}", shorten(name)),
            choice: "left out".to_string(),
            reason: reason.to_string(),
            flag: None,
        });
    }

    /// Refuses a dictionary whose texts, written out, are more than the file can say: a long one may be used in
    /// every row.
    fn weigh_dictionary(&self, column: &ArrayRef) -> Result<()> {
        let dictionary = column.as_any_dictionary();
        let refuse = |error| damaged(self.file, self.format, &error);
        let lengths = arrow_cast::cast(dictionary.values(), &DataType::Utf8).map_err(refuse)?;
        let lengths = lengths.as_string::<i32>();
        let keys = arrow_cast::cast(dictionary.keys(), &DataType::Int64).map_err(refuse)?;
        let keys = keys.as_primitive::<Int64Type>().iter().flatten();
        let length = |key: i64| {
            let key = usize::try_from(key).ok().filter(|&key| key < lengths.len());
            key.map_or(0, |key| lengths.value_length(key) as u64)
        };
        let bytes = keys.map(length).fold(0, u64::saturating_add);
        if bytes > i32::MAX as u64 {
            return Err(text_limit(self.file, bytes as usize).into());
        }
        Ok(check_inflation(self.file, bytes.saturating_sub(FREE_BYTES), self.size)?)
    }

    /// Text of another layout, if it is not too long for the usual one.
    fn text(&self, column: &ArrayRef) -> Result<ArrayRef> {
        let mut builder = StringBuilder::new();
        let mut bytes = 0;
        let mut push = |text: Option<&str>| -> Result<()> {
            bytes += text.map_or(0, str::len);
            if bytes > i32::MAX as usize {
                return Err(text_limit(self.file, bytes).into());
            }
            // Views may all look at one text.
            check_inflation(self.file, (bytes as u64).saturating_sub(FREE_BYTES), self.size)?;
            builder.append_option(text);
            Ok(())
        };
        match column.data_type() {
            DataType::LargeUtf8 => column.as_string::<i64>().iter().try_for_each(&mut push)?,
            _ => column.as_string_view().iter().try_for_each(&mut push)?,
        }
        Ok(Arc::new(builder.finish()))
    }

    /// Lists of numbers of one length, an embedding say, as one column for each place.
    fn list(&mut self, name: &str, column: &ArrayRef) -> Result<()> {
        let Some((flat, width)) = vectors(self.file, self.format, column)? else {
            let missing = missing_in_lists(column);
            if missing > 0 {
                let reason =
                    format!("{missing} of its lists of numbers, or of the numbers in them, are missing");
                self.warnings.push(format!("column {} is left out: {reason}", shorten(name)));
                self.leave_out(name, &reason);
            } else {
                self.leave_out(name, "lists of several lengths, or not of numbers");
            }
            return Ok(());
        };
        let rows = column.len();
        check_size(self.file, rows, width.saturating_add(self.columns.len()))?;
        for place in 0..width {
            let values: Float32Array = (0..rows).map(|row| Some(flat[row * width + place])).collect();
            self.columns.push((format!("{name}_{place}"), Arc::new(values)));
        }
        self.decisions.push(Decision {
            what: format!("column {}", shorten(name)),
            choice: format!("{width} columns, {name}_0 to {name}_{}", width.saturating_sub(1)),
            reason: format!("every entry is a list of {width} numbers"),
            flag: None,
        });
        Ok(())
    }
}

/// The numbers of a column of lists, nested or not, that all have one length, row after row, and that length.
pub(super) fn vectors(
    file: &str,
    format: &'static str,
    column: &ArrayRef,
) -> Result<Option<(Vec<f32>, usize)>> {
    /// Lists within lists: channels, rows, columns.
    const MAX_DEPTH: usize = 4;
    let rows = column.len();
    let mut values = column.clone();
    for _ in 0..MAX_DEPTH {
        if values.null_count() > 0 {
            return Ok(None);
        }
        values = match values.data_type() {
            DataType::FixedSizeList(_, width) => {
                let list = values.as_fixed_size_list();
                let start = list.offset() * *width as usize;
                list.values().slice(start, list.len() * *width as usize)
            }
            DataType::List(_) => {
                let list = values.as_list::<i32>();
                let Some(range) = even(list.value_offsets()) else { return Ok(None) };
                list.values().slice(range.0, range.1)
            }
            DataType::LargeList(_) => {
                let list = values.as_list::<i64>();
                let Some(range) = even(list.value_offsets()) else { return Ok(None) };
                list.values().slice(range.0, range.1)
            }
            _ => break,
        };
    }
    if !(values.data_type().is_numeric() || *values.data_type() == DataType::Boolean)
        || values.null_count() > 0
    {
        return Ok(None);
    }
    if rows == 0 || values.is_empty() || !values.len().is_multiple_of(rows) || values.len() / rows > MAX_WIDTH
    {
        return Ok(None);
    }
    let numbers =
        arrow_cast::cast(&values, &DataType::Float32).map_err(|error| damaged(file, format, &error))?;
    Ok(Some((numbers.as_primitive::<Float32Type>().values().to_vec(), values.len() / rows)))
}

/// Bytes as texts, if all of them are: some writers do not mark text as such.
fn written_as_bytes(column: &ArrayRef) -> Option<ArrayRef> {
    if matches!(column.data_type(), DataType::FixedSizeBinary(_)) || column.null_count() == column.len() {
        return None;
    }
    let bytes = arrow_cast::cast(column, &DataType::LargeBinary).ok()?;
    let text =
        |bytes: &[u8]| std::str::from_utf8(bytes).is_ok_and(|text| !text.chars().any(char::is_control));
    if !bytes.as_binary::<i64>().iter().flatten().all(text) {
        return None;
    }
    arrow_cast::cast(&bytes, &DataType::LargeUtf8).ok()
}

/// How many lists of numbers are missing or, where none is, numbers within them; 0 where lists hold something else.
fn missing_in_lists(column: &ArrayRef) -> usize {
    let (mut values, mut missing) = (column.clone(), 0);
    loop {
        if missing == 0 {
            missing = values.null_count();
        }
        values = match values.data_type() {
            DataType::FixedSizeList(..) => values.as_fixed_size_list().values().clone(),
            DataType::List(_) => values.as_list::<i32>().values().clone(),
            DataType::LargeList(_) => values.as_list::<i64>().values().clone(),
            kind => return if kind.is_numeric() { missing } else { 0 },
        };
    }
}

/// Where the values of lists of one length begin, and how many they are.
fn even<T: Copy + Into<i64>>(offsets: &[T]) -> Option<(usize, usize)> {
    let offsets: Vec<i64> = offsets.iter().map(|&offset| offset.into()).collect();
    let (first, last) = (*offsets.first()?, *offsets.last()?);
    let width = offsets.get(1)? - first;
    let even = offsets.windows(2).all(|pair| pair[1] - pair[0] == width);
    even.then_some((first as usize, (last - first) as usize))
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::types::{Float64Type, UInt64Type};
    use arrow_array::{BinaryArray, Decimal128Array, FixedSizeListArray, Int64Array, UInt64Array};

    fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
        RecordBatch::try_from_iter(columns).unwrap()
    }

    #[test]
    fn parts_are_joined_by_the_names_of_their_columns() {
        let numbers = |values: &[i64]| Arc::new(Int64Array::from(values.to_vec())) as ArrayRef;
        let mut batches = Batches::new("t", "Parquet");
        batches.push(batch(vec![("a", numbers(&[1])), ("b", numbers(&[10]))])).unwrap();
        batches.push(batch(vec![("b", numbers(&[20])), ("a", numbers(&[2]))])).unwrap();
        let columns = batches.into_columns().unwrap();
        assert_eq!(&columns[0].1, &numbers(&[1, 2]));
        assert_eq!(&columns[1].1, &numbers(&[10, 20]));
        let mut batches = Batches::new("t", "Parquet");
        batches.push(batch(vec![("a", numbers(&[1]))])).unwrap();
        batches.push(batch(vec![("c", numbers(&[2]))])).unwrap();
        let error = batches.into_columns().unwrap_err();
        assert!(error.to_string().contains("not all of its parts have the column \"a\""), "{error}");
    }

    #[test]
    fn missing_lists_are_said() {
        let lists = [Some(vec![Some(1.0), Some(2.0)]), None, Some(vec![Some(3.0), Some(4.0)])];
        let lists: ArrayRef =
            Arc::new(FixedSizeListArray::from_iter_primitive::<Float32Type, _, _>(lists, 2));
        let numbers: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 3]));
        let named = |name: &str, column: &ArrayRef| {
            (Arc::new(Field::new(name, column.data_type().clone(), true)), column.clone())
        };
        let columns = vec![named("e", &lists), named("label", &numbers)];
        let error = typed_table("t", "Parquet", 1 << 20, columns.clone(), Vec::new()).unwrap_err();
        assert!(error.to_string().contains("column e is left out: 1 of its lists"), "{error}");
        let columns = [columns, vec![named("x", &numbers)]].concat();
        let found = typed_table("t", "Parquet", 1 << 20, columns, Vec::new()).unwrap();
        assert_eq!(found.warnings.len(), 1, "{:?}", found.warnings);
    }

    /// Whole numbers beyond 2^53 were once merged, and text that is not marked as such left out.
    #[test]
    fn whole_numbers_stay_exact_and_bytes_may_be_text() {
        let first = (1u64 << 63) + 1;
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("u", Arc::new(UInt64Array::from(vec![first, first + 1]))),
            (
                "d",
                Arc::new(
                    Decimal128Array::from(vec![1i128 << 60, (1 << 60) + 1])
                        .with_precision_and_scale(20, 0)
                        .unwrap(),
                ),
            ),
            (
                "wide",
                Arc::new(
                    Decimal128Array::from(vec![1i128 << 70, 2]).with_precision_and_scale(38, 0).unwrap(),
                ),
            ),
            ("t", Arc::new(BinaryArray::from(vec![&b"cat"[..], b"d\xc3\xb6g"]))),
            ("b", Arc::new(BinaryArray::from(vec![&b"\x00\x01"[..], b"\xff"]))),
        ];
        let named = columns
            .into_iter()
            .map(|(name, column)| (Arc::new(Field::new(name, column.data_type().clone(), true)), column));
        let found = typed_table("t", "Parquet", 1 << 20, named.collect(), Vec::new()).unwrap();
        let column = |name: &str| found.columns.column_by_name(name).unwrap();
        assert_eq!(column("u").as_primitive::<UInt64Type>().values(), &[first, first + 1]);
        assert_eq!(column("d").as_primitive::<Int64Type>().values(), &[1 << 60, (1 << 60) + 1]);
        assert_eq!(column("wide").as_primitive::<Float64Type>().values(), &[2f64.powi(70), 2.0]);
        assert_eq!(column("t").as_string::<i32>().value(1), "dög");
        assert!(found.columns.column_by_name("b").is_none());
        assert_eq!(
            found.decisions.iter().map(|one| one.choice.as_str()).collect::<Vec<_>>(),
            ["text", "left out"]
        );
    }
}
