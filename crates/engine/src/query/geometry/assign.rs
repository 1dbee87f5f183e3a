//! Which centre is nearest to each row, again and again while the centres move.
//!
//! From one step to the next, bounds by the triangle inequality leave out what cannot have changed; the result is
//! that of comparing all pairs. Few centres have a bound each per row (Elkan, ICML 2003); of more than
//! `MOST_SINGLE`, for which that would take memory, and over narrow rows, where comparing is no dearer than looking
//! at bounds, packed lanes share one (Ding et al., "Yinyang k-means", ICML 2015).

use super::lanes;
use super::packed::{LANES, Packed, squared_to};
use super::rows::{self, Rows, Scale};
use crate::data::Matrix;
use crate::learner::bank::multiply_transposed;
use crate::simd::dispatched;

/// By how much a bound must exceed a distance to rule a group out: far more than rounding.
const SLACK: f32 = 1.001;

/// Centres up to which each has a bound of its own.
const MOST_SINGLE: usize = 64;
/// Numbers per row from which on it has.
const LEAST_WIDTH: usize = WIDE;
/// Partial sums of a distance that need only be right to rounding.
const WIDE: usize = 8;

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
    /// At most the distance to each centre other than the row's own, or to the nearest such centre of each group;
    /// shape `[rows, bounds]`.
    lower: Vec<f32>,
    centres: Matrix,
    /// Of each centre, whether rows came or went in the last step.
    changed: Vec<bool>,
}

/// Whether each of so many centres, of so many numbers, has a bound of its own.
fn singly(centres: usize, width: usize) -> bool {
    centres <= MOST_SINGLE && width >= LEAST_WIDTH
}

/// Bounds per row of `centres` centres of `width` numbers.
pub fn bounds(centres: usize, width: usize) -> usize {
    let groups = centres.div_ceil(LANES);
    if singly(centres, width) { groups * LANES } else { groups }
}

/// The nearest centre of every row, once; the smaller number of equally near ones.
pub fn nearest(rows: Rows<'_>, scale: Scale, centres: &Matrix) -> Vec<u32> {
    let mut assignment = vec![0u32; rows.len()];
    if centres.rows() >= MANY_CENTRES && centres.cols() >= MANY_COLUMNS {
        let lengths: Vec<f32> =
            (0..centres.rows()).map(|centre| lanes::dot(centres.row(centre), centres.row(centre))).collect();
        rows::in_blocks(rows, &mut assignment, centres.rows(), |rows, out| {
            rows::scaled(rows, scale, |rows| by_products(rows, centres, &lengths, out));
        });
        return assignment;
    }
    let packed = Packed::new(centres.view());
    rows::in_blocks(rows, &mut assignment, centres.rows(), |rows, out| {
        rows::scaled(rows, scale, |rows| nearest_here(rows, &packed, out));
    });
    assignment
}

/// Centres and columns from which on products of matrices pay.
const MANY_CENTRES: usize = 64;
const MANY_COLUMNS: usize = 32;
/// Rows of one product; results do not depend on it.
const PRODUCT_ROWS: usize = 128;
/// Far more than the rounding of a product, and of a distance, relative to the lengths involved.
const PRODUCT_SLACK: f32 = 1e-4;

/// [`nearest`] by products of matrices, which need not be exact: where they leave more than one centre, those are measured
/// as if all were, so that the result is that of comparing all pairs.
fn by_products(rows: Rows<'_>, centres: &Matrix, lengths: &[f32], assignment: &mut [u32]) {
    let mut products = vec![0.0f32; PRODUCT_ROWS.min(rows.len()) * lengths.len()];
    for (number, assigned) in assignment.chunks_mut(PRODUCT_ROWS).enumerate() {
        let block = rows.slice(number * PRODUCT_ROWS, assigned.len()).to_matrix();
        let (m, n, d) = (assigned.len(), lengths.len(), rows.width());
        multiply_transposed(block.values(), centres.values(), m, n, d, &mut products);
        choose_here(&block, centres, lengths, &products, assigned);
    }
}

