//! TypiClust: the typical points of clusters that no label covers.

use super::Space;
use crate::data::{Matrix, RowId};
use crate::error::Result;
use crate::query::geometry::{Rows, Scale, Weights, kmeans, normalised, typicality};
use crate::query::registry::{Built, Card, Entry, Family};
use crate::query::{Kinds, Needs, PoolView, Size, Strategy, subsample};
use crate::rng::Key;

pub(super) const ENTRY: Entry = Entry {
    card: Card {
        name: "typiclust",
        summary: "the densest point of each cluster, least labelled and largest clusters first (inputs)",
        paper: "Hacohen, Dekel & Weinshall, ICML 2022",
        family: Family::Distribution,
        needs: Needs { inputs: true, ..Needs::NONE },
        cost: "time n d k + min(n / k, m) n d b / k for k = min(L + b, 500) clusters and m = n up to 100,000 rows, 500 beyond, memory n + k d",
        example: "typiclust",
        deterministic: false,
    },
    make: |params| {
        let space = params.choice("space", &Space::INPUTS_FIRST)?;
        let scales = match space {
            Space::Embeddings => [("unit", Scale::Unit), ("raw", Scale::AsIs)],
            Space::Inputs => [("raw", Scale::AsIs), ("unit", Scale::Unit)],
        };
        Built::batch(TypiClust {
            space,
            scale: params.choice("scale", &scales)?,
            max_clusters: params.count("clusters", 500, 1..=100_000)?,
            min_size: params.count("min_size", 5, 0..=1_000_000)?,
            neighbours: params.count("neighbours", 20, 1..=1_000)?,
            note: None,
        })
    },
};

/// k-means over labelled rows and candidates with `min(L + b, clusters)` clusters; those of more than
/// `min_size` rows, ordered by (labelled rows ascending, size descending), are visited in turn, and
/// each visit takes the most typical of the cluster's remaining candidates.
///
/// Typicality is one over the mean *Euclidean* distance to the nearest `neighbours` remaining candidates
/// of the cluster (at most half of them), as in the paper's formula; the authors' code averages squared
/// distances. Neighbours are looked for under `scale`, as clusters are: the authors' features are all of length one,
/// so that is the default of a network's embeddings. Inputs are taken as they are unless `scale=unit` is said: the
/// columns of a table are no features of a network, and those that are of length one already are the same either
/// way. As in the authors' code, up to fifty clusters are the best of ten starts. When the large clusters are used up, the small ones follow in the same order.
/// Of pools of more than 100,000 rows, 500 candidates of each cluster are looked at, drawn at random; their neighbours are sought
/// among all. The note says so.
pub struct TypiClust {
    /// The vectors that are clustered; the paper's are self-supervised features.
    pub space: Space,
    /// What they are taken as.
    pub scale: Scale,
    /// The most clusters.
    pub max_clusters: usize,
    /// Clusters of this many rows or fewer are visited last.
    pub min_size: usize,
    /// Neighbours that typicality is measured by.
    pub neighbours: usize,
    note: Option<String>,
}

/// Rows of a pool above which no more than so many candidates of a cluster are looked at.
const MANY_ROWS: usize = 100_000;
const LOOKED_AT: usize = 500;

/// Clusters up to which k-means has several starts, as in the authors' code.
const MANY_STARTS: usize = 50;

/// One cluster's standing.
struct Cluster {
    labelled: usize,
    size: usize,
    /// Candidates not yet picked.
    left: Vec<RowId>,
}

