//! Cluster-Margin: the smallest margins, taken in turn from the clusters of a fixed hierarchy.

use crate::data::{MatrixView, RowId};
use crate::error::Result;
use crate::query::draw::RowDraws;
use crate::query::geometry::lanes;
use crate::query::geometry::linkage::{self, MAX_ROWS};
use crate::query::geometry::{Rows, Scale, Weights, kmeans, normalised};
use crate::query::registry::{Built, Card, Entry, Family};
use crate::query::score::top;
use crate::query::uncertainty::margin;
use crate::query::{Needs, PoolView, Size, Strategy, Ties};
use crate::rng::Key;
use std::collections::{BTreeMap, VecDeque};

const NEEDS: Needs = Needs { probabilities: true, embeddings: true, ..Needs::NONE };
/// Micro-clusters that there are at least, and pairs of a row and a micro-cluster that set how many there are in a
/// large pool: 10,000 of up to 25,000 rows, 2,500 of 100,000, 500 from half a million on.
const FEWEST_MICRO: usize = 500;
const MICRO_PAIRS: usize = 250_000_000;
/// Rows whose pairwise distances the default radius is taken from.
const MEDIAN_SAMPLE: usize = 500;

pub(super) const ENTRY: Entry = Entry {
    card: Card {
        name: "cluster_margin",
        summary: "the smallest margins, in turn from the clusters of the first round's embeddings",
        paper: "Citovsky, DeSalvo, Gentile, Karydas, Rajagopalan, Rostamizadeh & Kumar, NeurIPS 2021",
        family: Family::Hybrid,
        needs: NEEDS,
        cost: "once: time 50 m n d above 10,000 rows, then m^2 d, for m = min(n, 10,000, 250 million / n) but at least 500; memory n d + 64 MB; then n C per round",
        example: "cluster_margin(radius=1)",
        deterministic: false,
    },
    make: |params| {
        // Zero stands for half the median distance.
        let radius = params.real("radius", 0.0, 1e-9..=1e9)?;
        Built::batch(ClusterMargin {
            radius: (radius > 0.0).then_some(radius),
            margins_per_pick: params.count("margins_per_pick", 10, 1..=10_000)?,
            clusters: None,
        })
    },
};

/// In the first round, average-linkage clustering of all rows' normalised embeddings: clusters are merged
/// while their mean distance is at most `radius` (half the median distance where it is not given); above
/// 10,000 rows, k-means comes first, with as many centres as take bounded time ([`micro`]), and the centres are
/// merged. The clusters are kept for the episode.
///
/// In every round the `margins_per_pick * b` candidates of the smallest margin are grouped by cluster;
/// the groups, smallest first, give one of theirs at random in turn.
pub struct ClusterMargin {
    /// The mean distance up to which clusters are merged.
    pub radius: Option<f64>,
    /// How many of the smallest margins are looked at, per pick.
    pub margins_per_pick: usize,
    /// The cluster of every row of the pool, from the first round on.
    clusters: Option<Vec<u32>>,
}

impl Strategy for ClusterMargin {
    fn select(&mut self, view: &PoolView<'_>, batch: usize, key: Key) -> Result<Vec<RowId>> {
        let (p, embeddings) = (view.probabilities()?, view.embeddings()?);
        let radius = self.radius;
        let clusters = match &mut self.clusters {
            Some(known) if known.len() == embeddings.rows() => known,
            stale => stale.insert(cluster(embeddings, radius, key.named("clusters"))),
        };
        let scores: Vec<f64> = (0..p.rows()).map(|row| margin::of(p.row(row))).collect();
        let ties = view.ties(key);
        let kept = top(view.candidates(), &scores, batch.saturating_mul(self.margins_per_pick), ties)?;
        Ok(round_robin(&kept, clusters, batch, ties))
    }

    fn needs(&self) -> Needs {
        NEEDS
    }

    fn memory(&self, size: &Size) -> u64 {
        // The normalised copy, until the clusters are known.
        let rows = size.candidates + size.labelled;
        let micro = micro(rows);
        let clusters = if micro < rows { kmeans::memory(rows, Scale::AsIs, micro, size) } else { 0 };
        size.vectors(rows) + clusters + linkage::memory(micro) + Size::items(rows, 12)
    }
}

/// Groups of `rows` by cluster, smallest first, give one row in turn. Which of equally large groups comes first,
/// and which row of a group, is drawn: most groups hold one row where clusters are many.
fn round_robin(rows: &[RowId], clusters: &[u32], batch: usize, ties: Ties<'_>) -> Vec<RowId> {
    let mut groups: BTreeMap<u32, Vec<RowId>> = BTreeMap::new();
    for &row in rows {
        groups.entry(clusters[row.index()]).or_default().push(row);
    }
    let mut groups: Vec<Vec<RowId>> = groups.into_values().collect();
    groups.iter_mut().for_each(|group| group.sort_unstable_by_key(|&row| ties.rank(row)));
    groups.sort_by_key(|group| (group.len(), ties.rank(group[0])));
    let mut queues: Vec<VecDeque<RowId>> = groups.into_iter().map(VecDeque::from).collect();
    let mut picks = Vec::with_capacity(batch.min(rows.len()));
    while picks.len() < batch.min(rows.len()) {
        for queue in &mut queues {
            if picks.len() < batch {
                picks.extend(queue.pop_front());
            }
        }
    }
    picks
}

