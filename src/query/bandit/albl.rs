//! ALBL: active learning by learning, an Exp4.P bandit over strategies.

use super::arms::{self, MAX_ARMS, Proposals, Weights};
use crate::data::RowId;
use crate::error::Result;
use crate::query::draw;
use crate::query::registry::{Built, Card, Entry, Family};
use crate::query::wrapper::class_balanced::predicted;
use crate::query::{Needs, PoolView, Size, Strategy};
use crate::rng::Key;

/// Chance that the bound of Exp4.P fails.
const DELTA: f64 = 0.1;
/// Labels that will be bought in all, where neither a parameter nor the view says it.
const HORIZON: usize = 100;

pub(super) const ENTRY: Entry = Entry {
    card: Card {
        name: "albl",
        summary: "an Exp4.P bandit over strategies, rewarded by importance-weighted accuracy",
        paper: "Hsu & Lin, AAAI 2015",
        family: Family::Bandit,
        needs: Needs { probabilities: true, embeddings: true, head: true, labels: true, ..Needs::NONE },
        cost: "time L C d + b n and the arms', memory b per arm",
        example: "albl(margin,k_center)",
        deterministic: false,
    },
    make: |params| {
        let horizon = params.optional_count("horizon", 1..=100_000_000)?;
        Built::batch(Albl::new(params.strategies(2..=MAX_ARMS)?, horizon))
    },
};

/// Each pick is drawn from a mixture of the arms' proposals (each arm's best free candidate) and a uniform
/// arm, mixed by weight with at least `p_min` for each. When the labels of a batch are there, the reward
/// is the importance-weighted accuracy of the current model on all rows asked for so far,
/// `sum 1[f(x) = y] / q(x) / (rows * horizon)`, and the arms that proposed the picks gain by it.
///
/// Differs from the paper in that a draw always is a candidate: arms do not propose labelled rows.
pub struct Albl {
    arms: Vec<Box<dyn Strategy>>,
    /// Labels that will be bought in all; `None` for the budget that the view tells, or [`HORIZON`] where it tells
    /// none.
    horizon: Option<usize>,
    /// The uniform arm is the last.
    weights: Weights,
    /// Rows asked for in earlier rounds with the probability that they were drawn with.
    asked: Vec<(RowId, f64)>,
    /// The picks of the last round, whose reward is still to come.
    pending: Vec<Draw>,
}

/// One pick and how it came about.
#[derive(Clone, Debug)]
struct Draw {
    row: RowId,
    /// Probability that the mixture gave it.
    q: f64,
    /// Probability of each arm.
    p: Vec<f64>,
    /// Probability that each arm gave the row.
    advice: Vec<f64>,
}

impl Albl {
    /// A bandit over `arms` and a uniform one.
    pub fn new(arms: Vec<Box<dyn Strategy>>, horizon: Option<usize>) -> Self {
        let weights = Weights::equal(arms.len() + 1);
        Self { arms, horizon, weights, asked: Vec::new(), pending: Vec::new() }
    }

    /// Labels that will be bought in all.
    fn horizon(&self, view: &PoolView<'_>) -> usize {
        let budget = view.signals().progress.budget;
        self.horizon.unwrap_or(if budget > 0 { budget } else { HORIZON })
    }

    /// Probability of each arm: by weight, but at least `p_min`.
    fn mixture(&self, horizon: usize) -> Vec<f64> {
        let shares = self.weights.shares();
        let least = p_min(shares.len(), horizon);
        shares.iter().map(|share| (1.0 - shares.len() as f64 * least) * share + least).collect()
    }

