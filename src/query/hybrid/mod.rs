//! Strategies that weigh what the model says of a candidate against where it lies.

pub mod badge;

use super::registry::Entry;

pub(super) const ENTRIES: &[Entry] = &[badge::ENTRY];
