//! A threshold that follows the stream, with noise.

use super::variable_uncertainty::Threshold;
use super::{Entry, moving};
use crate::stream::{Decision, Draws, Moving, Offer, Reason, StreamRule};

pub(super) const ENTRY: Entry = Entry {
    name: "random_variable_uncertainty",
    summary: "variable_uncertainty with its threshold times a normal number of mean 1 and deviation `deviation`",
    paper: "Žliobaitė et al., IEEE TNNLS 2014",
    make: |params, budget| {
        let threshold = Threshold::read(params)?;
        let deviation = params.real("deviation", 1.0, f64::MIN_POSITIVE, 1e3)?;
        Ok(Box::new(RandomVariableUncertainty { spent: moving(params, budget)?, threshold, deviation }))
    },
};

/// As variable uncertainty, but every row has a chance: changes of the concept far from the boundary are noticed, too.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RandomVariableUncertainty {
    spent: Moving,
    threshold: Threshold,
    deviation: f64,
}

impl StreamRule for RandomVariableUncertainty {
    fn offer(&mut self, offer: &Offer<'_>, draws: &mut Draws<'_>) -> Decision {
        if !self.spent.offer() {
            self.spent.note(false);
            return Decision::skip(Reason::NoBudget);
        }
        let threshold = self.threshold.value * draws.normal(1.0, self.deviation);
        let keep = offer.confidence < threshold;
        self.threshold.follow(keep);
        self.spent.note(keep);
        if keep { Decision::keep(Reason::Uncertain) } else { Decision::skip(Reason::Certain) }
    }
}
