//! `class_balanced(X)`: the best of a score, spread over the predicted classes.

use crate::data::RowId;
use crate::error::Result;
use crate::query::registry::{Built, Card, Entry, Family};
use crate::query::score::top_places;
use crate::query::{Needs, PoolView, Score, Strategy};
use crate::rng::Key;
use std::collections::VecDeque;

pub(super) const ENTRY: Entry = Entry {
    card: Card {
        name: "class_balanced",
        summary: "the best of a score from the predicted class that is rarest among the labels",
        paper: "own rule; compare Bengar et al., WACV 2022",
        family: Family::Wrapper,
        needs: Needs { probabilities: true, labels: true, ..Needs::NONE },
        cost: "time n (C + log n) + b C, memory n, and the score's",
        example: "class_balanced(margin)",
        deterministic: true,
    },
    make: |params| Built::batch(ClassBalanced { inner: params.inner_score()? }),
};

/// Each pick is the best-scored candidate of the class, by prediction, that has the fewest labels and
/// picks so far; of classes with equal counts, the one whose best candidate is the better.
pub struct ClassBalanced {
    pub inner: Box<dyn Score>,
}

impl Strategy for ClassBalanced {
    fn select(&mut self, view: &PoolView<'_>, batch: usize, key: Key) -> Result<Vec<RowId>> {
        let p = view.probabilities()?;
        let scores = self.inner.score(view, key)?;
        let order = top_places(view.candidates(), &scores, scores.len(), view.ties(key))?;
        let mut queues = vec![VecDeque::new(); view.classes()];
        for (rank, place) in order.into_iter().enumerate() {
            queues[predicted(p.row(place))].push_back((rank, view.candidates()[place]));
        }
        let mut counts = vec![0usize; view.classes()];
        view.labels().iter().for_each(|&label| counts[label as usize] += 1);
        let mut picks = Vec::with_capacity(batch.min(scores.len()));
        while picks.len() < batch {
            let best =
                |class: usize| queues[class].front().map(|&(rank, row)| (counts[class], rank, class, row));
            let Some((_, _, class, row)) = (0..queues.len()).filter_map(best).min() else { break };
            queues[class].pop_front();
            picks.push(row);
            counts[class] += 1;
        }
        Ok(picks)
    }

    fn needs(&self) -> Needs {
        self.inner.needs().union(Needs { probabilities: true, labels: true, ..Needs::NONE })
    }
}

/// The most probable class; the smallest of several.
pub(in crate::query) fn predicted(p: &[f32]) -> usize {
    let mut best = 0;
    for class in 1..p.len() {
        if p[class] > p[best] {
            best = class;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Matrix;
    use crate::query::Signals;
    use crate::query::uncertainty::Margin;

    #[test]
    fn rare_classes_come_first() {
        // Predicted 0, 0, 0, 1, 1; most uncertain of class 0 is row 2, of class 1 row 6 - 2 = 4.
        let p = [0.9, 0.8, 0.6, 0.2, 0.3].iter().flat_map(|&p| [p, 1.0 - p]).collect();
        let signals = Signals { probabilities: Some(Matrix::new(p, 5, 2)), ..Signals::default() };
        let inputs = Matrix::zeros(7, 1);
        let candidates: Vec<RowId> = (0..5).map(RowId).collect();
        let (labelled, labels) = ([RowId(5), RowId(6)], [0, 0]);
        let view = PoolView::new(inputs.view(), &labelled, &labels, &candidates, 2, &signals);
        let picks = ClassBalanced { inner: Box::new(Margin) }.select(&view, 4, Key::root(0)).unwrap();
        let picks: Vec<u32> = picks.into_iter().map(|row| row.0).collect();
        // Twice class 1 to draw level, then class 0, then class 0 for want of class 1.
        assert_eq!(picks, [4, 3, 2, 1]);
    }
}
