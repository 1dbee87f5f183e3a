//! What a label of a candidate adds to the coverage of the pool, as features.

use super::subsample;
use crate::query::geometry::logarithm::ln;
use crate::query::herding::Gains;
use crate::simd::dispatched;

/// Features of each candidate, beside the quantile of the first.
pub(super) const COUNT: usize = 2;

/// The logarithms of both gains of every row.
pub(super) fn logarithms(gains: &Gains) -> [Vec<f32>; COUNT] {
    let mut logs = [gains.plain.clone(), gains.of_doubt.clone()];
    logs.iter_mut().for_each(|values| logarithms_of(values));
    logs
}

dispatched! {
    /// Moved to where they usually lie around zero.
    fn logarithms_of(values: &mut [f32]) {
        for value in values {
            *value = cut(ln(*value + 1e-3) + 4.0);
        }
    }
}
