//! A policy that finds out on the target whether it helps there.
//!
//! Some queries are left to the arm that the policy's guard names, and both are judged by what their queries did
//! for the classifier, in the labels in hand alone: the fall of the out-of-fold loss of the labels that were
//! there before. Which of the two asks next is drawn by Thompson sampling (Thompson, Biometrika 1933; Chapelle
//! & Li, NeurIPS 2011) with a normal posterior, whose prior is what the source tasks say: that the policy
//! is ahead. No label beyond the budget is read, and none is bought for it. Of queries whose answers are late, and of
//! those that nobody answered, [`Rewards`] says when they are judged.

use super::policy::Policy;
use super::strategy::{Choice, PolicyStrategy};
use crate::data::RowId;
use crate::error::Result;
use crate::query::rewards::Rewards;
use crate::query::{Needs, PoolView, Registry, Strategy};
use crate::rng::Key;
use rand_distr::{Distribution, StandardNormal};
use std::sync::Arc;

/// As many queries of each arm does the prior count for.
const PRIOR_QUERIES: f64 = 16.0;
/// By how much the policy's query is better before anything is seen, in standard deviations of a query's reward.
const PRIOR_LEAD: f64 = 0.5;
/// The arm where the policy has no guard to name one.
const FALLBACK: &str = "margin";
const NAMES: [&str; 2] = ["the policy", "the fallback"];

/// What is known of an arm.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Arm {
    queries: f64,
    sum: f64,
}

/// A frozen policy and its fallback, with what the present episode says of both.
pub struct AdaptedPolicy {
    arms: [Box<dyn Strategy>; 2],
    known: [Arm; 2],
    /// Rewards so far: how many, and the sum of their squares.
    seen: (f64, f64),
    /// Queries that were not judged yet, by the arm that asked.
    rewards: Rewards<usize>,
    note: Option<String>,
}

impl AdaptedPolicy {
    /// # Errors
    /// If the guard's fallback is no strategy.
    pub fn new(policy: Arc<Policy>) -> Result<Self> {
        let guard = policy.card().guard.as_ref();
        let fallback = Registry::builtin().build(guard.map_or(FALLBACK, |guard| &guard.fallback))?;
        let arms: [Box<dyn Strategy>; 2] = [Box::new(PolicyStrategy::new(policy, Choice::Greedy)), fallback];
        let known = [Arm::default(); 2];
        Ok(Self { arms, known, seen: (0.0, 0.0), rewards: Rewards::default(), note: None })
    }

    /// Learns of a query by this arm.
    fn learn(&mut self, arm: usize, reward: f64) {
        self.seen = (self.seen.0 + 1.0, self.seen.1 + reward * reward);
        self.known[arm].queries += 1.0;
        self.known[arm].sum += reward;
    }

    /// The arm to ask: the one whose drawn worth is larger.
    fn draw(&self, key: Key) -> usize {
        let mut rng = key.rng();
        let deviation = match self.seen {
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

impl Strategy for AdaptedPolicy {
    fn select(&mut self, view: &PoolView<'_>, batch: usize, key: Key) -> Result<Vec<RowId>> {
        for (arm, reward) in self.rewards.judged(view)? {
            self.learn(arm, reward);
        }
        let arm = self.draw(key.named("arm"));
        let rows = self.arms[arm].select(view, batch, key)?;
        let note = self.arms[arm].note().map_or(String::new(), |note| format!(": {note}"));
        self.note = Some(format!("asked by {}{note}", NAMES[arm]));
        self.rewards.asked(arm, &rows);
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
            adapted.learn(asked, if asked == arm { gain } else { -gain });
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
}
