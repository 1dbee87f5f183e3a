//! Average-linkage agglomerative clustering, without a matrix of all pairs.

use super::blocks;
use super::rows::{self, Rows};
use crate::data::{MatrixView, RowId};
use crate::query::Size;
use std::collections::HashMap;

/// The most rows that are clustered; time grows with the square.
pub const MAX_ROWS: usize = 10_000;
/// The most numbers that are held of distances to all rows, 64 MB of them.
const MAX_HELD: usize = 8_000_000;
/// By how much a cluster must be nearer than the one before on the chain: far more than rounding, so that a chain
/// does not come back to where it was.
const NEARER: f64 = 1.0 - 1e-9;

/// Merges clusters while the mean distance between their members is at most `radius`; the cluster of
/// every row, numbered by first member. `sizes` is how many points each row stands for.
///
/// Nearest-neighbour chains (Murtagh 1983): a linkage that, like this one, never brings clusters closer by
/// merging others may merge any two that are each other's nearest. Of a cluster on the chain the sums of its
/// members' distances to all rows are enough: those of a merger are the sums of the two. They are held for the
/// largest clusters within 64 MB, which are the dear ones to make anew, so that memory grows with
/// the rows and not with their square. A cluster whose nearest is beyond the radius stays what it is and leaves.
///
/// # Panics
/// With more than [`MAX_ROWS`] rows, or another number of sizes than of rows.
pub fn average(rows: MatrixView<'_>, sizes: &[f64], radius: f64) -> Vec<u32> {
    average_holding(rows, sizes, radius, MAX_HELD / rows.rows().max(1))
}

fn average_holding(rows: MatrixView<'_>, sizes: &[f64], radius: f64, most: usize) -> Vec<u32> {
    let n = rows.rows();
    assert!(n <= MAX_ROWS, "{n} rows, at most {MAX_ROWS}");
    assert_eq!(n, sizes.len(), "one size per row");
    let ids: Vec<RowId> = (0..n as u32).map(RowId).collect();
    // Rows without points (empty micro-clusters) would turn the averages into 0 / 0.
    let weights: Vec<f64> = sizes.iter().map(|size| size.max(1e-9)).collect();
    let mut clusters = Clusters {
        rows: Rows::new(rows, &ids),
        totals: weights.clone(),
        weights,
        of_row: (0..n as u32).collect(),
        members: (0..n as u32).map(|row| vec![row]).collect(),
        open: vec![true; n],
        sums: HashMap::new(),
        most: most.max(2),
    };
    // Each with its distance to the one before it.
    let mut chain: Vec<(usize, f64)> = Vec::new();
    let mut first = 0;
    loop {
        let Some(&(tip, link)) = chain.last() else {
            while first < n && !clusters.open[first] {
                first += 1;
            }
            if first == n {
                return clusters.of_row;
            }
            chain.push((first, f64::INFINITY));
            continue;
        };
        let before = chain.len().checked_sub(2).map(|place| chain[place].0);
        match (clusters.nearest(tip), before) {
            (Some((nearest, distance)), _) if distance <= radius && distance < link * NEARER => {
                chain.push((nearest, distance));
            }
            // Nothing is nearer than the one before, to which nothing was nearer than this one.
            (_, Some(before)) => {
                chain.truncate(chain.len() - 2);
                clusters.merge(tip.min(before), tip.max(before));
            }
            // Merging others brings nothing nearer: this cluster is done.
            (_, None) => {
                chain.clear();
                clusters.close(tip);
            }
        }
    }
}

/// Forecast of the bytes that clustering `rows` rows takes.
pub fn memory(rows: usize) -> u64 {
    // Held sums; ids, weights, numbers and lists of members.
    Size::items(rows.saturating_mul(rows).min(MAX_HELD), 8) + Size::items(rows, 96)
}