dispatched! {
    fn choose_here(rows: &Matrix, centres: &Matrix, lengths: &[f32], products: &[f32], assignment: &mut [u32]) {
        let n = lengths.len();
        for (place, assigned) in assignment.iter_mut().enumerate() {
            let (row, products) = (rows.row(place), &products[place * n..][..n]);
            let own = lanes::dot(row, row);
            // No centre is surely farther than the nearest may be at most. Lengths beyond what can be squared make
            // bounds NaN, which rule nothing out.
            let mut least = [f32::INFINITY; LANES];
            for (products, lengths) in products.chunks(LANES).zip(lengths.chunks(LANES)) {
                for ((least, product), length) in least.iter_mut().zip(products).zip(lengths) {
                    let sum = own + length;
                    let upper = (sum - 2.0 * product) + PRODUCT_SLACK * sum;
                    *least = if upper < *least { upper } else { *least };
                }
            }
            let limit = least.into_iter().fold(f32::INFINITY, f32::min);
            // As where all are measured: by squares within a group, and between groups by distances, of which more are
            // equal.
            let (mut only, mut count) = (0, 0usize);
            let (mut best, mut of_group, mut group) = ((f32::INFINITY, 0), (f32::INFINITY, 0), 0);
            let mut see = |centre: usize| {
                if centre / LANES != group {
                    if of_group.0.sqrt() < best.0 {
                        best = (of_group.0.sqrt(), of_group.1);
                    }
                    (of_group, group) = ((f32::INFINITY, 0), centre / LANES);
                }
                let squared = squared_to(row, centres.row(centre));
                if squared < of_group.0 {
                    of_group = (squared, centre);
                }
            };
            for (centre, (product, length)) in products.iter().zip(lengths).enumerate() {
                let sum = own + length;
                if (sum - 2.0 * product) - PRODUCT_SLACK * sum > limit {
                    continue;
                }
                // A centre that is left alone need not be measured.
                match count {
                    0 => only = centre,
                    1 => [only, centre].into_iter().for_each(&mut see),
                    _ => see(centre),
                }
                count += 1;
            }
            if of_group.0.sqrt() < best.0 {
                best = (of_group.0.sqrt(), of_group.1);
            }
            *assigned = if count == 1 { only } else { best.1 } as u32;
        }
    }
}

impl Assignment {
    /// Compares all rows with all centres.
    pub fn new(rows: Rows<'_>, centres: &Matrix) -> Self {
        let packed = Packed::new(centres.view());
        let bounds = bounds(centres.rows(), centres.cols());
        let mut standing = vec![Standing { nearest: 0, upper: f32::INFINITY }; rows.len()];
        let mut lower = vec![0.0f32; rows.len() * bounds];
        let mut parts = pair(&mut standing, &mut lower, bounds);
        let singly = singly(centres.rows(), centres.cols());
        rows::in_blocks(rows, &mut parts, centres.rows(), |rows, parts| match singly {
            true => all_singly_here(rows, &packed, parts),
            false => all_here(rows, &packed, parts),
        });
        Self { standing, lower, centres: centres.clone(), changed: vec![true; centres.rows()] }
    }

    /// The nearest centre of every row.
    pub fn nearest(&self) -> Vec<u32> {
        self.standing.iter().map(|standing| standing.nearest).collect()
    }

    /// Of each centre, whether the rows that it is nearest to are others than before the last step; at first of all.
    pub fn changed(&self) -> &[bool] {
        &self.changed
    }

    /// Follows the centres to where they are now; whether any row has another nearest centre.
    pub fn follow(&mut self, rows: Rows<'_>, centres: &Matrix) -> bool {
        let packed = Packed::new(centres.view());
        let bounds = bounds(centres.rows(), centres.cols());
        let mut drift: Vec<f32> = (0..centres.rows())
            .map(|centre| {
                let pairs = centres.row(centre).iter().zip(self.centres.row(centre));
                pairs.map(|(now, then)| f64::from(now - then).powi(2)).sum::<f64>().sqrt() as f32 * SLACK
            })
            .collect();
        let before = self.nearest();
        let mut parts = pair(&mut self.standing, &mut self.lower, bounds);
        if singly(centres.rows(), centres.cols()) {
            drift.resize(bounds, 0.0);
            // Bounds rule most pairs out.
            rows::in_blocks(rows, &mut parts, packed.groups(), |rows, parts| {
                follow_singly_here(rows, centres, &packed, &drift, parts);
            });
        } else {
            let group_drift: Vec<f32> =
                drift.chunks(LANES).map(|drift| drift.iter().copied().fold(0.0, f32::max)).collect();
            rows::in_blocks(rows, &mut parts, centres.rows(), |rows, parts| {
                follow_here(rows, &packed, &drift, &group_drift, parts);
            });
        }
        self.centres.clone_from(centres);
        self.changed.fill(false);
        for (standing, before) in self.standing.iter().zip(before) {
            if standing.nearest != before {
                self.changed[before as usize] = true;
                self.changed[standing.nearest as usize] = true;
            }
        }
        self.changed.contains(&true)
    }
}

