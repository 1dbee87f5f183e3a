//! The mean and its interval by Student's t.

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
    let (centre, deviation) = (mean(values)?, standard_deviation(values)?);
    let n = values.len() as f64;
    let half = t_critical(1.0 - level, n - 1.0) * deviation / n.sqrt();
    Some(Interval { lo: centre - half, hi: centre + half })
}
