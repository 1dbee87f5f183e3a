//! k-medoids: `b` candidates that the others are close to.

use super::Space;
use crate::data::RowId;
use crate::error::Result;
use crate::query::geometry::packed::{self, LANES, Packed};
use crate::query::geometry::rows::{self, Rows};
use crate::query::geometry::{Weights, kmeans, minima_to, normalised};
use crate::query::registry::{Built, Card, Entry, Family};
use crate::query::{Kinds, Needs, PoolView, Size, Strategy, Subsample, Ties, subsample};
use crate::rng::Key;
use crate::simd::dispatched;

/// Rows above which medoids are sought among random parts of this many rows.
pub const MAX_ROWS: usize = 10_000;
/// How many such parts are tried.
const PARTS: u64 = 5;
/// The most rounds of assigning rows and moving medoids.
const MAX_STEPS: usize = 20;

pub(super) const ENTRY: Entry = Entry {
    card: Card {
        name: "k_medoids",
        summary: "b candidates of the smallest total distance to their neighbourhoods (inputs)",
        paper: "Kaufman & Rousseeuw 1990 (medoids, CLARA); Park & Jun 2009 (alternation)",
        family: Family::Distribution,
        needs: Needs { inputs: true, ..Needs::NONE },
        cost: "time 20 (m b + m^2 / b) d for m = min(n, 10,000) rows, five times above; memory n d",
        example: "k_medoids",
        deterministic: false,
    },
    make: |params| {
        Built::batch(KMedoids { space: params.choice("space", &Space::INPUTS_FIRST)?, note: None })
    },
};

/// Alternates between assigning every row to its nearest medoid and moving each medoid to the row of its
/// cluster with the smallest total distance, from a k-means++ start, on the candidates' vectors scaled to
/// length one. Pools of more than [`MAX_ROWS`] try five random parts and keep the medoids that serve
/// the whole pool best (CLARA). Medoids of larger clusters come first.
pub struct KMedoids {
    pub space: Space,
    note: Option<String>,
}

impl Strategy for KMedoids {
    fn select(&mut self, view: &PoolView<'_>, batch: usize, key: Key) -> Result<Vec<RowId>> {
        let unit = normalised(self.space.of(view)?);
        let all = Rows::new(unit.view(), view.candidates());
        let batch = batch.min(all.len());
        if batch == 0 {
            return Ok(Vec::new());
        }
        let most = MAX_ROWS.max(batch);
        self.note = subsample::note("medoids are sought among five parts of", all.len().min(most), all.len());
        if all.len() <= most {
            return Ok(medoids(all, batch, key, view.ties(key)));
        }
        let mut best: Option<(f64, Vec<RowId>)> = None;
        for part in 0..PARTS {
            let key = key.at(part);
            let ids = Subsample::new(all.ids(), most, view.draws(key.named("part"))).rows;
            let found = medoids(Rows::new(unit.view(), &ids), batch, key, view.ties(key));
            let minima = minima_to(all, Rows::new(unit.view(), &found));
            let cost: f64 = minima.iter().map(|&squared| f64::from(squared).sqrt()).sum();
            if best.as_ref().is_none_or(|(least, _)| cost < *least) {
                best = Some((cost, found));
            }
        }
        Ok(best.map(|(_, found)| found).unwrap_or_default())
    }

    fn needs(&self) -> Needs {
        self.space.needs()
    }

    fn kinds(&self) -> Kinds {
        Kinds::ALL
    }

    fn note(&self) -> Option<String> {
        self.note.clone()
    }

    fn memory(&self, size: &Size) -> u64 {
        // The normalised copy, a draw, and distances to the medoids.
        size.vectors(size.candidates + size.labelled) + Size::items(size.candidates, 40)
    }
}

