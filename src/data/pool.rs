//! The labelled and unlabelled rows of one episode, and the oracle that moves rows between them.

use super::task::Task;
use crate::error::{Fault, Result};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A row of a task's pool, stable over a whole episode. Ties between scores go to the smaller id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RowId(pub u32);

impl RowId {
    /// The row's index in the pool matrix.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// Why a query is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
pub enum PoolError {
    /// The row does not exist.
    #[error("query: row {row} asked for, but the pool has {rows} rows")]
    Unknown { row: u32, rows: usize },
    /// The row's label is known already, or it stands in the batch twice.
    #[error("query: row {row} asked for, but it is labelled already or asked for twice in one batch")]
    Repeated { row: u32 },
    /// The budget does not cover the batch.
    #[error("query: {asked} labels asked for, but only {left} of the budget are left")]
    Budget { asked: usize, left: usize },
}

impl Fault for PoolError {}

/// Which rows of a pool are labelled, with their labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pool {
    labelled: Vec<RowId>,
    labels: Vec<u32>,
    unlabelled: Vec<RowId>,
}

impl Pool {
    /// A pool of `rows` rows without a label.
    pub fn unlabelled(rows: usize) -> Self {
        Self { labelled: Vec::new(), labels: Vec::new(), unlabelled: (0..rows as u32).map(RowId).collect() }
    }

    /// Labelled rows, in the order in which they were asked for.
    pub fn labelled(&self) -> &[RowId] {
        &self.labelled
    }

    /// The labels of [`labelled`](Self::labelled).
    pub fn labels(&self) -> &[u32] {
        &self.labels
    }

    /// Rows without a label, ascending.
    pub fn candidates(&self) -> &[RowId] {
        &self.unlabelled
    }

    /// Asks `oracle` for the labels of `picks` and moves the rows over. All or nothing: a batch with a
    /// duplicate, a labelled or an unknown row, or over the budget, changes neither pool nor budget.
    pub fn ask(&mut self, oracle: &mut Oracle, picks: &[RowId]) -> Result<(), PoolError> {
        let rows = self.labelled.len() + self.unlabelled.len();
        let mut remaining = self.unlabelled.clone();
        for &pick in picks {
            if pick.index() >= rows {
                return Err(PoolError::Unknown { row: pick.0, rows });
            }
            match remaining.binary_search(&pick) {
                Ok(at) => drop(remaining.remove(at)),
                Err(_) => return Err(PoolError::Repeated { row: pick.0 }),
            }
        }
        let labels = oracle.reveal(picks)?;
        self.unlabelled = remaining;
        self.labelled.extend_from_slice(picks);
        self.labels.extend(labels);
        Ok(())
    }
}

/// Knows the labels of one task's pool and charges a budget for each that it reveals.
#[derive(Clone, Debug)]
pub struct Oracle {
    task: Arc<Task>,
    budget: usize,
    spent: usize,
}

impl Oracle {
    /// An oracle that will reveal at most `budget` labels.
    pub fn new(task: Arc<Task>, budget: usize) -> Self {
        Self { task, budget, spent: 0 }
    }

    /// Labels revealed so far.
    pub fn spent(&self) -> usize {
        self.spent
    }

    /// Labels that may still be asked for.
    pub fn left(&self) -> usize {
        self.budget - self.spent
    }

    fn reveal(&mut self, picks: &[RowId]) -> Result<Vec<u32>, PoolError> {
        if picks.len() > self.left() {
            return Err(PoolError::Budget { asked: picks.len(), left: self.left() });
        }
        self.spent += picks.len();
        Ok(picks.iter().map(|&row| self.task.pool_label(row)).collect())
    }

    /// Reads labels without charging for them: what a *simulated* look-ahead (the greedy oracle, an
    /// expert to imitate) needs. Never to be handed to a strategy.
    pub fn foresee(&self, rows: &[RowId]) -> Vec<u32> {
        rows.iter().map(|&row| self.task.pool_label(row)).collect()
    }
}
