//! What a label of a candidate would tell of the pool, as features.

use super::cut;
use super::surroundings::ROWS;
use crate::query::components::KERNELS;
use crate::query::geometry::logarithm::ln;

/// Features of each candidate.
pub(super) const COUNT: usize = 3;

/// The logarithms of the doubt that a label of each candidate of a block would take away, moved to where they usually
/// lie around zero, in the order of the features. What a label is worth grows faster than the logarithm, hence the
/// square of one.
#[inline(always)]
pub(super) fn field(reductions: [[f32; ROWS]; KERNELS]) -> [[f32; ROWS]; COUNT] {
    let [plain, angular] = reductions.map(|lane| lane.map(|value| cut(ln(value + 1e-4) + 6.0)));
    [plain, plain.map(|value| value * value), angular]
}
