//! How different the labelled rows are from the pool, as a number.

use crate::data::RowId;
use crate::query::PoolView;
use crate::query::geometry::lanes::squared_distance;
use crate::simd::dispatched;

/// Labelled rows that are looked at, at most; evenly spaced in the order in which they were labelled.
const MAX_LABELLED: usize = 128;
/// Rows of either kind below which nothing can be told.
const MIN_ROWS: usize = 4;

/// The proxy distance of Ben-David, Blitzer, Crammer & Pereira (NeurIPS 2006), `2 (1 - 2 e)`, between the
/// labelled rows and those of `others` (rows of the pool that stand for all of it) that are unlabelled.
///
/// `e` is the balanced leave-one-out error of the nearest centroid in telling the two apart. About 0 where the
/// labelled rows are a sample of the pool, 2 where the two do not overlap: the state in which discriminative
/// active learning ([`dal`](super::dal), Gissin & Shalev-Shwartz 2019; Du, Zhong & Shao, ICIP 2019) has most
/// to ask for. A centroid and no network, because a learned policy looks at it before every query; it does not
/// see labels that surround the pool evenly. `None` where there are fewer than four rows of either kind.
pub fn proxy_distance(view: &PoolView<'_>, others: &[u32]) -> Option<f32> {
    let labelled = view.labelled();
    let count = labelled.len().min(MAX_LABELLED);
    let own: Vec<u32> = (0..count).map(|at| labelled[at * labelled.len() / count].0).collect();
    let open = |row: &u32| view.candidates().binary_search(&RowId(*row)).is_ok();
    let others: Vec<u32> = others.iter().copied().filter(open).collect();
    if own.len().min(others.len()) < MIN_ROWS {
        return None;
    }
    let inputs = view.inputs();
    let centre = |rows: &[u32]| {
        let mut sum = vec![0.0f32; inputs.cols()];
        for &row in rows {
            sum.iter_mut().zip(inputs.row(row as usize)).for_each(|(sum, value)| *sum += value);
        }
        sum.iter_mut().for_each(|sum| *sum /= rows.len() as f32);
        sum
    };
    let centres = [centre(&own), centre(&others)];
    // A row's distance to its own centroid without it is that to the whole one, times n / (n - 1).
    let error = |rows: &[u32], centre: &[f32], other: &[f32]| {
        let without = (rows.len() as f32 / (rows.len() - 1) as f32).powi(2);
        let wrong = |&row: &u32| {
            let (own, other) = distances(inputs.row(row as usize), centre, other);
            match (without * own).total_cmp(&other) {
                std::cmp::Ordering::Less => 0.0,
                std::cmp::Ordering::Equal => 0.5,
                std::cmp::Ordering::Greater => 1.0,
            }
        };
        rows.iter().map(wrong).sum::<f32>() / rows.len() as f32
    };
    let error = 0.5 * (error(&own, &centres[0], &centres[1]) + error(&others, &centres[1], &centres[0]));
    Some(2.0 * (1.0 - 2.0 * error))
}

dispatched! {
    /// The squared distances of a row to two others.
    fn distances(row: &[f32], one: &[f32], two: &[f32]) -> (f32, f32) {
        (squared_distance(row, one), squared_distance(row, two))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Domains, Matrix, SplitPlan, Task, World, embedded};
    use crate::query::Signals;
    use crate::rng::Key;
    use rand::RngExt;

    /// The distance in a pool of `n` rows around `centre`, the first `labelled` of which are labelled.
    fn distance(n: usize, labelled: usize, centre: impl Fn(usize) -> f32, seed: u64) -> Option<f32> {
        let mut rng = Key::root(seed).rng();
        let values = (0..2 * n).map(|i| centre(i / 2) + rng.random::<f32>()).collect();
        let vectors = Matrix::new(values, n, 2);
        let all: Vec<RowId> = (0..n as u32).map(RowId).collect();
        let labels = vec![0; labelled];
        let signals = Signals::default();
        let view = PoolView::new(vectors.view(), &all[..labelled], &labels, &all[labelled..], 2, &signals);
        // Labelled rows among the others do not count.
        proxy_distance(&view, &(0..n as u32).collect::<Vec<_>>())
    }

    #[test]
    fn two_for_what_does_not_overlap_one_for_half_and_none_for_a_sample() {
        let mean = |centre: &dyn Fn(usize) -> f32| {
            (0..10).map(|seed| distance(300, 100, centre, seed).unwrap()).sum::<f32>() / 10.0
        };
        assert_eq!(mean(&|row| if row < 100 { 0.0 } else { 4.0 }), 2.0);
        // Half of the candidates lie where the labels are: the best rule errs on a quarter of all.
        let half = mean(&|row| if row < 100 || row % 2 == 0 { 0.0 } else { 4.0 });
        assert!((half - 1.0).abs() < 0.05, "{half}");
        let sample = mean(&|_| 0.0);
        assert!(sample.abs() < 0.2, "{sample}");
    }

    #[test]
    fn few_labels_among_many_rows_of_the_same_kind_are_not_far() {
        let mean = (0..50).map(|seed| distance(300, 5, |_| 0.0, seed).unwrap()).sum::<f32>() / 50.0;
        assert!(mean.abs() < 0.3, "{mean}");
    }

    #[test]
    fn too_few_rows_say_nothing() {
        assert_eq!(distance(50, 3, |_| 0.0, 1), None);
        assert_eq!(distance(50, 48, |_| 0.0, 1), None);
        assert!(distance(50, 4, |_| 0.0, 1).is_some());
        // All rows the same: nothing to tell apart.
        assert_eq!(distance(50, 20, |_| 1e9, 2), Some(0.0));
    }

    /// Labels at -1, -1, 1, 1 and others at 2 and 4, twice each, on a line: centroids 0 and 3. Of the labels
    /// all are nearer to theirs, -1/3 or 1/3 without them: 4/3 against 2 for those at 1. Of the others, those
    /// at 2 are 4/3 from theirs without them, 10/3, and 2 from 0: all are told rightly.
    #[test]
    fn a_worked_example() {
        let inputs = Matrix::new(vec![-1.0, -1.0, 1.0, 1.0, 2.0, 4.0, 2.0, 4.0], 8, 1);
        let rows: Vec<RowId> = (0..8).map(RowId).collect();
        let signals = Signals::default();
        let view = PoolView::new(inputs.view(), &rows[..4], &[0; 4], &rows[4..], 2, &signals);
        assert_eq!(proxy_distance(&view, &[4, 5, 6, 7]), Some(2.0));
    }

    /// Of labels of a source domain it is about 0 where domains are one, and 2 where they do not overlap.
    #[test]
    fn domains_are_told_apart() {
        let distance = |domains: Domains| {
            let world = World { domains: Some(domains), ..World::default() };
            let plan = SplitPlan { world, ..SplitPlan::default() };
            let task = Task::split(&embedded::load("digits").unwrap(), &plan, Key::root(6)).unwrap();
            let (start, signals) = (task.source(), Signals::default());
            let classes = vec![0; start.len()];
            let rest: Vec<RowId> = (0..task.pool().rows() as u32)
                .map(RowId)
                .filter(|row| start.binary_search(row).is_err())
                .collect();
            let view = PoolView::new(task.pool(), start, &classes, &rest, 10, &signals);
            let others: Vec<u32> = rest.iter().step_by(3).map(|row| row.0).collect();
            proxy_distance(&view, &others).unwrap()
        };
        let own = Domains { per_class: 8, ..Domains::default() };
        assert!(distance(own).abs() < 0.5);
        assert!(distance(Domains { translation: 5.0, ..own }) > 1.95);
    }
}
