//! The labelled and unlabelled rows of one episode, and the oracle that moves rows between them.

use super::RowId;
use super::annotator::{Annotator, Answer, Answers, Price};
use super::task::Task;
use crate::error::{Fault, Result};
use crate::rng::Key;
use std::collections::HashMap;
use std::sync::Arc;

/// Why a query is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
pub enum PoolError {
    /// The row does not exist.
    #[error("query: row {row} asked for, but the pool has {rows} rows")]
    Unknown { row: u32, rows: usize },
    /// The row's label is known already, or cannot be known, or it was asked for and is still out, or stands in the batch
    /// twice.
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
    /// Rows whose answers are still out, with the queries until they arrive.
    waiting: Vec<(RowId, u32)>,
    /// Rows that were asked for and that nobody has a label for, in the order of their answers.
    rejected: Vec<RowId>,
    rows: usize,
}

impl Pool {
    /// A pool of `rows` rows without a label.
    pub fn unlabelled(rows: usize) -> Self {
        let unlabelled = (0..rows as u32).map(RowId).collect();
        let (labelled, labels, waiting, rejected) = Default::default();
        Self { labelled, labels, unlabelled, waiting, rejected, rows }
    }

    /// Labelled rows, in the order in which their labels came.
    pub fn labelled(&self) -> &[RowId] {
        &self.labelled
    }

    /// The labels of [`labelled`](Self::labelled).
    pub fn labels(&self) -> &[u32] {
        &self.labels
    }

    /// Rows that may be asked for, ascending.
    pub fn candidates(&self) -> &[RowId] {
        &self.unlabelled
    }

    /// Rows that were asked for and whose answers are still out, in the order of asking.
    pub fn waiting(&self) -> Vec<RowId> {
        self.waiting.iter().map(|&(row, _)| row).collect()
    }

    /// Rows that were asked for and that nobody has a label for, in the order of their answers.
    pub fn rejected(&self) -> &[RowId] {
        &self.rejected
    }

    /// Asks `oracle` for the labels of `picks` and moves the rows over; what it says of them, in their order. Answers to
    /// earlier queries that are due arrive before, and all that are still out once the budget is spent: there is nothing
    /// left to do but to wait for them. All or nothing: a batch with a duplicate, a labelled or an unknown row, or over
    /// the budget, changes neither pool nor budget.
    pub fn ask(&mut self, oracle: &mut Oracle, picks: &[RowId]) -> Result<Vec<Answer>, PoolError> {
        let rows = self.rows;
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
        oracle.charge(picks.len())?;
        self.unlabelled.retain(|row| sorted.binary_search(row).is_err());
        self.waiting.iter_mut().for_each(|(_, left)| *left -= 1);
        self.arrive(oracle, |left| left == 0);
        let mut said = Vec::with_capacity(picks.len());
        for &row in picks {
            said.push(match oracle.asked(row).0.late {
                0 => self.settle(oracle, row),
                late => {
                    self.waiting.push((row, late));
                    Answer::Late(late)
                }
            });
        }
        if oracle.left() == 0 {
            self.arrive(oracle, |_| true);
        }
        oracle.answers.late = self.waiting.len() as u32;
        Ok(said)
    }

    /// Takes candidates out that somebody else was asked for, and whose answers stay out.
    ///
    /// # Errors
    /// [`PoolError::Repeated`] for a row that is no candidate; nothing is changed then.
    pub fn set_aside(&mut self, rows: &[RowId]) -> Result<(), PoolError> {
        if let Some(row) = rows.iter().find(|row| self.unlabelled.binary_search(row).is_err()) {
            return Err(PoolError::Repeated { row: row.0 });
        }
        self.unlabelled.retain(|row| !rows.contains(row));
        self.waiting.extend(rows.iter().map(|&row| (row, u32::MAX)));
        Ok(())
    }

    /// Takes the answers that are due.
    fn arrive(&mut self, oracle: &mut Oracle, due: impl Fn(u32) -> bool) {
        let (arrived, waiting) =
            std::mem::take(&mut self.waiting).into_iter().partition(|&(_, left)| due(left));
        self.waiting = waiting;
        let arrived: Vec<(RowId, u32)> = arrived;
        for (row, _) in arrived {
            self.settle(oracle, row);
        }
    }

