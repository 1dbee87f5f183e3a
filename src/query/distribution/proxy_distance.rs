//! How different the labelled rows are from the candidates, as a number.

use super::dal::{discriminator, hits, standardised};
use crate::data::{Matrix, MatrixView, RowId};
use crate::error::Result;
use crate::query::PoolView;
use crate::query::draw::RowDraws;
use crate::rng::Key;

/// Rows of either kind that are looked at, at most.
const MAX_ROWS: usize = 500;
/// Rows of either kind below which nothing can be held out.
const MIN_ROWS: usize = 4;
/// Units per hidden layer, and epochs, of the network that tells the two apart.
const WIDTH: usize = 64;
const EPOCHS: u32 = 100;

/// The proxy distance of Ben-David, Blitzer, Crammer & Pereira (NeurIPS 2006), `2 (1 - 2 e)`, between the
/// labelled rows and the candidates; `e` is the error on held-out rows of a small network that tells the two
/// apart. About 0 where the labelled rows are a sample of the pool (a little below by chance), 2 where the two
/// do not overlap: the state in which discriminative active learning
/// ([`dal`](super::dal), Gissin & Shalev-Shwartz 2019; Du, Zhong & Shao, ICIP 2019) has most to ask for.
///
/// `vectors` has a row per row of the pool (inputs or embeddings). As many random rows of the one as of the
/// other take part, at most 500 of each; both halves are held out in turn. `None` where there are fewer than
/// four of either.
///
/// # Errors
/// [`QueryError::NotFinite`](crate::query::QueryError::NotFinite) with the place, and what training a network fails with.
pub fn proxy_distance(view: &PoolView<'_>, vectors: MatrixView<'_>, key: Key) -> Result<Option<f64>> {
    let (labelled, candidates) = (view.labelled(), view.candidates());
    let count = labelled.len().min(candidates.len()).min(MAX_ROWS);
    if count < MIN_ROWS {
        return Ok(None);
    }
    crate::query::geometry::check_finite("vectors", vectors)?;
    let sample = |rows: &[RowId], name: &str| -> Vec<RowId> {
        let draws = RowDraws::new(key.named(name));
        let mut rows: Vec<RowId> = draws.sample(rows, count).into_iter().map(|place| rows[place]).collect();
        // Halves are to be random too, not the smaller and the larger ids.
        rows.sort_by(|&a, &b| draws.gumbel(a).total_cmp(&draws.gumbel(b)).then(a.cmp(&b)));
        rows
    };
    let (own, others) = (sample(labelled, "labelled"), sample(candidates, "candidates"));
    let part: Vec<RowId> = own.iter().chain(&others).copied().collect();
    let vectors = standardised(gathered(vectors, &part).view());
    let half = count / 2;
    let places = |range: std::ops::Range<usize>| -> (Vec<u32>, Vec<u32>) {
        let own = range.clone().map(|place| (place as u32, 0));
        own.chain(range.map(|place| ((count + place) as u32, 1))).unzip()
    };
    let halves = [places(0..half), places(half..count)];
    let mut right = 0;
    for (number, (train, held)) in
        [(&halves[0], &halves[1]), (&halves[1], &halves[0])].into_iter().enumerate()
    {
        let key = key.named("half").at(number as u64);
        let bank = discriminator(vectors.view(), &train.0, &train.1, WIDTH, EPOCHS, key)?;
        right += hits(&bank, vectors.view(), &held.0, &held.1);
    }
    let error = 1.0 - right as f64 / (2 * count) as f64;
    Ok(Some(2.0 * (1.0 - 2.0 * error)))
}

fn gathered(vectors: MatrixView<'_>, rows: &[RowId]) -> Matrix {
    let values = rows.iter().flat_map(|row| vectors.row(row.index())).copied().collect();
    Matrix::new(values, rows.len(), vectors.cols())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::{QueryError, Signals};
    use rand::RngExt;

    /// The distance where rows below `labelled` bear labels; row `i` lies around `centre(i)` in two columns.
    fn distance(n: usize, labelled: usize, centre: impl Fn(usize) -> f32, seed: u64) -> Option<f64> {
        let mut rng = Key::root(seed).named("rows").rng();
        let values = (0..2 * n).map(|i| centre(i / 2) + rng.random::<f32>() - 0.5).collect();
        let vectors = Matrix::new(values, n, 2);
        let all: Vec<RowId> = (0..n as u32).map(RowId).collect();
        let labels = vec![0; labelled];
        let signals = Signals::default();
        let view = PoolView::new(vectors.view(), &all[..labelled], &labels, &all[labelled..], 2, &signals);
        proxy_distance(&view, vectors.view(), Key::root(seed)).unwrap()
    }

    #[test]
    fn two_for_what_does_not_overlap_one_for_half_and_none_for_a_sample() {
        let mean = |centre: &dyn Fn(usize) -> f32| {
            (0..10).map(|seed| distance(300, 100, centre, seed).unwrap()).sum::<f64>() / 10.0
        };
        assert!((mean(&|row| if row < 100 { 0.0 } else { 4.0 }) - 2.0).abs() < 1e-9);
        // Half of the candidates lie where the labels are: the best rule errs on a quarter of all.
        let half = mean(&|row| if row < 100 || row % 2 == 0 { 0.0 } else { 4.0 });
        assert!((half - 1.0).abs() < 0.15, "{half}");
        let sample = mean(&|_| 0.0);
        assert!(sample.abs() < 0.15, "{sample}");
    }

    #[test]
    fn too_few_rows_say_nothing() {
        assert_eq!(distance(50, 3, |_| 0.0, 1), None);
        assert_eq!(distance(50, 48, |_| 0.0, 1), None);
        assert!(distance(50, 4, |_| 0.0, 1).is_some());
        // All rows the same: nothing to tell apart, and no NaN.
        assert!(distance(50, 20, |_| 1e6, 2).unwrap().is_finite());
    }

    #[test]
    fn what_is_not_finite_is_refused() {
        let mut vectors = Matrix::zeros(20, 2);
        vectors.row_mut(13)[1] = f32::NAN;
        let all: Vec<RowId> = (0..20).map(RowId).collect();
        let signals = Signals::default();
        let view = PoolView::new(vectors.view(), &all[..8], &[0; 8], &all[8..], 2, &signals);
        let error = proxy_distance(&view, vectors.view(), Key::root(0)).unwrap_err();
        assert!(matches!(error.downcast_ref(), Some(QueryError::NotFinite { row: 13, column: 1, .. })));
    }
}
