//! [`Observation`]: one state as a policy sees it.

use crate::data::{Matrix, RowId};

/// The names of the features, in order, and the version under which a policy remembers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schema {
    /// Raised whenever the meaning, order or number of features changes.
    pub version: u32,
    /// Names of the columns of [`Observation::features`].
    pub candidate: &'static [&'static str],
    /// Names of the entries of [`Observation::globals`].
    pub global: &'static [&'static str],
}

/// One state: a row of features per candidate, and globals.
#[derive(Clone, Debug, PartialEq)]
pub struct Observation {
    /// The rows that may be asked for, ascending.
    pub candidates: Vec<RowId>,
    /// Shape `[candidates, features]`, roughly within `[-3, 3]`.
    pub features: Matrix,
    /// One number per global feature.
    pub globals: Vec<f32>,
}