/// Clusters by the number of their first member.
struct Clusters<'a> {
    rows: Rows<'a>,
    /// How many points each row stands for, and each cluster.
    weights: Vec<f64>,
    totals: Vec<f64>,
    of_row: Vec<u32>,
    /// Of the clusters; empty for those that are part of another.
    members: Vec<Vec<u32>>,
    /// Whether a cluster may still be merged.
    open: Vec<bool>,
    /// Sums over members, by weight, of the distances to every row.
    sums: HashMap<usize, Vec<f64>>,
    /// How many of them are held at the most.
    most: usize,
}

impl Clusters<'_> {
    /// The open cluster nearest `tip`, the one of the smallest number where several are, and its distance.
    fn nearest(&mut self, tip: usize) -> Option<(usize, f64)> {
        let sums = self.take_sums(tip);
        let mut totals = vec![0.0f64; self.rows.len()];
        for ((&cluster, sum), weight) in self.of_row.iter().zip(&sums).zip(&self.weights) {
            totals[cluster as usize] += sum * weight;
        }
        self.hold(tip, sums);
        let mut best: Option<(usize, f64)> = None;
        for (cluster, total) in totals.into_iter().enumerate() {
            if self.open[cluster] && cluster != tip {
                let distance = total / (self.totals[tip] * self.totals[cluster]);
                if best.is_none_or(|(_, least)| distance < least) {
                    best = Some((cluster, distance));
                }
            }
        }
        best
    }

    /// Makes `b` part of `a`, which has the smaller number.
    fn merge(&mut self, a: usize, b: usize) {
        let (mut sums, others) = (self.take_sums(a), self.take_sums(b));
        sums.iter_mut().zip(others).for_each(|(sum, other)| *sum += other);
        let moved = std::mem::take(&mut self.members[b]);
        moved.iter().for_each(|&row| self.of_row[row as usize] = a as u32);
        self.members[a].extend(moved);
        self.totals[a] += self.totals[b];
        self.open[b] = false;
        self.hold(a, sums);
    }

    fn close(&mut self, cluster: usize) {
        self.open[cluster] = false;
        self.sums.remove(&cluster);
    }

    /// The sums of a cluster, which are no longer held.
    fn take_sums(&mut self, cluster: usize) -> Vec<f64> {
        self.sums.remove(&cluster).unwrap_or_else(|| self.sums_of(&self.members[cluster]))
    }

    fn sums_of(&self, members: &[u32]) -> Vec<f64> {
        let mut sums = vec![0.0f64; self.rows.len()];
        let (matrix, width) = (self.rows.matrix(), self.rows.width());
        rows::in_blocks(self.rows, &mut sums, members.len(), |block, sums| {
            let first = block.ids()[0].index();
            let values = &matrix.values()[first * width..][..block.len() * width];
            let mut squared = vec![0.0f32; block.len()];
            for &member in members {
                blocks::squared_distances_to(values, matrix.row(member as usize), &mut squared);
                let weight = self.weights[member as usize];
                sums.iter_mut().zip(&squared).for_each(|(sum, &one)| *sum += weight * f64::from(one).sqrt());
            }
        });
        sums
    }

    /// Holds the sums of a cluster, in the place of those of the smallest cluster if there are too many.
    fn hold(&mut self, cluster: usize, sums: Vec<f64>) {
        self.sums.insert(cluster, sums);
        if self.sums.len() > self.most {
            let smallest = self.sums.keys().copied().min_by_key(|&held| (self.members[held].len(), held));
            smallest.map(|smallest| self.sums.remove(&smallest));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Matrix;
    use proptest::prelude::*;

    /// The textbook loop: merge the closest pair until none is close enough.
    fn plain(values: &[f32], radius: f64) -> Vec<Vec<usize>> {
        let mut groups: Vec<Vec<usize>> = (0..values.len()).map(|row| vec![row]).collect();
        loop {
            let mut best = (f64::INFINITY, 0, 0);
            for a in 0..groups.len() {
                for b in 0..a {
                    let total: f64 = groups[a]
                        .iter()
                        .flat_map(|&x| groups[b].iter().map(move |&y| (x, y)))
                        .map(|(x, y)| f64::from((values[x] - values[y]).abs()))
                        .sum();
                    let mean = total / (groups[a].len() * groups[b].len()) as f64;
                    if mean < best.0 {
                        best = (mean, b, a);
                    }
                }
            }
            if best.0 > radius {
                groups.iter_mut().for_each(|group| group.sort_unstable());
                groups.sort();
                return groups;
            }
            let taken = groups.remove(best.2);
            groups[best.1].extend(taken);
        }
    }

    proptest! {
        #[test]
        fn matches_the_textbook_loop(values in prop::collection::vec(0.0f32..10.0, 1..25), radius in 0.1f64..6.0) {
            let n = values.len();
            let expected = plain(&values, radius);
            // Also where hardly any sums are held.
            for most in [2, 3, 1_000] {
                let found = average_holding(MatrixView::new(&values, n, 1), &vec![1.0; n], radius, most);
                let mut groups = std::collections::BTreeMap::<u32, Vec<usize>>::new();
                for (row, &cluster) in found.iter().enumerate() {
                    groups.entry(cluster).or_default().push(row);
                }
                prop_assert!(groups.iter().all(|(&cluster, rows)| rows[0] == cluster as usize));
                let mut groups: Vec<Vec<usize>> = groups.into_values().collect();
                groups.sort();
                prop_assert_eq!(&groups, &expected);
            }
        }
    }

    #[test]
    fn duplicates_and_single_rows_end() {
        let matrix = Matrix::zeros(4, 2);
        assert_eq!(average(matrix.view(), &[1.0, 0.0, 2.0, 1.0], 0.0), [0; 4]);
        assert_eq!(average(Matrix::zeros(1, 1).view(), &[1.0], 1.0), [0]);
        assert!(average(Matrix::zeros(0, 1).view(), &[], 1.0).is_empty());
    }

    /// Weights are points: a row that stands for three is three rows.
    #[test]
    fn sizes_count_as_rows() {
        let values = [0.0, 2.0, 2.0, 2.0, 5.0, 5.5];
        let once = [0.0, 2.0, 5.0, 5.5];
        for radius in [0.4, 0.6, 2.1, 3.2, 3.4, 5.0] {
            let rows = average(MatrixView::new(&values, 6, 1), &[1.0; 6], radius);
            let sized = average(MatrixView::new(&once, 4, 1), &[1.0, 3.0, 1.0, 1.0], radius);
            let same =
                |a: usize, b: usize| (rows[[0, 1, 4, 5][a]] == rows[[0, 1, 4, 5][b]], sized[a] == sized[b]);
            for (a, b) in [(0, 1), (1, 2), (2, 3), (0, 3)] {
                let (rows, sized) = same(a, b);
                assert_eq!(rows, sized, "{radius}: {a} {b}");
            }
        }
    }

    /// As many rows as there may be: blobs come out whole, in seconds and without all pairs in memory.
    #[test]
    fn ten_thousand_rows_are_clustered() {
        let blobs = 40;
        let values: Vec<f32> = (0..MAX_ROWS)
            .flat_map(|row| {
                let (blob, noise) =
                    (row % blobs, |i: usize| ((row * 7_919 + i * 104_729) % 1_009) as f32 / 1_009.0);
                [0, 1, 2, 3].map(|i| ((blob * (i + 3)) % blobs) as f32 * 4.0 + noise(i))
            })
            .collect();
        let found = average(MatrixView::new(&values, MAX_ROWS, 4), &vec![1.0; MAX_ROWS], 2.0);
        for (row, &cluster) in found.iter().enumerate() {
            assert_eq!(cluster as usize, row % blobs, "row {row}");
        }
    }
}
