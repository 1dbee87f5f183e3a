//! The shape of a scoring network, and the tensors that its flat weights hold.

use super::attention;
use crate::agent::error::AgentError;
use serde::{Deserialize, Serialize};

/// The widest hidden layer.
pub const MAX_HIDDEN: usize = 1_024;
/// The most hidden layers in each of the two parts.
pub const MAX_LAYERS: usize = 8;
/// The most inducing points of a layer.
pub const MAX_INDUCING: usize = 256;
/// The most candidate or global features.
pub const MAX_FEATURES: usize = 1_024;

/// What the network is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The linear term and DeepSets.
    #[default]
    DeepSets,
    /// The linear term alone.
    Linear,
    /// The linear term and a multilayer perceptron of a candidate and the globals, which sees no other candidate.
    Mlp,
    /// The linear term and attention through `inducing` points; `heads` must divide the width.
    Attention { heads: usize, inducing: usize },
}

/// The shape of a scoring network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkConfig {
    /// Which terms there are.
    pub kind: Kind,
    /// Units of every hidden layer (multiples of 16 are fastest); ignored by [`Kind::Linear`].
    pub hidden: usize,
    /// Hidden layers of `ψ` and, again, of `ρ`, of the perceptron or of attention; ignored by [`Kind::Linear`].
    pub layers: usize,
}

impl Default for NetworkConfig {
    fn default() -> Self {
        Self { kind: Kind::DeepSets, hidden: 32, layers: 2 }
    }
}

/// One tensor of a network: where it lies in the flat weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Slot {
    /// The name it is saved under.
    pub name: String,
    /// Rows: inputs.
    pub rows: usize,
    /// Columns: outputs.
    pub cols: usize,
    /// Index of its first value in [`Network::weights`](super::Network::weights).
    pub offset: usize,
    /// Standard deviation at the start, and how many leading rows start at zero instead.
    pub(super) start: (f32, usize),
}

impl Slot {
    pub(in crate::agent) fn range(&self) -> std::ops::Range<usize> {
        self.offset..self.offset + self.rows * self.cols
    }
}

impl NetworkConfig {
    /// Checks the sizes, for `features` candidate features and `globals` global ones.
    ///
    /// # Errors
    /// [`AgentError::Setting`] for a size outside its limits.
    pub fn check(&self, features: usize, globals: usize) -> Result<(), AgentError> {
        let rules = [
            ("network: candidate features", features, 1, MAX_FEATURES),
            ("network: global features", globals, 0, MAX_FEATURES),
            ("network: hidden", self.hidden, 1, MAX_HIDDEN),
            ("network: layers", self.layers, 1, MAX_LAYERS),
        ];
        let linear = self.kind == Kind::Linear;
        if let Kind::Attention { heads, inducing } = self.kind {
            let head_rules = [
                ("network: heads", heads, 1, self.hidden),
                ("network: inducing", inducing, 1, MAX_INDUCING),
                // Every head has the same width.
                ("network: hidden left over by the heads", self.hidden % heads.max(1), 0, 0),
            ];
            for (place, found, least, most) in head_rules {
                if !(least..=most).contains(&found) {
                    return Err(AgentError::Setting { place, found, least, most });
                }
            }
        }
        for (place, found, least, most) in rules.into_iter().take(if linear { 2 } else { 4 }) {
            if !(least..=most).contains(&found) {
                return Err(AgentError::Setting { place, found, least, most });
            }
        }
        Ok(())
    }

    /// The tensors, in the order in which the flat weights hold them.
    ///
    /// # Errors
    /// [`AgentError::Setting`] for a size outside its limits.
    pub(in crate::agent) fn layout(&self, features: usize, globals: usize) -> Result<Vec<Slot>, AgentError> {
        self.check(features, globals)?;
        let mut slots = Vec::new();
        let mut offset = 0;
        let mut add = |name: String, rows: usize, cols: usize, start: (f32, usize)| {
            slots.push(Slot { name, rows, cols, offset, start });
            offset += rows * cols;
        };
        add("skip".into(), features, globals + 1, (0.0, 0));
        if self.kind == Kind::Linear {
            return Ok(slots);
        }
        let h = self.hidden;
        // He initialisation: every hidden layer ends in a ReLU.
        let he = |inputs: usize| ((2.0 / inputs as f32).sqrt(), 0);
        if let Kind::Attention { inducing, .. } = self.kind {
            let xavier = ((1.0 / h as f32).sqrt(), 0);
            let joint = he(features + globals).0;
            add("embed.item".into(), features, h, (joint, 0));
            // Its first row multiplies the constant 1: the bias.
            add("embed.global".into(), globals + 1, h, (joint, 1));
            for layer in 0..self.layers {
                add(format!("isab.{layer}.inducing"), inducing, h, xavier);
                for step in ["gather", "read"] {
                    for part in attention::PARTS {
                        add(format!("isab.{layer}.{step}.{part}.weight"), h, h, xavier);
                        add(format!("isab.{layer}.{step}.{part}.bias"), 1, h, (0.0, 0));
                    }
                }
            }
            add("attention.out".into(), h, 1, (0.0, 0));
            return Ok(slots);
        }
        let mut incoming = features;
        let mut joint = features + globals;
        if self.kind == Kind::DeepSets {
            for layer in 0..self.layers {
                add(format!("psi.{layer}.weight"), incoming, h, he(incoming));
                add(format!("psi.{layer}.bias"), 1, h, (0.0, 0));
                incoming = h;
            }
            joint = 3 * h + globals;
        }
        add("rho.0.item".into(), incoming, h, he(joint));
        if self.kind == Kind::DeepSets {
            add("rho.0.mean".into(), h, h, he(joint));
            add("rho.0.max".into(), h, h, he(joint));
        }
        // Its first row multiplies the constant 1: the bias.
        add("rho.0.global".into(), globals + 1, h, (he(joint).0, 1));
        for layer in 1..self.layers {
            add(format!("rho.{layer}.weight"), h, h, he(h));
            add(format!("rho.{layer}.bias"), 1, h, (0.0, 0));
        }
        add("rho.out".into(), h, 1, (0.0, 0));
        Ok(slots)
    }
}
