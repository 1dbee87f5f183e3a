//! Which centre is nearest to each row, again and again while the centres move.
//!
//! From one step to the next, bounds by the triangle inequality (Ding et al., "Yinyang
//! k-means", ICML 2015, with packed lanes as groups) leave out what cannot have changed; the result is that
//! of comparing all pairs.

use super::packed::{LANES, Packed};
use super::rows::{self, Rows, Scale};
use crate::data::Matrix;
use crate::simd::dispatched;

/// By how much a bound must exceed a distance to rule a group out: far more than rounding.
const SLACK: f32 = 1.001;

/// The two smallest of a group, as distances, and the centre of the smallest.
#[inline(always)]
fn two_smallest(squared: &[f32; LANES], group: usize) -> (f32, u32, f32) {
    let (mut first, mut nearest, mut second) = (f32::INFINITY, 0, f32::INFINITY);
    for (lane, &value) in squared.iter().enumerate() {
        if value < first {
            (second, first, nearest) = (first, value, lane);
        } else if value < second {
            second = value;
        }
    }
    (first.sqrt(), (group * LANES + nearest) as u32, second.sqrt())
}

/// What is known of one row.
#[derive(Clone, Debug)]
struct Standing {
    nearest: u32,
    /// At least the distance to the nearest centre.
    upper: f32,
}

/// The nearest centre of every row.
pub struct Assignment {
    standing: Vec<Standing>,
    /// At most the distance to the nearest centre of each group other than the row's own centre,
    /// shape `[rows, groups]`.
    lower: Vec<f32>,
    centres: Matrix,
}

/// The nearest centre of every row, once; the smaller number of equally near ones.
pub fn nearest(rows: Rows<'_>, scale: Scale, centres: &Matrix) -> Vec<u32> {
    let packed = Packed::new(centres.view());
    let mut assignment = vec![0u32; rows.len()];
    rows::in_blocks(rows, &mut assignment, centres.rows(), |rows, out| {
        rows::scaled(rows, scale, |rows| nearest_here(rows, &packed, out));
    });
    assignment
}

impl Assignment {
    /// Compares all rows with all centres.
    pub fn new(rows: Rows<'_>, centres: &Matrix) -> Self {
        let packed = Packed::new(centres.view());
        let groups = packed.groups();
        let mut standing = vec![Standing { nearest: 0, upper: f32::INFINITY }; rows.len()];
        let mut lower = vec![0.0f32; rows.len() * groups];
        let mut parts = pair(&mut standing, &mut lower, groups);
        rows::in_blocks(rows, &mut parts, centres.rows(), |rows, parts| all_here(rows, &packed, parts));
        Self { standing, lower, centres: centres.clone() }
    }

    /// The nearest centre of every row.
    pub fn nearest(&self) -> Vec<u32> {
        self.standing.iter().map(|standing| standing.nearest).collect()
    }

    /// Follows the centres to where they are now; whether any row has another nearest centre.
    pub fn follow(&mut self, rows: Rows<'_>, centres: &Matrix) -> bool {
        let packed = Packed::new(centres.view());
        let groups = packed.groups();
        let drift: Vec<f32> = (0..centres.rows())
            .map(|centre| {
                let pairs = centres.row(centre).iter().zip(self.centres.row(centre));
                pairs.map(|(now, then)| f64::from(now - then).powi(2)).sum::<f64>().sqrt() as f32 * SLACK
            })
            .collect();
        let group_drift: Vec<f32> =
            drift.chunks(LANES).map(|drift| drift.iter().copied().fold(0.0, f32::max)).collect();
        let before = self.nearest();
        let mut parts = pair(&mut self.standing, &mut self.lower, groups);
        rows::in_blocks(rows, &mut parts, centres.rows(), |rows, parts| {
            follow_here(rows, &packed, &drift, &group_drift, parts);
        });
        self.centres = centres.clone();
        self.standing.iter().zip(before).any(|(standing, before)| standing.nearest != before)
    }
}

/// One row's standing and lower bounds.
type Part<'p> = (&'p mut Standing, &'p mut [f32]);

fn pair<'p>(standing: &'p mut [Standing], lower: &'p mut [f32], groups: usize) -> Vec<Part<'p>> {
    standing.iter_mut().zip(lower.chunks_exact_mut(groups)).collect()
}

dispatched! {
    fn nearest_here(rows: Rows<'_>, packed: &Packed, assignment: &mut [u32]) {
        for (place, assigned) in assignment.iter_mut().enumerate() {
            let mut best = (f32::INFINITY, 0);
            for group in 0..packed.groups() {
                let (first, centre, _) = two_smallest(&packed.squared(group, rows.get(place)), group);
                if first < best.0 {
                    best = (first, centre);
                }
            }
            *assigned = best.1;
        }
    }
}

