//! [`Question`]: a query as a program or a function of another language sees it.

use super::answer::{self, AnswerError};
use crate::data::{Matrix, MatrixView, RowId};
use crate::error::{Fault, Result};
use crate::query::{Needs, PoolView};
use crate::rng::Key;
use serde_json::json;

/// The most features of candidates that a question holds; as text they are some twelve times as many bytes.
pub const MAX_NUMBERS: usize = 50_000_000;

/// A pool that is too large to be told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
#[error("a question of {rows} rows of {width} features, expected at most {MAX_NUMBERS} numbers")]
#[diagnostic(help(
    "ask about some of the candidates at a time, as `capped` does: capped(X, candidates=2000)"
))]
pub struct TooLarge {
    rows: usize,
    width: usize,
}

impl Fault for TooLarge {}

/// One query, by the rows' ids. Where rows carry none, those are their numbers. Nothing depends on the order of the rows.
#[derive(Clone, Debug)]
pub struct Question {
    /// How many candidates are to be chosen: no more than there are.
    pub batch: usize,
    /// What random numbers are to be drawn from.
    pub seed: u64,
    /// The number of classes.
    pub classes: usize,
    /// The ids of the candidates, ascending.
    pub candidates: Vec<u32>,
    /// Their inputs, shape `[candidates, width]`.
    pub features: Matrix,
    /// Their class probabilities, shape `[candidates, classes]`; `None` where they are not needed.
    pub probabilities: Option<Matrix>,
    /// The ids of the labelled rows, in the order in which they were asked for.
    pub labelled: Vec<u32>,
    /// Their classes; `None` where they are not needed.
    pub labels: Option<Vec<u32>>,
    /// Their inputs, shape `[labelled, width]`.
    pub labelled_features: Matrix,
    /// The candidates, in the order of their ids.
    rows: Vec<RowId>,
}

impl Question {
    /// What there is to choose from.
    ///
    /// # Errors
    /// `TooLarge`; [`QueryError`](crate::query::QueryError) where a signal that is needed is missing or no number.
    pub fn of(view: &PoolView<'_>, needs: Needs, batch: usize, key: Key) -> Result<Self> {
        let inputs = view.finite_inputs()?;
        let (rows, width) = (view.candidates().len() + view.labelled().len(), inputs.cols());
        if rows.saturating_mul(width) > MAX_NUMBERS {
            return Err(TooLarge { rows, width }.into());
        }
        let mut places: Vec<usize> = (0..view.candidates().len()).collect();
        places.sort_unstable_by_key(|&place| view.id(view.candidates()[place]));
        let rows: Vec<RowId> = places.iter().map(|&place| view.candidates()[place]).collect();
        let ids = |rows: &[RowId]| rows.iter().map(|&row| view.id(row).0).collect();
        let probabilities = match needs.probabilities {
            true => Some(gather(view.probabilities()?, places.iter().copied())),
            false => None,
        };
        Ok(Self {
            batch: batch.min(rows.len()),
            seed: key.named("external").seed64(),
            classes: view.classes(),
            candidates: ids(&rows),
            features: gather(inputs, rows.iter().map(|row| row.index())),
            probabilities,
            labelled: ids(view.labelled()),
            labels: needs.labels.then(|| view.labels().to_vec()),
            labelled_features: gather(inputs, view.labelled().iter().map(|row| row.index())),
            rows,
        })
    }

    /// One line of JSON, with its end.
    pub fn to_json(&self) -> String {
        let table = |matrix: &Matrix| (0..matrix.rows()).map(|row| matrix.row(row).to_vec()).collect();
        let tables: [Vec<Vec<f32>>; 2] = [table(&self.features), table(&self.labelled_features)];
        let mut line = json!({
            "batch": self.batch,
            "seed": self.seed,
            "classes": self.classes,
            "candidates": self.candidates,
            "features": tables[0],
            "labelled": self.labelled,
            "labelled_features": tables[1],
        });
        if let Some(probabilities) = &self.probabilities {
            line["probabilities"] = json!(table(probabilities));
        }
        if let Some(labels) = &self.labels {
            line["labels"] = json!(labels);
        }
        format!("{line}\n")
    }

    /// The rows that an answer names.
    ///
    /// # Errors
    /// Unless these are `batch` distinct candidates, and `utilities` as many finite numbers that do not rise.
    pub fn rows(&self, picks: &[i64], utilities: Option<&[f64]>) -> Result<Vec<RowId>, AnswerError> {
        let places = answer::places(&self.candidates, self.batch, picks)?;
        answer::check_utilities(self.batch, utilities)?;
        Ok(places.into_iter().map(|place| self.rows[place]).collect())
    }
}

fn gather(matrix: MatrixView<'_>, rows: impl ExactSizeIterator<Item = usize>) -> Matrix {
    let (count, width) = (rows.len(), matrix.cols());
    let mut values = Vec::with_capacity(count * width);
    rows.for_each(|row| values.extend_from_slice(matrix.row(row)));
    Matrix::new(values, count, width)
}
