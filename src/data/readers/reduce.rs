//! Sparse rows made narrow: signed feature hashing (Weinberger et al., "Feature Hashing for Large Scale Multitask
//! Learning", ICML 2009) and a truncated singular value decomposition by random projections (Halko, Martinsson and
//! Tropp, "Finding Structure with Randomness", SIAM Review 2011). Memory grows with the entries and the result,
//! never with rows times columns.

use super::error::ReadError;
use super::rows::Rows;
use crate::data::dataset::{MAX_WIDTH, check_size};
use crate::data::matrix::Matrix;
use crate::data::table::Decision;
use crate::error::Result;
use crate::rng::Key;
use nalgebra::DMatrix;
use rand_distr::{Distribution, StandardNormal};
use rayon::prelude::*;

/// Columns beyond those that are asked for, which make the decomposition exact enough.
const OVERSAMPLING: usize = 10;
/// Rounds of power iteration, as scikit-learn takes by default for few components.
const ROUNDS: usize = 5;

fn refuse(file: &str, problem: String, hint: &str) -> ReadError {
    ReadError::Option { file: file.to_string(), problem, hint: hint.to_string() }
}

/// Every column added to, or taken from, one of `width` that its number alone decides.
pub(super) fn hash(file: &str, rows: &Rows, width: usize, decisions: &mut Vec<Decision>) -> Result<Matrix> {
    if width == 0 || width > MAX_WIDTH {
        let problem = format!("hashing to {width} columns");
        return Err(refuse(file, problem, &format!("`--hash` is 1 to {MAX_WIDTH}")).into());
    }
    check_size(file, rows.ends.len(), width)?;
    let mut inputs = Matrix::zeros(rows.ends.len(), width);
    for (row, entries) in rows.iter().enumerate() {
        let row = inputs.row_mut(row);
        for &(column, value) in entries {
            let bits = mix(u64::from(column));
            let place = &mut row[(bits % width as u64) as usize];
            *place += if bits >> 63 == 0 { value } else { -value };
        }
    }
    decisions.push(Decision {
        what: "columns".to_string(),
        choice: format!("{} hashed to {width}", rows.width),
        reason: "asked for; signs make collisions cancel on average".to_string(),
        flag: Some("--hash".to_string()),
    });
    Ok(inputs)
}