    /// Takes the answer to a row that is neither a candidate nor labelled.
    fn settle(&mut self, oracle: &mut Oracle, row: RowId) -> Answer {
        let answer = oracle.reveal(row);
        match answer {
            Answer::Label(label) => {
                self.labelled.push(row);
                self.labels.push(label);
            }
            Answer::Abstained => {
                let place = self.unlabelled.partition_point(|other| *other < row);
                self.unlabelled.insert(place, row);
            }
            Answer::Unanswerable => self.rejected.push(row),
            Answer::Late(_) => {}
        }
        answer
    }
}

/// Knows the labels of one task's pool and charges a budget for each that it is asked for, whatever the answer.
#[derive(Clone, Debug)]
pub struct Oracle {
    task: Arc<Task>,
    budget: usize,
    spent: usize,
    annotator: Annotator,
    price: Price,
    key: Key,
    /// Who answers for a row, by number, where it is not `annotator`.
    appointed: HashMap<RowId, (u32, Annotator)>,
    /// How often rows were answered.
    times: HashMap<RowId, u32>,
    answers: Answers,
}

impl Oracle {
    /// An oracle that will reveal at most `budget` labels, at once and rightly.
    pub fn new(task: Arc<Task>, budget: usize) -> Self {
        Self::of(task, budget, Annotator::default(), Key::root(0))
    }

    /// An oracle that answers at most `budget` questions as `annotator` does, with draws from `key`.
    pub fn of(task: Arc<Task>, budget: usize, annotator: Annotator, key: Key) -> Self {
        let answers = Answers::default();
        let (appointed, times) = (HashMap::new(), HashMap::new());
        let price = Price::default();
        Self { task, budget, spent: 0, annotator, price, key, appointed, times, answers }
    }

    /// The same, who charges what a row costs by `price`.
    pub fn priced(self, price: Price) -> Self {
        Self { price, ..self }
    }

    /// From now on, questions about `row` go to the annotator of this number, whose draws are that number's own.
    pub fn appoint(&mut self, row: RowId, number: u32, annotator: Annotator) {
        self.appointed.insert(row, (number, annotator));
    }

    /// Who is asked about a row, and the key of the draws.
    fn asked(&self, row: RowId) -> (Annotator, Key) {
        match self.appointed.get(&row) {
            Some(&(number, annotator)) => (annotator, self.key.named("annotators").at(u64::from(number))),
            None => (self.annotator, self.key),
        }
    }

    /// What the questions have come to.
    pub fn answers(&self) -> Answers {
        self.answers
    }

    /// Labels asked for so far.
    pub fn spent(&self) -> usize {
        self.spent
    }

    /// Labels that may still be asked for.
    pub fn left(&self) -> usize {
        self.budget - self.spent
    }

    /// From now on, `rows` may be asked for, whatever was left.
    pub(crate) fn grant(&mut self, rows: usize) {
        self.budget = self.spent + rows;
    }

    fn charge(&mut self, asked: usize) -> Result<(), PoolError> {
        if asked > self.left() {
            return Err(PoolError::Budget { asked, left: self.left() });
        }
        self.spent += asked;
        Ok(())
    }

    fn reveal(&mut self, row: RowId) -> Answer {
        let (annotator, key) = self.asked(row);
        let time = self.times.entry(row).or_default();
        let answer = match self.task.has_answer(row) {
            true => annotator.answer(row, self.task.pool_label(row), self.task.classes(), *time, key),
            false => Answer::Unanswerable,
        };
        *time += 1;
        let price = match answer {
            Answer::Label(label) => {
                self.answers.answered += 1;
                self.answers.wrong += u32::from(label != self.task.pool_label(row));
                match self.price {
                    Price::Row => annotator.price,
                    Price::Outline => annotator.price * self.task.outline(row),
                }
            }
            Answer::Abstained => {
                self.answers.abstained += 1;
                annotator.price_abstained
            }
            Answer::Unanswerable | Answer::Late(_) => {
                self.answers.unanswerable += 1;
                annotator.price_abstained
            }
        };
        self.answers.spent += price;
        answer
    }

    /// Reads labels without charging for them: what a *simulated* look-ahead (the greedy oracle, an
    /// expert to imitate) needs. Never to be handed to a strategy. Rows must [have an answer](Task::has_answer).
    pub fn peek(&self, rows: &[RowId]) -> Vec<u32> {
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
        assert_eq!(pool.ask(&mut broke, &[]), Ok(vec![]));
    }

