//! DropQuery: candidates whose prediction does not survive dropout of their features, spread out.

use crate::data::{MatrixView, RowId};
use crate::error::Result;
use crate::query::draw::RowDraws;
use crate::query::geometry::kmeans::{self, kmeans_scaled};
use crate::query::geometry::lanes;
use crate::query::geometry::{Rows, Scale, Weights, nearest_distinct};
use crate::query::registry::{Built, Card, Entry, Family};
use crate::query::signals::Head;
use crate::query::wrapper::class_balanced::predicted;
use crate::query::{Needs, PoolView, Size, Strategy, Ties};
use crate::rng::Key;

const NEEDS: Needs = Needs { embeddings: true, head: true, ..Needs::NONE };
/// Candidates per pick that disagreement is to leave.
const POOL_PER_PICK: usize = 25;

pub(super) const ENTRY: Entry = Entry {
    card: Card {
        name: "drop_query",
        summary: "cluster centres among candidates whose prediction changes under feature dropout (embeddings)",
        paper: "Gupte, Aklilu, Nirschl & Yeung-Levy, TMLR 2024",
        family: Family::Hybrid,
        needs: NEEDS,
        cost: "time M n C d + 50 b n d, memory n d",
        example: "drop_query",
        deterministic: false,
    },
    make: |params| {
        Built::batch(DropQuery {
            rate: params.real("rate", 0.75, 0.0..=0.999)?,
            passes: params.count("passes", 3, 1..=1_000)?,
        })
    },
};

/// Drops features of the embedding `passes` times and keeps the candidates whose predicted class changes
/// in more than half of them (rounded down); while that leaves fewer than 25 per pick, fewer changes
/// suffice, but at least one. Of what remains, the candidate nearest each of `b` k-means centres of the
/// normalised embeddings; the rest of the batch is drawn at random.
pub struct DropQuery {
    /// The share of features that is dropped.
    pub rate: f64,
    /// How often.
    pub passes: usize,
}

impl Strategy for DropQuery {
    fn select(&mut self, view: &PoolView<'_>, batch: usize, key: Key) -> Result<Vec<RowId>> {
        let (head, embeddings) = (view.head()?, view.embeddings()?);
        let rows = view.candidate_rows(embeddings);
        let batch = batch.min(rows.len());
        if batch == 0 {
            return Ok(Vec::new());
        }
        let draws: Vec<RowDraws<'_>> =
            (0..self.passes as u64).map(|pass| view.draws(key.named("dropout").at(pass))).collect();
        let changes = changes(head, rows, self.passes, self.rate, |pass, place, mask| {
            let uniforms = draws[pass].uniforms(rows.ids()[place]);
            mask.iter_mut().zip(uniforms).for_each(|(drop, u)| *drop = u < self.rate);
        });
        let kept = unstable(&changes, self.passes, batch).into_iter().map(|place| rows.ids()[place]);
        let kept: Vec<RowId> = kept.collect();
        let mut picks = spread(embeddings, &kept, batch, key, view.ties(key));
        let mut taken = picks.clone();
        taken.sort_unstable();
        let open = |row: &RowId| taken.binary_search(row).is_err();
        let left: Vec<RowId> = rows.ids().iter().copied().filter(open).collect();
        let fill = view.draws(key.named("fill")).sample(&left, batch - picks.len());
        picks.extend(fill.into_iter().map(|place| left[place]));
        Ok(picks)
    }

    fn needs(&self) -> Needs {
        NEEDS
    }

    fn memory(&self, size: &Size) -> u64 {
        // What is unstable: all candidates at the worst.
        Size::items(size.candidates, 16) + kmeans::memory(size.candidates, Scale::Unit, size.batch, size)
    }
}

