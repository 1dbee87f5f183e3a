//! Typicality: how near a point's neighbours are (Hacohen et al., ICML 2022).

use super::lanes;
use super::rows::{self, Rows};
use crate::data::{Matrix, RowId};
use crate::learner::bank::multiply_transposed;
use crate::query::draw::RowDraws;
use crate::query::{Size, Subsample, Ties};
use crate::rng::Key;
use crate::simd::dispatched;

/// The most neighbours' candidates that a typicality is measured against; larger groups are subsampled.
pub const MAX_GROUP: usize = 20_000;
/// Added to the mean distance, so that duplicates do not divide by zero.
const EPSILON: f64 = 1e-5;
/// Rows of one matrix product; results do not depend on it.
const BLOCK: usize = 64;
/// Far more than the rounding of a product, relative to the lengths involved.
const SLACK: f32 = 1e-4;

/// The place of the row of the largest typicality, `1 / (mean distance to its k nearest + 1e-5)`; equal
/// ones in the order of `ties`. More than [`MAX_GROUP`] rows are measured against that many of them,
/// drawn at random. Of more than `most` rows, only that many are looked at, drawn at random, too: each is measured among
/// all.
///
/// # Panics
/// If there are no rows.
pub fn most_typical(rows: Rows<'_>, most: usize, neighbours: usize, key: Key, ties: Ties<'_>) -> usize {
    let Subsample { places, rows: ids, .. } =
        Subsample::new(rows.ids(), most, RowDraws::new(key.named("typical")));
    let typicality = among(Rows::new(rows.matrix(), &ids), rows, neighbours, key);
    let best = (0..ids.len())
        .max_by(|&a, &b| typicality[a].total_cmp(&typicality[b]).then_with(|| ties.order(ids[b], ids[a])))
        .expect("at least one row");
    places[best]
}

/// The typicality of every row among the others.
pub fn typicalities(rows: Rows<'_>, neighbours: usize, key: Key) -> Vec<f64> {
    among(rows, rows, neighbours, key)
}

/// The typicality of each of `some` rows among all rows.
fn among(some: Rows<'_>, rows: Rows<'_>, neighbours: usize, key: Key) -> Vec<f64> {
    let sample = Subsample::new(rows.ids(), MAX_GROUP, RowDraws::new(key.named("typicality"))).rows;
    let others = Others::new(Rows::new(rows.matrix(), &sample));
    let mut means = vec![0.0f64; some.len()];
    rows::in_blocks(some, &mut means, sample.len(), |rows, means| {
        others.mean_distances(rows, neighbours, means);
    });
    means.into_iter().map(|mean| 1.0 / (mean + EPSILON)).collect()
}

/// Forecast of the bytes that the typicalities of a group of `rows` rows take.
pub fn memory(rows: usize, size: &Size) -> u64 {
    size.vectors(rows) + Size::items(rows, 2 * BLOCK as u64 * 4 + 24)
}

/// Rows that others are measured against. Which are nearest is found by matrix products, which need not be
/// exact: every row that may be one of the nearest is measured exactly, so that the result depends on the
/// vectors alone.
struct Others<'a> {
    rows: Rows<'a>,
    /// A copy of them.
    packed: Matrix,
    /// Their squared lengths.
    lengths: Vec<f32>,
}

impl<'a> Others<'a> {
    fn new(rows: Rows<'a>) -> Self {
        Self { rows, packed: rows.to_matrix(), lengths: lengths(rows) }
    }

    /// The mean distance of each of `rows` to its nearest `neighbours` among the others that are not itself.
    fn mean_distances(&self, rows: Rows<'_>, neighbours: usize, means: &mut [f64]) {
        let own = lengths(rows);
        let mut products = vec![0.0f32; BLOCK.min(rows.len()) * self.rows.len()];
        for (number, means) in means.chunks_mut(BLOCK).enumerate() {
            let start = number * BLOCK;
            let block = Rows::new(rows.matrix(), &rows.ids()[start..start + means.len()]);
            multiply_transposed(
                block.to_matrix().values(),
                self.packed.values(),
                means.len(),
                self.rows.len(),
                rows.width(),
                &mut products,
            );
            for (place, mean) in means.iter_mut().enumerate() {
                let products = &products[place * self.rows.len()..][..self.rows.len()];
                let id = block.ids()[place];
                *mean = mean_here(self, block.get(place), id, own[start + place], products, neighbours);
            }
        }
    }
}

/// The squared lengths.
fn lengths(rows: Rows<'_>) -> Vec<f32> {
    (0..rows.len()).map(|place| lanes::dot(rows.get(place), rows.get(place))).collect()
}

/// Rows that are looked at together.
const CHUNK: usize = 16;

/// Of a chunk: what the squared distances surely do not exceed (`sign` 1), or surely reach (`sign` -1). For
/// lengths beyond what can be squared the bounds are NaN, and neither holds.
#[inline(always)]
fn bounds(products: &[f32; CHUNK], lengths: &[f32; CHUNK], length: f32, sign: f32) -> [f32; CHUNK] {
    let mut bounds = [0.0; CHUNK];
    for lane in 0..CHUNK {
        let sum = length + lengths[lane];
        bounds[lane] = (sum - 2.0 * products[lane]) + sign * SLACK * sum;
    }
    bounds
}

