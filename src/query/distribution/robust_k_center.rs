//! Robust k-center: a small covering radius, but for a few outliers.

use super::{Space, k_center};
use crate::data::RowId;
use crate::error::Result;
use crate::query::geometry::rows::{self, Rows};
use crate::query::geometry::{minima_to, within};
use crate::query::registry::{Built, Card, Entry, Family};
use crate::query::size;
use crate::query::{Needs, PoolView, Size, Strategy, Subsample, Ties};
use crate::rng::Key;

/// Candidates above which the cover is sought among a random part of this many.
pub const MAX_CANDIDATES: usize = 10_000;
/// Halvings of the interval that the radius is sought in.
const BISECTIONS: usize = 12;

pub(super) const ENTRY: Entry = Entry {
    card: Card {
        name: "robust_k_center",
        summary: "k-center that may leave a small share of outliers uncovered (embeddings)",
        paper: "Sener & Savarese, ICLR 2018; Charikar, Khuller, Mount & Narasimhan, SODA 2001",
        family: Family::Distribution,
        needs: Needs { embeddings: true, ..Needs::NONE },
        cost: "time 24 m^2 d for m = min(n, max(10,000, b)) candidates, memory m",
        example: "robust_k_center",
        deterministic: true,
    },
    make: |params| {
        Built::batch(RobustKCenter {
            space: params.choice("space", &Space::EMBEDDINGS_FIRST)?,
            outliers: params.real("outliers", 1e-4, 0.0..=1.0)?,
            note: None,
        })
    },
};

/// Bisects the radius `delta`: with it, `b` times the candidate whose `delta`-ball holds most uncovered
/// candidates is taken and everything within `3 delta` of it is covered, as is everything within
/// `3 delta` of a label; the radius serves if at most `ceil(outliers * n)` candidates stay uncovered.
/// The picks are those of the smallest serving radius found, a 3-approximation. The paper solves mixed
/// integer programs instead.
///
/// What the balls leave of the batch is filled by greedy k-center. Deterministic up to
/// [`MAX_CANDIDATES`] candidates; above, a random part of that many stands for the pool.
pub struct RobustKCenter {
    pub space: Space,
    /// The share of candidates that may stay uncovered.
    pub outliers: f64,
    note: Option<String>,
}

impl Strategy for RobustKCenter {
    fn select(&mut self, view: &PoolView<'_>, batch: usize, key: Key) -> Result<Vec<RowId>> {
        let vectors = self.space.of(view)?;
        let batch = batch.min(view.candidates().len());
        if batch == 0 {
            return Ok(Vec::new());
        }
        let cut =
            Subsample::new(view.candidates(), MAX_CANDIDATES.max(batch), view.draws(key.named("candidates")));
        self.note = cut.note("the cover was sought among");
        let ids = cut.rows;
        let rows = Rows::new(vectors, &ids);
        let allowed = match self.outliers {
            share if share > 0.0 => (share * ids.len() as f64).ceil() as usize,
            _ => 0,
        };
        let (picks, _) = robust(rows, view.labelled_rows(vectors), batch, allowed, view.ties(key));
        Ok(picks.into_iter().map(|place| ids[place]).collect())
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
        drawn.max(Size::items(kept, 64) + within::memory(kept, size) + size.vectors(size.batch))
    }
}

/// Places of the picks, and the radius they were found with.
fn robust(
    rows: Rows<'_>,
    labelled: Rows<'_>,
    batch: usize,
    allowed: usize,
    ties: Ties<'_>,
) -> (Vec<usize>, f64) {
    let greedy = k_center::cover(rows, labelled, batch, ties);
    let near_label = minima_to(rows, labelled);
    let mut minima = near_label.clone();
    greedy.iter().for_each(|&pick| rows::shrink(rows, rows.get(pick), &mut minima));
    let (mut low, mut high) = (0.0, f64::from(minima.iter().copied().fold(0.0, f32::max)).sqrt());
    // The greedy radius itself serves: three times it covers what it covers.
    let mut best = (greedy, high);
    for _ in 0..BISECTIONS {
        let delta = (low + high) / 2.0;
        match balls(rows, &near_label, delta, batch, allowed, ties) {
            Some(picks) => {
                best = (picks, delta);
                high = delta;
            }
            None => low = delta,
        }
    }
    let (mut picks, radius) = best;
    if picks.len() < batch {
        fill(rows, near_label, &mut picks, batch, ties);
    }
    (picks, radius)
}

