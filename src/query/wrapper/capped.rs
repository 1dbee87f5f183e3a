//! `capped(X)`: an expensive strategy over a random part of a large pool.

use super::lens::joined;
use crate::data::RowId;
use crate::error::Result;
use crate::query::draw::RowDraws;
use crate::query::registry::{Built, Card, Entry, Family};
use crate::query::{Needs, PoolView, Strategy, Subset};
use crate::rng::Key;

/// Candidates where none are named; at least ten per pick.
pub const CANDIDATES: usize = 2_000;

pub(super) const ENTRY: Entry = Entry {
    card: Card {
        name: "capped",
        summary: "another strategy over a random part of the candidates: capped(badge)",
        paper: "customary; Yoo & Kweon, CVPR 2019, draw such subsets",
        family: Family::Wrapper,
        needs: Needs { probabilities: true, embeddings: true, ..Needs::NONE },
        cost: "time n, memory m C, and the inner strategy's over m = max(10 b, candidates)",
        example: "capped(badge,candidates=20)",
        deterministic: false,
    },
    make: |params| {
        let candidates = params.count("candidates", CANDIDATES, 1..=100_000_000)?;
        Built::batch(Capped { candidates, inner: params.inner()?.into_strategy(), seen: None })
    },
};

/// The inner strategy sees `max(10 b, candidates)` candidates, drawn at random by row.
pub struct Capped {
    /// The least number of candidates that are kept.
    pub candidates: usize,
    /// What chooses among them.
    pub inner: Box<dyn Strategy>,
    /// How many candidates of how many were seen, where not all were.
    seen: Option<(usize, usize)>,
}

impl Strategy for Capped {
    fn select(&mut self, view: &PoolView<'_>, batch: usize, key: Key) -> Result<Vec<RowId>> {
        // Of the whole pool, so that a fault is named by its place there.
        view.check(self.needs())?;
        let keep = self.candidates.max(batch.saturating_mul(10));
        let rows = view.candidates();
        self.seen = (keep < rows.len()).then_some((keep, rows.len()));
        if self.seen.is_none() {
            return self.inner.select(view, batch, key);
        }
        let subset = Subset::new(view, &RowDraws::new(key.named("capped")).sample(rows, keep));
        self.inner.select(&subset.view(*view), batch, key)
    }

    fn needs(&self) -> Needs {
        self.inner.needs()
    }

    fn remark(&self) -> Option<String> {
        let seen = self.seen.map(|(seen, all)| remark(seen, all));
        joined(seen, self.inner.remark())
    }
}

/// What a strategy says that looked at a part of the candidates.
pub fn remark(seen: usize, all: usize) -> String {
    format!("chosen among {seen} of {all} candidates")
}

#[cfg(test)]
mod tests {
    use crate::data::{Matrix, RowId};
    use crate::query::{PoolView, Signals, registry};
    use crate::rng::Key;

    #[test]
    fn says_what_it_did_not_look_at() {
        let inputs = Matrix::zeros(60, 1);
        let candidates: Vec<RowId> = (0..60).map(RowId).collect();
        let signals = Signals::default();
        let view = PoolView::new(inputs.view(), &[], &[], &candidates, 2, &signals);
        let mut capped = registry::build("capped(random,candidates=20)").unwrap();
        assert_eq!(capped.remark(), None);
        capped.select(&view, 3, Key::root(0)).unwrap();
        assert_eq!(capped.remark().unwrap(), "chosen among 30 of 60 candidates");
        capped.select(&view, 6, Key::root(0)).unwrap();
        assert_eq!(capped.remark(), None);
    }
}
