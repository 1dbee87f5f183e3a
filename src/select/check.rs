//! The checks on what was handed in, and what of it belongs to the candidates.

use super::array::Array;
use super::error::SelectError;
use super::words::{Argument, Words};
use crate::data::dataset::MAX_CLASSES;
use crate::data::{Matrix, MatrixView, RowId};
use crate::query::view::PROBABILITY_TOLERANCE;
use crate::query::{Head, Passes};

/// How far the sum of a row of probabilities may be from one to be taken as rounding.
const ROUNDING: f32 = 0.05;

/// Refuses what is no number, and arrays without any.
pub(super) fn finite(argument: Argument, all: MatrixView<'_>, words: &dyn Words) -> Result<(), SelectError> {
    if all.rows() == 0 || all.cols() == 0 {
        return Err(SelectError::Empty { place: words.place(argument) });
    }
    match all.values().iter().position(|value| !value.is_finite()) {
        None => Ok(()),
        Some(at) => Err(SelectError::NotFinite {
            place: words.place(argument),
            row: at / all.cols(),
            column: at % all.cols(),
            found: all.values()[at],
        }),
    }
}

/// Refuses an array that has not the rows of the pool.
pub(super) fn rows(
    argument: Argument,
    found: usize,
    expected: usize,
    words: &dyn Words,
) -> Result<(), SelectError> {
    match found == expected {
        true => Ok(()),
        false => Err(SelectError::Rows { place: words.place(argument), found, expected }),
    }
}

/// The labelled rows and the candidates of a pool of `n` rows.
pub(super) fn parts(
    labelled: &[usize],
    n: usize,
    words: &dyn Words,
) -> Result<(Vec<RowId>, Vec<RowId>), SelectError> {
    let place = || words.place(Argument::Labelled);
    let limit = u32::MAX as usize;
    if n > limit {
        return Err(SelectError::TooMany { place: words.place(Argument::Features), found: n, limit });
    }
    let mut taken = vec![false; n];
    for (at, &row) in labelled.iter().enumerate() {
        match taken.get_mut(row) {
            None => return Err(SelectError::Outside { place: place(), at, found: row, last: n - 1 }),
            Some(true) => return Err(SelectError::Repeated { place: place(), at, row }),
            Some(free) => *free = true,
        }
    }
    let candidates: Vec<RowId> = (0..n as u32).map(RowId).filter(|row| !taken[row.index()]).collect();
    if candidates.is_empty() {
        return Err(SelectError::NothingLeft { place: place(), rows: n });
    }
    Ok((labelled.iter().map(|&row| RowId(row as u32)).collect(), candidates))
}

/// The classes of the labelled rows; zeros where none were given, which nobody then looks at.
pub(super) fn labels(
    given: Option<&[u32]>,
    labelled: usize,
    words: &dyn Words,
) -> Result<Vec<u32>, SelectError> {
    let Some(given) = given else { return Ok(vec![0; labelled]) };
    let place = || words.place(Argument::Labels);
    if given.len() != labelled {
        return Err(SelectError::Labels { place: place(), found: given.len(), expected: labelled });
    }
    match given.iter().position(|&class| class as usize >= MAX_CLASSES) {
        None => Ok(given.to_vec()),
        Some(at) => Err(SelectError::Class { place: place(), at, found: given[at], limit: MAX_CLASSES }),
    }
}

/// Checks probabilities, and makes up for rounding where that is asked for.
pub(super) struct Sums<'w> {
    /// Whether rows are divided by their sums.
    pub(super) normalise: bool,
    pub(super) words: &'w dyn Words,
    /// What was done, by place.
    pub(super) notes: Vec<String>,
}

