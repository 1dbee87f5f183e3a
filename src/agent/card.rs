//! The card of a policy: what it is, where it comes from, and what it may be used for.

use super::error::AgentError;
use super::guard::DomainGuard;
use super::head::HeadCard;
use super::network::NetworkConfig;
use crate::episode::Schema;
use crate::error::shorten;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The newest card format that this version reads: that of a policy with a [head](super::head).
pub const FORMAT: u32 = 2;
/// The format of a policy without one, which is all that earlier versions read.
pub const HEADLESS: u32 = 1;
/// The largest `card.toml` that is read, in bytes.
pub const MAX_CARD_BYTES: usize = 1 << 20;

/// What is said about a policy by whoever trained it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// Its name.
    pub name: String,
    /// Digest of the resolved plan that trained it.
    pub plan: String,
    /// The tasks it was trained on.
    pub source_tasks: Vec<String>,
    /// What it should not be used for, and what it was not tried on; a sentence each.
    pub limits: Vec<String>,
    /// The data sets that it was trained on or chosen by, by their [content](crate::data::Dataset::content): whoever
    /// judges it must not judge it on one of them. Generated tasks have none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub seen: BTreeMap<String, SeenSet>,
    /// Figures of its training and evaluation, by name.
    pub figures: BTreeMap<String, f64>,
}

/// A data set that a policy was trained on or chosen by.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeenSet {
    /// Its name.
    pub name: String,
    /// Its rows.
    pub rows: usize,
    /// The smallest prints of its rows as they were read, in hexadecimal: a sample by which rows are known again in
    /// any order and in any company.
    pub as_read: Vec<String>,
    /// The same with every column brought to the range from 0 to 1.
    pub scaled: Vec<String>,
}

/// The features a policy was trained on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CardSchema {
    /// Version of the feature schema.
    pub version: u32,
    /// Names of the candidate features, in order.
    pub candidate: Vec<String>,
    /// Names of the global features, in order.
    pub global: Vec<String>,
}

/// Everything about a policy but its weights: the content of `card.toml`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Card {
    /// [`FORMAT`] where there is a head, else [`HEADLESS`].
    pub format: u32,
    /// Name and version of the program that wrote it.
    pub created_with: String,
    /// SHA-256 of `policy.safetensors`, in hexadecimal.
    pub weights_sha256: String,
    /// What is said about it.
    pub policy: Provenance,
    /// The features it reads.
    pub schema: CardSchema,
    /// Its network's shape.
    pub network: NetworkConfig,
    /// Where it does not trust itself; without one, it asks everywhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guard: Option<DomainGuard>,
    /// Its third head, where it says how the network grows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<HeadCard>,
}

impl Card {
    /// The text of `card.toml`; the same card gives the same text.
    pub fn to_text(&self) -> String {
        toml::to_string(self).expect("a card has no value that TOML lacks")
    }

    /// Reads a card. Whether it fits the program's features is [`check_schema`](Self::check_schema)'s
    /// question.
    ///
    /// # Errors
    /// If it is too large, of another format, or does not parse.
    pub fn from_text(text: &str) -> Result<Self, AgentError> {
        if text.len() > MAX_CARD_BYTES {
            let (file, found, limit) = ("card.toml", text.len(), MAX_CARD_BYTES);
            return Err(AgentError::FileSize { file, found, limit });
        }
        // The format comes first: of a newer one, other keys are to be expected.
        #[derive(Deserialize)]
        struct Format {
            format: u32,
        }
        // Without the line that the parser would show, which may be as long as the file.
        let reason = |e: toml::de::Error| {
            let line = e.span().map_or(1, |span| text[..span.start].matches('\n').count() + 1);
            AgentError::Card { reason: format!("line {line}: {}", e.message()) }
        };
        let Format { format } = toml::from_str(text).map_err(reason)?;
        if !(HEADLESS..=FORMAT).contains(&format) {
            return Err(AgentError::Format { found: format, known: FORMAT });
        }
        let card: Self = toml::from_str(text).map_err(reason)?;
        if card.head.is_some() != (format == FORMAT) {
            let reason = format!("format {format}, which goes with a head if it is {FORMAT}, else with none");
            return Err(AgentError::Card { reason });
        }
        if let Some((name, value)) = card.policy.figures.iter().find(|(_, value)| !value.is_finite()) {
            let reason = format!("figure `{}` is {value}, expected a finite number", shorten(name));
            return Err(AgentError::Card { reason });
        }
        Ok(card)
    }

    /// Whether the policy reads exactly the features that this program computes.
    ///
    /// # Errors
    /// [`AgentError::SchemaVersion`] or [`AgentError::SchemaName`].
    pub fn check_schema(&self, known: &Schema) -> Result<(), AgentError> {
        if self.schema.version != known.version {
            return Err(AgentError::SchemaVersion { found: self.schema.version, known: known.version });
        }
        for (kind, found, known) in [
            ("candidate", &self.schema.candidate, known.candidate),
            ("global", &self.schema.global, known.global),
        ] {
            let absent = "(none)";
            for index in 0..found.len().max(known.len()) {
                let found = found.get(index).map_or(absent, String::as_str);
                let known = known.get(index).copied().unwrap_or(absent);
                if found != known {
                    let (found, known) = (found.to_owned(), known.to_owned());
                    return Err(AgentError::SchemaName { kind, index, found, known });
                }
            }
        }
        self.network.check(known.candidate.len(), known.global.len())?;
        self.head.as_ref().map_or(Ok(()), HeadCard::check)?;
        self.guard.as_ref().map_or(Ok(()), |guard| guard.check(known))
    }
}

impl From<&Schema> for CardSchema {
    fn from(schema: &Schema) -> Self {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Self { version: schema.version, candidate: owned(schema.candidate), global: owned(schema.global) }
    }
}
