//! The greedy batch, grown in several looks.
//!
//! Candidates are scored one by one, so that the best of them may be near copies of each other. After a
//! part of the batch is chosen, the rest is looked at again as if the chosen rows were labelled, each with
//! the class that the classifier predicts: what lies close to them is then covered, and its features say
//! so. A query of one row takes one look.

use super::batch;
use super::strategy::Observe;
use crate::data::{Matrix, RowId};
use crate::episode::Observation;
use crate::error::Result;
use crate::query::{PoolView, Signals};
use crate::rng::Key;
use std::sync::Arc;

/// The most looks at the candidates of one query; larger batches take several rows per look.
pub const MAX_LOOKS: usize = 10;

/// The `min(batch, candidates)` rows that `score` puts first. `first` is the first look at the view; further
/// ones show at most `cap` candidates, or the batch, if that is more.
///
/// # Errors
/// Those of `observe` and `score`, and scores that are not finite.
pub fn grow(
    view: &PoolView<'_>,
    first: &Observation,
    batch: usize,
    cap: usize,
    key: Key,
    observe: Observe,
    score: impl Fn(&Observation) -> Result<Vec<f32>>,
) -> Result<Vec<RowId>> {
    let batch = batch.min(view.candidates().len());
    let per_look = batch.div_ceil(MAX_LOOKS);
    let best = |seen: &Observation, wanted: usize| -> Result<Vec<RowId>> {
        let picks = batch::greedy(&score(seen)?, &seen.candidates, wanted)?;
        Ok(picks.into_iter().map(|pick| seen.candidates[pick]).collect())
    };
    let mut picks = if batch == 0 { Vec::new() } else { best(first, per_look)? };
    if picks.len() == batch {
        return Ok(picks);
    }
    let mut rest = Rest::of(view);
    rest.assume(view, &picks);
    for number in 1.. {
        let seen = observe(&rest.view(view), batch, cap.max(batch), key.named("look").at(number))?;
        let more = best(&seen, per_look.min(batch - picks.len()))?;
        picks.extend(&more);
        // A look that finds nothing has nothing left to find.
        if picks.len() == batch || more.is_empty() {
            break;
        }
        rest.assume(view, &more);
    }
    Ok(picks)
}

/// A pool in which some candidates are taken for labelled.
struct Rest {
    labelled: Vec<RowId>,
    labels: Vec<u32>,
    candidates: Vec<RowId>,
    signals: Signals,
}

impl Rest {
    /// Nothing assumed yet.
    fn of(view: &PoolView<'_>) -> Self {
        let signals = view.signals();
        Self {
            labelled: view.labelled().to_vec(),
            labels: view.labels().to_vec(),
            candidates: view.candidates().to_vec(),
            // What stands per candidate and is no probability would have to be cut down as well; no
            // observation reads it.
            signals: Signals {
                probabilities: signals.probabilities.clone(),
                neighbours: signals.neighbours.clone(),
                nearest: signals.nearest.clone(),
                landmarks: signals.landmarks.clone(),
                history: signals.history.clone(),
                progress: signals.progress,
                ..Signals::default()
            },
        }
    }

    /// Takes `rows` for labelled with the class that is predicted for them.
    fn assume(&mut self, view: &PoolView<'_>, rows: &[RowId]) {
        for &row in rows {
            let Ok(place) = view.candidates().binary_search(&row) else { continue };
            let p = view.signals().probabilities.as_ref().map_or(&[][..], |p| p.row(place));
            let class = (1..p.len()).fold(0, |best, class| if p[class] > p[best] { class } else { best });
            self.labelled.push(row);
            self.labels.push(class as u32);
            if let Some(nearest) = &mut self.signals.nearest {
                Arc::make_mut(nearest).add(view.inputs(), row, class as u32);
            }
        }
        let mut taken = rows.to_vec();
        taken.sort_unstable();
        let kept: Vec<usize> = (0..self.candidates.len())
            .filter(|&at| taken.binary_search(&self.candidates[at]).is_err())
            .collect();
        self.candidates = kept.iter().map(|&at| self.candidates[at]).collect();
        let gather = |p: &Matrix| p.gather(kept.iter().copied());
        self.signals.probabilities = self.signals.probabilities.as_ref().map(gather);
    }

    fn view<'a>(&'a self, of: &PoolView<'a>) -> PoolView<'a> {
        let (labelled, labels) = (&self.labelled, &self.labels);
        PoolView::new(of.inputs(), labelled, labels, &self.candidates, of.classes(), &self.signals)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::Nearest;

    /// Twenty points on a line in two heaps; the score is the distance to the nearest label.
    fn heaps() -> (Matrix, Vec<RowId>, Signals) {
        let values: Vec<f32> =
            (0..20).map(|i| if i < 10 { i as f32 * 0.01 } else { 10.0 + i as f32 * 0.01 }).collect();
        let inputs = Matrix::new(values, 20, 1);
        let nearest = Arc::new(Nearest::of(inputs.view(), &[RowId(0)], &[0], 2));
        let probabilities = Some(Matrix::new([0.4, 0.6].repeat(19), 19, 2));
        let signals = Signals { probabilities, nearest: Some(nearest), ..Signals::default() };
        (inputs, (1..20).map(RowId).collect(), signals)
    }

    fn distance(view: &PoolView<'_>, _: usize, cap: usize, _: Key) -> Result<Observation> {
        let candidates: Vec<RowId> = view.candidates().iter().copied().take(cap).collect();
        let nearest = view.signals().nearest.as_ref().unwrap();
        let values = candidates.iter().map(|row| nearest.any(row.index()).unwrap().0).collect();
        let features = Matrix::new(values, candidates.len(), 1);
        Ok(Observation { candidates, features, globals: vec![] })
    }

    fn first(seen: &Observation) -> Result<Vec<f32>> {
        Ok((0..seen.features.rows()).map(|row| seen.features.row(row)[0]).collect())
    }

    fn picks(batch: usize) -> Vec<RowId> {
        let (inputs, candidates, signals) = heaps();
        let view = PoolView::new(inputs.view(), &[RowId(0)], &[0], &candidates, 2, &signals);
        let seen = distance(&view, batch, 1_000, Key::root(1)).unwrap();
        grow(&view, &seen, batch, 1_000, Key::root(1), distance, first).unwrap()
    }

    #[test]
    fn a_batch_covers_both_heaps_where_the_scores_alone_would_not() {
        assert_eq!(picks(1), [RowId(19)]);
        // By the first look alone: 19, 18. The far heap is covered by its first row.
        let two = picks(2);
        assert_eq!(two[0], RowId(19));
        assert!([RowId(9), RowId(10)].contains(&two[1]), "{two:?}");
    }

    #[test]
    fn batches_are_distinct_and_complete() {
        for batch in [0, 1, 3, 10, 11, 19, 50] {
            let mut found = picks(batch);
            assert_eq!(found.len(), batch.min(19));
            found.sort_unstable();
            found.dedup();
            assert_eq!(found.len(), batch.min(19));
        }
    }
}
