//! Distribution functions: normal, Student's t, chi-square, studentised range.
//!
//! Quantiles are found by bisection on the distribution function: a report asks for a handful of
//! them, and a bisection has no table of coefficients that could be mistyped.

use std::f64::consts::{PI, SQRT_2};

const EPSILON: f64 = 1e-16;
const MAX_TERMS: usize = 10_000;
/// Stands for zero in Lentz's continued fractions.
const TINY: f64 = 1e-300;

/// `ln Γ(x)` for `x > 0` (Lanczos, g = 7, nine terms; relative error below 1e-14).
pub fn ln_gamma(x: f64) -> f64 {
    const COEFFICIENTS: [f64; 8] = [
        676.520_368_121_885_1,
        -1_259.139_216_722_402_8,
        771.323_428_777_653_1,
        -176.615_029_162_140_6,
        12.507_343_278_686_905,
        -0.138_571_095_265_720_12,
        9.984_369_578_019_572e-6,
        1.505_632_735_149_311_6e-7,
    ];
    if x < 0.5 {
        return (PI / (PI * x).sin().abs()).ln() - ln_gamma(1.0 - x);
    }
    let x = x - 1.0;
    let mut sum = 0.999_999_999_999_809_9;
    for (i, c) in COEFFICIENTS.iter().enumerate() {
        sum += c / (x + (i + 1) as f64);
    }
    let t = x + 7.5;
    0.5 * (2.0 * PI).ln() + (x + 0.5) * t.ln() - t + sum.ln()
}

/// The regularised upper incomplete gamma function `Q(a, x)`, `a > 0`, `x >= 0`.
pub fn gamma_q(a: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 1.0;
    }
    let front = (a * x.ln() - x - ln_gamma(a)).exp();
    if x < a + 1.0 {
        let (mut term, mut sum, mut n) = (1.0 / a, 1.0 / a, a);
        for _ in 0..MAX_TERMS {
            n += 1.0;
            term *= x / n;
            sum += term;
            if term < sum * EPSILON {
                break;
            }
        }
        return 1.0 - front * sum;
    }
    let mut b = x + 1.0 - a;
    let mut c = 1.0 / TINY;
    let mut d = 1.0 / b;
    let mut h = d;
    for i in 1..MAX_TERMS {
        let i = i as f64;
        let an = -i * (i - a);
        b += 2.0;
        d = 1.0 / away_from_zero(an * d + b);
        c = away_from_zero(b + an / c);
        let factor = d * c;
        h *= factor;
        if (factor - 1.0).abs() < EPSILON * 4.0 {
            break;
        }
    }
    front * h
}

/// The regularised incomplete beta function `I_x(a, b)`, `a, b > 0`, `0 <= x <= 1`.
pub fn beta_inc(a: f64, b: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if x >= 1.0 {
        return 1.0;
    }
    // The fraction converges fast on this side of the mean only.
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - beta_inc(b, a, 1.0 - x);
    }
    let front = (ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b) + a * x.ln() + b * (-x).ln_1p()).exp() / a;
    let mut c = 1.0;
    let mut d = 1.0 / away_from_zero(1.0 - (a + b) * x / (a + 1.0));
    let mut h = d;
    for m in 1..MAX_TERMS {
        let m = m as f64;
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / away_from_zero(1.0 + even * d);
        c = away_from_zero(1.0 + even / c);
        h *= d * c;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / away_from_zero(1.0 + odd * d);
        c = away_from_zero(1.0 + odd / c);
        let factor = d * c;
        h *= factor;
        if (factor - 1.0).abs() < EPSILON * 4.0 {
            break;
        }
    }
    front * h
}

/// `P(Z <= x)` for a standard normal `Z`.
pub fn normal_cdf(x: f64) -> f64 {
    let tail = 0.5 * gamma_q(0.5, 0.5 * x * x);
    if x < 0.0 { tail } else { 1.0 - tail }
}

/// `P(|Z| >= |x|)`: the two-sided tail, accurate far out.
pub fn normal_two_sided(x: f64) -> f64 {
    gamma_q(0.5, 0.5 * x * x)
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
    if t.is_infinite() {
        return 0.0;
    }
    beta_inc(0.5 * df, 0.5, df / (df + t * t))
}

/// The `t` beyond which, on both sides together, lies the share `tail` of Student's t, `0 < tail < 1`.
pub fn t_critical(tail: f64, df: f64) -> f64 {
    // The two-sided tail falls with t; its negative rises.
    bisect(-tail, 0.0, 1e9, |t| -t_two_sided(t, df))
}

/// `P(X >= x)` for chi-square with `df > 0` degrees of freedom.
pub fn chi_square_tail(x: f64, df: f64) -> f64 {
    gamma_q(0.5 * df, 0.5 * x)
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

fn away_from_zero(x: f64) -> f64 {
    if x.abs() < TINY { TINY } else { x }
}
