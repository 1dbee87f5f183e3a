//! [`NetSpec`]: a network as plain data.

use crate::error::{Fault, Result};
use serde::{Deserialize, Serialize};

/// The most weights a network may have; a specification above it is refused, not built.
pub const MAX_PARAMETERS: u64 = 200_000_000;
/// The most blocks a network may have.
pub const MAX_BLOCKS: usize = 256;

/// One hidden block of a feed-forward network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Block {
    /// `relu(W x + b)`, `W` of shape `[width, incoming]`.
    Dense { width: usize },
    /// `relu(s(x) + W2 relu(W1 x + b1) + b2)`; the skip `s` is the identity, or a projection without
    /// bias where the width changes.
    Residual { width: usize },
}

impl Block {
    /// Units that leave the block.
    pub fn width(&self) -> usize {
        match *self {
            Block::Dense { width } | Block::Residual { width } => width,
        }
    }

    /// A block of the same kind and another width.
    pub fn with_width(&self, width: usize) -> Self {
        match self {
            Block::Dense { .. } => Block::Dense { width },
            Block::Residual { .. } => Block::Residual { width },
        }
    }
}

/// A feed-forward classifier: hidden blocks, then a linear head.
///
/// `[24, 12]` in the cross-domain benchmark's notation is `inputs → 24 → 24 → 12 → outputs`; it is
/// written out here. Dropout, where the rate is above zero, follows every hidden block.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetSpec {
    inputs: usize,
    blocks: Vec<Block>,
    outputs: usize,
    dropout: f32,
}

/// Why an architecture is refused.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum SpecError {
    /// A layer without units.
    #[error("architecture: {place} has width {found}, expected at least 1")]
    Width { place: String, found: usize },
    /// Too many weights.
    #[error("architecture: {found} parameters, at most {limit} are allowed")]
    Parameters { found: u128, limit: u64 },
    /// Too many blocks.
    #[error("architecture: {found} blocks, at most {limit} are allowed")]
    Blocks { found: usize, limit: usize },
    /// A dropout rate that is not in `[0, 1)`.
    #[error("architecture: dropout {found}, expected a rate in [0, 1)")]
    Dropout { found: f32 },
}

impl Fault for SpecError {}

impl NetSpec {
    /// A checked specification.
    pub fn new(inputs: usize, blocks: Vec<Block>, outputs: usize, dropout: f32) -> Result<Self, SpecError> {
        let spec = Self { inputs, blocks, outputs, dropout };
        spec.check()?;
        Ok(spec)
    }

    /// A multilayer perceptron with these hidden widths and no dropout; none at all is a linear head.
    pub fn mlp(inputs: usize, hidden: &[usize], outputs: usize) -> Result<Self, SpecError> {
        let blocks = hidden.iter().map(|&width| Block::Dense { width }).collect();
        Self::new(inputs, blocks, outputs, 0.0)
    }

    /// Refuses what cannot or must not be built. Run it on every specification that was deserialised.
    pub fn check(&self) -> Result<(), SpecError> {
        if self.blocks.len() > MAX_BLOCKS {
            return Err(SpecError::Blocks { found: self.blocks.len(), limit: MAX_BLOCKS });
        }
        let widths = [("the input".to_string(), self.inputs)]
            .into_iter()
            .chain(self.blocks.iter().enumerate().map(|(i, b)| (format!("block {i}"), b.width())))
            .chain([("the output".to_string(), self.outputs)]);
        for (place, found) in widths {
            if found == 0 {
                return Err(SpecError::Width { place, found });
            }
        }
        if !(0.0..1.0).contains(&self.dropout) {
            return Err(SpecError::Dropout { found: self.dropout });
        }
        let found = self.wide_parameters();
        if found > u128::from(MAX_PARAMETERS) {
            return Err(SpecError::Parameters { found, limit: MAX_PARAMETERS });
        }
        Ok(())
    }

    /// Numbers per example.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// The hidden blocks, input side first.
    pub fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    /// Classes, or real outputs.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// The share of hidden units dropped in training and in stochastic passes.
    pub fn dropout(&self) -> f32 {
        self.dropout
    }

    /// The width of the penultimate activations; the input's where there is no hidden block.
    pub fn embedding(&self) -> usize {
        self.blocks.last().map_or(self.inputs, Block::width)
    }

    /// The number of weights and biases.
    pub fn parameters(&self) -> usize {
        self.wide_parameters() as usize
    }

    /// Multiply-adds of one forward pass of one example.
    pub fn multiply_adds(&self) -> usize {
        self.sum(|matrix, _bias| matrix) as usize
    }

    fn wide_parameters(&self) -> u128 {
        self.sum(|matrix, bias| matrix.saturating_add(bias))
    }

    /// Sums `of(weights, biases)` over all affine maps. Saturating: the widths are a user's numbers.
    fn sum(&self, of: impl Fn(u128, u128) -> u128) -> u128 {
        let mul = |a: usize, b: usize| (a as u128).saturating_mul(b as u128);
        let mut total = 0u128;
        let mut incoming = self.inputs;
        for block in &self.blocks {
            let width = block.width();
            total = total.saturating_add(of(mul(incoming, width), width as u128));
            if let Block::Residual { .. } = block {
                total = total.saturating_add(of(mul(width, width), width as u128));
                if incoming != width {
                    total = total.saturating_add(of(mul(incoming, width), 0));
                }
            }
            incoming = width;
        }
        total.saturating_add(of(mul(incoming, self.outputs), self.outputs as u128))
    }
}

impl std::fmt::Display for NetSpec {
    /// `64-24-12-10`; residual blocks are marked `r`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.inputs)?;
        for block in &self.blocks {
            match block {
                Block::Dense { width } => write!(f, "-{width}")?,
                Block::Residual { width } => write!(f, "-r{width}")?,
            }
        }
        write!(f, "-{}", self.outputs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_counted_as_by_hand() {
        let mlp = NetSpec::mlp(64, &[24, 12], 10).unwrap();
        assert_eq!(mlp.parameters(), 64 * 24 + 24 + 24 * 12 + 12 + 12 * 10 + 10);
        assert_eq!(mlp.multiply_adds(), 64 * 24 + 24 * 12 + 12 * 10);
        assert_eq!(mlp.to_string(), "64-24-12-10");
        let residual =
            NetSpec::new(3, vec![Block::Residual { width: 5 }, Block::Residual { width: 5 }], 2, 0.0)
                .unwrap();
        assert_eq!(residual.parameters(), (15 + 5 + 25 + 5 + 15) + (25 + 5 + 25 + 5) + 12);
        assert_eq!(residual.embedding(), 5);
    }

    /// Fault case 64: an architecture of 10^12 parameters and more is refused before allocation.
    #[test]
    fn refuses_what_cannot_be_built() {
        assert!(matches!(NetSpec::mlp(1_000_000, &[1_000_000], 2), Err(SpecError::Parameters { .. })));
        assert!(matches!(
            NetSpec::mlp(usize::MAX, &[usize::MAX, usize::MAX], 2),
            Err(SpecError::Parameters { .. })
        ));
        assert!(matches!(NetSpec::mlp(4, &[0], 2), Err(SpecError::Width { .. })));
        assert!(matches!(NetSpec::mlp(4, &[1; 257], 2), Err(SpecError::Blocks { found: 257, .. })));
        assert!(matches!(NetSpec::new(4, vec![], 2, f32::NAN), Err(SpecError::Dropout { .. })));
    }
}