/// The finaliser of SplitMix64: every bit of the result depends on every bit of the number.
fn mix(number: u64) -> u64 {
    let mut bits = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

/// The rows in the `rank` directions in which they reach farthest from zero.
pub(super) fn svd(file: &str, rows: &Rows, rank: usize, decisions: &mut Vec<Decision>) -> Result<Matrix> {
    /// Directions; each takes a pass over a dense column.
    const MAX_RANK: usize = 1_000;
    let count = rows.ends.len();
    let most = MAX_RANK.min(count).min(rows.width);
    if rank == 0 || rank > most {
        let problem = format!("a singular value decomposition of rank {rank}");
        let hint = format!("`--svd` is 1 to {most}: at most {MAX_RANK}, the rows and the columns");
        return Err(refuse(file, problem, &hint).into());
    }
    let sampled = (rank + OVERSAMPLING).min(count).min(rows.width);
    check_size(file, rows.width, sampled)?;
    check_size(file, count, sampled)?;
    let mut draw = Key::root(0).named("truncated svd").rng();
    let mut normal = || -> f64 { StandardNormal.sample(&mut draw) };
    let directions: Vec<Vec<f64>> =
        (0..sampled).map(|_| (0..rows.width).map(|_| normal()).collect()).collect();
    let mut basis = times(rows, &directions);
    for _ in 0..ROUNDS {
        orthonormalise(&mut basis);
        let mut back = transposed(rows, &basis);
        orthonormalise(&mut back);
        basis = times(rows, &back);
    }
    orthonormalise(&mut basis);
    // With Q the basis and B = Q'A: B B' = U S^2 U', and the rows in the leading directions are Q U S.
    let small = transposed(rows, &basis);
    let gram = DMatrix::from_fn(sampled, sampled, |a, b| dot(&small[a], &small[b]));
    let eigen = gram.symmetric_eigen();
    let mut order: Vec<usize> = (0..sampled).collect();
    order.sort_by(|&a, &b| eigen.eigenvalues[b].total_cmp(&eigen.eigenvalues[a]).then(a.cmp(&b)));
    let mut inputs = Matrix::zeros(count, rank);
    for (place, &direction) in order.iter().take(rank).enumerate() {
        let scale = eigen.eigenvalues[direction].max(0.0).sqrt();
        let weights = eigen.eigenvectors.column(direction);
        let mut column = vec![0.0; count];
        for (weight, part) in weights.iter().zip(&basis) {
            column.iter_mut().zip(part).for_each(|(sum, value)| *sum += weight * value);
        }
        // A direction is known but for its sign: the entry that is largest is positive.
        let largest = column
            .iter()
            .copied()
            .fold(0.0f64, |most, value| if value.abs() > most.abs() { value } else { most });
        let scale = scale.copysign(if largest < 0.0 { -1.0 } else { 1.0 });
        for (row, value) in column.iter().enumerate() {
            inputs.row_mut(row)[place] = (value * scale) as f32;
        }
    }
    decisions.push(Decision {
        what: "columns".to_string(),
        choice: format!("{} projected on {rank} directions", rows.width),
        reason: "asked for; the directions are those of all rows, and of no label".to_string(),
        flag: Some("--svd".to_string()),
    });
    Ok(inputs)
}

/// The rows times each of `columns`.
fn times(rows: &Rows, columns: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let product = |column: &Vec<f64>| {
        let entry = |&(place, value): &(u32, f32)| f64::from(value) * column[place as usize];
        rows.iter().map(|entries| entries.iter().map(entry).sum()).collect()
    };
    columns.par_iter().map(product).collect()
}

/// The transposed rows times each of `columns`.
fn transposed(rows: &Rows, columns: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let product = |column: &Vec<f64>| {
        let mut sums = vec![0.0; rows.width];
        for (entries, weight) in rows.iter().zip(column) {
            for &(place, value) in entries {
                sums[place as usize] += f64::from(value) * weight;
            }
        }
        sums
    };
    columns.par_iter().map(product).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Gram and Schmidt's way, twice over, which is exact enough (Kahan and Parlett's "twice is enough"). What is left
/// of a column that depends on those before it becomes zero.
fn orthonormalise(columns: &mut [Vec<f64>]) {
    for at in 0..columns.len() {
        let (before, rest) = columns.split_at_mut(at);
        let column = &mut rest[0];
        let length = dot(column, column).sqrt();
        for _ in 0..2 {
            for other in before.iter() {
                let share = dot(column, other);
                column.iter_mut().zip(other).for_each(|(value, other)| *value -= share * other);
            }
        }
        let left = dot(column, column).sqrt();
        let scale = if left > 1e-12 * length { 1.0 / left } else { 0.0 };
        column.iter_mut().for_each(|value| *value *= scale);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(dense: &[&[f32]]) -> Rows {
        let mut rows = Rows { width: dense[0].len(), ..Rows::default() };
        for row in dense {
            let entries = row.iter().enumerate().filter(|(_, value)| **value != 0.0);
            rows.entries.extend(entries.map(|(column, &value)| (column as u32, value)));
            rows.ends.push(rows.entries.len());
        }
        rows
    }

    /// Of a matrix of rank two nothing is lost in two directions: distances between rows stay.
    #[test]
    fn a_decomposition_keeps_distances() {
        let dense: [&[f32]; 4] =
            [&[1.0, 0.0, 2.0, 0.0], &[0.0, 3.0, 0.0, 1.0], &[1.0, 3.0, 2.0, 1.0], &[2.0, -3.0, 4.0, -1.0]];
        let found = svd("t", &rows(&dense), 2, &mut Vec::new()).unwrap();
        let far = |a: &[f32], b: &[f32]| -> f32 { a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum() };
        for a in 0..4 {
            for b in 0..4 {
                let (expected, seen) = (far(dense[a], dense[b]), far(found.row(a), found.row(b)));
                assert!((expected - seen).abs() < 1e-4, "{a} {b}: {expected} {seen}");
            }
        }
        // The first direction reaches farthest.
        let reach = |place: usize| (0..4).map(|row| found.row(row)[place].powi(2)).sum::<f32>();
        assert!(reach(0) > reach(1));
        assert_eq!(found, svd("t", &rows(&dense), 2, &mut Vec::new()).unwrap());
        assert!(svd("t", &rows(&dense), 5, &mut Vec::new()).is_err());
    }

    /// scikit-learn's exact decomposition of the matrix that `tests/golden/truncated_svd.py` makes.
    #[test]
    fn a_decomposition_is_that_of_scikit_learn() {
        let file: serde_json::Value =
            serde_json::from_str(include_str!("../../../tests/golden/truncated_svd.json")).unwrap();
        let count = |key: &str| file[key].as_u64().unwrap() as usize;
        let value = |row: usize, column: usize| {
            let own = column / 10 == row % 7 && !(row + 3 * column).is_multiple_of(4);
            let own = if own { 2 + (row * column) % 5 + 2 * (row % 7) } else { 0 };
            (own + usize::from((5 * row + 11 * column).is_multiple_of(23))) as f32
        };
        let dense: Vec<Vec<f32>> = (0..count("rows"))
            .map(|row| (0..count("width")).map(|column| value(row, column)).collect())
            .collect();
        let dense: Vec<&[f32]> = dense.iter().map(Vec::as_slice).collect();
        let found = svd("t", &rows(&dense), count("rank"), &mut Vec::new()).unwrap();
        // Random projections come near: its singular values fall slowly, from 105 to 24 among the first seventeen.
        for place in 0..count("rank") {
            let (mut length, mut off) = (0.0f64, 0.0f64);
            for row in 0..count("rows") {
                let expected = file["projected"][row][place].as_f64().unwrap();
                length += expected.powi(2);
                off = off.max((expected - f64::from(found.row(row)[place])).abs());
            }
            assert!(off < 1e-3 * length.sqrt(), "direction {place}: {off}");
        }
    }

    #[test]
    fn hashing_keeps_every_entry_somewhere() {
        let wide = rows(&[&[1.0, 2.0, 4.0, 8.0, 16.0, 32.0]]);
        let found = hash("t", &wide, 3, &mut Vec::new()).unwrap();
        let sum: f32 = found.values().iter().sum();
        assert_eq!((sum.abs() as i64) % 2, 1, "signs change, parts do not: {:?}", found.values());
        assert!(hash("t", &wide, 0, &mut Vec::new()).is_err());
    }
}
