//! [`DecisionState`]: what an agent sees before it decides.

use crate::agent::dqn::network::{ACTION, STATE};
use crate::data::{Matrix, RowId};
use crate::episode::Observation;

/// A state and the options there are in it, as both learners see them.
#[derive(Clone, Debug, PartialEq)]
pub struct DecisionState {
    /// Thirty figures, finite and about as large as 1.
    pub state: Vec<f32>,
    /// Shape `[options, 3]`: the figures of each option.
    pub options: Matrix,
}

impl DecisionState {
    /// Of at most thirty figures, the others being zero, and of these options.
    ///
    /// # Panics
    /// For more figures than there is room for.
    pub fn new(figures: &[f32], options: &[[f32; ACTION]]) -> Self {
        let mut state = vec![0.0; STATE];
        state[..figures.len()].copy_from_slice(figures);
        Self { state, options: Matrix::new(options.concat(), options.len(), ACTION) }
    }

    /// The same as candidates of which one is to be drawn.
    pub(super) fn observation(&self) -> Observation {
        let candidates = (0..self.options.rows() as u32).map(RowId).collect();
        Observation { candidates, features: self.options.clone(), globals: self.state.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_said_is_zero() {
        let decision_state = DecisionState::new(&[0.5, -1.0], &[[1.0, 0.0, 0.0], [0.0, 2.0, 0.0]]);
        assert_eq!(decision_state.state[..3], [0.5, -1.0, 0.0]);
        let seen = decision_state.observation();
        assert_eq!((seen.candidates, seen.globals.len()), (vec![RowId(0), RowId(1)], STATE));
        assert_eq!(seen.features.row(1), [0.0, 2.0, 0.0]);
    }
}
