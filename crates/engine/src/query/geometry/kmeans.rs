//! k-means: k-means++ start (Arthur & Vassilvitskii, SODA 2007), then Lloyd's steps.

use super::assign::{self, Assignment};
use super::lanes;
use super::rows::{self, Rows, Scale};
use crate::data::Matrix;
use crate::query::draw::{self, RowDraws};
use crate::query::{Size, Subsample, size, subsample};
use crate::rng::Key;
use crate::simd::dispatched;

/// The most Lloyd steps; it ends earlier when no row changes its cluster.
pub const MAX_STEPS: usize = 50;
/// The most where centres are found on a part of the rows (faiss takes as many): later ones move centres by less than
/// another part would.
pub const MAX_STEPS_OF_PART: usize = 25;

/// Starts of those who keep the best of several, as scikit-learn's default was when their authors used it.
pub const STARTS: u64 = 10;

/// Rows above which the centres are those of a part, drawn at random.
pub const MAX_ROWS: usize = 50_000;
/// Rows of that part per centre, and at least; at most [`MAX_ROWS`].
const PART_PER_CENTRE: usize = 50;
const LEAST_PART: usize = 20_000;

/// Of so many rows, how many `k` centres are found on.
fn part(rows: usize, k: usize) -> usize {
    match rows <= MAX_ROWS.max(k) {
        true => rows,
        false => k.saturating_mul(PART_PER_CENTRE).clamp(LEAST_PART, MAX_ROWS).max(k),
    }
}

/// How much each row counts.
#[derive(Clone, Copy, Debug)]
pub enum Weights<'a> {
    /// All the same.
    Equal,
    /// Non-negative weights, one per row.
    Each(&'a [f64]),
}

impl Weights<'_> {
    fn of(&self, place: usize) -> f64 {
        match self {
            Weights::Equal => 1.0,
            Weights::Each(weights) => weights[place],
        }
    }
}

/// Centres, and the centre that each row belongs to. A cluster may be empty.
#[derive(Clone, Debug)]
pub struct KMeans {
    /// Shape `[k, d]`.
    pub centres: Matrix,
    /// One centre per row.
    pub assignment: Vec<u32>,
    /// What the rows were taken as.
    pub scale: Scale,
}

/// Clusters `rows` around `min(k, rows)` centres, at least one. With more than [`MAX_ROWS`] rows (and than
/// `k`) the centres are found on a random part of them, of fifty rows per centre but at least 20,000 and at most
/// [`MAX_ROWS`]. Equal distances go to the centre of the smaller number.
pub fn kmeans(rows: Rows<'_>, weights: Weights<'_>, k: usize, key: Key) -> KMeans {
    kmeans_scaled(rows, Scale::AsIs, weights, k, key)
}

/// As [`kmeans`], over rows under `scale`. No more than the random part and a few blocks are copied.
pub fn kmeans_scaled(rows: Rows<'_>, scale: Scale, weights: Weights<'_>, k: usize, key: Key) -> KMeans {
    best_of(1, rows, scale, weights, k, key)
}

/// As [`kmeans_scaled`], from `starts` k-means++ starts, of which the centres of the smallest weighted sum of squared
/// distances are kept.
pub fn best_of(
    starts: u64,
    rows: Rows<'_>,
    scale: Scale,
    weights: Weights<'_>,
    k: usize,
    key: Key,
) -> KMeans {
    let most = part(rows.len(), k);
    let (centres, assignment) = if rows.len() == most {
        rows::scaled(rows, scale, |rows| best_start(starts, rows, weights, k, MAX_STEPS, key))
    } else {
        let Subsample { places, rows: ids, .. } =
            Subsample::new(rows.ids(), most, RowDraws::new(key.named("k-means rows")));
        let part: Vec<f64> = places.iter().map(|&place| weights.of(place)).collect();
        let part = Weights::Each(&part);
        let (centres, _) = rows::scaled(Rows::new(rows.matrix(), &ids), scale, |rows| {
            best_start(starts, rows, part, k, MAX_STEPS_OF_PART, key)
        });
        let assignment = assign::nearest(rows, scale, &centres);
        (centres, assignment)
    };
    KMeans { centres, assignment, scale }
}

/// What `k` clusters of the candidates leave out of account.
pub fn note(candidates: usize, k: usize) -> Option<String> {
    subsample::note("cluster centres are those of", part(candidates, k), candidates)
}