/// The picks with radius `delta`, or `None` if too many candidates stay uncovered.
fn balls(
    rows: Rows<'_>,
    near_label: &[f32],
    delta: f64,
    batch: usize,
    allowed: usize,
    ties: Ties<'_>,
) -> Option<Vec<usize>> {
    // A little wider than rounding, so that a distance of exactly delta lies within.
    let inner = (delta * delta * (1.0 + 1e-6)) as f32;
    let outer = (9.0 * delta * delta * (1.0 + 1e-6)) as f32;
    let mut open: Vec<usize> = (0..rows.len()).filter(|&place| near_label[place] > outer).collect();
    let mut counts = vec![0i64; rows.len()];
    let ids = |places: &[usize]| places.iter().map(|&place| rows.ids()[place]).collect::<Vec<RowId>>();
    within::add(rows, &ids(&open), inner, 1, &mut counts);
    let mut picks: Vec<usize> = Vec::new();
    let mut taken = vec![false; rows.len()];
    while picks.len() < batch && !open.is_empty() {
        let free = (0..rows.len()).filter(|&place| !taken[place]);
        let tied = |a: usize, b: usize| ties.order(rows.ids()[a], rows.ids()[b]);
        let pick = free.max_by(|&a, &b| counts[a].cmp(&counts[b]).then_with(|| tied(b, a)))?;
        picks.push(pick);
        taken[pick] = true;
        let mut distances = vec![f32::INFINITY; rows.len()];
        rows::shrink(rows, rows.get(pick), &mut distances);
        let (covered, left) = open.into_iter().partition(|&place| distances[place] <= outer);
        open = left;
        within::add(rows, &ids(&covered), inner, -1, &mut counts);
    }
    (open.len() <= allowed).then_some(picks)
}

/// Completes `picks` by greedy k-center.
fn fill(rows: Rows<'_>, near_label: Vec<f32>, picks: &mut Vec<usize>, batch: usize, ties: Ties<'_>) {
    let mut minima = near_label;
    picks.iter().for_each(|&pick| rows::shrink(rows, rows.get(pick), &mut minima));
    let mut taken = vec![false; rows.len()];
    picks.iter().for_each(|&pick| taken[pick] = true);
    let ids = rows.ids();
    while picks.len() < batch {
        let free = (0..rows.len()).filter(|place| !taken[*place]);
        let next =
            free.max_by(|&a, &b| minima[a].total_cmp(&minima[b]).then_with(|| ties.order(ids[b], ids[a])));
        let Some(pick) = next else { break };
        picks.push(pick);
        taken[pick] = true;
        rows::shrink(rows, rows.get(pick), &mut minima);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Matrix;

    #[test]
    fn worked_example() {
        let matrix = Matrix::new(vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 100.0], 7, 1);
        let ids: Vec<RowId> = (0..7).map(RowId).collect();
        let rows = Rows::new(matrix.view(), &ids);
        let nothing = Rows::new(matrix.view(), &[]);
        let (picks, radius) = robust(rows, nothing, 2, 0, Ties::new(Key::root(0)));
        assert!(picks.contains(&6), "{picks:?}");
        assert!((radius - 4.0 / 3.0).abs() < 5e-3, "{radius}");
        // With one row left out, discs of the radius cover one row each, so that keys decide which; the discs that
        // remove rows are three times as wide, and leave no more than that one.
        for seed in 0..8 {
            let (picks, radius) = robust(rows, nothing, 2, 1, Ties::new(Key::root(seed)));
            let far = |row: &f32| {
                picks.iter().all(|&pick| f64::from((matrix.row(pick)[0] - row).abs()) > 3.0 * radius + 1e-3)
            };
            assert!(matrix.values().iter().filter(|row| far(row)).count() <= 1, "{picks:?}, {radius}");
            assert!((1.0 / 3.0 - 5e-3..4.0 / 3.0).contains(&radius), "{radius}");
        }
    }
}
