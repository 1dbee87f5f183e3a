//! Arrays and lists, read and checked against each other.

use super::error::SelectError;
use crate::data::readers::{Array, read_array, read_arrays, read_records};
use crate::data::{Matrix, MatrixView, RowId};
use crate::error::{Result, shorten};
use crate::query::view::PROBABILITY_TOLERANCE;
use crate::query::{Head, Passes};
use std::path::Path;

/// An array of rows and columns.
pub(super) fn matrix(path: &Path) -> Result<Matrix> {
    let Array { shape, values } = read_array(path)?;
    let file = path.display().to_string();
    match shape[..] {
        [rows, cols] if rows > 0 && cols > 0 => Ok(Matrix::new(values, rows, cols)),
        [_, _] => Err(SelectError::Empty { file }.into()),
        _ => Err(SelectError::Dimensions { file, found: shape.len(), expected: "2 (rows, columns)" }.into()),
    }
}

pub(super) fn expect_rows(path: &Path, found: usize, expected: usize) -> Result<(), SelectError> {
    let file = path.display().to_string();
    if found == expected { Ok(()) } else { Err(SelectError::Rows { file, found, expected }) }
}

/// Refuses what is no probability; rows count those of the pool.
fn check_probabilities(path: &Path, p: MatrixView<'_>) -> Result<(), SelectError> {
    for row in 0..p.rows() {
        let sum: f32 = p.row(row).iter().sum();
        let least = p.row(row).iter().copied().fold(0.0, f32::min);
        if least < 0.0 || (sum - 1.0).abs() > PROBABILITY_TOLERANCE {
            let found = if least < 0.0 { format!("the entry {least}") } else { format!("the sum {sum}") };
            return Err(SelectError::Probabilities { file: path.display().to_string(), row, found });
        }
    }
    Ok(())
}

/// The candidates' probabilities.
pub(super) fn read_probabilities(path: &Path, n: usize, candidates: &[RowId]) -> Result<Matrix> {
    let all = matrix(path)?;
    expect_rows(path, all.rows(), n)?;
    check_probabilities(path, all.view())?;
    Ok(all.gather(candidates.iter().map(|row| row.index())))
}

/// The candidates' probabilities under each pass.
pub(super) fn read_passes(path: &Path, n: usize, candidates: &[RowId]) -> Result<Passes> {
    let Array { shape, values } = read_array(path)?;
    let file = path.display().to_string();
    let [count, rows, classes] = shape[..] else {
        let expected = "3 (passes, rows, classes)";
        return Err(SelectError::Dimensions { file, found: shape.len(), expected }.into());
    };
    expect_rows(path, rows, n)?;
    if count == 0 || classes == 0 {
        return Err(SelectError::Empty { file }.into());
    }
    let mut members = Vec::with_capacity(count);
    for member in values.chunks_exact(rows * classes) {
        let all = MatrixView::new(member, rows, classes);
        check_probabilities(path, all)?;
        let mut kept = Vec::with_capacity(candidates.len() * classes);
        candidates.iter().for_each(|row| kept.extend_from_slice(all.row(row.index())));
        members.push(Matrix::new(kept, candidates.len(), classes));
    }
    Ok(Passes { members })
}

/// Row numbers, and classes where they are needed. A first line that starts with no digit is a heading.
pub(super) fn read_labelled(path: &Path, n: usize, classes: bool) -> Result<(Vec<RowId>, Vec<u32>)> {
    let (mut rows, mut labels, mut seen, mut first) = (Vec::new(), Vec::new(), vec![false; n], true);
    read_records(path, |line, fields| {
        let field = |found: &str, expected: String| SelectError::Field {
            file: path.display().to_string(),
            line,
            found: shorten(found).into_owned(),
            expected,
        };
        let text = fields.get(0)?.unwrap_or_default();
        let heading = !text.starts_with(|letter: char| letter.is_ascii_digit() || letter == '-');
        if std::mem::replace(&mut first, false) && heading {
            return Ok(());
        }
        let row: usize = text.parse().ok().filter(|&row| row < n).ok_or_else(|| {
            field(text, format!("a row of the pool, a whole number from 0 to {}", n.saturating_sub(1)))
        })?;
        if std::mem::replace(&mut seen[row], true) {
            let file = path.display().to_string();
            return Err(SelectError::Repeated { file, line, row: row as u32 }.into());
        }
        let label = match fields.get(1)? {
            Some(text) => text
                .parse::<u32>()
                .ok()
                .filter(|&label| (label as usize) < crate::data::dataset::MAX_CLASSES)
                .ok_or_else(|| field(text, "a class, a whole number from 0 on".to_string()))?,
            None if classes => return Err(field("", "a class, which the strategy needs".to_string()).into()),
            // Nobody who gets here looks at it.
            None => 0,
        };
        rows.push(RowId(row as u32));
        labels.push(label);
        Ok(())
    })?;
    Ok((rows, labels))
}

/// The last layer, over embeddings of `width` columns.
pub(super) fn read_head(path: &Path, width: usize) -> Result<Head> {
    let [weights, bias] = read_arrays(path, ["W", "b"])?;
    let file = path.display().to_string();
    let (&[classes, columns], &[biases]) = (&weights.shape[..], &bias.shape[..]) else {
        let (found, expected) = match weights.shape.len() {
            2 => (bias.shape.len(), "1 for b (classes)"),
            found => (found, "2 for W (classes, columns)"),
        };
        return Err(SelectError::Dimensions { file, found, expected }.into());
    };
    for (what, found, expected) in [("columns of W", columns, width), ("entries of b", biases, classes)] {
        if found != expected {
            return Err(SelectError::Head { file, what, found, expected }.into());
        }
    }
    if classes == 0 {
        return Err(SelectError::Empty { file }.into());
    }
    Ok(Head { weights: Matrix::new(weights.values, classes, columns), bias: bias.values })
}
