//! Stop when a label costs more than the errors that it saves.
//!
//! Z. Pullar-Strecker, K. Dost, E. Frank and J. Wicker, *Hitting the target: stopping active learning at the cost-based
//! optimum*, Machine Learning 113 (2024): labels and the errors of what is predicted in the end are one cost, which falls and
//! rises again as labels are bought. Here its slope is that of the learning curve ([`super::curve`]).

use super::flat_curve::law;
use super::{Reason, Seen, Stop};

/// Stops where the labels up to the next look cost more than the errors that they are expected to save among the rows
/// without a label.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CostBenefit {
    /// What an error costs, in labels; higher = later.
    pub error: f64,
    /// Points of the curve from which on it is believed.
    pub points: usize,
    /// Labels from which on it is believed.
    pub least: usize,
}

impl Default for CostBenefit {
    fn default() -> Self {
        Self { error: 1.0, points: 5, least: 50 }
    }
}

impl Stop for CostBenefit {
    fn decide(&self, seen: &Seen<'_>) -> Option<Reason> {
        let (law, now) = law(seen, self.points, self.least)?;
        let saved = law.gain(now, seen.step) * seen.rows as f64;
        let saw = || {
            format!(
                "the next {} labels are expected to save {saved:.1} errors in {} rows, of {} labels each",
                seen.step, seen.rows, self.error
            )
        };
        (saved * self.error < seen.step as f64).then(|| Reason { rule: "cost against benefit", saw: saw() })
    }
}

#[cfg(test)]
mod tests {
    use super::super::curve::{Point, PowerLaw};
    use super::*;

    #[test]
    fn more_rows_and_dearer_errors_are_worth_more_labels() {
        // After 100 labels, ten more save 1 / 100 - 1 / 110 = 0.00091 of the errors.
        let law = PowerLaw { floor: 0.1, scale: 1.0, rate: 1.0 };
        let curve = [20, 40, 60, 80, 100].map(|labels| Point {
            labels,
            accuracy: law.accuracy(labels as f64),
            judged: 50,
        });
        let seen = |rows| Seen { looks: &[], curve: &curve, rows, step: 10 };
        let decide = |rule: CostBenefit, rows| rule.decide(&seen(rows)).map(|reason| reason.rule);
        assert_eq!(
            decide(CostBenefit::default(), 10_000),
            Some("cost against benefit"),
            "9.1 errors for 10 labels"
        );
        assert_eq!(decide(CostBenefit::default(), 12_000), None, "10.9 errors for 10 labels");
        assert_eq!(decide(CostBenefit { error: 2.0, ..CostBenefit::default() }, 10_000), None);
        assert_eq!(
            decide(CostBenefit { points: 6, ..CostBenefit::default() }, 10_000),
            None,
            "too few points"
        );
    }
}