/// How many micro-clusters the hierarchy of `rows` rows starts from: all rows, if they are few enough.
pub fn micro(rows: usize) -> usize {
    if rows <= MAX_ROWS {
        return rows;
    }
    (MICRO_PAIRS / rows).clamp(FEWEST_MICRO, MAX_ROWS)
}

/// The cluster of every row.
pub(in crate::query) fn cluster(embeddings: MatrixView<'_>, radius: Option<f64>, key: Key) -> Vec<u32> {
    let unit = normalised(embeddings);
    let ids: Vec<RowId> = (0..unit.rows() as u32).map(RowId).collect();
    let rows = Rows::new(unit.view(), &ids);
    let radius = radius.unwrap_or_else(|| median_distance(rows, key) / 2.0);
    let centres = micro(rows.len());
    if centres == rows.len() {
        return linkage::average(unit.view(), &vec![1.0; rows.len()], radius);
    }
    let micro = kmeans(rows, Weights::Equal, centres, key);
    let mut sizes = vec![0.0; micro.centres.rows()];
    micro.assignment.iter().for_each(|&centre| sizes[centre as usize] += 1.0);
    let merged = linkage::average(micro.centres.view(), &sizes, radius);
    micro.assignment.into_iter().map(|centre| merged[centre as usize]).collect()
}

/// The median distance between two of a sample of rows.
fn median_distance(rows: Rows<'_>, key: Key) -> f64 {
    let sample = RowDraws::new(key.named("median")).sample(rows.ids(), MEDIAN_SAMPLE);
    let mut distances = Vec::with_capacity(sample.len() * sample.len() / 2);
    for (place, &a) in sample.iter().enumerate() {
        let others = sample[..place].iter();
        distances.extend(others.map(|&b| lanes::squared_distance(rows.get(a), rows.get(b))));
    }
    if distances.is_empty() {
        return 0.0;
    }
    let middle = distances.len() / 2;
    f64::from(*distances.select_nth_unstable_by(middle, f32::total_cmp).1).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Matrix;
    use crate::query::{Registry, Signals};

    #[test]
    fn worked_example() {
        // Groups of 1, 2 and 10 rows; five picks take 1, 2 and 2.
        let clusters: Vec<u32> = [vec![7], vec![3; 2], vec![5; 10]].concat();
        let rows: Vec<RowId> = (0..13).map(RowId).collect();
        for seed in 0..10 {
            let picks = round_robin(&rows, &clusters, 5, Ties::new(Key::root(seed)));
            let count = |cluster| picks.iter().filter(|row| clusters[row.index()] == cluster).count();
            assert_eq!((count(7), count(3), count(5)), (1, 2, 2));
            assert_eq!(picks[0], RowId(0), "the smallest group comes first");
        }
    }

    #[test]
    fn clusters_are_those_of_the_first_round() {
        let blobs = super::super::super::distribution::k_means::tests::blobs();
        let found = cluster(blobs.view(), None, Key::root(0));
        for row in 0..60 {
            assert_eq!(found[row], found[row % 5], "row {row}");
        }
        let distinct: std::collections::BTreeSet<u32> = found.into_iter().collect();
        assert_eq!(distinct.len(), 5);
    }

    #[test]
    fn large_pools_start_from_fewer_micro_clusters() {
        for (rows, expected) in [
            (1, 1),
            (10_000, 10_000),
            (25_000, 10_000),
            (100_000, 2_500),
            (1_000_000, 500),
            (usize::MAX, 500),
        ] {
            assert_eq!(micro(rows), expected, "{rows}");
        }
    }

    /// Above 500 rows there were once 500 clusters at most, whatever the radius; and groups of equal size were
    /// visited by row number, so that the first rows of the file were asked for.
    #[test]
    fn single_rows_are_clusters_and_are_visited_in_no_order() {
        let n = 1_000u32;
        let angle = |row: u32| row as f32 / n as f32 * std::f32::consts::TAU;
        let embeddings =
            Matrix::new((0..n).flat_map(|row| [angle(row).cos(), angle(row).sin()]).collect(), n as usize, 2);
        let clusters = cluster(embeddings.view(), Some(1e-6), Key::root(0));
        assert_eq!(clusters, (0..n).collect::<Vec<u32>>());
        let margins = (0..n).map(|row| 0.5 + 0.4 * (row * 7_919 % n) as f32 / n as f32);
        let p = Matrix::new(margins.flat_map(|p| [p, 1.0 - p]).collect(), n as usize, 2);
        let signals = Signals { probabilities: Some(p), embeddings: Some(embeddings), ..Signals::default() };
        let inputs = Matrix::zeros(n as usize, 1);
        let candidates: Vec<RowId> = (0..n).map(RowId).collect();
        let view = PoolView::new(inputs.view(), &[], &[], &candidates, 2, &signals);
        let mut strategy = Registry::builtin().build("cluster_margin(radius=0.000001)").unwrap();
        let picks = strategy.select(&view, 60, Key::root(0)).unwrap();
        let first_half = picks.iter().filter(|row| row.0 < n / 2).count();
        assert!((15..=45).contains(&first_half), "{first_half} of 60");
    }
}
