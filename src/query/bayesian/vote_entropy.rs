//! Vote entropy.

use crate::error::Result;
use crate::query::registry::{Built, Card, Entry, Family};
use crate::query::uncertainty::entropy;
use crate::query::wrapper::members::{DropoutPasses, PASSES};
use crate::query::{Needs, PoolView, Score};
use crate::rng::Key;

pub(super) const ENTRY: Entry = Entry {
    card: Card {
        name: "vote_entropy",
        summary: "the largest entropy of the votes of passes or committee members",
        paper: "Dagan & Engelson, ICML 1995",
        family: Family::Bayesian,
        needs: Needs { passes: PASSES, ..Needs::NONE },
        cost: "time n C T, memory n C",
        example: "vote_entropy",
        deterministic: true,
    },
    make: |params| Built::score(VoteEntropy { passes: DropoutPasses::read(params)? }),
};

/// Entropy, in nats, of the share of passes that predict each class. A pass that finds several classes equally
/// probable, as trees do, gives each a part of its vote.
pub struct VoteEntropy {
    /// Passes asked of the learner.
    pub passes: DropoutPasses,
}

impl Score for VoteEntropy {
    fn score(&mut self, view: &PoolView<'_>, _key: Key) -> Result<Vec<f64>> {
        let passes = view.passes()?;
        let entropy =
            |votes: Vec<f64>| entropy::of_shares(votes.into_iter().map(|count| count / passes.len() as f64));
        Ok(super::votes(passes).into_iter().map(entropy).collect())
    }

    fn needs(&self) -> Needs {
        self.passes.needs()
    }
}
