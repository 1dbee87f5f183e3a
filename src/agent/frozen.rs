//! Policies with a network of their own as one file: weights, what is said about them, and a digest of both.
//!
//! The file of the scoring network is [`policy`]'s, with a card beside it; what is kept here
//! is there to be compared with, and reads features of its own, so it has no schema.

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

/// A network that such a policy is made of.
pub trait Freezable: Sized {
    /// The file of the policy, in a run's folder of policies.
    const FILE: &'static str;
    /// How many weights there are.
    const WEIGHTS: usize;

    /// The network with these weights.
    ///
    /// # Errors
    /// If there are not [`WEIGHTS`](Self::WEIGHTS) of them.
    fn from_weights(weights: Vec<f32>) -> Result<Self, AgentError>;

    /// Its weights.
    fn weights(&self) -> &[f32];
}

/// A network that no longer learns, with what is said about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Frozen<N> {
    network: N,
    provenance: Provenance,
}

impl<N: Freezable> Frozen<N> {
    /// Freezes a network.
    pub fn new(network: N, provenance: Provenance) -> Self {
        Self { network, provenance }
    }

    /// Its network.
    pub fn network(&self) -> &N {
        &self.network
    }

    /// What is said about it.
    pub fn provenance(&self) -> &Provenance {
        &self.provenance
    }

    /// The bytes of its [`file`](Freezable::FILE): weights, provenance, and the digest of both.
    pub fn to_bytes(&self) -> Vec<u8> {
        let card = Card { format: FORMAT, policy: self.provenance.clone() };
        let text = serde_json::to_string(&card).expect("strings and finite figures");
        let weights = self.network.weights();
        tensors::seal(tensors::encode(&[((WEIGHTS, 1, weights.len()), weights)], Some((CARD, text))))
    }

    /// The policy that these bytes hold.
    ///
    /// # Errors
    /// Every error of a damaged file of tensors, and another format.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, AgentError> {
        let file = N::FILE;
        let limits = Limits { file, bytes: MAX_BYTES, header: MAX_BYTES as u64 };
        let bytes = tensors::unseal(bytes, limits)?;
        let text = tensors::decode_text(bytes, CARD, limits)?;
        let card: Card =
            serde_json::from_str(&text).map_err(|e| AgentError::Malformed { file, reason: e.to_string() })?;
        if card.format != FORMAT {
            return Err(AgentError::Format { found: card.format, known: FORMAT });
        }
        let weights = tensors::decode(bytes, &[(WEIGHTS, 1, N::WEIGHTS)], limits)?.concat();
        Ok(Self { network: N::from_weights(weights)?, provenance: card.policy })
    }

    /// Reads the policy in `folder`.
    ///
    /// # Errors
    /// [`AgentError::Unreadable`] for a file that is missing or cannot be read, else as
    /// [`from_bytes`](Self::from_bytes).
    pub fn load(folder: &Path) -> Result<Self, AgentError> {
        Self::from_bytes(&policy::read(&folder.join(N::FILE), N::FILE, MAX_BYTES)?)
    }
}
