//! [`Score`]: one number per candidate, and the plainest strategy over it, the best `batch`.

use super::ties::Ties;
use super::{Kinds, Needs, PoolView, QueryError, Strategy};
use crate::data::RowId;
use crate::error::Result;
use crate::rng::Key;
use std::cmp::Ordering;

/// Rates every candidate by itself. Combinators turn a score into a strategy: the best `batch`
/// ([`TopScore`]), or a stochastic batch.
pub trait Score: Send {
    /// One finite number per candidate, in their order; higher = ask first.
    ///
    /// # Errors
    /// If a signal that the score needs is missing or not finite.
    fn score(&mut self, view: &PoolView<'_>, key: Key) -> Result<Vec<f64>>;

    /// What the view's signals must hold.
    fn needs(&self) -> Needs;

    /// The kinds of targets that it is of use for: see [`Strategy::kinds`].
    fn kinds(&self) -> Kinds {
        Kinds::CLASS
    }

    /// What there is to say about a batch that was chosen by this score: see [`Strategy::note`].
    ///
    /// # Errors
    /// As [`score`](Self::score).
    fn note(&self, _view: &PoolView<'_>, _picks: &[RowId]) -> Result<Option<String>> {
        Ok(None)
    }
}

impl Score for Box<dyn Score> {
    fn score(&mut self, view: &PoolView<'_>, key: Key) -> Result<Vec<f64>> {
        (**self).score(view, key)
    }

    fn needs(&self) -> Needs {
        (**self).needs()
    }

    fn kinds(&self) -> Kinds {
        (**self).kinds()
    }

    fn note(&self, view: &PoolView<'_>, picks: &[RowId]) -> Result<Option<String>> {
        (**self).note(view, picks)
    }
}

/// Asks for the candidates of the highest scores; equal scores in the order of [`Ties`].
pub struct TopScore<S> {
    score: S,
    note: Option<String>,
    utilities: Vec<f64>,
}

impl<S: Score> TopScore<S> {
    /// The best `batch` by `score`.
    pub fn new(score: S) -> Self {
        Self { score, note: None, utilities: Vec::new() }
    }
}

impl<S: Score> Strategy for TopScore<S> {
    fn select(&mut self, view: &PoolView<'_>, batch: usize, key: Key) -> Result<Vec<RowId>> {
        let scores = self.score.score(view, key)?;
        let places = top_places(view.candidates(), &scores, batch, view.ties(key))?;
        let picks: Vec<RowId> = places.iter().map(|&place| view.candidates()[place]).collect();
        self.utilities = places.into_iter().map(|place| scores[place]).collect();
        self.note = self.score.note(view, &picks)?;
        Ok(picks)
    }

    fn needs(&self) -> Needs {
        self.score.needs()
    }

    fn kinds(&self) -> Kinds {
        self.score.kinds()
    }

    fn note(&self) -> Option<String> {
        self.note.clone()
    }

