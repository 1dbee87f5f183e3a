//! Bootstrap intervals of a mean: percentile and BCa (Efron, JASA 1987).
//!
//! The verdict's intervals are BCa: bias-corrected and accelerated, which keeps its coverage on the
//! skewed differences that a few unlucky starts produce. Resamples are a function of the key alone.

use rand::Rng;

use super::special::{normal_cdf, normal_quantile};
use super::{Interval, mean::mean};
use crate::rng::Key;

/// Resamples behind every interval of a verdict.
pub const RESAMPLES: usize = 10_000;

/// A number below `n`, which is not zero. The bias of the multiplication is under `n / 2^64`.
pub(crate) fn below(rng: &mut impl Rng, n: usize) -> usize {
    ((u128::from(rng.next_u64()) * n as u128) >> 64) as usize
}

/// Means of `resamples` samples drawn from `values` with replacement, in rising order.
pub fn resampled_means(values: &[f64], resamples: usize, key: Key) -> Vec<f64> {
    if values.is_empty() {
        return Vec::new();
    }
    let mut rng = key.rng();
    let n = values.len();
    let draw = |_| (0..n).map(|_| values[below(&mut rng, n)]).sum::<f64>() / n as f64;
    let mut means: Vec<f64> = (0..resamples).map(draw).collect();
    means.sort_by(f64::total_cmp);
    means
}

/// Means of two-level resamples of paired differences by task, in rising order: tasks are drawn with replacement,
/// then repetitions within each drawn task; every drawn task counts equally (Davison and Hinkley, *Bootstrap
/// Methods and their Application*, 1997, section 3.8).
///
/// The means of tasks already carry the scatter of their repetitions, which the second level adds once more: the
/// spread is a little too wide rather than too narrow. Empty where there is no task or one without a repetition.
pub fn two_level_means(tasks: &[Vec<f64>], resamples: usize, key: Key) -> Vec<f64> {
    if tasks.is_empty() || tasks.iter().any(Vec::is_empty) {
        return Vec::new();
    }
    let mut rng = key.rng();
    let mut draw = || {
        let mut sum = 0.0;
        for _ in 0..tasks.len() {
            let task = &tasks[below(&mut rng, tasks.len())];
            let own: f64 = (0..task.len()).map(|_| task[below(&mut rng, task.len())]).sum();
            sum += own / task.len() as f64;
        }
        sum / tasks.len() as f64
    };
    let mut means: Vec<f64> = (0..resamples).map(|_| draw()).collect();
    means.sort_by(f64::total_cmp);
    means
}

/// The quantile `p` of values in rising order, linear between order statistics.
pub fn quantile(sorted: &[f64], p: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let position = p.clamp(0.0, 1.0) * last as f64;
    let left = position.floor() as usize;
    let right = (left + 1).min(last);
    Some(sorted[left] + (sorted[right] - sorted[left]) * (position - left as f64))
}

/// The percentile interval of a bootstrap distribution in rising order.
pub fn percentile_interval(distribution: &[f64], level: f64) -> Option<Interval> {
    let tail = 0.5 * (1.0 - level);
    Some(Interval { lo: quantile(distribution, tail)?, hi: quantile(distribution, 1.0 - tail)? })
}

/// The BCa interval of the mean of `values`, given its bootstrap distribution in rising order.
///
/// Bias correction from the share of resamples below the observed mean (ties count half),
/// acceleration from the jackknife. Where the correction is undefined (no spread) this is the
/// percentile interval. `None` under two values.
pub fn bca_from(values: &[f64], distribution: &[f64], level: f64) -> Option<Interval> {
    if values.len() < 2 || distribution.is_empty() || !super::all_finite(distribution) {
        return None;
    }
    let observed = mean(values)?;
    let under = distribution.partition_point(|&m| m < observed);
    let up_to = distribution.partition_point(|&m| m <= observed);
    let bias = normal_quantile((under + up_to) as f64 / (2 * distribution.len()) as f64);
    // The jackknife mean without x is a linear function of x: its influence is x minus the mean.
    let squares: f64 = values.iter().map(|x| (x - observed).powi(2)).sum();
    let cubes: f64 = values.iter().map(|x| (x - observed).powi(3)).sum();
    let acceleration = cubes / (6.0 * squares.powf(1.5));
    let corrected = |p: f64| {
        let z = bias + normal_quantile(p);
        normal_cdf(bias + z / (1.0 - acceleration * z))
    };
    let tail = 0.5 * (1.0 - level);
    let (low, high) = (corrected(tail), corrected(1.0 - tail));
    if !(bias.is_finite() && low.is_finite() && high.is_finite()) {
        return percentile_interval(distribution, level);
    }
    Some(Interval { lo: quantile(distribution, low)?, hi: quantile(distribution, high)? })
}

/// The BCa interval of the mean of `values` from `resamples` resamples drawn by `key`.
pub fn bca_mean(values: &[f64], level: f64, resamples: usize, key: Key) -> Option<Interval> {
    mean(values)?;
    bca_from(values, &resampled_means(values, resamples, key), level)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two tasks without scatter of their own: what is resampled is which of them are drawn.
    #[test]
    fn the_first_level_draws_tasks() {
        let means = two_level_means(&[vec![0.0; 5], vec![1.0; 5]], 4_000, Key::root(2));
        let share = |value: f64| means.iter().filter(|m| **m == value).count() as f64 / 4_000.0;
        for (value, expected) in [(0.0, 0.25), (0.5, 0.5), (1.0, 0.25)] {
            assert!((share(value) - expected).abs() < 0.03, "{value}: {}", share(value));
        }
        assert!(two_level_means(&[vec![], vec![1.0]], 10, Key::root(2)).is_empty());
    }

    #[test]
    fn resamples_depend_on_the_key_alone() {
        let values: Vec<f64> = (0..20).map(f64::from).collect();
        let key = Key::root(1).named("pairs");
        assert_eq!(bca_mean(&values, 0.95, 500, key), bca_mean(&values, 0.95, 500, key));
        assert_ne!(resampled_means(&values, 500, key), resampled_means(&values, 500, key.at(1)));
    }

    #[test]
    fn no_spread_gives_a_point_and_one_value_nothing() {
        let point = bca_mean(&[0.25; 6], 0.95, 200, Key::root(0)).unwrap();
        assert_eq!((point.lo, point.hi), (0.25, 0.25));
        assert_eq!(bca_mean(&[0.25], 0.95, 200, Key::root(0)), None);
        assert_eq!(bca_mean(&[0.25, f64::NAN], 0.95, 200, Key::root(0)), None);
    }

    /// 200 samples of 20 skewed values (squares of uniforms, mean 1/3): the 95 % interval should cover
    /// the mean about 190 times; 175 is three standard errors below what a 93 % interval would do.
    #[test]
    fn the_interval_covers_the_mean_of_a_skewed_population() {
        let mut covered = 0;
        for trial in 0..200 {
            let mut rng = Key::root(5).at(trial).rng();
            let values: Vec<f64> =
                (0..20).map(|_| ((rng.next_u64() >> 11) as f64 / (1u64 << 53) as f64).powi(2)).collect();
            let interval = bca_mean(&values, 0.95, 1_000, Key::root(6).at(trial)).unwrap();
            covered += usize::from(interval.contains(1.0 / 3.0));
        }
        assert!((175..=199).contains(&covered), "{covered} of 200");
    }
}
