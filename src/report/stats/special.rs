//! Distribution functions: Student's t and chi-square by `statrs`, the normal distribution by `libm`, and the studentised
//! range, which neither has. Quantiles are found by bisection: a report asks for a handful of them.

use libm::erfc;
use statrs::function::beta::beta_reg;
use statrs::function::gamma::gamma_ur;
use std::f64::consts::{PI, SQRT_2};

/// `P(Z <= x)` for a standard normal `Z`.
pub fn normal_cdf(x: f64) -> f64 {
    0.5 * erfc(-x / SQRT_2)
}

/// `P(|Z| >= |x|)`: the two-sided tail, accurate far out.
pub fn normal_two_sided(x: f64) -> f64 {
    erfc(x.abs() / SQRT_2)
}

/// The normal quantile; infinite at 0 and 1.
pub fn normal_quantile(p: f64) -> f64 {
    if p <= 0.0 {
        return f64::NEG_INFINITY;
    }
    if p >= 1.0 {
        return f64::INFINITY;
    }
    // Solved in the lower half, where the distribution function has no rounding to one.
    if p > 0.5 { -bisect(1.0 - p, -40.0, 0.0, normal_cdf) } else { bisect(p, -40.0, 0.0, normal_cdf) }
}

/// `P(|T| >= |t|)` for Student's t with `df > 0` degrees of freedom.
pub fn t_two_sided(t: f64, df: f64) -> f64 {
    if !t.is_finite() {
        return if t.is_nan() { t } else { 0.0 };
    }
    beta_reg(0.5 * df, 0.5, df / (df + t * t))
}

/// The `t` beyond which, on both sides together, lies the share `tail` of Student's t, `0 < tail < 1`.
pub fn t_critical(tail: f64, df: f64) -> f64 {
    // The two-sided tail falls with t; its negative rises.
    bisect(-tail, 0.0, 1e9, |t| -t_two_sided(t, df))
}

/// `P(X >= x)` for chi-square with `df > 0` degrees of freedom.
pub fn chi_square_tail(x: f64, df: f64) -> f64 {
    if x > 0.0 { gamma_ur(0.5 * df, 0.5 * x) } else { 1.0 }
}

/// `P(Q <= q)` of the studentised range of `groups` means with infinitely many degrees of freedom:
/// `k ∫ φ(z) (Φ(z + q) − Φ(z))^(k−1) dz`.
pub fn studentised_range_cdf(q: f64, groups: usize) -> f64 {
    if q <= 0.0 || groups < 2 {
        return 0.0;
    }
    // The integrand is analytic and vanishes at both ends, where the trapezoid rule converges faster
    // than any power of the step.
    const STEP: f64 = 0.05;
    const REACH: i32 = 190;
    let mut sum = 0.0;
    for i in -REACH..=REACH {
        let z = f64::from(i) * STEP;
        let density = (-0.5 * z * z).exp() / (2.0 * PI).sqrt();
        let inside = normal_cdf(z + q) - normal_cdf(z);
        sum += density * inside.max(0.0).powi(groups as i32 - 1);
    }
    (groups as f64 * sum * STEP).min(1.0)
}

/// The Nemenyi multiplier: the `1 − alpha` quantile of the studentised range divided by √2.
///
/// At 0.05 it is 1.960, 2.344, 2.569, 2.728 for 2, 3, 4, 5 strategies (Demšar, JMLR 2006, table 5).
pub fn nemenyi_multiplier(groups: usize, alpha: f64) -> f64 {
    bisect(1.0 - alpha, 0.0, 100.0, |q| studentised_range_cdf(q, groups)) / SQRT_2
}

/// Where the rising function `f` reaches `target` between `lo` and `hi`.
fn bisect(target: f64, mut lo: f64, mut hi: f64, f: impl Fn(f64) -> f64) -> f64 {
    for _ in 0..200 {
        let middle = 0.5 * (lo + hi);
        if middle <= lo || middle >= hi {
            break;
        }
        if f(middle) < target {
            lo = middle;
        } else {
            hi = middle;
        }
    }
    0.5 * (lo + hi)
}
