//! COMB: a bandit over scores, rewarded by how even the predicted classes become.

use super::arms::{MAX_ARMS, Weights};
use crate::data::{MatrixView, RowId};
use crate::error::Result;
use crate::query::draw;
use crate::query::registry::{Built, Card, Entry, Family};
use crate::query::wrapper::class_balanced::predicted;
use crate::query::{Needs, PoolView, Score, Size, Strategy};
use crate::rng::Key;

pub(super) const ENTRY: Entry = Entry {
    card: Card {
        name: "comb",
        summary: "an Exp4 bandit over scores, rewarded by the entropy of the predicted classes",
        paper: "Baram, El-Yaniv & Luz, JMLR 2004",
        family: Family::Bandit,
        needs: Needs { probabilities: true, ..Needs::NONE },
        cost: "time b n per arm and the scores', memory n per arm",
        example: "comb(margin,entropy)",
        deterministic: false,
    },
    make: |params| {
        let exploration = params.real("exploration", 0.5, 0.001..=1.0)?;
        let sharpness = params.real("sharpness", 100.0, 0.0..=1e6)?;
        let threshold = params.real("threshold", 0.05, 0.0..=1.0)?;
        let arms = params.scores(2..=MAX_ARMS)?;
        Built::batch(Comb {
            weights: Weights::equal(arms.len()),
            arms,
            exploration,
            sharpness,
            threshold,
            before: None,
            pending: Vec::new(),
        })
    },
};

/// Scores are brought to `[0, 1]`, sharpened by `exp(-sharpness (1 - s))` and made to sum to one; kept are
/// the candidates that some arm gives more than `threshold` (halved until there are any). A pick is drawn
/// from the arms' mixture over these and, with probability `exploration`, uniformly.
///
/// The reward of a batch is how much the entropy of the predicted classes over all candidates grew by it,
/// exponentiated and brought to `[0, 1]`; entropy is measured in units of `ln C`, bits for two classes.
pub struct Comb {
    arms: Vec<Box<dyn Score>>,
    weights: Weights,
    /// Share of uniform draws.
    exploration: f64,
    sharpness: f64,
    threshold: f64,
    /// Entropy of the predicted classes in the last round.
    before: Option<f64>,
    /// For each pick of the last round: its probability, what each arm gave it, and how many candidates
    /// were kept.
    pending: Vec<(f64, Vec<f64>, usize)>,
}

impl Strategy for Comb {
    fn select(&mut self, view: &PoolView<'_>, batch: usize, key: Key) -> Result<Vec<RowId>> {
        let p = view.probabilities()?;
        self.learn(balance(p));
        let rows = view.candidates();
        let mut scores = Vec::with_capacity(self.arms.len());
        for (number, arm) in self.arms.iter_mut().enumerate() {
            scores.push(sharpened(arm.score(view, key.at(number as u64))?, self.sharpness));
        }
        let mut rng = key.named("comb").rng();
        let mut open = vec![true; rows.len()];
        let mut picks = Vec::with_capacity(batch.min(rows.len()));
        let shares = self.weights.shares();
        while picks.len() < batch.min(rows.len()) {
            let kept = kept(&scores, &open, self.threshold);
            // Over what is kept, each arm's advice sums to one.
            let advice = |arm: usize| -> Vec<f64> {
                let sum: f64 = kept.iter().map(|&place| scores[arm][place]).sum();
                let even = 1.0 / kept.len() as f64;
                kept.iter().map(|&place| if sum > 0.0 { scores[arm][place] / sum } else { even }).collect()
            };
            let advice: Vec<Vec<f64>> = (0..self.arms.len()).map(advice).collect();
            let probability = |i: usize| {
                let mixed: f64 = shares.iter().zip(&advice).map(|(share, advice)| share * advice[i]).sum();
                (1.0 - self.exploration) * mixed + self.exploration / kept.len() as f64
            };
            let Some(drawn) = draw::proportional(kept.len(), probability, &mut rng) else { break };
            self.pending.push((
                probability(drawn),
                advice.iter().map(|advice| advice[drawn]).collect(),
                kept.len(),
            ));
            open[kept[drawn]] = false;
            picks.push(rows[kept[drawn]]);
        }
        Ok(picks)
    }

    fn needs(&self) -> Needs {
        let own = Needs { probabilities: true, ..Needs::NONE };
        self.arms.iter().fold(own, |all, arm| all.union(arm.needs()))
    }

    fn memory(&self, size: &Size) -> u64 {
        // Each arm's scores, and the distribution over the kept candidates.
        Size::items(size.candidates, 8 * self.arms.len() as u64 + 24)
    }
}

