//! [`Rewards`]: what queries did for the classifier, in the labels in hand alone.
//!
//! The reward of a query is by how much its answers lowered the mean out-of-fold loss of the labels that were there before
//! they came: no label beyond the budget is read. A query whose answers are still out is judged when the last of them has
//! arrived, and one to which nobody named a class never: it added nothing that the classifier could learn from, so that
//! what changes meanwhile is the noise of other folds.

use super::error::QueryError;
use super::view::PoolView;
use crate::data::{MatrixView, RowId};

/// The smallest probability that enters a loss.
const SMALLEST: f32 = 1e-3;

/// The queries of one episode that are not judged yet; `Q` is what is to be known of one then.
#[derive(Clone, Debug)]
pub struct Rewards<Q> {
    open: Vec<(Q, Vec<RowId>)>,
    /// Rows with an answer at the last call, and their losses, in the order in which they were bought; none where there
    /// were too few to leave some out.
    before: Option<Vec<(RowId, f64)>>,
}

impl<Q> Default for Rewards<Q> {
    fn default() -> Self {
        Self { open: Vec::new(), before: None }
    }
}

impl<Q> Rewards<Q> {
    /// The queries whose answers have come since the last call, with their rewards. Of several that end at once, each has
    /// an equal part.
    ///
    /// # Errors
    /// Those of [`PoolView::out_of_fold`].
    pub fn judged(&mut self, view: &PoolView<'_>) -> Result<Vec<(Q, f64)>, QueryError> {
        let (rows, waiting) = view.labelled().split_at(view.labelled().len() - view.waiting());
        let now = view.out_of_fold()?.map(|p| losses(p, &view.labels()[..rows.len()]));
        let (over, open) = std::mem::take(&mut self.open)
            .into_iter()
            .partition(|(_, asked): &(Q, Vec<RowId>)| !asked.iter().any(|row| waiting.contains(row)));
        self.open = open;
        let mut over: Vec<(Q, Vec<RowId>)> = over;
        over.retain(|(_, asked)| asked.iter().any(|row| rows.contains(row)));
        let reward = match (&self.before, &now) {
            // In another episode's view the labels are others.
            (Some(before), Some(now)) if rows.len() >= before.len() && same(before, rows) => {
                let count = before.len().max(1) as f64;
                let fall = before.iter().map(|(_, loss)| loss).sum::<f64>()
                    - now[..before.len()].iter().sum::<f64>();
                Some(fall / count / over.len().max(1) as f64)
            }
            _ => None,
        };
        self.before = now.map(|now| rows.iter().copied().zip(now).collect());
        Ok(reward.map_or(Vec::new(), |reward| over.into_iter().map(|(query, _)| (query, reward)).collect()))
    }

    /// These rows were asked for. Not judged where too few labels were there to leave some out.
    pub fn asked(&mut self, query: Q, rows: &[RowId]) {
        if self.before.is_some() {
            self.open.push((query, rows.to_vec()));
        }
    }
}

fn same(before: &[(RowId, f64)], rows: &[RowId]) -> bool {
    before.iter().zip(rows).all(|((row, _), other)| row == other)
}

/// The negative log-likelihood of every label.
fn losses(probabilities: MatrixView<'_>, labels: &[u32]) -> Vec<f64> {
    let one =
        |(row, &label): (usize, &u32)| -f64::from(probabilities.row(row)[label as usize].max(SMALLEST)).ln();
    labels.iter().enumerate().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Matrix;
    use crate::query::Signals;

    #[test]
    fn losses_by_hand() {
        let p = Matrix::new(vec![0.5, 0.5, 0.0, 1.0], 2, 2);
        let found = losses(p.view(), &[0, 0]);
        assert!((found[0] - 2f64.ln()).abs() < 1e-6 && (found[1] - 1_000f64.ln()).abs() < 1e-4);
    }

    /// What is judged when `labelled`, the last `waiting` of which are still out, are known with probability `sure` each.
    fn judged(rewards: &mut Rewards<char>, labelled: &[u32], waiting: usize, sure: f32) -> Vec<(char, f64)> {
        let inputs = Matrix::zeros(20, 1);
        let rows: Vec<RowId> = labelled.iter().copied().map(RowId).collect();
        let candidates: Vec<RowId> = (0..20).filter(|row| !labelled.contains(row)).map(RowId).collect();
        let p = Matrix::new([sure, 1.0 - sure].repeat(rows.len()), rows.len(), 2);
        let signals = Signals { out_of_fold: Some(p), ..Signals::default() };
        let labels = vec![0; rows.len()];
        let view = PoolView::new(inputs.view(), &rows, &labels, &candidates, 2, &signals);
        rewards.judged(&view.with_waiting(waiting)).unwrap()
    }

    fn rows(numbers: &[u32]) -> Vec<RowId> {
        numbers.iter().copied().map(RowId).collect()
    }

    #[test]
    fn a_query_is_judged_when_its_answers_have_come() {
        let mut rewards = Rewards::default();
        assert!(judged(&mut rewards, &[0, 1], 0, 0.5).is_empty());
        rewards.asked('a', &rows(&[2, 3]));
        // Both are out, and what is expected of them is no label.
        assert!(judged(&mut rewards, &[0, 1, 2, 3], 2, 0.6).is_empty());
        rewards.asked('b', &rows(&[4]));
        // Row 3 was abstained from; row 2 has come, and row 4 is out.
        let found = judged(&mut rewards, &[0, 1, 2, 4], 1, 0.8);
        let [('a', reward)] = found[..] else { panic!("{found:?}") };
        // By as much did the loss of rows 0 and 1 fall since the call before.
        assert!((reward - f64::from(0.8f32 / 0.6).ln()).abs() < 1e-6, "{reward}");
        rewards.asked('c', &rows(&[5]));
        let found = judged(&mut rewards, &[0, 1, 2, 4, 5], 1, 0.4);
        assert_eq!(found.iter().map(|one| one.0).collect::<String>(), "b");
        assert!((found[0].1 - f64::from(0.4f32 / 0.8).ln()).abs() < 1e-6, "{found:?}");
    }

    #[test]
    fn what_nobody_answered_is_never_judged() {
        let mut rewards = Rewards::default();
        judged(&mut rewards, &[0, 1], 0, 0.5);
        rewards.asked('a', &rows(&[2, 3]));
        assert!(judged(&mut rewards, &[0, 1], 0, 0.9).is_empty());
        rewards.asked('b', &rows(&[2, 3]));
        let found = judged(&mut rewards, &[0, 1, 3], 0, 0.95);
        assert_eq!(found.iter().map(|one| one.0).collect::<String>(), "b");
    }
}
