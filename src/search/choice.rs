//! Choosing among scored candidates: the best, or the smallest that is hardly worse.

use serde::{Deserialize, Serialize};

/// Means closer than this are equal: accuracies are shares of whole rows, so a smaller difference is
/// rounding.
const TIE: f64 = 1e-9;

/// Which of several scored candidates is taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// The highest mean; ties go to the smaller network.
    Best,
    /// The smallest network whose mean is within one standard error of the highest (Breiman et al.
    /// 1984, "Classification and Regression Trees", §3.4.3). The error is that of the *paired*
    /// differences between the two over the folds, which leaves out what makes a fold easy or hard for
    /// every network. With one fold there is no error to speak of: the same as [`Rule::Best`].
    #[default]
    OneStandardError,
}

/// A candidate to choose from.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// The number of weights.
    pub size: u64,
    /// One score per fold, finite; folds are the same for all entries.
    pub folds: &'a [f64],
}

impl Entry<'_> {
    /// The mean score.
    pub fn mean(&self) -> f64 {
        self.folds.iter().sum::<f64>() / self.folds.len() as f64
    }
}

/// Whether the mean `a` is higher than `b` by more than rounding.
pub(super) fn better(a: f64, b: f64) -> bool {
    a > b + TIE
}

/// Mean and standard error of the paired differences `a - b`. The error of fewer than two is zero.
pub fn paired(a: &[f64], b: &[f64]) -> (f64, f64) {
    let n = a.len().min(b.len());
    if n == 0 {
        return (0.0, 0.0);
    }
    let differences: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
    let mean = differences.iter().sum::<f64>() / n as f64;
    if n < 2 {
        return (mean, 0.0);
    }
    let variance = differences.iter().map(|d| (d - mean) * (d - mean)).sum::<f64>() / (n - 1) as f64;
    (mean, (variance / n as f64).sqrt())
}

/// The index of the entry that `rule` takes; `None` without entries. Remaining ties go to the earlier.
pub fn choose(entries: &[Entry<'_>], rule: Rule) -> Option<usize> {
    let mut best = 0;
    for (at, entry) in entries.iter().enumerate().skip(1) {
        let (mean, so_far) = (entry.mean(), entries[best].mean());
        if better(mean, so_far) || (!better(so_far, mean) && entry.size < entries[best].size) {
            best = at;
        }
    }
    let top = entries.get(best)?;
    if rule == Rule::Best {
        return Some(best);
    }
    let mut chosen = best;
    for (at, entry) in entries.iter().enumerate() {
        let (behind, error) = paired(top.folds, entry.folds);
        if !better(behind, error) && entry.size < entries[chosen].size {
            chosen = at;
        }
    }
    Some(chosen)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(size: u64, folds: &[f64]) -> Entry<'_> {
        Entry { size, folds }
    }

    #[test]
    fn the_error_is_that_of_the_paired_differences() {
        let (mean, error) = paired(&[0.9, 0.5, 0.7], &[0.8, 0.5, 0.5]);
        assert!((mean - 0.1).abs() < 1e-12);
        // Differences .1, 0, .2: standard deviation .1, over the root of three.
        assert!((error - 0.1 / 3f64.sqrt()).abs() < 1e-12);
        assert_eq!(paired(&[0.5], &[0.25]), (0.25, 0.0));
        assert_eq!(paired(&[], &[]), (0.0, 0.0));
    }

    #[test]
    fn smaller_within_one_standard_error() {
        // Folds differ a lot, the two networks hardly: a difference of .05 ± .05.
        let (large, small) = ([0.9, 0.4, 0.65], [0.9, 0.3, 0.6]);
        let entries = [entry(100, &large), entry(10, &small)];
        assert_eq!(choose(&entries, Rule::Best), Some(0));
        let (mean, error) = paired(&large, &small);
        assert!(mean > error, "{mean} {error}");
        assert_eq!(choose(&entries, Rule::OneStandardError), Some(0));
        let noisy = [0.95, 0.3, 0.6];
        assert_eq!(choose(&[entry(100, &large), entry(10, &noisy)], Rule::OneStandardError), Some(1));
        // Unpaired, .2 ± .2 would have taken the small one; paired, it is worse on every fold.
        let worse = [0.7, 0.2, 0.45];
        assert_eq!(choose(&[entry(100, &large), entry(10, &worse)], Rule::OneStandardError), Some(0));
    }

    #[test]
    fn ties_go_to_the_smaller_then_the_earlier() {
        let same = [0.5, 0.5];
        for rule in [Rule::Best, Rule::OneStandardError] {
            assert_eq!(choose(&[entry(9, &same), entry(3, &same), entry(3, &same)], rule), Some(1));
            assert_eq!(choose(&[], rule), None);
        }
        // One ulp of rounding is a tie.
        let ulp = [0.1 + 0.2];
        assert_eq!(choose(&[entry(9, &ulp), entry(3, &[0.3])], Rule::Best), Some(1));
    }

    #[test]
    fn a_single_split_has_no_error_to_hide_behind() {
        assert_eq!(choose(&[entry(9, &[0.51]), entry(3, &[0.5])], Rule::OneStandardError), Some(0));
    }
}
