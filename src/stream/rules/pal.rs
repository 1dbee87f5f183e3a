//! A learned policy that scores keeping and skipping.

use crate::error::Result;
use crate::stream::error::StreamError;
use crate::stream::moments::Moments;
use crate::stream::pal::{KEEP, PalPolicy, SKIP, Watch};
use crate::stream::{Decision, Draws, Look, Offer, Reason, StreamRule};
use std::sync::Arc;

/// Keeps a row where a [`PalPolicy`] scores that higher than skipping it.
///
/// The policy was trained on streams of a known length, and sees how much of stream and budget is left. A stream without an
/// end is taken as one such stream after another: in each, the budget has its share to give, with what is left of those
/// before. So of `n` rows at most `budget · (n + rows)` are kept. Distances are on columns brought to a spread of 1 by the
/// rows so far, offered or labelled.
pub struct Pal {
    policy: Arc<PalPolicy>,
    budget: f64,
    watch: Watch,
    moments: Moments,
    seen: u64,
    kept: u64,
}

impl Pal {
    /// A rule that has seen nothing, with a checked `budget`.
    pub(in crate::stream) fn new(policy: Arc<PalPolicy>, budget: f64) -> Self {
        Self { policy, budget, watch: Watch::default(), moments: Moments::default(), seen: 0, kept: 0 }
    }

    /// The labels left of the present stream and of those before.
    fn left(&self) -> f64 {
        let begun = self.seen / self.policy.rows() + 1;
        self.budget * (begun * self.policy.rows()) as f64 - self.kept as f64
    }
}

impl StreamRule for Pal {
    fn offer(&mut self, offer: &Offer<'_>, _draws: &mut Draws<'_>) -> Decision {
        let open = self.left() >= 1.0;
        self.seen += 1;
        self.moments.push(offer.inputs);
        self.watch.pass(offer.confidence as f32);
        if !open {
            return Decision::skip(Reason::NoBudget);
        }
        let keep = offer.value > 0.0;
        self.kept += u64::from(keep);
        Decision { keep, reason: Reason::Learned }
    }

    /// By how much keeping scores above skipping.
    fn value(&self, look: &Look<'_>) -> Result<f64> {
        let rows = self.policy.rows();
        let stream_left = (rows - self.seen % rows) as f32 / rows as f32;
        let budget_left = (self.left() / (self.budget * rows as f64)).clamp(0.0, 1.0) as f32;
        let scaling = self.moments.scaling();
        let distance = self.watch.distance(look.inputs, |column| scaling.of(column));
        let seen = self.watch.look(look.probabilities, distance, stream_left, budget_left);
        let scores = self.policy.decider().scores(&seen)?;
        Ok(f64::from(scores[KEEP]) - f64::from(scores[SKIP]))
    }

    fn learn(&mut self, inputs: &[f32], label: u32) -> Result<(), StreamError> {
        // So that columns have a spread before the first offer, where rows come with their label.
        self.moments.push(inputs);
        self.watch.label(inputs, label);
        Ok(())
    }

    fn looks(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::Provenance;
    use crate::agent::decisions::Decider;
    use crate::agent::dqn::QNetwork;
    use crate::agent::dqn::network::{STATE, WEIGHTS};
    use crate::rng::Key;
    use crate::stream::pal::PalPlan;
    use crate::stream::{OnlineLearner, StreamEpisode, StreamPlan};

    const PLAN: PalPlan = PalPlan { rows: 50, labels: 5 };

    fn policy(weights: Vec<f32>) -> Arc<PalPolicy> {
        let decider = Decider::Values(QNetwork::from_weights(weights).unwrap());
        Arc::new(PalPolicy::new(&decider, &PLAN, Provenance::default()).unwrap())
    }

    /// One unit of the second layer reads whether the action is to keep.
    fn greedy() -> Vec<f32> {
        let mut weights = vec![0.0; WEIGHTS];
        weights[10 * STATE + 10 + 10] = 1.0;
        weights[WEIGHTS - 6] = 1.0;
        weights
    }

    /// A policy that would keep every row is held to the budget at every row, and what a stream did not spend is the next
    /// one's.
    #[test]
    fn a_greedy_policy_spends_the_budget_and_no_more() {
        let mut rule = Pal::new(policy(greedy()), 0.1);
        let learner = OnlineLearner::new(1, 10);
        let mut kept = Vec::new();
        for at in 0..400u64 {
            let inputs = [at as f32];
            let offer = Offer::of(&rule, &inputs, &learner).unwrap();
            assert!(offer.value > 0.0);
            if rule.offer(&offer, &mut Draws::given(&[])).keep {
                kept.push(at);
            }
            assert!(kept.len() as f64 <= 0.1 * (at + 51) as f64 + 1e-9);
        }
        // Five of every fifty, the first ones.
        assert_eq!(kept.len(), 40);
        assert!(kept.iter().all(|at| at % 50 < 5), "{kept:?}");
        let mut never: Vec<f32> = greedy();
        never[WEIGHTS - 6] = -1.0;
        let mut rule = Pal::new(policy(never), 0.1);
        let offer = Offer { confidence: 0.5, value: -0.1, classes: 2, inputs: &[1.0] };
        assert_eq!(rule.offer(&offer, &mut Draws::given(&[])), Decision::skip(Reason::Learned));
    }

    /// One that policy gradient would start from, whose scores are known by hand.
    #[test]
    fn a_policy_of_scores_decides_by_their_difference() {
        let rule = |keep: f32| {
            let decider = Decider::Policy(Decider::start([keep, 0.0, 0.0], Key::root(1)).unwrap());
            Pal::new(Arc::new(PalPolicy::new(&decider, &PLAN, Provenance::default()).unwrap()), 0.1)
        };
        for (keep, expected) in [(1.5, true), (-0.25, false), (0.0, false)] {
            let mut rule = rule(keep);
            let offer = Offer::of(&rule, &[1.0], &OnlineLearner::new(1, 10)).unwrap();
            assert_eq!(offer.value, f64::from(keep));
            assert_eq!(rule.offer(&offer, &mut Draws::given(&[])).keep, expected);
        }
    }

    /// As `a * x + b` of its numbers, a stream is decided on alike.
    #[test]
    fn units_of_columns_do_not_matter() {
        let run = |factor: f32| {
            let rule = Box::new(Pal::new(policy(QNetwork::new(0.0, Key::root(2)).weights().to_vec()), 0.2));
            let plan = StreamPlan { width: 2, ..StreamPlan::default() };
            let mut episode = StreamEpisode::new(plan, rule, Key::root(1)).unwrap();
            let one = |at: u64| {
                let x = (at * 37 % 101) as f32;
                let offered = episode.offer(&[x * factor, (at % 13) as f32]).unwrap();
                if offered.decision.keep {
                    episode.answer(at, u32::from(x > 50.0)).unwrap();
                }
                offered.decision.keep
            };
            (0..300).map(one).collect::<Vec<_>>()
        };
        assert_eq!(run(1.0), run(1024.0));
    }
}
