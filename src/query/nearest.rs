//! [`Nearest`]: how far every row of a pool is from the labelled rows of each class, kept up to date
//! label by label.

use super::geometry::blocks::squared_distances_to;
use super::geometry::lanes::dispatched;
use crate::data::{MatrixView, RowId};
use std::sync::Mutex;

/// Rows whose distances to a new label are made together.
const BLOCK: usize = 512;

/// Squared Euclidean distance of every row to its nearest labelled row of every class.
///
/// A new label costs O(n d), so a whole episode costs what one pass over the labelled rows would.
#[derive(Clone, Debug, PartialEq)]
pub struct Nearest {
    rows: usize,
    /// `[classes][rows]`: a label touches its own class alone.
    squared: Vec<f32>,
    /// The least of each row, and its class: the smaller of classes that are equally near.
    least: Vec<f32>,
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
    pub fn none(rows: usize, classes: usize) -> Self {
        let squared = vec![f32::INFINITY; rows * classes];
        let (least, class) = (vec![f32::INFINITY; rows], vec![0; rows]);
        Self { rows, squared, least, class, foreseen: Foreseen::default() }
    }

    /// The distances to these labelled rows.
    pub fn of(inputs: MatrixView<'_>, labelled: &[RowId], labels: &[u32], classes: usize) -> Self {
        let mut nearest = Self::none(inputs.rows(), classes);
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
        let own = &mut self.squared[label as usize * self.rows..][rows.clone()];
        lower(squared, label, own, &mut self.least[rows.clone()], &mut self.class[rows]);
    }

    /// Takes a labelled row into account for one row alone, which is `squared` away from it; whether that
    /// is nearer than the nearest of its class before.
    #[inline(always)]
    pub fn lower_one(&mut self, row: usize, label: u32, squared: f32) -> bool {
        let own = &mut self.squared[label as usize * self.rows + row];
        let lowers = squared < *own;
        if lowers {
            *own = squared;
            let (least, class) = (&mut self.least[row], &mut self.class[row]);
            if squared < *least || (squared == *least && label < *class) {
                (*least, *class) = (squared, label);
            }
        }
        lowers
    }

    /// The squared distances of `row`, one per class; infinite for a class without a label.
    #[inline(always)]
    pub fn per_class(&self, row: usize) -> impl Iterator<Item = f32> {
        self.squared[row..].iter().step_by(self.rows).copied()
    }

    /// The squared distance of `row` to the nearest labelled row; infinite without labels.
    #[inline(always)]
    pub fn least(&self, row: usize) -> f32 {
        self.least[row]
    }

    /// The squared distance of `row` to the nearest labelled row, and that row's class; `None` without
    /// labels.
    pub fn any(&self, row: usize) -> Option<(f32, u32)> {
        self.least[row].is_finite().then_some((self.least[row], self.class[row]))
    }
}

dispatched! {
    /// Lowers the distances to a class, and the least of all, to those of a new label of it where they are less.
    fn lower(squared: &[f32], label: u32, own: &mut [f32], least: &mut [f32], class: &mut [u32]) {
        for (((&squared, own), least), class) in squared.iter().zip(own).zip(least).zip(class) {
            *own = if squared < *own { squared } else { *own };
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
        assert_eq!(Nearest::none(5, 2).any(3), None);
        let nearest = Nearest::of(inputs, &[RowId(0), RowId(4), RowId(2)], &[0, 1, 0], 3);
        assert!(nearest.per_class(3).eq([9.0, 16.0, f32::INFINITY]));
        assert_eq!(nearest.any(3), Some((9.0, 0)));
        assert_eq!(nearest.any(4), Some((0.0, 1)));
        // With what was foreseen, and without.
        let mut again = Nearest::of(inputs, &[RowId(0), RowId(4)], &[0, 1], 3);
        let mut squared = [0.0; 5];
        squared_distances_to(inputs.values(), inputs.row(2), &mut squared);
        again.foresee(RowId(2), &squared);
        again.add(inputs, RowId(2), 0);
        assert_eq!(again, nearest);
        // Equally far from rows 1 and 3: the smaller class, whichever came first.
        for order in [[(0, 2), (2, 1)], [(2, 1), (0, 2)]] {
            let (rows, labels): (Vec<_>, Vec<_>) =
                order.map(|(row, label)| (RowId(row), label)).into_iter().unzip();
            assert_eq!(Nearest::of(inputs, &rows, &labels, 3).any(1), Some((1.0, 1)));
        }
    }
}
