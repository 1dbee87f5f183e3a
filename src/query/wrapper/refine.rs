//! `refine(A, B, ...)`: strategies narrow the pool down in turn, and coverage chooses from what remains.

use crate::data::RowId;
use crate::error::Result;
use crate::query::bandit::arms::{self, MAX_ARMS};
use crate::query::distribution::Space;
use crate::query::distribution::max_herding::MaxHerding;
use crate::query::registry::{Built, Card, Entry, Family};
use crate::query::{Needs, PoolView, Size, Strategy, Subsample, Subset, subsample};
use crate::rng::Key;

pub(super) const ENTRY: Entry = Entry {
    card: Card {
        name: "refine",
        summary: "max_herding of what several strategies keep of the pool, round by round: refine(margin, typiclust)",
        paper: "Huseljic, Herde, Rauch, Hahn & Sick, arXiv 2511.22344, 2025",
        family: Family::Wrapper,
        needs: Needs { inputs: true, probabilities: true, ..Needs::NONE },
        cost: "three times the arms' with batches of up to n / 2, and max_herding's over what is kept",
        example: "refine(margin,random)",
        deterministic: false,
    },
    make: |params| {
        let rounds = params.count("rounds", 3, 1..=100)?;
        let keep = params.optional_count("keep", 1..=100_000_000)?;
        let space = params.choice("space", &Space::INPUTS_FIRST)?;
        let arms = params.strategies(2..=MAX_ARMS)?;
        Built::batch(Refine { rounds, keep, arms, last: MaxHerding::gaussian(space), note: None })
    },
};

/// In each of `rounds`, every arm asks for an equal share of the rows that are to remain, from a random half of those that are
/// left; what any of them asks for is left for the next round. The number falls by one factor per round, to `keep` in
/// the end: ten per pick, and two per pick and arm, where none is named. The batch is the one of
/// [`max_herding`](crate::query::distribution::max_herding) from these.
///
/// The abstract names the two stages; the sizes of halves and rounds are this crate's.
pub struct Refine {
    pub rounds: usize,
    /// Rows that remain.
    pub keep: Option<usize>,
    pub arms: Vec<Box<dyn Strategy>>,
    last: MaxHerding,
    note: Option<String>,
}

impl Refine {
    /// Rows that remain for a batch.
    fn kept(&self, batch: usize) -> usize {
        let least = batch.saturating_mul(10.max(2 * self.arms.len()));
        self.keep.unwrap_or(least).max(batch)
    }
}

impl Strategy for Refine {
    fn select(&mut self, view: &PoolView<'_>, batch: usize, key: Key) -> Result<Vec<RowId>> {
        // Of the whole pool, so that a fault is named by its place there.
        view.check(self.needs())?;
        let (all, keep) = (view.candidates(), self.kept(batch));
        let mut left: Vec<usize> = (0..all.len()).collect();
        for round in 1..=self.rounds {
            let factor = (keep as f64 / all.len().max(1) as f64).powf(round as f64 / self.rounds as f64);
            let wanted = ((all.len() as f64 * factor).ceil() as usize).max(keep);
            if left.len() <= wanted {
                continue;
            }
            let own = Subset::new(view, &left);
            let own = own.view(*view);
            let each = wanted.div_ceil(self.arms.len()).max(batch);
            let mut remains = vec![false; all.len()];
            for (number, arm) in self.arms.iter_mut().enumerate() {
                let key = key.named("round").at(round as u64).at(number as u64);
                let half = Subsample::new(
                    own.candidates(),
                    own.candidates().len().div_ceil(2).max(each),
                    view.draws(key),
                );
                let part = Subset::new(&own, &half.places);
                for row in arm.select(&part.view(own), each, key.named("arm"))? {
                    if let Ok(place) = all.binary_search(&row) {
                        remains[place] = true;
                    }
                }
            }
            left = (0..all.len()).filter(|&place| remains[place]).collect();
        }
        let subset = Subset::new(view, &left);
        let picks = self.last.select(&subset.view(*view), batch, key)?;
        let refined = (left.len() < all.len())
            .then(|| format!("refined to {} of {} candidates", left.len(), all.len()));
        self.note = subsample::join([refined, arms::note(&self.arms), self.last.note()]);
        Ok(picks)
    }

    fn needs(&self) -> Needs {
        arms::needs(&self.arms).union(self.last.needs())
    }

    fn note(&self) -> Option<String> {
        self.note.clone()
    }

    fn memory(&self, size: &Size) -> u64 {
        let half = Size { batch: size.candidates.div_ceil(2).max(size.batch), ..*size };
        let copies = Size::items(size.candidates, 2 * (16 + 4 * size.classes as u64) + 9);
        copies.saturating_add(arms::memory(&self.arms, &half)).max(self.last.memory(size))
    }
}

#[cfg(test)]
mod tests {
    use crate::data::{Matrix, RowId};
    use crate::query::Registry;
    use crate::rng::Key;
    use crate::testing::ExamplePool;

    /// Where both arms want the same rows, they are what is kept.
    #[test]
    fn what_the_arms_want_is_what_is_chosen_from() {
        let mut pool = ExamplePool::new(400, 0, 2);
        let m = pool.candidates.len();
        // The smaller the row, the less sure.
        let p = (0..m).flat_map(|row| {
            let first = 0.5 + row as f32 / m as f32 * 0.49;
            [first, 1.0 - first, 0.0]
        });
        pool.signals.probabilities = Some(Matrix::new(p.collect(), m, 3));
        for seed in 0..10 {
            let mut strategy = Registry::builtin().build("refine(margin,entropy)").unwrap();
            let picks = strategy.select(&pool.view(), 3, Key::root(seed)).unwrap();
            assert!(picks.iter().all(|row| row.0 < 150), "{picks:?}");
            assert!(strategy.note().unwrap().starts_with("refined to "), "{:?}", strategy.note());
        }
    }

    #[test]
    fn small_pools_are_left_to_coverage() {
        let pool = ExamplePool::new(24, 3, 1);
        let mut refine = Registry::builtin().build("refine(margin,random)").unwrap();
        let mut herding = Registry::builtin().build("max_herding").unwrap();
        let [refined, covered]: [Vec<RowId>; 2] =
            [&mut refine, &mut herding].map(|s| s.select(&pool.view(), 3, Key::root(4)).unwrap());
        assert_eq!(refined, covered);
        assert_eq!(refine.note(), None);
    }
}
