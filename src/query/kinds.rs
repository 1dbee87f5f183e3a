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
    /// [`TargetKind::MultiLabel`].
    pub multi_label: bool,
    /// [`TargetKind::Mask`].
    pub mask: bool,
}

/// The strategy that others are compared with, on targets of a kind.
pub fn usual(kind: TargetKind) -> &'static str {
    match kind {
        TargetKind::Class => "margin",
        TargetKind::Real => "igs",
        TargetKind::MultiLabel => "by_label(margin)",
        TargetKind::Mask => "by_pixel(margin)",
    }
}

impl Kinds {
    /// None at all.
    const NONE: Self = Self { class: false, real: false, multi_label: false, mask: false };
    /// Classes alone.
    pub const CLASS: Self = Self { class: true, ..Self::NONE };
    /// Numbers alone.
    pub const REAL: Self = Self { real: true, ..Self::NONE };
    /// Sets of labels alone.
    pub const MULTI_LABEL: Self = Self { multi_label: true, ..Self::NONE };
    /// Masks alone.
    pub const MASK: Self = Self { mask: true, ..Self::NONE };
    /// What probabilities are predicted of, which stand for classes or labels: classes, and sets of labels.
    pub const PROBABLE: Self = Self { class: true, multi_label: true, ..Self::NONE };
    /// Whatever targets are: for what looks at no target, and at no prediction of one.
    pub const ALL: Self = Self { class: true, real: true, multi_label: true, mask: true };

    /// Whether a kind is among them.
    pub fn serve(self, kind: TargetKind) -> bool {
        match kind {
            TargetKind::Class => self.class,
            TargetKind::Real => self.real,
            TargetKind::MultiLabel => self.multi_label,
            TargetKind::Mask => self.mask,
        }
    }

    /// The kinds that are among either.
    pub fn or(self, other: Self) -> Self {
        Self {
            class: self.class || other.class,
            real: self.real || other.real,
            multi_label: self.multi_label || other.multi_label,
            mask: self.mask || other.mask,
        }
    }

    /// The kinds that are among both.
    pub fn and(self, other: Self) -> Self {
        Self {
            class: self.class && other.class,
            real: self.real && other.real,
            multi_label: self.multi_label && other.multi_label,
            mask: self.mask && other.mask,
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
    pub fn tasks(self) -> String {
        let served = TargetKind::ALL.into_iter().filter(|&kind| self.serve(kind));
        served.map(TargetKind::task).collect::<Vec<_>>().join(", ")
    }
}