    /// Each question goes to whom it was given, at that one's price; the draws of one do not depend on those of the others.
    #[test]
    fn whoever_is_appointed_answers() {
        let right = Annotator::default();
        let wrong = Annotator { noise: 1.0, price: 3.0, ..right };
        let late = Annotator { late: 1, price: 0.5, ..right };
        let (mut pool, mut oracle) = (Pool::unlabelled(10), Oracle::new(task(), 6));
        oracle.appoint(RowId(4), 0, wrong);
        oracle.appoint(RowId(5), 1, late);
        let said = pool.ask(&mut oracle, &rows(&[3, 4, 5])).unwrap();
        assert_eq!(said, [Answer::Label(1), Answer::Label(1), Answer::Late(1)]);
        assert_eq!((oracle.answers().wrong, oracle.answers().spent), (1, 4.0));
        pool.ask(&mut oracle, &rows(&[6])).unwrap();
        assert_eq!((pool.labelled(), oracle.answers().spent), (&rows(&[3, 4, 5, 6])[..], 5.5));
        let half = Annotator { noise: 0.5, ..right };
        let answers = |number: u32| {
            let (mut pool, mut oracle) = (Pool::unlabelled(10), Oracle::new(task(), 10));
            (0..10).for_each(|row| oracle.appoint(RowId(row), number, half));
            pool.ask(&mut oracle, &rows(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9])).unwrap()
        };
        assert_eq!(answers(1), answers(1));
        assert_ne!(answers(1), answers(2));
    }

    /// Two queries late: the first answers come with the third query, the rest when the budget is spent.
    #[test]
    fn late_answers_arrive_in_their_order_and_at_the_end_all() {
        let late = Annotator { late: 2, price: 2.5, ..Annotator::default() };
        let (mut pool, mut oracle) = (Pool::unlabelled(10), Oracle::of(task(), 8, late, Key::root(1)));
        let said = pool.ask(&mut oracle, &rows(&[7, 2])).unwrap();
        assert_eq!(said, [Answer::Late(2); 2]);
        assert_eq!(pool.ask(&mut oracle, &rows(&[2])), Err(PoolError::Repeated { row: 2 }));
        pool.ask(&mut oracle, &rows(&[3, 4])).unwrap();
        assert_eq!((pool.labelled().len(), pool.waiting()), (0, rows(&[7, 2, 3, 4])));
        assert_eq!(pool.candidates(), rows(&[0, 1, 5, 6, 8, 9]));
        pool.ask(&mut oracle, &rows(&[5, 6])).unwrap();
        assert_eq!((pool.labelled(), pool.labels()), (&rows(&[7, 2])[..], &[1, 0][..]));
        assert_eq!((oracle.spent(), oracle.answers().late, oracle.answers().spent), (6, 4, 5.0));
        pool.ask(&mut oracle, &rows(&[8, 9])).unwrap();
        assert_eq!(pool.labelled(), rows(&[7, 2, 3, 4, 5, 6, 8, 9]));
        let end = Answers { answered: 8, spent: 20.0, ..Answers::default() };
        assert_eq!((oracle.left(), oracle.answers()), (0, end));
    }

    /// An abstention is charged and leaves a candidate; what nobody can answer is charged and gone.
    #[test]
    fn questions_without_a_class_are_charged() {
        for (abstains, unanswerable) in [(1.0, 0.0), (0.0, 1.0)] {
            let annotator =
                Annotator { abstains, unanswerable, price_abstained: 0.25, ..Annotator::default() };
            let (mut pool, mut oracle) =
                (Pool::unlabelled(10), Oracle::of(task(), 3, annotator, Key::root(1)));
            let said = pool.ask(&mut oracle, &rows(&[7, 2])).unwrap();
            let (answer, left) = match abstains {
                1.0 => (Answer::Abstained, (0..10).map(RowId).collect()),
                _ => (Answer::Unanswerable, rows(&[0, 1, 3, 4, 5, 6, 8, 9])),
            };
            assert_eq!((said, pool.candidates(), pool.labels()), (vec![answer; 2], &left[..], &[][..]));
            assert_eq!((oracle.left(), oracle.answers().spent), (1, 0.5));
            assert_eq!(pool.rejected(), if abstains == 1.0 { vec![] } else { rows(&[7, 2]) });
            assert_eq!(oracle.answers().abstained + oracle.answers().unanswerable, 2);
        }
    }

    #[test]
    fn foresight_is_free_and_leaves_the_budget() {
        let oracle = Oracle::new(task(), 3);
        assert_eq!(oracle.peek(&rows(&[3, 4])), [1, 0]);
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
