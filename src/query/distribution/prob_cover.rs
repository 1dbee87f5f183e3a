//! ProbCover: as many candidates as possible within a fixed distance of a label.

use super::Space;
use super::part::Part;
use crate::data::RowId;
use crate::error::Result;
use crate::query::draw::RowDraws;
use crate::query::geometry::rows::{self, Rows};
use crate::query::geometry::{Scale, Weights, kmeans, minima_to, within};
use crate::query::registry::{Built, Card, Entry, Family};
use crate::query::{Needs, PoolView, Size, Strategy};
use crate::rng::Key;

/// Rows that the purity of balls is measured at.
const PURITY_SAMPLE: usize = 500;
/// The share of balls that are to hold one pseudo-class only.
const PURITY: f64 = 0.95;

pub(super) const ENTRY: Entry = Entry {
    card: Card {
        name: "prob_cover",
        summary: "the candidate whose ball of radius delta holds most uncovered candidates (inputs)",
        paper: "Yehuda, Dekel, Hacohen & Weinshall, NeurIPS 2022",
        family: Family::Distribution,
        needs: Needs { inputs: true, classes: true, ..Needs::NONE },
        cost: "time 2 m^2 d + L m d for m = min(n, max(20,000, b)) candidates, memory (m + L) d",
        example: "prob_cover",
        deterministic: false,
    },
    make: |params| {
        // Zero stands for a radius chosen by purity.
        let delta = params.real("delta", 0.0, 1e-6..=1e6)?;
        let classes = params.count("pseudo_classes", 0, 1..=10_000)?;
        Built::batch(ProbCover {
            space: params.choice("space", &Space::INPUTS_FIRST)?,
            delta: (delta > 0.0).then_some(delta),
            pseudo_classes: (classes > 0).then_some(classes),
            note: None,
        })
    },
};

/// Greedy cover: `b` times the candidate with most uncovered candidates *closer* than `delta`, on vectors
/// scaled to length one; what labelled rows cover is covered from the start. Equal numbers come in
/// the order of [`Ties`](crate::query::Ties); once everything is covered, the rest is drawn at random.
///
/// Without a `delta` it is the largest of .1, .15, ..., 2 at which at least 95 % of the balls hold one
/// k-means cluster only (`k` = classes), .1 if none is.
pub struct ProbCover {
    pub space: Space,
    /// The radius; by purity where `None`.
    pub delta: Option<f64>,
    /// Clusters that purity is measured by; the number of classes where `None`.
    pub pseudo_classes: Option<usize>,
    note: Option<String>,
}

impl Strategy for ProbCover {
    fn select(&mut self, view: &PoolView<'_>, batch: usize, key: Key) -> Result<Vec<RowId>> {
        let vectors = self.space.of(view)?;
        let batch = batch.min(view.candidates().len());
        if batch == 0 {
            return Ok(Vec::new());
        }
        let part = Part::of(view, vectors, batch, key);
        self.note = part.note();
        let (rows, labelled, ids) = (part.candidates(), part.labelled(), &part.cut.rows);
        let clusters = self.pseudo_classes.unwrap_or(view.classes());
        let delta = self.delta.unwrap_or_else(|| delta_by_purity(rows, clusters, key));
        // What `rows` counts from zero, under the ids of the pool.
        let order = |place: RowId| view.ties(key).rank(ids[place.index()]);
        Ok(cover(rows, labelled, delta, batch, order).into_iter().map(|place| ids[place.index()]).collect())
    }

    fn needs(&self) -> Needs {
        let classes = self.delta.is_none() && self.pseudo_classes.is_none();
        self.space.needs().union(Needs { classes, ..Needs::NONE })
    }

    fn note(&self) -> Option<String> {
        self.note.clone()
    }

    fn memory(&self, size: &Size) -> u64 {
        let kept = Part::kept(size);
        let clusters = self.pseudo_classes.unwrap_or(size.classes);
        let working = kmeans::memory(kept, Scale::AsIs, clusters, size).max(within::memory(kept, size));
        Part::memory_with(size, Size::items(kept, 44) + working)
    }
}

/// Greedy cover in O(m) memory: a row's degree is lowered when one of its neighbours becomes covered, and
/// every row becomes covered once.
fn cover(
    rows: Rows<'_>,
    labelled: Rows<'_>,
    delta: f64,
    batch: usize,
    rank: impl Fn(RowId) -> u64,
) -> Vec<RowId> {
    let ids = rows.ids();
    let radius = (delta * delta) as f32;
    // The largest number below the radius: closer than it, not as far.
    let closer = radius.next_down();
    let near_label = minima_to(rows, labelled);
    let mut open: Vec<bool> = near_label.iter().map(|&squared| squared >= radius).collect();
    let targets: Vec<RowId> = (0..ids.len()).filter(|&place| open[place]).map(|place| ids[place]).collect();
    let mut degree = vec![0i64; ids.len()];
    within::add(rows, &targets, closer, 1, &mut degree);
    let mut taken = vec![false; ids.len()];
    let mut picks = Vec::with_capacity(batch);
    while picks.len() < batch {
        let free = (0..ids.len()).filter(|&place| !taken[place]);
        let tied = |a: usize, b: usize| rank(ids[a]).cmp(&rank(ids[b]));
        let Some(best) = free.max_by(|&a, &b| degree[a].cmp(&degree[b]).then_with(|| tied(b, a))) else {
            break;
        };
        if degree[best] <= 0 {
            break;
        }
        taken[best] = true;
        picks.push(ids[best]);
        let mut distances = vec![f32::INFINITY; ids.len()];
        rows::shrink(rows, rows.get(best), &mut distances);
        let mut covered = Vec::new();
        for place in 0..ids.len() {
            if open[place] && distances[place] < radius {
                open[place] = false;
                covered.push(ids[place]);
            }
        }
        within::add(rows, &covered, closer, -1, &mut degree);
    }
    let mut left: Vec<RowId> =
        (0..ids.len()).filter(|&place| !taken[place]).map(|place| ids[place]).collect();
    left.sort_unstable_by_key(|&row| rank(row));
    left.truncate(batch - picks.len());
    picks.extend(left);
    picks
}

