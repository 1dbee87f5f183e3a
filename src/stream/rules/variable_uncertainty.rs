//! A threshold that follows the stream.

use super::params::Params;
use super::{Entry, moving};
use crate::error::Result;
use crate::stream::{Decision, Draws, Moving, Offer, Reason, StreamRule};

pub(super) const ENTRY: Entry = Entry {
    name: "variable_uncertainty",
    summary: "keeps a row whose confidence is below a threshold that falls by `step` when it is met and rises when not",
    paper: "Žliobaitė et al., IEEE TNNLS 2014",
    make: |params, budget| {
        let threshold = Threshold::read(params)?;
        Ok(Box::new(VariableUncertainty { spent: moving(params, budget)?, threshold }))
    },
};

/// A threshold of confidence that falls by a share of itself when a row is below it, and rises when none is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Threshold {
    pub(super) value: f64,
    step: f64,
}

impl Threshold {
    /// From the parameters `start` (1) and `step` (0.01).
    pub(super) fn read(params: &mut Params<'_>) -> Result<Self> {
        Ok(Self {
            value: params.real("start", 1.0, f64::MIN_POSITIVE, 1e9)?,
            step: params.real("step", 0.01, 1e-9, 1.0)?,
        })
    }

    /// Follows a decision.
    pub(super) fn follow(&mut self, kept: bool) {
        self.value *= if kept { 1.0 - self.step } else { 1.0 + self.step };
    }
}

/// Keeps what the classifier is less sure of than a threshold that adapts to how sure it usually is, so that the budget
/// is spent whatever the classifier's confidence comes to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct VariableUncertainty {
    spent: Moving,
    threshold: Threshold,
}

impl StreamRule for VariableUncertainty {
    fn offer(&mut self, offer: &Offer<'_>, _draws: &mut Draws<'_>) -> Decision {
        let decision = match () {
            () if !self.spent.offer() => Decision::skip(Reason::NoBudget),
            () if offer.confidence < self.threshold.value => Decision::keep(Reason::Uncertain),
            () => Decision::skip(Reason::Certain),
        };
        if decision.reason != Reason::NoBudget {
            self.threshold.follow(decision.keep);
        }
        self.spent.note(decision.keep);
        decision
    }
}