/// One row's standing and lower bounds.
type Part<'p> = (&'p mut Standing, &'p mut [f32]);

fn pair<'p>(standing: &'p mut [Standing], lower: &'p mut [f32], bounds: usize) -> Vec<Part<'p>> {
    standing.iter_mut().zip(lower.chunks_exact_mut(bounds)).collect()
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

/// Compares a row with all centres: the distance to the nearest, that centre, and all distances as bounds.
#[inline(always)]
fn compare_all(row: &[f32], packed: &Packed, lower: &mut [f32]) -> (f32, u32) {
    let mut best = (f32::INFINITY, 0);
    for (group, lower) in lower.chunks_exact_mut(LANES).enumerate() {
        let squared = packed.squared(group, row);
        let (first, centre, _) = two_smallest(&squared, group);
        if first < best.0 {
            best = (first, centre);
        }
        for (lower, squared) in lower.iter_mut().zip(squared) {
            *lower = squared.sqrt();
        }
    }
    best
}

dispatched! {
    fn all_singly_here(rows: Rows<'_>, packed: &Packed, parts: &mut [Part<'_>]) {
        for (place, (standing, lower)) in parts.iter_mut().enumerate() {
            (standing.upper, standing.nearest) = compare_all(rows.get(place), packed, lower);
            lower[standing.nearest as usize] = f32::INFINITY;
        }
    }
}

/// The least of bounds that have come nearer by `drift`.
#[inline(always)]
fn lowered(lower: &mut [f32], drift: &[f32]) -> f32 {
    let mut least = [f32::INFINITY; LANES];
    for (lower, drift) in lower.as_chunks_mut::<LANES>().0.iter_mut().zip(drift.as_chunks::<LANES>().0) {
        for lane in 0..LANES {
            lower[lane] -= drift[lane];
            least[lane] = if lower[lane] < least[lane] { lower[lane] } else { least[lane] };
        }
    }
    least.into_iter().fold(f32::INFINITY, f32::min)
}

/// Those of so many centres whose bounds do not reach `limit`: themselves in front, and their number.
#[inline(always)]
fn left_over(centres: usize, lower: &[f32], limit: f32) -> ([u8; MOST_SINGLE], usize) {
    let (mut left, mut count) = ([0u8; MOST_SINGLE], 0);
    for (group, lower) in lower.as_chunks::<LANES>().0.iter().enumerate() {
        let mut below = 0u16;
        for (lane, &lower) in lower.iter().enumerate() {
            // Numbers may be too large for a bound.
            below |= u16::from(lower < limit || lower.is_nan()) << lane;
        }
        let missing = ((group + 1) * LANES).saturating_sub(centres);
        below &= u16::MAX >> missing;
        while below != 0 {
            left[count] = (group * LANES) as u8 + below.trailing_zeros() as u8;
            count += 1;
            below &= below - 1;
        }
    }
    (left, count)
}

dispatched! {
    /// The distance of a row to each of some centres, to rounding: by the widest sums, which are neither those of
    /// [`lanes`](super::lanes) nor the packed ones.
    fn measure(row: &[f32], centres: &Matrix, of: &[u8], found: &mut [f32]) {
        let (row_chunks, row_rest) = row.as_chunks::<WIDE>();
        for (&centre, found) in of.iter().zip(found) {
            let (chunks, rest) = centres.row(usize::from(centre)).as_chunks::<WIDE>();
            let mut sums = [0.0f32; WIDE];
            for (x, y) in row_chunks.iter().zip(chunks) {
                for lane in 0..WIDE {
                    let difference = x[lane] - y[lane];
                    sums[lane] += difference * difference;
                }
            }
            let mut sum: f32 = row_rest.iter().zip(rest).map(|(x, y)| (x - y) * (x - y)).sum();
            for lane in sums {
                sum += lane;
            }
            *found = sum.sqrt();
        }
    }
}

