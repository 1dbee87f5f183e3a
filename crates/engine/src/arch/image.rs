//! [`Image`]: how the numbers of an example make an image; [`Augment`]: how it is varied in training.

use serde::{Deserialize, Serialize};
use std::fmt;

/// How the numbers of an example make an image: planes of rows, `channels * height * width` in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Image {
    pub channels: usize,
    pub height: usize,
    pub width: usize,
}

impl Image {
    /// Numbers in all. Saturating: they may come from a file.
    pub fn numbers(&self) -> usize {
        self.channels.saturating_mul(self.height).saturating_mul(self.width)
    }

    /// Coordinates in a plane.
    pub fn places(&self) -> usize {
        self.height.saturating_mul(self.width)
    }
}

impl fmt::Display for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}x{}", self.channels, self.height, self.width)
    }
}

/// How images are varied in training, each anew in every mini-batch; nothing is varied in inference. (Published
/// with Active-iNAS: flips, shifts by a tenth of a side, and rotations, which are left out here.)
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Augment {
    /// Moved by up to so many places up or down, and left or right; what comes in from outside is zero.
    pub shift: usize,
    /// Mirrored, left for right, every second time.
    pub flip: bool,
}

impl Augment {
    /// Whether nothing is varied.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

impl fmt::Display for Augment {
    /// `+2f`; nothing where nothing is varied.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.is_none(), self.flip) {
            (true, _) => Ok(()),
            (_, true) => write!(f, "+{}f", self.shift),
            (_, false) => write!(f, "+{}", self.shift),
        }
    }
}