/// Forecast of the bytes that `k` clusters of `rows` rows and [`nearest_distinct`](super::nearest_distinct)
/// take.
pub fn memory(rows: usize, scale: Scale, k: usize, size: &Size) -> u64 {
    let part = part(rows, k);
    let drawn = if part < rows { Size::items(rows, size::DRAW) } else { 0 };
    let copy = if scale == Scale::Unit { size.vectors(part) } else { 0 };
    // Standing, bounds and their pairing; minima of the start.
    let bounds = Size::items(part, 64 + assign::bounds(k, size.width) as u64 * 4);
    // Centres as they are and packed, before and after; their sums in 64 bits; blocks of rows.
    let centres = 6 * size.vectors(k) + 4 * size.vectors(if scale == Scale::Unit { 8_192 } else { 0 });
    drawn.max(Size::items(rows, 8)) + copy + bounds + centres + Size::items(k, 512)
}

/// The result of the start that ends with the smallest cost, the first of several.
fn best_start(
    starts: u64,
    rows: Rows<'_>,
    weights: Weights<'_>,
    k: usize,
    steps: usize,
    key: Key,
) -> (Matrix, Vec<u32>) {
    let first = lloyd(rows, weights, k, steps, key);
    if starts < 2 {
        return first;
    }
    let mut best = (cost(rows, weights, &first.0, &first.1), first);
    for start in 1..starts {
        let found = lloyd(rows, weights, k, steps, key.at(start));
        let cost = cost(rows, weights, &found.0, &found.1);
        if cost < best.0 {
            best = (cost, found);
        }
    }
    best.1
}

/// The weighted sum of squared distances of rows to their centres.
pub fn cost(rows: Rows<'_>, weights: Weights<'_>, centres: &Matrix, assignment: &[u32]) -> f64 {
    let squared = |place: usize| {
        f64::from(lanes::squared_distance(rows.get(place), centres.row(assignment[place] as usize)))
    };
    (0..rows.len()).map(|place| weights.of(place) * squared(place)).sum()
}

/// Centres, and the centre of each row.
fn lloyd(rows: Rows<'_>, weights: Weights<'_>, k: usize, steps: usize, key: Key) -> (Matrix, Vec<u32>) {
    let starts = plus_plus(rows, weights, k.max(1), key);
    let mut centres = Matrix::zeros(starts.len(), rows.width());
    for (number, &start) in starts.iter().enumerate() {
        centres.row_mut(number).copy_from_slice(rows.get(start));
    }
    let mut assignment = Assignment::new(rows, &centres);
    for _ in 0..steps {
        move_centres(rows, weights, &assignment.nearest(), assignment.changed(), &mut centres);
        if !assignment.follow(rows, &centres) {
            break;
        }
    }
    (centres, assignment.nearest())
}

/// Places of `min(k, rows)` distinct rows, each drawn with probability proportional to its weight times
/// its squared distance to the nearest row drawn before.
pub fn plus_plus(rows: Rows<'_>, weights: Weights<'_>, k: usize, key: Key) -> Vec<usize> {
    let k = k.min(rows.len());
    let mut rng = key.named("k-means++").rng();
    let mut chosen = Vec::with_capacity(k);
    let mut free = vec![true; rows.len()];
    let mut minima = vec![f32::INFINITY; rows.len()];
    while chosen.len() < k {
        let pick = match chosen.is_empty() {
            true => draw::proportional(rows.len(), |place| weights.of(place), &mut rng),
            // What is chosen is at distance zero from itself.
            false => {
                let mass = |place: usize| weights.of(place) * f64::from(minima[place]);
                draw::proportional(rows.len(), mass, &mut rng)
            }
        };
        let Some(pick) =
            pick.or_else(|| draw::proportional(rows.len(), |place| f64::from(free[place]), &mut rng))
        else {
            break;
        };
        free[pick] = false;
        chosen.push(pick);
        rows::shrink(rows, rows.get(pick), &mut minima);
    }
    chosen
}

