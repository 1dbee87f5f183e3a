//! What a candidate's description looks up of other rows of the pool.

use super::LOG_LIMIT;
use super::predictions::Prediction;
use crate::data::{MatrixView, RowId};
use crate::query::geometry::blocks::squared_distances_to;
use crate::query::geometry::lanes::squared_distance;
use crate::query::neighbour_stats::{PoolRow, PoolRows};
use crate::query::{Nearest, Neighbours, PoolView};

/// All rows of the pool of `view`.
pub(super) fn of(
    view: &PoolView<'_>,
    neighbours: &Neighbours,
    nearest: &Nearest,
    predictions: &[Prediction],
) -> PoolRows {
    let unit = neighbours.scale().max(f32::MIN_POSITIVE);
    let pool_row = |row| {
        let least = nearest.least(row);
        let novelty = if least.is_finite() { least.sqrt() / unit } else { LOG_LIMIT.exp() };
        PoolRow { margin: -1.0, novelty }
    };
    let mut rows: Vec<PoolRow> = (0..view.inputs().rows()).map(pool_row).collect();
    for (row, prediction) in view.candidates().iter().zip(predictions) {
        rows[row.index()].margin = prediction.margin;
    }
    PoolRows { unit, rows }
}

/// Takes a candidate for labelled with `class`; only the rows `watched` are told, and what of them changed
/// is noted in `changes`. `before` is whose label it may become.
pub(super) fn label(
    pool: &mut PoolRows,
    nearest: &mut Nearest,
    before: &Nearest,
    inputs: MatrixView<'_>,
    watched: &[u32],
    (row, class): (RowId, u32),
    changes: &mut Changes,
) {
    pool.rows[row.index()].margin = -1.0;
    changes.note(row.0);
    let new = inputs.row(row.index());
    changes.distances.resize(inputs.rows(), 0.0);
    // All distances in one go take less time than a good part of them one by one.
    let all = watched.len() >= inputs.rows() / 3;
    if all {
        squared_distances_to(inputs.values(), new, &mut changes.distances);
        before.foresee(row, &changes.distances);
    }
    for &other in watched {
        let at = other as usize;
        let squared = if all { changes.distances[at] } else { squared_distance(inputs.row(at), new) };
        let least = nearest.least(at);
        // Roots and quotients keep the order: what is not nearer before them is not behind.
        if nearest.lower_one(at, class, squared) {
            let (pool_row, novelty) = (&mut pool.rows[at], squared.sqrt() / pool.unit);
            if least.is_infinite() || novelty < pool_row.novelty {
                pool_row.novelty = novelty;
                changes.note(other);
            }
        }
    }
}

/// Rows whose nearest rows changed since it was last asked.
pub(super) struct Changes {
    /// Per row of the pool, whether it is one of them.
    rows: Vec<bool>,
    /// All of them.
    changed: Vec<u32>,
    /// Working memory.
    distances: Vec<f32>,
}

impl Changes {
    /// None, in a pool of so many rows.
    pub(super) fn none(rows: usize) -> Self {
        Self { rows: vec![false; rows], changed: Vec::new(), distances: Vec::new() }
    }

    #[inline]
    fn note(&mut self, row: u32) {
        if !std::mem::replace(&mut self.rows[row as usize], true) {
            self.changed.push(row);
        }
    }

    /// Whether a row's entry is another one.
    #[inline]
    pub(super) fn of(&self, row: usize) -> bool {
        self.rows[row]
    }

    /// Forgets all of them.
    pub(super) fn clear(&mut self) {
        self.changed.drain(..).for_each(|row| self.rows[row as usize] = false);
    }
}
