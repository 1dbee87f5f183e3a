//! Strategies over gradients of the training loss.

pub mod dynamic_al;

use super::registry::Entry;

pub(super) const ENTRIES: &[Entry] = &[dynamic_al::ENTRY];
