//! [`Score`]: one number per candidate, and the plainest strategy over it, the best `batch`.

use super::{Needs, PoolView, QueryError, Strategy};
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

    fn note(&self, view: &PoolView<'_>, picks: &[RowId]) -> Result<Option<String>> {
        (**self).note(view, picks)
    }
}

/// Asks for the candidates of the highest scores; equal scores go to the smaller id.
pub struct TopScore<S> {
    score: S,
    note: Option<String>,
}

impl<S: Score> TopScore<S> {
    /// The best `batch` by `score`.
    pub fn new(score: S) -> Self {
        Self { score, note: None }
    }
}

impl<S: Score> Strategy for TopScore<S> {
    fn select(&mut self, view: &PoolView<'_>, batch: usize, key: Key) -> Result<Vec<RowId>> {
        let scores = self.score.score(view, key)?;
        let picks = top(view.candidates(), &scores, batch)?;
        self.note = self.score.note(view, &picks)?;
        Ok(picks)
    }

    fn needs(&self) -> Needs {
        self.score.needs()
    }

    fn note(&self) -> Option<String> {
        self.note.clone()
    }
}

/// The `batch` rows of the highest scores, best first; equal scores go to the smaller id.
///
/// # Errors
/// [`QueryError::NotFinite`] for a NaN; infinities are ordered.
pub fn top(rows: &[RowId], scores: &[f64], batch: usize) -> Result<Vec<RowId>, QueryError> {
    let order = top_places(rows, scores, batch)?;
    Ok(order.into_iter().map(|place| rows[place]).collect())
}

/// Like [`top`], but places within `rows` instead of the rows.
pub fn top_places(rows: &[RowId], scores: &[f64], batch: usize) -> Result<Vec<usize>, QueryError> {
    assert_eq!(rows.len(), scores.len(), "one score per row");
    if let Some(row) = scores.iter().position(|score| score.is_nan()) {
        return Err(QueryError::NotFinite { signal: "scores", row, column: 0, found: scores[row] });
    }
    let before = |&a: &usize, &b: &usize| -> Ordering {
        // `+ 0.0` makes one zero of the two.
        (scores[b] + 0.0).total_cmp(&(scores[a] + 0.0)).then_with(|| rows[a].cmp(&rows[b]))
    };
    let mut order: Vec<usize> = (0..rows.len()).collect();
    if batch < order.len() {
        if batch > 0 {
            order.select_nth_unstable_by(batch - 1, before);
        }
        order.truncate(batch);
    }
    order.sort_unstable_by(before);
    Ok(order)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_go_to_the_smaller_id_and_zero_has_one_sign() {
        let rows: Vec<RowId> = [3, 5, 7, 9].map(RowId).into();
        assert_eq!(top(&rows, &[1.0, 2.0, 2.0, 2.0], 2).unwrap(), [RowId(5), RowId(7)]);
        assert_eq!(top(&rows, &[1.0; 4], 9).unwrap(), rows);
        assert!(top(&rows, &[1.0; 4], 0).unwrap().is_empty());
        assert!(matches!(
            top(&rows, &[0.0, f64::NAN, 0.0, 0.0], 1),
            Err(QueryError::NotFinite { row: 1, .. })
        ));
        // -0.0 and 0.0 are the same score.
        assert_eq!(top(&rows, &[-0.0, 0.0, -0.0, 0.0], 4).unwrap(), rows);
    }
}
