//! [`History`]: what the classifiers of earlier rounds predicted, kept up to date round by round.
//!
//! A classifier that is trained anew in every round is an independent opinion on (almost) the same labels.
//! Their running mean is a committee that costs nothing, and how far they differ tells what is merely
//! noise of one training. What the bought labels turned out to be tells how far predictions, and
//! distances, can be trusted on this pool.

use crate::data::{Matrix, RowId};
use crate::query::geometry::lanes::dispatched;
use crate::query::geometry::tops::tops;

/// Weight of the newest round in running means.
const NEWEST: f32 = 0.3;
/// Weight of the newest bought label in running means.
const NEWEST_LABEL: f32 = 0.1;

/// Running means over the rounds of an episode.
#[derive(Clone, Debug, PartialEq)]
pub struct History {
    classes: usize,
    /// Fits seen.
    rounds: u32,
    /// `[rows, classes]`.
    mean: Vec<f32>,
    /// Per row, the entropy of that mean, in nats.
    entropy_of_mean: Vec<f32>,
    /// Per row, of the entropy of each round's probabilities, in nats.
    entropy: Vec<f32>,
    /// Per row, of whether the predicted class was another than in the round before.
    changes: Vec<f32>,
    /// Per row, the class predicted last.
    predicted: Vec<u32>,
    /// Running share of bought labels that the fit before had predicted; starts at chance.
    foreseen: f32,
    /// Running share of bought labels that the nearest labelled row had; starts at chance.
    like_nearest: f32,
}

impl History {
    /// Before the first fit.
    pub fn new(rows: usize, classes: usize) -> Self {
        let chance = 1.0 / classes.max(1) as f32;
        Self {
            classes,
            rounds: 0,
            mean: vec![0.0; rows * classes],
            entropy_of_mean: vec![0.0; rows],
            entropy: vec![0.0; rows],
            changes: vec![0.0; rows],
            predicted: vec![0; rows],
            foreseen: chance,
            like_nearest: chance,
        }
    }

    /// Takes in the probabilities of one more fit, shape `[candidates, classes]`; rows that are no
    /// candidates stay as they are.
    pub fn add(&mut self, candidates: &[RowId], probabilities: &Matrix) {
        let newest = if self.rounds == 0 { 1.0 } else { NEWEST };
        let mut entropy = vec![0.0; candidates.len()];
        entropies(probabilities.values(), self.classes, &mut entropy);
        let tops = tops(probabilities.values(), self.classes, 0..candidates.len());
        for (at, (row, top)) in candidates.iter().zip(tops).enumerate() {
            let (row, first) = (row.index(), top.first);
            let mean = &mut self.mean[row * self.classes..(row + 1) * self.classes];
            for (mean, &p) in mean.iter_mut().zip(probabilities.row(at)) {
                *mean += newest * (p - *mean);
            }
            self.entropy[row] += newest * (entropy[at] - self.entropy[row]);
            if self.rounds > 0 {
                let changed = f32::from(self.predicted[row] != first);
                self.changes[row] += newest * (changed - self.changes[row]);
            }
            self.predicted[row] = first;
        }
        entropies(&self.mean, self.classes, &mut self.entropy_of_mean);
        self.rounds += 1;
    }

    /// Takes in a label that was bought: was it the class predicted last, and that of `nearest`, the
    /// nearest row labelled before?
    pub fn answered(&mut self, row: RowId, label: u32, nearest: Option<u32>) {
        let foreseen = f32::from(self.predicted[row.index()] == label);
        self.foreseen += NEWEST_LABEL * (foreseen - self.foreseen);
        let like_nearest = f32::from(nearest == Some(label));
        self.like_nearest += NEWEST_LABEL * (like_nearest - self.like_nearest);
    }

    /// Fits seen.
    pub fn rounds(&self) -> u32 {
        self.rounds
    }

    /// The running mean of the class probabilities of `row`.
    pub fn mean(&self, row: usize) -> &[f32] {
        &self.mean[row * self.classes..(row + 1) * self.classes]
    }

    /// The running means of all rows, shape `[rows, classes]`.
    pub fn means(&self) -> &[f32] {
        &self.mean
    }

    /// How far the rounds disagree on `row`, in nats: the entropy of the mean above the mean of the
    /// entropies, not negative (BALD's score with rounds for members).
    pub fn disagreement(&self, row: usize) -> f32 {
        (self.entropy_of_mean[row] - self.entropy[row]).max(0.0)
    }

    /// Running share of rounds in which the predicted class of `row` changed.
    pub fn changes(&self, row: usize) -> f32 {
        self.changes[row]
    }

    /// Running share of bought labels that had been predicted, and of those that the nearest labelled
    /// row had; both start at chance.
    pub fn foresight(&self) -> (f32, f32) {
        (self.foreseen, self.like_nearest)
    }
}

/// `-p ln p`, zero at zero; off by less than 1e-6.
#[inline(always)]
pub(crate) fn minus_p_ln_p(p: f32) -> f32 {
    if p <= f32::MIN_POSITIVE { 0.0 } else { -p * ln(p) }
}