/// Moves every centre whose rows have changed to their weighted mean; one without weight stays where it is.
fn move_centres(
    rows: Rows<'_>,
    weights: Weights<'_>,
    assignment: &[u32],
    changed: &[bool],
    centres: &mut Matrix,
) {
    let width = rows.width();
    let mut sums = vec![0.0f64; centres.rows() * width];
    let mut totals = vec![0.0f64; centres.rows()];
    sum_here(rows, weights, assignment, changed, &mut sums, &mut totals);
    for (centre, &total) in totals.iter().enumerate() {
        if total > 0.0 {
            for (value, sum) in centres.row_mut(centre).iter_mut().zip(&sums[centre * width..]) {
                *value = (sum / total) as f32;
            }
        }
    }
}

dispatched! {
    /// The weighted sums of the rows of the centres that have changed, in the order of the rows, and their weights.
    fn sum_here(
        rows: Rows<'_>,
        weights: Weights<'_>,
        assignment: &[u32],
        changed: &[bool],
        sums: &mut [f64],
        totals: &mut [f64],
    ) {
        let width = rows.width();
        for (place, &centre) in assignment.iter().enumerate() {
            let (centre, weight) = (centre as usize, weights.of(place));
            if !changed[centre] {
                continue;
            }
            totals[centre] += weight;
            for (sum, &value) in sums[centre * width..][..width].iter_mut().zip(rows.get(place)) {
                *sum += weight * f64::from(value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::RowId;
    use proptest::prelude::*;

    fn line(values: &[f32]) -> (Matrix, Vec<RowId>) {
        let n = values.len();
        (Matrix::new(values.to_vec(), n, 1), (0..n as u32).map(RowId).collect())
    }

    #[test]
    fn finds_separated_groups() {
        let (matrix, ids) = line(&[0.0, 0.1, 0.2, 10.0, 10.1, 10.2, 20.0, 20.1]);
        for seed in 0..20 {
            let found = kmeans(Rows::new(matrix.view(), &ids), Weights::Equal, 3, Key::root(seed));
            let a = &found.assignment;
            assert!(a[0] == a[1] && a[1] == a[2] && a[3] == a[4] && a[4] == a[5] && a[6] == a[7], "{a:?}");
            let mut centres = found.centres.values().to_vec();
            centres.sort_by(f32::total_cmp);
            assert!((centres[0] - 0.1).abs() < 1e-6 && (centres[2] - 20.05).abs() < 1e-5);
        }
    }

    #[test]
    fn the_best_of_several_starts_is_kept() {
        // Squares lie ever wider apart, so that starts differ in where their centres get stuck.
        let values: Vec<f32> = (0..40).map(|i| (i * i) as f32).collect();
        let (matrix, ids) = line(&values);
        let rows = Rows::new(matrix.view(), &ids);
        let of = |starts, seed| {
            let found = best_of(starts, rows, Scale::AsIs, Weights::Equal, 10, Key::root(seed));
            cost(rows, Weights::Equal, &found.centres, &found.assignment)
        };
        let seeds = 0..40;
        let best = seeds.clone().map(|seed| of(STARTS, seed)).fold(f64::INFINITY, f64::min);
        assert!(seeds.clone().any(|seed| of(1, seed) > 1.05 * best), "starts must differ for this test");
        assert!(seeds.clone().all(|seed| of(STARTS, seed) <= of(1, seed)));
        assert!(seeds.clone().any(|seed| of(STARTS, seed) < of(1, seed)));
    }

    /// Lloyd's algorithm as it is written down: every row is compared with every centre in every step, and every
    /// centre is the mean of all its rows.
    fn plain(rows: Rows<'_>, weights: Weights<'_>, k: usize, key: Key) -> (Matrix, Vec<u32>) {
        let starts = plus_plus(rows, weights, k, key);
        let mut centres = Matrix::zeros(starts.len(), rows.width());
        for (number, &start) in starts.iter().enumerate() {
            centres.row_mut(number).copy_from_slice(rows.get(start));
        }
        let mut assignment = assign::nearest(rows, Scale::AsIs, &centres);
        for _ in 0..MAX_STEPS {
            for centre in 0..centres.rows() {
                let own = || (0..rows.len()).filter(|&place| assignment[place] as usize == centre);
                let total: f64 = own().map(|place| weights.of(place)).sum();
                for column in 0..if total > 0.0 { rows.width() } else { 0 } {
                    let term = |place: usize| weights.of(place) * f64::from(rows.get(place)[column]);
                    centres.row_mut(centre)[column] = (own().map(term).sum::<f64>() / total) as f32;
                }
            }
            let found = assign::nearest(rows, Scale::AsIs, &centres);
            if found == assignment {
                break;
            }
            assignment = found;
        }
        (centres, assignment)
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// What is left out is nothing: the best of several starts is that of the plain algorithm, to the bit. Numbers
        /// on a grid make equal distances and duplicates.
        #[test]
        fn the_best_start_is_that_of_the_plain_algorithm(
            values in prop::collection::vec(-4.0f32..4.0, 150 * 20),
            width in prop::sample::select(vec![1usize, 3, 8, 20]),
            k in prop::sample::select(vec![1usize, 2, 9, 17, 40, 70]),
            grid in prop::sample::select(vec![0.0f32, 1.0, 0.25]),
            weighted in any::<bool>(),
            seed in 0u64..1_000,
        ) {
            let place = |value: f32| if grid > 0.0 { (value / grid).round() * grid } else { value };
            let matrix = Matrix::new(values[..150 * width].iter().copied().map(place).collect(), 150, width);
            let ids: Vec<RowId> = (0..150).map(RowId).collect();
            let rows = Rows::new(matrix.view(), &ids);
            let each: Vec<f64> = (0..150).map(|place| f64::from(place % 7) * 0.3).collect();
            let weights = if weighted { Weights::Each(&each) } else { Weights::Equal };
            let key = Key::root(seed);
            let mut best = (f64::INFINITY, None);
            for start in 0..3 {
                let found = plain(rows, weights, k, if start == 0 { key } else { key.at(start) });
                let cost = cost(rows, weights, &found.0, &found.1);
                if cost < best.0 {
                    best = (cost, Some(found));
                }
            }
            let (centres, assignment) = best.1.expect("finite costs");
            let found = best_of(3, rows, Scale::AsIs, weights, k, key);
            prop_assert_eq!(found.assignment, assignment);
            prop_assert_eq!(found.centres, centres);
        }
    }

    #[test]
    fn weights_move_the_centre() {
        let (matrix, ids) = line(&[0.0, 1.0, 10.0]);
        let rows = Rows::new(matrix.view(), &ids);
        let found = kmeans(rows, Weights::Each(&[0.1, 0.3, 0.6]), 1, Key::root(0));
        assert!((found.centres.values()[0] - 6.3).abs() < 1e-6);
    }

    #[test]
    fn parts_grow_with_the_centres_and_small_pools_are_whole() {
        assert_eq!([1, MAX_ROWS].map(|rows| part(rows, 500)), [1, MAX_ROWS]);
        let of_million = [1, 400, 500, 1_000, 9_000, 60_000].map(|k| part(1_000_000, k));
        assert_eq!(of_million, [20_000, 20_000, 25_000, 50_000, 50_000, 60_000]);
        assert_eq!(part(60_000, 70_000), 60_000);
        assert_eq!(
            note(50_001, 500).unwrap(),
            "cluster centres are those of 25000 of 50001 candidates, drawn at random"
        );
    }

    #[test]
    fn large_pools_are_clustered_by_a_part() {
        let n = MAX_ROWS + 1_000;
        let (matrix, ids) = line(&(0..n).map(|i| (i % 3) as f32 * 10.0).collect::<Vec<_>>());
        let found = kmeans(Rows::new(matrix.view(), &ids), Weights::Equal, 3, Key::root(1));
        assert_eq!(found.assignment.len(), n);
        for (place, &centre) in found.assignment.iter().enumerate() {
            assert_eq!(found.centres.values()[centre as usize], (place % 3) as f32 * 10.0);
        }
    }

    #[test]
    fn duplicates_and_more_centres_than_rows_end() {
        let (matrix, ids) = line(&[1.0; 5]);
        let rows = Rows::new(matrix.view(), &ids);
        let mut starts = plus_plus(rows, Weights::Equal, 9, Key::root(3));
        starts.sort_unstable();
        assert_eq!(starts, [0, 1, 2, 3, 4]);
        assert_eq!(kmeans(rows, Weights::Equal, 9, Key::root(3)).assignment, [0; 5]);
        let zero = kmeans(rows, Weights::Each(&[0.0; 5]), 2, Key::root(3));
        assert_eq!(zero.centres.values(), [1.0, 1.0]);
    }
}
