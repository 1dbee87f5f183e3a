//! The greedy batch, grown in several looks.
//!
//! Candidates are scored one by one, so that the best of them may be near copies of each other. After a
//! part of the batch is chosen, the best of the rest are looked at again as if the chosen rows were labelled,
//! each with the class that the classifier predicts: what lies close to them is then covered, and its features
//! say so. A query of one row takes one look.

use super::batch;
use crate::data::RowId;
use crate::episode::Observation;
use crate::episode::features::Looks;
use crate::error::Result;
use crate::query::Ties;

/// The most looks at the candidates of one query; larger batches take several rows per look.
pub const MAX_LOOKS: usize = 10;

/// Later looks are at this many of the best candidates of the first look per row that is asked for, and at
/// no fewer than [`FEWEST_KEPT`].
const KEPT_PER_ROW: usize = 20;
const FEWEST_KEPT: usize = 100;

/// The `min(batch, candidates)` rows that `score` puts first, of those that the first look shows, each with its score in
/// the look that it was chosen in; equal ones in the order of `ties`.
///
/// # Errors
/// Those of `score`, and scores that are not finite.
pub fn grow(
    mut looks: Looks<'_>,
    batch: usize,
    ties: Ties<'_>,
    score: impl Fn(&Observation) -> Result<Vec<f32>>,
) -> Result<Vec<(RowId, f32)>> {
    let best = |seen: &Observation, wanted: usize| -> Result<Vec<(usize, f32)>> {
        let scores = score(seen)?;
        let places = batch::greedy(&scores, &seen.candidates, wanted, ties)?;
        Ok(places.into_iter().map(|place| (place, scores[place])).collect())
    };
    let rows = |seen: &Observation, best: &[(usize, f32)]| -> Vec<(RowId, f32)> {
        best.iter().map(|&(place, score)| (seen.candidates[place], score)).collect()
    };
    let ids = |picks: &[(RowId, f32)]| -> Vec<RowId> { picks.iter().map(|(row, _)| *row).collect() };
    let batch = batch.min(looks.first().candidates.len());
    let per_look = batch.div_ceil(MAX_LOOKS);
    if batch == per_look {
        return Ok(rows(looks.first(), &best(looks.first(), batch)?));
    }
    let kept = best(looks.first(), (KEPT_PER_ROW * batch).max(FEWEST_KEPT))?;
    let mut picks = rows(looks.first(), &kept[..per_look]);
    looks.keep(kept.into_iter().map(|(place, _)| place).collect());
    looks.take(&ids(&picks));
    while picks.len() < batch {
        let seen = looks.again();
        let more = rows(seen, &best(seen, per_look.min(batch - picks.len()))?);
        looks.take(&ids(&more));
        picks.extend(more);
    }
    Ok(picks)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Matrix;
    use crate::episode::features::{NEIGHBOURS, SCHEMA};
    use crate::query::{Components, Nearest, Neighbours, PoolView, Signals};
    use crate::rng::Key;
    use std::sync::Arc;

    /// Four hundred points on a line in two heaps, of which the first is labelled; the score is by how much a label would
    /// bring a point's neighbours nearer to one.
    fn picks(batch: usize) -> Vec<RowId> {
        let n = 400;
        let values: Vec<f32> =
            (0..n).map(|i| if i < 200 { i as f32 * 0.01 } else { 10.0 + i as f32 * 0.01 }).collect();
        let inputs = Matrix::new(values, n, 1);
        let signals = Signals {
            probabilities: Some(Matrix::new([0.4, 0.6].repeat(n - 1), n - 1, 2)),
            neighbours: Some(Arc::new(Neighbours::of(inputs.view(), NEIGHBOURS))),
            components: Some(Arc::new(Components::of(inputs.view()))),
            nearest: Some(Arc::new(Nearest::of(inputs.view(), &[RowId(0)], &[0]))),
            ..Signals::default()
        };
        let candidates: Vec<RowId> = (1..n as u32).map(RowId).collect();
        let labelled = [RowId(0)];
        let view = PoolView::new(inputs.view(), &labelled, &[0], &candidates, 2, &signals);
        let looks = Looks::new(&view, batch, 1_000, Key::root(1)).unwrap();
        let gain = SCHEMA.candidate.iter().position(|name| *name == "coverage gain, quantile").unwrap();
        grow(looks, batch, view.ties(Key::root(1)), |seen| {
            Ok((0..seen.features.rows()).map(|row| seen.features.row(row)[gain]).collect())
        })
        .unwrap()
        .into_iter()
        .map(|(row, _)| row)
        .collect()
    }

    #[test]
    fn a_batch_covers_what_the_scores_alone_would_not() {
        // The far end of the other heap, but for the last rows, whose neighbours all lie on one side.
        let one = picks(1);
        assert!((385..399).contains(&one[0].0), "{one:?}");
        // By the first look alone the next row would be beside it. That end of the heap is covered by its first row, and
        // of the hundred that are looked at again the farthest from it is the last.
        let two = picks(2);
        assert_eq!(two[0], one[0]);
        assert!(two[1].0 < 320, "{two:?}");
    }

    #[test]
    fn batches_are_distinct_and_complete() {
        for batch in [0, 1, 3, 10, 11, 19, 150, 399, 500] {
            let mut found = picks(batch);
            assert_eq!(found.len(), batch.min(399));
            found.sort_unstable();
            found.dedup();
            assert_eq!(found.len(), batch.min(399));
        }
    }
}
