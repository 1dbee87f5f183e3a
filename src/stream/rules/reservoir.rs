//! A policy that was trained to choose from pools, on a stream.

use crate::agent::Policy;
use crate::episode::features::{NEIGHBOURS, observe};
use crate::error::Result;
use crate::query::{Nearest, Neighbours, PoolView, Registry, Signals};
use crate::rng::Key;
use crate::stream::error::StreamError;
use crate::stream::sliding_pool::{Described, SlidingPool};
use crate::stream::{Counted, Decision, Draws, Look, Offer, Reason, StreamRule};
use std::sync::Arc;

/// Rows over which what the budget is ahead or behind is made up for.
const WINDOW: f64 = 100.0;

/// Keeps a row that a pool [`Policy`] would ask for before most of the last [`RESERVOIR`](super::RESERVOIR) rows.
///
/// Those rows and the last labelled ones are the pool, scaled by themselves, and the policy describes and scores them with the
/// new row among them, as it would for a query of one; scaling and kernel components are made anew when a tenth of the pool
/// has changed, and old rows are forgotten then. What decides is the share of them that it wants more: the row is kept
/// where that is below what the budget has to give over the next hundred rows, `(budget · (n + 100) - kept) / 100`, which is
/// the budget itself while spending keeps pace. Where the policy's guard does not trust it, the guard's strategy ranks the
/// rows in its place. So of `n` rows at most `budget · (n + 100)` are kept.
pub struct Reservoir {
    policy: Arc<Policy>,
    spent: Counted,
    pool: SlidingPool,
}

impl Reservoir {
    /// A rule that has seen nothing, with a checked `budget`.
    pub(in crate::stream) fn new(policy: Arc<Policy>, budget: f64) -> Self {
        Self { policy, spent: Counted::new(budget), pool: SlidingPool::default() }
    }
}

impl StreamRule for Reservoir {
    fn offer(&mut self, offer: &Offer<'_>, _draws: &mut Draws<'_>) -> Decision {
        let ahead = self.spent.offer() + self.spent.budget() * WINDOW;
        self.pool.push(offer.inputs, None);
        if ahead < 1.0 {
            return Decision::skip(Reason::NoBudget);
        }
        let keep = offer.value < ahead / WINDOW;
        if keep {
            self.spent.keep();
        }
        Decision { keep, reason: Reason::Learned }
    }

    /// The share of the last rows that the policy wants more, of equal ones half.
    fn value(&self, look: &Look<'_>) -> Result<f64> {
        let others = self.pool.unlabelled();
        if others == 0 {
            return Ok(0.5);
        }
        let Described { inputs, raw, components, labelled, labels, candidates } = self.pool.with(look.inputs);
        let inputs = inputs.view();
        let signals = Signals {
            probabilities: Some(look.learner.all_probabilities(raw.view())?),
            neighbours: Some(Arc::new(Neighbours::of(inputs, NEIGHBOURS))),
            components: Some(Arc::new(components)),
            nearest: Some(Arc::new(Nearest::of(inputs, &labelled, &labels))),
            ..Signals::default()
        };
        let view = PoolView::new(inputs, &labelled, &labels, &candidates, look.learner.classes(), &signals);
        // All are shown, so that nothing is drawn here; equal rows of a fallback are put in an order by the key.
        let key = Key::root(0).named("reservoir");
        let seen = observe(&view, 1, inputs.rows(), key)?;
        let (wanted, equal) =
            match self.policy.card().guard.as_ref().filter(|guard| guard.out_of_range(&seen).is_some()) {
                Some(guard) => {
                    let order = Registry::builtin().build(&guard.fallback)?.select(&view, others + 1, key)?;
                    (order.iter().take_while(|row| candidates.last() != Some(row)).count(), 0)
                }
                None => {
                    let scores = self.policy.score(&seen)?;
                    let (own, rest) = scores.split_last().expect("the row itself");
                    (
                        rest.iter().filter(|&score| score > own).count(),
                        rest.iter().filter(|&score| score == own).count(),
                    )
                }
            };
        Ok((wanted as f64 + 0.5 * equal as f64) / others as f64)
    }

