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

/// How far the sum of a row of probabilities may be from one to be taken as rounding.
const ROUNDING: f32 = 0.05;

/// Checks probabilities, and makes up for rounding where that is asked for.
#[derive(Debug, Default)]
pub(super) struct Sums {
    /// Whether rows are divided by their sums.
    pub(super) normalise: bool,
    /// What was done, by file.
    pub(super) notes: Vec<String>,
}

impl Sums {
    /// Refuses what is no probability; rows count those of the pool.
    fn check(&mut self, path: &Path, values: &mut [f32], classes: usize) -> Result<(), SelectError> {
        let file = || path.display().to_string();
        let refuse = |row, found: String| Err(SelectError::Probabilities { file: file(), row, found });
        let mut most = 0.0f32;
        for (row, p) in values.chunks_exact_mut(classes).enumerate() {
            let sum: f32 = p.iter().sum();
            let least = p.iter().copied().fold(0.0, f32::min);
            let off = (sum - 1.0).abs();
            if least < 0.0 {
                return refuse(row, format!("the entry {least}"));
            }
            // What is no number is refused with its place by the view.
            if off > ROUNDING {
                return refuse(row, format!("the sum {sum}"));
            }
            if self.normalise {
                let sum: f64 = p.iter().map(|&value| f64::from(value)).sum();
                p.iter_mut().for_each(|value| *value = (f64::from(*value) / sum) as f32);
                most = most.max(off);
            } else if off > PROBABILITY_TOLERANCE {
                return Err(SelectError::Rounded { file: file(), row, found: sum });
            }
        }
        if self.normalise {
            let note =
                format!("{}: rows divided by their sums, which were off by {most:.2e} at most", file());
            if !self.notes.contains(&note) {
                self.notes.push(note);
            }
        }
        Ok(())
    }

    /// The candidates' probabilities.
    pub(super) fn probabilities(&mut self, path: &Path, n: usize, candidates: &[RowId]) -> Result<Matrix> {
        let mut all = matrix(path)?;
        expect_rows(path, all.rows(), n)?;
        let classes = all.cols();
        self.check(path, all.values_mut(), classes)?;
        Ok(all.gather(candidates.iter().map(|row| row.index())))
    }

    /// The candidates' probabilities under each pass.
    pub(super) fn passes(&mut self, path: &Path, n: usize, candidates: &[RowId]) -> Result<Passes> {
        let Array { shape, mut values } = read_array(path)?;
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
        for member in values.chunks_exact_mut(rows * classes) {
            self.check(path, member, classes)?;
            let all = MatrixView::new(member, rows, classes);
            let mut kept = Vec::with_capacity(candidates.len() * classes);
            candidates.iter().for_each(|row| kept.extend_from_slice(all.row(row.index())));
            members.push(Matrix::new(kept, candidates.len(), classes));
        }
        Ok(Passes { members })
    }
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
