//! Expected variance reduction: how much a label of a candidate takes from the variance of the whole pool, as features
//! (V-optimality; Cohn, Ghahramani & Jordan, JAIR 1996; Ji & Han, AISTATS 2012).

use super::cut;
use crate::query::LowRankGp;
use crate::query::geometry::logarithm::ln;
use crate::query::kernel_pca::{Coordinates, KERNELS};
use crate::simd::dispatched;

/// Features of each candidate.
pub(super) const COUNT: usize = 3;

/// Logarithms of the expected variance reduction by a label of each row of a pool, or of some.
pub(super) struct VarianceReduction([Vec<f32>; KERNELS]);

impl VarianceReduction {
    /// Of all these rows.
    pub(super) fn of(posterior: &LowRankGp<'_>, rows: &Coordinates) -> Self {
        let mut reductions = posterior.reductions(rows);
        reductions.iter_mut().for_each(|values| logarithms(values));
        Self(reductions)
    }

    /// The features of one row. What a label is worth grows faster than the logarithm, hence the square of one.
    pub(super) fn features(&self, row: usize) -> [f32; COUNT] {
        let (plain, angular) = (self.0[0][row], self.0[1][row]);
        [plain, plain * plain, angular]
    }
}

dispatched! {
    /// Moved to where they usually lie around zero.
    fn logarithms(values: &mut [f32]) {
        for value in values {
            *value = cut(ln(*value + 1e-4) + 6.0);
        }
    }
}
