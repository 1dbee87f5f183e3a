//! [`Space`]: a finite set of architectures with moves; [`Domain`]: a space bound to one task's shape.

use super::spec::{NetSpec, SpecError};
use crate::error::Fault;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fmt::{Debug, Display};
use std::hash::Hash;

/// The most points a space may have: searches enumerate it.
pub const MAX_POINTS: u64 = 100_000;

/// What using an architecture costs, known before it is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    /// Weights and biases.
    pub parameters: u64,
    /// Multiply-adds of one forward pass of one example.
    pub multiply_adds: u64,
}

/// Why a space, or a point of it, is refused.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum SpaceError {
    /// A setting outside its range.
    #[error("architecture space: {setting} is {found}, expected {expected}")]
    Setting { setting: &'static str, found: String, expected: String },
    /// A point that is not in the space.
    #[error("architecture space: {point} lies outside, {limits}")]
    #[diagnostic(help("start from a point inside the grid, or widen the grid"))]
    Outside { point: String, limits: String },
    /// More points than a search may enumerate.
    #[error("architecture space: {found} points, at most {limit} are allowed")]
    Points { found: u64, limit: u64 },
    /// The network itself is refused.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Spec(#[from] SpecError),
}

impl Fault for SpaceError {}

/// A finite set of architectures. The essential method is [`spec`](Self::spec); the others say how
/// searches get from one point to the next.
///
/// All lists are in a fixed order and without duplicates, so that a search is a function of its key.
pub trait Space: Clone + Debug + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// Where one is in the space: an architecture without input width and outputs.
    type Point: Clone
        + Debug
        + Display
        + Eq
        + Ord
        + Hash
        + Serialize
        + DeserializeOwned
        + Send
        + Sync
        + 'static;

    /// The network at `point` for examples of `inputs` numbers and `outputs` classes.
    ///
    /// # Errors
    /// [`SpaceError::Outside`], or [`SpaceError::Spec`] for a network above the limits.
    fn spec(&self, point: &Self::Point, inputs: usize, outputs: usize) -> Result<NetSpec, SpaceError>;

    /// Refuses settings that make no space. Run it on every space that was deserialised;
    /// [`Domain::new`] does.
    fn check(&self) -> Result<(), SpaceError>;

    /// Whether `point` is in the space.
    fn contains(&self, point: &Self::Point) -> bool;

    /// The smallest point: where a search starts unless it is told otherwise.
    fn start(&self) -> Self::Point;

    /// Moves that grow the network; staying is always possible and not listed.
    fn moves(&self, point: &Self::Point) -> Vec<Self::Point>;

    /// Points one unit away, in every direction; symmetric.
    fn neighbours(&self, point: &Self::Point) -> Vec<Self::Point>;

    /// Every point, in ascending order.
    fn points(&self) -> Vec<Self::Point>;
}

/// A checked space for one task: `inputs` numbers per example, `outputs` classes.
///
/// Points whose network is above the limits of [`NetSpec`] are treated like points outside the grid:
/// moves to them are dropped.
#[derive(Clone, Debug, PartialEq)]
pub struct Domain<S> {
    space: S,
    inputs: usize,
    outputs: usize,
}

impl<S: Space> Domain<S> {
    /// Binds `space` to a task's shape.
    ///
    /// # Errors
    /// [`SpaceError`] if a setting is out of range or even the start cannot be built.
    pub fn new(space: S, inputs: usize, outputs: usize) -> Result<Self, SpaceError> {
        space.check()?;
        space.spec(&space.start(), inputs, outputs)?;
        Ok(Self { space, inputs, outputs })
    }

    /// The space.
    pub fn space(&self) -> &S {
        &self.space
    }

    /// Numbers per example.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Classes.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// The network at `point`.
    pub fn spec(&self, point: &S::Point) -> Result<NetSpec, SpaceError> {
        self.space.spec(point, self.inputs, self.outputs)
    }

    /// What the network at `point` costs.
    pub fn cost(&self, point: &S::Point) -> Result<Cost, SpaceError> {
        let spec = self.spec(point)?;
        Ok(Cost { parameters: spec.parameters() as u64, multiply_adds: spec.multiply_adds() as u64 })
    }

    /// The number of weights at `point`: the order that "smaller" means. `u64::MAX` where the point is
    /// refused.
    pub fn size(&self, point: &S::Point) -> u64 {
        self.cost(point).map_or(u64::MAX, |cost| cost.parameters)
    }

    /// Whether `point` is in the space and can be built.
    pub fn admits(&self, point: &S::Point) -> bool {
        self.spec(point).is_ok()
    }

    /// The growing moves from `point` that can be built.
    pub fn moves(&self, point: &S::Point) -> Vec<S::Point> {
        self.admitted(self.space.moves(point))
    }

    /// The neighbours of `point` that can be built.
    pub fn neighbours(&self, point: &S::Point) -> Vec<S::Point> {
        self.admitted(self.space.neighbours(point))
    }

    /// Every point that can be built, in ascending order.
    pub fn points(&self) -> Vec<S::Point> {
        self.admitted(self.space.points())
    }

    fn admitted(&self, points: Vec<S::Point>) -> Vec<S::Point> {
        points.into_iter().filter(|point| self.admits(point)).collect()
    }
}
