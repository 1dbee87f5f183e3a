//! What a strategy is allowed to see.

use super::error::QueryError;
use super::geometry::{self, Rows};
use super::{Nearest, Neighbours};
use crate::data::{Matrix, MatrixView, RowId};
use serde::Serialize;
use std::sync::Arc;

/// How far a row of probabilities may be from summing to one.
pub const PROBABILITY_TOLERANCE: f32 = 1e-3;

/// The signals that a strategy asks of the learner. A plain set of flags and counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct Needs {
    /// Class probabilities of every candidate.
    pub probabilities: bool,
    /// Penultimate embeddings of every row of the pool.
    pub embeddings: bool,
    /// Stochastic passes (MC-dropout) or committee members; zero for none.
    pub passes: usize,
    /// Candidates whose one-step gain is simulated with their true labels; zero for none. Simulation
    /// only.
    pub lookahead: usize,
    /// Neighbour lists of the pool's inputs, and the distance of every row to the labelled rows.
    pub neighbours: bool,
}

/// How far an episode has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Labels bought since the initial ones.
    pub spent: usize,
    /// Labels that may be bought in all.
    pub budget: usize,
}

impl Needs {
    /// Inputs and labels only.
    pub const NONE: Needs =
        Needs { probabilities: false, embeddings: false, passes: 0, lookahead: 0, neighbours: false };

    /// What two strategies need together.
    pub fn union(self, other: Needs) -> Needs {
        Needs {
            probabilities: self.probabilities || other.probabilities,
            embeddings: self.embeddings || other.embeddings,
            passes: self.passes.max(other.passes),
            lookahead: self.lookahead.max(other.lookahead),
            neighbours: self.neighbours || other.neighbours,
        }
    }
}

/// Class probabilities of every candidate under several stochastic passes or committee members.
#[derive(Clone, Debug)]
pub struct Passes {
    /// One matrix `[candidates, classes]` per pass.
    pub members: Vec<Matrix>,
}

/// What the learner computed for one round; only what was asked for is there.
#[derive(Clone, Debug, Default)]
pub struct Signals {
    /// `[candidates, classes]`, rows in the order of [`PoolView::candidates`], each summing to one.
    pub probabilities: Option<Matrix>,
    /// `[pool rows, d]`, indexed by [`RowId`].
    pub embeddings: Option<Matrix>,
    /// Stochastic passes.
    pub passes: Option<Passes>,
    /// Candidates with the gain in accuracy that labelling each alone would bring.
    pub lookahead: Option<Vec<(RowId, f32)>>,
    /// Neighbour lists of the pool's inputs; shared by all episodes on one split.
    pub neighbours: Option<Arc<Neighbours>>,
    /// Distance of every row to the labelled rows of each class.
    pub nearest: Option<Arc<Nearest>>,
    /// How far the episode has come.
    pub progress: Progress,
}

/// One episode's pool at the moment of a query: everything but the labels that are still to be bought.
///
/// There is no way from here to the label of a candidate:
///
/// ```compile_fail
/// # use querist::query::PoolView;
/// fn cheat(view: &PoolView<'_>) -> u32 {
///     view.label_of(view.candidates()[0])
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct PoolView<'a> {
    inputs: MatrixView<'a>,
    labelled: &'a [RowId],
    labels: &'a [u32],
    candidates: &'a [RowId],
    classes: usize,
    signals: &'a Signals,
}

impl<'a> PoolView<'a> {
    /// A view over one pool.
    ///
    /// # Panics
    /// If the parts do not fit together: a mistake of the caller's code. Arrays that a user hands in are
    /// checked before they get here.
    pub fn new(
        inputs: MatrixView<'a>,
        labelled: &'a [RowId],
        labels: &'a [u32],
        candidates: &'a [RowId],
        classes: usize,
        signals: &'a Signals,
    ) -> Self {
        assert_eq!(labelled.len(), labels.len(), "one label per labelled row");
        debug_assert!(candidates.is_sorted(), "candidates ascend");
        if let Some(p) = &signals.probabilities {
            assert_eq!((p.rows(), p.cols()), (candidates.len(), classes), "probabilities per candidate");
        }
        if let Some(e) = &signals.embeddings {
            assert_eq!(e.rows(), inputs.rows(), "embeddings per row of the pool");
        }
        Self { inputs, labelled, labels, candidates, classes, signals }
    }

