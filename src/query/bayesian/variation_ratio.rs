//! Variation ratio.

use crate::error::Result;
use crate::query::registry::{Built, Card, Entry, Family};
use crate::query::wrapper::members::{DropoutPasses, PASSES};
use crate::query::{Needs, PoolView, Score};
use crate::rng::Key;

pub(super) const ENTRY: Entry = Entry {
    card: Card {
        name: "variation_ratio",
        summary: "the largest share of dropout passes that disagree with the most frequent prediction",
        paper: "Freeman 1965; Gal, Islam & Ghahramani, ICML 2017",
        family: Family::Bayesian,
        needs: Needs { passes: PASSES, ..Needs::NONE },
        cost: "time n C T, memory n C",
        example: "variation_ratio",
        deterministic: true,
    },
    make: |params| Built::score(VariationRatio { passes: DropoutPasses::read(params)? }),
};

/// `1 - (votes of the modal class) / T`, in `[0, 1 - 1/C]`. Over a committee, the share of members that
/// disagree with the majority.
pub struct VariationRatio {
    /// Passes asked of the learner.
    pub passes: DropoutPasses,
}

impl Score for VariationRatio {
    fn score(&mut self, view: &PoolView<'_>, _key: Key) -> Result<Vec<f64>> {
        let passes = view.passes()?;
        let share = |votes: Vec<f64>| votes.into_iter().fold(0.0, f64::max) / passes.len() as f64;
        Ok(super::votes(passes).into_iter().map(|votes| 1.0 - share(votes)).collect())
    }

    fn needs(&self) -> Needs {
        self.passes.needs()
    }
}
