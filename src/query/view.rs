//! What a strategy is allowed to see.

use super::{Nearest, Neighbours};
use crate::data::{Matrix, MatrixView, RowId};
use std::sync::Arc;

/// The signals that a strategy asks of the learner. A plain set of flags and counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
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

impl Needs {
    /// What both need together.
    pub fn and(self, other: Self) -> Self {
        Self {
            probabilities: self.probabilities || other.probabilities,
            embeddings: self.embeddings || other.embeddings,
            passes: self.passes.max(other.passes),
            lookahead: self.lookahead.max(other.lookahead),
            neighbours: self.neighbours || other.neighbours,
        }
    }
}

/// How far an episode has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Labels bought since the initial ones.
    pub spent: usize,
    /// Labels that may be bought in all.
    pub budget: usize,
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

    /// What the learner computed for this round.
    pub fn signals(&self) -> &'a Signals {
        self.signals
    }
}
