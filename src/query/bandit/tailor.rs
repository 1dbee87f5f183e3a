//! TAILOR: Thompson sampling over strategies, within the batch, for rare classes.

use super::arms::{self, MAX_ARMS, Proposals};
use crate::data::RowId;
use crate::error::Result;
use crate::query::registry::{Built, Card, Entry, Family};
use crate::query::{Needs, PoolView, Size, Strategy};
use crate::rng::Key;
use rand_distr::{Distribution, Gamma};
use std::collections::HashMap;

/// How much an earlier round counts.
const DISCOUNT: f64 = 0.9;

pub(super) const ENTRY: Entry = Entry {
    card: Card {
        name: "tailor",
        summary: "Thompson sampling over strategies, rewarded by labels of rare classes",
        paper: "Zhang, Shao, Verma & Nowak, NeurIPS 2023",
        family: Family::Bandit,
        needs: Needs { probabilities: true, embeddings: true, labels: true, classes: true, ..Needs::NONE },
        cost: "time b C per arm and the arms', memory b per arm",
        example: "tailor(margin,k_center)",
        deterministic: false,
    },
    make: |params| {
        let arms = params.strategies(2..=MAX_ARMS)?;
        Built::batch(Tailor { counts: vec![Vec::new(); arms.len()], arms, pending: Vec::new() })
    },
};

/// For each pick, a class distribution is drawn from every arm's Dirichlet posterior over the classes of
/// the labels it brought, and the arm of the largest expected value chooses. A class is worth one over
/// its number of labels; what is worth more is rarer. A class of more than half of the labels is worth
/// as much with the opposite sign. Counts fade by .9 per round.
pub struct Tailor {
    arms: Vec<Box<dyn Strategy>>,
    /// Per arm, discounted counts of the classes that its picks turned out to be.
    counts: Vec<Vec<f64>>,
    /// The picks of the last round with the arm that chose them.
    pending: Vec<(RowId, usize)>,
}

impl Strategy for Tailor {
    fn select(&mut self, view: &PoolView<'_>, batch: usize, key: Key) -> Result<Vec<RowId>> {
        view.check(self.needs())?;
        self.learn(view);
        let values = values(view.labels(), view.classes());
        let mut rng = key.named("tailor").rng();
        let batch = batch.min(view.candidates().len());
        let mut proposals = Proposals::ask(&mut self.arms, view, batch, key.named("arms"))?;
        let mut picks = Vec::with_capacity(batch);
        while picks.len() < batch {
            let mut best: Option<(f64, usize)> = None;
            for (arm, counts) in self.counts.iter().enumerate() {
                let theta = dirichlet(counts, &mut rng);
                let worth = theta.iter().zip(&values).map(|(theta, value)| theta * value).sum();
                if best.is_none_or(|(most, _)| worth > most) {
                    best = Some((worth, arm));
                }
            }
            let Some((_, arm)) = best else { break };
            let Some(row) = proposals.best(arm) else { break };
            proposals.take(row);
            self.pending.push((row, arm));
            picks.push(row);
        }
        Ok(picks)
    }

    fn needs(&self) -> Needs {
        arms::needs(&self.arms).union(Needs { labels: true, classes: true, ..Needs::NONE })
    }

    fn note(&self) -> Option<String> {
        arms::note(&self.arms)
    }

    fn memory(&self, size: &Size) -> u64 {
        arms::memory(&self.arms, size)
    }
}

impl Tailor {
    /// Counts the labels that the last round's picks brought.
    fn learn(&mut self, view: &PoolView<'_>) {
        for counts in &mut self.counts {
            counts.resize(view.classes(), 0.0);
            counts.iter_mut().for_each(|count| *count *= DISCOUNT);
        }
        let known: HashMap<RowId, u32> =
            view.labelled().iter().copied().zip(view.labels().iter().copied()).collect();
        for (row, arm) in std::mem::take(&mut self.pending) {
            // A pick that was not labelled after all teaches nothing.
            if let Some(&label) = known.get(&row) {
                self.counts[arm][label as usize] += 1.0;
            }
        }
    }
}

/// What a label of each class is worth.
fn values(labels: &[u32], classes: usize) -> Vec<f64> {
    let mut counts = vec![0usize; classes];
    labels.iter().for_each(|&label| counts[label as usize] += 1);
    let value = |count: usize| {
        let worth = 1.0 / count.max(1) as f64;
        if 2 * count > labels.len() { -worth } else { worth }
    };
    counts.into_iter().map(value).collect()
}

/// A draw from the Dirichlet distribution of `counts + 1`.
fn dirichlet(counts: &[f64], rng: &mut impl rand::Rng) -> Vec<f64> {
    let gamma = |count: &f64| Gamma::new(count + 1.0, 1.0).map_or(1.0, |gamma| gamma.sample(rng));
    let draws: Vec<f64> = counts.iter().map(gamma).collect();
    let sum: f64 = draws.iter().sum();
    draws.into_iter().map(|draw| draw / sum).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Matrix;
    use crate::query::Signals;

    /// Proposes the candidates of one half of the pool first.
    struct Half(bool);

    impl Strategy for Half {
        fn select(&mut self, view: &PoolView<'_>, batch: usize, _key: Key) -> Result<Vec<RowId>> {
            let mut rows = view.candidates().to_vec();
            if self.0 {
                rows.reverse();
            }
            rows.truncate(batch);
            Ok(rows)
        }
    }

    #[test]
    fn rare_classes_are_worth_more_and_majorities_less_than_nothing() {
        assert_eq!(values(&[0, 0, 0, 1], 3), [-1.0 / 3.0, 1.0, 1.0]);
        assert_eq!(values(&[], 2), [1.0, 1.0]);
        assert_eq!(values(&[0, 1], 2), [1.0, 1.0]);
    }

    #[test]
    fn dirichlet_draws_have_the_posterior_mean() {
        let mut rng = Key::root(3).rng();
        let mut mean = [0.0; 2];
        for _ in 0..5_000 {
            let draw = dirichlet(&[3.0, 0.0], &mut rng);
            mean[0] += draw[0] / 5_000.0;
            mean[1] += draw[1] / 5_000.0;
        }
        assert!((mean[0] - 0.8).abs() < 0.01 && (mean[1] - 0.2).abs() < 0.01, "{mean:?}");
    }

    /// The arm that brings the rare class is followed more and more.
    #[test]
    fn follows_the_arm_that_brings_rare_labels() {
        let n = 400u32;
        // The upper half holds class 1, which starts out rare.
        let label = |row: &RowId| u32::from(row.0 >= 200);
        let inputs = Matrix::zeros(n as usize, 1);
        let signals = Signals::default();
        let arms: Vec<Box<dyn Strategy>> = vec![Box::new(Half(false)), Box::new(Half(true))];
        let mut tailor = Tailor { counts: vec![Vec::new(); 2], arms, pending: Vec::new() };
        let mut labelled: Vec<RowId> = (0..60).map(RowId).collect();
        for round in 0..6 {
            let labels: Vec<u32> = labelled.iter().map(label).collect();
            let candidates: Vec<RowId> = (0..n).map(RowId).filter(|row| !labelled.contains(row)).collect();
            let view = PoolView::new(inputs.view(), &labelled, &labels, &candidates, 2, &signals);
            labelled.extend(tailor.select(&view, 8, Key::root(1).at(round)).unwrap());
        }
        let rare = labelled.iter().filter(|row| label(row) == 1).count();
        assert!(rare > 30, "{rare} of 48");
    }
}
