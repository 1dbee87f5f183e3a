//! Stop when hardly anything is uncertain any more.
//!
//! J. Zhu, H. Wang, E. Hovy and M. Ma, *Confidence-based stopping criteria for active learning for data annotation*, ACM
//! Transactions on Speech and Language Processing 6 (2010): overall uncertainty.

use super::{Look, Reason, Seen, Stop};

/// Stops where the mean over the rows of one minus the largest probability is at most `threshold`. Probabilities should
/// be calibrated, or it stops too early.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OverallUncertainty {
    /// In [0, 1], lower = later.
    pub threshold: f64,
    /// Labels from which on probabilities are believed: fewer say little of their calibration.
    pub least: usize,
}

impl Default for OverallUncertainty {
    fn default() -> Self {
        Self { threshold: 0.02, least: 50 }
    }
}

impl Stop for OverallUncertainty {
    fn decide(&self, seen: &Seen<'_>) -> Option<Reason> {
        let sure = |look: &&Look| look.labels >= self.least && look.uncertainty <= self.threshold;
        let last = seen.looks.last().filter(sure)?;
        let saw = format!(
            "the mean uncertainty of {} rows is {:.3}, at most {}",
            last.classes.len(),
            last.uncertainty,
            self.threshold
        );
        Some(Reason { rule: "overall uncertainty", saw })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_look_decides() {
        let look = |uncertainty| Look { labels: 50, classes: vec![0], uncertainty };
        let decide = |looks: &[Look]| {
            OverallUncertainty::default().decide(&Seen { looks, curve: &[], rows: 100, step: 10 })
        };
        assert!(decide(&[look(0.5), look(0.01)]).is_some());
        assert!(decide(&[look(0.01), look(0.5)]).is_none());
        assert!(decide(&[]).is_none());
        assert!(decide(&[Look { labels: 49, ..look(0.0) }]).is_none(), "too few labels to believe it");
    }
}