impl Strategy for TypiClust {
    fn select(&mut self, view: &PoolView<'_>, batch: usize, key: Key) -> Result<Vec<RowId>> {
        let vectors = self.space.of(view)?;
        let batch = batch.min(view.candidates().len());
        if batch == 0 {
            return Ok(Vec::new());
        }
        let mut all: Vec<RowId> = [view.labelled(), view.candidates()].concat();
        all.sort_unstable();
        let unit = (self.scale == Scale::Unit).then(|| normalised(vectors));
        let vectors = unit.as_ref().map_or(vectors, Matrix::view);
        let rows = Rows::new(vectors, &all);
        let k = (view.labelled().len() + batch).min(self.max_clusters);
        let starts = if k <= MANY_STARTS { kmeans::STARTS } else { 1 };
        let assignment = kmeans::best_of(starts, rows, Scale::AsIs, Weights::Equal, k, key).assignment;
        let ties = view.ties(key);
        let most = if all.len() > MANY_ROWS { LOOKED_AT } else { usize::MAX };
        let mut clusters = group(&assignment, &all, view.candidates());
        clusters.sort_by_cached_key(|cluster| {
            let small = cluster.size <= self.min_size;
            let first = cluster.left.iter().map(|&row| ties.rank(row)).min();
            (small, cluster.labelled, std::cmp::Reverse(cluster.size), first)
        });
        let fewer = clusters.iter().any(|cluster| cluster.left.len() > most).then(|| {
            format!(
                "the most typical of a cluster was sought among {most} of its candidates, drawn at random"
            )
        });
        self.note = subsample::join([kmeans::note(rows.len(), k), fewer]);
        let large = clusters.iter().take_while(|cluster| cluster.size > self.min_size).count();
        let mut picks = Vec::with_capacity(batch);
        let (large, small) = clusters.split_at_mut(large);
        for part in [large, small] {
            while picks.len() < batch && part.iter().any(|cluster| !cluster.left.is_empty()) {
                for cluster in part.iter_mut().filter(|cluster| !cluster.left.is_empty()) {
                    if picks.len() == batch {
                        break;
                    }
                    let left = Rows::new(vectors, &cluster.left);
                    let neighbours = self.neighbours.min(left.len() / 2).max(1);
                    let typical = typicality::most_typical(left, most, neighbours, key, ties);
                    picks.push(cluster.left.remove(typical));
                }
            }
        }
        Ok(picks)
    }

    fn kinds(&self) -> Kinds {
        Kinds::ALL
    }

    fn needs(&self) -> Needs {
        self.space.needs()
    }

    fn note(&self) -> Option<String> {
        self.note.clone()
    }

    fn memory(&self, size: &Size) -> u64 {
        let (rows, k) =
            (size.candidates + size.labelled, (size.labelled + size.batch).min(self.max_clusters));
        // Ids of all, twice, and of each cluster's; clusters are not of one size.
        let largest = rows.min(typicality::MAX_GROUP).min(rows.saturating_mul(4) / k.max(1));
        let ids = Size::items(rows, 12);
        let copy = if self.scale == Scale::Unit { size.vectors(rows) } else { 0 };
        ids + copy + typicality::memory(largest, size) + kmeans::memory(rows, Scale::AsIs, k, size)
    }
}