/// The largest radius of the grid whose balls are pure often enough. A ball is pure up to the distance
/// from its centre to the nearest row of another cluster, so one pass serves the whole grid.
fn delta_by_purity(rows: Rows<'_>, clusters: usize, key: Key) -> f64 {
    let assignment = kmeans::kmeans(rows, Weights::Equal, clusters, key.named("pseudo-classes")).assignment;
    let sample = RowDraws::new(key.named("purity")).sample(rows.ids(), PURITY_SAMPLE);
    let ids: Vec<RowId> = sample.iter().map(|&place| rows.ids()[place]).collect();
    let mut pure_to = vec![f32::INFINITY; sample.len()];
    for cluster in 0..clusters as u32 {
        let others: Vec<RowId> = (0..rows.len())
            .filter(|&place| assignment[place] != cluster)
            .map(|place| rows.ids()[place])
            .collect();
        let members: Vec<usize> = (0..sample.len()).filter(|&i| assignment[sample[i]] == cluster).collect();
        let member_ids: Vec<RowId> = members.iter().map(|&i| ids[i]).collect();
        let minima = minima_to(Rows::new(rows.matrix(), &member_ids), Rows::new(rows.matrix(), &others));
        for (member, least) in members.into_iter().zip(minima) {
            pure_to[member] = least;
        }
    }
    let pure = |delta: f64| {
        let count = pure_to.iter().filter(|&&squared| f64::from(squared) >= delta * delta).count();
        count as f64 >= PURITY * pure_to.len() as f64
    };
    (2..=40).rev().map(|step| f64::from(step) * 0.05).find(|&delta| pure(delta)).unwrap_or(0.1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Matrix;
    use crate::query::geometry::lanes;
    use proptest::prelude::*;

    fn picks(matrix: &Matrix, labelled: &[RowId], delta: f64, batch: usize) -> Vec<RowId> {
        let ids: Vec<RowId> =
            (0..matrix.rows() as u32).map(RowId).filter(|row| !labelled.contains(row)).collect();
        let (rows, labelled) = (Rows::new(matrix.view(), &ids), Rows::new(matrix.view(), labelled));
        cover(rows, labelled, delta, batch, |row| u64::from(row.0))
    }

    #[test]
    fn takes_the_fullest_ball_and_not_what_labels_cover() {
        let matrix = Matrix::new(vec![0.0, 0.1, 0.2, 0.3, 5.0, 5.1, 9.0], 7, 1);
        assert_eq!(picks(&matrix, &[], 0.25, 3), [RowId(1), RowId(4), RowId(6)]);
        // Row 1 covers 0, 1, 2, and 3 at distance .2; what remains is 4, 5 and 6.
        assert_eq!(picks(&matrix, &[RowId(1)], 0.25, 2), [RowId(4), RowId(6)]);
        // The distance must be smaller than the radius, not equal to it.
        let grid = Matrix::new(vec![0.0, 1.0, 2.0], 3, 1);
        assert_eq!(picks(&grid, &[RowId(1)], 1.0, 1), [RowId(0)]);
        assert_eq!(picks(&matrix, &[], 100.0, 7).len(), 7);
    }

    #[test]
    fn delta_is_the_largest_pure_radius() {
        // Two clusters, 1.02 apart at their nearest.
        let matrix = Matrix::new(vec![0.0, 0.01, 0.02, 1.04, 1.05, 1.06], 6, 1);
        let ids: Vec<RowId> = (0..6).map(RowId).collect();
        let delta = delta_by_purity(Rows::new(matrix.view(), &ids), 2, Key::root(0));
        assert!((delta - 1.0).abs() < 1e-9, "{delta}");
    }

    proptest! {
        /// Greedy covers at least 1 - 1/e of what the best choice covers (Nemhauser et al. 1978).
        #[test]
        fn coverage_is_within_the_bound(values in prop::collection::vec(-2.0f32..2.0, 22), batch in 1usize..4) {
            let matrix = Matrix::new(values.clone(), 11, 2);
            let within = |a: usize, b: usize| {
                lanes::squared_distance(&values[a * 2..a * 2 + 2], &values[b * 2..b * 2 + 2]) < 0.64
            };
            let covered = |centres: &[usize]| (0..11).filter(|&y| centres.iter().any(|&x| within(x, y))).count();
            let greedy: Vec<usize> = picks(&matrix, &[], 0.8, batch).iter().map(|row| row.index()).collect();
            let best = (0u32..1 << 11)
                .filter(|set| set.count_ones() as usize == batch)
                .map(|set| covered(&(0..11).filter(|i| set >> i & 1 == 1).collect::<Vec<_>>()))
                .max()
                .unwrap();
            prop_assert!(covered(&greedy) as f64 >= (1.0 - (-1f64).exp()) * best as f64 - 1e-9);
        }
    }
}
