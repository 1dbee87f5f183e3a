//! The data-set embedding policy as a strategy.

use super::network::PangNetwork;
use super::observation::Described;
use crate::agent::batch;
use crate::data::RowId;
use crate::error::Result;
use crate::query::{Needs, PoolView, Strategy};
use crate::rng::Key;

/// Asks for the candidates of the largest score; ties go to the smaller row id.
#[derive(Clone)]
pub struct PangStrategy {
    network: PangNetwork,
}

impl PangStrategy {
    /// A strategy for one episode; it keeps nothing between queries.
    pub fn new(network: PangNetwork) -> Self {
        Self { network }
    }
}

impl Strategy for PangStrategy {
    fn select(&mut self, view: &PoolView<'_>, batch: usize, key: Key) -> Result<Vec<RowId>> {
        if batch == 0 || view.candidates().is_empty() {
            return Ok(Vec::new());
        }
        let seen = Described::of(view);
        let scores = self.network.score(&seen)?;
        let picks = batch::greedy(&scores, &seen.candidates, batch, view.ties(key))?;
        Ok(picks.into_iter().map(|pick| seen.candidates[pick]).collect())
    }

    fn needs(&self) -> Needs {
        Needs { inputs: true, labels: true, classes: true, ..Needs::NONE }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Matrix;
    use crate::query::Signals;

    #[test]
    fn it_asks_on_a_pool_of_any_width() {
        let mut strategy = PangStrategy::new(PangNetwork::new(Key::root(1)));
        for width in [1, 9] {
            let values = (0..10 * width).map(|i| (i as f32).sin()).collect();
            let inputs = Matrix::new(values, 10, width);
            let candidates: Vec<RowId> = (2..10).map(RowId).collect();
            let signals = Signals::default();
            let view = PoolView::new(inputs.view(), &[RowId(0), RowId(1)], &[0, 1], &candidates, 2, &signals);
            // Untrained, all scores are equal, and which rows come first is drawn.
            let firsts: std::collections::BTreeSet<RowId> =
                (0..60).map(|seed| strategy.select(&view, 3, Key::root(seed)).unwrap()[0]).collect();
            assert_eq!(firsts.len(), 8);
            assert_eq!(strategy.select(&view, 50, Key::root(2)).unwrap().len(), 8);
        }
    }
}