/// The natural logarithm of a positive normal number by a polynomial: off by less than 1e-6 of its size or 1e-6,
/// and many times faster than the library's where it stands in a loop over all rows.
#[inline(always)]
pub(crate) fn ln(x: f32) -> f32 {
    // x = 2^e m with m in [sqrt(1/2), sqrt(2)); ln m by the series of artanh in s = (m - 1) / (m + 1).
    let bits = x.to_bits().wrapping_sub(0x3f35_04f3);
    let exponent = (bits as i32 >> 23) as f32;
    let m = f32::from_bits((bits & 0x007f_ffff).wrapping_add(0x3f35_04f3));
    let s = (m - 1.0) / (m + 1.0);
    let z = s * s;
    let ln_m = 2.0 * s * (1.0 + z * (1.0 / 3.0 + z * (0.2 + z * (1.0 / 7.0 + z / 9.0))));
    exponent * std::f32::consts::LN_2 + ln_m
}

dispatched! {
    /// The entropies in nats of rows of `classes` probabilities, written to `out`.
    pub(crate) fn entropies(probabilities: &[f32], classes: usize, out: &mut [f32]) {
        // Terms first, many at a time; a row is too short to fill a vector.
        const BLOCK: usize = 64;
        let mut terms = [0.0f32; 1_024];
        let rows = (terms.len() / classes.max(1)).clamp(1, BLOCK);
        if classes > terms.len() {
            for (p, out) in probabilities.chunks_exact(classes).zip(out) {
                *out = p.iter().map(|&p| minus_p_ln_p(p)).sum();
            }
            return;
        }
        for (p, out) in probabilities.chunks(rows * classes.max(1)).zip(out.chunks_mut(rows)) {
            for (term, &p) in terms.iter_mut().zip(p) {
                *term = minus_p_ln_p(p);
            }
            for (terms, out) in terms.chunks_exact(classes.max(1)).zip(out) {
                *out = terms.iter().sum();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fast_logarithm_is_accurate() {
        for i in 0..=100_000 {
            let p = i as f32 / 100_000.0;
            let exact = if p > 0.0 { -f64::from(p) * f64::from(p).ln() } else { 0.0 };
            assert!((f64::from(minus_p_ln_p(p)) - exact).abs() < 1e-6, "{p}");
        }
        assert_eq!(minus_p_ln_p(0.0), 0.0);
        for i in -80..80 {
            let x = 1.37f32.powi(i);
            assert!(
                (f64::from(ln(x)) - f64::from(x).ln()).abs() < 1e-6 * f64::from(x).ln().abs().max(1.0),
                "{x}"
            );
        }
        assert!(minus_p_ln_p(1e-40).abs() < 1e-6);
    }

    #[test]
    fn entropies_of_rows_of_any_width() {
        for classes in [1, 3, 10, 1_024, 1_025] {
            let p: Vec<f32> = (0..130 * classes).map(|i| (i % 7) as f32 / 7.0).collect();
            let mut found = vec![0.0; 130];
            entropies(&p, classes, &mut found);
            for (found, p) in found.iter().zip(p.chunks(classes)) {
                assert_eq!(*found, p.iter().map(|&p| minus_p_ln_p(p)).sum::<f32>());
            }
        }
    }

    #[test]
    fn running_means_by_hand() {
        let mut history = History::new(3, 2);
        let rows = [RowId(0), RowId(2)];
        history.add(&rows, &Matrix::new(vec![0.9, 0.1, 0.5, 0.5], 2, 2));
        assert_eq!(history.mean(0), &[0.9, 0.1]);
        assert!(history.disagreement(0) < 1e-6, "one round agrees with itself");
        history.add(&rows, &Matrix::new(vec![0.1, 0.9, 0.5, 0.5], 2, 2));
        // .9 + .3 (.1 - .9) = .66.
        assert!((history.mean(0)[0] - 0.66).abs() < 1e-6);
        assert!((history.changes(0) - 0.3).abs() < 1e-6);
        assert_eq!((history.changes(2), history.mean(1)), (0.0, &[0.0, 0.0][..]));
        // H(.66) - H(.9), as the entropies of both rounds are equal: .6410 - .3251.
        assert!((history.disagreement(0) - 0.3159).abs() < 1e-3, "{}", history.disagreement(0));
        assert!(history.disagreement(2) < 1e-6, "the same opinion twice");
    }

    #[test]
    fn foresight_starts_at_chance() {
        let mut history = History::new(2, 4);
        assert_eq!(history.foresight(), (0.25, 0.25));
        history.add(&[RowId(0), RowId(1)], &Matrix::new(vec![0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0], 2, 4));
        history.answered(RowId(0), 1, Some(3));
        let (foreseen, like_nearest) = history.foresight();
        assert!((foreseen - 0.325).abs() < 1e-6 && (like_nearest - 0.225).abs() < 1e-6);
    }
}
