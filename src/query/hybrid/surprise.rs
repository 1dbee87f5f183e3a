//! What the two surprise adequacies have in common: labelled rows class by class, and the classes that a candidate is
//! taken for.

use crate::data::{MatrixView, RowId};
use crate::error::Result;
use crate::query::bayesian::most_probable;
use crate::query::geometry::blocks::squared_distances_to;
use crate::query::{Needs, PoolView};
use rayon::prelude::*;

/// What surprise is measured by.
pub(super) const NEEDS: Needs = Needs { probabilities: true, embeddings: true, labels: true, ..Needs::NONE };

/// The labelled rows of one class.
pub(super) struct Class {
    /// Their places among the labelled rows.
    pub places: Vec<usize>,
    /// Side by side.
    values: Vec<f32>,
}

impl Class {
    /// The squared distances of its rows to a point.
    pub fn squared(&self, point: &[f32]) -> Vec<f32> {
        let mut squared = vec![0.0; self.places.len()];
        squared_distances_to(&self.values, point, &mut squared);
        squared
    }
}

/// The labelled rows, class by class.
pub(super) fn classes(view: &PoolView<'_>, embeddings: MatrixView<'_>) -> Vec<Class> {
    let labelled = view.labelled_rows(embeddings);
    let of_class = |class: usize| {
        let labels = view.labels().iter().enumerate();
        let places: Vec<usize> =
            labels.filter(|&(_, &label)| label as usize == class).map(|(place, _)| place).collect();
        let values = places.iter().flat_map(|&place| labelled.get(place)).copied().collect();
        Class { places, values }
    };
    (0..view.classes()).map(of_class).collect()
}

/// Of each candidate the largest `surprise(class, embedding)` over the classes that it is taken for, of which there are several
/// where their probabilities tie.
pub(super) fn largest(
    view: &PoolView<'_>,
    embeddings: MatrixView<'_>,
    surprise: impl Fn(usize, &[f32]) -> f64 + Sync,
) -> Result<Vec<f64>> {
    let p = view.probabilities()?;
    let one = |(place, row): (usize, &RowId)| {
        let of = |class: usize| surprise(class, embeddings.row(row.index()));
        most_probable(p.row(place)).map(of).fold(f64::NEG_INFINITY, f64::max)
    };
    Ok(view.candidates().par_iter().enumerate().map(one).collect())
}
