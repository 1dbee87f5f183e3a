//! Learning loss: the candidates whose loss is predicted to be largest.

use crate::error::Result;
use crate::query::registry::{Built, Card, Entry, Family};
use crate::query::score::Score;
use crate::query::{Kinds, Needs, PoolView};
use crate::rng::Key;

const NEEDS: Needs = Needs { predicted_loss: true, ..Needs::NONE };

pub(super) const ENTRY: Entry = Entry {
    card: Card {
        name: "llal",
        summary: "the largest loss as a module on the hidden activations predicts it",
        paper: "Yoo & Kweon, CVPR 2019",
        family: Family::Uncertainty,
        needs: NEEDS,
        cost: "one training of a network with its module, and n passes through it; memory n",
        example: "llal",
        deterministic: true,
    },
    make: |_| Built::score(Llal),
};

/// The predicted loss, whatever its unit: only the order is learned. It asks nothing of the task but a loss
/// per row. How the module is trained is said in
/// [`loss_prediction`](crate::learner::loss_prediction); the authors predict for 10,000 random candidates
/// only, which is `capped(llal,candidates=10000)`.
pub struct Llal;

impl Score for Llal {
    fn score(&mut self, view: &PoolView<'_>, _key: Key) -> Result<Vec<f64>> {
        Ok(view.predicted_loss()?.to_vec())
    }

    fn needs(&self) -> Needs {
        NEEDS
    }

    fn kinds(&self) -> Kinds {
        Kinds::ALL
    }
}

#[cfg(test)]
mod tests {
    use crate::data::{Matrix, RowId};
    use crate::query::{PoolView, QueryError, Registry, Signals};
    use crate::rng::Key;

    #[test]
    fn asks_for_the_largest_predictions() {
        let inputs = Matrix::zeros(6, 1);
        let candidates: Vec<RowId> = (1..6).map(RowId).collect();
        let predicted_loss = Some(vec![-0.5, 3.0, 0.25, 7.5, 3.0]);
        let signals = Signals { predicted_loss, ..Signals::default() };
        let view = PoolView::new(inputs.view(), &[RowId(0)], &[1], &candidates, 2, &signals);
        let ask = |name: &str, batch| {
            Registry::builtin().build(name).unwrap().select(&view, batch, Key::root(0)).unwrap()
        };
        assert_eq!(ask("llal", 4), [RowId(4), RowId(2), RowId(5), RowId(3)]);
        let spoilt =
            Signals { predicted_loss: Some(vec![0.0, f64::NAN, 0.0, 0.0, 0.0]), ..Signals::default() };
        let view = PoolView::new(inputs.view(), &[RowId(0)], &[1], &candidates, 2, &spoilt);
        let error = Registry::builtin().build("llal").unwrap().select(&view, 1, Key::root(0)).unwrap_err();
        assert!(matches!(error.downcast_ref(), Some(QueryError::NotFinite { row: 1, .. })), "{error}");
    }

    /// A part of a large pool keeps each candidate's own prediction.
    #[test]
    fn a_subset_keeps_its_predictions() {
        let n = 2_000;
        let inputs = Matrix::zeros(n, 1);
        let candidates: Vec<RowId> = (0..n as u32).map(RowId).collect();
        let losses: Vec<f64> = (0..n).map(|row| (row * 7_919 % n) as f64).collect();
        let signals = Signals { predicted_loss: Some(losses.clone()), ..Signals::default() };
        let view = PoolView::new(inputs.view(), &[], &[], &candidates, 2, &signals);
        let mut capped = Registry::builtin().build("capped(llal,candidates=100)").unwrap();
        let picks = capped.select(&view, 5, Key::root(3)).unwrap();
        let of = |row: &RowId| losses[row.index()];
        assert!(picks.is_sorted_by(|a, b| of(a) >= of(b)), "{picks:?}");
        // The best five of a random hundred are among the best fifth of all.
        assert!(picks.iter().all(|row| of(row) > 0.8 * n as f64), "{picks:?}");
        assert_ne!(of(&picks[0]), (n - 1) as f64, "a part was seen, not all");
    }
}
