//! What networks over pixels are fitted by.

use crate::data::mask::pixel;
use crate::learner::reverse::sigmoid;

/// Added to both sides of the soft Dice coefficient, so that an empty mask has one, too.
const SMOOTH: f64 = 1.0;

/// The loss of one image and its slopes by the logits, one per pixel: the mean binary cross-entropy of the pixels plus one minus the soft Dice
/// coefficient `(2 sum(p t) + 1) / (sum p + sum t + 1)` of the foreground (Milletari, Navab & Ahmadi, 3DV 2016, with sums of
/// probabilities in place of their squares below the bar).
pub fn loss(logits: impl ExactSizeIterator<Item = f64> + Clone, mask: &[u32], slopes: &mut Vec<f64>) -> f64 {
    let pixels = logits.len() as f64;
    let (mut entropy, mut both, mut all) = (0.0, 0.0, 0.0);
    for (at, logit) in logits.clone().enumerate() {
        let truth = f64::from(u8::from(pixel(mask, at)));
        let p = sigmoid(logit);
        entropy += logit.max(0.0) - truth * logit + (-logit.abs()).exp().ln_1p();
        both += p * truth;
        all += p + truth;
    }
    let (above, below) = (2.0 * both + SMOOTH, all + SMOOTH);
    slopes.clear();
    slopes.extend(logits.enumerate().map(|(at, logit)| {
        let truth = f64::from(u8::from(pixel(mask, at)));
        let p = sigmoid(logit);
        let of_dice = (2.0 * truth * below - above) / (below * below);
        (p - truth) / pixels - of_dice * p * (1.0 - p)
    }));
    entropy / pixels + 1.0 - above / below
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::mask::mask_of;

    /// Two pixels of p = 1/2 and 3/4, the first of which is foreground: cross-entropy (ln 2 + ln 4) / 2; soft Dice 2 / 3.25.
    #[test]
    fn worked_example() {
        let logits = [0.0, 3f64.ln()];
        let mut slopes = Vec::new();
        let found = loss(logits.iter().copied(), &mask_of(&[true, false]), &mut slopes);
        let expected = (2f64.ln() + 4f64.ln()) / 2.0 + 1.0 - 2.0 / 3.25;
        assert!((found - expected).abs() < 1e-12, "{found} {expected}");
        for at in 0..2 {
            let moved = |by: f64| {
                let mut logits = logits;
                logits[at] += by;
                loss(logits.iter().copied(), &mask_of(&[true, false]), &mut Vec::new())
            };
            let expected = (moved(1e-6) - moved(-1e-6)) / 2e-6;
            assert!((slopes[at] - expected).abs() < 1e-9, "{at}: {} {expected}", slopes[at]);
        }
    }

    /// A prediction that is sure and right costs nothing, of an empty mask, too.
    #[test]
    fn the_truth_costs_nothing() {
        for mask in [[true, false, true], [false; 3], [true; 3]] {
            let logits = mask.map(|foreground| if foreground { 40.0 } else { -40.0 });
            let found = loss(logits.iter().copied(), &mask_of(&mask), &mut Vec::new());
            assert!(found.abs() < 1e-12, "{mask:?}: {found}");
        }
    }
}
