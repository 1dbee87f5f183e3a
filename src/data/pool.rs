//! The labelled and unlabelled rows of one episode, and the oracle that moves rows between them.

use super::RowId;
use super::task::Task;
use crate::error::{Fault, Result};
use std::sync::Arc;

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
        let mut sorted = picks.to_vec();
        sorted.sort_unstable();
        if let Some(row) = sorted.last().filter(|row| row.index() >= rows) {
            return Err(PoolError::Unknown { row: row.0, rows });
        }
        let twice = sorted.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0]);
        let labelled = || sorted.iter().copied().find(|row| self.unlabelled.binary_search(row).is_err());
        if let Some(row) = twice.or_else(labelled) {
            return Err(PoolError::Repeated { row: row.0 });
        }
        let labels = oracle.reveal(picks)?;
        self.unlabelled.retain(|row| sorted.binary_search(row).is_err());
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Matrix;
    use proptest::prelude::*;

    /// Ten rows whose label is the parity of their number.
    fn task() -> Arc<Task> {
        let part = |rows: usize| (Matrix::zeros(rows, 1), (0..rows as u32).map(|row| row % 2).collect());
        Arc::new(Task::from_parts("parity", 2, part(10), part(2), part(2)).unwrap())
    }

    fn rows(numbers: &[u32]) -> Vec<RowId> {
        numbers.iter().copied().map(RowId).collect()
    }

    #[test]
    fn labels_come_in_the_order_of_the_picks() {
        let (mut pool, mut oracle) = (Pool::unlabelled(10), Oracle::new(task(), 5));
        pool.ask(&mut oracle, &rows(&[7, 2, 5])).unwrap();
        assert_eq!(pool.labelled(), rows(&[7, 2, 5]));
        assert_eq!(pool.labels(), [1, 0, 1]);
        assert_eq!(pool.candidates(), rows(&[0, 1, 3, 4, 6, 8, 9]));
        assert_eq!((oracle.spent(), oracle.left()), (3, 2));
    }

    /// Faults 30 to 33: no budget, a batch over what remains, a duplicate, a labelled, an unknown row.
    #[test]
    fn a_refused_batch_changes_nothing() {
        let (mut pool, mut oracle) = (Pool::unlabelled(10), Oracle::new(task(), 3));
        pool.ask(&mut oracle, &rows(&[0])).unwrap();
        let before = pool.clone();
        for (picks, expected) in [
            (vec![1, 2, 3], PoolError::Budget { asked: 3, left: 2 }),
            (vec![1, 1], PoolError::Repeated { row: 1 }),
            (vec![1, 0], PoolError::Repeated { row: 0 }),
            (vec![1, 10], PoolError::Unknown { row: 10, rows: 10 }),
            (vec![u32::MAX], PoolError::Unknown { row: u32::MAX, rows: 10 }),
        ] {
            assert_eq!(pool.ask(&mut oracle, &rows(&picks)), Err(expected));
            assert_eq!((&pool, oracle.spent()), (&before, 1));
        }
        let mut broke = Oracle::new(task(), 0);
        let refused = PoolError::Budget { asked: 1, left: 0 };
        assert_eq!(pool.ask(&mut broke, &rows(&[1])), Err(refused));
        assert_eq!(pool.ask(&mut broke, &[]), Ok(()));
    }

    #[test]
    fn foresight_is_free_and_leaves_the_budget() {
        let oracle = Oracle::new(task(), 3);
        assert_eq!(oracle.foresee(&rows(&[3, 4])), [1, 0]);
        assert_eq!(oracle.spent(), 0);
    }

    proptest! {
        /// Whatever is asked for, rows are conserved, the budget is never exceeded, labels are true, and
        /// candidates stay ascending.
        #[test]
        fn rows_and_budget_are_conserved(batches in prop::collection::vec(prop::collection::vec(0u32..12, 0..4), 0..12), budget in 0usize..12) {
            let (mut pool, mut oracle) = (Pool::unlabelled(10), Oracle::new(task(), budget));
            for batch in batches {
                let spent = oracle.spent();
                let asked = pool.ask(&mut oracle, &rows(&batch));
                prop_assert_eq!(oracle.spent(), spent + if asked.is_ok() { batch.len() } else { 0 });
                prop_assert!(oracle.spent() <= budget);
                prop_assert_eq!(oracle.spent() + oracle.left(), budget);
                prop_assert_eq!(pool.labelled().len(), oracle.spent());
                let mut all = [pool.labelled(), pool.candidates()].concat();
                all.sort_unstable();
                prop_assert_eq!(all, (0..10).map(RowId).collect::<Vec<_>>());
                prop_assert!(pool.candidates().is_sorted());
                for (row, label) in pool.labelled().iter().zip(pool.labels()) {
                    prop_assert_eq!(row.0 % 2, *label);
                }
            }
        }
    }
}
