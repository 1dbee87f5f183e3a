//! What is warned of in arrays: columns that count the rows, numbers that may stand for no value, numbers that `f32` keeps
//! hardly apart, and classes that may stand for rows without a label. Nothing is taken otherwise for it.

use crate::data::columns::labels::no_class;
use crate::data::columns::sentinels::{LEAST_ROWS, is_form, suspects};
use crate::data::dataset::{Shape, Targets};
use crate::data::matrix::Matrix;
use crate::error::shorten;

/// Whole numbers from which on `f32` skips some.
const EXACT: f32 = 16_777_216.0;
/// Ratio of the magnitude to the range from which on few numbers are kept apart: 2^12 of the 2^24 that there are.
const FAR: f32 = 4_096.0;

/// Warnings, a line each.
pub(super) fn doubts(shape: Shape, inputs: &Matrix, targets: Option<&Targets>) -> Vec<String> {
    let mut found = Vec::new();
    if matches!(shape, Shape::Vector(_)) {
        found.extend(columns(inputs));
    }
    if let Some(Targets::Class { labels, names }) = targets
        && let Some((class, rows)) = no_class(names, labels.iter().copied())
    {
        let class = shorten(class);
        found.push(format!(
            "{class} of {rows} rows is taken as a class, but may stand for rows without a label: leave them out, or save \
             labels and inputs as a table and name it with --missing"
        ));
    }
    found
}

fn columns(inputs: &Matrix) -> Vec<String> {
    let rows = inputs.rows();
    if rows == 0 {
        return Vec::new();
    }
    let (mut least, mut most) = (inputs.row(0).to_vec(), inputs.row(0).to_vec());
    let mut counts: Vec<bool> = least.iter().map(|&first| first == 0.0 || first == 1.0).collect();
    let first = least.clone();
    for row in 0..rows {
        for (at, &value) in inputs.row(row).iter().enumerate() {
            least[at] = least[at].min(value);
            most[at] = most[at].max(value);
            counts[at] &= value == first[at] + row as f32;
        }
    }
    let mut found = Vec::new();
    for (at, ((&least, &most), &counts)) in least.iter().zip(&most).zip(&counts).enumerate() {
        let size = least.abs().max(most.abs());
        if counts && rows >= LEAST_ROWS {
            found.push(format!(
                "column {at} counts the rows: if it is no feature, save the array without it (`np.delete(X, {at}, axis=1)`)"
            ));
        }
        if size >= EXACT && most - least <= size / FAR && rows > 1 {
            found.push(format!(
                "column {at} holds numbers from {least} to {most}, few of which `f32` tells apart: subtract a constant before saving"
            ));
        }
        // Columns are far from row to row: only those are gone through whose ends are such numbers.
        let ends = [least, most].map(f64::from);
        if !ends.into_iter().any(is_form) {
            continue;
        }
        let values = (0..rows).map(|row| f64::from(inputs.row(row)[at]));
        for one in suspects(values) {
            found.push(format!(
                "column {at}: {} in {} rows may stand for no value, as all others lie from {} to {}; it is taken as a number",
                one.written(),
                one.rows,
                one.least as f32,
                one.most as f32
            ));
        }
    }
    const SAID: usize = 8;
    if found.len() > SAID {
        let more = found.len() - SAID;
        found.truncate(SAID);
        found.push(format!("and {more} more columns like these"));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Arrays were once learned from without a word, whatever their columns held.
    #[test]
    fn what_columns_of_arrays_hold_is_looked_at() {
        let measured = |row: usize| (row * 37 % 50) as f32 / 10.0;
        let values: Vec<f32> = (0..40)
            .flat_map(|row| {
                let sentinel = if row % 9 == 0 { -999.0 } else { measured(row) };
                [row as f32, measured(row), sentinel, 1.7e9 + row as f32 * 4.0, -1.0]
            })
            .collect();
        let inputs = Matrix::new(values, 40, 5);
        let names = ["-1", "0", "1"].map(String::from).to_vec();
        let targets = Targets::Class { labels: (0..40).map(|row| row % 3).collect(), names };
        let found = doubts(Shape::Vector(5), &inputs, Some(&targets));
        assert_eq!(found.len(), 4, "{found:#?}");
        for (warning, says) in found.iter().zip([
            "column 0 counts the rows",
            "column 2: -999 in 5 rows may stand for no value, as all others lie from 0.1 to 4.8",
            "column 3 holds numbers from 1700000000",
            "-1 of 14 rows is taken as a class",
        ]) {
            assert!(warning.contains(says), "{warning}");
        }
        let image = Shape::Image { channels: 5, height: 1, width: 1 };
        assert_eq!(doubts(image, &inputs, None), [""; 0]);
    }
}
