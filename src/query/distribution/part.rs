//! [`Part`]: the rows that a rule of coverage looks at.

use crate::data::{Matrix, MatrixView, RowId};
use crate::query::geometry::coverage::{Coverage, Kernel};
use crate::query::geometry::rows::{self, Rows};
use crate::query::size;
use crate::query::{PoolView, Size, Subsample};
use crate::rng::Key;

/// Candidates above which the cover is sought among a random part of this many.
pub const MAX_CANDIDATES: usize = 20_000;

/// The candidates that are covered and chosen from, and the labelled rows, on vectors of length one.
pub struct Part {
    /// Of the candidates.
    pub cut: Subsample,
    /// Those candidates, then the labelled rows.
    unit: Matrix,
    places: Vec<RowId>,
}

impl Part {
    /// All candidates, or a random part of many.
    pub fn of(view: &PoolView<'_>, vectors: MatrixView<'_>, batch: usize, key: Key) -> Self {
        let most = MAX_CANDIDATES.max(batch);
        let cut = Subsample::new(view.candidates(), most, view.draws(key.named("candidates")));
        // Only what takes part is copied: the pool may be far larger.
        let taking_part: Vec<RowId> = cut.rows.iter().chain(view.labelled()).copied().collect();
        let mut unit = Rows::new(vectors, &taking_part).to_matrix();
        rows::normalise(&mut unit);
        let places = (0..taking_part.len() as u32).map(RowId).collect();
        Self { cut, unit, places }
    }

    /// The candidates, then the labelled rows; ids count from zero.
    pub fn all(&self) -> Rows<'_> {
        Rows::new(self.unit.view(), &self.places)
    }

    /// The candidates.
    pub fn candidates(&self) -> Rows<'_> {
        Rows::new(self.unit.view(), &self.places[..self.cut.rows.len()])
    }

    /// The labelled rows.
    pub fn labelled(&self) -> Rows<'_> {
        Rows::new(self.unit.view(), &self.places[self.cut.rows.len()..])
    }

    /// `batch` of the candidates, greedily, with a weight for each.
    pub fn cover(
        &self,
        kernel: Kernel,
        weights: &[f32],
        batch: usize,
        rank: impl Fn(usize) -> u64,
    ) -> Vec<RowId> {
        let picks = Coverage::new(self.candidates(), self.labelled(), kernel, weights).greedy(batch, rank);
        picks.into_iter().map(|place| self.cut.rows[place]).collect()
    }

    /// What was left out.
    pub fn note(&self) -> Option<String> {
        self.cut.note("the cover was sought among")
    }

    /// How many candidates take part.
    pub fn kept(size: &Size) -> usize {
        size.candidates.min(MAX_CANDIDATES.max(size.batch))
    }

    /// Forecast of the bytes that drawing, copying and `working` on the copies take.
    pub fn memory_with(size: &Size, working: u64) -> u64 {
        let kept = Self::kept(size);
        let drawn = if kept < size.candidates { Size::items(size.candidates, size::DRAW) } else { 0 };
        let copy = size.vectors(kept + size.labelled) + Size::items(kept + size.labelled, 20);
        drawn.max(copy + working)
    }

    /// As [`memory_with`](Self::memory_with), of [`cover`](Self::cover).
    pub fn memory(size: &Size) -> u64 {
        Self::memory_with(size, Coverage::memory(Self::kept(size), size))
    }
}
