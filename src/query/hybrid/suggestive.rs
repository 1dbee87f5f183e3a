//! Suggestive annotation: of the most uncertain candidates, those that the pool resembles most.

use super::super::distribution::Space;
use crate::data::RowId;
use crate::error::Result;
use crate::query::geometry::{Rows, lanes, normalised};
use crate::query::registry::{Built, Card, Entry, Family};
use crate::query::score::top_places;
use crate::query::wrapper::members::{Committee, MEMBERS};
use crate::query::{Kinds, Needs, PoolView, Score, Size, Strategy, Ties};
use crate::rng::Key;

/// Candidates above which likeness is measured to a random part of this many.
pub const MAX_POOL: usize = 20_000;
/// What gains are counted in: two per row of the largest pool are far from the most that 64 bits hold.
const UNIT: f64 = 1.0 / (1u64 << 40) as f64;

pub(super) const ENTRY: Entry = Entry {
    card: Card {
        name: "suggestive",
        summary: "of the most uncertain, those most similar to the whole pool (embeddings)",
        paper: "Yang, Zhang, Chen, Zhang & Chen, MICCAI 2017",
        family: Family::Hybrid,
        needs: Needs { embeddings: true, committee: MEMBERS, ..Needs::NONE },
        cost: "time k m d + b k d for k = 2 b uncertain rows and m = min(n, 20,000); memory n d + k m",
        example: "suggestive",
        deterministic: true,
    },
    make: |params| {
        let bootstrap = params.choice("bootstrap", &Committee::BOOTSTRAP)?;
        let word = bootstrap.map_or("auto".to_string(), |bootstrap| bootstrap.to_string());
        let inner = params.inner_score_or(&format!("ensemble(mean_std,bootstrap={word})"))?;
        // Of a strategy that is named, this is a parameter of its own.
        let found = inner.needs().bootstrap;
        if bootstrap.is_some() && found != bootstrap {
            return Err(params.conflict("bootstrap", bootstrap, found).into());
        }
        Built::batch(Suggestive {
            space: params.choice("space", &Space::EMBEDDINGS_FIRST)?,
            keep: params.count("keep", 2, 1..=1_000)?,
            inner,
        })
    },
};

/// Keeps the `keep * b` candidates of the highest score (a committee's mean standard deviation where none
/// is named), then adds `b` of them one by one, each the one that adds most to
/// `sum over candidates of the largest cosine to a pick`, at least `1 - 1/e` of the best possible sum.
/// Equal gains come in the order of [`Ties`].
///
/// As published it is for masks: `suggestive(committee_variance(members=4,bootstrap=true))` in batches of 8 keeps the 16 images of the
/// largest mean variance of their pixels under four networks, each fitted to a bootstrap resample, and compares images by the mean of the
/// four networks' embeddings, which are the means of their deepest planes.
///
/// Deterministic up to [`MAX_POOL`] candidates; above, a random part of that many stands for the pool.
pub struct Suggestive {
    pub space: Space,
    /// Uncertain candidates per pick.
    pub keep: usize,
    pub inner: Box<dyn Score>,
}

impl Suggestive {
    /// Whether embeddings are those of the committee that scores, which is so of masks.
    fn averages(&self) -> bool {
        self.space == Space::Embeddings
            && self.inner.kinds() != Kinds::CLASS
            && self.inner.needs().committee > 0
    }
}

impl Strategy for Suggestive {
    fn select(&mut self, view: &PoolView<'_>, batch: usize, key: Key) -> Result<Vec<RowId>> {
        let vectors = if self.averages() { view.descriptors()? } else { self.space.of(view)? };
        let ties = view.ties(key);
        let scores = self.inner.score(view, key.named("inner"))?;
        let kept = top_places(view.candidates(), &scores, batch.saturating_mul(self.keep), ties)?;
        let ids: Vec<RowId> = kept.iter().map(|&place| view.candidates()[place]).collect();
        let unit = normalised(vectors);
        let part = view.draws(key.named("pool")).sample(view.candidates(), MAX_POOL);
        let pool: Vec<RowId> = part.into_iter().map(|place| view.candidates()[place]).collect();
        let pool = Rows::new(unit.view(), &pool);
        let kept = Rows::new(unit.view(), &ids);
        let likeness = |of: usize, to: usize| f64::from(lanes::dot(kept.get(of), pool.get(to)));
        let picks = represent(&ids, pool.len(), batch, ties, likeness);
        Ok(picks.into_iter().map(|place| ids[place]).collect())
    }

