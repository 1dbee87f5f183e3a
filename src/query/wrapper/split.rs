//! `split(X)`: an expensive strategy over several random parts of the candidates, a share of the batch each.

use crate::data::RowId;
use crate::error::Result;
use crate::query::registry::{Built, Card, Entry, Family};
use crate::query::{Kinds, Needs, PoolView, Strategy, Subset};
use crate::rng::Key;

pub(super) const ENTRY: Entry = Entry {
    card: Card {
        name: "split",
        summary: "another strategy over random parts of the candidates, a share of the batch each: split(badge)",
        paper: "Citovsky et al., NeurIPS 2021, run BADGE so on large pools",
        family: Family::Wrapper,
        needs: Needs { probabilities: true, embeddings: true, ..Needs::NONE },
        cost: "the inner strategy's over n / parts candidates and b / parts picks, parts times; memory n C / parts",
        example: "split(badge,parts=3)",
        deterministic: false,
    },
    make: |params| {
        let parts = params.count("parts", 10, 1..=100_000)?;
        let inner = params.inner()?.into_strategy();
        params.only_ask(&[inner.needs()])?;
        Built::batch(Split { parts, inner })
    },
};

/// Divides the candidates at random into `parts` parts of equal size, up to one, and has the inner strategy
/// choose an equal share of the batch, up to one, from each. What costs `n b` so costs `n b / parts`.
pub struct Split {
    /// The number of parts; never more than picks.
    pub parts: usize,
    /// What chooses within a part.
    pub inner: Box<dyn Strategy>,
}

impl Strategy for Split {
    fn select(&mut self, view: &PoolView<'_>, batch: usize, key: Key) -> Result<Vec<RowId>> {
        // Of the whole pool, so that a fault is named by its place there.
        view.check(self.needs())?;
        let rows = view.candidates();
        let batch = batch.min(rows.len());
        let parts = self.parts.min(batch).max(1);
        let draws = view.ties(key.named("split"));
        let mut order: Vec<(u64, usize)> =
            rows.iter().enumerate().map(|(place, &row)| (draws.rank(row), place)).collect();
        order.sort_unstable();
        let mut picks = Vec::with_capacity(batch);
        for part in 0..parts {
            // Bounds of an even division: parts of the batch are never larger than those of the candidates.
            let share = |total: usize| total * part / parts..total * (part + 1) / parts;
            let mut places: Vec<usize> = order[share(rows.len())].iter().map(|&(_, place)| place).collect();
            places.sort_unstable();
            let subset = Subset::new(view, &places);
            let key = key.named("part").at(part as u64);
            picks.extend(self.inner.select(&subset.view(*view), share(batch).len(), key)?);
        }
        Ok(picks)
    }

    fn needs(&self) -> Needs {
        self.inner.needs()
    }

    fn kinds(&self) -> Kinds {
        self.inner.kinds()
    }
}

#[cfg(test)]
mod tests {
    use crate::data::{Matrix, RowId};
    use crate::query::{PoolView, Registry, Signals};
    use crate::rng::Key;

    /// Each part gives the best of its own.
    #[test]
    fn every_part_gives_its_share() {
        let n = 30;
        let inputs = Matrix::zeros(n, 1);
        let candidates: Vec<RowId> = (0..n as u32).map(RowId).collect();
        let losses: Vec<f64> = (0..n).map(|row| row as f64).collect();
        let signals = Signals { predicted_loss: Some(losses), ..Signals::default() };
        let view = PoolView::new(inputs.view(), &[], &[], &candidates, 2, &signals);
        let ask = |name: &str, batch, seed| {
            let picks =
                Registry::builtin().build(name).unwrap().select(&view, batch, Key::root(seed)).unwrap();
            picks.into_iter().map(|row| row.0).collect::<Vec<u32>>()
        };
        let mut firsts = [0; 2];
        for seed in 0..40 {
            // Two parts of 15 give five each, and the best row of all is the first of its part.
            let picks = ask("split(llal,parts=2)", 10, seed);
            for half in picks.chunks(5) {
                assert!(half.is_sorted_by(|a, b| a > b), "{picks:?}");
                firsts[usize::from(half[0] == 29)] += 1;
            }
            // As many parts as picks at most, and all rows where all are asked for.
            assert_eq!(ask("split(llal,parts=100)", 1, seed), [29]);
            let mut all = ask("split(llal,parts=7)", 30, seed);
            all.sort_unstable();
            assert_eq!(all, (0..30).collect::<Vec<u32>>());
        }
        assert_eq!(firsts, [40, 40]);
    }
}
