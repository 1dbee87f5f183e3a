//! BiLAF: central rows of the pool first, then those on the boundaries between what they stand for.

use super::Space;
use super::active_ft::{ActiveFt, UNITS, add_units};
use crate::data::{Matrix, MatrixView, RowId};
use crate::error::Result;
use crate::query::geometry::blocks::squared_distances_to;
use crate::query::geometry::rows::{self, Rows};
use crate::query::geometry::{Scale, assign};
use crate::query::registry::{Built, Card, Entry, Family};
use crate::query::{Needs, PoolView, Size, Strategy, Subsample, size, subsample};
use crate::rng::Key;
use rayon::prelude::*;

/// Candidates above which boundaries are sought among a random part of this many.
pub const MAX_CANDIDATES: usize = 20_000;
/// Labelled rows that stand for a part of the pool.
const MAX_LABELLED: usize = 1_000;
/// By how much a row's distance from the boundary counts as larger for each pick on the side of the same other part.
const PENALTY: f64 = 0.1;

pub(super) const ENTRY: Entry = Entry {
    card: Card {
        name: "bilaf",
        summary: "active_ft for half of the batch, then rows between the parts of the pool that its picks stand for (inputs)",
        paper: "Lu, Xie, Yang & Yan, NeurIPS 2024",
        family: Family::Distribution,
        needs: Needs { inputs: true, ..Needs::NONE },
        cost: "active_ft's, and time m (b + L) d for m = min(n, 20,000) candidates; memory m d",
        example: "bilaf",
        deterministic: false,
    },
    make: |params| {
        Built::batch(Bilaf {
            space: params.choice("space", &Space::INPUTS_FIRST)?,
            core: params.real("core", 0.5, 0.0..=1.0)?,
            noise: params.real("noise", 0.1, 0.0..=0.9)?,
            note: None,
        })
    },
};

/// A share of the batch, at least one row, is chosen by [`active_ft`](super::active_ft). Every candidate belongs to the nearest of
/// these rows and the labelled ones, on vectors of length one; of each such part the share `noise` that is farthest from its mean
/// is left aside. The rest of the batch comes from the parts in turn, larger parts first, each the row of the least
/// `(d_other - d_own) / max(d_own, d_other)`: `d_own` is the root of the mean squared distance to the rows of its part,
/// `d_other` that to the nearest other part, and every pick towards that part counts as another .1.
///
/// The abstract names the levels, the distances and the denoising; their exact form is this crate's.
pub struct Bilaf {
    pub space: Space,
    /// The share of central rows.
    pub core: f64,
    /// The share of a part that is left aside.
    pub noise: f64,
    note: Option<String>,
}

impl Strategy for Bilaf {
    fn select(&mut self, view: &PoolView<'_>, batch: usize, key: Key) -> Result<Vec<RowId>> {
        let vectors = self.space.of(view)?;
        let batch = batch.min(view.candidates().len());
        let mut active_ft = ActiveFt::published(self.space);
        let cores = ((self.core * batch as f64).ceil() as usize).max(1);
        let mut picks = active_ft.select(view, cores, key.named("core"))?;
        self.note = active_ft.note();
        if picks.len() >= batch {
            picks.truncate(batch);
            return Ok(picks);
        }
        let held = view.draws(key.named("labelled")).sample(view.labelled(), MAX_LABELLED);
        let held = held.into_iter().map(|place| view.labelled()[place]);
        let centres: Vec<RowId> = picks.iter().copied().chain(held).collect();
        let mut taken = picks.clone();
        taken.sort_unstable();
        let left: Vec<RowId> =
            view.candidates().iter().copied().filter(|row| taken.binary_search(row).is_err()).collect();
        let wanted = batch - picks.len();
        let cut = Subsample::new(&left, MAX_CANDIDATES.max(wanted), view.draws(key.named("boundary")));
        self.note = subsample::join([self.note.take(), cut.note("boundaries were sought among")]);
        let rank = |place: usize| view.ties(key).rank(cut.rows[place]);
        let found = boundary(vectors, &cut.rows, &centres, self.noise, wanted, rank);
        picks.extend(found.into_iter().map(|place| cut.rows[place]));
        Ok(picks)
    }