    fn needs(&self) -> Needs {
        let own = self.inner.needs();
        match self.averages() {
            true => Needs { descriptors: true, ..own },
            false => own.union(self.space.needs()),
        }
    }

    fn kinds(&self) -> Kinds {
        Kinds::CLASS.or(Kinds::MASK).and(self.inner.kinds())
    }

    fn memory(&self, size: &Size) -> u64 {
        // The normalised copy.
        size.vectors(size.candidates + size.labelled) + Size::items(size.candidates, 40)
    }
}

/// Places of the `batch` of `ids` that together are most like all of `0..pool`, greedily. A member's
/// likeness starts from that of nothing, -1, so that the first pick counts in full.
///
/// Gains are summed in whole units of [`UNIT`], so that a sum does not depend on the order of the rows: candidates
/// that resemble only each other are worth the same, and rounding must not say which of them comes first.
fn represent(
    ids: &[RowId],
    pool: usize,
    batch: usize,
    ties: Ties<'_>,
    likeness: impl Fn(usize, usize) -> f64,
) -> Vec<usize> {
    let mut best = vec![-1.0f64; pool];
    let mut open: Vec<usize> = (0..ids.len()).collect();
    // Gains never grow while picks are added, so an old gain bounds the new one.
    let mut bound = vec![i64::MAX; ids.len()];
    let mut picks = Vec::with_capacity(batch.min(ids.len()));
    while picks.len() < batch && !open.is_empty() {
        open.sort_by(|&a, &b| bound[b].cmp(&bound[a]).then_with(|| ties.order(ids[a], ids[b])));
        let mut winner: Option<(i64, usize)> = None;
        for &place in &open {
            if winner.is_some_and(|(gain, _)| bound[place] < gain) {
                break;
            }
            let gain: i64 =
                (0..pool).map(|to| ((likeness(place, to) - best[to]).max(0.0) / UNIT).round() as i64).sum();
            bound[place] = gain;
            let better = winner.is_none_or(|(most, of)| {
                gain > most || (gain == most && ties.order(ids[place], ids[of]).is_lt())
            });
            if better {
                winner = Some((gain, place));
            }
        }
        let Some((_, pick)) = winner else { break };
        (0..pool).for_each(|to| best[to] = best[to].max(likeness(pick, to)));
        open.retain(|&place| place != pick);
        picks.push(pick);
    }
    picks
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn worked_example() {
        let rows = [[1.0, 0.9, 0.2, 0.1], [0.9, 1.0, 0.1, 0.1], [0.1, 0.1, 1.0, 0.8]];
        let ids: Vec<RowId> = (0..3).map(RowId).collect();
        let picks = represent(&ids, 4, 2, Ties::new(Key::root(0)), |of, to| rows[of][to]);
        assert_eq!(picks, [0, 2]);
        let f: f64 = (0..4).map(|to| picks.iter().map(|&of| rows[of][to]).fold(-1.0, f64::max)).sum();
        assert!((f - 3.7).abs() < 1e-12);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn lazy_greedy_is_greedy(values in prop::collection::vec(-1.0f64..1.0, 7 * 9)) {
            let ids: Vec<RowId> = (0..7).map(RowId).collect();
            let likeness = |of: usize, to: usize| values[of * 9 + to];
            let total = |picks: &[usize]| -> f64 {
                (0..9).map(|to| picks.iter().map(|&of| likeness(of, to)).fold(-1.0, f64::max)).sum()
            };
            let mut plain: Vec<usize> = Vec::new();
            for _ in 0..4 {
                let with = |place: usize| [&plain[..], &[place]].concat();
                let open = (0..7).filter(|place| !plain.contains(place));
                let next = open.max_by(|&a, &b| total(&with(a)).total_cmp(&total(&with(b))).then(b.cmp(&a))).unwrap();
                plain.push(next);
            }
            prop_assert!((total(&represent(&ids, 9, 4, Ties::new(Key::root(0)), likeness)) - total(&plain)).abs() < 1e-9);
        }
    }
}
