//! TAILOR: Thompson sampling over strategies, within the batch, for rare classes.

use super::arms::{self, MAX_ARMS, Proposals};
use crate::data::{RowId, TargetKind};
use crate::error::Result;
use crate::query::registry::{Built, Card, Entry, Family};
use crate::query::{Kinds, Needs, PoolView, Size, Strategy};
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
        example: "tailor(badge,k_center)",
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
///
/// Where targets are sets of labels, as in most of the paper, every label has a Beta posterior of its own per arm, over whether
/// a pick has it, in place of the one distribution over classes; a label is worth what a class is, by the rows that have it.
pub struct Tailor {
    arms: Vec<Box<dyn Strategy>>,
    /// Per arm and class, or label, discounted counts of its picks that turned out to be or have it, and of those that did not.
    counts: Vec<Vec<[f64; 2]>>,
    /// The picks of the last round with the arm that chose them.
    pending: Vec<(RowId, usize)>,
}

impl Strategy for Tailor {
    fn select(&mut self, view: &PoolView<'_>, batch: usize, key: Key) -> Result<Vec<RowId>> {
        view.check(self.needs())?;
        self.learn(view);
        let values = values(view.kind(), view.labels(), view.classes());
        let mut rng = key.named("tailor").rng();
        let batch = batch.min(view.candidates().len());
        let mut proposals = Proposals::ask(&mut self.arms, view, batch, key.named("arms"))?;
        let mut picks = Vec::with_capacity(batch);
        while picks.len() < batch {
            let mut best: Option<(f64, usize)> = None;
            for (arm, counts) in self.counts.iter().enumerate() {
                let theta = match view.kind() {
                    TargetKind::MultiLabel => betas(counts, &mut rng),
                    _ => dirichlet(counts, &mut rng),
                };
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

    fn kinds(&self) -> Kinds {
        arms::kinds(&self.arms).and(Kinds::PROBABLE)
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
            counts.resize(view.classes(), [0.0; 2]);
            counts.iter_mut().flatten().for_each(|count| *count *= DISCOUNT);
        }
        let known: HashMap<RowId, u32> =
            view.labelled().iter().copied().zip(view.labels().iter().copied()).collect();
        for (row, arm) in std::mem::take(&mut self.pending) {
            // A pick that was not labelled after all teaches nothing.
            if let Some(&label) = known.get(&row) {
                for (name, [with, without]) in self.counts[arm].iter_mut().enumerate() {
                    *if view.kind().holds(label, name) { with } else { without } += 1.0;
                }
            }
        }
    }
}

/// What a row of each class, or with each label, is worth.
fn values(kind: TargetKind, labels: &[u32], classes: usize) -> Vec<f64> {
    let value = |name: usize| {
        let count = labels.iter().filter(|&&label| kind.holds(label, name)).count();
        let worth = 1.0 / count.max(1) as f64;
        if 2 * count > labels.len() { -worth } else { worth }
    };
    (0..classes).map(value).collect()
}

/// A draw from the gamma distribution of shape `count + 1`.
fn gamma(count: f64, rng: &mut impl rand::Rng) -> f64 {
    Gamma::new(count + 1.0, 1.0).map_or(1.0, |gamma| gamma.sample(rng))
}

/// A draw of the classes' shares from the Dirichlet distribution of the first counts, each plus 1.
fn dirichlet(counts: &[[f64; 2]], rng: &mut impl rand::Rng) -> Vec<f64> {
    let draws: Vec<f64> = counts.iter().map(|&[with, _]| gamma(with, rng)).collect();
    let sum: f64 = draws.iter().sum();
    draws.into_iter().map(|draw| draw / sum).collect()
}

/// A draw of the labels' shares, each from the Beta distribution of both of its counts, each plus 1.
fn betas(counts: &[[f64; 2]], rng: &mut impl rand::Rng) -> Vec<f64> {
    let beta = |&[with, without]: &[f64; 2]| {
        let (with, without) = (gamma(with, rng), gamma(without, rng));
        with / (with + without)
    };
    counts.iter().map(beta).collect()
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
        let classes = |labels: &[u32], classes| values(TargetKind::Class, labels, classes);
        assert_eq!(classes(&[0, 0, 0, 1], 3), [-1.0 / 3.0, 1.0, 1.0]);
        assert_eq!(classes(&[], 2), [1.0, 1.0]);
        assert_eq!(classes(&[0, 1], 2), [1.0, 1.0]);
        // Label 0 is in three rows of four, label 1 in two, label 2 in none.
        let sets = values(TargetKind::MultiLabel, &[0b011, 0b001, 0b011, 0b000], 3);
        assert_eq!(sets, [-1.0 / 3.0, 0.5, 1.0]);
    }

    #[test]
    fn dirichlet_draws_have_the_posterior_mean() {
        let mut rng = Key::root(3).rng();
        let mut mean = [0.0; 2];
        for _ in 0..5_000 {
            let draw = dirichlet(&[[3.0, 0.0], [0.0, 3.0]], &mut rng);
            mean[0] += draw[0] / 5_000.0;
            mean[1] += draw[1] / 5_000.0;
        }
        assert!((mean[0] - 0.8).abs() < 0.01 && (mean[1] - 0.2).abs() < 0.01, "{mean:?}");
    }

    /// Of a label that 3 of 3 picks had, 4/5, and of one that 1 of 4 had, 1/3, each by itself.
    #[test]
    fn beta_draws_have_the_posterior_mean() {
        let mut rng = Key::root(4).rng();
        let mut mean = [0.0; 2];
        for _ in 0..5_000 {
            let draw = betas(&[[3.0, 0.0], [1.0, 3.0]], &mut rng);
            mean[0] += draw[0] / 5_000.0;
            mean[1] += draw[1] / 5_000.0;
        }
        assert!((mean[0] - 0.8).abs() < 0.01 && (mean[1] - 1.0 / 3.0).abs() < 0.01, "{mean:?}");
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