    /// Rewards the arms for the last batch, now that its labels are there.
    fn learn(&mut self, view: &PoolView<'_>) -> Result<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let pending = std::mem::take(&mut self.pending);
        self.asked.extend(pending.iter().map(|draw| (draw.row, draw.q)));
        let correct = correct(view)?;
        let hits: f64 = self
            .asked
            .iter()
            .filter(|(row, _)| correct.binary_search(row).is_ok())
            .map(|(_, q)| 1.0 / q)
            .sum();
        let (rows, horizon) = (view.labelled().len() + view.candidates().len(), self.horizon(view));
        let reward = hits / (rows as f64 * horizon as f64);
        let n = self.arms.len() + 1;
        let least = p_min(n, horizon);
        let bonus = ((n as f64 / DELTA).ln() / (n as f64 * horizon as f64)).sqrt();
        for draw in &pending {
            for arm in 0..n {
                let gain = reward * draw.advice[arm] / draw.q;
                self.weights.grow(arm, least / 2.0 * (gain + bonus / draw.p[arm]));
            }
        }
        Ok(())
    }
}

impl Strategy for Albl {
    fn select(&mut self, view: &PoolView<'_>, batch: usize, key: Key) -> Result<Vec<RowId>> {
        view.check(self.needs())?;
        self.learn(view)?;
        let batch = batch.min(view.candidates().len());
        let mut proposals = Proposals::ask(&mut self.arms, view, batch, key.named("arms"))?;
        let mut rng = key.named("albl").rng();
        let p = self.mixture(self.horizon(view));
        let uniform = self.arms.len();
        let mut open = view.candidates().to_vec();
        let mut picks = Vec::with_capacity(batch);
        while picks.len() < batch {
            let best: Vec<Option<RowId>> = (0..uniform).map(|arm| proposals.best(arm)).collect();
            let arm = draw::proportional(p.len(), |arm| p[arm], &mut rng).unwrap_or(uniform);
            let place = draw::proportional(open.len(), |_| 1.0, &mut rng).unwrap_or(0);
            let row = best.get(arm).copied().flatten().unwrap_or(open[place]);
            let each = 1.0 / open.len() as f64;
            let mut advice: Vec<f64> =
                best.iter().map(|best| best.map_or(each, |best| f64::from(best == row))).collect();
            advice.push(each);
            let q = p.iter().zip(&advice).map(|(p, advice)| p * advice).sum();
            self.pending.push(Draw { row, q, p: p.clone(), advice });
            proposals.take(row);
            open.retain(|&other| other != row);
            picks.push(row);
        }
        Ok(picks)
    }

    fn needs(&self) -> Needs {
        arms::needs(&self.arms).union(Needs { embeddings: true, head: true, labels: true, ..Needs::NONE })
    }

    fn note(&self) -> Option<String> {
        arms::note(&self.arms)
    }

    fn memory(&self, size: &Size) -> u64 {
        arms::memory(&self.arms, size)
    }
}

/// The least probability of an arm: `sqrt(ln N / (N T))`, at most `1 / N`.
fn p_min(arms: usize, horizon: usize) -> f64 {
    let n = arms as f64;
    (n.ln() / (n * horizon as f64)).sqrt().min(1.0 / n)
}

