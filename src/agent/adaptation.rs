//! A policy that finds out on the target whether it helps there.
//!
//! Some queries are left to the arm that the policy's guard names, and both are judged by what their queries did
//! for the classifier, in the labels in hand alone: the fall of the out-of-fold loss of the labels that were
//! there before. Which of the two asks next is drawn by Thompson sampling (Thompson, Biometrika 1933; Chapelle
//! & Li, NeurIPS 2011) with a normal posterior, whose prior is what the source tasks say: that the policy
//! is ahead. No label beyond the budget is read, and none is bought for it.

use super::policy::Policy;
use super::strategy::{Choice, PolicyStrategy};
use crate::data::{MatrixView, RowId};
use crate::error::Result;
use crate::query::{Needs, PoolView, Registry, Strategy};
use crate::rng::Key;
use rand_distr::{Distribution, StandardNormal};
use std::sync::Arc;

/// As many queries of each arm does the prior count for.
const PRIOR_QUERIES: f64 = 16.0;
/// By how much the policy's query is better before anything is seen, in standard deviations of a query's reward.
const PRIOR_LEAD: f64 = 0.5;
/// The smallest probability that enters a loss.
const SMALLEST: f32 = 1e-3;
/// The arm where the policy has no guard to name one.
const FALLBACK: &str = "margin";
const NAMES: [&str; 2] = ["the policy", "the fallback"];

/// What is known of an arm.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Arm {
    queries: f64,
    sum: f64,
}

/// A query that has not been judged yet.
#[derive(Debug)]
struct Asked {
    arm: usize,
    /// Out-of-fold losses of the labels in hand before it, in the order in which they were bought.
    losses: Vec<f64>,
}

/// A frozen policy and its fallback, with what the present episode says of both.
pub struct AdaptedPolicy {
    arms: [Box<dyn Strategy>; 2],
    known: [Arm; 2],
    /// Rewards so far: how many, and the sum of their squares.
    rewards: (f64, f64),
    last: Option<Asked>,
    note: Option<String>,
}

impl AdaptedPolicy {
    /// # Errors
    /// If the guard's fallback is no strategy.
    pub fn new(policy: Arc<Policy>) -> Result<Self> {
        let guard = policy.card().guard.as_ref();
        let fallback = Registry::builtin().build(guard.map_or(FALLBACK, |guard| &guard.fallback))?;
        let arms: [Box<dyn Strategy>; 2] = [Box::new(PolicyStrategy::new(policy, Choice::Greedy)), fallback];
        Ok(Self { arms, known: [Arm::default(); 2], rewards: (0.0, 0.0), last: None, note: None })
    }

    /// Judges the last query by the losses now.
    fn judge(&mut self, losses: Option<&[f64]>) {
        let (Some(last), Some(losses)) = (self.last.take(), losses) else { return };
        let before = last.losses.iter().sum::<f64>();
        let after = losses.iter().take(last.losses.len()).sum::<f64>();
        let reward = (before - after) / last.losses.len().max(1) as f64;
        self.rewards = (self.rewards.0 + 1.0, self.rewards.1 + reward * reward);
        self.known[last.arm].queries += 1.0;
        self.known[last.arm].sum += reward;
    }

    /// The arm to ask: the one whose drawn worth is larger.
    fn draw(&self, key: Key) -> usize {
        let mut rng = key.rng();
        let deviation = match self.rewards {
            (count, squares) if squares > 0.0 => (squares / count).sqrt(),
            _ => 1.0,
        };
        let mut worth = |arm: usize, prior: f64| {
            let Arm { queries, sum } = self.known[arm];
            let total = queries + PRIOR_QUERIES;
            let mean = (sum / deviation + PRIOR_QUERIES * prior) / total;
            let noise: f64 = StandardNormal.sample(&mut rng);
            mean + noise / total.sqrt()
        };
        let (policy, fallback) = (worth(0, PRIOR_LEAD), worth(1, 0.0));
        usize::from(fallback > policy)
    }
}

/// The negative log-likelihood of every labelled row.
fn losses(probabilities: MatrixView<'_>, labels: &[u32]) -> Vec<f64> {
    let one =
        |(row, &label): (usize, &u32)| -f64::from(probabilities.row(row)[label as usize].max(SMALLEST)).ln();
    labels.iter().enumerate().map(one).collect()
}

