//! Strategies for images whose targets are masks: scores of a pixel lifted to an image.
//!
//! They read [`probabilities`](super::PoolView::probabilities) of pixels to be foreground. What serves other targets as well stands in its own family:
//! `suggestive` with `committee_variance`, `badge`, `llal`, and what looks at no target at all (`random`, `k_center`, `k_means`, `k_medoids`, `lcmd`), at
//! the mean of the deepest planes where it looks at embeddings.
//!
//! ```
//! use querist::data::TargetKind;
//! use querist::query::Registry;
//!
//! let lifted = Registry::builtin().build("by_pixel(margin,lift=top_tenth)")?;
//! assert!(lifted.kinds().serve(TargetKind::Mask) && !lifted.kinds().serve(TargetKind::Class));
//! # Ok::<(), querist::Error>(())
//! ```

pub mod by_pixel;

use super::registry::Entry;

pub(super) const ENTRIES: &[Entry] = &[by_pixel::ENTRY];
