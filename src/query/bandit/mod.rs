//! Bandits: which of several strategies to follow is learned within one episode.
//!
//! An instance keeps what it has learned between the rounds of its episode. Rewards come from what the
//! view shows of the labels bought and from the model's predictions, never from a held-out set.

pub mod albl;
pub mod arms;
pub mod caal;
pub mod comb;
pub mod tailor;

use super::registry::Entry;

pub(super) const ENTRIES: &[Entry] = &[albl::ENTRY, comb::ENTRY, tailor::ENTRY, caal::ENTRY];
