//! Typicality: how near a point's neighbours are (Hacohen et al., ICML 2022).

use super::lanes::{self, dispatched};
use super::rows::{self, Rows};
use crate::query::draw::RowDraws;
use crate::rng::Key;

/// The most neighbours' candidates that a typicality is measured against; larger groups are subsampled.
pub const MAX_GROUP: usize = 20_000;
/// Added to the mean distance, so that duplicates do not divide by zero.
const EPSILON: f64 = 1e-5;

/// The place of the row of the largest typicality, `1 / (mean distance to its k nearest + 1e-5)`; equal
/// ones go to the smaller id. More than [`MAX_GROUP`] rows are measured against that many of them,
/// drawn at random.
///
/// # Panics
/// If there are no rows.
pub fn most_typical(rows: Rows<'_>, neighbours: usize, key: Key) -> usize {
    let typicality = typicalities(rows, neighbours, key);
    let ids = rows.ids();
    (0..rows.len())
        .max_by(|&a, &b| typicality[a].total_cmp(&typicality[b]).then(ids[b].cmp(&ids[a])))
        .expect("at least one row")
}

/// The typicality of every row among the others.
pub fn typicalities(rows: Rows<'_>, neighbours: usize, key: Key) -> Vec<f64> {
    let mut sample = rows.ids().to_vec();
    if sample.len() > MAX_GROUP {
        let draws = RowDraws::new(key.named("typicality"));
        sample.sort_by(|&a, &b| draws.uniform(a).total_cmp(&draws.uniform(b)).then(a.cmp(&b)));
        sample.truncate(MAX_GROUP);
        sample.sort_unstable();
    }
    let others = Rows::new(rows.matrix(), &sample);
    let mut means = vec![0.0f64; rows.len()];
    rows::in_blocks(rows, &mut means, others.len(), |rows, means| {
        mean_distances_here(rows, others, neighbours, means);
    });
    means.into_iter().map(|mean| 1.0 / (mean + EPSILON)).collect()
}

dispatched! {
    /// The mean distance of each row to its nearest `neighbours` among `others` that are not itself.
    fn mean_distances_here(rows: Rows<'_>, others: Rows<'_>, neighbours: usize, means: &mut [f64]) {
        let mut distances = Vec::with_capacity(others.len());
        for (place, mean) in means.iter_mut().enumerate() {
            let (row, id) = (rows.get(place), rows.ids()[place]);
            distances.clear();
            for other in 0..others.len() {
                if others.ids()[other] != id {
                    distances.push(lanes::squared_distance(row, others.get(other)));
                }
            }
            let k = neighbours.min(distances.len());
            if k > 0 {
                distances.select_nth_unstable_by(k - 1, f32::total_cmp);
                // Sorted, so that the sum does not depend on how the selection left them.
                distances[..k].sort_unstable_by(f32::total_cmp);
                *mean = distances[..k].iter().map(|&squared| f64::from(squared).sqrt()).sum::<f64>() / k as f64;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Matrix, RowId};

    #[test]
    fn by_hand() {
        let matrix = Matrix::new(vec![0.0, 1.0, 3.0, 7.0], 4, 1);
        let ids: Vec<RowId> = (0..4).map(RowId).collect();
        let found = typicalities(Rows::new(matrix.view(), &ids), 2, Key::root(0));
        for (found, mean) in found.iter().zip([2.0, 1.5, 2.5, 5.0]) {
            assert!((found - 1.0 / (mean + 1e-5)).abs() < 1e-9);
        }
        assert_eq!(most_typical(Rows::new(matrix.view(), &ids), 2, Key::root(0)), 1);
        assert_eq!(most_typical(Rows::new(matrix.view(), &ids[..1]), 1, Key::root(0)), 0);
    }
}
