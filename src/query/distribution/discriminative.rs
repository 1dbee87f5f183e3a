//! Active palmprint recognition: what the recognition network's features tell apart from the labelled rows is asked for.

use super::Space;
use crate::arch::NetSpec;
use crate::data::RowId;
use crate::error::Result;
use crate::learner::{Bank, Learner, Loss, ModelData, Optimiser, Start, Stop, TrainPlan};
use crate::query::registry::{Built, Card, Entry, Family};
use crate::query::{Kinds, Needs, PoolView, Score};
use crate::rng::Key;

pub(super) const ENTRY: Entry = Entry {
    card: Card {
        name: "discriminative",
        summary: "what a linear classifier of labelled and unlabelled rows most surely takes for unlabelled (embeddings)",
        paper: "Du, Zhong & Shao, ICIP 2019, from its description",
        family: Family::Distribution,
        needs: Needs { embeddings: true, ..Needs::NONE },
        cost: "one logistic regression on L + n rows; memory n d",
        example: "discriminative",
        deterministic: true,
    },
    make: |params| {
        Built::score(Discriminative {
            space: params.choice("space", &Space::EMBEDDINGS_FIRST)?,
            ridge: params.real("ridge", 1.0, 1e-6..=1e6)?,
        })
    },
};

/// A ridge logistic regression tells the labelled rows from the candidates by the features of the network that was trained on the labels, as domain adaptation
/// tells a source from a target domain; a candidate's score is the logarithm of its odds to be unlabelled. Where the two cannot be told apart, the labels stand for the
/// pool, and all scores are nearly alike. Without a label all are worth the same.
///
/// [`dal`](super::dal) has the same principle with a deep discriminator over a part of the pool, and splits a batch into turns. No text or code of the paper
/// was found: this is its principle, borrowed from domain adaptation (Ben-David et al., 2006), with the recognition network trained on the labels alone.
pub struct Discriminative {
    pub space: Space,
    /// The weight of half the squared length of the regression's weights.
    pub ridge: f64,
}

impl Score for Discriminative {
    fn score(&mut self, view: &PoolView<'_>, key: Key) -> Result<Vec<f64>> {
        let vectors = self.space.of(view)?;
        let (labelled, candidates) = (view.labelled(), view.candidates());
        if labelled.is_empty() {
            return Ok(vec![0.0; candidates.len()]);
        }
        // In the order of rows, so that it does not matter in which they were labelled.
        let mut known: Vec<u32> = labelled.iter().map(|row| row.0).collect();
        known.sort_unstable();
        let open: Vec<u32> = candidates.iter().map(|&RowId(row)| row).collect();
        let rows = [&known[..], &open].concat();
        let labels: Vec<u32> = (0..rows.len()).map(|place| u32::from(place >= known.len())).collect();
        let plan = TrainPlan {
            loss: Loss::CrossEntropy,
            optimiser: Optimiser::Lbfgs { ridge: self.ridge as f32 },
            weight_decay: 0.0,
            stop: Stop::Epochs { epochs: 1 },
            start: Start::Scratch,
            ..TrainPlan::default()
        };
        let mut bank = Bank::new(&NetSpec::mlp(vectors.cols(), &[], 2)?, 1)?;
        let data =
            ModelData { inputs: vectors, rows: &rows, labels: &labels, validation: (&[], &[]), extra: None };
        bank.fit(&[data], &plan, &[key.named("fit")])?;
        let logits = Learner::logits(&bank, 0, vectors, Some(&open));
        Ok((0..logits.rows()).map(|at| f64::from(logits.row(at)[1]) - f64::from(logits.row(at)[0])).collect())
    }

    fn needs(&self) -> Needs {
        self.space.needs()
    }

    fn kinds(&self) -> Kinds {
        Kinds::ALL
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Matrix;
    use crate::query::Signals;

    fn scores(values: Vec<f32>, width: usize, labelled: &[u32]) -> Vec<(u32, f64)> {
        let n = values.len() / width;
        let signals = Signals { embeddings: Some(Matrix::new(values, n, width)), ..Signals::default() };
        let inputs = Matrix::zeros(n, 1);
        let labelled: Vec<RowId> = labelled.iter().copied().map(RowId).collect();
        let labels = vec![0; labelled.len()];
        let candidates: Vec<RowId> = (0..n as u32).map(RowId).filter(|row| !labelled.contains(row)).collect();
        let view = PoolView::new(inputs.view(), &labelled, &labels, &candidates, 2, &signals);
        let mut strategy = Discriminative { space: Space::Embeddings, ridge: 1.0 };
        let scores = strategy.score(&view, Key::root(0)).unwrap();
        candidates.into_iter().map(|row| row.0).zip(scores).collect()
    }

    /// Labels cover one of two blobs: nearly all of the highest scores are in the other one.
    #[test]
    fn asks_for_what_the_labels_do_not_cover() {
        let n = 120;
        let values = (0..n * 2).map(|i| {
            let blob = if i / 2 % 2 == 0 { 0.0 } else { 4.0 };
            blob + ((i * 7919 % 101) as f32 / 101.0 - 0.5)
        });
        let mut found = scores(values.collect(), 2, &(0..10).map(|i| i * 2).collect::<Vec<_>>());
        found.sort_by(|a, b| b.1.total_cmp(&a.1));
        let other = found[..40].iter().filter(|(row, _)| row % 2 == 1).count();
        assert!(other >= 38, "{other} of 40");
    }

    /// Of one labelled row at 0 and candidates at -1, 1 and 3, of which the first two mirror each other: by the slope that the optimum has, farther to the right is less
    /// like the label, and the log odds rise evenly, 1 to 3 by as much as -1 to 1.
    #[test]
    fn the_log_odds_are_linear() {
        let found = scores(vec![0.0, -1.0, 1.0, 3.0], 1, &[0]);
        let [a, b, c] = [found[0].1, found[1].1, found[2].1];
        assert!(b > a && c > b && ((c - b) - (b - a)).abs() < 1e-4, "{found:?}");
        // At the optimum the intercept makes predictions right on average: three of four rows are unlabelled.
        let odds = |score: f64| 1.0 / (1.0 + (-score).exp());
        let at_label = 0.5 * (a + b);
        let mean = [at_label, a, b, c].map(odds).iter().sum::<f64>() / 4.0;
        assert!((mean - 0.75).abs() < 1e-3, "{mean}");
    }

    #[test]
    fn what_cannot_be_told_apart_is_worth_the_same() {
        assert!(scores(vec![1.0; 12], 1, &[3, 7]).windows(2).all(|pair| pair[0].1 == pair[1].1));
        assert!(scores(vec![1.0, 2.0, 3.0], 1, &[]).iter().all(|&(_, score)| score == 0.0));
    }
}
