//! k-means++ over many rows, without measuring every row against every pick.
//!
//! A distance to the nearest pick only falls as picks come, so an old one bounds the new one from above. A row is drawn in
//! proportion to its bound, only then brought up to date, and taken with the probability that its distance has in
//! its bound; otherwise another is drawn. A row is so taken with a probability proportional to its distance, as k-means++
//! wants it: the distribution is the same, the draws of one key are others. Once rows that were drawn in vain
//! have taken a share of what it costs to bring all up to date, that is done, on all threads.

use crate::query::draw;
use rand::{Rng, RngExt};

/// Rows whose bounds are summed as one.
const BLOCK: usize = 256;
/// The share of a measuring of all rows that may be spent on rows that are not taken, before it is done: one in so many.
/// A measuring of all is several times as fast per row.
const ONE_IN: usize = 8;

/// What is known of a row: at least its squared distance to the nearest pick, and how many picks that takes into
/// account.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bound {
    pub(super) squared: f64,
    pub(super) seen: u32,
}

/// Squared distances to picks, the rows that were taken.
pub(super) trait Distances {
    /// Brings bounds up to date with the picks after those that they have seen. `rows` are the rows that stand at
    /// `first` and behind.
    fn update(&self, picks: &[usize], first: usize, rows: &mut [Bound]);
}

/// Places in the order in which they are taken, `first` before all; `batch` of `n`.
pub(super) fn plus_plus(
    n: usize,
    batch: usize,
    first: usize,
    distances: &impl Distances,
    rng: &mut impl Rng,
) -> Vec<usize> {
    let mut picks = vec![first];
    let mut taken = vec![false; n];
    taken[first] = true;
    let mut bounds = vec![Bound { squared: f64::INFINITY, seen: 0 }; n];
    let mut sums = vec![0.0; n.div_ceil(BLOCK)];
    let refresh = |picks: &[usize], bounds: &mut [Bound], sums: &mut [f64]| {
        distances.update(picks, 0, bounds);
        for (sum, rows) in sums.iter_mut().zip(bounds.chunks(BLOCK)) {
            *sum = rows.iter().map(|row| row.squared).sum();
        }
    };
    // Pairs that were measured of rows that were not taken, and picks since all rows were measured.
    let (mut spent, mut since) = (0, 0);
    if batch > 1 {
        refresh(&picks, &mut bounds, &mut sums);
    }
    while picks.len() < batch.min(n) {
        let block = draw::proportional(sums.len(), |block| sums[block], rng);
        let place = block.and_then(|block| {
            let rows = &bounds[block * BLOCK..n.min((block + 1) * BLOCK)];
            Some(block * BLOCK + draw::proportional(rows.len(), |row| rows[row].squared, rng)?)
        });
        let Some(place) = place else {
            // All distances are zero.
            let Some(place) = draw::proportional(n, |place| f64::from(!taken[place]), rng) else { break };
            (taken[place], since) = (true, since + 1);
            picks.push(place);
            continue;
        };
        let before = bounds[place];
        distances.update(&picks, place, &mut bounds[place..=place]);
        let accepted = rng.random::<f64>() * before.squared < bounds[place].squared;
        if accepted {
            (taken[place], since) = (true, since + 1);
            picks.push(place);
            bounds[place].squared = 0.0;
        } else {
            spent += picks.len() - before.seen as usize;
        }
        if spent > n / ONE_IN * since {
            refresh(&picks, &mut bounds, &mut sums);
            (spent, since) = (0, 0);
        } else {
            let start = place / BLOCK * BLOCK;
            sums[place / BLOCK] = bounds[start..n.min(start + BLOCK)].iter().map(|row| row.squared).sum();
        }
    }
    picks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Key;
    use std::collections::BTreeMap;

    /// Points on a line.
    struct Line(Vec<f64>);

    impl Distances for Line {
        fn update(&self, picks: &[usize], first: usize, rows: &mut [Bound]) {
            for (place, row) in rows.iter_mut().enumerate() {
                for &pick in &picks[row.seen as usize..] {
                    row.squared = row.squared.min((self.0[first + place] - self.0[pick]).powi(2));
                }
                row.seen = picks.len() as u32;
            }
        }
    }

    /// The probabilities of all orders of three picks, beginning at the first point, by hand.
    fn exact(points: &[f64]) -> BTreeMap<Vec<usize>, f64> {
        let squared = |a: usize, b: usize| (points[a] - points[b]).powi(2);
        let n = points.len();
        let whole: f64 = (0..n).map(|x| squared(x, 0)).sum();
        let mut all = BTreeMap::new();
        for second in (1..n).filter(|&second| squared(second, 0) > 0.0) {
            let least = |x: usize| squared(x, 0).min(squared(x, second));
            let rest: f64 = (0..n).map(least).sum();
            for third in (1..n).filter(|&third| least(third) > 0.0) {
                let p = squared(second, 0) / whole * least(third) / rest;
                all.insert(vec![0, second, third], p);
            }
        }
        all
    }

    #[test]
    fn picks_have_the_probabilities_of_plain_k_means_plus_plus() {
        let line = Line(vec![0.0, 1.0, 1.5, 4.0, 4.2, 9.0]);
        let exact = exact(&line.0);
        assert!((exact.values().sum::<f64>() - 1.0).abs() < 1e-12);
        let mut counts = BTreeMap::<Vec<usize>, f64>::new();
        let draws = 60_000;
        for seed in 0..draws {
            let picks = plus_plus(6, 3, 0, &line, &mut Key::root(seed).rng());
            *counts.entry(picks).or_default() += 1.0;
        }
        for (picks, p) in &exact {
            let found = counts.remove(picks).unwrap_or(0.0) / draws as f64;
            let error = (found - p) / (p * (1.0 - p) / draws as f64).sqrt();
            assert!(error.abs() < 4.5, "{picks:?}: {found}, expected {p}");
        }
        assert!(counts.is_empty(), "{counts:?}");
    }

    /// Two far groups over several blocks: once both are covered, nearly every old bound is far too large.
    #[test]
    fn old_bounds_are_replaced_and_duplicates_are_taken_last() {
        let mut points: Vec<f64> = (0..600).map(|i| f64::from(i % 2) * 1e6 + f64::from(i / 2)).collect();
        points.extend([0.0; 3]);
        let line = Line(points);
        for seed in 0..5 {
            let picks = plus_plus(603, 603, 0, &line, &mut Key::root(seed).rng());
            let mut sorted = picks.clone();
            sorted.sort_unstable();
            assert!(sorted.iter().copied().eq(0..603), "each row once");
            assert_eq!(picks[1] % 2, 1, "the other group");
            assert!(picks[600..].iter().all(|&pick| pick >= 600), "{:?}", &picks[600..]);
        }
    }
}
