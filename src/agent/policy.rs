//! The frozen policy: a network with its card, as two files that refuse to be mixed up.
//!
//! `policy.safetensors` holds the weights and nothing else; `card.toml` the rest, with the weights' digest.
//! The same policy gives the same bytes. Everything is verified on the way in.

use super::card::{Card, CardSchema, FORMAT, HEADLESS, MAX_CARD_BYTES, Provenance};
use super::error::AgentError;
use super::guard::DomainGuard;
use super::head::{Head, card};
use super::network::Network;
use super::tensors::{self, Limits, Named};
use crate::durable::{InputError, input};
use crate::episode::{Observation, Schema};
use crate::error::Result;
use std::path::Path;
use std::sync::Arc;

/// The file of the weights, in a policy's folder.
pub const WEIGHTS_FILE: &str = "policy.safetensors";
/// The file of the card, in a policy's folder.
pub const CARD_FILE: &str = "card.toml";
/// The largest `policy.safetensors` that is read, in bytes.
pub const MAX_WEIGHTS_BYTES: usize = 64 << 20;
/// The largest header of `policy.safetensors`, in bytes.
pub const MAX_HEADER_BYTES: u64 = 64 << 10;

const LIMITS: Limits = Limits { file: WEIGHTS_FILE, bytes: MAX_WEIGHTS_BYTES, header: MAX_HEADER_BYTES };

/// A policy that no longer learns. Scoring takes `&self` and no lock: share one between threads.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    network: Network,
    head: Option<Arc<Head>>,
    card: Card,
}

impl Policy {
    /// Freezes a network that reads the features of `schema`.
    ///
    /// # Errors
    /// [`AgentError::Weight`] if a weight is not finite, [`AgentError::Setting`] if the network reads another
    /// number of features, [`AgentError::Card`] if a figure is not finite.
    pub fn new(network: Network, schema: &Schema, provenance: Provenance) -> Result<Self, AgentError> {
        for (place, found, expected) in [
            ("policy: candidate features", network.features(), schema.candidate.len()),
            ("policy: global features", network.globals(), schema.global.len()),
        ] {
            if found != expected {
                return Err(AgentError::Setting { place, found, least: expected, most: expected });
            }
        }
        check_weights(&network, "")?;
        let card = Card {
            format: HEADLESS,
            created_with: concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION")).to_owned(),
            weights_sha256: tensors::sha256(&encode(&network, None)),
            policy: provenance,
            schema: CardSchema::from(schema),
            network: network.config(),
            guard: None,
            head: None,
        };
        // What is written must be readable again.
        Card::from_text(&card.to_text())?;
        Ok(Self { network, head: None, card })
    }

    /// The same policy with a guard.
    ///
    /// # Errors
    /// [`AgentError::Card`] if the guard does not fit `schema`.
    pub fn guarded(self, guard: DomainGuard, schema: &Schema) -> Result<Self, AgentError> {
        guard.check(schema)?;
        Ok(Self { card: Card { guard: Some(guard), ..self.card }, ..self })
    }

    /// The same policy with a third head, which says how the network grows.
    ///
    /// # Errors
    /// [`AgentError::Weight`] if a weight of the head is not finite.
    pub fn with_head(self, head: Head) -> Result<Self, AgentError> {
        check_weights(head.network(), card::PREFIX)?;
        let weights_sha256 = tensors::sha256(&encode(&self.network, Some(&head)));
        let card = Card { format: FORMAT, weights_sha256, head: Some(head.card().clone()), ..self.card };
        Ok(Self { card, head: Some(Arc::new(head)), ..self })
    }

    /// Its third head.
    ///
    /// # Errors
    /// [`AgentError::NoHead`] if it has none.
    pub fn head(&self) -> Result<&Arc<Head>, AgentError> {
        let name = || AgentError::NoHead { name: self.card.policy.name.clone() };
        self.head.as_ref().ok_or_else(name)
    }

    /// Its card.
    pub fn card(&self) -> &Card {
        &self.card
    }

    /// Its network.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// The scores, one per candidate; higher = ask first.
    ///
    /// # Errors
    /// As [`Network::score`].
    pub fn score(&self, observation: &Observation) -> Result<Vec<f32>> {
        self.network.score(observation)
    }

