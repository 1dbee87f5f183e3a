//! Stochastic batches over any score: the best `b` of randomly perturbed scores.

use crate::error::Result;
use crate::query::registry::{Built, Card, Entry, Family, Params};
use crate::query::score::top_places;
use crate::query::{Kinds, Needs, PoolView, Score};
use crate::rng::Key;

/// Below every key that a positive score can have, for scores that the power rule cannot take.
const LAST: f64 = -1e9;

const fn card(name: &'static str, summary: &'static str, example: &'static str) -> Card {
    Card {
        name,
        summary,
        paper: "Kirsch, Farquhar, Atighehchian, Jesson, Branchaud-Charron & Gal, TMLR 2023",
        family: Family::Wrapper,
        needs: Needs { probabilities: true, ..Needs::NONE },
        cost: "time n log n, memory n, and the score's",
        example,
        deterministic: false,
    }
}

pub(super) const POWER: Entry = Entry {
    card: card("power", "a batch drawn with probability proportional to score^beta", "power(margin)"),
    make: |params| stochastic(params, Rule::Power),
};

pub(super) const SOFTMAX: Entry = Entry {
    card: card(
        "softmax",
        "a batch drawn with probability proportional to exp(beta score)",
        "softmax(entropy)",
    ),
    make: |params| stochastic(params, Rule::Softmax),
};

pub(super) const SOFT_RANK: Entry = Entry {
    card: card("soft_rank", "a batch drawn with probability proportional to rank^-beta", "soft_rank(margin)"),
    make: |params| stochastic(params, Rule::SoftRank),
};

fn stochastic(params: &mut Params<'_>, rule: Rule) -> Result<Built> {
    let beta = params.real("beta", 1.0, 0.0..=1e4)?;
    Built::score(Stochastic { rule, beta, inner: params.inner_score()? })
}

/// How a score becomes a weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// `s^beta`; scores that are not positive are taken last, at random.
    Power,
    /// `exp(beta s)`.
    Softmax,
    /// `rank^-beta`, rank 1 for the highest score.
    SoftRank,
}

/// A score perturbed by Gumbel noise: its best `b` are a draw without replacement by weight.
pub struct Stochastic {
    pub rule: Rule,
    /// Zero is a uniform draw; the larger, the closer to the best `b`.
    pub beta: f64,
    pub inner: Box<dyn Score>,
}

impl Score for Stochastic {
    fn score(&mut self, view: &PoolView<'_>, key: Key) -> Result<Vec<f64>> {
        let mut scores = self.inner.score(view, key.named("inner"))?;
        match self.rule {
            Rule::Power => {
                for score in &mut scores {
                    *score = if *score > 0.0 { self.beta * score.ln() } else { LAST };
                }
            }
            Rule::Softmax => scores.iter_mut().for_each(|score| *score *= self.beta),
            Rule::SoftRank => {
                let order = top_places(view.candidates(), &scores, scores.len(), view.ties(key))?;
                for (rank, place) in order.into_iter().enumerate() {
                    scores[place] = -self.beta * (rank as f64 + 1.0).ln();
                }
            }
        }
        let draws = view.draws(key.named("gumbel"));
        for (score, &row) in scores.iter_mut().zip(view.candidates()) {
            *score += draws.gumbel(row);
        }
        Ok(scores)
    }

    fn needs(&self) -> Needs {
        self.inner.needs()
    }

    fn kinds(&self) -> Kinds {
        self.inner.kinds()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Matrix, RowId};
    use crate::query::score::TopScore;
    use crate::query::{Signals, Strategy};

    struct Fixed(Vec<f64>);

    impl Score for Fixed {
        fn score(&mut self, _view: &PoolView<'_>, _key: Key) -> Result<Vec<f64>> {
            Ok(self.0.clone())
        }
        fn needs(&self) -> Needs {
            Needs::NONE
        }
    }

    /// How often each row comes first in 10,000 draws.
    fn first(rule: Rule, beta: f64, scores: &[f64]) -> Vec<usize> {
        let inputs = Matrix::zeros(scores.len(), 1);
        let candidates: Vec<RowId> = (0..scores.len() as u32).map(RowId).collect();
        let signals = Signals::default();
        let view = PoolView::new(inputs.view(), &[], &[], &candidates, 2, &signals);
        let mut strategy = TopScore::new(Stochastic { rule, beta, inner: Box::new(Fixed(scores.to_vec())) });
        let mut counts = vec![0; scores.len()];
        for seed in 0..10_000 {
            counts[strategy.select(&view, 1, Key::root(seed)).unwrap()[0].index()] += 1;
        }
        counts
    }

    fn close(counts: &[usize], shares: &[f64]) {
        for (&count, share) in counts.iter().zip(shares) {
            assert!((count as f64 / 1e4 - share).abs() < 0.013, "{counts:?} {shares:?}");
        }
    }

    #[test]
    fn draws_follow_the_weights() {
        close(&first(Rule::Power, 1.0, &[1.0, 3.0]), &[0.25, 0.75]);
        close(&first(Rule::Power, 2.0, &[1.0, 3.0]), &[0.1, 0.9]);
        close(&first(Rule::Softmax, 1.0, &[0.0, 3f64.ln()]), &[0.25, 0.75]);
        close(&first(Rule::SoftRank, 1.0, &[5.0, 4.0, -9.0]), &[6.0 / 11.0, 3.0 / 11.0, 2.0 / 11.0]);
        close(&first(Rule::Power, 0.0, &[1.0, 3.0]), &[0.5, 0.5]);
    }

    #[test]
    fn what_is_not_positive_comes_last_and_at_random() {
        assert_eq!(first(Rule::Power, 1.0, &[0.0, 1e-300, -2.0])[1], 10_000);
        close(&first(Rule::Power, 1.0, &[0.0, -2.0]), &[0.5, 0.5]);
    }
}
