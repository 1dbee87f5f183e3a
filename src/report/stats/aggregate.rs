//! Aggregates over tasks and runs (Agarwal et al., NeurIPS 2021, "Deep Reinforcement Learning at the
//! Edge of the Statistical Precipice"): interquartile mean, probability of improvement, performance
//! profiles, and intervals by a bootstrap that resamples runs within each task.

use super::bootstrap::{below, percentile_interval};
use super::mean::mean;
use super::{Interval, all_finite};
use crate::rng::Key;

/// The mean of the middle half: a quarter of the values (rounded down) is cut from either end.
pub fn interquartile_mean(values: &[f64]) -> Option<f64> {
    if !all_finite(values) {
        return None;
    }
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let cut = sorted.len() / 4;
    mean(&sorted[cut..sorted.len() - cut])
}

/// The mean over tasks of the chance that a run of the first strategy beats a run of the second, ties
/// counting half; each task is a pair of runs `(first, second)`. `None` where a task has no runs.
pub fn probability_of_improvement(tasks: &[(Vec<f64>, Vec<f64>)]) -> Option<f64> {
    let chance = |(first, second): &(Vec<f64>, Vec<f64>)| {
        if first.is_empty() || second.is_empty() || !all_finite(first) || !all_finite(second) {
            return None;
        }
        let won = |a: &f64| -> f64 {
            second
                .iter()
                .map(|b| {
                    if a > b {
                        1.0
                    } else if a == b {
                        0.5
                    } else {
                        0.0
                    }
                })
                .sum()
        };
        Some(first.iter().map(won).sum::<f64>() / (first.len() * second.len()) as f64)
    };
    mean(&tasks.iter().map(chance).collect::<Option<Vec<f64>>>()?)
}

/// The share of runs with a score above each threshold: a performance profile.
pub fn performance_profile(runs: &[f64], thresholds: &[f64]) -> Option<Vec<f64>> {
    if runs.is_empty() || !all_finite(runs) {
        return None;
    }
    let share = |tau: &f64| runs.iter().filter(|run| *run > tau).count() as f64 / runs.len() as f64;
    Some(thresholds.iter().map(share).collect())
}

/// The percentile interval of `statistic` when runs are resampled within each task (stratified
/// bootstrap). `None` where a task has no runs or the statistic is undefined for a resample.
pub fn stratified_interval<T: Clone>(
    tasks: &[Vec<T>],
    level: f64,
    resamples: usize,
    key: Key,
    statistic: impl Fn(&[Vec<T>]) -> Option<f64>,
) -> Option<Interval> {
    if tasks.is_empty() || tasks.iter().any(Vec::is_empty) {
        return None;
    }
    let mut rng = key.rng();
    let mut sample = tasks.to_vec();
    let mut distribution = Vec::with_capacity(resamples);
    for _ in 0..resamples {
        for (drawn, runs) in sample.iter_mut().zip(tasks) {
            for slot in drawn.iter_mut() {
                *slot = runs[below(&mut rng, runs.len())].clone();
            }
        }
        distribution.push(statistic(&sample).filter(|value| value.is_finite())?);
    }
    distribution.sort_by(f64::total_cmp);
    percentile_interval(&distribution, level)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_half() {
        assert_eq!(interquartile_mean(&[9.0, 1.0, 2.0, 3.0, -50.0, 2.0, 3.0, 90.0]), Some(2.5));
        assert_eq!(interquartile_mean(&[]), None);
    }

    #[test]
    fn ties_are_half_a_win() {
        let task = (vec![1.0, 2.0], vec![1.0, 0.0]);
        assert_eq!(probability_of_improvement(std::slice::from_ref(&task)), Some(0.875));
        assert_eq!(probability_of_improvement(&[(task.1, task.0)]), Some(0.125));
        assert_eq!(probability_of_improvement(&[(vec![], vec![1.0])]), None);
    }

    #[test]
    fn a_profile_falls() {
        assert_eq!(performance_profile(&[0.1, 0.5, 0.9], &[0.0, 0.5, 0.9]).unwrap(), [1.0, 1.0 / 3.0, 0.0]);
    }

    #[test]
    fn strata_keep_their_sizes_and_the_key_decides() {
        let tasks = vec![vec![0.0, 1.0, 2.0], vec![10.0, 20.0]];
        let flat = |sample: &[Vec<f64>]| {
            assert_eq!((sample[0].len(), sample[1].len()), (3, 2));
            mean(&sample.concat())
        };
        let of = |seed| stratified_interval(&tasks, 0.95, 300, Key::root(seed), flat).unwrap();
        assert_eq!(of(1), of(1));
        assert!(of(1).contains(33.0 / 5.0));
        assert_eq!(stratified_interval(&[vec![0.0f64], vec![]], 0.95, 9, Key::root(0), |_| Some(0.0)), None);
    }
}
