//! What time it is: leases end by it, and every record of the journal bears it.

use std::time::{SystemTime, UNIX_EPOCH};

/// Where a session takes the time from. Seconds are those since 1970.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Clock {
    /// The system's.
    #[default]
    System,
    /// Always this, so that what depends on time can be repeated.
    Fixed(u64),
}

impl Clock {
    /// Seconds since 1970.
    pub fn now(self) -> u64 {
        match self {
            Clock::System => SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()),
            Clock::Fixed(now) => now,
        }
    }
}
