//! [`FarthestFirst`]: the row farthest from all centres, again and again, without looking at every row
//! for every centre.
//!
//! A distance to the nearest centre only falls as centres come, so an old one bounds the new one from
//! above. The rows whose bound is large are watched: their distances are exact. As long as the farthest
//! of them is at least as far as the largest bound of the others may be, no other row is read. When it is
//! not, the next largest bounds are brought up to date, against several centres at a time. Every pair that
//! is measured at all is measured as the plain algorithm would, so the picks are the same, ties included.

use super::lanes;
use super::rows::{self, Rows};
use crate::data::RowId;
use crate::query::Ties;
use crate::simd::dispatched;

/// Rows that are watched at least, and the share of all rows that is one in so many.
const WATCHED: usize = 4_096;
const ONE_IN: usize = 64;
/// Rows that are brought up to date together, so that each centre is read once for all of them.
const TOGETHER: usize = 16;

/// What is known of a row: at least its squared distance to the nearest centre, and how many of the picks
/// that takes into account.
#[derive(Clone, Copy, Debug)]
struct Bound {
    squared: f32,
    seen: u32,
}

/// Rows in the order of farthest first.
pub struct FarthestFirst<'a> {
    rows: Rows<'a>,
    ties: Ties<'a>,
    /// Of every row; minus infinity for picks, below every distance, so that they are never watched.
    bounds: Vec<Bound>,
    picks: Vec<usize>,
    /// Copies of the picked rows, side by side.
    centres: Vec<f32>,
    /// How many rows to watch.
    watch: usize,
    /// No row that is not watched has a bound of `level` or more.
    level: f32,
    /// Places of the watched rows, ascending; their ids; their exact squared distances.
    places: Vec<usize>,
    ids: Vec<RowId>,
    exact: Vec<f32>,
}

impl<'a> FarthestFirst<'a> {
    /// `minima` are the squared distances to what is covered from the start, infinite where nothing is.
    pub fn new(rows: Rows<'a>, minima: Vec<f32>, ties: Ties<'a>) -> Self {
        Self::watching(rows, minima, ties, WATCHED.max(rows.len() / ONE_IN))
    }

    fn watching(rows: Rows<'a>, minima: Vec<f32>, ties: Ties<'a>, watch: usize) -> Self {
        assert_eq!(rows.len(), minima.len(), "one minimum per row");
        Self {
            rows,
            ties,
            bounds: minima.into_iter().map(|squared| Bound { squared, seen: 0 }).collect(),
            picks: Vec::new(),
            centres: Vec::new(),
            watch,
            level: f32::INFINITY,
            places: Vec::new(),
            ids: Vec::new(),
            exact: Vec::new(),
        }
    }

    /// The place of the row that is farthest from all centres; equal ones in the order of the ties. `None`
    /// once all are picked.
    pub fn farthest(&mut self) -> Option<usize> {
        if self.picks.len() == self.rows.len() {
            return None;
        }
        loop {
            let mut best: Option<usize> = None;
            for (at, &distance) in self.exact.iter().enumerate() {
                let better = best.is_none_or(|best| {
                    distance > self.exact[best]
                        || (distance == self.exact[best]
                            && self.ties.order(self.ids[at], self.ids[best]).is_lt())
                });
                if better {
                    best = Some(at);
                }
            }
            if let Some(best) = best.filter(|&best| self.exact[best] >= self.level) {
                return Some(self.places[best]);
            }
            self.lower();
        }
    }

    /// Makes the row at `place`, which was not picked before, a centre.
    pub fn pick(&mut self, place: usize) {
        let row = self.rows.get(place);
        self.picks.push(place);
        self.centres.extend_from_slice(row);
        self.bounds[place].squared = f32::NEG_INFINITY;
        if let Ok(at) = self.places.binary_search(&place) {
            self.places.remove(at);
            self.ids.remove(at);
            self.exact.remove(at);
        }
        // Nothing is nearer than zero.
        if self.exact.iter().any(|&squared| squared > 0.0) {
            rows::shrink(Rows::new(self.rows.matrix(), &self.ids), row, &mut self.exact);
        }
    }

    /// The places that were picked, in order.
    pub fn into_picks(self) -> Vec<usize> {
        self.picks
    }

    /// Watches other rows, so many that the farthest is among them.
    fn lower(&mut self) {
        for (&place, &squared) in self.places.iter().zip(&self.exact) {
            self.bounds[place] = Bound { squared, seen: self.picks.len() as u32 };
        }
        // Twice as many each time, so that it ends soon even where all bounds are far too large.
        let mut wanted = self.watch;
        loop {
            self.level = self.nth_largest(self.watch);
            self.places = self.above(self.level);
            if self.places.iter().all(|&place| self.bounds[place].seen as usize == self.picks.len()) {
                break;
            }
            self.refresh(&self.above(self.nth_largest(wanted)));
            wanted = wanted.saturating_mul(2);
        }
        self.ids = self.places.iter().map(|&place| self.rows.ids()[place]).collect();
        self.exact = self.places.iter().map(|&place| self.bounds[place].squared).collect();
    }

    /// The largest bound but `n`; zero if there are no more.
    fn nth_largest(&self, n: usize) -> f32 {
        let mut bounds: Vec<f32> =
            self.bounds.iter().map(|bound| bound.squared).filter(|&b| b > f32::NEG_INFINITY).collect();
        match n < bounds.len() {
            true => *bounds.select_nth_unstable_by(n, |a, b| b.total_cmp(a)).1,
            false => 0.0,
        }
    }

