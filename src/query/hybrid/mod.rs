//! Strategies that weigh what the model says of a candidate against where it lies.

pub mod badge;
pub mod clue;
pub mod cluster_margin;
pub mod drop_query;
pub mod suggestive;

use super::registry::Entry;

pub(super) const ENTRIES: &[Entry] =
    &[badge::ENTRY, clue::ENTRY, cluster_margin::ENTRY, drop_query::ENTRY, suggestive::ENTRY];
