//! Strategies that weigh what the model says of a candidate against where it lies.

pub mod alfa_mix;
pub mod badge;
pub mod clue;
pub mod cluster_margin;
pub mod dcom;
pub mod drop_query;
pub mod dsa;
pub mod falcun;
pub mod galaxy;
pub mod lada;
mod lazy_draws;
pub mod lsa;
pub mod suggestive;
mod surprise;
pub mod uherding;

use super::registry::Entry;

pub(super) const ENTRIES: &[Entry] = &[
    badge::ENTRY,
    clue::ENTRY,
    cluster_margin::ENTRY,
    drop_query::ENTRY,
    suggestive::ENTRY,
    falcun::ENTRY,
    uherding::ENTRY,
    dcom::ENTRY,
    alfa_mix::ENTRY,
    galaxy::ENTRY,
    dsa::ENTRY,
    lsa::ENTRY,
    lada::ENTRY,
    lada::info_stn::ENTRY,
];
