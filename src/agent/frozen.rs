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

/// The bytes of a file.
pub(super) fn encode(weights: &[f32], provenance: &Provenance) -> Vec<u8> {
    let card = Card { format: FORMAT, policy: provenance.clone() };
    let text = serde_json::to_string(&card).expect("strings and finite figures");
    tensors::seal(tensors::encode(&[((WEIGHTS, 1, weights.len()), weights)], Some((CARD, text))))
}

/// The `size` weights that these bytes hold, and what is said about them.
pub(super) fn decode(
    bytes: &[u8],
    file: &'static str,
    size: usize,
) -> Result<(Vec<f32>, Provenance), AgentError> {
    let limits = Limits { file, bytes: MAX_BYTES, header: MAX_BYTES as u64 };
    let bytes = tensors::unseal(bytes, limits)?;
    let text = tensors::decode_text(bytes, CARD, limits)?;
    let card: Card =
        serde_json::from_str(&text).map_err(|e| AgentError::Malformed { file, reason: e.to_string() })?;
    if card.format != FORMAT {
        return Err(AgentError::Format { found: card.format, known: FORMAT });
    }
    let weights = tensors::decode(bytes, &[(WEIGHTS, 1, size)], limits)?.concat();
    Ok((weights, card.policy))
}

/// The bytes of `file` in `folder`.
pub(super) fn read(folder: &Path, file: &'static str) -> Result<Vec<u8>, AgentError> {
    policy::read(&folder.join(file), file, MAX_BYTES)
}
