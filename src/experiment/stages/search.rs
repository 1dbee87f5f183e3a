//! The search stage: what it hands on.

use crate::arch::Block;
use serde::{Deserialize, Serialize};

/// An architecture found on the sources, free of any task's width and classes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Found {
    /// Blocks per stack, `i` of `A(B, i, j)`.
    pub blocks_per_stack: usize,
    /// Stacks, `j` of `A(B, i, j)`.
    pub stacks: usize,
    /// The hidden blocks, input side first.
    pub blocks: Vec<Block>,
    /// Gradient steps that the search took.
    pub steps: u64,
    /// Every candidate that was scored, in order.
    pub log: Vec<Visit>,
}

/// One scored candidate of a search.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Visit {
    pub blocks_per_stack: usize,
    pub stacks: usize,
    /// Mean cross-validated accuracy; none where training diverged.
    pub score: Option<f64>,
    /// Whether the search moved there.
    pub taken: bool,
}
