//! [`Cells`]: the cells of one arrow column by what they can be read as.

use super::exact::EXACT_LIMIT;
use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Float32Type, Float64Type, Int64Type, TimestampMicrosecondType, UInt64Type,
};
use arrow_array::{Array, ArrayRef, FixedSizeListArray, LargeStringArray, PrimitiveArray, StringArray};
use arrow_cast::cast;
use arrow_schema::{DataType, TimeUnit};

/// The cells of a column; row `i` is element `i`.
#[derive(Debug)]
pub(super) enum Cells {
    /// Numbers; NaN where there is none.
    Numbers(Vec<f64>),
    /// Whole numbers, some of which `f64` does not hold.
    Whole(Vec<Option<i128>>),
    /// Truth values.
    Truths(Vec<Option<bool>>),
    /// Seconds since 1970, NaN where there is none, and whether they have a time of day.
    Moments(Vec<f64>, bool),
    /// Texts, of which nothing is known.
    Texts(Texts),
    /// Texts that the format has marked as categories.
    Levels(Texts),
    /// Lists of numbers, all of one length, side by side.
    Vectors { width: usize, values: Vec<f64> },
    /// What no numbers can be made of, with the name of its type.
    Other(String, usize),
}

/// Texts without the spaces around them.
#[derive(Debug)]
pub(super) enum Texts {
    Small(StringArray),
    Large(LargeStringArray),
}

/// A text without the spaces around it; most have none.
fn trimmed(text: &str) -> &str {
    match text.as_bytes() {
        [first, .., last] if first.is_ascii_graphic() && last.is_ascii_graphic() => text,
        _ => text.trim(),
    }
}

impl Texts {
    pub fn len(&self) -> usize {
        match self {
            Texts::Small(array) => array.len(),
            Texts::Large(array) => array.len(),
        }
    }

    /// The text of a row; none where it is null, empty or blank.
    pub fn get(&self, row: usize) -> Option<&str> {
        let text = match self {
            Texts::Small(array) => array.is_valid(row).then(|| array.value(row)),
            Texts::Large(array) => array.is_valid(row).then(|| array.value(row)),
        };
        text.map(trimmed).filter(|text| !text.is_empty())
    }

