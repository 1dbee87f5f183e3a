//! What the classifier believes of the candidates.

use super::FeatureError;
use crate::data::Matrix;
use crate::query::PoolView;
use crate::query::geometry::lanes::sum_of_zeros;
use crate::query::geometry::tops::{Top, tops};

/// What is believed of one candidate.
#[derive(Clone, Copy, Default)]
pub(super) struct Prediction {
    /// The most probable class.
    pub first: u32,
    /// The next.
    pub second: u32,
    /// One less the distance of their probabilities: 1 where they are equal.
    pub margin: f32,
}

/// The predictions of all candidates.
pub(super) fn read(view: &PoolView<'_>, probabilities: &Matrix) -> Result<Vec<Prediction>, FeatureError> {
    let classes = view.classes();
    if sum_of_zeros(probabilities.values()) != 0.0 {
        for (row, p) in view.candidates().iter().zip(probabilities.values().chunks_exact(classes)) {
            if let Some(class) = p.iter().position(|value| !value.is_finite()) {
                return Err(FeatureError::NotFinite { row: row.0, class, value: p[class] });
            }
        }
    }
    let tops = tops(probabilities.values(), classes, 0..view.candidates().len());
    let prediction = |top: Top| Prediction { first: top.first, second: top.second, margin: top.margin() };
    Ok(tops.into_iter().map(prediction).collect())
}
