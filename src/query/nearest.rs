//! [`Nearest`]: how far every row of a pool is from the labelled rows of each class, kept up to date
//! label by label.

use super::geometry::lanes::{dispatched, squared_distance};
use crate::data::{MatrixView, RowId};

/// Squared Euclidean distance of every row to its nearest labelled row of every class.
///
/// A new label costs O(n d), so a whole episode costs what one pass over the labelled rows would.
#[derive(Clone, Debug, PartialEq)]
pub struct Nearest {
    classes: usize,
    squared: Vec<f32>,
}

impl Nearest {
    /// No label yet: every distance is infinite.
    pub fn none(rows: usize, classes: usize) -> Self {
        Self { classes, squared: vec![f32::INFINITY; rows * classes] }
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
        lower(&mut self.squared[label as usize..], self.classes, inputs, inputs.row(row.index()));
    }

    /// Takes a labelled row into account for one row alone, which is `squared` away from it.
    pub fn lower_one(&mut self, row: usize, label: u32, squared: f32) {
        let own = &mut self.squared[row * self.classes + label as usize];
        *own = own.min(squared);
    }

    /// The squared distances of `row`, one per class; infinite for a class without a label.
    pub fn per_class(&self, row: usize) -> &[f32] {
        &self.squared[row * self.classes..(row + 1) * self.classes]
    }

    /// The squared distance of `row` to the nearest labelled row, and that row's class; `None` without
    /// labels.
    pub fn any(&self, row: usize) -> Option<(f32, u32)> {
        let (mut nearest, mut class) = (f32::INFINITY, 0);
        for (other, &squared) in self.per_class(row).iter().enumerate() {
            if squared < nearest {
                (nearest, class) = (squared, other as u32);
            }
        }
        nearest.is_finite().then_some((nearest, class))
    }
}

dispatched! {
    /// Lowers every `classes`-th distance to that of its row to `new` where that one is smaller.
    fn lower(squared: &mut [f32], classes: usize, inputs: MatrixView<'_>, new: &[f32]) {
        for (i, own) in squared.iter_mut().step_by(classes).enumerate() {
            *own = own.min(squared_distance(inputs.row(i), new));
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
        assert_eq!(nearest.per_class(3), &[9.0, 16.0, f32::INFINITY]);
        assert_eq!(nearest.any(3), Some((9.0, 0)));
        assert_eq!(nearest.any(4), Some((0.0, 1)));
    }
}
