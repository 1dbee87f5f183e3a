//! Active-iNAS's monotone local search.
//!
//! Geifman & El-Yaniv, "Deep Active Learning with a Neural Architecture Search", NeurIPS 2019. From the
//! present architecture it may stay, deepen every stack, or spread the blocks over one stack more; it
//! never shrinks. Published: one move per round of active learning (`T_i = 1`), one 80/20 split, the
//! best score wins. With few labels one split says little; paired folds and [`Rule::OneStandardError`]
//! keep the network small until the labels speak for a larger one.

use super::choice::{Entry, Rule, choose};
use super::history::{Candidate, History};
use super::{Next, Search};
use crate::arch::{Domain, Space};

/// The search of one round of active learning; the next round's starts where this one ended.
#[derive(Clone, Debug)]
pub struct LocalSearch<S: Space> {
    pub(super) domain: Domain<S>,
    pub(super) start: S::Point,
    /// `T_i`: the most moves of one round.
    pub(super) moves: u32,
    pub(super) rule: Rule,
    pub(super) steps: u32,
}

impl<S: Space> Search<S::Point> for LocalSearch<S> {
    fn next(&self, history: &History<S::Point>) -> crate::Result<Next<S::Point>> {
        let candidate = |point: &S::Point| Candidate { point: point.clone(), steps: self.steps };
        let mut at = self.start.clone();
        for _ in 0..self.moves {
            let mut options = vec![at.clone()];
            options.extend(self.domain.moves(&at));
            let unknown: Vec<_> =
                options.iter().map(candidate).filter(|option| history.get(option).is_none()).collect();
            if !unknown.is_empty() {
                return Ok(Next { ask: unknown, incumbent: history.get(&candidate(&at)).map(|_| at) });
            }
            let scored: Vec<(&S::Point, Entry<'_>)> = options
                .iter()
                .filter_map(|point| {
                    let folds = history.get(&candidate(point))?.folds()?;
                    Some((point, Entry { size: self.domain.size(point), folds }))
                })
                .collect();
            let entries: Vec<Entry<'_>> = scored.iter().map(|&(_, entry)| entry).collect();
            // Where every option failed there is no reason to move.
            let Some(to) = choose(&entries, self.rule).map(|best| scored[best].0.clone()) else { break };
            if to == at {
                break;
            }
            at = to;
        }
        Ok(Next { ask: Vec::new(), incumbent: Some(at) })
    }
}
