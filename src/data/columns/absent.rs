//! Values that were said to stand for none, taken out before anything is inferred.

use super::numbers::plain;
use super::roles::{matches, position};
use crate::data::readers::ReadError;
use crate::data::table::Decision;
use crate::error::shorten;
use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Float64Type};
use arrow_array::{Array, ArrayRef, BooleanArray};
use arrow_cast::cast;
use arrow_schema::DataType;
use arrow_select::nullif::nullif;

/// Takes what `wanted` names out of the columns: a value as it is written, or another way to write the same number, in
/// all columns, or, as `COLUMN=VALUE`, in those of that name, pattern or position.
///
/// # Errors
/// [`ReadError::Option`] for a value that no cell holds.
pub(super) fn take_out(
    file: &str,
    names: &[String],
    arrays: &mut [ArrayRef],
    wanted: &[String],
) -> Result<Vec<Decision>, ReadError> {
    let mut decisions = Vec::new();
    for text in wanted {
        let named = text.rsplit_once('=').and_then(|(column, value)| {
            let exact =
                names.iter().position(|name| name == column).or_else(|| position(column, names.len()));
            let places: Vec<usize> = match exact {
                Some(at) => vec![at],
                None => (0..names.len()).filter(|&at| matches(column, &names[at])).collect(),
            };
            (!places.is_empty()).then_some((places, value))
        });
        let (places, value) = named.unwrap_or_else(|| ((0..names.len()).collect(), text));
        let value = value.trim();
        let (mut cells, mut columns) = (0, Vec::new());
        for at in places {
            let Some(mask) = equal(&arrays[at], value) else { continue };
            let count = mask.true_count();
            if count == 0 {
                continue;
            }
            arrays[at] = nullif(&arrays[at], &mask).map_err(|error| ReadError::Damaged {
                file: file.to_string(),
                format: "table",
                error: error.to_string(),
            })?;
            cells += count;
            columns.push(shorten(&names[at]).into_owned());
        }
        if cells == 0 {
            return Err(ReadError::Option {
                file: file.to_string(),
                problem: format!("no cell holds \"{}\", which --missing names", shorten(text)),
                hint: "name values as they are written in the file: -999 in all columns, or age=-1 in one"
                    .to_string(),
            });
        }
        decisions.push(Decision {
            what: format!("missing values \"{}\"", shorten(value)),
            choice: format!("{cells} cells of {} hold none", super::roles::listed(&columns)),
            reason: "--missing names them".to_string(),
            flag: Some("--missing".to_string()),
        });
    }
    Ok(decisions)
}

/// The cells that are `value`, as a text or as a number; none where cells are neither.
fn equal(array: &ArrayRef, value: &str) -> Option<BooleanArray> {
    let number = plain(value);
    let same = |text: &str| text.trim() == value || number.is_some() && plain(text.trim()) == number;
    match array.data_type() {
        DataType::Float64 => {
            let number = number?;
            Some(
                array
                    .as_primitive::<Float64Type>()
                    .iter()
                    .map(|cell| cell.map(|cell| cell == number))
                    .collect(),
            )
        }
        DataType::Float32 => {
            let number = number? as f32;
            Some(
                array
                    .as_primitive::<Float32Type>()
                    .iter()
                    .map(|cell| cell.map(|cell| cell == number))
                    .collect(),
            )
        }
        DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..) => None,
        _ => {
            let texts = cast(array, &DataType::LargeUtf8).ok()?;
            Some(texts.as_string::<i64>().iter().map(|cell| cell.map(&same)).collect())
        }
    }
}