    fn needs(&self) -> Needs {
        self.space.needs()
    }

    fn note(&self) -> Option<String> {
        self.note.clone()
    }

    fn memory(&self, size: &Size) -> u64 {
        let kept = size.candidates.min(MAX_CANDIDATES.max(size.batch));
        let drawn = if kept < size.candidates { Size::items(size.candidates, size::DRAW) } else { 0 };
        let parts = size.batch.min(size.candidates) + size.labelled.min(MAX_LABELLED);
        let own = Size::items(size.candidates, 8) + size.vectors(kept + 4 * parts) + Size::items(kept, 64);
        ActiveFt::published(self.space).memory(size).max(drawn + own)
    }
}

/// Where a row stands between parts of the pool.
struct Standing {
    part: usize,
    /// The nearest other part.
    other: usize,
    own_distance: f64,
    /// `(d_other - d_own) / max`: -1 to 1, the less, the nearer to a boundary.
    score: f64,
}

/// Places within `rows` of `wanted` rows near boundaries of the parts that `centres` stand for.
fn boundary(
    vectors: MatrixView<'_>,
    rows: &[RowId],
    centres: &[RowId],
    noise: f64,
    wanted: usize,
    rank: impl Fn(usize) -> u64,
) -> Vec<usize> {
    let unit = |ids: &[RowId]| {
        let mut unit = Rows::new(vectors, ids).to_matrix();
        rows::normalise(&mut unit);
        unit
    };
    let (own, centres) = (unit(rows), unit(centres));
    let ids: Vec<RowId> = (0..rows.len() as u32).map(RowId).collect();
    let parts = assign::nearest(Rows::new(own.view(), &ids), Scale::AsIs, &centres);
    let (means, spreads) = means(&own, &parts, &centres);
    let standing = |place: usize| {
        let mut squared = vec![0.0f32; means.rows()];
        squared_distances_to(means.values(), own.row(place), &mut squared);
        let distance = |part: usize| (f64::from(squared[part]) + spreads[part]).sqrt();
        let part = parts[place] as usize;
        let others = (0..means.rows()).filter(|&other| other != part);
        let other = others.min_by(|&a, &b| distance(a).total_cmp(&distance(b))).unwrap_or(part);
        let (own_distance, other_distance) = (distance(part), distance(other));
        let larger = own_distance.max(other_distance);
        let score = if larger > 0.0 { (other_distance - own_distance) / larger } else { 0.0 };
        Standing { part, other, own_distance, score }
    };
    let standings: Vec<Standing> = (0..rows.len()).into_par_iter().map(standing).collect();
    let mut members: Vec<Vec<usize>> = vec![Vec::new(); means.rows()];
    (0..rows.len()).for_each(|place| members[standings[place].part].push(place));
    // What is far out comes after all others, when nothing else is left.
    let mut aside = Vec::new();
    for members in &mut members {
        let far = |&a: &usize, &b: &usize| {
            standings[a]
                .own_distance
                .total_cmp(&standings[b].own_distance)
                .then_with(|| rank(a).cmp(&rank(b)))
        };
        members.sort_unstable_by(far);
        aside.extend(members.split_off(members.len() - (noise * members.len() as f64) as usize));
    }
    let mut turns: Vec<usize> = (0..members.len()).collect();
    turns.sort_by_key(|&part| std::cmp::Reverse(members[part].len()));
    let mut picks = Vec::with_capacity(wanted);
    let mut towards = vec![0usize; members.len()];
    while picks.len() < wanted && members.iter().any(|members| !members.is_empty()) {
        for &part in &turns {
            if picks.len() == wanted {
                break;
            }
            let worth =
                |place: usize| standings[place].score + PENALTY * towards[standings[place].other] as f64;
            let open = members[part].iter().copied().enumerate();
            let best = open
                .min_by(|&(_, a), &(_, b)| worth(a).total_cmp(&worth(b)).then_with(|| rank(a).cmp(&rank(b))));
            if let Some((at, place)) = best {
                members[part].swap_remove(at);
                towards[standings[place].other] += 1;
                picks.push(place);
            }
        }
    }
    aside.sort_unstable_by_key(|&place| rank(place));
    picks.extend(aside.into_iter().take(wanted - picks.len()));
    picks
}

