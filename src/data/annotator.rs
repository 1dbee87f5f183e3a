//! What simulated annotators answer: late, wrongly, not at all, and at a price.
//!
//! The words are those of a [session](crate::session): a class, an abstention (`-` there), a row that nobody can answer
//! (`?`), and an answer that is still out.
//!
//! ```
//! use querist::data::{Annotator, Answer, Matrix, Oracle, Pool, RowId, Task};
//! use querist::rng::Key;
//! # use std::sync::Arc;
//! let part = |rows: usize| (Matrix::zeros(rows, 1), (0..rows as u32).map(|row| row % 2).collect());
//! let task = Arc::new(Task::from_parts("parity", 2, part(10), part(2), part(2))?);
//! let slow = Annotator { late: 1, ..Annotator::default() };
//! let (mut pool, mut oracle) = (Pool::unlabelled(10), Oracle::of(task, 4, slow, Key::root(1)));
//! assert_eq!(pool.ask(&mut oracle, &[RowId(3)])?, [Answer::Late(1)]);
//! assert_eq!((pool.labelled().len(), pool.waiting().len()), (0, 1));
//! pool.ask(&mut oracle, &[RowId(6)])?;
//! assert_eq!((pool.labelled(), pool.labels()), (&[RowId(3)][..], &[1][..]));
//! # Ok::<(), querist::Error>(())
//! ```

use super::RowId;
use crate::rng::Key;
use rand::RngExt;
use serde::{Deserialize, Serialize};

/// What a question about a row comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The row is of this class, if the annotator is right.
    Label(u32),
    /// The annotator does not say; the row may be asked for again.
    Abstained,
    /// Nobody can say; the row is asked for no more.
    Unanswerable,
    /// The answer arrives after so many further queries, and until then the row is asked for no more.
    Late(u32),
}

/// What an answer costs, in units of the annotator's price.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Price {
    /// As much for every row.
    #[default]
    Row,
    /// The length of the foreground's outline in pixels, which is what is drawn: of masks.
    Outline,
}

impl Price {
    /// Whether it is the same for every row.
    pub fn is_by_row(&self) -> bool {
        *self == Self::Row
    }
}

/// How simulated annotators answer. What a row is answered follows from the key of the episode, the row, and how often it
/// was asked for: strategies that are compared get the same answers to the same questions.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Annotator {
    /// The share of classes that are another than the row's, each of them equally often.
    pub noise: f64,
    /// The share of questions that are answered by an abstention.
    pub abstains: f64,
    /// The share of rows that nobody can answer.
    pub unanswerable: f64,
    /// Queries after which an answer arrives; 0 for at once.
    pub late: u32,
    /// What a class costs.
    pub price: f64,
    /// What an abstention, and finding a row unanswerable, costs.
    pub price_abstained: f64,
}

/// Always right, at once, for a price of 1.
impl Default for Annotator {
    fn default() -> Self {
        Self { noise: 0.0, abstains: 0.0, unanswerable: 0.0, late: 0, price: 1.0, price_abstained: 1.0 }
    }
}

impl Annotator {
    /// What is said of `row`, of class `truth` among `classes`, when it is asked for the `time`th time, the first being 0.
    pub(super) fn answer(&self, row: RowId, truth: u32, classes: usize, time: u32, key: Key) -> Answer {
        let key = key.named("annotator").at(u64::from(row.0));
        if key.named("unanswerable").rng().random::<f64>() < self.unanswerable {
            return Answer::Unanswerable;
        }
        let mut rng = key.named("answer").at(u64::from(time)).rng();
        if rng.random::<f64>() < self.abstains {
            return Answer::Abstained;
        }
        if classes < 2 || rng.random::<f64>() >= self.noise {
            return Answer::Label(truth);
        }
        let other = rng.random_range(0..classes as u32 - 1);
        Answer::Label(other + u32::from(other >= truth))
    }
}

/// What the questions of an episode have come to so far; the labels that it started from are not among them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answers {
    /// Classes that were named.
    pub answered: u32,
    /// How many of them are wrong, which only a simulation can tell.
    pub wrong: u32,
    pub abstained: u32,
    pub unanswerable: u32,
    /// Answers that are still out.
    pub late: u32,
    /// The prices of all that has arrived.
    pub spent: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    const CROWD: Annotator =
        Annotator { noise: 0.2, abstains: 0.3, unanswerable: 0.1, late: 0, price: 1.0, price_abstained: 0.5 };

    /// The shares of 4,000 answers are within four standard errors of what was asked for, and no other class is
    /// preferred.
    #[test]
    fn shares_are_those_of_the_annotator() {
        let said: Vec<Answer> =
            (0..4_000).map(|row| CROWD.answer(RowId(row), 1, 4, 0, Key::root(3))).collect();
        let share = |of: Answer| said.iter().filter(|&&one| one == of).count() as f64 / 4_000.0;
        let near = |found: f64, p: f64| (found - p).abs() < 4.0 * (p * (1.0 - p) / 4_000.0).sqrt();
        assert!(near(share(Answer::Unanswerable), 0.1));
        assert!(near(share(Answer::Abstained), 0.9 * 0.3));
        assert!(near(share(Answer::Label(1)), 0.9 * 0.7 * 0.8));
        for other in [0, 2, 3] {
            assert!(near(share(Answer::Label(other)), 0.9 * 0.7 * 0.2 / 3.0), "class {other}");
        }
    }

    /// A row that nobody can answer stays one; an abstention is drawn anew.
    #[test]
    fn answers_depend_on_the_row_and_on_how_often_it_was_asked_for() {
        let again = |row, time| CROWD.answer(RowId(row), 0, 2, time, Key::root(3));
        let changes = |row: u32| (1..8).any(|time| again(row, time) != again(row, 0));
        for row in 0..200 {
            assert_eq!(again(row, 1), again(row, 1));
            assert_eq!(again(row, 0) == Answer::Unanswerable, again(row, 5) == Answer::Unanswerable);
        }
        assert!((0..200).filter(|&row| changes(row)).count() > 100);
        let right = Annotator::default();
        assert!(
            (0..50)
                .all(|row| right.answer(RowId(row), row % 3, 3, 0, Key::root(1)) == Answer::Label(row % 3))
        );
    }
}
