//! `mixture(A, B)`: a fixed share of each batch from one strategy, the rest from another.

use crate::data::RowId;
use crate::error::Result;
use crate::query::registry::{Built, Card, Entry, Family};
use crate::query::{Needs, PoolView, Size, Strategy, subsample};
use crate::rng::Key;
use rand::RngExt;

pub(super) const ENTRY: Entry = Entry {
    card: Card {
        name: "mixture",
        summary: "a share of the batch from one strategy, the rest from another: mixture(random, margin)",
        paper: "customary (share of exploration)",
        family: Family::Wrapper,
        needs: Needs { probabilities: true, ..Needs::NONE },
        cost: "that of both strategies",
        example: "mixture(random,margin)",
        deterministic: false,
    },
    make: |params| {
        let share = params.real("share", 0.5, 0.0..=1.0)?;
        let [first, second] = params.two_strategies()?;
        params.only_ask(&[first.needs(), second.needs()])?;
        Built::batch(Mixture { share, first, second })
    },
};

/// `share * b` picks of the first strategy (rounded; halves away from zero), then the second's, leaving out
/// what the first has picked. With a batch of one, the share is the probability that the first is asked.
pub struct Mixture {
    pub share: f64,
    pub first: Box<dyn Strategy>,
    pub second: Box<dyn Strategy>,
}

impl Strategy for Mixture {
    fn select(&mut self, view: &PoolView<'_>, batch: usize, key: Key) -> Result<Vec<RowId>> {
        let batch = batch.min(view.candidates().len());
        let of_first = match batch {
            1 => usize::from(key.named("share").rng().random::<f64>() < self.share),
            _ => (self.share * batch as f64).round() as usize,
        };
        // Both rank the whole batch: the second has enough left whatever the first takes.
        let first = self.first.select(view, batch, key.named("first"))?;
        let second = self.second.select(view, batch, key.named("second"))?;
        let mut picks: Vec<RowId> = first.into_iter().take(of_first).collect();
        let mut taken = picks.clone();
        taken.sort_unstable();
        picks.extend(
            second.into_iter().filter(|row| taken.binary_search(row).is_err()).take(batch - of_first),
        );
        Ok(picks)
    }

    fn needs(&self) -> Needs {
        self.first.needs().union(self.second.needs())
    }

    fn note(&self) -> Option<String> {
        subsample::join([self.first.note(), self.second.note()])
    }

    fn memory(&self, size: &Size) -> u64 {
        self.first.memory(size).max(self.second.memory(size))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Matrix;
    use crate::query::{Registry, Signals};

    #[test]
    fn each_gets_its_share() {
        let p: Vec<f32> = (0..10).flat_map(|i| [0.5 + i as f32 * 0.04, 0.5 - i as f32 * 0.04]).collect();
        let signals = Signals { probabilities: Some(Matrix::new(p, 10, 2)), ..Signals::default() };
        let inputs = Matrix::zeros(10, 1);
        let candidates: Vec<RowId> = (0..10).map(RowId).collect();
        let view = PoolView::new(inputs.view(), &[], &[], &candidates, 2, &signals);
        let ask = |text: &str, batch, seed| {
            let picks =
                Registry::builtin().build(text).unwrap().select(&view, batch, Key::root(seed)).unwrap();
            picks.into_iter().map(|row| row.0).collect::<Vec<u32>>()
        };
        // Entropy and margin agree on two classes; the second passes over what the first took.
        assert_eq!(ask("mixture(margin,entropy)", 4, 0), [0, 1, 2, 3]);
        assert_eq!(ask("mixture(random,margin,share=0)", 3, 0), [0, 1, 2]);
        let by_margin =
            (0..400).filter(|&seed| ask("mixture(random,margin,share=0.3)", 1, seed) == [0]).count();
        // .7 and a tenth of .3.
        assert!((264..324).contains(&by_margin), "{by_margin}");
    }
}
