//! What rows are made of.

use super::EmbedError;
use crate::data::columns::texts;
use crate::data::provenance::Named;
use crate::data::readers::{
    Array, Listed, ReadError, ReadOptions, list_pictures, read_array, read_picture, read_table,
};
use crate::durable::{digest, input};
use crate::error::Result;
use std::ops::Range;
use std::path::Path;

/// Rows of one kind.
#[derive(Clone, Debug)]
pub enum Source {
    /// A column of a table.
    Texts { file: String, input: Named, column: String, texts: Vec<String> },
    /// The pictures of a folder.
    Pictures { folder: String, listed: Listed },
    /// An array, of which a row is everything with one first index.
    Arrays { file: String, input: Named, array: Array },
}

/// A file by its name and digest.
pub(super) fn named(path: &Path) -> Result<Named> {
    // As a reader opens it, with its refusals.
    input::open(path).map_err(ReadError::from)?;
    let sha256 = digest::of_file(path).map_err(|error| ReadError::Io {
        file: path.display().to_string(),
        what: "read",
        error: input::words(&error),
    })?;
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    Ok(Named { name, sha256 })
}

impl Source {
    /// The texts of a column of the table at `path`, called by its name or its position.
    ///
    /// # Errors
    /// [`ReadError`] with the place; a row without a text is refused.
    pub fn texts(path: &Path, column: &str, options: &ReadOptions) -> Result<Self> {
        let input = named(path)?;
        let table = read_table(path, options)?;
        let texts = texts(&table, column)?;
        if texts.is_empty() {
            return Err(ReadError::NoRows { file: table.file }.into());
        }
        Ok(Source::Texts { file: path.display().to_string(), input, column: column.to_string(), texts })
    }

    /// The pictures of a folder, in the order of [`list_pictures`].
    ///
    /// # Errors
    /// [`ReadError::UnknownFolder`] where there is none.
    pub fn pictures(folder: &Path) -> Result<Self> {
        let listed = list_pictures(folder)?;
        Ok(Source::Pictures { folder: folder.display().to_string(), listed })
    }

    /// The rows of a `.npy` file, whose elements are finite.
    ///
    /// # Errors
    /// [`ReadError`] with the place, [`EmbedError::Shape`] for an array without rows.
    pub fn arrays(path: &Path) -> Result<Self> {
        let (file, input, array) = (path.display().to_string(), named(path)?, read_array(path)?);
        if array.shape.len() < 2 || array.values.is_empty() {
            let (found, expected) = (array.shape, "rows of numbers, [n, …]");
            return Err(EmbedError::Shape { file, found, expected }.into());
        }
        Ok(Source::Arrays { file, input, array })
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        match self {
            Source::Texts { texts, .. } => texts.len(),
            Source::Pictures { listed, .. } => listed.files.len(),
            Source::Arrays { array, .. } => array.shape[0],
        }
    }

    /// What a recipe calls rows of this kind.
    pub fn kind(&self) -> &'static str {
        match self {
            Source::Texts { .. } => "texts",
            Source::Pictures { .. } => "pictures",
            Source::Arrays { .. } => "arrays",
        }
    }

    /// Where a row is, for messages.
    pub fn place(&self, row: usize) -> String {
        match self {
            Source::Texts { file, column, .. } => format!("{file}: row {row} of column `{column}`"),
            Source::Pictures { listed, .. } => listed.files[row].display().to_string(),
            Source::Arrays { file, .. } => format!("{file}: row {row}"),
        }
    }

    /// The numbers of these rows, one after the other; none of what holds no numbers.
    pub fn values(&self, rows: Range<usize>) -> &[f32] {
        match self {
            Source::Arrays { array, .. } => {
                let width = array.shape[1..].iter().product::<usize>();
                &array.values[rows.start * width..rows.end * width]
            }
            Source::Texts { .. } | Source::Pictures { .. } => &[],
        }
    }

    /// A digest of all that these rows are made of, in their order; pictures count with their names.
    ///
    /// # Errors
    /// [`ReadError`] where a picture cannot be read.
    pub fn digest(&self, rows: Range<usize>) -> Result<String> {
        let mut running = digest::Running::default();
        // A length before every part, so that no two lists of parts are one text.
        let mut add = |bytes: &[u8]| {
            running.update(&(bytes.len() as u64).to_le_bytes());
            running.update(bytes);
        };
        match self {
            Source::Texts { texts, .. } => texts[rows].iter().for_each(|text| add(text.as_bytes())),
            Source::Pictures { listed, .. } => {
                for row in rows {
                    add(listed.names[row].as_bytes());
                    add(&read_picture(&listed.files[row])?);
                }
            }
            Source::Arrays { .. } => {
                for row in rows {
                    let values = self.values(row..row + 1);
                    add(&values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>());
                }
            }
        }
        Ok(running.finish())
    }

    /// What the provenance says of the source; `content` is the digest of all that its rows are made of, which stands for a
    /// folder.
    pub(super) fn input(&self, content: String) -> Named {
        match self {
            Source::Texts { input, .. } | Source::Arrays { input, .. } => input.clone(),
            Source::Pictures { folder, .. } => {
                let name = Path::new(folder).file_name().map(|name| name.to_string_lossy().into_owned());
                Named { name: name.unwrap_or_else(|| folder.clone()), sha256: content }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_as_they_stand() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t.csv");
        let read = |column: &str| Source::texts(&path, column, &ReadOptions::default());
        std::fs::write(&path, "label,text\na,\" two words \"\nb,7\n").unwrap();
        let source = read("text").unwrap();
        let Source::Texts { texts, .. } = &source else { panic!("{source:?}") };
        assert_eq!(texts[..], [" two words ", "7"]);
        assert_eq!(source.place(1), format!("{}: row 1 of column `text`", path.display()));
        assert_eq!(read("-1").unwrap().digest(0..2).unwrap(), source.digest(0..2).unwrap());
        assert_ne!(source.digest(0..1).unwrap(), source.digest(1..2).unwrap());
        let error = read("tex").unwrap_err();
        assert!(error.hint().unwrap().contains("text"), "{error}");
        std::fs::write(&path, "label,text\na,one\nb,\n").unwrap();
        let error = read("text").unwrap_err();
        assert!(matches!(error.downcast_ref(), Some(ReadError::NoText { row: 1, .. })), "{error}");
    }
}
