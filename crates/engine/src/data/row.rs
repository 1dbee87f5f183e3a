//! [`RowId`]: a row of a task's pool by its number.

use serde::{Deserialize, Serialize};

/// A row of a task's pool, stable over a whole episode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RowId(pub u32);

impl RowId {
    /// The row's index in the pool matrix.
    #[inline]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}
