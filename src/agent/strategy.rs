//! The frozen policy as a [`Strategy`].

use super::batch;
use super::growth::grow;
use super::guard::Outside;
use super::policy::Policy;
use crate::data::RowId;
use crate::episode::Observation;
use crate::error::Result;
use crate::query::{Needs, PoolView, Strategy, registry};
use crate::rng::Key;
use std::sync::Arc;

/// The most candidates that a policy scores; a larger pool is subsampled with the query's key.
pub const CANDIDATE_CAP: usize = 2_000;

/// Computes what a policy sees of a pool before it asks for `batch` rows: at most `cap` candidates, drawn
/// with the key if there are more.
pub type Observe = fn(&PoolView<'_>, batch: usize, cap: usize, key: Key) -> Result<Observation>;

/// How a batch follows from scores.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    /// The largest scores, looking again as the batch grows; ties go to the smaller row id. How a frozen
    /// policy is used.
    #[default]
    Greedy,
    /// A draw from the Plackett–Luce distribution of the scores. How a policy explores.
    Sampled,
}

/// A learned policy that queries like any other strategy.
///
/// It scores at most [`CANDIDATE_CAP`] candidates, and at least as many as are asked for. Where its guard says
/// that the state is outside of what it was trained on, the guard's fallback asks, and the row says so.
#[derive(Clone)]
pub struct PolicyStrategy {
    policy: Arc<Policy>,
    observe: Observe,
    needs: Needs,
    choice: Choice,
    note: Option<String>,
}

impl PolicyStrategy {
    /// `observe` must compute the schema that the policy was loaded with; `needs` are its signals.
    pub fn new(policy: Arc<Policy>, observe: Observe, needs: Needs, choice: Choice) -> Self {
        Self { policy, observe, needs, choice, note: None }
    }
}

impl Strategy for PolicyStrategy {
    fn select(&mut self, view: &PoolView<'_>, batch: usize, key: Key) -> Result<Vec<RowId>> {
        if batch == 0 || view.candidates().is_empty() {
            return Ok(Vec::new());
        }
        let (cap, looks) = (CANDIDATE_CAP.max(batch), key.named("observe"));
        let observation = (self.observe)(view, batch, cap, looks)?;
        self.note = None;
        if let Some(guard) = &self.policy.card().guard
            && let Some(outside) = guard.outside(&observation)
        {
            let feature = &self.policy.card().schema.global[outside.column];
            let (fallback, Outside { value, low, high, .. }) = (&guard.fallback, outside);
            self.note = Some(format!(
                "the policy left the choice to {fallback}: {feature} is {value:.3}, trained on {low:.3} to {high:.3}"
            ));
            return registry::build(fallback)?.select(view, batch, key.named("fallback"));
        }
        if self.choice == Choice::Greedy {
            let score = |seen: &Observation| self.policy.score(seen);
            return grow(view, &observation, batch, cap, looks, self.observe, score);
        }
        let scores = self.policy.score(&observation)?;
        let rows = &observation.candidates;
        let picks = batch::sample(&scores, rows, batch, key.named("draw"))?.picks;
        Ok(picks.into_iter().map(|pick| rows[pick]).collect())
    }

    fn needs(&self) -> Needs {
        self.needs
    }

    fn note(&self) -> Option<String> {
        self.note.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::super::card::Provenance;
    use super::super::network::{Kind, Network, NetworkConfig};
    use super::*;
    use crate::data::Matrix;
    use crate::episode::Schema;
    use crate::query::Signals;

    const SCHEMA: Schema = Schema { version: 1, candidate: &["first"], global: &[] };

    /// The feature is the first input itself; the cap keeps the first rows.
    fn first_input(view: &PoolView<'_>, _: usize, cap: usize, _: Key) -> Result<Observation> {
        let candidates: Vec<RowId> = view.candidates().iter().copied().take(cap).collect();
        let values = candidates.iter().map(|row| view.inputs().row(row.index())[0]).collect();
        let features = Matrix::new(values, candidates.len(), 1);
        Ok(Observation { candidates, features, globals: vec![] })
    }

    fn strategy(choice: Choice) -> PolicyStrategy {
        let config = NetworkConfig { kind: Kind::Linear, ..NetworkConfig::default() };
        let network = Network::from_weights(config, 1, 0, vec![1.0]).unwrap();
        let policy = Policy::new(network, &SCHEMA, Provenance::default()).unwrap();
        PolicyStrategy::new(Arc::new(policy), first_input, Needs::default(), choice)
    }

    #[test]
    fn asks_for_the_largest_scores_or_draws() {
        let inputs = Matrix::new(vec![0.5, 2.0, -1.0, 3.0, 2.0, 9.0], 6, 1);
        let candidates: Vec<RowId> = [0, 1, 2, 3, 4].map(RowId).to_vec();
        let signals = Signals::default();
        let view = PoolView::new(inputs.view(), &[RowId(5)], &[0], &candidates, 2, &signals);
        let mut greedy = strategy(Choice::Greedy);
        let picks = greedy.select(&view, 3, Key::root(0)).unwrap();
        assert_eq!(picks, [3, 1, 4].map(RowId));
        assert_eq!(greedy.select(&view, 9, Key::root(0)).unwrap().len(), 5);
        assert!(greedy.select(&view, 0, Key::root(0)).unwrap().is_empty());
        let mut sampled = strategy(Choice::Sampled);
        let draws: Vec<_> = (0..20).map(|k| sampled.select(&view, 2, Key::root(k)).unwrap()).collect();
        assert_eq!(draws[3], sampled.select(&view, 2, Key::root(3)).unwrap());
        assert!(draws.iter().any(|draw| draw != &draws[0]));
    }

    #[test]
    fn a_batch_beyond_the_cap_is_still_filled() {
        let rows = CANDIDATE_CAP + 500;
        let inputs = Matrix::new((0..rows).map(|i| i as f32 / rows as f32).collect(), rows, 1);
        let candidates: Vec<RowId> = (0..rows as u32).map(RowId).collect();
        let signals = Signals::default();
        let view = PoolView::new(inputs.view(), &[], &[], &candidates, 2, &signals);
        let picks = strategy(Choice::Greedy).select(&view, CANDIDATE_CAP + 100, Key::root(0)).unwrap();
        assert_eq!(picks.len(), CANDIDATE_CAP + 100);
    }
}
