//! [`Ties`]: which of several rows that are worth the same comes first. All strategies ask here.
//!
//! Were it the smaller row number, a file that is sorted by class would be asked for its first class wherever
//! scores tie, as they do where probabilities are the votes of a few trees. So equals come in the order of a
//! pseudo-random permutation of all rows, which depends on the selection's [`Key`] and on each row's
//! id, and not on where the row stands.
//!
//! Whether two values tie must not depend on how classes are numbered either: [`sum`] adds up what belongs
//! to the classes in the order of the terms' sizes, so that rounding is the same under any numbering.

use super::draw::RowDraws;
use crate::data::RowId;
use crate::rng::Key;
use std::cmp::Ordering;

/// An order of rows that are worth the same. Ranks are drawn when they are asked for: a comparison that
/// values decide costs nothing.
#[derive(Clone, Copy, Debug)]
pub struct Ties<'a>(RowDraws<'a>);

impl Ties<'_> {
    /// The permutation of `key`, over row numbers.
    #[inline]
    pub fn new(key: Key) -> Self {
        Ties::of(RowDraws::new(key.named("ties")))
    }
}

impl<'a> Ties<'a> {
    /// The permutation that these draws make.
    #[inline]
    pub fn of(draws: RowDraws<'a>) -> Self {
        Self(draws)
    }

    /// Where `row` stands in the permutation: smaller = first. No two ids have one rank.
    #[inline]
    pub fn rank(&self, row: RowId) -> u64 {
        self.0.bits(row)
    }

    /// The order of two rows that are worth the same.
    #[inline]
    pub fn order(&self, a: RowId, b: RowId) -> Ordering {
        self.rank(a).cmp(&self.rank(b))
    }
}

/// How many terms are sorted in place, without a list of their own.
const FEW: usize = 16;

/// The sum of `terms`, smallest first: the same bits in whatever order they come.
pub fn sum(terms: impl Iterator<Item = f64>) -> f64 {
    let mut few = [0.0f64; FEW];
    let mut many: Vec<f64> = Vec::new();
    let mut count = 0;
    for term in terms {
        if count < FEW {
            few[count] = term;
        } else {
            if many.is_empty() {
                many.extend(few);
            }
            many.push(term);
        }
        count += 1;
    }
    let terms = if many.is_empty() { &mut few[..count] } else { &mut many };
    terms.sort_unstable_by(f64::total_cmp);
    terms.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_belong_to_ids_and_not_to_places() {
        let ids: Vec<RowId> = [7, 3, 9].map(RowId).into();
        let key = Key::root(4).named("ties");
        let carried = Ties::of(RowDraws::new(key).with_ids(Some(&ids)));
        for (place, &id) in ids.iter().enumerate() {
            assert_eq!(carried.rank(RowId(place as u32)), Ties::new(Key::root(4)).rank(id));
        }
        let ranks: std::collections::HashSet<u64> =
            (0..10_000).map(|row| Ties::new(Key::root(1)).rank(RowId(row))).collect();
        assert_eq!(ranks.len(), 10_000);
        let first = |seed| (0..10).min_by_key(|&row| Ties::new(Key::root(seed)).rank(RowId(row))).unwrap();
        let mut counts = [0; 10];
        (0..5_000).for_each(|seed| counts[first(seed) as usize] += 1);
        assert!(counts.iter().all(|count| (400..600).contains(count)), "{counts:?}");
    }

    #[test]
    fn sums_do_not_depend_on_the_order_of_the_terms() {
        for length in [0, 1, 4, FEW, FEW + 1, 100] {
            let terms: Vec<f64> =
                (0..length).map(|i| (f64::from(i as u32) * 0.7).sin().abs() / 3.0).collect();
            let forward = sum(terms.iter().copied());
            assert_eq!(forward, sum(terms.iter().rev().copied()), "{length}");
            assert!((forward - terms.iter().sum::<f64>()).abs() < 1e-12);
        }
        // What once put one row before another of the same votes, (1, 1, 4, 1) and (1, 1, 1, 4).
        let part = |count: f64| -(count / 7.0) * (count / 7.0f64).ln();
        assert_eq!(
            sum([1.0, 1.0, 4.0, 1.0].map(part).into_iter()),
            sum([1.0, 1.0, 1.0, 4.0].map(part).into_iter())
        );
    }
}
