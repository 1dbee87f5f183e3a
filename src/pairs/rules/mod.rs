//! Acquisition rules over pairs, and how one is built from a line of text.
//!
//! All see what an ensemble believes of the pairs that are still hidden, and choose the next ones to measure; lower outcomes are
//! better. Definitions are those of Zhu et al. (2025) and of their code (`LLNL/DeepAL`, `run_active_learning_mp.py`), but where a
//! rule says otherwise. Pairs that are worth the same come in a random order of the selection's key.

mod gradients;
mod mixed;
mod ranked;

pub use gradients::{Badge, Bait};
pub use mixed::{EpsilonGreedy, GreedyExplore, Random, Thompson};
pub use ranked::{Annealing, Ranked};

use super::ensemble::Beliefs;
use super::error::PairsError;
use crate::data::RowId;
use crate::error::Result;
use crate::query::Ties;
use crate::rng::Key;
use crate::stream::rules::params::{self, Params};

/// Chooses pairs to measure.
///
/// Every implementor passes the contract in this module's tests: exactly `min(batch, hidden)` different hidden pairs, the same ones
/// for the same view and key.
pub trait PairRule: Send + Sync {
    /// Places of pairs, most wanted first.
    ///
    /// # Errors
    /// If what a rule computes of the embeddings is not finite.
    fn choose(&self, view: &PairView<'_>, batch: usize, key: Key) -> Result<Vec<u32>>;

    /// Whether the rule looks at what networks believe.
    fn needs_beliefs(&self) -> bool {
        true
    }
}

/// What a rule may know.
#[derive(Clone, Copy, Debug)]
pub struct PairView<'a> {
    /// What the ensemble believes of all pairs.
    pub beliefs: &'a Beliefs,
    /// All pairs, as places of two genes.
    pub pairs: &'a [[u32; 2]],
    /// Places of the pairs whose outcome is hidden, ascending.
    pub hidden: &'a [u32],
    /// Places of the others, ascending.
    pub seen: &'a [u32],
    /// The choice that is to be made, from 1, and how many there are in all: the first round is random and no choice.
    pub choice: [usize; 2],
}

/// What is said about a rule.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The name that specifications have it by.
    pub name: &'static str,
    /// What it chooses, in one line.
    pub summary: &'static str,
    make: fn(&mut Params<'_>) -> Result<Box<dyn PairRule>>,
}

/// All rules.
pub const ENTRIES: [Entry; 11] = [
    mixed::RANDOM,
    ranked::GREEDY,
    ranked::OPTIMISM,
    ranked::MAX_OPTIMISM,
    ranked::VARIANCE,
    mixed::THOMPSON,
    mixed::EPSILON_GREEDY,
    mixed::GREEDY_EXPLORE,
    ranked::ANNEALING,
    gradients::BADGE,
    gradients::BAIT,
];

/// The rule that `spec` names, as in `greedy` or `epsilon_greedy(epsilon=0.2)`.
///
/// # Errors
/// [`PairsError::UnknownRule`], and what is wrong with a parameter.
pub fn build(spec: &str) -> Result<Box<dyn PairRule>> {
    let unknown = |name, hint| PairsError::UnknownRule { name, hint }.into();
    let entries = ENTRIES.iter().map(|entry| (entry.name, entry));
    params::build(spec, entries, unknown, |entry, params| (entry.make)(params))
}

/// The `batch` of `pairs` with the lowest values, lowest first; equals in the order of `key`.
fn lowest(pairs: &[u32], value: impl Fn(u32) -> f64, batch: usize, key: Key) -> Vec<u32> {
    let ties = Ties::new(key);
    let mut valued: Vec<(f64, u32)> = pairs.iter().map(|&pair| (value(pair), pair)).collect();
    let order =
        |a: &(f64, u32), b: &(f64, u32)| a.0.total_cmp(&b.0).then_with(|| ties.order(RowId(a.1), RowId(b.1)));
    if 0 < batch && batch < valued.len() {
        valued.select_nth_unstable_by(batch - 1, order);
        valued.truncate(batch);
    }
    valued.sort_by(order);
    valued.into_iter().take(batch).map(|(_, pair)| pair).collect()
}

#[cfg(test)]
mod tests;