/// The clusters that are not empty; `all` and `candidates` ascend.
fn group(assignment: &[u32], all: &[RowId], candidates: &[RowId]) -> Vec<Cluster> {
    let count = assignment.iter().max().map_or(0, |&last| last as usize + 1);
    let mut clusters: Vec<Cluster> =
        (0..count).map(|_| Cluster { labelled: 0, size: 0, left: Vec::new() }).collect();
    let mut candidates = candidates.iter().peekable();
    for (&row, &cluster) in all.iter().zip(assignment) {
        let cluster = &mut clusters[cluster as usize];
        cluster.size += 1;
        if candidates.next_if_eq(&&row).is_some() {
            cluster.left.push(row);
        } else {
            cluster.labelled += 1;
        }
    }
    clusters.retain(|cluster| cluster.size > 0);
    clusters
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::{Registry, Signals};
    use rand_distr::{Distribution, StandardNormal};

    /// Two blobs, the smaller one labelled: the first pick is the densest point of the other.
    #[test]
    fn worked_example() {
        let mut values: Vec<f32> = (0..11).map(|i| (i as f32 - 5.0) * 0.1).collect();
        // Twice as dense around row 5 as elsewhere.
        values.extend([-0.05, 0.05, 0.02, -0.02]);
        values.extend((0..8).map(|i| 100.0 + i as f32 * 0.1));
        let n = values.len();
        let inputs = Matrix::new(values, n, 1);
        let labelled = [RowId(18)];
        let candidates: Vec<RowId> = (0..n as u32).map(RowId).filter(|row| row.0 != 18).collect();
        let signals = Signals::default();
        let view = PoolView::new(inputs.view(), &labelled, &[0], &candidates, 2, &signals);
        for seed in 0..10 {
            let mut typiclust = Registry::builtin().build("typiclust(neighbours=6)").unwrap();
            let picks = typiclust.select(&view, 1, Key::root(seed)).unwrap();
            assert_eq!(picks, [RowId(5)]);
        }
    }

    #[test]
    fn small_clusters_serve_when_there_are_no_others() {
        let inputs = Matrix::new(vec![0.0, 10.0, 20.0], 3, 1);
        let candidates: Vec<RowId> = (0..3).map(RowId).collect();
        let signals = Signals::default();
        let view = PoolView::new(inputs.view(), &[], &[], &candidates, 2, &signals);
        let mut typiclust = Registry::builtin().build("typiclust").unwrap();
        assert_eq!(typiclust.select(&view, 2, Key::root(1)).unwrap().len(), 2);
    }

    /// Above 100,000 rows a part of each cluster is looked at, and the note says so; below, all are.
    #[test]
    fn of_very_large_pools_a_part_is_looked_at() {
        let ask = |n: usize| {
            let inputs = Matrix::new((0..n).map(|i| (i % 1_009) as f32).collect(), n, 1);
            let candidates: Vec<RowId> = (0..n as u32).map(RowId).collect();
            let signals = Signals::default();
            let view = PoolView::new(inputs.view(), &[], &[], &candidates, 2, &signals);
            let mut typiclust = Registry::builtin().build("typiclust(clusters=60,neighbours=1)").unwrap();
            let picks = typiclust.select(&view, 70, Key::root(1)).unwrap();
            assert_eq!(picks.iter().collect::<std::collections::BTreeSet<_>>().len(), 70);
            typiclust.note().unwrap()
        };
        assert!(ask(MANY_ROWS + 1).contains("among 500 of its candidates, drawn at random"));
        let below = ask(60_000);
        assert_eq!(below, "cluster centres are those of 20000 of 60000 candidates, drawn at random");
    }

    /// Embeddings were once clustered with their lengths, so that long rows of one direction took several clusters
    /// and other directions none.
    #[test]
    fn directions_are_clustered_and_not_lengths() {
        let (rays, per_ray, width) = (6, 60, 8);
        let mut rng = Key::root(5).rng();
        let mut normal = || -> f64 { StandardNormal.sample(&mut rng) };
        let mut values = Vec::new();
        for row in 0..rays * per_ray {
            let length = normal().exp();
            values.extend((0..width).map(|column| {
                let along = f64::from(column == row % rays);
                ((along + 0.05 * normal()) * length) as f32
            }));
        }
        let n = rays * per_ray;
        let signals = Signals { embeddings: Some(Matrix::new(values, n, width)), ..Signals::default() };
        let inputs = Matrix::zeros(n, 1);
        let candidates: Vec<RowId> = (0..n as u32).map(RowId).collect();
        let view = PoolView::new(inputs.view(), &[], &[], &candidates, 2, &signals);
        let hit = |name: &str, seed| {
            let picks =
                Registry::builtin().build(name).unwrap().select(&view, rays, Key::root(seed)).unwrap();
            picks.iter().map(|row| row.index() % rays).collect::<std::collections::BTreeSet<_>>().len()
        };
        for seed in 0..5 {
            assert_eq!(hit("typiclust(space=embeddings)", seed), rays, "seed {seed}");
            assert!(hit("typiclust(space=embeddings,scale=raw)", seed) < rays, "seed {seed}");
        }
    }
}
