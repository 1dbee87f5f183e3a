//! What a learned policy sees of a pool: a matrix of candidate features and a vector of globals.
//!
//! Pool size, class count and input width never enter its shape, so one policy runs on any pool.

use crate::data::{Matrix, RowId};
use crate::error::{Fault, Result};
use crate::query::geometry::envs::sum_of_zeros;

/// The most candidates one observation may hold; larger pools are subsampled before they get here.
pub const MAX_CANDIDATES: usize = 65_536;

/// The names and the version of the features. A policy runs only on the schema it was trained with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schema {
    /// Raised whenever a feature is added, dropped, moved or computed differently.
    pub version: u32,
    /// Names of the candidate features, in column order.
    pub candidate: &'static [&'static str],
    /// Names of the global features, in order.
    pub global: &'static [&'static str],
}

/// One round's candidates as a policy sees them.
#[derive(Clone, Debug, PartialEq)]
pub struct Observation {
    /// The rows that may be asked for, ascending; row `i` of `features` belongs to `candidates[i]`.
    pub candidates: Vec<RowId>,
    /// Shape `[m, F]`: within-pool quantiles and scale-free values, finite, roughly in `[-3, 3]`.
    pub features: Matrix,
    /// `[G]`: what all candidates of the round share.
    pub globals: Vec<f32>,
}

/// Why an observation is refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error, miette::Diagnostic)]
pub enum ObservationError {
    /// There is nothing to choose from.
    #[error("observation: no candidates")]
    Empty,
    /// More candidates than [`MAX_CANDIDATES`].
    #[error("observation: {found} candidates, at most {limit} are allowed")]
    #[diagnostic(help("subsample the pool before its features are computed"))]
    Candidates { found: usize, limit: usize },
    /// Features for another number of candidates.
    #[error("observation: {rows} rows of features for {candidates} candidates")]
    Rows { rows: usize, candidates: usize },
    /// Another number of features than expected.
    #[error("observation: {found} {kind} features, expected {expected}")]
    Width { kind: &'static str, found: usize, expected: usize },
    /// A candidate feature that is NaN or infinite.
    #[error("observation: feature {column} of candidate {row} is {value}, expected a finite number")]
    Feature { row: u32, column: usize, value: f32 },
    /// A global feature that is NaN or infinite.
    #[error("observation: global feature {column} is {value}, expected a finite number")]
    Global { column: usize, value: f32 },
}

impl Fault for ObservationError {}

impl Observation {
    /// Checks the shape against `features` candidate features and `globals` globals, and that every
    /// number is finite.
    ///
    /// # Errors
    /// The first rule that is broken, with its place.
    pub fn check(&self, features: usize, globals: usize) -> Result<(), ObservationError> {
        let m = self.candidates.len();
        if m == 0 {
            return Err(ObservationError::Empty);
        }
        if m > MAX_CANDIDATES {
            return Err(ObservationError::Candidates { found: m, limit: MAX_CANDIDATES });
        }
        if self.features.rows() != m {
            return Err(ObservationError::Rows { rows: self.features.rows(), candidates: m });
        }
        for (kind, found, expected) in
            [("candidate", self.features.cols(), features), ("global", self.globals.len(), globals)]
        {
            if found != expected {
                return Err(ObservationError::Width { kind, found, expected });
            }
        }
        if sum_of_zeros(self.features.values()) != 0.0
            && let Some(at) = self.features.values().iter().position(|v| !v.is_finite())
        {
            return Err(ObservationError::Feature {
                row: self.candidates[at / features].0,
                column: at % features,
                value: self.features.values()[at],
            });
        }
        if let Some(column) = self.globals.iter().position(|v| !v.is_finite()) {
            return Err(ObservationError::Global { column, value: self.globals[column] });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_observation_is_refused_with_its_place() {
        let good = Observation {
            candidates: vec![RowId(4), RowId(7)],
            features: Matrix::new(vec![0.0, 1.0, 2.0, 3.0], 2, 2),
            globals: vec![0.5],
        };
        assert_eq!(good.check(2, 1), Ok(()));
        assert_eq!(
            good.check(3, 1),
            Err(ObservationError::Width { kind: "candidate", found: 2, expected: 3 })
        );
        assert_eq!(good.check(2, 0), Err(ObservationError::Width { kind: "global", found: 1, expected: 0 }));
        let mut bad = good.clone();
        bad.features.row_mut(1)[0] = f32::INFINITY;
        assert_eq!(
            bad.check(2, 1),
            Err(ObservationError::Feature { row: 7, column: 0, value: f32::INFINITY })
        );
        let mut bad = good.clone();
        bad.globals[0] = f32::NAN;
        assert!(matches!(bad.check(2, 1), Err(ObservationError::Global { column: 0, .. })));
        let mut bad = good;
        bad.candidates.pop();
        assert_eq!(bad.check(2, 1), Err(ObservationError::Rows { rows: 2, candidates: 1 }));
        bad.candidates.clear();
        assert_eq!(bad.check(2, 1), Err(ObservationError::Empty));
    }
}
