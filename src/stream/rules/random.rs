//! Random sampling.

use super::Entry;
use crate::stream::{Counted, Decision, Draws, Offer, Reason, StreamRule};

pub(super) const ENTRY: Entry = Entry {
    name: "random",
    summary: "keeps a row with the chance of the budget; exceeding=true lets the number kept go above it by chance",
    paper: "baseline of Žliobaitė et al., IEEE TNNLS 2014",
    make: |params, budget| {
        let exceeding = params.flag("exceeding", false)?;
        Ok(Box::new(Random { spent: Counted::new(budget), exceeding }))
    },
};

/// Keeps every row with the same chance, and by default never more than the budget's share of the rows so far.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Random {
    spent: Counted,
    exceeding: bool,
}

impl StreamRule for Random {
    fn offer(&mut self, _offer: &Offer<'_>, draws: &mut Draws<'_>) -> Decision {
        let left = self.spent.offer();
        if !self.exceeding && left <= 1.0 {
            return Decision::skip(Reason::NoBudget);
        }
        if draws.uniform() < 1.0 - self.spent.budget() {
            return Decision::skip(Reason::Drawn);
        }
        self.spent.keep();
        Decision::keep(Reason::Drawn)
    }
}
