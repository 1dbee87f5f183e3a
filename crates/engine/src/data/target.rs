//! Kinds of targets, and targets as words.
//!
//! A target is one 32-bit word wherever it is handed on, from the oracle through the pool to a fit: the number of a class,
//! or the bits of a finite `f32` ([`word_of`], [`number_of`]). What the word means is said by the [`TargetKind`] of the task.
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
}

impl TargetKind {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Class, Self::Real];

    /// The word that options and files use for tasks of this kind.
    pub fn task(self) -> &'static str {
        match self {
            Self::Class => "classification",
            Self::Real => "regression",
        }
    }

    /// What the targets are called in running text.
    pub fn name(self) -> &'static str {
        match self {
            Self::Class => "classes",
            Self::Real => "numbers",
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

    /// `classification` or `regression`.
    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|kind| kind.task() == text);
        let quoted = crate::error::shorten(text);
        known.ok_or_else(|| format!("a task is `classification` or `regression`, not {quoted:?}"))
    }
}

/// The word that a number is as a target.
#[inline]
pub fn word_of(number: f32) -> u32 {
    number.to_bits()
}

/// The number that a target of [`TargetKind::Real`] is.
#[inline]
pub fn number_of(word: u32) -> f32 {
    f32::from_bits(word)
}