/// `k` medoids of `rows`, those of larger clusters first.
fn medoids(rows: Rows<'_>, k: usize, key: Key, ties: Ties<'_>) -> Vec<RowId> {
    let mut medoids = kmeans::plus_plus(rows, Weights::Equal, k, key);
    let mut clusters = assign(rows, &medoids);
    for _ in 0..MAX_STEPS {
        let moved: Vec<usize> = clusters.iter().map(|members| central(rows, members, ties)).collect();
        if moved == medoids {
            break;
        }
        medoids = moved;
        clusters = assign(rows, &medoids);
    }
    let mut order: Vec<usize> = (0..medoids.len()).collect();
    order.sort_by_key(|&m| (std::cmp::Reverse(clusters[m].len()), ties.rank(rows.ids()[medoids[m]])));
    order.into_iter().map(|m| rows.ids()[medoids[m]]).collect()
}

/// The places nearest each medoid, itself among them; equal distances go to the earlier medoid.
fn assign(rows: Rows<'_>, medoids: &[usize]) -> Vec<Vec<usize>> {
    let mut least = vec![f32::INFINITY; rows.len()];
    let mut nearest = vec![0usize; rows.len()];
    let mut distances = vec![0.0f32; rows.len()];
    for (number, &medoid) in medoids.iter().enumerate() {
        distances.fill(f32::INFINITY);
        rows::shrink(rows, rows.get(medoid), &mut distances);
        for place in 0..rows.len() {
            if distances[place] < least[place] {
                (least[place], nearest[place]) = (distances[place], number);
            }
        }
    }
    for (number, &medoid) in medoids.iter().enumerate() {
        // Duplicates of another medoid stay by themselves, so that no row becomes two medoids.
        nearest[medoid] = number;
    }
    let mut clusters = vec![Vec::new(); medoids.len()];
    for (place, &medoid) in nearest.iter().enumerate() {
        clusters[medoid].push(place);
    }
    clusters
}

/// The member of the smallest total distance to the others; of equal ones, the first in the order of `ties`.
fn central(rows: Rows<'_>, members: &[usize], ties: Ties<'_>) -> usize {
    let ids: Vec<RowId> = members.iter().map(|&place| rows.ids()[place]).collect();
    let cluster = Rows::new(rows.matrix(), &ids);
    let mut totals = vec![0.0f64; members.len()];
    packed::against(cluster, cluster, &mut totals, add_distances_here);
    let best = (0..members.len())
        .min_by(|&a, &b| totals[a].total_cmp(&totals[b]).then_with(|| ties.order(ids[a], ids[b])));
    members[best.unwrap_or(0)]
}

dispatched! {
    /// Adds to each total the distances of its row to all centres.
    fn add_distances_here(rows: Rows<'_>, packed: &Packed, totals: &mut [f64]) {
        for (place, total) in totals.iter_mut().enumerate() {
            let mut lanes = [0.0f64; LANES];
            for group in 0..packed.groups() {
                let squared = packed.squared(group, rows.get(place));
                for lane in 0..LANES {
                    // Missing lanes are infinitely far.
                    let distance = if squared[lane] < f32::INFINITY { squared[lane].sqrt() } else { 0.0 };
                    lanes[lane] += f64::from(distance);
                }
            }
            *total += lanes.iter().sum::<f64>();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Matrix;

    #[test]
    fn one_pick_per_blob() {
        // A k-means++ start may put two medoids into one blob, which alternation cannot undo; wide gaps
        // between tight blobs make that rare enough not to happen here.
        super::super::k_means::tests::takes_one_of_each_blob("k_medoids");
    }

    #[test]
    fn the_medoid_of_a_line_is_its_median() {
        let matrix = Matrix::new(vec![0.0, 1.0, 2.0, 3.0, 100.0], 5, 1);
        let ids: Vec<RowId> = (0..5).map(RowId).collect();
        assert_eq!(
            medoids(Rows::new(matrix.view(), &ids), 1, Key::root(0), Ties::new(Key::root(0))),
            [RowId(2)]
        );
    }
}