dispatched! {
    fn follow_singly_here(
        rows: Rows<'_>,
        centres: &Matrix,
        packed: &Packed,
        drift: &[f32],
        parts: &mut [Part<'_>],
    ) {
        for (place, (standing, lower)) in parts.iter_mut().enumerate() {
            let least = lowered(lower, drift);
            let own = standing.nearest as usize;
            standing.upper += drift[own];
            if standing.upper * SLACK < least {
                continue;
            }
            let row = rows.get(place);
            measure(row, centres, &[own as u8], std::slice::from_mut(&mut standing.upper));
            if standing.upper * SLACK < least {
                continue;
            }
            let (left, count) = left_over(centres.rows(), lower, standing.upper * SLACK);
            lower[own] = standing.upper;
            let (mut best, mut nearest, mut next) = (standing.upper, own, f32::INFINITY);
            let mut found = [0.0; MOST_SINGLE];
            measure(row, centres, &left[..count], &mut found[..count]);
            for (&centre, &found) in left[..count].iter().zip(&found) {
                let centre = usize::from(centre);
                lower[centre] = found;
                if found < best {
                    (best, nearest, next) = (found, centre, best);
                } else {
                    next = next.min(found);
                }
            }
            (standing.upper, standing.nearest) = match next > best * SLACK {
                true => (best, nearest as u32),
                // These sums run in another order than the packed ones, and only those say which of two is nearer.
                false => compare_all(row, packed, lower),
            };
            lower[standing.nearest as usize] = f32::INFINITY;
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
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// Products leave out nothing that matters, far from the origin and with equal distances, too.
        #[test]
        fn products_and_comparing_all_agree(
            values in prop::collection::vec(-3.0f32..3.0, 40 * 35),
            starts in prop::collection::vec(-3.0f32..3.0, 70 * 35),
            grid in prop::sample::select(vec![0.0f32, 1.0, 3.0]),
            away in prop::sample::select(vec![0.0f32, 1e3, 1e20, f32::MAX / 8.0]),
            unit in any::<bool>(),
        ) {
            let place = |value: f32| if grid > 0.0 { (value / grid).round() * grid + away } else { value + away };
            let rows = Matrix::new(values.into_iter().map(place).collect(), 40, 35);
            let centres = Matrix::new(starts.into_iter().map(place).collect(), 70, 35);
            let ids: Vec<RowId> = (0..40).map(RowId).collect();
            let rows = Rows::new(rows.view(), &ids);
            let scale = if unit { Scale::Unit } else { Scale::AsIs };
            let packed = Packed::new(centres.view());
            let mut plain = vec![0u32; 40];
            rows::scaled(rows, scale, |rows| nearest_here(rows, &packed, &mut plain));
            prop_assert_eq!(nearest(rows, scale, &centres), plain);
        }

        /// Bounds leave out nothing that matters: following moves gives what comparing all pairs gives, also where
        /// distances are equal, as they often are between numbers on a grid.
        #[test]
        fn following_is_comparing_all(
            values in prop::collection::vec(-3.0f32..3.0, 60 * 20),
            starts in prop::collection::vec(-3.0f32..3.0, 90 * 20),
            moves in prop::collection::vec(-0.3f32..0.3, 90 * 20),
            width in prop::sample::select(vec![1usize, 5, 8, 13, 20]),
            count in prop::sample::select(vec![1usize, 7, 16, 37, 64, 65, 90]),
            grid in any::<bool>(),
        ) {
            let place = |value: f32| if grid { value.round() } else { value };
            let matrix = |values: &[f32], rows: usize| {
                Matrix::new(values[..rows * width].iter().copied().map(place).collect(), rows, width)
            };
            let all_rows = matrix(&values, 60);
            let ids: Vec<RowId> = (0..60).map(RowId).collect();
            let rows = Rows::new(all_rows.view(), &ids);
            let mut centres = matrix(&starts, count);
            let mut assignment = Assignment::new(rows, &centres);
            for step in 0..6 {
                let all = nearest(rows, Scale::AsIs, &centres);
                prop_assert_eq!(&assignment.nearest(), &all);
                for (place, &centre) in all.iter().enumerate() {
                    let least = (0..count)
                        .map(|c| lanes::squared_distance(rows.get(place), centres.row(c)))
                        .fold(f32::INFINITY, f32::min);
                    let found = lanes::squared_distance(rows.get(place), centres.row(centre as usize));
                    prop_assert!(found <= least * 1.0001);
                }
                for (value, change) in centres.values_mut().iter_mut().zip(&moves) {
                    *value = place(*value + change * if grid { 4.0 } else { 1.0 } / (step + 1) as f32);
                }
                let changed = assignment.follow(rows, &centres);
                let now = assignment.nearest();
                prop_assert_eq!(changed, now != all);
                for (before, now) in all.iter().zip(&now).filter(|(before, now)| before != now) {
                    prop_assert!(assignment.changed()[*before as usize] && assignment.changed()[*now as usize]);
                }
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
