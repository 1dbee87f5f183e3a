//! The greedy batch, grown in several looks.
//!
//! Candidates are scored one by one, so that the best of them may be near copies of each other. After a
//! part of the batch is chosen, the best of the rest are looked at again as if the chosen rows were labelled,
//! each with the class that the classifier predicts: what lies close to them is then covered, and its features
//! say so. A query of one row takes one look.

use super::batch;
use crate::data::RowId;
use crate::episode::Observation;
use crate::episode::features::BatchBuilder;
use crate::error::Result;
use crate::query::Ties;

/// The most looks at the candidates of one query; larger batches take several rows per look.
pub const MAX_LOOKS: usize = 20;

/// Later looks are at this many of the best candidates of the first look per row that is asked for, at no fewer than
/// [`FEWEST_KEPT`] in all, and at [`OTHERS_KEPT`] of the rest.
const KEPT_PER_ROW: usize = 20;
const FEWEST_KEPT: usize = 100;
/// Of candidates that the first look does not put first, so many are looked at again: once the first rows of a batch
/// are taken, what is best may lie where nothing was good enough before.
const OTHERS_KEPT: usize = 1_000;

/// The `min(batch, candidates)` rows that `score` puts first, of those that the first look shows, each with its score in
/// the look that it was chosen in; equal ones in the order of `ties`.
///
/// # Errors
/// Those of `score`, and scores that are not finite.
pub fn grow(
    mut batch_builder: BatchBuilder<'_>,
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
    let batch = batch.min(batch_builder.first().candidates.len());
    let per_look = batch.div_ceil(MAX_LOOKS);
    if batch == per_look {
        return Ok(rows(batch_builder.first(), &best(batch_builder.first(), batch)?));
    }
    let ranked = best(batch_builder.first(), usize::MAX)?;
    let mut picks = rows(batch_builder.first(), &ranked[..per_look]);
    let (first, rest) = ranked.split_at((KEPT_PER_ROW * batch).max(FEWEST_KEPT).min(ranked.len()));
    // Every so many-th of them in the order of their scores.
    let others =
        (0..OTHERS_KEPT.min(rest.len())).map(|at| rest[at * rest.len() / OTHERS_KEPT.min(rest.len())]);
    batch_builder.keep(first.iter().copied().chain(others).map(|(place, _)| place).collect());
    batch_builder.take(&ids(&picks));
    while picks.len() < batch {
        let seen = batch_builder.rescore();
        let more = rows(seen, &best(seen, per_look.min(batch - picks.len()))?);
        batch_builder.take(&ids(&more));
        picks.extend(more);
    }
    Ok(picks)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Matrix;
    use crate::episode::features::{NEIGHBOURS, SCHEMA};
    use crate::query::{KernelPca, Nearest, Neighbours, PoolView, Signals};
    use crate::rng::Key;
    use std::sync::Arc;

    /// Four hundred points on a line in two heaps, of which the first is labelled; the score is by how much a label would
    /// bring a point's neighbours nearer to one.
    fn picks(batch: usize) -> Vec<RowId> {
        picks_by("coverage gain, quantile", 200, &[RowId(0)], batch)
    }

    /// The same by any feature, with so many points in the first heap, and others labelled.
    fn picks_by(feature: &str, heap: usize, labelled: &[RowId], batch: usize) -> Vec<RowId> {
        let n = 400;
        let values: Vec<f32> =
            (0..n).map(|i| if i < heap { i as f32 * 0.01 } else { 10.0 + i as f32 * 0.01 }).collect();
        let inputs = Matrix::new(values, n, 1);
        let labels = vec![0; labelled.len()];
        let signals = Signals {
            probabilities: Some(Matrix::new([0.4, 0.6].repeat(n - labelled.len()), n - labelled.len(), 2)),
            neighbours: Some(Arc::new(Neighbours::of(inputs.view(), NEIGHBOURS))),
            components: Some(Arc::new(KernelPca::of(inputs.view()))),
            nearest: Some(Arc::new(Nearest::of(inputs.view(), labelled, &labels))),
            ..Signals::default()
        };
        let candidates: Vec<RowId> = (labelled.len() as u32..n as u32).map(RowId).collect();
        let view = PoolView::new(inputs.view(), labelled, &labels, &candidates, 2, &signals);
        let batch_builder = BatchBuilder::new(&view, batch, 1_000, Key::root(1)).unwrap();
        let gain = SCHEMA.candidate.iter().position(|name| *name == feature).unwrap();
        grow(batch_builder, batch, view.ties(Key::root(1)), |seen| {
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
        // By the first look alone the next row would be beside it, where its label covers most already.
        let two = picks(2);
        assert_eq!(two[0], one[0]);
        assert!(two[1].0 < 320, "{two:?}");
    }

    /// In the first look all of the larger heap come before the smaller one, and after its first row none of them is worth
    /// anything.
    #[test]
    fn a_batch_reaches_what_the_first_look_puts_last() {
        let two = picks_by("log herding gain", 150, &[], 2);
        assert_eq!(two.iter().map(|row| row.index() >= 150).collect::<Vec<_>>(), [true, false], "{two:?}");
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