dispatched! {
    /// The mean distance of a row to its nearest `neighbours` among the others.
    fn mean_here(
        others: &Others<'_>,
        row: &[f32],
        id: RowId,
        length: f32,
        products: &[f32],
        neighbours: usize
    ) -> f64 {
        let ids = others.rows.ids();
        let (product_chunks, _) = products.as_chunks::<CHUNK>();
        let (length_chunks, _) = others.lengths.as_chunks::<CHUNK>();
        let pairs = || product_chunks.iter().zip(length_chunks).enumerate();
        // The smallest upper bounds so far: as many rows are surely as near as the last of them. One more
        // than asked for, since the row itself may be among them; those of the rest do without.
        let mut nearest = vec![f32::INFINITY; neighbours + 1];
        for (_, (products, lengths)) in pairs() {
            let upper = bounds(products, lengths, length, 1.0);
            let least = upper.iter().copied().fold(f32::INFINITY, f32::min);
            if least < nearest[neighbours] {
                for upper in upper {
                    if upper < nearest[neighbours] {
                        let at = nearest.partition_point(|&one| one <= upper);
                        nearest[at..].rotate_right(1);
                        nearest[at] = upper;
                    }
                }
            }
        }
        let limit = nearest[neighbours];
        let mut distances: Vec<f32> = Vec::with_capacity(2 * neighbours);
        let mut measure = |other: usize| {
            if ids[other] != id {
                distances.push(lanes::squared_distance(row, others.rows.get(other)));
            }
        };
        for (number, (products, lengths)) in pairs() {
            let lower = bounds(products, lengths, length, -1.0);
            let beyond = lower.iter().filter(|&&lower| lower > limit).count();
            if beyond < CHUNK {
                // What is NaN is measured.
                let near = lower.iter().enumerate().filter(|(_, lower)| **lower <= limit || lower.is_nan());
                near.for_each(|(lane, _)| measure(number * CHUNK + lane));
            }
        }
        (product_chunks.len() * CHUNK..products.len()).for_each(&mut measure);
        let k = neighbours.min(distances.len());
        if k == 0 {
            return 0.0;
        }
        distances.select_nth_unstable_by(k - 1, f32::total_cmp);
        // Sorted, so that the sum does not depend on how the selection left them.
        distances[..k].sort_unstable_by(f32::total_cmp);
        distances[..k].iter().map(|&squared| f64::from(squared).sqrt()).sum::<f64>() / k as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn by_hand() {
        let matrix = Matrix::new(vec![0.0, 1.0, 3.0, 7.0], 4, 1);
        let ids: Vec<RowId> = (0..4).map(RowId).collect();
        let found = typicalities(Rows::new(matrix.view(), &ids), 2, Key::root(0));
        for (found, mean) in found.iter().zip([2.0, 1.5, 2.5, 5.0]) {
            assert!((found - 1.0 / (mean + 1e-5)).abs() < 1e-9);
        }
        let first = |ids: &[RowId], k| {
            most_typical(Rows::new(matrix.view(), ids), 4, k, Key::root(0), Ties::new(Key::root(0)))
        };
        assert_eq!(first(&ids, 2), 1);
        assert_eq!(first(&ids[..1], 1), 0);
    }

    /// Whoever is looked at is measured among all rows: of two drawn, the one whose neighbours are nearer.
    #[test]
    fn of_many_rows_some_are_looked_at() {
        let matrix = Matrix::new((0..40).map(|i| (i * i) as f32).collect(), 40, 1);
        let ids: Vec<RowId> = (0..40).map(RowId).collect();
        let rows = Rows::new(matrix.view(), &ids);
        let all = typicalities(rows, 3, Key::root(0));
        let mut found = std::collections::BTreeSet::new();
        for seed in 0..30 {
            let key = Key::root(seed);
            let drawn = Subsample::new(&ids, 2, RowDraws::new(key.named("typical"))).places;
            let expected = drawn.into_iter().max_by(|&a, &b| all[a].total_cmp(&all[b])).unwrap();
            assert_eq!(most_typical(rows, 2, 3, key, Ties::new(key)), expected);
            found.insert(expected);
        }
        assert!(found.len() > 5, "{found:?}");
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// Also far from the origin, where products say little, and with duplicates.
        #[test]
        fn means_are_those_of_all_pairs(
            values in prop::collection::vec(-4i8..=4, 75 * 3),
            away in prop::sample::select(vec![0.0f32, 1e3, 1e20]),
            neighbours in 1usize..25,
        ) {
            let matrix = Matrix::new(values.into_iter().map(|v| f32::from(v) * 0.25 + away).collect(), 75, 3);
            let ids: Vec<RowId> = (0..75).map(RowId).collect();
            let rows = Rows::new(matrix.view(), &ids);
            for (place, found) in typicalities(rows, neighbours, Key::root(0)).into_iter().enumerate() {
                let mut squared: Vec<f32> = (0..75)
                    .filter(|&other| other != place)
                    .map(|other| lanes::squared_distance(rows.get(place), rows.get(other)))
                    .collect();
                squared.sort_by(f32::total_cmp);
                let sum: f64 = squared[..neighbours].iter().map(|&s| f64::from(s).sqrt()).sum();
                prop_assert_eq!(found, 1.0 / (sum / neighbours as f64 + EPSILON));
            }
        }
    }
}
