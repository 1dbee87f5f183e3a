//! [`Block`]: what hidden layers come in, and what goes from one to the next.

use super::image::{Augment, Image};
use serde::{Deserialize, Serialize};

/// What is applied to the sums of a [`Block::Smooth`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Smooth {
    Tanh,
    /// `x` times the standard normal distribution function at `x` (Hendrycks & Gimpel, 2016).
    Gelu,
}

/// One hidden block of a feed-forward network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Block {
    /// `relu(W x + b)`, `W` of shape `[width, incoming]`.
    Dense { width: usize },
    /// `f(W x + b)` with another activation `f` than the rectifier. Burn trains such networks.
    Smooth { width: usize, activation: Smooth },
    /// `relu(s(x) + W2 relu(W1 x + b1) + b2)`; the skip `s` is the identity, or a projection without
    /// bias where the width changes.
    Residual { width: usize },
    /// The first block of a network for images: the inputs as an image, a 3 x 3 convolution to `filters`
    /// planes, relu; where `pool` is set, then the largest of every 2 x 2 places. `norm` as below; `augment`
    /// says how examples are varied in training.
    Stem {
        image: Image,
        filters: usize,
        pool: bool,
        #[serde(default, skip_serializing_if = "is_false")]
        norm: bool,
        #[serde(default, skip_serializing_if = "Augment::is_none")]
        augment: Augment,
    },
    /// `relu(s(x) + C2 relu(C1 x + b1) + b2)` with 3 x 3 convolutions `C`, padded so that images keep their
    /// size; where `halve` is set, `C1` takes every second place. The skip is the identity, or a 1 x 1
    /// projection without bias where size or planes change. Where `norm` is set, every map, the projection
    /// included, is followed by batch normalisation instead of a bias (Ioffe & Szegedy, ICML 2015).
    Convolution {
        filters: usize,
        halve: bool,
        #[serde(default, skip_serializing_if = "is_false")]
        norm: bool,
    },
    /// The mean of every plane: from an image to a vector.
    Average,
    /// All of a network over pixels: an encoder of three levels with `filters`, twice and four times as many planes, and a decoder with skip
    /// connections, whose outputs are the logits of the pixels. `filters` is a multiple of 8.
    EncoderDecoder { image: Image, filters: usize },
}

impl Block {
    /// Units, or planes, that leave the block; none where it keeps those that come in.
    pub fn units(&self) -> Option<usize> {
        match *self {
            Block::Dense { width } | Block::Smooth { width, .. } | Block::Residual { width } => Some(width),
            Block::Stem { filters, .. }
            | Block::Convolution { filters, .. }
            | Block::EncoderDecoder { filters, .. } => Some(filters),
            Block::Average => None,
        }
    }

    /// Whether batch normalisation follows its maps.
    pub fn norm(&self) -> bool {
        matches!(self, Block::Stem { norm: true, .. } | Block::Convolution { norm: true, .. })
    }

    /// A block of the same kind and another width.
    pub fn with_width(&self, width: usize) -> Self {
        match *self {
            Block::Dense { .. } => Block::Dense { width },
            Block::Smooth { activation, .. } => Block::Smooth { width, activation },
            Block::Residual { .. } => Block::Residual { width },
            Block::Stem { image, pool, norm, augment, .. } => {
                Block::Stem { image, filters: width, pool, norm, augment }
            }
            Block::Convolution { halve, norm, .. } => Block::Convolution { filters: width, halve, norm },
            Block::Average => Block::Average,
            Block::EncoderDecoder { image, .. } => Block::EncoderDecoder { image, filters: width },
        }
    }
}

fn is_false(value: &bool) -> bool {
    !value
}

/// What goes from block to block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// So many units.
    Vector(usize),
    /// An image.
    Image(Image),
    /// Planes from which the pixels of such an image are told.
    Pixels { image: Image, filters: usize },
}

impl std::fmt::Display for Flow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Flow::Vector(units) => write!(f, "a vector of {units}"),
            Flow::Image(image) => write!(f, "an image of {image}"),
            Flow::Pixels { image, .. } => write!(f, "the pixels of an image of {image}"),
        }
    }
}
