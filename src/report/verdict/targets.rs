//! What label savings refer to on a task, and whether that says anything.

use super::VerdictOptions;
use crate::learner::Metric;
use crate::report::stats::mean::mean;
use crate::report::text::points;
use serde::Serialize;

/// The share of test rows in one class from which on accuracy says little about the others.
const IMBALANCED: f64 = 0.9;

/// One value of the metric that is to be reached.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Target {
    /// The value.
    pub value: f64,
    /// Which share it is of what all labels give, if it is one.
    pub share: Option<f64>,
}

/// The mean over repetitions of what the classifier reaches on `task` with every label of the pool, if that was
/// measured.
pub(super) fn full_pool(task: &str, options: &VerdictOptions) -> Option<f64> {
    let own = options.full_pool.iter().filter(|one| one.task == task);
    mean(&own.map(|one| one.by(options.metric)).collect::<Vec<_>>())
}

/// The targets of a task: the fixed one; or else shares of what all labels give; or else what `fallback` says.
pub(super) fn targets(
    task: &str,
    options: &VerdictOptions,
    fallback: impl FnOnce() -> Option<f64>,
) -> Vec<Target> {
    let plain = |value| Target { value, share: None };
    if let Some(value) = options.target.filter(|target| target.is_finite()) {
        return vec![plain(value)];
    }
    match full_pool(task, options) {
        Some(all) if !options.shares.is_empty() => {
            options.shares.iter().map(|&share| Target { value: share * all, share: Some(share) }).collect()
        }
        _ => fallback().map(plain).into_iter().collect(),
    }
}

/// What is to be said where accuracy is the metric and the largest class alone reaches a target, or nearly all there
/// is.
pub(super) fn imbalance(task: &str, targets: &[Target], options: &VerdictOptions) -> Option<String> {
    let own = options.full_pool.iter().filter(|one| one.task == task);
    let largest = mean(&own.map(|one| one.largest_class).collect::<Vec<_>>())?;
    let reached =
        targets.iter().map(|target| target.value).filter(|&value| largest >= value).reduce(f64::max);
    if options.metric != Metric::Accuracy || (reached.is_none() && largest < IMBALANCED) {
        return None;
    }
    let above = reached.map_or_else(String::new, |value| {
        format!(", which alone reaches the target of {} %", points(Some(value)))
    });
    Some(format!(
        "{task}: always predicting the largest class has an accuracy of {} %{above}; accuracy says little about the \
         other classes here. Set episode.metric (--metric) to \"{}\" or \"{}\" to compare by what counts all classes \
         alike.",
        points(Some(largest)),
        Metric::BalancedAccuracy.key(),
        Metric::MacroF1.key(),
    ))
}
