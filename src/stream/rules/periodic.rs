//! Every so many rows.

use super::Entry;
use crate::stream::{Counted, Decision, Draws, Offer, Reason, StreamRule};

pub(super) const ENTRY: Entry = Entry {
    name: "periodic",
    summary: "keeps a row as soon as the budget has one to give: every tenth of a budget of 0.1",
    paper: "baseline of scikit-activeml",
    make: |_, budget| Ok(Box::new(Periodic { spent: Counted::new(budget) })),
};

/// Keeps a row whenever the budget allows one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Periodic {
    spent: Counted,
}

impl StreamRule for Periodic {
    fn offer(&mut self, _offer: &Offer<'_>, _draws: &mut Draws<'_>) -> Decision {
        if self.spent.offer() < 1.0 {
            return Decision::skip(Reason::Periodic);
        }
        self.spent.keep();
        Decision::keep(Reason::Periodic)
    }
}
