//! A share at random, the others by a threshold that follows the stream.

use super::variable_uncertainty::Threshold;
use super::{Entry, moving};
use crate::stream::{Decision, Draws, Moving, Offer, Reason, StreamRule};

pub(super) const ENTRY: Entry = Entry {
    name: "split",
    summary: "a share `random` of the rows goes to random sampling, the others to variable_uncertainty",
    paper: "Žliobaitė et al., IEEE TNNLS 2014",
    make: |params, budget| {
        let threshold = Threshold::read(params)?;
        let random = params.real("random", 0.1, 0.0, 1.0)?;
        Ok(Box::new(Split { spent: moving(params, budget)?, threshold, random }))
    },
};

/// Random rows show a change of concept wherever it is; the others are spent where the classifier doubts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Split {
    spent: Moving,
    threshold: Threshold,
    random: f64,
}

impl StreamRule for Split {
    fn offer(&mut self, offer: &Offer<'_>, draws: &mut Draws<'_>) -> Decision {
        let decision = match () {
            () if !self.spent.offer() => Decision::skip(Reason::NoBudget),
            () if draws.uniform() < self.random => {
                Decision { keep: draws.uniform() <= self.spent.budget(), reason: Reason::Drawn }
            }
            () => {
                let keep = offer.confidence < self.threshold.value;
                self.threshold.follow(keep);
                Decision { keep, reason: if keep { Reason::Uncertain } else { Reason::Certain } }
            }
        };
        self.spent.note(decision.keep);
        decision
    }
}
