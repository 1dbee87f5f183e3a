//! The column of an official split.

use super::cells::Cells;
use super::encode::Reading;
use crate::data::dataset::SplitTag;
use crate::data::readers::ReadError;
use crate::error::shorten;

/// Entries are `train` or `test` in every row, or `none` (or nothing) in every row.
pub(super) fn read(
    reading: &Reading<'_>,
    name: &str,
    cells: &Cells,
) -> Result<Option<Vec<SplitTag>>, ReadError> {
    let mut tags = Vec::new();
    for (row, text) in cells.texts().iter().enumerate() {
        let tag = match text.to_ascii_lowercase().as_str() {
            "train" => Some(SplitTag::Train),
            "test" => Some(SplitTag::Test),
            "none" | "" => None,
            _ => return Err(refuse(reading, name, row, text)),
        };
        // Every row has a tag, or none has.
        if row > 0 && tag.is_some() == tags.is_empty() {
            return Err(refuse(reading, name, row, text));
        }
        tags.extend(tag);
    }
    Ok((!tags.is_empty()).then_some(tags))
}

/// Whether texts are names for the parts of a split, letter case ignored, and more than one.
pub(super) fn parts<'a>(mut levels: impl Iterator<Item = &'a str> + Clone) -> bool {
    const PARTS: [&str; 9] =
        ["train", "training", "test", "testing", "val", "valid", "validation", "dev", "holdout"];
    let some = levels.clone().any(|text| text.to_ascii_lowercase().starts_with("train"));
    let more = levels.clone().nth(1).is_some();
    some && more && levels.all(|text| PARTS.contains(&text.to_ascii_lowercase().as_str()))
}

fn refuse(reading: &Reading<'_>, name: &str, row: usize, text: &str) -> ReadError {
    ReadError::SplitValue {
        file: reading.file.to_string(),
        line: reading.line(row),
        column: shorten(name).into_owned(),
        value: shorten(text).into_owned(),
    }
}
