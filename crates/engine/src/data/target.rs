//! Kinds of targets, and targets as words.
//!
//! A target is one 32-bit word wherever it is handed on, from the oracle through the pool to a fit: the number of a class,
//! the bits of a finite `f32` ([`word_of`], [`number_of`]), a set of labels, one bit each ([`has_label`]), or the row of
//! its data set whose mask it is, which fits and scores are handed in full ([`mask`](super::mask)). What the word
//! means is said by the [`TargetKind`] of the task.
//! So nothing on the way knows kinds but what has to.

use serde::{Deserialize, Serialize};

/// A kind of targets. What follows for losses, outputs and scores is said beside the learners.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TargetKind {
    /// One class per row.
    #[default]
    Class,
    /// One finite number per row.
    Real,
    /// Any of several labels per row, or none.
    MultiLabel,
    /// One foreground mask per row, which is an image.
    Mask,
}

/// The most labels of a row. A word has a bit for each; a word of ones alone marks the place of no row in a fit.
pub const MAX_LABELS: usize = 31;

impl TargetKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Class, Self::Real, Self::MultiLabel, Self::Mask];

    /// The word that options and files use for tasks of this kind.
    pub fn task(self) -> &'static str {
        match self {
            Self::Class => "classification",
            Self::Real => "regression",
            Self::MultiLabel => "multi_label",
            Self::Mask => "segmentation",
        }
    }

    /// What the targets are called in running text.
    pub fn name(self) -> &'static str {
        match self {
            Self::Class => "classes",
            Self::Real => "numbers",
            Self::MultiLabel => "sets of labels",
            Self::Mask => "masks",
        }
    }

    /// Whether a row whose target is this word is of that class, or has that label; no number and no mask is or has any.
    pub fn holds(self, word: u32, name: usize) -> bool {
        match self {
            Self::Class => word as usize == name,
            Self::Real | Self::Mask => false,
            Self::MultiLabel => has_label(word, name),
        }
    }

    /// Whether a word may be a target where there are so many classes, or labels.
    pub fn admits(self, word: u32, names: usize) -> bool {
        match self {
            Self::Class => (word as usize) < names,
            Self::Real => number_of(word).is_finite(),
            Self::MultiLabel => names <= MAX_LABELS && word >> names == 0,
            Self::Mask => true,
        }
    }
}

impl std::fmt::Display for TargetKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.task())
    }
}

impl std::str::FromStr for TargetKind {
    type Err = String;

    /// `classification`, `regression`, `multi_label` or `segmentation`.
    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|kind| kind.task() == text);
        let quoted = crate::error::shorten(text);
        known.ok_or_else(|| {
            format!(
                "a task is `classification`, `regression`, `multi_label` or `segmentation`, not {quoted:?}"
            )
        })
    }
}

/// The word that a number is as a target.
#[inline]
pub fn word_of(number: f32) -> u32 {
    number.to_bits()
}

/// Whether a target of [`TargetKind::MultiLabel`] holds the label of this number.
///
/// # Panics
/// In a build with overflow checks, if there can be no such label.
#[inline]
pub fn has_label(word: u32, label: usize) -> bool {
    word >> label & 1 == 1
}

/// The number that a target of [`TargetKind::Real`] is.
#[inline]
pub fn number_of(word: u32) -> f32 {
    f32::from_bits(word)
}
