//! Pictures of one size, decoded by the `image` crate: grey where all are grey, else in three colours.

use super::ReadOptions;
use super::columnar::{Batches, typed_table};
use super::error::ReadError;
use super::examples::{Examples, Labels};
use super::seam::caught;
use crate::data::dataset::{MAX_WIDTH, Shape, SplitTag, check_size};
use crate::data::matrix::Matrix;
use crate::data::table::{Decision, Table};
use crate::error::{Result, shorten};
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef, StringArray};
use arrow_schema::{DataType, Field};
use image::{ColorType, DynamicImage, ImageDecoder, ImageReader, Limits};
use serde_json::Value;
use std::io::Cursor;
use std::sync::Arc;

/// Bytes that the decoding of one picture may take beside its result.
const MAX_DECODING_BYTES: u64 = 48 << 20;
/// Columns that labels usually stand in.
const LABELS: [&str; 7] = ["label", "labels", "class", "target", "fine_label", "coarse_label", "y"];

fn problem(name: &str, problem: String) -> ReadError {
    ReadError::Header { file: name.to_string(), problem }
}

fn decoder<'a>(name: &str, bytes: &'a [u8]) -> Result<impl ImageDecoder + 'a, ReadError> {
    let refuse =
        |error: String| problem(name, format!("no picture that can be decoded: {}", shorten(&error)));
    let mut reader = ImageReader::new(Cursor::new(bytes))
        .with_guessed_format()
        .map_err(|error| refuse(error.to_string()))?;
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_DECODING_BYTES);
    reader.limits(limits);
    reader.into_decoder().map_err(|error| refuse(error.to_string()))
}

/// Decodes `count` pictures, whose names and bytes `fetch` gives; each is fetched twice, first for its size.
pub(super) fn decode(
    file: &str,
    count: usize,
    fetch: impl Fn(usize) -> Result<(String, Vec<u8>)>,
    decisions: &mut Vec<Decision>,
) -> Result<(Shape, Matrix)> {
    let mut size: Option<(u32, u32)> = None;
    let mut grey = true;
    for index in 0..count {
        let (name, bytes) = fetch(index)?;
        let decoder = decoder(&name, &bytes)?;
        let (width, height) = decoder.dimensions();
        let first = *size.get_or_insert((width, height));
        if first != (width, height) {
            return Err(ReadError::Option {
                file: name,
                problem: format!(
                    "a picture of {width}x{height}, but the first is of {}x{}",
                    first.0, first.1
                ),
                hint: "resize all to one size, for example with `magick mogrify -resize 32x32!`".to_string(),
            }
            .into());
        }
        grey &=
            matches!(decoder.color_type(), ColorType::L8 | ColorType::L16 | ColorType::La8 | ColorType::La16);
    }
    let (width, height) = size.ok_or_else(|| ReadError::NoRows { file: file.to_string() })?;
    let (width, height, channels) = (width as usize, height as usize, if grey { 1 } else { 3 });
    let shape = Shape::Image { channels, height, width };
    if shape.width() > MAX_WIDTH {
        let text =
            format!("pictures of {shape} are {} numbers, but at most {MAX_WIDTH} are handled", shape.width());
        return Err(problem(file, text).into());
    }
    check_size(file, count, shape.width())?;
    let mut values = Vec::with_capacity(count * shape.width());
    for index in 0..count {
        let (name, bytes) = fetch(index)?;
        let picture = DynamicImage::from_decoder(decoder(&name, &bytes)?).map_err(|error| {
            problem(&name, format!("no picture that can be decoded: {}", shorten(&error.to_string())))
        })?;
        let deep = matches!(
            picture.color(),
            ColorType::L16 | ColorType::La16 | ColorType::Rgb16 | ColorType::Rgba16
        );
        // Sixteen bits are brought to the range of eight: 65,535 is 257 times 255.
        let pixels: Vec<f32> = match (grey, deep) {
            (true, false) => picture.into_luma8().into_raw().into_iter().map(f32::from).collect(),
            (true, true) => {
                picture.into_luma16().into_raw().into_iter().map(|value| f32::from(value) / 257.0).collect()
            }
            (false, false) => picture.into_rgb8().into_raw().into_iter().map(f32::from).collect(),
            (false, true) => {
                picture.into_rgb16().into_raw().into_iter().map(|value| f32::from(value) / 257.0).collect()
            }
        };
        for channel in 0..channels {
            values.extend(pixels.iter().skip(channel).step_by(channels));
        }
    }
    decisions.push(Decision {
        what: "pictures".to_string(),
        choice: shape.to_string(),
        reason: if grey { "all are grey" } else { "not all are grey; transparency is left out" }.to_string(),
        flag: None,
    });
    Ok((shape, Matrix::new(values, count, shape.width())))
}

