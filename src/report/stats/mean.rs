//! The mean and its interval by Student's t.

use std::collections::BTreeMap;

use super::Interval;
use super::special::t_critical;

/// The mean of finite values; `None` of nothing or of a value that is not finite.
pub fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty() && super::all_finite(values))
        .then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// The sample standard deviation (`n − 1`); `None` under two values.
pub fn standard_deviation(values: &[f64]) -> Option<f64> {
    if values.len() < 2 {
        return None;
    }
    let centre = mean(values)?;
    let squares: f64 = values.iter().map(|value| (value - centre).powi(2)).sum();
    Some((squares / (values.len() - 1) as f64).sqrt())
}

/// The interval `mean ± t · sd / √n` that covers the mean of a normal population in the share `level`
/// of samples; `None` under two values.
pub fn mean_interval(values: &[f64], level: f64) -> Option<Interval> {
    MeanIntervals::new(level).of(values)
}

/// [`mean_interval`] of many samples: the quantile of each sample size is computed once.
#[derive(Clone, Debug)]
pub struct MeanIntervals {
    level: f64,
    critical: BTreeMap<usize, f64>,
}

impl MeanIntervals {
    /// Intervals of one level.
    pub fn new(level: f64) -> Self {
        Self { level, critical: BTreeMap::new() }
    }

    /// The interval of one sample; `None` under two values.
    pub fn of(&mut self, values: &[f64]) -> Option<Interval> {
        let (centre, deviation) = (mean(values)?, standard_deviation(values)?);
        let n = values.len();
        let tail = 1.0 - self.level;
        let critical = *self.critical.entry(n).or_insert_with(|| t_critical(tail, (n - 1) as f64));
        let half = critical * deviation / (n as f64).sqrt();
        Some(Interval { lo: centre - half, hi: centre + half })
    }
}
