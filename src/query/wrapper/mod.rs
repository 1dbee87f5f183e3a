//! Strategies over other strategies.
//!
//! *Lenses* change what the inner one sees: averaged passes ([`mc`]), a committee ([`ensemble`]),
//! calibrated probabilities ([`scaled`]), fewer candidates ([`capped`]). The others change what becomes
//! of its answer. What learns between rounds which strategy to follow is in `bandit`.

pub mod capped;
pub mod ceal;
pub mod class_balanced;
pub mod ensemble;
pub mod lens;
pub mod mc;
pub mod mixture;
pub mod scaled;
pub mod stochastic;
pub mod switch;

use super::registry::Entry;

pub(super) const ENTRIES: &[Entry] = &[
    mc::ENTRY,
    ensemble::ENTRY,
    scaled::ENTRY,
    capped::ENTRY,
    stochastic::POWER,
    stochastic::SOFTMAX,
    stochastic::SOFT_RANK,
    class_balanced::ENTRY,
    switch::ENTRY,
    mixture::ENTRY,
    ceal::ENTRY,
];