impl Strategy for AdaptedPolicy {
    fn select(&mut self, view: &PoolView<'_>, batch: usize, key: Key) -> Result<Vec<RowId>> {
        let now = view.out_of_fold()?.map(|probabilities| losses(probabilities, view.labels()));
        self.judge(now.as_deref());
        let arm = self.draw(key.named("arm"));
        let rows = self.arms[arm].select(view, batch, key)?;
        let note = self.arms[arm].note().map_or(String::new(), |note| format!(": {note}"));
        self.note = Some(format!("asked by {}{note}", NAMES[arm]));
        self.last = now.map(|losses| Asked { arm, losses });
        Ok(rows)
    }

    fn needs(&self) -> Needs {
        let own = Needs { out_of_fold: true, ..Needs::NONE };
        self.arms.iter().fold(own, |needs, arm| needs.union(arm.needs()))
    }

    fn note(&self) -> Option<String> {
        self.note.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::super::card::Provenance;
    use super::super::network::{Kind, Network, NetworkConfig};
    use super::*;
    use crate::data::Matrix;
    use crate::episode::features::SCHEMA;

    fn adapted() -> AdaptedPolicy {
        let config = NetworkConfig { kind: Kind::Linear, ..NetworkConfig::default() };
        let (features, globals) = (SCHEMA.candidate.len(), SCHEMA.global.len());
        let network = Network::new(config, features, globals, Key::root(1)).unwrap();
        let policy = Policy::new(network, &SCHEMA, Provenance::default()).unwrap();
        AdaptedPolicy::new(Arc::new(policy)).unwrap()
    }

    /// How often the policy would ask, of 2,000 draws.
    fn share(adapted: &AdaptedPolicy) -> f64 {
        (0..2_000).filter(|&seed| adapted.draw(Key::root(seed)) == 0).count() as f64 / 2_000.0
    }

    /// Plays `rounds` queries of which those of `arm` lower the loss of three rows by `gain` each, and the
    /// others raise it.
    fn played(arm: usize, gain: f64, rounds: usize) -> AdaptedPolicy {
        let mut adapted = adapted();
        for round in 0..rounds {
            let asked = round % 2;
            let after = 1.0 - if asked == arm { gain } else { -gain };
            adapted.last = Some(Asked { arm: asked, losses: vec![1.0; 3] });
            // The fourth row is the one that was bought: its loss does not count.
            adapted.judge(Some(&[after, after, after, 99.0]));
        }
        adapted
    }

    #[test]
    fn the_prior_leans_to_the_policy_and_the_target_may_turn_it() {
        // The difference of two normals of variance 1/16 each with mean 1/2 is above zero with probability
        // Phi(0.5 / sqrt(1/8)) = 0.921.
        assert!((share(&adapted()) - 0.921).abs() < 0.02);
        let (for_policy, against) = (played(0, 0.1, 30), played(1, 0.1, 30));
        assert!((for_policy.known[0].sum - 1.5).abs() < 1e-9, "{:?}", for_policy.known);
        assert!(share(&for_policy) > 0.99);
        assert!(share(&against) < 0.25);
        // Rewards are measured in their own spread: a hundred times smaller ones say as much.
        assert!((share(&played(1, 0.001, 30)) - share(&against)).abs() < 1e-9);
    }

    #[test]
    fn without_out_of_fold_losses_nothing_is_learned() {
        let mut adapted = adapted();
        adapted.last = Some(Asked { arm: 1, losses: vec![1.0; 3] });
        adapted.judge(None);
        assert_eq!((adapted.known, adapted.rewards), ([Arm::default(); 2], (0.0, 0.0)));
        assert!(adapted.last.is_none());
    }

    #[test]
    fn losses_by_hand() {
        let p = Matrix::new(vec![0.5, 0.5, 0.0, 1.0], 2, 2);
        let found = losses(p.view(), &[0, 0]);
        assert!((found[0] - 2f64.ln()).abs() < 1e-6 && (found[1] - 1_000f64.ln()).abs() < 1e-4);
    }
}
