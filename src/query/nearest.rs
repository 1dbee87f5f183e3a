//! [`Nearest`]: how far every row of a pool is from the labelled rows of each class, kept up to date
//! label by label.

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
        let new = inputs.row(row.index());
        for (i, distances) in self.squared.chunks_exact_mut(self.classes).enumerate() {
            let own = &mut distances[label as usize];
            *own = own.min(squared_distance(inputs.row(i), new));
        }
    }

    /// The squared distances of `row`, one per class; infinite for a class without a label.
    pub fn per_class(&self, row: usize) -> &[f32] {
        &self.squared[row * self.classes..(row + 1) * self.classes]
    }

    /// The squared distance of `row` to the nearest labelled row, and that row's class; `None` without
    /// labels.
    pub fn any(&self, row: usize) -> Option<(f32, u32)> {
        let (class, &squared) = self
            .per_class(row)
            .iter()
            .enumerate()
            .min_by(|a, b| a.1.total_cmp(b.1))
            .filter(|(_, s)| s.is_finite())?;
        Some((squared, class as u32))
    }
}

/// Squared Euclidean distance, summed in sixteen fixed lanes: fast, and the same everywhere.
fn squared_distance(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0.0f32; 16];
    let (a_blocks, b_blocks) = (a.chunks_exact(16), b.chunks_exact(16));
    let (a_rest, b_rest) = (a_blocks.remainder(), b_blocks.remainder());
    for (x, y) in a_blocks.zip(b_blocks) {
        for lane in 0..16 {
            let difference = x[lane] - y[lane];
            lanes[lane] += difference * difference;
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(x, y)| (x - y) * (x - y)).sum();
    lanes.iter().sum::<f32>() + rest
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

    #[test]
    fn the_lanes_add_up() {
        let a: Vec<f32> = (0..37).map(|i| i as f32).collect();
        let b = vec![0.0; 37];
        assert_eq!(squared_distance(&a, &b), (0..37).map(|i| (i * i) as f32).sum::<f32>());
    }
}
