//! [`Subsample`]: fewer rows for what would take too long over all of them, and a record of it.

use super::draw::RowDraws;
use crate::data::RowId;

/// Rows drawn at random from a larger number, or all of them where they are few enough.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subsample {
    /// Where they stand among all rows, ascending.
    pub places: Vec<usize>,
    /// The rows themselves, in that order.
    pub rows: Vec<RowId>,
    all: usize,
}

impl Subsample {
    /// `min(most, rows)` of `rows`, by `draws`. Whether a row is drawn depends on its id and the others', not on the
    /// order they come in.
    pub fn new(rows: &[RowId], most: usize, draws: RowDraws<'_>) -> Self {
        let places = match most < rows.len() {
            true => draws.sample(rows, most),
            false => (0..rows.len()).collect(),
        };
        Self { rows: places.iter().map(|&place| rows[place]).collect(), places, all: rows.len() }
    }

    /// What was left out, for a strategy's note; `None` if nothing was. `what`
    /// says what the rows that were drawn are for: "the cover was sought among".
    pub fn note(&self, what: &str) -> Option<String> {
        note(what, self.rows.len(), self.all)
    }
}

/// As [`Subsample::note`], where `kept` of `all` rows were looked at.
pub fn note(what: &str, kept: usize, all: usize) -> Option<String> {
    (kept < all).then(|| format!("{what} {kept} of {all} candidates, drawn at random"))
}

/// Several notes as one.
pub fn join<const N: usize>(notes: [Option<String>; N]) -> Option<String> {
    let notes: Vec<String> = notes.into_iter().flatten().collect();
    (!notes.is_empty()).then(|| notes.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Key;

    fn draws(seed: u64) -> RowDraws<'static> {
        RowDraws::new(Key::root(seed))
    }

    #[test]
    fn few_rows_are_all_kept_and_many_are_noted() {
        let rows: Vec<RowId> = (10..60).map(RowId).collect();
        let whole = Subsample::new(&rows, 50, draws(1));
        assert_eq!((whole.rows.as_slice(), whole.note("seen:")), (rows.as_slice(), None));
        let part = Subsample::new(&rows, 7, draws(1));
        assert_eq!(part.note("seen:").unwrap(), "seen: 7 of 50 candidates, drawn at random");
        assert!(part.rows.is_sorted() && part.places.iter().zip(&part.rows).all(|(&p, &r)| rows[p] == r));
        let reversed: Vec<RowId> = rows.iter().rev().copied().collect();
        let mut other = Subsample::new(&reversed, 7, draws(1)).rows;
        other.reverse();
        assert_eq!(other, part.rows);
        assert_ne!(Subsample::new(&rows, 7, draws(2)).rows, part.rows);
    }
}
