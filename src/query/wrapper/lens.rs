//! [`Lens`]: what a wrapped strategy sees instead of the pool as it is.

use crate::data::RowId;
use crate::error::Result;
use crate::query::registry::Built;
use crate::query::{Needs, PoolView, Score, Size, Strategy, subsample};
use crate::rng::Key;

/// Puts other signals in place of the learner's, for the same candidates.
pub trait Lens: Send {
    /// What the lens asks of the learner, given what the inner strategy needs.
    fn needs(&self, inner: Needs) -> Needs;

    /// What the lens has to say about a view: see [`Strategy::note`].
    ///
    /// # Errors
    /// As [`look`](Self::look).
    fn note(&self, _view: &PoolView<'_>) -> Result<Option<String>> {
        Ok(None)
    }

    /// Calls `then` with the view through the lens; `inner` is what it will read.
    ///
    /// # Errors
    /// If a signal that the lens needs is missing or not finite; those of `then`.
    fn look<R>(
        &self,
        view: &PoolView<'_>,
        inner: Needs,
        then: impl FnOnce(&PoolView<'_>) -> Result<R>,
    ) -> Result<R>;
}

/// A strategy or score that looks through a lens.
pub struct Through<L, I> {
    lens: L,
    inner: I,
    /// What the lens had to say about the last view.
    note: Option<String>,
}

impl<L: Lens> Score for Through<L, Box<dyn Score>> {
    fn score(&mut self, view: &PoolView<'_>, key: Key) -> Result<Vec<f64>> {
        let inner = &mut self.inner;
        self.lens.look(view, inner.needs(), |view| inner.score(view, key))
    }

    fn needs(&self) -> Needs {
        self.lens.needs(self.inner.needs())
    }

    fn note(&self, view: &PoolView<'_>, picks: &[RowId]) -> Result<Option<String>> {
        let own = self.lens.note(view)?;
        let inner = self.lens.look(view, self.inner.needs(), |view| self.inner.note(view, picks))?;
        Ok(subsample::join([own, inner]))
    }
}

impl<L: Lens> Strategy for Through<L, Box<dyn Strategy>> {
    fn select(&mut self, view: &PoolView<'_>, batch: usize, key: Key) -> Result<Vec<RowId>> {
        self.note = self.lens.note(view)?;
        let inner = &mut self.inner;
        self.lens.look(view, inner.needs(), |view| inner.select(view, batch, key))
    }

    fn needs(&self) -> Needs {
        self.lens.needs(self.inner.needs())
    }

    fn in_charge(&self) -> Option<&dyn Strategy> {
        Some(&*self.inner)
    }

    fn note(&self) -> Option<String> {
        subsample::join([self.note.clone(), self.inner.note()])
    }

    fn utilities(&self) -> Option<&[f64]> {
        self.inner.utilities()
    }

    fn memory(&self, size: &Size) -> u64 {
        // The probabilities that it sees instead.
        Size::items(size.candidates, 4 * size.classes as u64) + self.inner.memory(size)
    }
}

/// `inner` through `lens`; a score remains a score.
pub fn through(lens: impl Lens + 'static, inner: Built) -> Result<Built> {
    match inner {
        Built::Score(inner) => Built::score(Through { lens, inner, note: None }),
        Built::Batch(inner) => Built::batch(Through { lens, inner, note: None }),
    }
}
