//! [`Size`]: how large a selection is, for forecasts of the memory that it takes.
//!
//! A forecast counts the arrays that grow with the pool, and those that a strategy cuts the pool down to.
//! It is made of shapes alone, so that it can be had before anything is read.

/// The shapes that memory depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Candidates, `n`.
    pub candidates: usize,
    /// Labelled rows, `L`.
    pub labelled: usize,
    /// Columns of the vectors that the strategy looks at, `d`.
    pub width: usize,
    /// `C`.
    pub classes: usize,
    /// Picks, `b`.
    pub batch: usize,
}

/// Bytes per candidate of a draw without replacement: a number, an id and a place, then the place alone.
pub const DRAW: u64 = 32;

impl Size {
    /// Bytes of `count` items of `bytes` each.
    pub fn items(count: usize, bytes: u64) -> u64 {
        (count as u64).saturating_mul(bytes)
    }

    /// Bytes of `count` vectors of [`width`](Self::width) numbers.
    pub fn vectors(&self, count: usize) -> u64 {
        Self::items(count, 4).saturating_mul(self.width as u64)
    }

    /// Bytes that every strategy may take: a score and a place per candidate, and the order.
    pub fn scores(&self) -> u64 {
        Self::items(self.candidates, 24)
    }
}
