//! Uncertainty sampling: how unsure is the current model of each candidate?
//!
//! One score per file over the class probabilities, or over a loss that was learned beside them. What looks at several predictions of one candidate
//! is in `bayesian`; scores become batches in [`score`](super::score).

pub mod entropy;
pub mod least_confidence;
pub mod llal;
pub mod margin;

pub use entropy::Entropy;
pub use least_confidence::LeastConfidence;
pub use margin::Margin;

use super::registry::Entry;

pub(super) const ENTRIES: &[Entry] = &[least_confidence::ENTRY, margin::ENTRY, entropy::ENTRY, llal::ENTRY];

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::data::{Matrix, RowId};
    use crate::query::score::Score;
    use crate::query::{PoolView, Signals};
    use crate::rng::Key;

    /// The scores of rows of probabilities.
    pub fn scores(score: &mut dyn Score, probabilities: &[&[f32]]) -> Vec<f64> {
        let (n, classes) = (probabilities.len(), probabilities[0].len());
        let signals = Signals {
            probabilities: Some(Matrix::new(probabilities.concat(), n, classes)),
            ..Signals::default()
        };
        let inputs = Matrix::zeros(n, 1);
        let candidates: Vec<RowId> = (0..n as u32).map(RowId).collect();
        let view = PoolView::new(inputs.view(), &[], &[], &candidates, classes, &signals);
        score.score(&view, Key::root(0)).unwrap()
    }

    #[test]
    fn worked_example() {
        let p: &[&[f32]] = &[&[0.5, 0.3, 0.2]];
        assert!((scores(&mut LeastConfidence, p)[0] - 0.5).abs() < 1e-7);
        assert!((scores(&mut Margin, p)[0] - 0.8).abs() < 1e-7);
        assert!((scores(&mut Entropy, p)[0] - 1.0297).abs() < 5e-5);
        let sure: &[&[f32]] = &[&[1.0, 0.0, 0.0]];
        assert_eq!(scores(&mut Entropy, sure), [0.0]);
    }

    #[test]
    fn the_three_agree_on_two_classes() {
        let p: Vec<[f32; 2]> = (0..50).map(|i| (i * 37 % 101) as f32 / 101.0).map(|p| [p, 1.0 - p]).collect();
        let rows: Vec<&[f32]> = p.iter().map(|row| row.as_slice()).collect();
        let order = |score: &mut dyn Score| {
            let scores = scores(score, &rows);
            let mut order: Vec<usize> = (0..scores.len()).collect();
            order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
            order
        };
        assert_eq!(order(&mut Margin), order(&mut LeastConfidence));
        assert_eq!(order(&mut Margin), order(&mut Entropy));
    }
}