/// In how many passes the prediction of each row changes when the features are dropped that
/// `mask(pass, place, ..)` marks.
pub(in crate::query) fn changes(
    head: &Head,
    rows: Rows<'_>,
    passes: usize,
    rate: f64,
    mask: impl Fn(usize, usize, &mut [bool]),
) -> Vec<usize> {
    let mut logits = vec![0.0f32; head.bias.len()];
    let (mut dropped, mut drop) = (vec![0.0f32; rows.width()], vec![false; rows.width()]);
    let scale = (1.0 / (1.0 - rate)) as f32;
    (0..rows.len())
        .map(|place| {
            let h = rows.get(place);
            let usual = predict(head, h, &mut logits);
            let changed = |&pass: &usize| {
                mask(pass, place, &mut drop);
                for ((out, &value), &drop) in dropped.iter_mut().zip(h).zip(&drop) {
                    *out = if drop { 0.0 } else { value * scale };
                }
                predict(head, &dropped, &mut logits) != usual
            };
            (0..passes).filter(changed).count()
        })
        .collect()
}

/// Places whose prediction changes in more than half of the passes (rounded down), or in fewer where that
/// leaves less than 25 per pick, but in at least one.
pub(in crate::query) fn unstable(changes: &[usize], passes: usize, batch: usize) -> Vec<usize> {
    let above = |least: usize| (0..changes.len()).filter(move |&place| changes[place] > least);
    let mut threshold = passes / 2;
    while threshold > 0 && above(threshold).count() < batch.saturating_mul(POOL_PER_PICK) {
        threshold -= 1;
    }
    above(threshold).collect()
}

/// For each of `batch` k-means centres of the normalised embeddings of `rows`, the nearest that is left.
pub(in crate::query) fn spread(
    embeddings: MatrixView<'_>,
    rows: &[RowId],
    batch: usize,
    key: Key,
    ties: Ties<'_>,
) -> Vec<RowId> {
    if rows.is_empty() {
        return Vec::new();
    }
    let kept = Rows::new(embeddings, rows);
    let clusters = kmeans_scaled(kept, Scale::Unit, Weights::Equal, batch, key);
    nearest_distinct(kept, &clusters, ties).into_iter().map(|place| rows[place]).collect()
}

/// The class of the largest logit; `logits` is scratch space.
fn predict(head: &Head, h: &[f32], logits: &mut [f32]) -> usize {
    for (class, logit) in logits.iter_mut().enumerate() {
        *logit = lanes::dot(head.weights.row(class), h) + head.bias[class];
    }
    predicted(logits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Matrix;
    use crate::query::Signals;

    #[test]
    fn keeps_what_hangs_on_one_feature() {
        // Class 1 where feature 0 outweighs a bias of .5: rows 20.. lose the class when it is dropped,
        // rows 0..20 are class 0 whatever is dropped.
        let n = 40;
        let values = (0..n).flat_map(|i| [f32::from(i >= 20), 1.0]).collect();
        let signals = Signals {
            embeddings: Some(Matrix::new(values, n, 2)),
            head: Some(Head { weights: Matrix::new(vec![0.0, 0.0, 1.0, 0.0], 2, 2), bias: vec![0.5, 0.0] }),
            ..Signals::default()
        };
        let inputs = Matrix::zeros(n, 1);
        let candidates: Vec<RowId> = (0..n as u32).map(RowId).collect();
        let view = PoolView::new(inputs.view(), &[], &[], &candidates, 2, &signals);
        for seed in 0..20 {
            let mut strategy = DropQuery { rate: 0.75, passes: 3 };
            let picks = strategy.select(&view, 4, Key::root(seed)).unwrap();
            assert!(picks.iter().all(|row| row.0 >= 20), "{picks:?}");
        }
        // Without dropout nothing changes, and the batch is a random one.
        let mut strategy = DropQuery { rate: 0.0, passes: 3 };
        let low = (0..50).filter(|&seed| strategy.select(&view, 1, Key::root(seed)).unwrap()[0].0 < 20);
        assert!((10..40).contains(&low.count()));
    }
}