    /// The bytes of [`WEIGHTS_FILE`].
    pub fn weights_bytes(&self) -> Vec<u8> {
        encode(&self.network, self.head.as_deref())
    }

    /// The text of [`CARD_FILE`].
    pub fn card_text(&self) -> String {
        self.card.to_text()
    }

    /// A policy from the content of its two files, for a program that computes the features of `schema`.
    ///
    /// # Errors
    /// The first rule that is broken: the card's (format, schema version, names), the digest, then the
    /// weights' (sizes, overlaps, holes, names, types, shapes, finite values).
    pub fn from_parts(weights: &[u8], card: &str, schema: &Schema) -> Result<Self, AgentError> {
        let card = Card::from_text(card)?;
        card.check_schema(schema)?;
        if weights.len() > MAX_WEIGHTS_BYTES {
            let (file, found, limit) = (WEIGHTS_FILE, weights.len(), MAX_WEIGHTS_BYTES);
            return Err(AgentError::FileSize { file, found, limit });
        }
        let found = tensors::sha256(weights);
        if found != card.weights_sha256 {
            return Err(AgentError::Digest { found, expected: card.weights_sha256 });
        }
        let (features, globals) = (schema.candidate.len(), schema.global.len());
        let layout = card.network.layout(features, globals)?;
        let own: Vec<Named<'_>> = layout.iter().map(|s| (s.name.as_str(), s.rows, s.cols)).collect();
        let of_head = card.head.as_ref().map(|head| head.tensors()).transpose()?.unwrap_or_default();
        let expected: Vec<Named<'_>> = own.iter().copied().chain(card::borrowed(&of_head)).collect();
        let mut values = tensors::decode(weights, &expected, LIMITS)?;
        let of_head = values.split_off(own.len()).concat();
        let network = Network::from_weights(card.network, features, globals, values.concat())?;
        let head = card.head.clone().map(|card| Head::from_values(card, of_head)).transpose()?;
        Ok(Self { network, head: head.map(Arc::new), card })
    }

    /// Reads and verifies the policy in `folder`.
    ///
    /// # Errors
    /// [`AgentError::Unreadable`] for a file that is missing or cannot be read, else as
    /// [`from_parts`](Self::from_parts).
    pub fn load(folder: &Path, schema: &Schema) -> Result<Self, AgentError> {
        let card = read(&folder.join(CARD_FILE), CARD_FILE, MAX_CARD_BYTES)?;
        let card = String::from_utf8(card).map_err(|e| AgentError::Card { reason: e.to_string() })?;
        let weights = read(&folder.join(WEIGHTS_FILE), WEIGHTS_FILE, MAX_WEIGHTS_BYTES)?;
        Self::from_parts(&weights, &card, schema)
    }
}

/// Both networks as one file, the head's tensors under names of their own.
fn encode(network: &Network, head: Option<&Head>) -> Vec<u8> {
    let parts = [(Some(network), ""), (head.map(Head::network), card::PREFIX)];
    let slots = parts.iter().filter_map(|&(network, prefix)| Some((network?, prefix)));
    let named: Vec<(String, usize, usize, &[f32])> = slots
        .flat_map(|(network, prefix)| {
            network.layout().iter().map(move |slot| {
                let values = &network.weights()[slot.offset..][..slot.rows * slot.cols];
                (format!("{prefix}{}", slot.name), slot.rows, slot.cols, values)
            })
        })
        .collect();
    let tensors: Vec<_> =
        named.iter().map(|(name, rows, cols, values)| ((name.as_str(), *rows, *cols), *values)).collect();
    tensors::encode(&tensors, None)
}

/// Refuses weights that are not finite.
fn check_weights(network: &Network, prefix: &str) -> Result<(), AgentError> {
    for slot in network.layout() {
        let values = &network.weights()[slot.offset..][..slot.rows * slot.cols];
        if let Some(index) = values.iter().position(|v| !v.is_finite()) {
            let (file, name, value) = (WEIGHTS_FILE, format!("{prefix}{}", slot.name), values[index]);
            return Err(AgentError::Weight { file, name, index, value });
        }
    }
    Ok(())
}

/// Reads a file of at most `limit` bytes.
pub(super) fn read(path: &Path, file: &'static str, limit: usize) -> Result<Vec<u8>, AgentError> {
    input::read(path, limit as u64).map_err(|error| match error {
        InputError::TooLarge { found, .. } => AgentError::FileSize { file, found: found as usize, limit },
        error => AgentError::Unreadable { error },
    })
}

