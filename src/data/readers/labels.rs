//! Labels of text files whose rows all have one.

use super::error::ReadError;
use super::table::Place;
use crate::data::columns::labels::Book;
use crate::data::dataset::Targets;
use crate::error::{Result, shorten};

/// Collects the labels of a text file.
#[derive(Default)]
pub(super) struct LabelBook(Book);

impl LabelBook {
    /// Rows so far.
    pub fn rows(&self) -> usize {
        self.0.rows()
    }

    /// Adds the label of the next row.
    pub fn push(&mut self, place: Place<'_>, text: &str) -> Result<()> {
        if text.is_empty() || text.eq_ignore_ascii_case("nan") {
            return Err(ReadError::NoLabel {
                file: place.file.to_string(),
                line: place.line,
                column: shorten(place.column).into_owned(),
                value: shorten(text).into_owned(),
            }
            .into());
        }
        Ok(self.0.push(place.file, Some(text))?)
    }

    /// The classes, in ascending order.
    pub fn into_targets(self, file: &str) -> Result<Targets> {
        self.0.into_targets(file, "label")
    }
}
