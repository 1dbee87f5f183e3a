//! A fixed threshold.

use super::{Entry, moving};
use crate::stream::{Decision, Draws, Moving, Offer, Reason, StreamRule};

pub(super) const ENTRY: Entry = Entry {
    name: "fixed_uncertainty",
    summary: "keeps a row whose confidence is at most 1/C + b (1 - 1/C)",
    paper: "Žliobaitė et al., IEEE TNNLS 2014",
    make: |params, budget| Ok(Box::new(FixedUncertainty { spent: moving(params, budget)? })),
};

/// Keeps what the classifier is less sure of than a threshold that the budget `b` and the number of classes `C`
/// decide: were confidences uniform in `[1/C, 1]`, a share of `b` would lie below it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FixedUncertainty {
    spent: Moving,
}

impl StreamRule for FixedUncertainty {
    fn offer(&mut self, offer: &Offer<'_>, _draws: &mut Draws<'_>) -> Decision {
        let least = 1.0 / offer.classes as f64;
        let threshold = least + self.spent.budget() * (1.0 - least);
        let decision = match () {
            () if !self.spent.offer() => Decision::skip(Reason::NoBudget),
            () if offer.confidence <= threshold => Decision::keep(Reason::Uncertain),
            () => Decision::skip(Reason::Certain),
        };
        self.spent.note(decision.keep);
        decision
    }
}