#[cfg(test)]
mod tests {
    use super::super::card::SeenSet;
    use super::super::network::NetworkConfig;
    use super::super::testing::{observation, random_network};
    use super::*;
    use crate::rng::Key;

    const SCHEMA: Schema = Schema { version: 3, candidate: &["margin", "novelty"], global: &["budget"] };

    fn policy() -> Policy {
        let config = NetworkConfig { hidden: 3, layers: 2, ..NetworkConfig::default() };
        let network = random_network(config, 2, 1, Key::root(1));
        let provenance = Provenance {
            name: "test".into(),
            plan: "00ff".into(),
            source_tasks: vec!["wine".into(), "synthetic \"a\"".into()],
            limits: vec!["vectors only".into()],
            seen: [("0".repeat(64), SeenSet { name: "wine".into(), rows: 178, ..SeenSet::default() })].into(),
            figures: [("validation".to_owned(), 0.25), ("episodes".to_owned(), 1e4)].into(),
        };
        Policy::new(network, &SCHEMA, provenance).unwrap()
    }

    /// A card whose digest fits `weights`, so that the rules behind the digest are reached.
    fn card_for(weights: &[u8]) -> String {
        let mut card = policy().card;
        card.weights_sha256 = tensors::sha256(weights);
        card.to_text()
    }

    fn refused(weights: &[u8]) -> AgentError {
        Policy::from_parts(weights, &card_for(weights), &SCHEMA).unwrap_err()
    }

    /// A file with this header and `data` bytes of zeros.
    fn file(header: &str, data: usize) -> Vec<u8> {
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend_from_slice(header.as_bytes());
        bytes.extend(vec![0; data]);
        bytes
    }

    #[test]
    fn what_is_saved_is_loaded_to_the_bit() {
        let policy = policy();
        let (bytes, text) = (policy.weights_bytes(), policy.card_text());
        let loaded = Policy::from_parts(&bytes, &text, &SCHEMA).unwrap();
        assert_eq!(loaded, policy);
        assert_eq!((loaded.weights_bytes(), loaded.card_text()), (bytes.clone(), text.clone()));
        let state = observation(50, 2, 1, Key::root(2));
        assert_eq!(loaded.score(&state).unwrap(), policy.score(&state).unwrap());

        let folder = tempfile::tempdir().unwrap();
        let error = Policy::load(folder.path(), &SCHEMA).unwrap_err();
        assert!(
            matches!(error, AgentError::Unreadable { error: InputError::Io { path, .. } } if path.ends_with("card.toml"))
        );
        std::fs::write(folder.path().join(CARD_FILE), text).unwrap();
        let error = Policy::load(folder.path(), &SCHEMA).unwrap_err();
        assert!(
            matches!(error, AgentError::Unreadable { error: InputError::Io { path, .. } } if path.ends_with("policy.safetensors"))
        );
        std::fs::write(folder.path().join(WEIGHTS_FILE), bytes).unwrap();
        assert_eq!(Policy::load(folder.path(), &SCHEMA).unwrap(), policy);

        let grown = std::fs::File::options().append(true).open(folder.path().join(CARD_FILE)).unwrap();
        grown.set_len(MAX_CARD_BYTES as u64 + 1).unwrap();
        let error = Policy::load(folder.path(), &SCHEMA).unwrap_err();
        assert!(
            matches!(error, AgentError::FileSize { found, limit: MAX_CARD_BYTES, .. } if found == MAX_CARD_BYTES + 1)
        );
        std::fs::remove_file(folder.path().join(CARD_FILE)).unwrap();
        std::fs::create_dir(folder.path().join(CARD_FILE)).unwrap();
        assert!(matches!(Policy::load(folder.path(), &SCHEMA), Err(AgentError::Unreadable { .. })));
    }

    /// Cards from before data sets were named by content are read, and none of a policy that has seen none has the
    /// table.
    #[test]
    fn a_card_need_not_say_what_was_seen() {
        let mut old = policy();
        old.card.policy.seen.clear();
        let text = old.card_text();
        assert!(!text.contains("seen") && policy().card_text().contains("[policy.seen."));
        assert_eq!(Policy::from_parts(&old.weights_bytes(), &text, &SCHEMA).unwrap(), old);
    }

