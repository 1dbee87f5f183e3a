//! One strategy paired with one reference on one task.

use std::collections::BTreeMap;

use serde::Serialize;

use super::choice::{AgainstBest, Candidate, against_best, joint_level};
use super::{MARGIN, Target, VerdictOptions};
use crate::report::curves::{StrategyCurves, TaskCurves};
use crate::report::roles::is_hand_made;
use crate::report::stats::aulc::Curve;
use crate::report::stats::bootstrap::{bca_from, bca_mean, resampled_means};
use crate::report::stats::mean::mean;
use crate::report::stats::savings::savings;
use crate::report::stats::wilcoxon::signed_rank;
use crate::rng::Key;

/// What a comparison may be called; the rules are those of [`wording`](super::wording).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The strategy is better than the reference.
    Better,
    /// The strategy is worse than the reference.
    Worse,
    /// The repetitions do not tell the two apart.
    NoDifference,
    /// So few repetitions that no outcome of them could have told the two apart.
    Undecided,
}

/// A paired comparison: strategy minus reference, positive = the strategy is better.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// The mean difference of the normalised AULC.
    pub diff: Option<f64>,
    /// Its 95 % interval (BCa bootstrap), `[lo, hi]`.
    pub ci95: Option<[f64; 2]>,
    /// Wilcoxon's signed-rank p after Holm.
    pub p: Option<f64>,
    /// The same before Holm.
    pub p_raw: Option<f64>,
    /// Comparisons that Holm corrected together.
    pub family: usize,
    /// Repetitions that both sides have.
    pub pairs: usize,
    /// Repetitions that only one side has.
    pub unpaired: usize,
    /// Pairs that the strategy wins, ties, loses.
    pub wins_ties_losses: [usize; 3],
    /// What it may be called.
    pub outcome: Outcome,
    /// Labels saved on the way to each of the task's targets.
    pub label_savings: Vec<LabelSavings>,
}

/// Paired label savings; a run that misses the target counts as having spent the whole range.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LabelSavings {
    /// The target.
    pub target: f64,
    /// The mean of labels saved per pair, positive = fewer labels than the reference.
    pub mean: f64,
    /// Its 95 % interval (BCa bootstrap), `[lo, hi]`.
    pub ci95: Option<[f64; 2]>,
    /// Pairs in which only the strategy reached the target.
    pub only_strategy: usize,
    /// Pairs in which only the reference reached it.
    pub only_reference: usize,
    /// Pairs in which neither did.
    pub neither: usize,
}

/// The normalised AULC of every repetition that covers the shared range.
pub(crate) fn aulc_by_repetition(
    strategy: &StrategyCurves,
    shared: Option<(u32, u32)>,
) -> BTreeMap<u32, f64> {
    let Some((lo, hi)) = shared else { return BTreeMap::new() };
    let area = |curve: &Curve| curve.aulc(f64::from(lo), f64::from(hi));
    strategy.curves.iter().filter_map(|(&repetition, curve)| Some((repetition, area(curve)?))).collect()
}

/// Labels needed for `target`, unless they are more than `budget`.
pub(crate) fn labels_within(curve: &Curve, target: f64, budget: u32) -> Option<u32> {
    curve.labels_to(target).filter(|&labels| labels <= budget)
}

/// Differences of the AULC by repetition, and how many repetitions have no partner.
pub(crate) fn differences(
    strategy: &StrategyCurves,
    reference: &StrategyCurves,
    shared: Option<(u32, u32)>,
) -> (Vec<f64>, usize) {
    let (own, other) = (aulc_by_repetition(strategy, shared), aulc_by_repetition(reference, shared));
    let paired: Vec<f64> = own.iter().filter_map(|(r, value)| Some(value - other.get(r)?)).collect();
    let unpaired = own.len() + other.len() - 2 * paired.len();
    (paired, unpaired)
}

/// Compares a strategy with a reference; p is not yet corrected. `None` where the task has no shared
/// range or no pair.
pub(super) fn compare(
    strategy: &StrategyCurves,
    reference: &StrategyCurves,
    shared: Option<(u32, u32)>,
    targets: &[Target],
    options: &VerdictOptions,
    key: Key,
) -> Option<Comparison> {
    let (paired, unpaired) = differences(strategy, reference, shared);
    if paired.is_empty() {
        return None;
    }
    let ends = |values: &[f64], key: Key| {
        bca_mean(values, options.level, options.resamples, key).map(|ci| [ci.lo, ci.hi])
    };
    let count = |sign: fn(f64) -> bool| paired.iter().filter(|d| sign(**d)).count();
    let p_raw = signed_rank(&paired).map(|test| test.p);
    let saved = |(at, target): (usize, &Target)| {
        let (_, budget) = shared?;
        let need = |curve: &Curve| labels_within(curve, target.value, budget);
        let pairs: Vec<_> = strategy
            .curves
            .iter()
            .filter_map(|(r, curve)| Some((need(curve), need(reference.curves.get(r)?))))
            .collect();
        let savings = savings(&pairs, budget);
        Some(LabelSavings {
            target: target.value,
            mean: mean(&savings.saved)?,
            ci95: ends(&savings.saved, key.named("labels").at(at as u64)),
            only_strategy: savings.only_strategy,
            only_reference: savings.only_reference,
            neither: savings.neither,
        })
    };
    let label_savings = targets.iter().enumerate().filter_map(saved).collect();
    Some(Comparison {
        diff: mean(&paired),
        ci95: ends(&paired, key.named("aulc")),
        p: p_raw,
        p_raw,
        family: 1,
        pairs: paired.len(),
        unpaired,
        wins_ties_losses: [count(|d| d > 0.0), count(|d| d == 0.0), count(|d| d < 0.0)],
        outcome: Outcome::NoDifference,
        label_savings,
    })
}

/// Compares the subject with the best hand-made strategy of a task. `None` where no other than margin ran, which is
/// compared with anyway, or where none has a pair.
pub(super) fn with_best_hand_made(task: &TaskCurves, options: &VerdictOptions) -> Option<AgainstBest> {
    let own = task.strategies.get(&options.subject)?;
    let paired: Vec<(&str, Vec<f64>)> = task
        .strategies
        .iter()
        .filter(|(name, _)| is_hand_made(name, &options.registry) && **name != options.subject)
        .map(|(name, other)| (name.as_str(), differences(own, other, task.shared).0))
        .filter(|(_, paired)| !paired.is_empty())
        .collect();
    if paired.iter().all(|(name, _)| *name == MARGIN) {
        return None;
    }
    let joint = joint_level(options.level, paired.len());
    let candidates: Vec<Candidate<'_>> = paired
        .iter()
        .filter_map(|(name, paired)| {
            let key = options.key.named("best hand-made").named(name);
            let distribution = resampled_means(paired, options.resamples, key);
            Some(Candidate {
                name,
                diff: mean(paired)?,
                p: signed_rank(paired)?.p,
                pairs: paired.len(),
                single: bca_from(paired, &distribution, options.level),
                joint: bca_from(paired, &distribution, joint),
            })
        })
        .collect();
    against_best(&candidates, options.alpha)
}
