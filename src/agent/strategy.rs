//! The frozen policy as a [`Strategy`].

use super::batch;
use super::growth::grow;
use super::guard::OutOfRange;
use super::policy::Policy;
use crate::data::RowId;
use crate::episode::features::{self, BatchBuilder};
use crate::error::Result;
use crate::query::{Kinds, Needs, PoolView, Registry, Strategy};
use crate::rng::Key;
use std::sync::Arc;

/// The most candidates that a policy scores; a larger pool is subsampled with the query's key.
pub const CANDIDATE_CAP: usize = 2_000;

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
    choice: Choice,
    note: Option<String>,
    utilities: Option<Vec<f64>>,
}

impl PolicyStrategy {
    /// The policy's schema must be that of [`features`].
    pub fn new(policy: Arc<Policy>, choice: Choice) -> Self {
        Self { policy, choice, note: None, utilities: None }
    }
}

impl Strategy for PolicyStrategy {
    fn select(&mut self, view: &PoolView<'_>, batch: usize, key: Key) -> Result<Vec<RowId>> {
        self.utilities = None;
        if batch == 0 || view.candidates().is_empty() {
            return Ok(Vec::new());
        }
        let batch_builder = BatchBuilder::new(view, batch, CANDIDATE_CAP.max(batch), key.named("observe"))?;
        self.note = None;
        if let Some(guard) = &self.policy.card().guard
            && let Some(outside) = guard.out_of_range(batch_builder.first())
        {
            let feature = &self.policy.card().schema.global[outside.column];
            let (fallback, OutOfRange { value, low, high, .. }) = (guard.fallback_on(view.kind())?, outside);
            self.note = Some(format!(
                "the policy left the choice to {fallback}: {feature} is {value:.3}, trained on {low:.3} to {high:.3}"
            ));
            let mut fallback = Registry::builtin().build(fallback)?;
            let picks = fallback.select(view, batch, key.named("fallback"))?;
            self.utilities = fallback.utilities().map(<[f64]>::to_vec);
            return Ok(picks);
        }
        if self.choice == Choice::Greedy {
            let picks = grow(batch_builder, batch, view.ties(key), |seen| self.policy.score(seen))?;
            self.utilities = Some(picks.iter().map(|(_, score)| f64::from(*score)).collect());
            return Ok(picks.into_iter().map(|(row, _)| row).collect());
        }
        let scores = self.policy.score(batch_builder.first())?;
        let rows = &batch_builder.first().candidates;
        let picks = batch::sample(&scores, rows, batch, key.named("draw"))?.picks;
        Ok(picks.into_iter().map(|pick| rows[pick]).collect())
    }

    fn needs(&self) -> Needs {
        features::needs()
    }

    fn kinds(&self) -> Kinds {
        Kinds::ALL
    }

    fn note(&self) -> Option<String> {
        self.note.clone()
    }

    fn utilities(&self) -> Option<&[f64]> {
        self.utilities.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::super::card::Provenance;
    use super::super::network::{Kind, Network, NetworkConfig};
    use super::*;
    use crate::data::Matrix;
    use crate::episode::features::{NEIGHBOURS, SCHEMA};
    use crate::query::{KernelPca, Nearest, Neighbours, Signals};

    /// A policy whose score is the margin's rank.
    fn strategy(choice: Choice) -> PolicyStrategy {
        let config = NetworkConfig { kind: Kind::Linear, ..NetworkConfig::default() };
        let (features, globals) = (SCHEMA.candidate.len(), SCHEMA.global.len());
        let mut weights = vec![0.0; features * (globals + 1)];
        let column = SCHEMA.candidate.iter().position(|name| *name == "margin, quantile").unwrap();
        weights[column * (globals + 1)] = 1.0;
        let network = Network::from_weights(config, features, globals, weights).unwrap();
        let policy = Policy::new(network, &SCHEMA, Provenance::default()).unwrap();
        PolicyStrategy::new(Arc::new(policy), choice)
    }

    /// A pool on a line, the last row of which is labelled; `doubt` is the least confidence of the others.
    fn select(strategy: &mut PolicyStrategy, doubt: &[f32], batch: usize, seed: u64) -> Vec<RowId> {
        let n = doubt.len() + 1;
        let inputs = Matrix::new((0..n).map(|i| i as f32).collect(), n, 1);
        let label = RowId(doubt.len() as u32);
        let p = doubt.iter().flat_map(|doubt| [1.0 - doubt, *doubt]).collect();
        let signals = Signals {
            probabilities: Some(Matrix::new(p, doubt.len(), 2)),
            neighbours: Some(Arc::new(Neighbours::of(inputs.view(), NEIGHBOURS))),
            components: Some(Arc::new(KernelPca::of(inputs.view()))),
            nearest: Some(Arc::new(Nearest::of(inputs.view(), &[label], &[0]))),
            ..Signals::default()
        };
        let candidates: Vec<RowId> = (0..doubt.len() as u32).map(RowId).collect();
        let labelled = [label];
        let view = PoolView::new(inputs.view(), &labelled, &[0], &candidates, 2, &signals);
        strategy.select(&view, batch, Key::root(seed)).unwrap()
    }

    #[test]
    fn asks_for_the_largest_scores_or_draws() {
        let doubt = [0.1, 0.4, 0.0, 0.5, 0.4];
        let mut greedy = strategy(Choice::Greedy);
        let three = select(&mut greedy, &doubt, 3, 0);
        assert_eq!(three[0], RowId(3));
        assert!(three.contains(&RowId(1)) && three.contains(&RowId(4)), "rows 1 and 4 are worth the same");
        assert_eq!(select(&mut greedy, &doubt, 9, 0).len(), 5);
        assert!(select(&mut greedy, &doubt, 0, 0).is_empty());
        let mut sampled = strategy(Choice::Sampled);
        let draws: Vec<_> = (0..20).map(|seed| select(&mut sampled, &doubt, 2, seed)).collect();
        assert_eq!(draws[3], select(&mut sampled, &doubt, 2, 3));
        assert!(draws.iter().any(|draw| draw != &draws[0]));
    }

    #[test]
    fn a_batch_beyond_the_cap_is_still_filled() {
        let rows = CANDIDATE_CAP + 500;
        let doubt: Vec<f32> = (0..rows).map(|i| 0.5 * i as f32 / rows as f32).collect();
        let picks = select(&mut strategy(Choice::Greedy), &doubt, CANDIDATE_CAP + 100, 0);
        assert_eq!(picks.len(), CANDIDATE_CAP + 100);
    }
}
