//! Strategies for sets of labels: scores of one label lifted to a row, and rules over all labels of a row.
//!
//! They read [`probabilities`](super::PoolView::probabilities) of labels, which sum to nothing in particular. What serves classes
//! as well stands in its own family: `badge`, `tailor`, and what looks at no target at all (`random`, `k_center`, `k_means`,
//! `k_medoids`, `lcmd`).
//!
//! ```
//! use querist::data::TargetKind;
//! use querist::query::Registry;
//!
//! let lifted = Registry::builtin().build("by_label(margin,lift=max)")?;
//! assert!(lifted.kinds().serve(TargetKind::MultiLabel) && !lifted.kinds().serve(TargetKind::Class));
//! # Ok::<(), querist::Error>(())
//! ```

pub mod by_label;
pub mod cvirs;

use super::registry::Entry;

pub(super) const ENTRIES: &[Entry] = &[by_label::ENTRY, cvirs::ENTRY];
