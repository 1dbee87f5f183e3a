//! [`Kinds`]: the kinds of targets that a strategy serves.

use super::error::QueryError;
use crate::data::TargetKind;
use serde::Serialize;

/// A set of kinds of targets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Kinds {
    /// [`TargetKind::Class`].
    pub class: bool,
    /// [`TargetKind::Real`].
    pub real: bool,
}

impl Kinds {
    /// Classes alone.
    pub const CLASS: Self = Self { class: true, real: false };
    /// Numbers alone.
    pub const REAL: Self = Self { class: false, real: true };
    /// Whatever targets are: for what looks at no target, and at no prediction of one.
    pub const ALL: Self = Self { class: true, real: true };

    /// Whether a kind is among them.
    pub fn serve(self, kind: TargetKind) -> bool {
        match kind {
            TargetKind::Class => self.class,
            TargetKind::Real => self.real,
        }
    }

    /// Refuses to have the strategy `name` ask for targets of a kind that is not among them.
    ///
    /// # Errors
    /// [`QueryError::Kind`].
    pub fn expect(self, kind: TargetKind, name: &str) -> Result<(), QueryError> {
        match self.serve(kind) {
            true => Ok(()),
            false => Err(QueryError::Kind { strategy: name.to_string(), kind }),
        }
    }

    /// The tasks, in a few words.
    pub fn tasks(self) -> &'static str {
        match (self.class, self.real) {
            (true, true) => "classification, regression",
            (false, true) => "regression",
            _ => "classification",
        }
    }
}