/// The labelled rows that the model classifies correctly, ascending.
fn correct(view: &PoolView<'_>) -> Result<Vec<RowId>> {
    let p = view.head()?.probabilities(view.labelled_rows(view.embeddings()?));
    let mut correct: Vec<RowId> = (view.labelled().iter().zip(view.labels()).enumerate())
        .filter(|(place, (_, label))| predicted(p.row(*place)) == **label as usize)
        .map(|(_, (&row, _))| row)
        .collect();
    correct.sort_unstable();
    Ok(correct)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Matrix;
    use crate::query::{Head, Progress, Signals};

    /// Proposes rows in the order of their ids, or against it.
    struct Ordered {
        ascending: bool,
    }

    impl Strategy for Ordered {
        fn select(&mut self, view: &PoolView<'_>, batch: usize, _key: Key) -> Result<Vec<RowId>> {
            let mut rows = view.candidates().to_vec();
            if !self.ascending {
                rows.reverse();
            }
            rows.truncate(batch);
            Ok(rows)
        }
    }

    #[test]
    fn worked_example() {
        assert!((p_min(3, 100) - 0.0605).abs() < 5e-5);
        assert_eq!(p_min(3, 1), 1.0 / 3.0);
    }

    /// One arm proposes rows that the model classifies correctly once they are labelled, the other rows
    /// that it does not: weight moves to the first.
    #[test]
    fn weight_goes_to_the_arm_that_is_rewarded() {
        let n = 200u32;
        // The model says class 0 to all; low ids are class 0, high ids class 1.
        let signals = Signals {
            embeddings: Some(Matrix::zeros(n as usize, 1)),
            head: Some(Head { weights: Matrix::zeros(2, 1), bias: vec![1.0, 0.0] }),
            ..Signals::default()
        };
        let inputs = Matrix::zeros(n as usize, 1);
        let arms: Vec<Box<dyn Strategy>> =
            vec![Box::new(Ordered { ascending: true }), Box::new(Ordered { ascending: false })];
        let mut albl = Albl::new(arms, Some(20));
        let mut labelled: Vec<RowId> = Vec::new();
        for round in 0..60 {
            let labels: Vec<u32> = labelled.iter().map(|row| u32::from(row.0 >= 100)).collect();
            let candidates: Vec<RowId> = (0..n).map(RowId).filter(|row| !labelled.contains(row)).collect();
            let view = PoolView::new(inputs.view(), &labelled, &labels, &candidates, 2, &signals);
            let picks = albl.select(&view, 1, Key::root(7).at(round)).unwrap();
            labelled.extend(picks);
        }
        let shares = albl.weights.shares();
        assert!(shares[0] > 2.0 * shares[1], "{shares:?}");
    }

    /// The horizon was 100 whatever the budget, so that the arms of an episode of 30 queries were hardly told apart.
    #[test]
    fn the_horizon_is_the_budget_of_the_episode() {
        let inputs = Matrix::zeros(6, 1);
        let candidates: Vec<RowId> = (0..6).map(RowId).collect();
        let of = |horizon: &str, budget| {
            let signals = Signals {
                embeddings: Some(Matrix::zeros(6, 1)),
                head: Some(Head { weights: Matrix::zeros(2, 1), bias: vec![0.0; 2] }),
                progress: Progress { spent: 0, budget },
                ..Signals::default()
            };
            let view = PoolView::new(inputs.view(), &[], &[], &candidates, 2, &signals);
            let arms: Vec<Box<dyn Strategy>> =
                (0..3).map(|arm| -> Box<dyn Strategy> { Box::new(Ordered { ascending: arm > 0 }) }).collect();
            let mut albl = Albl::new(arms, horizon.parse().ok());
            albl.select(&view, 1, Key::root(0)).unwrap();
            albl.horizon(&view)
        };
        assert_eq!((of("", 30), of("", 0), of("7", 30)), (30, HORIZON, 7));
        // Four arms over 30 labels: at least .107 each, where a horizon of 100 made it .059.
        assert!((p_min(4, 30) - 0.107).abs() < 1e-3 && (p_min(4, 100) - 0.059).abs() < 1e-3);
    }

    #[test]
    fn draws_have_the_probability_that_is_recorded() {
        let n = 5;
        let signals = Signals {
            embeddings: Some(Matrix::zeros(n, 1)),
            head: Some(Head { weights: Matrix::zeros(2, 1), bias: vec![0.0; 2] }),
            ..Signals::default()
        };
        let inputs = Matrix::zeros(n, 1);
        let candidates: Vec<RowId> = (0..n as u32).map(RowId).collect();
        let view = PoolView::new(inputs.view(), &[], &[], &candidates, 2, &signals);
        let mut counts = vec![0.0; n];
        let mut expected = vec![0.0; n];
        for seed in 0..4_000 {
            let arms: Vec<Box<dyn Strategy>> =
                vec![Box::new(Ordered { ascending: true }), Box::new(Ordered { ascending: false })];
            let mut albl = Albl::new(arms, Some(100));
            let row = albl.select(&view, 1, Key::root(seed)).unwrap()[0].index();
            counts[row] += 1.0 / 4_000.0;
            expected[row] = albl.pending[0].q;
        }
        for (count, q) in counts.iter().zip(expected) {
            assert!((count - q).abs() < 0.03, "{counts:?}");
        }
    }
}
