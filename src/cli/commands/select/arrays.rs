//! Arrays and lists, as they are read from files.

use super::error::FileError;
use crate::data::Matrix;
use crate::data::dataset::MAX_CLASSES;
use crate::data::readers::{Array, ReadOptions, Separator, read_array, read_arrays, read_records};
use crate::error::{Result, shorten};
use crate::select::SelectError;
use std::path::Path;

/// An array of rows and columns.
pub(super) fn matrix(path: &Path) -> Result<Matrix> {
    let Array { shape, values } = read_array(path)?;
    let file = path.display().to_string();
    match shape[..] {
        [rows, cols] if rows > 0 && cols > 0 => Ok(Matrix::new(values, rows, cols)),
        [_, _] => Err(SelectError::Empty { place: file }.into()),
        _ => Err(FileError::Dimensions { file, found: shape.len(), expected: "2 (rows, columns)" }.into()),
    }
}

/// An array of rows and columns per pass.
pub(super) fn passes(path: &Path) -> Result<Vec<Matrix>> {
    let Array { shape, values } = read_array(path)?;
    let file = path.display().to_string();
    let [count, rows, classes] = shape[..] else {
        let expected = "3 (passes, rows, classes)";
        return Err(FileError::Dimensions { file, found: shape.len(), expected }.into());
    };
    if values.is_empty() || count == 0 {
        return Err(SelectError::Empty { place: file }.into());
    }
    Ok(values.chunks_exact(rows * classes).map(|one| Matrix::new(one.to_vec(), rows, classes)).collect())
}

/// What a heading over row numbers begins with.
const HEADINGS: [&str; 4] = ["row", "rows", "index", "idx"];

/// Row numbers, and classes where they are needed. A first line may be a heading that begins with one of [`HEADINGS`].
pub(super) fn read_labelled(path: &Path, n: usize, classes: bool) -> Result<(Vec<usize>, Vec<u32>)> {
    let (mut rows, mut labels, mut seen, mut first) = (Vec::new(), Vec::new(), vec![false; n], true);
    let mut with_class = None;
    let options = ReadOptions { separator: Some(Separator::Byte(b',')), ..ReadOptions::default() };
    read_records(path, &options, |line, fields| {
        let field = |found: &str, expected: String| FileError::Field {
            file: path.display().to_string(),
            line,
            found: shorten(found).into_owned(),
            expected,
        };
        let text = fields.get(0)?.unwrap_or_default();
        if let Some(more) = fields.get(2)? {
            return Err(field(more, "the end of the line, after a row and its class".to_string()).into());
        }
        let may_head = std::mem::replace(&mut first, false);
        if may_head && HEADINGS.contains(&text.trim().to_ascii_lowercase().as_str()) {
            return Ok(());
        }
        let row: usize = text.parse().ok().filter(|&row| row < n).ok_or_else(|| {
            let heading = if may_head { ", or a heading that begins with `row` or `index`" } else { "" };
            let most = n.saturating_sub(1);
            field(text, format!("a row of the pool, a whole number from 0 to {most}{heading}"))
        })?;
        let has_class = fields.get(1)?.is_some();
        if *with_class.get_or_insert(has_class) != has_class {
            let expected = "what the lines above have: a class with every row, or with none";
            return Err(field(fields.get(1)?.unwrap_or_default(), expected.to_string()).into());
        }
        if std::mem::replace(&mut seen[row], true) {
            return Err(FileError::Repeated { file: path.display().to_string(), line, row }.into());
        }
        let label = match fields.get(1)? {
            Some(text) => text
                .parse::<u32>()
                .ok()
                .filter(|&label| (label as usize) < MAX_CLASSES)
                .ok_or_else(|| field(text, "a class, a whole number from 0 on".to_string()))?,
            None if classes => return Err(field("", "a class, which the strategy needs".to_string()).into()),
            // Nobody who gets here looks at it.
            None => 0,
        };
        rows.push(row);
        labels.push(label);
        Ok(())
    })?;
    Ok((rows, labels))
}

/// The weights and the biases of the last layer.
pub(super) fn read_head(path: &Path) -> Result<(Matrix, Vec<f32>)> {
    let [weights, bias] = read_arrays(path, ["W", "b"])?;
    let file = path.display().to_string();
    let (&[classes, columns], &[_]) = (&weights.shape[..], &bias.shape[..]) else {
        let (found, expected) = match weights.shape.len() {
            2 => (bias.shape.len(), "1 for b (classes)"),
            found => (found, "2 for W (classes, columns)"),
        };
        return Err(FileError::Dimensions { file, found, expected }.into());
    };
    Ok((Matrix::new(weights.values, classes, columns), bias.values))
}