impl Comb {
    /// Rewards the arms for the last batch: `balance` is what it led to.
    fn learn(&mut self, balance: f64) {
        let pending = std::mem::take(&mut self.pending);
        if let Some(before) = self.before.replace(balance) {
            let reward = reward(before, balance);
            for (probability, advice, kept) in pending {
                for (arm, advice) in advice.into_iter().enumerate() {
                    self.weights.grow(arm, advice * self.exploration * reward / probability / kept as f64);
                }
            }
        }
    }
}

/// `((e^now - e^before) - (1 - e)) / (2 e - 2)`: a half where nothing changed.
fn reward(before: f64, now: f64) -> f64 {
    let e = std::f64::consts::E;
    ((now.exp() - before.exp()) - (1.0 - e)) / (2.0 * e - 2.0)
}

/// Entropy of the shares of the predicted classes, in units of `ln C`: one where they are even.
fn balance(p: MatrixView<'_>) -> f64 {
    if p.rows() == 0 || p.cols() < 2 {
        return 0.0;
    }
    let mut counts = vec![0usize; p.cols()];
    (0..p.rows()).for_each(|row| counts[predicted(p.row(row))] += 1);
    let shares = counts.into_iter().filter(|&count| count > 0).map(|count| count as f64 / p.rows() as f64);
    shares.map(|share| -share * share.ln()).sum::<f64>() / (p.cols() as f64).ln()
}

/// Scores brought to `[0, 1]`, sharpened, and made to sum to one.
fn sharpened(mut scores: Vec<f64>, sharpness: f64) -> Vec<f64> {
    let low = scores.iter().copied().fold(f64::INFINITY, f64::min);
    let high = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let span = if high > low { high - low } else { 1.0 };
    for score in &mut scores {
        *score = (-sharpness * (high - *score) / span).exp();
    }
    let sum: f64 = scores.iter().sum();
    scores.iter_mut().for_each(|score| *score /= sum);
    scores
}

/// Open places that some arm gives more than the threshold, which is halved until there are any; all open
/// ones where every arm gives zero.
fn kept(scores: &[Vec<f64>], open: &[bool], threshold: f64) -> Vec<usize> {
    let most: Vec<f64> =
        (0..open.len()).map(|place| scores.iter().map(|scores| scores[place]).fold(0.0, f64::max)).collect();
    let places = || (0..open.len()).filter(|&place| open[place]);
    let highest = places().map(|place| most[place]).fold(0.0, f64::max);
    if highest <= 0.0 {
        return places().collect();
    }
    let mut threshold = threshold;
    while threshold >= highest {
        threshold /= 2.0;
    }
    places().filter(|&place| most[place] > threshold).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Matrix;

    #[test]
    fn worked_example() {
        assert!((reward(0.4, 0.4) - 0.5).abs() < 1e-12);
        // From half and half to one class, and back.
        assert!(reward(1.0, 0.0).abs() < 1e-12);
        assert!((reward(0.0, 1.0) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn balance_is_in_bits_for_two_classes() {
        let p = |rows: &[f32]| Matrix::new(rows.iter().flat_map(|&p| [p, 1.0 - p]).collect(), rows.len(), 2);
        assert!((balance(p(&[0.9, 0.1]).view()) - 1.0).abs() < 1e-12);
        assert_eq!(balance(p(&[0.9, 0.8]).view()), 0.0);
        assert!((balance(p(&[0.9, 0.8, 0.7, 0.2]).view()) - 0.8113).abs() < 5e-5);
    }

    #[test]
    fn the_threshold_is_halved_until_something_is_kept() {
        let scores = [vec![0.04, 0.03, 0.93], vec![0.01, 0.04, 0.95]];
        assert_eq!(kept(&scores, &[true; 3], 0.05), [2]);
        assert_eq!(kept(&scores, &[true, true, false], 0.05), [0, 1]);
        assert_eq!(kept(&[vec![0.0; 3]], &[true, false, true], 0.05), [0, 2]);
        assert_eq!(kept(&scores, &[true; 3], 0.0), [0, 1, 2]);
    }

    #[test]
    fn a_rewarded_pick_lifts_the_arms_that_advised_it() {
        let mut comb = Comb {
            arms: Vec::new(),
            weights: Weights::equal(2),
            exploration: 0.5,
            sharpness: 100.0,
            threshold: 0.05,
            before: Some(0.0),
            pending: vec![(0.5, vec![0.8, 0.2], 4)],
        };
        comb.learn(1.0);
        // exp(.8 * .5 * (1 / .5) / 4) against exp(.2 * .5 * (1 / .5) / 4).
        let shares = comb.weights.shares();
        assert!((shares[0] / shares[1] - (0.2f64 - 0.05).exp()).abs() < 1e-12);
    }
}
