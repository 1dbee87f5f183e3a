//! What a label of a candidate would tell of the pool, as features.

use super::cut;
use super::surroundings::ROWS;
use crate::query::components::KERNELS;
use crate::query::history::ln;
use crate::query::posterior::Told;

/// What a label of each candidate of a block would tell, and the logarithms of that, moved to where they usually lie
/// around zero; in the order of the features.
pub(super) struct Field {
    pub values: [[f32; ROWS]; 6],
    pub logs: [[f32; ROWS]; 6],
}

impl Field {
    #[inline(always)]
    pub(super) fn of(told: [Told; KERNELS]) -> Self {
        const FLOORS_AND_SHIFTS: [(f32, f32); 3] = [(1e-3, 2.0), (1e-4, 5.0), (1e-4, 6.0)];
        let [plain, angular] = told.map(|told| [told.variance, told.reduction, told.of_doubt]);
        let values: [[f32; ROWS]; 6] =
            std::array::from_fn(|at| if at < 3 { plain[at] } else { angular[at - 3] });
        let mut logs = values;
        for (logs, (floor, shift)) in logs.iter_mut().zip(FLOORS_AND_SHIFTS.into_iter().cycle()) {
            for value in logs {
                *value = cut(ln(*value + floor) + shift);
            }
        }
        Self { values, logs }
    }

    /// Those of one candidate.
    #[inline(always)]
    pub(super) fn at(columns: &[[f32; ROWS]; 6], place: usize) -> [f32; 6] {
        std::array::from_fn(|column| columns[column][place])
    }
}
