//! How many rows lie within a distance.

use super::lanes::{self, dispatched};
use super::rows::{self, Rows};
use crate::data::RowId;

/// Adds `change` to `counts[i]` for each of `targets` (rows of the same matrix) whose squared distance to
/// row `i` is at most `squared`.
pub fn add(rows: Rows<'_>, targets: &[RowId], squared: f32, change: i64, counts: &mut [i64]) {
    let targets = Rows::new(rows.matrix(), targets);
    rows::in_blocks(rows, counts, targets.len(), |rows, counts| {
        add_here(rows, targets, squared, change, counts);
    });
}

dispatched! {
    fn add_here(rows: Rows<'_>, targets: Rows<'_>, squared: f32, change: i64, counts: &mut [i64]) {
        for (place, count) in counts.iter_mut().enumerate() {
            let row = rows.get(place);
            let mut within = 0i64;
            for target in 0..targets.len() {
                within += i64::from(lanes::squared_distance(row, targets.get(target)) <= squared);
            }
            *count += change * within;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Matrix;

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
}
