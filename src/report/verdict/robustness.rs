//! What the verdict looks like from other sides: aggregates over all tasks that are less swayed by a
//! few runs than a mean, and how often fewer repetitions would have told another story.

use super::compare::{aulc_by_repetition, differences};
use super::scores::Scale;
use super::{MARGIN, RANDOM, VerdictOptions};
use crate::report::curves::TaskCurves;
use crate::report::roles::ranked_everywhere;
use crate::report::stats::Interval;
use crate::report::stats::aggregate::{interquartile_mean, probability_of_improvement, stratified_interval};
use crate::report::stats::mean::mean;
use crate::report::stats::stability::flip_rate;
use crate::rng::Key;

/// The sizes of subsets whose order is compared with that of all repetitions.
pub const SUBSETS: [usize; 3] = [3, 5, 10];
/// Resamples of the stratified bootstrap, and subsets drawn: the figures are shown to two places.
const DRAWS: usize = 2_000;

/// One strategy over all tasks, compared with margin (with random, where margin did not run on all).
#[derive(Clone, Debug, PartialEq)]
pub struct Robustness {
    /// The strategy.
    pub strategy: String,
    /// The reference; `None` for the reference itself.
    pub reference: Option<String>,
    /// The interquartile mean of the scores of all runs of all tasks, with its stratified interval. A score is an AULC on
    /// its task's scale: 0 is random's mean, 1 the highest mean that any strategy reaches at any number of labels. Tasks on
    /// which nothing is learned have no scale and take no part.
    pub interquartile: Option<(f64, Interval)>,
    /// The mean over tasks of the chance that a run beats a run of the reference, with its interval.
    pub improvement: Option<(f64, Interval)>,
    /// For each of [`SUBSETS`]: how often that many repetitions put the two in the opposite order,
    /// averaged over tasks; `None` where a task has no more than that.
    pub flips: [Option<f64>; SUBSETS.len()],
}

/// Judges every ranked strategy that ran on all tasks, by falling interquartile mean.
pub(super) fn robustness(curves: &[TaskCurves], options: &VerdictOptions) -> Vec<Robustness> {
    let names = ranked_everywhere(curves, &options.registry);
    let reference = [MARGIN, RANDOM].into_iter().find(|name| names.contains(name));
    let scales: Vec<Option<Scale>> = curves.iter().map(|task| Scale::of(task, &options.registry)).collect();
    let mut judged: Vec<Robustness> = names
        .into_iter()
        .map(|name| {
            let key = options.key.named("robustness").named(name);
            let reference = reference.filter(|reference| *reference != name);
            let own = runs(curves, name);
            Robustness {
                strategy: name.to_owned(),
                reference: reference.map(str::to_owned),
                interquartile: interquartile(&scores(&own, &scales), options.level, key.named("iqm")),
                improvement: reference.and_then(|reference| {
                    improvement(&own, &runs(curves, reference), options.level, key.named("improvement"))
                }),
                flips: SUBSETS.map(|size| flips(curves, name, reference?, size, key.named("flips"))),
            }
        })
        .collect();
    let height = |entry: &Robustness| entry.interquartile.map_or(f64::NEG_INFINITY, |(mean, _)| mean);
    judged.sort_by(|a, b| height(b).total_cmp(&height(a)));
    judged
}

/// The AULC of every run, by task.
fn runs(curves: &[TaskCurves], name: &str) -> Vec<Vec<f64>> {
    let of = |task: &TaskCurves| {
        task.strategies.get(name).map_or_else(Vec::new, |strategy| {
            aulc_by_repetition(strategy, task.shared).into_values().collect()
        })
    };
    curves.iter().map(of).collect()
}

/// The scores of every run, by task, of the tasks that have a scale.
fn scores(runs: &[Vec<f64>], scales: &[Option<Scale>]) -> Vec<Vec<f64>> {
    let of = |(runs, scale): (&Vec<f64>, &Option<Scale>)| {
        scale.map(|scale| runs.iter().map(|aulc| scale.score(*aulc)).collect())
    };
    runs.iter().zip(scales).filter_map(of).collect()
}

/// The scale of a task is held fixed in the resamples.
fn interquartile(scores: &[Vec<f64>], level: f64, key: Key) -> Option<(f64, Interval)> {
    let statistic = |sample: &[Vec<f64>]| interquartile_mean(&sample.concat());
    Some((statistic(scores)?, stratified_interval(scores, level, DRAWS, key, statistic)?))
}

/// Both strategies' runs are resampled, independently, within each task.
fn improvement(own: &[Vec<f64>], other: &[Vec<f64>], level: f64, key: Key) -> Option<(f64, Interval)> {
    let strata: Vec<Vec<f64>> = own.iter().chain(other).cloned().collect();
    let statistic = |sample: &[Vec<f64>]| {
        let (own, other) = sample.split_at(own.len());
        let tasks: Vec<_> = own.iter().cloned().zip(other.iter().cloned()).collect();
        probability_of_improvement(&tasks)
    };
    Some((statistic(&strata)?, stratified_interval(&strata, level, DRAWS, key, statistic)?))
}

fn flips(curves: &[TaskCurves], name: &str, reference: &str, size: usize, key: Key) -> Option<f64> {
    let rate = |task: &TaskCurves| {
        let (own, other) = (task.strategies.get(name)?, task.strategies.get(reference)?);
        let (paired, _) = differences(own, other, task.shared);
        // All repetitions agree with themselves: a subset has to be smaller to say anything.
        let key = key.at(size as u64);
        (paired.len() > size).then(|| flip_rate(&paired, size, DRAWS, key)).flatten()
    };
    mean(&curves.iter().map(rate).collect::<Option<Vec<f64>>>()?)
}
