//! `capped(X)`: an expensive strategy over a random part of a large pool.

use crate::data::RowId;
use crate::error::Result;
use crate::query::registry::{Built, Card, Entry, Family};
use crate::query::{Kinds, Needs, PoolView, Size, Strategy, Subsample, Subset};
use crate::query::{size, subsample};
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
        Built::batch(Capped { candidates, inner: params.inner()?.into_strategy(), note: None })
    },
};

/// The inner strategy sees `max(10 b, candidates)` candidates, drawn at random by row.
pub struct Capped {
    /// The least number of candidates that are kept.
    pub candidates: usize,
    /// What chooses among them.
    pub inner: Box<dyn Strategy>,
    note: Option<String>,
}

impl Capped {
    fn keep(&self, batch: usize) -> usize {
        self.candidates.max(batch.saturating_mul(10))
    }
}

impl Strategy for Capped {
    fn select(&mut self, view: &PoolView<'_>, batch: usize, key: Key) -> Result<Vec<RowId>> {
        // Of the whole pool, so that a fault is named by its place there.
        view.check(self.needs())?;
        let keep = self.keep(batch);
        self.note = None;
        if keep >= view.candidates().len() {
            return self.inner.select(view, batch, key);
        }
        let cut = Subsample::new(view.candidates(), keep, view.draws(key.named("capped")));
        self.note = cut.note("chosen among");
        let subset = Subset::new(view, &cut.places);
        self.inner.select(&subset.view(*view), batch, key)
    }

    fn needs(&self) -> Needs {
        self.inner.needs()
    }

    fn kinds(&self) -> Kinds {
        self.inner.kinds()
    }

    fn in_charge(&self) -> Option<&dyn Strategy> {
        Some(&*self.inner)
    }

    fn note(&self) -> Option<String> {
        subsample::join([self.note.clone(), self.inner.note()])
    }

    fn memory(&self, size: &Size) -> u64 {
        let kept = size.candidates.min(self.keep(size.batch));
        let drawn = Size::items(size.candidates, size::DRAW);
        let subset = Size::items(kept, 16 + 4 * size.classes as u64);
        drawn.max(subset + self.inner.memory(&Size { candidates: kept, ..*size }))
    }
}

#[cfg(test)]
mod tests {
    use crate::data::{Matrix, RowId};
    use crate::query::{PoolView, Registry, Signals};
    use crate::rng::Key;

    #[test]
    fn says_what_it_did_not_look_at() {
        let inputs = Matrix::zeros(60, 1);
        let candidates: Vec<RowId> = (0..60).map(RowId).collect();
        let signals = Signals::default();
        let view = PoolView::new(inputs.view(), &[], &[], &candidates, 2, &signals);
        let mut capped = Registry::builtin().build("capped(random,candidates=20)").unwrap();
        assert_eq!(capped.note(), None);
        capped.select(&view, 3, Key::root(0)).unwrap();
        assert_eq!(capped.note().unwrap(), "chosen among 30 of 60 candidates, drawn at random");
        capped.select(&view, 6, Key::root(0)).unwrap();
        assert_eq!(capped.note(), None);
    }
}