    /// Inputs of all rows of the pool, shape `[n, width]`, indexed by [`RowId`].
    pub fn inputs(&self) -> MatrixView<'a> {
        self.inputs
    }

    /// Labelled rows, in the order in which they were asked for.
    pub fn labelled(&self) -> &'a [RowId] {
        self.labelled
    }

    /// The labels of [`labelled`](Self::labelled).
    pub fn labels(&self) -> &'a [u32] {
        self.labels
    }

    /// Rows that may be asked for, ascending.
    pub fn candidates(&self) -> &'a [RowId] {
        self.candidates
    }

    /// The number of classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// What the learner computed for this round, unchecked. Strategies read it through the methods
    /// below, which refuse what is missing or not finite.
    pub fn signals(&self) -> &'a Signals {
        self.signals
    }

    /// Class probabilities, shape `[candidates, classes]`.
    ///
    /// # Errors
    /// [`QueryError::Missing`]; [`QueryError::NotFinite`] and [`QueryError::NotProbabilities`] with the
    /// place (rows count candidates).
    pub fn probabilities(&self) -> Result<MatrixView<'a>, QueryError> {
        let signal = "class probabilities";
        let p = self.signals.probabilities.as_ref().ok_or(QueryError::Missing { signal })?.view();
        check_probabilities(signal, p)?;
        Ok(p)
    }

    /// Penultimate embeddings of the whole pool, shape `[n, d]`, indexed by [`RowId`].
    ///
    /// # Errors
    /// [`QueryError::Missing`]; [`QueryError::NotFinite`] with the place.
    pub fn embeddings(&self) -> Result<MatrixView<'a>, QueryError> {
        let signal = "embeddings";
        let embeddings = self.signals.embeddings.as_ref().ok_or(QueryError::Missing { signal })?.view();
        geometry::check_finite(signal, embeddings)?;
        Ok(embeddings)
    }

    /// [`inputs`](Self::inputs), every number of which was checked.
    ///
    /// # Errors
    /// [`QueryError::NotFinite`] with the place.
    pub fn finite_inputs(&self) -> Result<MatrixView<'a>, QueryError> {
        geometry::check_finite("inputs", self.inputs)?;
        Ok(self.inputs)
    }

    /// The candidates' rows of `matrix`, which is indexed by [`RowId`].
    pub fn candidate_rows(&self, matrix: MatrixView<'a>) -> Rows<'a> {
        Rows::new(matrix, self.candidates)
    }

    /// The labelled rows of `matrix`, which is indexed by [`RowId`].
    pub fn labelled_rows(&self, matrix: MatrixView<'a>) -> Rows<'a> {
        Rows::new(matrix, self.labelled)
    }

    /// One-step gains by candidate.
    ///
    /// # Errors
    /// [`QueryError::Missing`], [`QueryError::NotFinite`], [`QueryError::NotACandidate`].
    pub fn lookahead(&self) -> Result<&'a [(RowId, f32)], QueryError> {
        let signal = "one-step gains";
        let gains = self.signals.lookahead.as_deref().ok_or(QueryError::Missing { signal })?;
        let mut seen = Vec::with_capacity(gains.len());
        for &(row, gain) in gains {
            if !gain.is_finite() {
                let found = f64::from(gain);
                return Err(QueryError::NotFinite { signal, row: row.index(), column: 0, found });
            }
            if self.candidates.binary_search(&row).is_err() || seen.contains(&row) {
                return Err(QueryError::NotACandidate { signal, row: row.0 });
            }
            seen.push(row);
        }
        Ok(gains)
    }
}

fn check_probabilities(signal: &'static str, p: MatrixView<'_>) -> Result<(), QueryError> {
    geometry::check_finite(signal, p)?;
    for row in 0..p.rows() {
        let values = p.row(row);
        let sum: f32 = values.iter().sum();
        let least = values.iter().copied().fold(0.0, f32::min);
        if least < 0.0 || (sum - 1.0).abs() > PROBABILITY_TOLERANCE {
            let found = if least < 0.0 { format!("the entry {least}") } else { format!("the sum {sum}") };
            return Err(QueryError::NotProbabilities { signal, row, found });
        }
    }
    Ok(())
}