    fn utilities(&self) -> Option<&[f64]> {
        Some(&self.utilities)
    }
}

/// The `batch` rows of the highest scores, best first; equal scores in the order of `ties`.
///
/// # Errors
/// [`QueryError::NotFinite`] for a NaN; infinities are ordered.
pub fn top(rows: &[RowId], scores: &[f64], batch: usize, ties: Ties<'_>) -> Result<Vec<RowId>, QueryError> {
    let order = top_places(rows, scores, batch, ties)?;
    Ok(order.into_iter().map(|place| rows[place]).collect())
}

/// Like [`top`], but places within `rows` instead of the rows.
///
/// # Errors
/// As [`top`].
pub fn top_places(
    rows: &[RowId],
    scores: &[f64],
    batch: usize,
    ties: Ties<'_>,
) -> Result<Vec<usize>, QueryError> {
    assert_eq!(rows.len(), scores.len(), "one score per row");
    if let Some(row) = scores.iter().position(|score| score.is_nan()) {
        return Err(QueryError::NotFinite { signal: "scores", row, column: 0, found: scores[row] });
    }
    // `+ 0.0` makes one zero of the two.
    let by_score = |&a: &usize, &b: &usize| (scores[b] + 0.0).total_cmp(&(scores[a] + 0.0));
    let tied = |a: usize, b: usize| ties.order(rows[a], rows[b]);
    let mut order: Vec<usize> = (0..rows.len()).collect();
    if batch == 0 {
        return Ok(Vec::new());
    }
    if batch < order.len() {
        // The cut first, by scores alone: ranks are drawn only for the rows that tie there.
        let (_, &mut last, _) = order.select_nth_unstable_by(batch - 1, by_score);
        let at_cut = |&place: &usize| by_score(&place, &last) == Ordering::Equal;
        let mut equal: Vec<usize> = order.iter().copied().filter(at_cut).collect();
        order.truncate(batch);
        order.retain(|place| !at_cut(place));
        let wanted = batch - order.len();
        if wanted < equal.len() {
            equal.select_nth_unstable_by(wanted - 1, |&a, &b| tied(a, b));
            equal.truncate(wanted);
        }
        order.extend(equal);
    }
    order.sort_unstable_by(|a, b| by_score(a, b).then_with(|| tied(*a, *b)));
    Ok(order)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn best(rows: &[RowId], scores: &[f64], batch: usize, seed: u64) -> Result<Vec<RowId>, QueryError> {
        top(rows, scores, batch, Ties::new(Key::root(seed)))
    }

    #[test]
    fn scores_decide_and_zero_has_one_sign() {
        let rows: Vec<RowId> = [3, 5, 7, 9].map(RowId).into();
        assert_eq!(best(&rows, &[1.0, 2.0, 4.0, 3.0], 2, 0).unwrap(), [RowId(7), RowId(9)]);
        assert!(best(&rows, &[1.0; 4], 0, 0).unwrap().is_empty());
        assert!(matches!(
            best(&rows, &[0.0, f64::NAN, 0.0, 0.0], 1, 0),
            Err(QueryError::NotFinite { row: 1, .. })
        ));
        // -0.0 and 0.0 are the same score: each of the four comes first under some key.
        let first = |seed| best(&rows, &[-0.0, 0.0, -0.0, 0.0], 1, seed).unwrap()[0];
        let firsts: std::collections::BTreeSet<RowId> = (0..60).map(first).collect();
        assert_eq!(firsts.into_iter().collect::<Vec<_>>(), rows);
    }

    /// Equal scores once went to the smaller row number, so that a file sorted by class was asked for its first
    /// class alone.
    #[test]
    fn equal_scores_come_in_the_order_of_the_key() {
        let rows: Vec<RowId> = (0..400).map(RowId).collect();
        // Ten rows are better than the other 390, which tie.
        let scores: Vec<f64> = (0..400).map(|row| f64::from(row % 40 == 7)).collect();
        let mut low = 0;
        for seed in 0..50 {
            let picks = best(&rows, &scores, 30, seed).unwrap();
            assert!(picks[..10].iter().all(|row| row.0 % 40 == 7), "{picks:?}");
            low += picks[10..].iter().filter(|row| row.0 < 100).count();
            // A larger batch begins with the smaller one, and the order of the rows does not matter.
            assert_eq!(best(&rows, &scores, 90, seed).unwrap()[..30], picks);
            let turned: Vec<RowId> = rows.iter().rev().copied().collect();
            let back: Vec<f64> = scores.iter().rev().copied().collect();
            assert_eq!(best(&turned, &back, 30, seed).unwrap(), picks);
        }
        // A quarter of a thousand, within four standard deviations.
        assert!((195..305).contains(&low), "{low}");
        assert_ne!(best(&rows, &scores, 30, 0).unwrap(), best(&rows, &scores, 30, 1).unwrap());
    }
}