    /// A head beside it: one file, format 2, and back to the bit; without one, the format that earlier
    /// versions read.
    #[test]
    fn a_head_lies_in_the_policys_files() {
        use super::super::head::sight::{MOVE, global_names};
        use crate::arch::ArchSpace;
        let config = NetworkConfig { kind: super::super::network::Kind::Linear, ..NetworkConfig::default() };
        let network = random_network(config, MOVE.len(), global_names().count(), Key::root(4));
        let head =
            Head::new(network, ArchSpace::default(), 0.002, [("top1".to_owned(), 0.5)].into()).unwrap();
        let plain = policy();
        assert!(plain.card_text().starts_with("format = 1\n"));
        assert!(matches!(plain.head(), Err(AgentError::NoHead { .. })));
        let both = plain.clone().with_head(head.clone()).unwrap();
        assert!(both.card_text().starts_with("format = 2\n"));
        assert_ne!(both.card().weights_sha256, plain.card().weights_sha256);
        let (bytes, text) = (both.weights_bytes(), both.card_text());
        let loaded = Policy::from_parts(&bytes, &text, &SCHEMA).unwrap();
        assert_eq!(loaded, both);
        assert_eq!(**loaded.head().unwrap(), head);
        let state = observation(50, 2, 1, Key::root(2));
        assert_eq!(loaded.score(&state).unwrap(), plain.score(&state).unwrap(), "the policy is the same");

        let refused = |from: &str, to: &str| {
            assert!(text.contains(from), "{from}");
            Policy::from_parts(&bytes, &text.replace(from, to), &SCHEMA).unwrap_err()
        };
        let error = refused("[head]\nversion = 1", "[head]\nversion = 9");
        assert!(matches!(error, AgentError::HeadVersion { found: 9, known: 1 }), "{error}");
        assert!(matches!(refused("\"spreads\"", "\"jumps\""), AgentError::SchemaName { kind: "move", .. }));
        assert!(matches!(refused("penalty = 0.002", "penalty = nan"), AgentError::Card { .. }));
        assert!(matches!(refused("max_blocks = 12", "max_blocks = 0"), AgentError::Card { .. }));
        assert!(matches!(refused("format = 2", "format = 1"), AgentError::Card { .. }));
        assert!(matches!(refused("format = 2", "format = 3"), AgentError::Format { found: 3, known: 2 }));
        // The head's tensors without its card, and the reverse.
        let error = Policy::from_parts(&bytes, &card_for(&bytes), &SCHEMA).unwrap_err();
        assert!(matches!(&error, AgentError::TensorSet { name, .. } if name == "head.skip"), "{error}");
        let weights = plain.weights_bytes();
        let digest = text.replace(&both.card().weights_sha256, &plain.card().weights_sha256);
        let error = Policy::from_parts(&weights, &digest, &SCHEMA).unwrap_err();
        assert!(matches!(&error, AgentError::TensorSet { name, .. } if name == "head.skip"), "{error}");
    }

