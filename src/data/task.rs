//! [`Task`]: one seeded split of a data set into pool, reward and test rows.

use super::matrix::{Matrix, MatrixView};
use super::pool::RowId;
use serde::{Deserialize, Serialize};
use std::marker::PhantomData;
use std::sync::Arc;

/// Marks the rows that rewards are computed on. Never part of the pool, never tested on.
#[derive(Clone, Copy, Debug)]
pub enum Reward {}

/// Marks the rows that results are reported on. Nothing is chosen or learned by them.
#[derive(Clone, Copy, Debug)]
pub enum Test {}

/// Held-out rows of one role, inputs scaled like the pool.
///
/// The role is a type, so that a function which computes rewards cannot be handed the test rows.
#[derive(Clone, Debug)]
pub struct Held<Role> {
    inputs: Matrix,
    labels: Vec<u32>,
    role: PhantomData<Role>,
}

impl<Role> Held<Role> {
    pub(super) fn new(inputs: Matrix, labels: Vec<u32>) -> Self {
        assert_eq!(inputs.rows(), labels.len(), "one label per held-out row");
        Self { inputs, labels, role: PhantomData }
    }

    /// Inputs, shape `[rows, width]`.
    pub fn inputs(&self) -> MatrixView<'_> {
        self.inputs.view()
    }

    /// True classes, one per row.
    pub fn labels(&self) -> &[u32] {
        &self.labels
    }
}

/// How inputs are scaled. Statistics come from the pool's rows alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scaling {
    /// Left as they are.
    None,
    /// Zero mean, unit variance per column; constant columns become zero.
    #[default]
    Standard,
    /// To `[0, 1]` per column; constant columns become zero.
    MinMax,
}

/// How a data set is split into a task's three parts.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SplitPlan {
    /// Share of the rows that is tested on; ignored where the data set has an official test part.
    pub test: f64,
    /// Share of the remaining rows that rewards are computed on.
    pub reward: f64,
    /// At most this many rows in the pool, drawn at random.
    pub max_pool: usize,
    /// At most this many rows in the reward part and in the test part.
    pub max_held: usize,
    /// How inputs are scaled.
    pub scaling: Scaling,
}

impl Default for SplitPlan {
    fn default() -> Self {
        Self { test: 0.3, reward: 0.3, max_pool: 2_000, max_held: 2_000, scaling: Scaling::Standard }
    }
}

/// One seeded split of a data set: pool, reward and test rows, disjoint, and scaled by the pool.
///
/// A pool label can be had from an [`Oracle`](super::Oracle) only.
#[derive(Clone, Debug)]
pub struct Task {
    name: Arc<str>,
    classes: usize,
    pool: Matrix,
    pool_labels: Vec<u32>,
    reward: Held<Reward>,
    test: Held<Test>,
}

impl Task {
    /// The data set's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The number of classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// Numbers per example.
    pub fn width(&self) -> usize {
        self.pool.cols()
    }

    /// All rows of the pool, labelled or not, shape `[n, width]`; [`RowId`] indexes it.
    pub fn pool(&self) -> MatrixView<'_> {
        self.pool.view()
    }

    /// The rows that rewards are computed on.
    pub fn reward(&self) -> &Held<Reward> {
        &self.reward
    }

    /// The rows that results are reported on.
    pub fn test(&self) -> &Held<Test> {
        &self.test
    }

    pub(super) fn pool_label(&self, row: RowId) -> u32 {
        self.pool_labels[row.index()]
    }
}
