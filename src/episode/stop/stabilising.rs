//! Stop when predictions do not change any more.
//!
//! M. Bloodgood and K. Vijay-Shanker, *A method for stopping active learning based on stabilizing predictions and the
//! need for user-adjustable stopping*, CoNLL 2009.

use super::{Look, Reason, Seen, Stop};

/// Stops where Cohen's kappa between successive predictions, averaged over the last `window` pairs, is at least
/// `threshold`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stabilising {
    /// In [-1, 1], higher = later; the paper's default is 0.99.
    pub threshold: f64,
    /// Pairs of successive looks; the paper's default is 3.
    pub window: usize,
}

impl Default for Stabilising {
    fn default() -> Self {
        Self { threshold: 0.99, window: 3 }
    }
}

impl Stabilising {
    /// The mean over the last pairs; `None` with too few looks.
    pub fn mean(&self, looks: &[Look]) -> Option<f64> {
        let pairs = looks.len().checked_sub(1).filter(|pairs| *pairs >= self.window && self.window > 0)?;
        let last = looks[pairs - self.window..].windows(2);
        Some(last.map(|pair| kappa(&pair[0].classes, &pair[1].classes)).sum::<f64>() / self.window as f64)
    }
}

impl Stop for Stabilising {
    fn decide(&self, seen: &Seen<'_>) -> Option<Reason> {
        let mean = self.mean(seen.looks).filter(|mean| *mean >= self.threshold)?;
        let saw = format!(
            "predictions of {} rows agree from fit to fit: mean kappa of the last {} is {mean:.3}, at least {}",
            seen.looks.last()?.classes.len(),
            self.window,
            self.threshold
        );
        Some(Reason { rule: "stabilising predictions", saw })
    }
}

/// Cohen's kappa (1960) between two predictions of the same rows: agreement beyond chance, 1 where all agree.
///
/// # Panics
/// If the lengths differ.
pub fn kappa(one: &[u32], two: &[u32]) -> f64 {
    assert_eq!(one.len(), two.len(), "predictions of the same rows");
    let n = one.len() as f64;
    let same = one.iter().zip(two).filter(|(a, b)| a == b).count();
    if same == one.len() {
        return 1.0;
    }
    let most = one.iter().chain(two).max().map_or(0, |class| *class as usize + 1);
    let shares = |all: &[u32]| {
        let mut shares = vec![0.0; most];
        all.iter().for_each(|class| shares[*class as usize] += 1.0 / n);
        shares
    };
    let chance: f64 = shares(one).iter().zip(shares(two)).map(|(a, b)| a * b).sum();
    (same as f64 / n - chance) / (1.0 - chance)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand: 20 yes-yes, 5 yes-no, 10 no-yes, 15 no-no give (0.7 - 0.5) / (1 - 0.5).
    #[test]
    fn kappa_is_as_by_hand() {
        let table = [(20, 0, 0), (5, 0, 1), (10, 1, 0), (15, 1, 1)];
        let spread = |of: fn(&(usize, u32, u32)) -> u32| -> Vec<u32> {
            table.iter().flat_map(|cell| std::iter::repeat_n(of(cell), cell.0)).collect()
        };
        assert!((kappa(&spread(|cell| cell.1), &spread(|cell| cell.2)) - 0.4).abs() < 1e-12);
        assert_eq!(kappa(&[3, 3, 3], &[3, 3, 3]), 1.0, "one class throughout");
        assert!(kappa(&[0, 1, 0, 1], &[1, 0, 1, 0]) < 0.0);
    }

    #[test]
    fn one_change_in_a_hundred_is_let_pass_and_ten_are_not() {
        let look = |changed: usize| Look {
            labels: 10,
            classes: (0..1000).map(|row| u32::from(row % 2 == 0) ^ u32::from(row < changed)).collect(),
            uncertainty: 0.1,
        };
        let decide = |changed: &[usize]| {
            let looks: Vec<Look> = changed.iter().map(|&changed| look(changed)).collect();
            Stabilising::default().decide(&Seen { looks: &looks, curve: &[], rows: 1000, step: 10 })
        };
        assert!(decide(&[0, 4, 0, 4]).is_some());
        assert!(decide(&[0, 100, 0, 100]).is_none());
        assert!(decide(&[0, 0]).is_none(), "too few looks");
    }
}
