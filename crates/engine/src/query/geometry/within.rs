//! How many rows lie within a distance.

use super::lanes;
use super::rows::{self, Rows};
use crate::data::RowId;
use crate::learner::bank::multiply_transposed;
use crate::query::Size;
use crate::simd::dispatched;

/// Targets, and rows of one product; results do not depend on it.
const TARGETS: usize = 1_024;
const BLOCK: usize = 64;
/// Far more than rounding, relative to the lengths involved: pairs this near to the limit are measured
/// exactly, so that a pair counts or not by its two vectors alone.
const SLACK: f32 = 1e-4;

/// Adds `change` to `counts[i]` for each of `targets` (rows of the same matrix) whose squared distance to
/// row `i` is at most `squared`, a finite number.
pub fn add(rows: Rows<'_>, targets: &[RowId], squared: f32, change: i64, counts: &mut [i64]) {
    for ids in targets.chunks(TARGETS) {
        let targets = Rows::new(rows.matrix(), ids);
        let copy = targets.to_matrix();
        let lengths = lengths(targets);
        rows::in_blocks(rows, counts, ids.len(), |rows, counts| {
            let own = self::lengths(rows);
            let mut products = vec![0.0f32; BLOCK * ids.len()];
            for (number, counts) in counts.chunks_mut(BLOCK).enumerate() {
                let start = number * BLOCK;
                let block = Rows::new(rows.matrix(), &rows.ids()[start..start + counts.len()]);
                multiply_transposed(
                    block.to_matrix().values(),
                    copy.values(),
                    counts.len(),
                    ids.len(),
                    rows.width(),
                    &mut products,
                );
                for (place, count) in counts.iter_mut().enumerate() {
                    let length = own[start + place];
                    let products = &products[place * ids.len()..(place + 1) * ids.len()];
                    let (surely, perhaps) = within_here(products, &lengths, length, squared);
                    let mut within = surely;
                    if perhaps > surely {
                        within = (0..ids.len())
                            .filter(|&target| {
                                match standing(products[target], lengths[target], length, squared) {
                                    (sure, true) => {
                                        sure || lanes::squared_distance(block.get(place), targets.get(target))
                                            <= squared
                                    }
                                    _ => false,
                                }
                            })
                            .count() as u32;
                    }
                    *count += change * i64::from(within);
                }
            }
        });
    }
}

/// Forecast of the bytes that counting for `rows` rows takes.
pub fn memory(rows: usize, size: &Size) -> u64 {
    let products = 2 * (BLOCK * TARGETS * 4) as u64;
    size.vectors(TARGETS + 2 * BLOCK) + products + Size::items(rows, 8)
}

/// The squared lengths.
fn lengths(rows: Rows<'_>) -> Vec<f32> {
    (0..rows.len()).map(|place| lanes::dot(rows.get(place), rows.get(place))).collect()
}

/// Whether a pair is surely, and whether it is perhaps, within the distance.
#[inline(always)]
fn standing(product: f32, a: f32, b: f32, squared: f32) -> (bool, bool) {
    let beyond = (a + b) - 2.0 * product - squared;
    let slack = SLACK * (a + b);
    (beyond < -slack, beyond <= slack)
}

dispatched! {
    fn within_here(products: &[f32], lengths: &[f32], length: f32, squared: f32) -> (u32, u32) {
        let (mut surely, mut perhaps) = (0u32, 0u32);
        for (&product, &other) in products.iter().zip(lengths) {
            let (sure, maybe) = standing(product, other, length, squared);
            surely += u32::from(sure);
            perhaps += u32::from(maybe);
        }
        (surely, perhaps)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Matrix;
    use proptest::prelude::*;

    #[test]
    fn counts_up_and_down() {
        let matrix = Matrix::new(vec![0.0, 1.0, 3.0], 3, 1);
        let ids: Vec<RowId> = (0..3).map(RowId).collect();
        let rows = Rows::new(matrix.view(), &ids);
        let mut counts = vec![0; 3];
        add(rows, &ids, 4.0, 1, &mut counts);
        assert_eq!(counts, [2, 3, 2]);
        add(rows, &ids[..1], 4.0, -1, &mut counts);
        assert_eq!(counts, [1, 2, 2]);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// On a grid many pairs lie exactly at the limit.
        #[test]
        fn counts_match_the_double_loop(
            values in prop::collection::vec(-2i8..=2, 150 * 3),
            squared in 0u8..6,
        ) {
            let matrix = Matrix::new(values.into_iter().map(f32::from).collect(), 150, 3);
            let ids: Vec<RowId> = (0..150).map(RowId).collect();
            let rows = Rows::new(matrix.view(), &ids);
            let mut counts = vec![7i64; 150];
            add(rows, &ids[40..], f32::from(squared), -1, &mut counts);
            for (place, count) in counts.into_iter().enumerate() {
                let near = (40..150).filter(|&other| {
                    lanes::squared_distance(rows.get(place), rows.get(other)) <= f32::from(squared)
                });
                prop_assert_eq!(count, 7 - near.count() as i64);
            }
        }
    }
}
