//! What label savings refer to on a task, and whether that says anything.

use super::VerdictOptions;
use crate::learner::Metric;
use crate::report::stats::mean::mean;
use crate::report::text::{fixed, points};
use crate::run::FullPool;
use serde::Serialize;
use std::fmt;

/// The share of test rows in one class from which on accuracy says little about the others.
const IMBALANCED: f64 = 0.9;
/// By how much accuracy with all labels is above balanced accuracy where classes are unbalanced, at least.
const APART: f64 = 0.03;

/// One value of the metric that is to be reached.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Target {
    /// The value.
    pub value: f64,
    /// Which share it is of what all labels give, if it is one.
    pub share: Option<f64>,
}

/// `87.3 %`, or `87.3 % (90 % of what all labels give)`.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} %", points(Some(self.value)))?;
        match self.share {
            Some(share) => write!(f, " ({} % of what all labels give)", fixed(100.0 * share, 0)),
            None => Ok(()),
        }
    }
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
/// is. Where classes count alike already, there is no other metric to advise.
pub(super) fn imbalance(task: &str, targets: &[Target], options: &VerdictOptions) -> Option<String> {
    let own: Vec<&FullPool> = options.full_pool.iter().filter(|one| one.task == task).collect();
    let of = |figure: fn(&FullPool) -> f64| mean(&own.iter().map(|one| figure(one)).collect::<Vec<_>>());
    let largest = of(|one| one.largest_class)?;
    let apart = of(|one| one.accuracy - one.balanced_accuracy)?;
    let reached = targets
        .iter()
        .filter(|target| largest >= target.value)
        .max_by(|one, other| one.value.total_cmp(&other.value));
    if options.metric != Metric::Accuracy || (reached.is_none() && largest < IMBALANCED) {
        return None;
    }
    let always =
        format!("{task}: always predicting the largest class has an accuracy of {} %", points(Some(largest)));
    let above =
        reached.map_or_else(String::new, |target| format!(", which alone reaches the target of {target}"));
    if largest < IMBALANCED && apart < APART {
        return Some(format!("{always}{above}: labels saved there say nothing of what was learned."));
    }
    Some(format!(
        "{always}{above}; accuracy says little about the other classes here. Set episode.metric (--metric) to \"{}\" or \
         \"{}\" to compare by what counts all classes alike.",
        Metric::BalancedAccuracy.key(),
        Metric::MacroF1.key(),
    ))
}
