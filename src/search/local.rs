//! Active-iNAS's monotone local search.
//!
//! Geifman & El-Yaniv, "Deep Active Learning with a Neural Architecture Search", NeurIPS 2019. From the
//! present architecture it may stay, deepen every stack, or spread the blocks over one stack more; it
//! never shrinks. Published: one move per round of active learning (`T_i = 1`), one 80/20 split, the
//! best score wins. With few labels one split says little; paired folds and [`Rule::OneStandardError`]
//! keep the network small until the labels speak for a larger one.

use super::choice::{Entry, Rule, choose};
use super::error::SearchError;
use super::history::History;
use super::method::{Method, MethodEntry, Walk};
use super::{Next, Search};
use crate::arch::Space;
use crate::error::Result;
use std::sync::Arc;

/// The search of one round of active learning; the next round's starts where this one ended.
#[derive(Clone, Copy, Debug)]
pub struct Local {
    /// `T_i`: the most moves of one round.
    pub moves: u32,
    /// Which candidate is moved to.
    pub rule: Rule,
}

/// The registered search: on a source there are enough labels for as many moves as help; within an episode the local
/// search moves once per round.
pub const ENTRY: MethodEntry = MethodEntry::new(
    "local",
    "One monotone step per active-learning round (Geifman & El-Yaniv, NeurIPS 2019).",
    &[],
    |_| Arc::new(Local { moves: u32::MAX, rule: Rule::OneStandardError }),
);

impl<S: Space> Method<S> for Local {
    fn name(&self) -> &'static str {
        ENTRY.name
    }

    fn search(&self, walk: Walk<S>) -> Result<Box<dyn Search<S::Point>>> {
        SearchError::unless_within("moves", self.moves, 1, u32::MAX)?;
        Ok(Box::new(Moving { settings: *self, walk }))
    }
}

struct Moving<S: Space> {
    settings: Local,
    walk: Walk<S>,
}

impl<S: Space> Search<S::Point> for Moving<S> {
    fn next(&self, history: &History<S::Point>) -> Result<Next<S::Point>> {
        let candidate = |point: &S::Point| self.walk.candidate(point);
        let domain = &self.walk.domain;
        let mut at = self.walk.start.clone();
        for _ in 0..self.settings.moves {
            let mut options = vec![at.clone()];
            options.extend(domain.moves(&at));
            let unknown: Vec<_> =
                options.iter().map(candidate).filter(|option| history.get(option).is_none()).collect();
            if !unknown.is_empty() {
                return Ok(Next { ask: unknown, incumbent: history.get(&candidate(&at)).map(|_| at) });
            }
            let scored: Vec<(&S::Point, Entry<'_>)> = options
                .iter()
                .filter_map(|point| {
                    let folds = history.get(&candidate(point))?.folds()?;
                    Some((point, Entry { size: domain.size(point), folds }))
                })
                .collect();
            let entries: Vec<Entry<'_>> = scored.iter().map(|&(_, entry)| entry).collect();
            // Where every option failed there is no reason to move.
            let Some(to) = choose(&entries, self.settings.rule).map(|best| scored[best].0.clone()) else {
                break;
            };
            if to == at {
                break;
            }
            at = to;
        }
        Ok(Next { ask: Vec::new(), incumbent: Some(at) })
    }
}
