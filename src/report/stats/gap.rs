//! The share of the oracle's lead over random that a strategy closes.

/// The smallest lead of the oracle over random, in accuracy, of which a share is reported; below it
/// the quotient is noise.
pub const LEAST_LEAD: f64 = 1e-6;

/// `(strategy − random) / (oracle − random)`: 0 = no better than random, 1 = as good as the greedy
/// oracle; it may be negative or above 1. `None` where the oracle does not lead.
pub fn gap_closed(strategy: f64, random: f64, oracle: f64) -> Option<f64> {
    let lead = oracle - random;
    (lead.is_finite() && lead >= LEAST_LEAD && strategy.is_finite()).then(|| (strategy - random) / lead)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn worked_examples() {
        assert!((gap_closed(0.81, 0.80, 0.85).unwrap() - 0.2).abs() < 1e-9);
        assert!((gap_closed(0.79, 0.80, 0.85).unwrap() + 0.2).abs() < 1e-9);
        assert_eq!(gap_closed(0.81, 0.80, 0.80), None);
        assert_eq!(gap_closed(0.81, 0.80, 0.70), None);
        assert_eq!(gap_closed(f64::NAN, 0.80, 0.90), None);
    }
}
