//! The data-set embedding policy as a strategy, and as a file.

use super::network::PangNetwork;
use super::observation::Described;
use crate::agent::batch;
use crate::agent::frozen::Frozen;
use crate::data::RowId;
use crate::error::Result;
use crate::query::{Needs, PoolView, Strategy};
use crate::rng::Key;
use std::sync::Arc;

/// The policy, no longer learning, with what is said about it.
pub type PangPolicy = Frozen<PangNetwork>;

/// Asks for the candidates of the largest score; ties go to the smaller row id.
#[derive(Clone)]
pub struct PangStrategy {
    policy: Arc<PangPolicy>,
}

impl PangStrategy {
    /// A strategy for one episode; it keeps nothing between queries.
    pub fn new(policy: Arc<PangPolicy>) -> Self {
        Self { policy }
    }
}

impl Strategy for PangStrategy {
    fn select(&mut self, view: &PoolView<'_>, batch: usize, key: Key) -> Result<Vec<RowId>> {
        if batch == 0 || view.candidates().is_empty() {
            return Ok(Vec::new());
        }
        let seen = Described::of(view);
        let scores = self.policy.network().score(&seen)?;
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
    use crate::agent::card::Provenance;
    use crate::agent::dqn::QPolicy;
    use crate::agent::error::AgentError;
    use crate::data::Matrix;
    use crate::query::Signals;

    fn policy() -> PangPolicy {
        PangPolicy::new(PangNetwork::new(Key::root(1)), Provenance::default())
    }

    #[test]
    fn a_file_comes_back_and_a_damaged_or_foreign_one_does_not() {
        let bytes = policy().to_bytes();
        assert_eq!(PangPolicy::from_bytes(&bytes).unwrap(), policy());
        for length in (0..bytes.len()).step_by(101) {
            assert!(PangPolicy::from_bytes(&bytes[..length]).is_err());
        }
        let error = QPolicy::from_bytes(&bytes).unwrap_err();
        assert!(matches!(error, AgentError::TensorShape { .. }), "{error}");
    }

    #[test]
    fn it_asks_on_a_pool_of_any_width() {
        let mut strategy = PangStrategy::new(Arc::new(policy()));
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
