//! Decimal numbers compared digit by digit, as `f64` merges whole numbers beyond 2^53.

use std::cmp::Ordering;

/// From this magnitude on, `f64` no longer holds every whole number.
pub(super) const EXACT_LIMIT: f64 = 9_007_199_254_740_992.0;

/// A finite decimal number: `0.digits` times ten to the power of `exponent`, without leading or trailing zeros.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Decimal {
    negative: bool,
    exponent: i64,
    digits: String,
    /// The nearest `f64`, by its bits.
    nearest: u64,
}

impl Decimal {
    /// The number that `text` is; none where it is no number, or beyond `f64`.
    pub fn of(text: &str) -> Option<Self> {
        let value = text.parse().ok().filter(|value: &f64| value.is_finite())?;
        let (negative, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (mantissa, power) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
        let (whole, decimals) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = format!("{whole}{decimals}");
        let significant = all.trim_start_matches('0');
        let digits = significant.trim_end_matches('0').to_string();
        if digits.is_empty() {
            return Some(Self { negative: false, exponent: 0, digits, nearest: 0.0f64.to_bits() });
        }
        // What does not fit is so small that `f64` rounds it to 0.
        let power = power.parse().unwrap_or(i64::from(i32::MIN));
        let before = whole.len() as i64 - (all.len() - significant.len()) as i64;
        let (exponent, nearest) = (before.saturating_add(power), (value + 0.0).to_bits());
        Some(Self { negative, exponent, digits, nearest })
    }

    /// The nearest `f64`.
    pub fn value(&self) -> f64 {
        f64::from_bits(self.nearest)
    }

    /// The whole number that it is, if it is one of at most 38 digits.
    pub fn whole(&self) -> Option<i128> {
        if self.digits.is_empty() {
            return Some(0);
        }
        let zeros = usize::try_from(self.exponent).ok()?.checked_sub(self.digits.len())?;
        if self.exponent > 38 {
            return None;
        }
        let size: i128 = format!("{}{}", self.digits, "0".repeat(zeros)).parse().ok()?;
        Some(if self.negative { -size } else { size })
    }

    /// Whether both are one number. Where `f64` holds whole numbers exactly, its rounding decides, as decimals that
    /// programs write of one `f64` may differ in the last digits.
    pub fn same(&self, other: &Self) -> bool {
        self.nearest == other.nearest && (self.value().abs() < EXACT_LIMIT || self.order(other).is_eq())
    }

    /// Which of the two is smaller.
    pub fn order(&self, other: &Self) -> Ordering {
        let size = || match (self.digits.is_empty(), other.digits.is_empty()) {
            (false, false) => self.exponent.cmp(&other.exponent).then_with(|| self.digits.cmp(&other.digits)),
            (mine, others) => others.cmp(&mine),
        };
        self.value().total_cmp(&other.value()).then_with(|| match (self.negative, other.negative) {
            (true, true) => size().reverse(),
            (false, false) => size(),
            (mine, others) => others.cmp(&mine),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_compared_exactly() {
        let decimal = |text: &str| Decimal::of(text).unwrap();
        for (a, b) in
            [("1", "1.0"), ("1", "1e0"), ("0", "-0.0"), ("100", "1E2"), ("0.1", "0.10000000000000001")]
        {
            assert!(decimal(a).same(&decimal(b)), "{a} {b}");
        }
        let (a, b) = (decimal("9007199254740992"), decimal("9007199254740993"));
        assert!(!a.same(&b) && a.order(&b).is_lt() && a.value() == b.value());
        assert!(decimal("-9007199254740993").order(&decimal("-9007199254740992")).is_lt());
        assert!(decimal("9007199254740993.0").same(&b));
        let whole =
            ["18446744073709551615", "-12e3", "1.5", "0.1", "0", "1e38"].map(|text| decimal(text).whole());
        let widest = Some(i128::from(u64::MAX));
        assert_eq!(whole, [widest, Some(-12_000), None, None, Some(0), None]);
        assert!(["inf", "nan", "x", "1e999", ""].iter().all(|text| Decimal::of(text).is_none()));
    }
}