    /// Places of the rows whose bound is `level` or more.
    fn above(&self, level: f32) -> Vec<usize> {
        (0..self.bounds.len()).filter(|&place| self.bounds[place].squared >= level).collect()
    }

    /// Brings the bounds of the rows at `places` up to date.
    fn refresh(&mut self, places: &[usize]) {
        let now = self.picks.len() as u32;
        let stale: Vec<usize> = places.iter().copied().filter(|&p| self.bounds[p].seen < now).collect();
        let mut bounds: Vec<Bound> = stale.iter().map(|&place| self.bounds[place]).collect();
        let pending = bounds.iter().map(|bound| now - bound.seen).max().unwrap_or(0) as usize;
        let ids: Vec<RowId> = stale.iter().map(|&place| self.rows.ids()[place]).collect();
        let (width, centres) = (self.rows.width(), &self.centres);
        rows::in_blocks(Rows::new(self.rows.matrix(), &ids), &mut bounds, pending, |rows, bounds| {
            refresh_here(rows, centres, width, now, bounds);
        });
        for (place, bound) in stale.into_iter().zip(bounds) {
            self.bounds[place] = bound;
        }
    }
}

dispatched! {
    fn refresh_here(rows: Rows<'_>, centres: &[f32], width: usize, now: u32, bounds: &mut [Bound]) {
        for (number, bounds) in bounds.chunks_mut(TOGETHER).enumerate() {
            // To measure a pair twice does no harm.
            let first = bounds.iter().fold(now, |first, bound| first.min(bound.seen)) as usize;
            let centre = |at: usize| &centres[at * width..][..width];
            let mut at = first;
            while at < now as usize {
                // The last ones are repeated up to four.
                let four = [0, 1, 2, 3].map(|offset| centre((at + offset).min(now as usize - 1)));
                for (place, bound) in bounds.iter_mut().enumerate() {
                    let squared = lanes::squared_distances(rows.get(number * TOGETHER + place), four);
                    bound.squared = squared.into_iter().fold(bound.squared, f32::min);
                }
                at += 4;
            }
            bounds.iter_mut().for_each(|bound| bound.seen = now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Matrix;
    use crate::rng::Key;
    use proptest::prelude::*;

    fn ties() -> Ties<'static> {
        Ties::new(Key::root(3))
    }

    /// Every row against every pick.
    fn plain(rows: Rows<'_>, mut minima: Vec<f32>, batch: usize) -> Vec<usize> {
        let ids = rows.ids();
        let mut picks = Vec::new();
        while picks.len() < batch.min(rows.len()) {
            let free = (0..rows.len()).filter(|place| !picks.contains(place));
            let pick = free
                .max_by(|&a, &b| minima[a].total_cmp(&minima[b]).then_with(|| ties().order(ids[b], ids[a])))
                .expect("a free row");
            picks.push(pick);
            rows::shrink(rows, rows.get(pick), &mut minima);
        }
        picks
    }

    fn lazy(rows: Rows<'_>, minima: Vec<f32>, batch: usize, watch: usize) -> Vec<usize> {
        let mut order = FarthestFirst::watching(rows, minima, ties(), watch);
        for _ in 0..batch {
            let Some(pick) = order.farthest() else { break };
            order.pick(pick);
        }
        order.into_picks()
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// On a grid there are many ties and duplicates; ids descend, so that ties show.
        #[test]
        fn picks_are_those_of_the_plain_algorithm(
            grid in prop::collection::vec(-3i8..=3, 90 * 2),
            real in prop::collection::vec(-3.0f32..3.0, 90 * 18),
            watch in 1usize..100,
            batch in 1usize..95,
            covered in any::<bool>(),
        ) {
            let grid = Matrix::new(grid.into_iter().map(f32::from).collect(), 90, 2);
            let real = Matrix::new(real, 90, 18);
            let ids: Vec<RowId> = (0..90).rev().map(RowId).collect();
            for matrix in [&grid, &real] {
                let rows = Rows::new(matrix.view(), &ids);
                let mut minima = vec![f32::INFINITY; 90];
                if covered {
                    rows::shrink(rows, rows.get(7), &mut minima);
                }
                prop_assert_eq!(lazy(rows, minima.clone(), batch, watch), plain(rows, minima, batch));
            }
        }
    }

    #[test]
    fn few_rows_are_read_again() {
        // On a line, the first picks lie at its ends; all rows but those watched keep their old bounds.
        let n = 10_000;
        let matrix = Matrix::new((0..n).map(|i| i as f32).collect(), n, 1);
        let ids: Vec<RowId> = (0..n as u32).map(RowId).collect();
        let rows = Rows::new(matrix.view(), &ids);
        let mut minima = vec![f32::INFINITY; n];
        rows::shrink(rows, &[0.0], &mut minima);
        let mut order = FarthestFirst::watching(rows, minima, ties(), 100);
        assert_eq!(order.farthest(), Some(n - 1));
        order.pick(n - 1);
        assert_eq!(order.bounds.iter().filter(|bound| bound.seen == 1).count(), 0);
        assert_eq!(order.farthest(), Some(4_999), "4,999 from both ends; 5,000 is as far from one only");
        let read = order.bounds.iter().filter(|bound| bound.seen == 1).count();
        assert!(read < n, "{read}");
    }
}
