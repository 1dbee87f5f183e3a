//! How many rows lie within a distance.

use super::lanes::dispatched;
use super::packed::{self, Packed};
use super::rows::Rows;
use crate::data::RowId;

/// Adds `change` to `counts[i]` for each of `targets` (rows of the same matrix) whose squared distance to
/// row `i` is at most `squared`, a finite number.
pub fn add(rows: Rows<'_>, targets: &[RowId], squared: f32, change: i64, counts: &mut [i64]) {
    let targets = Rows::new(rows.matrix(), targets);
    packed::against(rows, targets, counts, |rows, packed, counts| {
        add_here(rows, packed, squared, change, counts);
    });
}

dispatched! {
    fn add_here(rows: Rows<'_>, packed: &Packed, squared: f32, change: i64, counts: &mut [i64]) {
        for (place, count) in counts.iter_mut().enumerate() {
            let mut within = 0u32;
            for group in 0..packed.groups() {
                for distance in packed.squared(group, rows.get(place)) {
                    within += u32::from(distance <= squared);
                }
            }
            *count += change * i64::from(within);
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