/// What columns are made: a table, or the examples of a column of pictures.
pub(super) enum Content {
    Table(Table),
    Examples(Examples),
}

/// Makes a table of typed columns, or examples where one column holds pictures (`{bytes, path}`, as the `datasets`
/// library stores them). `features` is what that library says of the columns; `parts` are the rows of each part
/// of an official split.
pub(super) fn content(
    file: &str,
    format: &'static str,
    batches: Batches,
    features: Option<&Value>,
    parts: &[(SplitTag, usize)],
    decisions: Vec<Decision>,
    options: &ReadOptions,
) -> Result<Content> {
    caught(file, format, || make(file, format, batches, features, parts, decisions, options))
}

fn make(
    file: &str,
    format: &'static str,
    batches: Batches,
    features: Option<&Value>,
    parts: &[(SplitTag, usize)],
    mut decisions: Vec<Decision>,
    options: &ReadOptions,
) -> Result<Content> {
    let size = batches.size();
    let mut columns = batches.into_columns()?;
    let tags = || parts.iter().flat_map(|&(tag, rows)| std::iter::repeat_n(tag, rows));
    if let Some(at) = columns.iter().position(|(_, column)| is_picture(column)) {
        let (_, pictures) = columns.swap_remove(at);
        let labels = labels(file, format, &columns, features, options)?;
        let pictures = pictures.as_struct();
        let bytes =
            pictures.column_by_name("bytes").map(|bytes| arrow_cast::cast(bytes, &DataType::LargeBinary));
        let bytes = bytes.transpose().map_err(|error| super::columnar::damaged(file, format, &error))?;
        let bytes = bytes.as_ref().map(|bytes| bytes.as_binary::<i64>());
        let fetch = |row: usize| {
            let name = format!("{file}, row {row}");
            let there = bytes.filter(|bytes| bytes.is_valid(row));
            let there =
                there.ok_or_else(|| problem(&name, "the picture is not in the file itself".to_string()))?;
            Ok((name, there.value(row).to_vec()))
        };
        let (shape, inputs) = decode(file, pictures.len(), fetch, &mut decisions)?;
        let split = (!parts.is_empty()).then(|| tags().collect());
        return Ok(Content::Examples(Examples {
            file: file.to_string(),
            shape,
            inputs,
            labels,
            split,
            target: super::columns::DEFAULT_LABEL.to_string(),
            decisions,
            warnings: Vec::new(),
        }));
    }
    for (field, column) in &mut columns {
        if let Some(names) = class_names(features, field.name()) {
            let numbers = numbers(file, format, column)?;
            let name = |number: Option<i64>| names.get(usize::try_from(number?).ok()?).map(String::as_str);
            *column = Arc::new(numbers.iter().map(|&number| name(number)).collect::<StringArray>());
        }
    }
    if !parts.is_empty() && !columns.iter().any(|(field, _)| field.name() == super::DEFAULT_SPLIT_COLUMN) {
        let split: StringArray =
            tags().map(|tag| Some(if tag == SplitTag::Test { "test" } else { "train" })).collect();
        let field = Field::new(super::DEFAULT_SPLIT_COLUMN, DataType::Utf8, true);
        columns.push((Arc::new(field), Arc::new(split)));
    }
    Ok(Content::Table(typed_table(file, format, size, columns, decisions)?))
}

