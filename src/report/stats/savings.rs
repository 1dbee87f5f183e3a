//! Labels needed to reach a target accuracy, with runs that never reach it.
//!
//! Such a run is *censored*: all that is known is that it needs more than the budget. Dropping it
//! would flatter a strategy for its failures, so it is counted, it stands at the far end for the
//! median, and in differences it counts as the budget (the *restricted* mean of survival analysis:
//! labels spent before the target or the budget, whichever comes first).

/// One strategy's label needs over its repetitions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Needs {
    /// Repetitions looked at.
    pub runs: usize,
    /// Repetitions that never reached the target.
    pub censored: usize,
    /// The median of labels needed; `None` where it falls among the censored runs.
    pub median: Option<f64>,
    /// The mean of labels spent before the target or the budget.
    pub restricted_mean: f64,
}

/// Summarises labels needed (`None` = censored at `budget`); `None` for no runs.
pub fn needs(labels: &[Option<u32>], budget: u32) -> Option<Needs> {
    if labels.is_empty() {
        return None;
    }
    let mut reached: Vec<u32> = labels.iter().flatten().copied().collect();
    reached.sort_unstable();
    let n = labels.len();
    // With an even count the median is the mean of two runs, and both must have reached the target.
    let median = reached.get(n / 2).map(|&upper| {
        let lower = if n.is_multiple_of(2) { reached[n / 2 - 1] } else { upper };
        0.5 * (f64::from(lower) + f64::from(upper))
    });
    let spent: f64 = labels.iter().map(|&l| restricted(l, budget)).sum();
    Some(Needs { runs: n, censored: n - reached.len(), median, restricted_mean: spent / n as f64 })
}

/// Labels spent before the target or the budget.
pub fn restricted(labels: Option<u32>, budget: u32) -> f64 {
    f64::from(labels.unwrap_or(budget).min(budget))
}

/// Paired label savings of a strategy against a reference.
#[derive(Clone, Debug, PartialEq)]
pub struct Savings {
    /// Labels saved per pair (reference − strategy, both restricted to the budget); positive = fewer
    /// labels than the reference.
    pub saved: Vec<f64>,
    /// Pairs in which only the strategy reached the target: their saving is a lower bound.
    pub only_strategy: usize,
    /// Pairs in which only the reference reached the target: their loss is a lower bound.
    pub only_reference: usize,
    /// Pairs in which neither did: they say nothing and count as zero.
    pub neither: usize,
}

/// Compares pairs `(strategy, reference)` of labels needed, `None` = censored at `budget`.
pub fn savings(pairs: &[(Option<u32>, Option<u32>)], budget: u32) -> Savings {
    let count = |strategy: bool, reference: bool| {
        pairs.iter().filter(|p| (p.0.is_some(), p.1.is_some()) == (strategy, reference)).count()
    };
    Savings {
        saved: pairs.iter().map(|p| restricted(p.1, budget) - restricted(p.0, budget)).collect(),
        only_strategy: count(true, false),
        only_reference: count(false, true),
        neither: count(false, false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn censored_runs_stand_at_the_far_end() {
        let needs = needs(&[Some(10), None, Some(30), Some(20), None], 50).unwrap();
        assert_eq!((needs.runs, needs.censored), (5, 2));
        assert_eq!(needs.median, Some(30.0));
        assert_eq!(needs.restricted_mean, (10.0 + 50.0 + 30.0 + 20.0 + 50.0) / 5.0);
    }

    #[test]
    fn a_median_among_censored_runs_is_unknown() {
        assert_eq!(needs(&[Some(10), None], 50).unwrap().median, None);
        assert_eq!(needs(&[Some(10), Some(20)], 50).unwrap().median, Some(15.0));
        assert_eq!(needs(&[], 50), None);
    }

    #[test]
    fn pairs_say_which_side_was_censored() {
        let pairs = [(Some(10), Some(25)), (Some(10), None), (None, Some(40)), (None, None)];
        let savings = savings(&pairs, 50);
        assert_eq!(savings.saved, [15.0, 40.0, -10.0, 0.0]);
        assert_eq!((savings.only_strategy, savings.only_reference, savings.neither), (1, 1, 1));
    }
}
