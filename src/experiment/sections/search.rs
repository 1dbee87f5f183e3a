//! `[search]`: the architecture search over `A(B, i, j)`.

use crate::experiment::error::ExperimentError;
use crate::experiment::raw::Section;
use serde::Serialize;

/// How the space is searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// One monotone step per active-learning round (Geifman & El-Yaniv, NeurIPS 2019).
    Local,
    /// Steps to the best neighbour until none is better.
    HillClimbing,
    /// Simulated annealing (Kirkpatrick et al., Science 1983).
    Annealing,
    /// Uniformly, without replacement.
    Random,
    /// Ageing evolution (Real et al., AAAI 2019).
    Evolution,
    /// Successive halving (Jamieson & Talwalkar, AISTATS 2016).
    Halving,
    /// Every point of the space.
    Grid,
}

/// The block that is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BlockKind {
    Dense,
    Residual,
}

/// The search over `A(B, i, j)`: `j` stacks of `i` blocks of kind `B`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Search {
    /// `"local"` (default), `"hill_climbing"`, `"annealing"`, `"random"`, `"evolution"`, `"halving"` or
    /// `"grid"`.
    pub method: Method,
    /// `B`: `"residual"` (default) or `"dense"`.
    pub block: BlockKind,
    /// Width of the first stack. Default 32.
    pub width: usize,
    /// The largest `i`. Default 12.
    pub max_blocks: usize,
    /// The largest `j`. Default 5.
    pub max_stacks: usize,
    /// Gradient steps of one training of one candidate. Default 270.
    pub steps: u32,
    /// Gradient steps that the search on one source task may take in all. Default 50 000.
    pub budget: u64,
    /// Folds of the paired cross-validation that scores a candidate; 1 for a single split. Default 4.
    pub folds: usize,
    /// Rounds between two searches within an episode on a target. Default 5.
    pub every: usize,
}

impl Search {
    pub(in crate::experiment) fn read(mut section: Section) -> Result<Self, ExperimentError> {
        let s = &mut section;
        let methods = [
            ("local", Method::Local),
            ("hill_climbing", Method::HillClimbing),
            ("annealing", Method::Annealing),
            ("random", Method::Random),
            ("evolution", Method::Evolution),
            ("halving", Method::Halving),
            ("grid", Method::Grid),
        ];
        let search = Self {
            method: s.choice("method", Method::Local, &methods)?,
            block: s.choice(
                "block",
                BlockKind::Residual,
                &[("residual", BlockKind::Residual), ("dense", BlockKind::Dense)],
            )?,
            width: s.count("width", 32, 1..=65_536)?,
            max_blocks: s.count("max_blocks", 12, 1..=64)?,
            max_stacks: s.count("max_stacks", 5, 1..=16)?,
            steps: s.integer("steps", 270, 1..=10_000_000)? as u32,
            budget: s.integer("budget", 50_000, 1..=1_000_000_000_000)?,
            folds: s.count("folds", 4, 1..=20)?,
            every: s.count("every", 5, 1..=100_000)?,
        };
        section.finish()?;
        Ok(search)
    }
}
