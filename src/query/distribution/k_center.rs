//! Core-set selection by greedy k-center.

use crate::data::RowId;
use crate::error::Result;
use crate::query::geometry::{self, FarthestFirst, Rows};
use crate::query::registry::{Built, Card, Entry, Family};
use crate::query::regression::kernel::Kernel;
use crate::query::{Kinds, Needs, PoolView, Size, Strategy, Ties};
use crate::rng::Key;

pub(super) const ENTRY: Entry = Entry {
    card: Card {
        name: "k_center",
        summary: "the candidate farthest from everything labelled or picked, again and again (embeddings)",
        paper: "Sener & Savarese, ICLR 2018",
        family: Family::Distribution,
        needs: Needs { embeddings: true, ..Needs::NONE },
        cost: "time (L + b) n d at most, far less where few rows stay far; memory n + b d",
        example: "k_center",
        deterministic: true,
    },
    make: |params| Built::batch(KCenter { kernel: Kernel::read(params)? }),
};

/// Greedy k-center: the covering radius of its picks is at most twice the smallest possible.
///
/// With nothing labelled, the first pick is the candidate nearest the mean. Equal distances come in the order
/// of [`Ties`].
pub struct KCenter {
    /// What distances are of.
    pub kernel: Kernel,
}

impl Strategy for KCenter {
    fn select(&mut self, view: &PoolView<'_>, batch: usize, key: Key) -> Result<Vec<RowId>> {
        let vectors = self.kernel.vectors(view, key.named("kernel"))?;
        let vectors = vectors.view();
        let (rows, labelled) = (view.candidate_rows(vectors), view.labelled_rows(vectors));
        Ok(cover(rows, labelled, batch, view.ties(key)).into_iter().map(|place| rows.ids()[place]).collect())
    }

    fn needs(&self) -> Needs {
        self.kernel.needs()
    }

    fn kinds(&self) -> Kinds {
        self.kernel.kinds()
    }

    fn memory(&self, size: &Size) -> u64 {
        // A bound per row, its copy while the largest are sought, and what is watched; the picks.
        self.kernel.memory(size)
            + Size::items(size.candidates, 20)
            + size.vectors(size.batch + 2 * size.labelled.min(1_024))
    }
}

/// Places of the rows that greedy k-center takes, in order; `centres` are covered from the start.
pub fn cover(rows: Rows<'_>, centres: Rows<'_>, batch: usize, ties: Ties<'_>) -> Vec<usize> {
    let mut order = FarthestFirst::new(rows, geometry::minima_to(rows, centres), ties);
    for number in 0..batch.min(rows.len()) {
        let next = match number == 0 && centres.is_empty() {
            true => geometry::nearest_to(rows, &geometry::mean(rows), ties),
            false => order.farthest(),
        };
        let Some(pick) = next else { break };
        order.pick(pick);
    }
    order.into_picks()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Matrix;
    use proptest::prelude::*;

    fn picks(values: &[f32], width: usize, labelled: &[u32], batch: usize) -> Vec<u32> {
        let n = values.len() / width;
        let matrix = Matrix::new(values.to_vec(), n, width);
        let labelled: Vec<RowId> = labelled.iter().copied().map(RowId).collect();
        let candidates: Vec<RowId> = (0..n as u32).map(RowId).filter(|row| !labelled.contains(row)).collect();
        let (rows, centres) = (Rows::new(matrix.view(), &candidates), Rows::new(matrix.view(), &labelled));
        cover(rows, centres, batch, Ties::new(Key::root(0)))
            .into_iter()
            .map(|place| candidates[place].0)
            .collect()
    }

    #[test]
    fn worked_example() {
        // Row 0 is labelled; the pool is 1, 2, 5, 9, 10. Picks 10, 5, 2.
        assert_eq!(picks(&[0.0, 1.0, 2.0, 5.0, 9.0, 10.0], 1, &[0], 3), [5, 3, 2]);
    }

    #[test]
    fn starts_at_the_mean_without_labels() {
        assert_eq!(picks(&[0.0, 4.0, 5.0, 11.0], 1, &[], 2), [2, 3]);
    }

    #[test]
    fn duplicates_are_picked_last_and_once() {
        let mut found = picks(&[0.0, 0.0, 0.0, 3.0], 1, &[0], 3);
        found[1..].sort_unstable();
        assert_eq!(found, [3, 1, 2]);
    }

    proptest! {
        /// The covering radius is at most twice that of the best choice of centres (Gonzalez 1985).
        #[test]
        fn radius_is_within_twice_the_optimum(values in prop::collection::vec(-9.0f32..9.0, 18), k in 1usize..4) {
            let radius = |centres: &[u32]| {
                (0..9).map(|i| {
                    centres.iter()
                        .map(|&c| (0..2).map(|j| (values[i * 2 + j] - values[c as usize * 2 + j]).powi(2)).sum::<f32>())
                        .fold(f32::INFINITY, f32::min)
                }).fold(0.0, f32::max).sqrt()
            };
            let mut greedy = vec![0];
            greedy.extend(picks(&values, 2, &[0], k));
            let mut best = f32::INFINITY;
            for set in 0u32..512 {
                if set & 1 == 1 && set.count_ones() as usize == k + 1 {
                    let centres: Vec<u32> = (0..9).filter(|i| set >> i & 1 == 1).collect();
                    best = best.min(radius(&centres));
                }
            }
            prop_assert!(radius(&greedy) <= 2.0 * best + 1e-4);
        }
    }
}