impl Sums<'_> {
    /// Refuses what is no probability. Returns by how much a sum is off at most.
    fn check(&self, argument: Argument, all: MatrixView<'_>) -> Result<f32, SelectError> {
        finite(argument, all, self.words)?;
        let place = || self.words.place(argument);
        let refuse = |row, found| Err(SelectError::Probabilities { place: place(), row, found });
        let mut most = 0.0f32;
        for row in 0..all.rows() {
            let p = all.row(row);
            let sum: f32 = p.iter().sum();
            let least = p.iter().copied().fold(0.0, f32::min);
            let off = (sum - 1.0).abs();
            if least < 0.0 {
                return refuse(row, format!("the entry {least}"));
            }
            if off > ROUNDING {
                return refuse(row, format!("the sum {sum}"));
            }
            if off > PROBABILITY_TOLERANCE && !self.normalise {
                let normalised = self.words.argument(Argument::Normalised);
                return Err(SelectError::Rounded { place: place(), row, found: sum, normalised });
            }
            most = most.max(off);
        }
        Ok(most)
    }

    /// The candidates' rows of probabilities of the whole pool.
    pub(super) fn probabilities(
        &mut self,
        argument: Argument,
        all: Array<'_>,
        n: usize,
        candidates: &[RowId],
    ) -> Result<Matrix, SelectError> {
        let view = all.view();
        rows(argument, view.rows(), n, self.words)?;
        let most = self.check(argument, view)?;
        let mut values = Vec::with_capacity(candidates.len() * view.cols());
        candidates.iter().for_each(|row| values.extend_from_slice(view.row(row.index())));
        let mut kept = Matrix::new(values, candidates.len(), view.cols());
        if self.normalise {
            for row in 0..kept.rows() {
                let p = kept.row_mut(row);
                let sum: f64 = p.iter().map(|&value| f64::from(value)).sum();
                p.iter_mut().for_each(|value| *value = (f64::from(*value) / sum) as f32);
            }
            let place = self.words.place(argument);
            let note = format!("{place}: rows divided by their sums, which were off by {most:.2e} at most");
            if !self.notes.contains(&note) {
                self.notes.push(note);
            }
        }
        Ok(kept)
    }

    /// The candidates' rows of probabilities of the whole pool under each pass.
    pub(super) fn passes(
        &mut self,
        argument: Argument,
        all: Vec<Array<'_>>,
        n: usize,
        candidates: &[RowId],
    ) -> Result<Passes, SelectError> {
        let mut members: Vec<Matrix> = Vec::with_capacity(all.len());
        for member in all {
            let kept = self.probabilities(argument, member, n, candidates)?;
            if let Some(first) = members.first().filter(|first| first.cols() != kept.cols()) {
                return Err(disagree(argument, kept.cols(), first.cols(), self.words));
            }
            members.push(kept);
        }
        Ok(Passes { members })
    }
}

/// The last layer, over embeddings of `width` columns.
pub(super) fn head(
    weights: Array<'_>,
    bias: &[f32],
    width: usize,
    words: &dyn Words,
) -> Result<Head, SelectError> {
    let view = weights.view();
    finite(Argument::Head, view, words)?;
    for (what, found, expected) in
        [("columns of W", view.cols(), width), ("entries of b", bias.len(), view.rows())]
    {
        if found != expected {
            return Err(SelectError::Head { place: words.place(Argument::Head), what, found, expected });
        }
    }
    finite(Argument::Head, MatrixView::new(bias, 1, bias.len()), words)?;
    let (rows, cols) = (view.rows(), view.cols());
    let weights = match weights {
        Array::Owned(weights) => weights,
        Array::Borrowed(view) => Matrix::new(view.values().to_vec(), rows, cols),
    };
    Ok(Head { weights, bias: bias.to_vec() })
}

fn disagree(argument: Argument, found: usize, expected: usize, words: &dyn Words) -> SelectError {
    let classes = words.argument(Argument::Classes);
    let hint = format!("probabilities, passes and {classes} must agree");
    SelectError::Classes { place: words.argument(argument), found, expected, hint }
}

/// The number of classes that all who `tell` one agree on. One if nobody does, which no selector that is given all
/// it [needs](super::Need) looks at.
///
/// # Errors
/// [`SelectError::Classes`].
pub fn classes(
    told: &[(Argument, Option<usize>)],
    labels: &[u32],
    words: &dyn Words,
) -> Result<usize, SelectError> {
    let mut told = told.iter().filter_map(|&(argument, classes)| Some((argument, classes?)));
    let from_labels = labels.iter().max().map_or(1, |&last| last as usize + 1);
    let Some((argument, classes)) = told.next() else { return Ok(from_labels) };
    if !(1..=MAX_CLASSES).contains(&classes) {
        return Err(SelectError::Count {
            place: words.argument(argument),
            found: classes,
            limit: MAX_CLASSES,
        });
    }
    if let Some((argument, found)) = told.find(|(_, found)| *found != classes) {
        return Err(disagree(argument, found, classes, words));
    }
    match from_labels > classes {
        true => Err(disagree(Argument::Labels, from_labels, classes, words)),
        false => Ok(classes),
    }
}
