//! Futures of one episode: copies of it that differ in the row they ask for next.

use super::env::{Episodes, Group};
use super::state::Env;
use crate::data::RowId;
use crate::error::Result;
use crate::learner::ensembles;
use crate::rng::Key;
use rand::seq::index;

impl Episodes {
    /// At most `count` candidates of episode `env`, drawn anew in every round, ascending.
    pub fn sample_candidates(&self, env: usize, count: usize) -> Vec<RowId> {
        let at = &self.envs[env];
        let candidates = at.pool.candidates();
        let key = at.replicate.key.named("look-ahead").at(u64::from(at.state.round));
        let drawn = index::sample(&mut key.rng(), candidates.len(), count.min(candidates.len()));
        let mut drawn: Vec<RowId> = drawn.iter().map(|at| candidates[at]).collect();
        drawn.sort_unstable();
        drawn
    }

    /// One copy of episode `env` for each of `rows`, which has asked for that row alone and is fitted to its answer. Each may ask for
    /// `further` rows, one per query, whatever was left of the budget. All of them are fitted with the seeds of `key`, so that what
    /// differs between them is what they asked for.
    ///
    /// # Errors
    /// As [`step`](Self::step).
    ///
    /// # Panics
    /// Without rows.
    pub fn branches(&self, env: usize, rows: &[RowId], further: usize, key: Key) -> Result<Self> {
        assert!(!rows.is_empty(), "no row, no branch");
        let (group, place) = self.places[env];
        let at = &self.envs[env];
        let mut plan = self.plan.clone();
        (plan.query_size, plan.target_accuracy, plan.target_share) = (1, None, None);
        let own = || {
            let mut own = at.clone();
            own.replicate.key = key;
            own.state.target = None;
            own.end = None;
            own.oracle.grant((1 + further).min(own.pool.candidates().len()));
            own
        };
        let envs: Vec<Env> = rows.iter().map(|_| own()).collect();
        let mut bank = ensembles(&at.spec, rows.len(), plan.ensemble, plan.device)?;
        for copy in 0..rows.len() {
            bank.adopt(copy, &*self.groups[group].bank, place)?;
        }
        let groups = vec![Group { bank, envs: (0..rows.len()).collect() }];
        let places = (0..rows.len()).map(|copy| (0, copy)).collect();
        let mut branches = Self { plan, envs, groups, places };
        let picks: Vec<(usize, Vec<RowId>)> =
            rows.iter().enumerate().map(|(copy, &row)| (copy, vec![row])).collect();
        branches.step(&picks)?;
        Ok(branches)
    }

    /// What look-ahead judges the network of episode `env` by: `1 - soft` parts accuracy and `soft` parts mean probability of the true
    /// class, on the rows that the plan names.
    pub fn judged(&self, env: usize, soft: f64) -> f64 {
        let (group, place) = self.places[env];
        self.validation_score(env, &*self.groups[group].bank, place, soft)
    }
}
