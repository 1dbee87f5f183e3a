//! Policies with a network of their own as one file: weights, what is said about them, and a digest of both.
//!
//! The file of the scoring network is [`policy`]'s, with a card beside it; what is kept here is what a
//! [`LearningAlgorithm`](super::LearningAlgorithm) made, which reads features of its own, so it has no schema.

use super::card::Provenance;
use super::error::AgentError;
use super::policy;
use super::tensors::{self, Limits};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The format that this version writes, and the only one it reads.
pub const FORMAT: u32 = 1;
/// The largest file that is read, in bytes.
pub const MAX_BYTES: usize = 1 << 20;

/// The names of the tensor and of the text.
const WEIGHTS: &str = "weights";
const CARD: &str = "card";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Card {
    format: u32,
    policy: Provenance,
}

/// Weights that no longer change, with what is said about them.
#[derive(Clone, Debug, PartialEq)]
pub struct Frozen {
    weights: Vec<f32>,
    provenance: Provenance,
}

impl Frozen {
    /// Weights as they are now.
    pub fn new(weights: Vec<f32>, provenance: Provenance) -> Self {
        Self { weights, provenance }
    }

    /// The weights.
    pub fn weights(&self) -> &[f32] {
        &self.weights
    }

    /// What is said about them.
    pub fn provenance(&self) -> &Provenance {
        &self.provenance
    }

    /// Weights and provenance as one file.
    pub fn to_bytes(&self) -> Vec<u8> {
        let card = Card { format: FORMAT, policy: self.provenance.clone() };
        let text = serde_json::to_string(&card).expect("strings and finite figures");
        let tensor = ((WEIGHTS, 1, self.weights.len()), &self.weights[..]);
        tensors::seal(tensors::encode(&[tensor], Some((CARD, text))))
    }

    /// What [`to_bytes`](Self::to_bytes) wrote of so many weights; messages call the file `name`.
    ///
    /// # Errors
    /// [`AgentError`] for a damaged file, or one of another format or with other weights.
    pub fn from_bytes(bytes: &[u8], name: &'static str, weights: usize) -> Result<Self, AgentError> {
        let limits = Limits { file: name, bytes: MAX_BYTES, header: MAX_BYTES as u64 };
        let bytes = tensors::unseal(bytes, limits)?;
        let text = tensors::decode_text(bytes, CARD, limits)?;
        let card: Card = serde_json::from_str(&text)
            .map_err(|e| AgentError::Malformed { file: name, reason: e.to_string() })?;
        if card.format != FORMAT {
            return Err(AgentError::Format { found: card.format, known: FORMAT });
        }
        let weights = tensors::decode(bytes, &[(WEIGHTS, 1, weights)], limits)?.concat();
        Ok(Self { weights, provenance: card.policy })
    }

    /// The name in a folder of policies of the file of what the algorithm called `name` made.
    pub fn file(name: &str) -> String {
        format!("{name}.safetensors")
    }

    /// What the algorithm called `name` left in a folder of policies, of so many weights.
    ///
    /// # Errors
    /// [`AgentError::Unreadable`], and as [`from_bytes`](Self::from_bytes).
    pub fn load(folder: &Path, name: &'static str, weights: usize) -> Result<Self, AgentError> {
        let bytes = policy::read(&folder.join(Self::file(name)), name, MAX_BYTES)?;
        Self::from_bytes(&bytes, name, weights)
    }
}