    fn learn(&mut self, inputs: &[f32], label: u32) -> Result<(), StreamError> {
        self.pool.push(inputs, Some(label));
        Ok(())
    }

    fn looks(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::drift::{Drift, DriftPlan};
    use crate::stream::rules::RESERVOIR;
    use crate::stream::{OnlineLearner, StreamEpisode, StreamPlan, StreamPolicy};

    /// What the shipped policy keeps of a stream whose kept rows are labelled at once.
    fn kept(budget: f64, rows: u64, row: impl Fn(u64) -> (Vec<f32>, u32)) -> Vec<u64> {
        let rule = StreamPolicy::open("universal").unwrap().rule(budget).unwrap();
        let plan = StreamPlan { width: row(0).0.len(), memory: 200, labels: None };
        let mut episode = StreamEpisode::new(plan, rule, Key::root(1)).unwrap();
        let one = |&at: &u64| {
            let (inputs, label) = row(at);
            let offered = episode.offer(&inputs).unwrap();
            assert!((0.0..=1.0).contains(&offered.value));
            if offered.decision.keep {
                episode.answer(at, label).unwrap();
            }
            offered.decision.keep
        };
        (0..rows).filter(one).collect()
    }

    #[test]
    fn the_budget_is_spent_and_never_exceeded() {
        let stream = DriftPlan { width: 3, rows: 600, drift: Drift::Sudden, noise: 0.0 };
        let found = kept(0.1, 600, |at| stream.row(at, Key::root(2)));
        assert!((50..=70).contains(&found.len()), "{}", found.len());
        for (count, at) in found.iter().enumerate() {
            assert!((count + 1) as f64 <= 0.1 * (*at as f64 + 101.0) + 1e-9, "{count} {at}");
        }
        // Rows that are all alike: half of the last ones come first, until spending is half a window behind; then it keeps pace.
        let found = kept(0.2, 1_200, |_| (vec![7.0], 0));
        assert!(found.len() as f64 <= 0.2 * 1_300.0, "{}", found.len());
        let later = found.iter().filter(|&&at| at >= 600).count();
        assert!((118..=122).contains(&later), "{later}");
        assert_eq!(
            kept(0.1, 60, |at| stream.row(at, Key::root(2))),
            kept(0.1, 60, |at| stream.row(at, Key::root(2)))
        );
    }

    /// Of rows far from every label and of rows beside one, the policy wants the first.
    #[test]
    fn rows_that_nothing_is_known_of_come_first() {
        let StreamPolicy::Pool(policy) = StreamPolicy::open("universal").unwrap() else {
            panic!("a pool policy")
        };
        let mut rule = Reservoir::new(policy, 0.1);
        let mut learner = OnlineLearner::new(2, 50);
        for at in 0..RESERVOIR as u64 {
            let (inputs, _) =
                DriftPlan { width: 2, rows: 1, drift: Drift::None, noise: 0.0 }.row(at, Key::root(3));
            let label = u32::from(inputs[0] > 0.0);
            let offer = Offer { confidence: 0.5, value: 1.0, classes: 2, inputs: &inputs };
            rule.offer(&offer, &mut Draws::given(&[]));
            if at % 10 == 0 && inputs[0].abs() > 0.5 {
                rule.learn(&inputs, label).unwrap();
                learner.learn(inputs, label).unwrap();
            }
        }
        learner.settle().unwrap();
        let value = |inputs: &[f32]| Offer::of(&rule, inputs, &learner).unwrap().value;
        let (doubtful, settled) = (value(&[0.0, 0.3]), value(&[2.0, 0.0]));
        assert!(doubtful < 0.2 && settled > 0.5, "{doubtful} {settled}");
    }
}
