//! The statistics behind every claim of a report, one file per idea.
//!
//! Functions of plain numbers: nothing here knows rows, tasks or files. Every function takes finite
//! values; where a figure is undefined (no values, no spread, a value that is not finite) it returns
//! `None` rather than a number that only looks like one. Resampling takes its randomness from a
//! [`Key`](crate::rng::Key). The reference values of the tests come from SciPy, scikit-posthocs and
//! rliable (`tests/golden/statistics.py`).

pub mod aggregate;
pub mod aulc;
pub mod bootstrap;
pub mod critical;
pub(crate) mod gap;
pub mod holm;
pub mod mean;
pub mod penalty;
pub mod ranks;
pub(crate) mod savings;
pub mod special;
pub(crate) mod stability;
pub mod wilcoxon;

/// A two-sided interval, `lo <= hi`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The lower end.
    pub lo: f64,
    /// The upper end.
    pub hi: f64,
}

impl Interval {
    /// Whether `value` lies in the closed interval.
    pub fn contains(&self, value: f64) -> bool {
        self.lo <= value && value <= self.hi
    }
}

/// Whether every value is a finite number.
pub(crate) fn all_finite(values: &[f64]) -> bool {
    values.iter().all(|value| value.is_finite())
}
