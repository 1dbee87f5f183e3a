//! [`Head`]: the head's network with what a card says of it.

use super::sight::{self, MOVE, Round};
use crate::agent::error::AgentError;
use crate::agent::network::{Network, NetworkConfig};
use crate::agent::tensors::Named;
use crate::arch::{ArchSpace, Domain, Point, Space};
use crate::error::{Result, shorten};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Before the names of the head's tensors, which lie in one file with the policy's.
pub(in crate::agent) const PREFIX: &str = "head.";

/// What a policy's card says of its head.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeadCard {
    /// [`sight::VERSION`].
    pub version: u32,
    /// What a doubling of multiply-adds had to gain to be worth it, in accuracy.
    pub penalty: f64,
    /// What it sees of a move, in order.
    pub moves: Vec<String>,
    /// What it sees of a round, in order.
    pub global: Vec<String>,
    /// Figures of its training, by name.
    pub figures: BTreeMap<String, f64>,
    /// Its network's shape.
    pub network: NetworkConfig,
    /// The architectures that it walks.
    pub space: ArchSpace,
}

/// The head that chooses between staying, deepening and spreading. Plain data.
#[derive(Clone, Debug, PartialEq)]
pub struct Head {
    network: Network,
    card: HeadCard,
}

impl Head {
    /// A head over the moves of `space`, taught with this penalty.
    ///
    /// # Errors
    /// [`AgentError::Setting`] if the network reads another number of features, [`AgentError::Card`] for a
    /// figure that is not finite, and what the space refuses.
    pub fn new(
        network: Network,
        space: ArchSpace,
        penalty: f64,
        figures: BTreeMap<String, f64>,
    ) -> Result<Self> {
        let card = HeadCard {
            version: sight::VERSION,
            penalty,
            moves: MOVE.map(str::to_owned).to_vec(),
            global: sight::global_names().map(str::to_owned).collect(),
            figures,
            network: network.config(),
            space,
        };
        card.check()?;
        for (place, found, expected) in [
            ("head: features of a move", network.features(), MOVE.len()),
            ("head: features of a round", network.globals(), sight::global_names().count()),
        ] {
            if found != expected {
                return Err(AgentError::Setting { place, found, least: expected, most: expected }.into());
            }
        }
        Ok(Self { network, card })
    }

    /// The head of a card, from weights that were read for it.
    pub(in crate::agent) fn from_values(card: HeadCard, values: Vec<f32>) -> Result<Self, AgentError> {
        let (moves, globals) = (card.moves.len(), card.global.len());
        let network = Network::from_weights(card.network, moves, globals, values)?;
        Ok(Self { network, card })
    }

    /// What the card says.
    pub fn card(&self) -> &HeadCard {
        &self.card
    }

    /// Its network, whose candidates are moves.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// The architectures that it walks.
    pub fn space(&self) -> &ArchSpace {
        &self.card.space
    }

    /// Where to go from `round.at`: the move of the highest score, staying among equals.
    ///
    /// # Errors
    /// If the architecture is not in the space, or a feature is not finite.
    pub fn decide(&self, domain: &Domain<ArchSpace>, round: Round<'_>) -> Result<Point> {
        let (points, seen) = sight::options(domain, round)?;
        if points.len() == 1 {
            return Ok(points[0]);
        }
        let scores = self.network.score(&seen)?;
        let mut best = 0;
        for (at, score) in scores.iter().enumerate() {
            if *score > scores[best] {
                best = at;
            }
        }
        Ok(points[best])
    }
}

impl HeadCard {
    /// Refuses what this version did not write or cannot use.
    pub(in crate::agent) fn check(&self) -> Result<(), AgentError> {
        if self.version != sight::VERSION {
            return Err(AgentError::HeadVersion { found: self.version, known: sight::VERSION });
        }
        let names = [
            ("move", &self.moves, MOVE.to_vec()),
            ("round", &self.global, sight::global_names().collect::<Vec<_>>()),
        ];
        for (kind, found, known) in names {
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
        for (name, value) in &self.figures {
            if !value.is_finite() {
                let reason = format!("head: `{}` is {value}, expected a finite number", shorten(name));
                return Err(AgentError::Card { reason });
            }
        }
        if !(0.0..=1.0).contains(&self.penalty) {
            let reason = format!("head: `penalty` is {}, expected an accuracy from 0 to 1", self.penalty);
            return Err(AgentError::Card { reason });
        }
        self.space.check().map_err(|error| AgentError::Card { reason: format!("head: {error}") })
    }

    /// The head's tensors as the file names them.
    pub(in crate::agent) fn tensors(&self) -> Result<Vec<(String, usize, usize)>, AgentError> {
        let layout = self.network.layout(self.moves.len(), self.global.len())?;
        Ok(layout.iter().map(|slot| (format!("{PREFIX}{}", slot.name), slot.rows, slot.cols)).collect())
    }
}

/// Borrowed, as the reader of tensors wants them.
pub(in crate::agent) fn borrowed(tensors: &[(String, usize, usize)]) -> impl Iterator<Item = Named<'_>> {
    tensors.iter().map(|(name, rows, cols)| (name.as_str(), *rows, *cols))
}
