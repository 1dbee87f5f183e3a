//! Strategies for numbers that are to be predicted: where candidates lie, what is predicted of them, and how far a
//! committee is apart.
//!
//! They read [`predictions`](super::PoolView::predictions) in the place of class probabilities; members of a committee say
//! one number per candidate. What looks at no target at all (`random`, `k_center`, `k_means`, `k_medoids`) stands in its own family
//! and serves both.
//!
//! ```
//! use querist::data::TargetKind;
//! use querist::query::Registry;
//!
//! let igs = Registry::builtin().build("igs")?;
//! assert!(igs.kinds().serve(TargetKind::Real) && !igs.kinds().serve(TargetKind::Class));
//! # Ok::<(), querist::Error>(())
//! ```

pub mod committee_variance;
pub mod greedy_sampling;
pub mod kernel;
pub mod lcmd;
pub mod model_change;

use super::registry::Entry;

pub(super) const ENTRIES: &[Entry] = &[
    greedy_sampling::GSX,
    greedy_sampling::GSY,
    greedy_sampling::IGS,
    lcmd::ENTRY,
    committee_variance::ENTRY,
    model_change::ENTRY,
];
