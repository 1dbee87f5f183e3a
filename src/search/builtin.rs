//! The searches of this crate: the one list of them.

use super::method::{MethodEntry, Methods};
use super::{annealing, evolution, grid, halving, hill_climbing, local, random};
use std::sync::LazyLock;

const ENTRIES: [MethodEntry; 7] = [
    local::ENTRY,
    hill_climbing::ENTRY,
    annealing::ENTRY,
    random::ENTRY,
    evolution::ENTRY,
    halving::ENTRY,
    grid::ENTRY,
];

static BUILTIN: LazyLock<Methods> = LazyLock::new(|| {
    ENTRIES.into_iter().try_fold(Methods::empty(), Methods::with).expect("names that are plain and differ")
});

impl Methods {
    /// The searches of this crate.
    pub fn builtin() -> Self {
        BUILTIN.clone()
    }
}