    /// Fault case 58.
    #[test]
    fn headers_that_are_too_large_overlap_or_leave_holes_are_refused() {
        let huge = u64::MAX.to_le_bytes();
        assert!(matches!(
            refused(&huge),
            AgentError::HeaderSize { found: u64::MAX, limit: MAX_HEADER_BYTES, .. }
        ));
        assert!(matches!(refused(&[1, 2, 3]), AgentError::Malformed { .. }));
        let beyond = file("{}", 0)[..9].to_vec();
        assert!(matches!(refused(&beyond), AgentError::Malformed { .. }));
        let two = |a: [usize; 2], b: [usize; 2]| {
            let entry = |o: [usize; 2]| {
                format!(
                    r#"{{"dtype":"F32","shape":[{}],"data_offsets":[{},{}]}}"#,
                    (o[1] - o[0]) / 4,
                    o[0],
                    o[1]
                )
            };
            file(&format!(r#"{{"skip":{},"rho.out":{}}}"#, entry(a), entry(b)), 24)
        };
        for (a, b) in [([0, 16], [12, 24]), ([0, 8], [12, 24]), ([4, 12], [12, 24]), ([0, 8], [8, 16])] {
            let error = refused(&two(a, b));
            assert!(matches!(error, AgentError::Malformed { .. }), "{a:?} {b:?}: {error}");
        }
        let product = r#"{"skip":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,24]}}"#;
        assert!(matches!(refused(&file(product, 24)), AgentError::Malformed { .. }));
        assert!(matches!(refused(&file("not json", 0)), AgentError::Malformed { .. }));
        // Deep nesting must not overflow the stack.
        assert!(matches!(refused(&file(&"[".repeat(60_000), 0)), AgentError::Malformed { .. }));
    }

    #[test]
    fn every_truncation_and_every_flipped_bit_is_refused() {
        let policy = policy();
        let (bytes, text) = (policy.weights_bytes(), policy.card_text());
        for length in 0..bytes.len() {
            assert!(Policy::from_parts(&bytes[..length], &text, &SCHEMA).is_err());
            // Even with a digest that fits.
            let error = refused(&bytes[..length]);
            assert!(matches!(error, AgentError::Malformed { .. }), "{length}: {error}");
        }
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let error = Policy::from_parts(&flipped, &text, &SCHEMA).unwrap_err();
            assert!(matches!(error, AgentError::Digest { .. }));
        }
    }

    /// Fault case 59.
    #[test]
    fn weights_that_are_not_finite_are_refused_on_both_ways() {
        let good = policy();
        let mut bytes = good.weights_bytes();
        let end = bytes.len();
        bytes[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
        // Sorted by name, the linear term comes last: its last of 2 × 2 values.
        let error = refused(&bytes);
        assert!(matches!(&error, AgentError::Weight { name, index: 3, .. } if name == "skip"), "{error}");
        let mut network = good.network.clone();
        network.weights_mut()[1] = f32::INFINITY;
        let error = Policy::new(network, &SCHEMA, Provenance::default()).unwrap_err();
        assert!(matches!(error, AgentError::Weight { index: 1, .. }));
    }

    /// Fault case 60.
    #[test]
    fn a_card_of_other_weights_is_refused() {
        let good = policy();
        let mut other = good.network.clone();
        other.weights_mut()[0] += 1.0;
        let other = Policy::new(other, &SCHEMA, Provenance::default()).unwrap();
        let error = Policy::from_parts(&other.weights_bytes(), &good.card_text(), &SCHEMA).unwrap_err();
        let (found, expected) = (other.card.weights_sha256, good.card.weights_sha256);
        assert_eq!(error, AgentError::Digest { found, expected });
    }

    /// Fault case 61.
    #[test]
    fn unknown_formats_schemas_and_names_are_refused() {
        let good = policy();
        let (bytes, text) = (good.weights_bytes(), good.card_text());
        let with = |schema: Schema| Policy::from_parts(&bytes, &text, &schema).unwrap_err();
        let error = with(Schema { version: 4, ..SCHEMA });
        assert_eq!(error, AgentError::SchemaVersion { found: 3, known: 4 });
        let error = with(Schema { candidate: &["margin", "density"], ..SCHEMA });
        assert!(matches!(error, AgentError::SchemaName { kind: "candidate", index: 1, .. }));
        let error = with(Schema { global: &["budget", "rounds"], ..SCHEMA });
        assert!(
            matches!(error, AgentError::SchemaName { kind: "global", index: 1, found, .. } if found == "(none)")
        );
        let edited = |from: &str, to: &str| {
            assert!(text.contains(from), "{text}");
            Policy::from_parts(&bytes, &text.replace(from, to), &SCHEMA).unwrap_err()
        };
        let error = edited("format = 1", "format = 3\nnew_key = true");
        assert_eq!(error, AgentError::Format { found: 3, known: 2 });
        assert!(matches!(edited("created_with", "created_by"), AgentError::Card { .. }));
        assert!(matches!(edited("0.25", "nan"), AgentError::Card { .. }));
        let error = edited("hidden = 3", "hidden = 4");
        assert!(matches!(error, AgentError::TensorShape { .. }), "{error}");
        let error = edited("layers = 2", "layers = 1");
        assert!(matches!(error, AgentError::TensorSet { state: "not expected", .. }), "{error}");
        let error = edited("layers = 2", "layers = 3");
        assert!(matches!(error, AgentError::TensorSet { state: "missing", .. }), "{error}");
        let error = edited("hidden = 3", "hidden = 1000000000000");
        assert!(matches!(error, AgentError::Setting { found: 1_000_000_000_000, .. }), "{error}");
    }
}
