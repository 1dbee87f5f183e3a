//! Rules over the gradients of pairs under the first member.
//!
//! The published code has the largest norm under the name `badge`, without k-means++; here it is what its paper says, and
//! `greedy_explore` has the norm.

use super::{Entry, PairRule, PairView};
use crate::data::{Matrix, RowId};
use crate::error::Result;
use crate::query::draw::RowDraws;
use crate::query::geometry::Rows;
use crate::query::gradient::bait;
use crate::query::hybrid::badge;
use crate::query::{Subsample, Ties};
use crate::rng::Key;

pub(super) const BADGE: Entry = Entry {
    name: "badge",
    summary: "k-means++ over gradients (Ash et al., ICLR 2020)",
    make: |_| Ok(Box::new(Badge)),
};
pub(super) const BAIT: Entry = Entry {
    name: "bait",
    summary: "the batch that leaves least of the Fisher information unknown (Ash et al., NeurIPS 2021)",
    make: |_| Ok(Box::new(Bait)),
};

/// Hidden pairs above which BAIT looks at a random part of this many: each pick costs a pass over all of them.
pub const MAX_BAIT: usize = 4_000;

/// k-means++ over gradients, the largest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Badge;

impl PairRule for Badge {
    fn choose(&self, view: &PairView<'_>, batch: usize, key: Key) -> Result<Vec<u32>> {
        let (gradients, places) = gradients(view, view.hidden, 1.0);
        let rows = Rows::new(gradients.view(), &places);
        let picks = badge::plus_plus(rows, batch, key, Ties::new(key));
        Ok(picks.into_iter().map(|place| view.hidden[place]).collect())
    }
}

/// The batch that, with what is known, leaves least of the information of all pairs about a linear model of the gradients unknown.
/// Gradients are scaled so that their columns have a mean square of one, beside a prior of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bait;

impl PairRule for Bait {
    fn choose(&self, view: &PairView<'_>, batch: usize, key: Key) -> Result<Vec<u32>> {
        let hidden: Vec<RowId> = view.hidden.iter().map(|&pair| RowId(pair)).collect();
        let cut = Subsample::new(&hidden, MAX_BAIT.max(2 * batch), RowDraws::new(key.named("candidates")));
        let candidates: Vec<u32> = cut.rows.iter().map(|row| row.0).collect();
        let (plain, _) = gradients(view, &candidates, 1.0);
        let square: f64 = plain.values().iter().map(|&value| f64::from(value).powi(2)).sum();
        let mean = square / plain.values().len().max(1) as f64;
        let scale = if mean > 0.0 { mean.sqrt().recip() as f32 } else { 1.0 };
        let ((own, places), (seen, of_seen)) =
            (gradients(view, &candidates, scale), gradients(view, view.seen, scale));
        let (own, seen) = (Rows::new(own.view(), &places), Rows::new(seen.view(), &of_seen));
        let ties = Ties::new(key);
        let picks = bait::for_regression(own, seen, batch, 1.0, |place| ties.rank(cut.rows[place]))?;
        Ok(picks.into_iter().map(|place| candidates[place]).collect())
    }
}

/// The gradients of pairs, times `scale`, one per row, and the rows' numbers.
fn gradients(view: &PairView<'_>, pairs: &[u32], scale: f32) -> (Matrix, Vec<RowId>) {
    let width = view.beliefs.embeddings[0].width;
    let mut values = Vec::with_capacity(pairs.len() * width);
    for &pair in pairs {
        values.extend(view.beliefs.gradient(0, view.pairs[pair as usize]).map(|value| scale * value));
    }
    (Matrix::new(values, pairs.len(), width), (0..pairs.len() as u32).map(RowId).collect())
}
