//! BoSS: the best of the batches that several strategies would ask for, by their true labels.

use crate::data::RowId;
use crate::error::Result;
use crate::query::bandit::arms::{self, MAX_ARMS};
use crate::query::registry::{Built, Card, Entry, Family};
use crate::query::{Needs, PoolView, Size, Strategy, Subsample, Subset, subsample};
use crate::rng::Key;

/// Batches whose gain is simulated in each round, where no number is named.
pub const DRAFTS: usize = 20;

pub(super) const ENTRY: Entry = Entry {
    card: Card {
        name: "best_of_strategies",
        summary: "the batch of the largest simulated gain among those of several strategies: best_of_strategies(margin, k_center)",
        paper: "BoSS, the oracle of dal-toolbox (Huseljic, Herde et al., 2025)",
        family: Family::Simulation,
        needs: Needs { probabilities: true, drafts: DRAFTS, ..Needs::NONE },
        cost: "one training per simulated batch, and the arms'",
        example: "best_of_strategies(margin,random)",
        deterministic: false,
    },
    make: |params| {
        let drafts = params.count("drafts", DRAFTS, 1..=10_000)?;
        let arms = params.strategies(2..=MAX_ARMS)?;
        Built::batch(BestOfStrategies { drafts, arms, drafted: Vec::new(), note: None })
    },
};

/// Every arm in turn drafts a batch, at first from all candidates and then from a random half of them, until there are `drafts`. Asked
/// for is the one that would raise accuracy most, which is simulated with the labels that a real labelling would not have: a
/// reference line for batches, as [`greedy_oracle`](super::greedy_oracle) is for single rows. Of equal gains, the earlier
/// draft. Not as an arm of another strategy, which would have to draft in its place.
pub struct BestOfStrategies {
    pub drafts: usize,
    pub arms: Vec<Box<dyn Strategy>>,
    /// What was drafted for the next selection.
    drafted: Vec<Vec<RowId>>,
    note: Option<String>,
}

impl Strategy for BestOfStrategies {
    fn draft(&mut self, view: &PoolView<'_>, batch: usize, key: Key) -> Result<Vec<Vec<RowId>>> {
        let all = view.candidates();
        let each = batch.min(all.len());
        self.drafted.clear();
        for number in 0..self.drafts {
            let arm = number % self.arms.len();
            let key = key.named("draft").at(number as u64);
            let picks = if number < self.arms.len() {
                self.arms[arm].select(view, batch, key)?
            } else {
                let half = Subsample::new(all, all.len().div_ceil(2).max(each), view.draws(key));
                self.arms[arm].select(&Subset::new(view, &half.places).view(*view), batch, key)?
            };
            self.drafted.push(picks);
        }
        Ok(self.drafted.clone())
    }

    fn select(&mut self, view: &PoolView<'_>, batch: usize, key: Key) -> Result<Vec<RowId>> {
        view.check(self.needs())?;
        let gains = view.drafts()?;
        if self.drafted.is_empty() {
            self.draft(view, batch, key)?;
        }
        let mut drafted = std::mem::take(&mut self.drafted);
        let known = 0..drafted.len().min(gains.len());
        let best = known.max_by(|&a, &b| gains[a].total_cmp(&gains[b]).then(b.cmp(&a))).unwrap_or(0);
        let by = format!("drafted by arm {}, gain {:+.4}", best % self.arms.len() + 1, gains[best]);
        self.note = subsample::join([Some(by), arms::note(&self.arms)]);
        Ok(drafted.swap_remove(best))
    }

    fn needs(&self) -> Needs {
        arms::needs(&self.arms).union(Needs { drafts: self.drafts, ..Needs::NONE })
    }

    fn note(&self) -> Option<String> {
        self.note.clone()
    }

    fn memory(&self, size: &Size) -> u64 {
        let drafts = Size::items(size.batch.min(size.candidates), 8 * self.drafts as u64);
        arms::memory(&self.arms, size) + Size::items(size.candidates, 16 + 4 * size.classes as u64) + drafts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::{QueryError, Registry};
    use crate::testing::ExamplePool;

    #[test]
    fn the_draft_of_the_largest_gain_is_asked_for() {
        let mut pool = ExamplePool::new(60, 6, 1);
        for best in 0..6 {
            pool.signals.drafts = Some((0..6).map(|draft| f32::from(u8::from(draft == best))).collect());
            let mut boss = Registry::builtin().build("best_of_strategies(margin,random,drafts=6)").unwrap();
            let drafts = boss.draft(&pool.view(), 4, Key::root(2)).unwrap();
            assert_eq!(drafts.len(), 6);
            assert!(drafts.iter().all(|draft| draft.len() == 4));
            assert_eq!(boss.select(&pool.view(), 4, Key::root(2)).unwrap(), drafts[best]);
        }
        let mut margin = Registry::builtin().build("margin").unwrap();
        let mut boss = Registry::builtin().build("best_of_strategies(margin,random)").unwrap();
        let first = boss.draft(&pool.view(), 4, Key::root(2)).unwrap().remove(0);
        assert_eq!(first, margin.select(&pool.view(), 4, Key::root(2)).unwrap());
    }

    /// An arm that drafts nothing in its own right is refused rather than played as if it had been simulated.
    #[test]
    fn without_gains_there_is_no_best() {
        let mut pool = ExamplePool::new(30, 3, 1);
        pool.signals.drafts = Some(Vec::new());
        let mut boss = Registry::builtin().build("best_of_strategies(margin,random)").unwrap();
        let error = boss.select(&pool.view(), 4, Key::root(2)).unwrap_err();
        assert!(matches!(error.downcast_ref(), Some(QueryError::Missing { .. })), "{error}");
    }
}
