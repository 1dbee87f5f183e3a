//! The learned values as a strategy.

use super::network::QNetwork;
use super::observation::{Seen, draw_state_sample};
use super::simulation::NEEDS;
use crate::agent::batch;
use crate::data::RowId;
use crate::error::Result;
use crate::query::{Needs, PoolView, Strategy};
use crate::rng::Key;

/// Asks for the candidates of the largest value. Sets 30 candidates aside in an episode's first query, by
/// the query's key, and asks for them only when nothing else is left.
#[derive(Clone)]
pub struct DqnStrategy {
    network: QNetwork,
    state_sample: Option<Vec<RowId>>,
}

impl DqnStrategy {
    /// A strategy for one episode.
    pub fn new(network: QNetwork) -> Self {
        Self { network, state_sample: None }
    }
}

impl Strategy for DqnStrategy {
    fn select(&mut self, view: &PoolView<'_>, batch: usize, key: Key) -> Result<Vec<RowId>> {
        if batch == 0 || view.candidates().is_empty() {
            return Ok(Vec::new());
        }
        let drawn = || draw_state_sample(view.candidates(), batch, key.named("aside"));
        let state_sample = self.state_sample.get_or_insert_with(drawn);
        let seen = Seen::of(view, state_sample)?;
        let values = self.network.values(&seen.state, &seen.actions);
        let mut picks: Vec<RowId> = batch::greedy(&values, &seen.candidates, batch, view.ties(key))?
            .into_iter()
            .map(|pick| seen.candidates[pick])
            .collect();
        let mut left = state_sample.clone();
        left.retain(|row| view.candidates().binary_search(row).is_ok());
        left.sort_unstable_by_key(|&row| view.ties(key).rank(row));
        left.truncate(batch.saturating_sub(picks.len()));
        picks.extend(left);
        Ok(picks)
    }

    fn needs(&self) -> Needs {
        NEEDS
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::card::Provenance;
    use crate::agent::dqn::network::WEIGHTS;
    use crate::agent::error::AgentError;
    use crate::agent::frozen::Frozen;
    use crate::data::Matrix;
    use crate::query::Signals;

    fn policy() -> Frozen {
        let figures = [("queries".to_owned(), 12.5)].into();
        let provenance = Provenance { name: "dqn".into(), figures, ..Provenance::default() };
        Frozen::new(QNetwork::new(-4.0, Key::root(1)).weights().to_vec(), provenance)
    }

    fn read(bytes: &[u8]) -> Result<Frozen, AgentError> {
        Frozen::from_bytes(bytes, "dqn", WEIGHTS)
    }

    #[test]
    fn a_file_comes_back_and_a_damaged_or_foreign_one_does_not() {
        let bytes = policy().to_bytes();
        assert_eq!(read(&bytes).unwrap(), policy());
        for length in 0..bytes.len() {
            assert!(read(&bytes[..length]).is_err());
        }
        for bit in (0..bytes.len() * 8).step_by(7) {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(read(&flipped).is_err(), "{bit}");
        }
        let foreign = Frozen::from_bytes(&bytes, "dataset_embedding", 3).unwrap_err();
        assert!(matches!(foreign, AgentError::TensorShape { .. }), "{foreign}");
        let folder = tempfile::tempdir().unwrap();
        let load = || Frozen::load(folder.path(), "dqn", WEIGHTS);
        assert!(matches!(load(), Err(AgentError::Unreadable { .. })));
        std::fs::write(folder.path().join("dqn.safetensors"), &bytes).unwrap();
        assert_eq!(load().unwrap(), policy());
    }

    #[test]
    fn what_is_set_aside_is_asked_for_last() {
        let inputs = Matrix::new((0..84).map(|i| (i as f32 * 0.7).sin()).collect(), 42, 2);
        let p: Vec<f32> = (0..40).flat_map(|i| [i as f32 / 40.0, 1.0 - i as f32 / 40.0]).collect();
        let signals = Signals { probabilities: Some(Matrix::new(p, 40, 2)), ..Signals::default() };
        let candidates: Vec<RowId> = (0..40).map(RowId).collect();
        let view = PoolView::new(inputs.view(), &[RowId(40), RowId(41)], &[0, 1], &candidates, 2, &signals);
        let mut strategy = DqnStrategy::new(QNetwork::new(-4.0, Key::root(1)));
        let one = strategy.select(&view, 1, Key::root(1)).unwrap();
        let state_sample = strategy.state_sample.clone().unwrap();
        assert!(state_sample.len() == 30 && !state_sample.contains(&one[0]));
        // The same rows stay aside under another key; eleven picks take one of them.
        let eleven = strategy.select(&view, 11, Key::root(2)).unwrap();
        assert_eq!(strategy.state_sample.as_ref(), Some(&state_sample));
        assert!(eleven[..10].iter().all(|row| !state_sample.contains(row)));
        assert!(state_sample.contains(&eleven[10]));
        assert_eq!(strategy.select(&view, 99, Key::root(3)).unwrap().len(), 40);
    }
}
