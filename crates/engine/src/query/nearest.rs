//! [`Nearest`]: how far every row of a pool is from the labelled rows, kept up to date label by label.

use super::geometry::blocks::squared_distances_to;
use crate::data::{MatrixView, RowId};
use crate::simd::dispatched;
use std::sync::Mutex;

/// Rows whose distances to a new label are made together.
const BLOCK: usize = 512;

/// Squared Euclidean distance of every row to its nearest labelled row, and that row's class.
///
/// A new label costs O(n d), so a whole episode costs what one pass over the labelled rows would.
#[derive(Clone, Debug, PartialEq)]
pub struct Nearest {
    least: Vec<f32>,
    /// The smaller of classes that are equally near.
    class: Vec<u32>,
    foreseen: Foreseen,
}

/// The most numbers that are kept of what was [foreseen](Nearest::foresee).
const MOST_FORESEEN: usize = 1 << 20;

/// Squared distances of all rows to rows that are about to be labelled: nothing that changes a result.
#[derive(Debug, Default)]
struct Foreseen(Mutex<Vec<(RowId, Vec<f32>)>>);

impl Foreseen {
    fn take(&mut self, row: RowId) -> Option<Vec<f32>> {
        let held = self.0.get_mut().ok()?;
        match held.iter().position(|(other, _)| *other == row) {
            Some(at) => Some(held.swap_remove(at).1),
            // The rows to be labelled are others than was thought.
            None => {
                held.clear();
                None
            }
        }
    }
}

impl Clone for Foreseen {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl PartialEq for Foreseen {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Nearest {
    /// No label yet: every distance is infinite.
    pub fn none(rows: usize) -> Self {
        Self { least: vec![f32::INFINITY; rows], class: vec![0; rows], foreseen: Foreseen::default() }
    }

    /// The distances to these labelled rows.
    pub fn of(inputs: MatrixView<'_>, labelled: &[RowId], labels: &[u32]) -> Self {
        let mut nearest = Self::none(inputs.rows());
        for (&row, &label) in labelled.iter().zip(labels) {
            nearest.add(inputs, row, label);
        }
        nearest
    }

    /// Takes one more labelled row into account.
    pub fn add(&mut self, inputs: MatrixView<'_>, row: RowId, label: u32) {
        if let Some(foreseen) = self.foreseen.take(row) {
            return self.lower_all(0, label, &foreseen);
        }
        let mut distances = [0.0; BLOCK];
        let new = inputs.row(row.index());
        for start in (0..inputs.rows()).step_by(BLOCK) {
            let count = BLOCK.min(inputs.rows() - start);
            let rows = &inputs.values()[start * new.len()..(start + count) * new.len()];
            squared_distances_to(rows, new, &mut distances[..count]);
            self.lower_all(start, label, &distances[..count]);
        }
    }

    /// Keeps the squared distances of all rows to one that is about to be labelled, so that
    /// [`add`](Self::add) need not make them again.
    pub fn foresee(&self, row: RowId, squared: &[f32]) {
        if let Ok(mut held) = self.foreseen.0.lock()
            && (held.len() + 1) * squared.len() <= MOST_FORESEEN
        {
            held.push((row, squared.to_vec()));
        }
    }

    /// Takes a labelled row into account for the rows from `start` on, which are `squared` away from it.
    fn lower_all(&mut self, start: usize, label: u32, squared: &[f32]) {
        let rows = start..start + squared.len();
        lower(squared, label, &mut self.least[rows.clone()], &mut self.class[rows]);
    }

    /// Takes a labelled row into account for one row alone, which is `squared` away from it; whether that is nearer
    /// than all before.
    #[inline(always)]
    pub fn lower_one(&mut self, row: usize, label: u32, squared: f32) -> bool {
        let (least, class) = (&mut self.least[row], &mut self.class[row]);
        let nearer = squared < *least;
        if nearer || (squared == *least && label < *class) {
            (*least, *class) = (squared, label);
        }
        nearer
    }

    /// The squared distance of `row` to the nearest labelled row; infinite without labels.
    #[inline(always)]
    pub fn least(&self, row: usize) -> f32 {
        self.least[row]
    }

    /// The squared distance of `row` to the nearest labelled row, and that row's class; `None` without
    /// labels.
    #[inline]
    pub fn any(&self, row: usize) -> Option<(f32, u32)> {
        self.least[row].is_finite().then_some((self.least[row], self.class[row]))
    }
}

dispatched! {
    /// Lowers distances to those of a new label where they are less.
    fn lower(squared: &[f32], label: u32, least: &mut [f32], class: &mut [u32]) {
        for ((&squared, least), class) in squared.iter().zip(least).zip(class) {
            let takes = (squared < *least) | ((squared == *least) & (label < *class));
            *class = if takes { label } else { *class };
            *least = if takes { squared } else { *least };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_by_hand() {
        let inputs = MatrixView::new(&[0.0, 1.0, 2.0, 5.0, 9.0], 5, 1);
        assert_eq!(Nearest::none(5).any(3), None);
        let nearest = Nearest::of(inputs, &[RowId(0), RowId(4), RowId(2)], &[0, 1, 0]);
        assert_eq!(nearest.any(3), Some((9.0, 0)));
        assert_eq!(nearest.any(4), Some((0.0, 1)));
        // With what was foreseen, and without.
        let mut again = Nearest::of(inputs, &[RowId(0), RowId(4)], &[0, 1]);
        let mut squared = [0.0; 5];
        squared_distances_to(inputs.values(), inputs.row(2), &mut squared);
        again.foresee(RowId(2), &squared);
        again.add(inputs, RowId(2), 0);
        assert_eq!(again, nearest);
        // Equally far from rows 1 and 3: the smaller class, whichever came first.
        for order in [[(0, 2), (2, 1)], [(2, 1), (0, 2)]] {
            let (rows, labels): (Vec<_>, Vec<_>) =
                order.map(|(row, label)| (RowId(row), label)).into_iter().unzip();
            assert_eq!(Nearest::of(inputs, &rows, &labels).any(1), Some((1.0, 1)));
        }
    }
}