    /// Whether any text has spaces around it.
    pub fn padded(&self) -> bool {
        let padded = |text: &str| text.trim().len() != text.len() && !text.trim().is_empty();
        match self {
            Texts::Small(array) => array.iter().flatten().any(padded),
            Texts::Large(array) => array.iter().flatten().any(padded),
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = Option<&str>> {
        (0..self.len()).map(|row| self.get(row))
    }
}

impl Cells {
    /// Reads a column of any type.
    pub fn of(array: &ArrayRef) -> Self {
        let other = || Cells::Other(array.data_type().to_string(), array.len());
        let to = |wanted: &DataType| cast(array, wanted).ok();
        let texts = || match array.data_type() {
            DataType::Utf8 => Some(Texts::Small(array.as_string::<i32>().clone())),
            DataType::LargeUtf8 => Some(Texts::Large(array.as_string::<i64>().clone())),
            _ => Some(Texts::Large(to(&DataType::LargeUtf8)?.as_string::<i64>().clone())),
        };
        let micro = DataType::Timestamp(TimeUnit::Microsecond, None);
        match array.data_type() {
            DataType::Null => Cells::Numbers(vec![f64::NAN; array.len()]),
            DataType::Boolean => Cells::Truths(array.as_boolean().iter().collect()),
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
                texts().map_or_else(other, Cells::Texts)
            }
            DataType::Dictionary(_, value) if is_text(value) => texts().map_or_else(other, Cells::Levels),
            DataType::Timestamp(..) | DataType::Date64 | DataType::Date32 => {
                let timed = !matches!(array.data_type(), DataType::Date32);
                match to(&micro) {
                    Some(array) => {
                        let array = array.as_primitive::<TimestampMicrosecondType>();
                        let second = |value: Option<i64>| value.map_or(f64::NAN, |micro| micro as f64 / 1e6);
                        Cells::Moments(array.iter().map(second).collect(), timed)
                    }
                    None => other(),
                }
            }
            DataType::Time32(_) | DataType::Time64(_) | DataType::Duration(_) => match to(&DataType::Int64) {
                Some(array) => {
                    let number = |value: Option<i64>| value.map_or(f64::NAN, |value| value as f64);
                    Cells::Numbers(array.as_primitive::<Int64Type>().iter().map(number).collect())
                }
                None => other(),
            },
            DataType::Int64
                if beyond(array.as_primitive::<Int64Type>().iter().map(|n| n.map(i128::from))) =>
            {
                Cells::Whole(array.as_primitive::<Int64Type>().iter().map(|n| n.map(i128::from)).collect())
            }
            DataType::UInt64
                if beyond(array.as_primitive::<UInt64Type>().iter().map(|n| n.map(i128::from))) =>
            {
                Cells::Whole(array.as_primitive::<UInt64Type>().iter().map(|n| n.map(i128::from)).collect())
            }
            DataType::Float32 => {
                let array = array.as_primitive::<Float32Type>();
                Cells::Numbers(present(array, f64::from))
            }
            kind if kind.is_numeric() => {
                to(&DataType::Float64).map_or_else(other, |array| Cells::Numbers(numbers(&array)))
            }
            DataType::Dictionary(_, value) if value.is_numeric() => {
                to(&DataType::Float64).map_or_else(other, |array| Cells::Numbers(numbers(&array)))
            }
            DataType::FixedSizeList(..) | DataType::List(_) | DataType::LargeList(_) => {
                vectors(array).unwrap_or_else(other)
            }
            _ => other(),
        }
    }

    /// Every cell as text; empty where there is none.
    pub fn texts(&self) -> Vec<String> {
        let number = |&value: &f64| if value.is_nan() { String::new() } else { value.to_string() };
        match self {
            Cells::Numbers(values) | Cells::Moments(values, _) => values.iter().map(number).collect(),
            Cells::Whole(values) => {
                values.iter().map(|value| value.map_or(String::new(), |value| value.to_string())).collect()
            }
            Cells::Truths(values) => {
                values.iter().map(|value| value.map_or(String::new(), |value| value.to_string())).collect()
            }
            Cells::Texts(texts) | Cells::Levels(texts) => {
                texts.iter().map(|text| text.unwrap_or("").to_string()).collect()
            }
            Cells::Vectors { width, values } => vec![String::new(); values.len() / width],
            Cells::Other(_, rows) => vec![String::new(); *rows],
        }
    }
}

fn is_text(kind: &DataType) -> bool {
    matches!(kind, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

/// Whether `f64` may not hold some of the numbers.
fn beyond(mut values: impl Iterator<Item = Option<i128>>) -> bool {
    values.any(|value| value.is_some_and(|value| value.unsigned_abs() > EXACT_LIMIT as u128))
}

fn numbers(array: &ArrayRef) -> Vec<f64> {
    present(array.as_primitive::<Float64Type>(), |value| value)
}

/// The values of an array, NaN where there is none.
fn present<T: ArrowPrimitiveType>(array: &PrimitiveArray<T>, number: impl Fn(T::Native) -> f64) -> Vec<f64> {
    match array.null_count() {
        0 => array.values().iter().map(|&value| number(value)).collect(),
        _ => array.iter().map(|value| value.map_or(f64::NAN, &number)).collect(),
    }
}

/// Lists of numbers that all have one length; a row without a list has no numbers either.
fn vectors(array: &ArrayRef) -> Option<Cells> {
    let length = |row: usize| match array.data_type() {
        DataType::FixedSizeList(_, width) => *width,
        DataType::List(_) => array.as_list::<i32>().value_length(row),
        _ => i32::try_from(array.as_list::<i64>().value_length(row)).unwrap_or(0),
    };
    let first = (0..array.len()).find(|&row| array.is_valid(row))?;
    let width = length(first);
    let even = (0..array.len()).all(|row| array.is_null(row) || length(row) == width);
    if width <= 0 || !even {
        return None;
    }
    let item = arrow_schema::Field::new_list_field(DataType::Float64, true);
    let wanted = DataType::FixedSizeList(std::sync::Arc::new(item), width);
    let fixed = cast(array, &wanted).ok()?;
    let fixed: &FixedSizeListArray = fixed.as_fixed_size_list();
    let inner = numbers(&fixed.values().slice(fixed.value_offset_at(0), fixed.len() * width as usize));
    let width = width as usize;
    let value = |at: usize| if fixed.is_null(at / width) { f64::NAN } else { inner[at] };
    Some(Cells::Vectors { width, values: (0..inner.len()).map(value).collect() })
}
