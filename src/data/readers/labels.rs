//! Labels as they are written, made into classes; and split entries.

use super::error::ReadError;
use super::table::Place;
use crate::data::dataset::{MAX_CLASSES, SplitTag, Targets};
use crate::data::error::DataError;
use crate::error::{Result, shorten};
use std::cmp::Ordering;
use std::collections::HashMap;

/// Collects the labels of a text file. Each different text is a class.
#[derive(Default)]
pub(super) struct LabelBook {
    numbers: HashMap<String, u32>,
    labels: Vec<u32>,
}

impl LabelBook {
    /// Rows so far.
    pub fn rows(&self) -> usize {
        self.labels.len()
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
        let number = match self.numbers.get(text) {
            Some(&number) => number,
            None if self.numbers.len() == MAX_CLASSES => {
                let (name, found) = (place.file.to_string(), MAX_CLASSES as u128 + 1);
                let limit = MAX_CLASSES as u128;
                return Err(DataError::TooMany { name, what: "different labels", found, limit }.into());
            }
            None => {
                let number = self.numbers.len() as u32;
                self.numbers.insert(text.to_string(), number);
                number
            }
        };
        self.labels.push(number);
        Ok(())
    }

    /// Classes in ascending order: by value if every label is a number, else by text. So the classes do
    /// not depend on the order of the rows.
    pub fn into_targets(self) -> Targets {
        let mut names: Vec<(String, u32)> = self.numbers.into_iter().collect();
        let values: Option<Vec<f64>> = names.iter().map(|(name, _)| name.parse().ok()).collect();
        let numeric = values.is_some_and(|values| values.iter().all(|value| value.is_finite()));
        names.sort_by(|(a, _), (b, _)| {
            let by_value = || a.parse::<f64>().ok()?.partial_cmp(&b.parse().ok()?);
            if numeric { by_value().unwrap_or(Ordering::Equal).then(a.cmp(b)) } else { a.cmp(b) }
        });
        let mut class_of = vec![0u32; names.len()];
        for (class, (_, number)) in names.iter().enumerate() {
            class_of[*number as usize] = class as u32;
        }
        let labels = self.labels.into_iter().map(|number| class_of[number as usize]).collect();
        Targets::Class { labels, names: names.into_iter().map(|(name, _)| name).collect() }
    }
}

/// Collects split entries: `train` or `test` in every row, or `none` (or nothing) in every row.
#[derive(Default)]
pub(super) struct SplitBook {
    tags: Vec<SplitTag>,
    rows: usize,
}

impl SplitBook {
    /// Adds the entry of the next row.
    pub fn push(&mut self, place: Place<'_>, text: &str) -> Result<(), ReadError> {
        let tag = match text.to_ascii_lowercase().as_str() {
            "train" => Some(SplitTag::Train),
            "test" => Some(SplitTag::Test),
            "none" | "" => None,
            _ => return Err(Self::refuse(place, text)),
        };
        // Every row has a tag, or none has.
        if self.rows > 0 && tag.is_some() == self.tags.is_empty() {
            return Err(Self::refuse(place, text));
        }
        self.tags.extend(tag);
        self.rows += 1;
        Ok(())
    }

    fn refuse(place: Place<'_>, text: &str) -> ReadError {
        ReadError::SplitValue {
            file: place.file.to_string(),
            line: place.line,
            column: shorten(place.column).into_owned(),
            value: shorten(text).into_owned(),
        }
    }

    /// The split, if there is one.
    pub fn into_split(self) -> Option<Vec<SplitTag>> {
        (!self.tags.is_empty()).then_some(self.tags)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classes(labels: &[&str]) -> (Vec<u32>, Vec<String>) {
        let mut book = LabelBook::default();
        for label in labels {
            book.push(Place { file: "t", line: 1, column: "label" }, label).unwrap();
        }
        let Targets::Class { labels, names } = book.into_targets();
        (labels, names)
    }

    #[test]
    fn classes_are_sorted_by_value_or_by_text() {
        let (labels, names) = classes(&["10", "2", "-1", "2"]);
        assert_eq!((labels, names.join(" ")), (vec![2, 1, 0, 1], "-1 2 10".to_string()));
        let (labels, names) = classes(&["b", "10", "a", "2"]);
        assert_eq!((labels, names.join(" ")), (vec![3, 0, 2, 1], "10 2 a b".to_string()));
    }

    #[test]
    fn identifiers_are_not_classes() {
        let mut book = LabelBook::default();
        let mut push =
            |number: usize| book.push(Place { file: "t", line: 1, column: "id" }, &number.to_string());
        (0..MAX_CLASSES).for_each(|number| push(number).unwrap());
        let error = push(MAX_CLASSES).unwrap_err().to_string();
        assert_eq!(error, "t: 10001 different labels, but at most 10000 are handled");
    }
}
