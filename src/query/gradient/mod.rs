//! Strategies over gradients of the training loss.

pub mod bait;
pub mod dynamic_al;
mod fisher;

use super::registry::Entry;

pub(super) const ENTRIES: &[Entry] = &[dynamic_al::ENTRY, bait::ENTRY];
