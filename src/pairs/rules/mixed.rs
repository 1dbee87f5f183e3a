//! Rules that draw, or that share a batch between two ends.

use super::{Entry, PairRule, PairView, lowest};
use crate::error::Result;
use crate::rng::Key;
use rand::RngExt;
use rand::seq::SliceRandom;
use std::collections::HashSet;

pub(super) const RANDOM: Entry =
    Entry { name: "random", summary: "any hidden pair", make: |_| Ok(Box::new(Random)) };
pub(super) const THOMPSON: Entry = Entry {
    name: "thompson",
    summary: "for each place of the batch, the lowest prediction of a member that is drawn",
    make: |_| Ok(Box::new(Thompson)),
};
pub(super) const EPSILON_GREEDY: Entry = Entry {
    name: "epsilon_greedy",
    summary: "a share `epsilon` of the batch at random, the others greedy",
    make: |params| Ok(Box::new(EpsilonGreedy { epsilon: params.real("epsilon", 0.1, 0.0, 1.0)? })),
};
pub(super) const GREEDY_EXPLORE: Entry = Entry {
    name: "greedy_explore",
    summary: "a greedy share that grows from round to round, the others by the norm of their gradient",
    make: |_| Ok(Box::new(GreedyExplore)),
};

/// Any hidden pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Random;

impl PairRule for Random {
    fn choose(&self, view: &PairView<'_>, batch: usize, key: Key) -> Result<Vec<u32>> {
        Ok(drawn(view.hidden, batch, key))
    }

    fn needs_beliefs(&self) -> bool {
        false
    }
}

/// `batch` of `pairs`, drawn without replacement.
fn drawn(pairs: &[u32], batch: usize, key: Key) -> Vec<u32> {
    let mut pairs = pairs.to_vec();
    let (drawn, _) = pairs.partial_shuffle(&mut key.rng(), batch);
    drawn.to_vec()
}

/// Each place of the batch goes to the pair that one member, drawn for that place, finds lowest of those not yet taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thompson;

impl PairRule for Thompson {
    fn choose(&self, view: &PairView<'_>, batch: usize, key: Key) -> Result<Vec<u32>> {
        let members = &view.beliefs.predictions;
        let batch = batch.min(view.hidden.len());
        // No member's pair stands behind its first `batch`: at most so many are taken before it.
        let value = |member: usize| move |pair: u32| f64::from(members[member][pair as usize]);
        let mut orders: Vec<_> = (0..members.len())
            .map(|at| lowest(view.hidden, value(at), batch, key.named("ties")).into_iter())
            .collect();
        let mut rng = key.named("members").rng();
        let mut taken = HashSet::with_capacity(batch);
        let mut picks = Vec::with_capacity(batch);
        while picks.len() < batch {
            let order = &mut orders[rng.random_range(0..members.len())];
            let Some(pick) = order.find(|pair| !taken.contains(pair)) else { break };
            taken.insert(pick);
            picks.push(pick);
        }
        Ok(picks)
    }
}

/// The lowest means, and a share of the batch, rounded down, that is drawn among the others. (The published code draws none under this
/// name.)
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EpsilonGreedy {
    /// The share, in `[0, 1]`.
    pub epsilon: f64,
}

impl PairRule for EpsilonGreedy {
    fn choose(&self, view: &PairView<'_>, batch: usize, key: Key) -> Result<Vec<u32>> {
        let batch = batch.min(view.hidden.len());
        let greedy = batch - (self.epsilon * batch as f64) as usize;
        let mut picks = lowest(view.hidden, |pair| view.beliefs.mean(pair), greedy, key.named("ties"));
        let rest = without(view.hidden, &picks);
        picks.extend(drawn(&rest, batch - greedy, key.named("random")));
        Ok(picks)
    }
}

/// At choice `i` of `m`, a share `(i - 1) / (m - 1)` of the batch, rounded down, has the lowest means; the others have the largest median over
/// members of the gradient's norm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GreedyExplore;

impl PairRule for GreedyExplore {
    fn choose(&self, view: &PairView<'_>, batch: usize, key: Key) -> Result<Vec<u32>> {
        let batch = batch.min(view.hidden.len());
        // The published rounds count from 0 to R - 1, the last one greedy as a whole.
        let [choice, choices] = view.choice;
        let greedy = match choices {
            0 | 1 => batch,
            _ => batch * (choice - 1) / (choices - 1),
        };
        let mut picks = lowest(view.hidden, |pair| view.beliefs.mean(pair), greedy, key.named("greedy"));
        let rest = without(view.hidden, &picks);
        let norm = |pair: u32| -view.beliefs.gradient_norm(view.pairs[pair as usize]);
        picks.extend(lowest(&rest, norm, batch - greedy, key.named("explore")));
        Ok(picks)
    }
}

/// The pairs that are not among `picks`.
fn without(pairs: &[u32], picks: &[u32]) -> Vec<u32> {
    let picks: HashSet<u32> = picks.iter().copied().collect();
    pairs.iter().copied().filter(|pair| !picks.contains(pair)).collect()
}