/// The mean of each part with its centre, and the mean squared distance to it, by sums in whole units, so that the order of the rows
/// does not matter.
fn means(rows: &Matrix, parts: &[u32], centres: &Matrix) -> (Matrix, Vec<f64>) {
    let (k, width) = (centres.rows(), centres.cols());
    let mut sums = vec![0i64; k * width];
    let mut counts = vec![0usize; k];
    let mut lengths = vec![0i64; k];
    let all = (0..rows.rows()).map(|row| (parts[row] as usize, rows.row(row)));
    for (part, row) in all.chain((0..k).map(|part| (part, centres.row(part)))) {
        add_units(&mut sums[part * width..(part + 1) * width], row, 1.0);
        let length: f32 = row.iter().map(|x| x * x).sum();
        lengths[part] += (f64::from(length) * f64::from(UNITS)).round() as i64;
        counts[part] += 1;
    }
    let mut means = Matrix::zeros(k, width);
    let mut spreads = Vec::with_capacity(k);
    for part in 0..k {
        let unit = 1.0 / (counts[part] as f64 * f64::from(UNITS));
        let mean = means.row_mut(part);
        mean.iter_mut()
            .zip(&sums[part * width..])
            .for_each(|(mean, &sum)| *mean = (sum as f64 * unit) as f32);
        let squared: f64 = mean.iter().map(|&x| f64::from(x).powi(2)).sum();
        spreads.push((lengths[part] as f64 * unit - squared).max(0.0));
    }
    (means, spreads)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::{Registry, Signals};

    /// On an arc, two parts around the rows at 20 and 80 of a hundred: what comes next lies between them.
    #[test]
    fn boundaries_lie_between_parts() {
        let arc = (0..100).flat_map(|at| {
            let angle = at as f32 * 0.01;
            [angle.cos(), angle.sin()]
        });
        let vectors = Matrix::new(arc.collect(), 100, 2);
        let rows: Vec<RowId> = (0..100).filter(|row| ![20, 80].contains(row)).map(RowId).collect();
        let found = boundary(vectors.view(), &rows, &[RowId(20), RowId(80)], 0.1, 4, |place| place as u64);
        let ids: Vec<u32> = found.iter().map(|&place| rows[place].0).collect();
        assert!(ids.iter().all(|id| (40..60).contains(id)), "{ids:?}");
        assert!(ids.iter().any(|&id| id < 50) && ids.iter().any(|&id| id > 50), "{ids:?}");
        // All of them, once.
        let mut all = boundary(vectors.view(), &rows, &[RowId(20), RowId(80)], 0.1, 98, |place| place as u64);
        all.sort_unstable();
        assert_eq!(all, (0..98).collect::<Vec<_>>());
    }

    #[test]
    fn half_of_the_batch_is_central() {
        let arc = (0..60).flat_map(|at| {
            let angle = at as f32 * 0.02;
            [angle.cos(), angle.sin()]
        });
        let inputs = Matrix::new(arc.collect(), 60, 2);
        let candidates: Vec<RowId> = (0..60).map(RowId).collect();
        let signals = Signals::default();
        let view = PoolView::new(inputs.view(), &[], &[], &candidates, 2, &signals);
        let ask = |name: &str, batch, key| {
            Registry::builtin().build(name).unwrap().select(&view, batch, key).unwrap()
        };
        let found = ask("bilaf", 6, Key::root(3));
        assert_eq!(found[..3], ask("active_ft", 3, Key::root(3).named("core")));
        assert_eq!(ask("bilaf(core=1)", 6, Key::root(3)), ask("active_ft", 6, Key::root(3).named("core")));
    }
}
