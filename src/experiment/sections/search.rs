//! `[search]`: the architecture search over `A(B, i, j)`.

use crate::arch::stacked::MAX_WIDTH;
use crate::experiment::error::ExperimentError;
use crate::experiment::raw::{self, Section};
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

impl Method {
    /// The word in the experiment file.
    pub fn name(self) -> &'static str {
        METHODS.iter().find(|(_, method)| *method == self).map_or("", |&(name, _)| name)
    }
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
    /// `[channels, height, width]`: how the numbers of an example make an image. With it, blocks are
    /// convolutional and widths count filters; burn trains them, on one core per episode. Targets and sources
    /// must have as many numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<[usize; 3]>,
    /// Whether the stem of a network for images keeps the largest of every 2 x 2 places. Default true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pool: Option<bool>,
    /// Whether batch normalisation follows every convolution of a network for images. Default false;
    /// published true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub norm: Option<bool>,
    /// Places by which images are moved at most in training, up or down and left or right. Default 0; published
    /// a tenth of the width.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shift: Option<usize>,
    /// Whether images are mirrored in training, left for right, every second time. Default false; published true,
    /// on photographs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flip: Option<bool>,
    /// Width of the first stack. Default 32, for images 8; published 64, with `widest = 1024`.
    pub width: usize,
    /// Factor of the width from one stack to the next. Default 2.
    pub growth: f64,
    /// No stack is wider. Default 128, or `width` where that is more.
    pub widest: usize,
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
    /// Numbers of labels at which each source is searched, from what an episode starts with to what it ends
    /// with: what is found best may depend on them. Default 1: those at the end.
    pub levels: usize,
    /// Rounds between two searches within an episode on a target. Default 5.
    pub every: usize,
    /// Gradient steps of one training of a candidate within an episode, as a share of the classifier's own.
    /// Default 1; published 0.25 (50 of 200 epochs).
    pub share: f64,
}

/// The most channels, rows or columns of an image.
const MAX_SIDE: u64 = 65_536;

/// The names of the searches.
pub const METHODS: [(&str, Method); 7] = [
    ("local", Method::Local),
    ("hill_climbing", Method::HillClimbing),
    ("annealing", Method::Annealing),
    ("random", Method::Random),
    ("evolution", Method::Evolution),
    ("halving", Method::Halving),
    ("grid", Method::Grid),
];

impl Search {
    pub(in crate::experiment) fn read(mut section: Section) -> Result<Self, ExperimentError> {
        let s = &mut section;
        let place = s.place().clone();
        let side = |node, name| raw::integer_of(node, name, 1..=MAX_SIDE).map(|side| side as usize);
        let image = match s.list("image", side)? {
            None => None,
            Some(sides) => {
                Some(<[usize; 3]>::try_from(sides).map_err(|sides| ExperimentError::Conflict {
                    place,
                    key: "search.image".into(),
                    why: format!("has {} numbers", sides.len()),
                    hint: "it is [channels, height, width], such as [1, 28, 28]".into(),
                })?)
            }
        };
        let pool = if image.is_some() { Some(s.boolean("pool", true)?) } else { None };
        let (mut norm, mut shift, mut flip) = (None, None, None);
        if image.is_some() {
            norm = Some(s.boolean("norm", false)?);
            shift = Some(s.count("shift", 0, 0..=MAX_SIDE as usize)?);
            flip = Some(s.boolean("flip", false)?);
        }
        let width = s.count("width", if image.is_some() { 8 } else { 32 }, 1..=MAX_WIDTH)?;
        let search = Self {
            method: s.choice("method", Method::Local, &METHODS)?,
            block: s.choice(
                "block",
                BlockKind::Residual,
                &[("residual", BlockKind::Residual), ("dense", BlockKind::Dense)],
            )?,
            image,
            pool,
            norm,
            shift,
            flip,
            width,
            growth: s.number("growth", 2.0, 1e-3..=8.0)?,
            widest: s.count("widest", width.max(128), width..=MAX_WIDTH)?,
            max_blocks: s.count("max_blocks", 12, 1..=64)?,
            max_stacks: s.count("max_stacks", 5, 1..=16)?,
            steps: s.integer("steps", 270, 1..=10_000_000)? as u32,
            budget: s.integer("budget", 50_000, 1..=1_000_000_000_000)?,
            folds: s.count("folds", 4, 1..=20)?,
            levels: s.count("levels", 1, 1..=20)?,
            every: s.count("every", 5, 1..=100_000)?,
            share: s.number("share", 1.0, 1e-3..=10.0)?,
        };
        section.finish()?;
        Ok(search)
    }
}
