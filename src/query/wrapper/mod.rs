//! Strategies over other strategies.
//!
//! *Lenses* change what the inner one sees: averaged dropout passes or a committee ([`members`]),
//! calibrated probabilities ([`scaled`]), fewer candidates ([`capped`]) or some at a time ([`split`]). The others change what becomes
//! of its answer. What learns between rounds which strategy to follow is in `bandit`.

pub mod capped;
pub mod ceal;
pub mod class_balanced;
pub mod lens;
pub mod members;
pub mod mixture;
pub mod refine;
pub mod scaled;
pub mod select_al;
pub mod split;
pub mod stochastic;
pub mod switch;

use super::registry::Entry;

pub(super) const ENTRIES: &[Entry] = &[
    members::MC,
    members::ENSEMBLE,
    scaled::ENTRY,
    capped::ENTRY,
    split::ENTRY,
    stochastic::POWER,
    stochastic::SOFTMAX,
    stochastic::SOFT_RANK,
    class_balanced::ENTRY,
    switch::ENTRY,
    mixture::ENTRY,
    ceal::ENTRY,
    refine::ENTRY,
    select_al::ENTRY,
];