/// Whether a column holds encoded pictures.
fn is_picture(column: &ArrayRef) -> bool {
    let DataType::Struct(fields) = column.data_type() else { return false };
    let bytes = |field: &Arc<Field>| {
        field.name() == "bytes"
            && matches!(field.data_type(), DataType::Binary | DataType::LargeBinary | DataType::BinaryView)
    };
    fields.len() <= 2
        && fields.iter().any(bytes)
        && fields.iter().all(|field| matches!(field.name().as_str(), "bytes" | "path"))
}

/// The names of a column's classes, where `features` have them.
fn class_names(features: Option<&Value>, column: &str) -> Option<Vec<String>> {
    let feature = features?.get(column)?;
    if feature.get("_type")?.as_str()? != "ClassLabel" {
        return None;
    }
    let names = feature.get("names")?.as_array()?;
    names.iter().map(|name| Some(name.as_str()?.to_string())).collect()
}

fn numbers(file: &str, format: &'static str, column: &ArrayRef) -> Result<Vec<Option<i64>>> {
    let numbers = arrow_cast::cast(column, &DataType::Int64)
        .map_err(|error| super::columnar::damaged(file, format, &error))?;
    Ok(numbers.as_primitive::<Int64Type>().iter().collect())
}

/// The labels of pictures: the column that is asked for, or the one that is called like labels.
fn labels(
    file: &str,
    format: &'static str,
    columns: &[(Arc<Field>, ArrayRef)],
    features: Option<&Value>,
    options: &ReadOptions,
) -> Result<Option<Labels>> {
    let find = |wanted: &str| columns.iter().find(|(field, _)| field.name() == wanted);
    let (field, column) = match &options.columns.label {
        Some(wanted) => find(wanted).ok_or_else(|| {
            let names: Vec<String> = columns.iter().map(|(field, _)| field.name().clone()).collect();
            let hint = super::suggest(wanted, &names);
            ReadError::NoColumn { file: file.to_string(), column: wanted.clone(), hint }
        })?,
        None => match LABELS.iter().find_map(|name| find(name)) {
            Some(found) => found,
            None => return Ok(None),
        },
    };
    let none = |row: usize| ReadError::Element {
        file: file.to_string(),
        row,
        column: 0,
        value: "nothing".to_string(),
        problem: "no label",
        hint: "leave out the rows that have none",
    };
    if column.data_type().is_integer() {
        let numbers = numbers(file, format, column)?;
        let whole: Vec<i64> = numbers
            .iter()
            .enumerate()
            .map(|(row, number)| number.ok_or_else(|| none(row)))
            .collect::<Result<_, _>>()?;
        return Ok(Some(match class_names(features, field.name()) {
            None => Labels::Whole(whole),
            Some(names) => {
                let class = |(row, number): (usize, &i64)| {
                    let known = u32::try_from(*number).ok().filter(|&class| (class as usize) < names.len());
                    known.ok_or_else(|| none(row))
                };
                let classes = whole.iter().enumerate().map(class).collect::<Result<Vec<u32>, _>>()?;
                Labels::Named(classes, names)
            }
        }));
    }
    let texts = arrow_cast::cast(column, &DataType::Utf8)
        .map_err(|error| super::columnar::damaged(file, format, &error))?;
    let texts = texts.as_string::<i32>().iter().enumerate();
    let texts = texts.map(|(row, text)| text.map(str::to_string).ok_or_else(|| none(row)));
    Ok(Some(Labels::Texts(texts.collect::<Result<_, _>>()?)))
}