dispatched! {
    fn all_here(rows: Rows<'_>, packed: &Packed, parts: &mut [Part<'_>]) {
        for (place, (standing, lower)) in parts.iter_mut().enumerate() {
            let mut own = 0;
            let mut without_own = 0.0;
            standing.upper = f32::INFINITY;
            for group in 0..packed.groups() {
                let (first, centre, second) = two_smallest(&packed.squared(group, rows.get(place)), group);
                lower[group] = first;
                if first < standing.upper {
                    (own, without_own) = (group, second);
                    (standing.upper, standing.nearest) = (first, centre);
                }
            }
            lower[own] = without_own;
        }
    }
}

dispatched! {
    fn follow_here(
        rows: Rows<'_>,
        packed: &Packed,
        drift: &[f32],
        group_drift: &[f32],
        parts: &mut [Part<'_>],
    ) {
        for (place, (standing, lower)) in parts.iter_mut().enumerate() {
            let mut least = f32::INFINITY;
            for (lower, drift) in lower.iter_mut().zip(group_drift) {
                *lower -= drift;
                least = least.min(*lower);
            }
            let old = standing.nearest;
            standing.upper += drift[old as usize];
            if standing.upper * SLACK < least {
                continue;
            }
            let row = rows.get(place);
            let own = old as usize / LANES;
            // The own group first: the nearer the best so far, the more groups are ruled out.
            let (first, centre, second) = two_smallest(&packed.squared(own, row), own);
            (standing.upper, standing.nearest) = (first, centre);
            lower[own] = second;
            // The group of the nearest centre so far.
            let mut holder = own;
            for group in (0..packed.groups()).filter(|&group| group != own) {
                if lower[group] > standing.upper * SLACK {
                    continue;
                }
                let (first, centre, second) = two_smallest(&packed.squared(group, row), group);
                lower[group] = first;
                let nearer = first < standing.upper || (first == standing.upper && centre < standing.nearest);
                if nearer {
                    // The one that was nearest is now one of the others of its group.
                    lower[holder] = lower[holder].min(standing.upper);
                    lower[group] = second;
                    (standing.upper, standing.nearest, holder) = (first, centre, group);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::RowId;
    use crate::query::geometry::lanes;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// Bounds leave out nothing that matters: following moves gives what comparing all pairs gives.
        #[test]
        fn following_is_comparing_all(
            values in prop::collection::vec(-3.0f32..3.0, 60 * 5),
            starts in prop::collection::vec(-3.0f32..3.0, 37 * 5),
            moves in prop::collection::vec(-0.3f32..0.3, 37 * 5),
        ) {
            let matrix = Matrix::new(values, 60, 5);
            let ids: Vec<RowId> = (0..60).map(RowId).collect();
            let rows = Rows::new(matrix.view(), &ids);
            let mut centres = Matrix::new(starts, 37, 5);
            let mut assignment = Assignment::new(rows, &centres);
            for step in 0..6 {
                let all = nearest(rows, Scale::AsIs, &centres);
                prop_assert_eq!(&assignment.nearest(), &all);
                for (place, &centre) in all.iter().enumerate() {
                    let least = (0..37)
                        .map(|c| lanes::squared_distance(rows.get(place), centres.row(c)))
                        .fold(f32::INFINITY, f32::min);
                    let found = lanes::squared_distance(rows.get(place), centres.row(centre as usize));
                    prop_assert!(found <= least * 1.0001);
                }
                for (value, change) in centres.values_mut().iter_mut().zip(&moves) {
                    *value += change / (step + 1) as f32;
                }
                let changed = assignment.follow(rows, &centres);
                prop_assert_eq!(changed, assignment.nearest() != all);
            }
        }
    }

    #[test]
    fn equal_distances_go_to_the_smaller_number() {
        let matrix = Matrix::zeros(3, 2);
        let ids: Vec<RowId> = (0..3).map(RowId).collect();
        let rows = Rows::new(matrix.view(), &ids);
        let centres = Matrix::new(vec![1.0; 40 * 2], 40, 2);
        let mut assignment = Assignment::new(rows, &centres);
        assert_eq!(assignment.nearest(), [0; 3]);
        let nearer = Matrix::new(vec![0.5; 40 * 2], 40, 2);
        assert!(!assignment.follow(rows, &nearer));
        assert_eq!(assignment.nearest(), [0; 3]);
    }

    #[test]
    fn no_columns_at_all() {
        let matrix = Matrix::zeros(2, 0);
        let rows = Rows::new(matrix.view(), &[RowId(0), RowId(1)]);
        assert_eq!(nearest(rows, Scale::AsIs, &Matrix::zeros(3, 0)), [0, 0]);
    }
}
