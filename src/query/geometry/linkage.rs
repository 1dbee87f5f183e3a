//! Average-linkage agglomerative clustering of a bounded number of rows.

use super::lanes;
use crate::data::MatrixView;

/// The most rows: the one place where all pairwise distances are held, 2 MB of them.
pub const MAX_ROWS: usize = 500;

/// Merges clusters while the mean distance between their members is at most `radius`; the cluster of
/// every row, numbered by first member. `sizes` is how many points each row stands for.
///
/// Nearest-neighbour chains (Murtagh 1983): `O(n^2)` for a linkage that, like this one, never brings
/// clusters closer by merging others.
///
/// # Panics
/// With more than [`MAX_ROWS`] rows, or another number of sizes than of rows.
pub fn average(rows: MatrixView<'_>, sizes: &[f64], radius: f64) -> Vec<u32> {
    let n = rows.rows();
    assert!(n <= MAX_ROWS, "{n} rows, at most {MAX_ROWS}");
    assert_eq!(n, sizes.len(), "one size per row");
    let mut distance = vec![0.0f64; n * n];
    for a in 0..n {
        for b in 0..a {
            let found = f64::from(lanes::squared_distance(rows.row(a), rows.row(b))).sqrt();
            distance[a * n + b] = found;
            distance[b * n + a] = found;
        }
    }
    // Rows without points (empty micro-clusters) would turn the averages into 0 / 0.
    let mut sizes: Vec<f64> = sizes.iter().map(|size| size.max(1e-9)).collect();
    let mut alive = vec![true; n];
    let mut parent: Vec<usize> = (0..n).collect();
    let mut chain: Vec<usize> = Vec::new();
    for _ in 1..n {
        if chain.is_empty() {
            chain.extend((0..n).find(|&row| alive[row]));
        }
        let (a, b, between) = loop {
            let tip = chain[chain.len() - 1];
            let before = chain.len().checked_sub(2).map(|place| chain[place]);
            // The one before wins ties, so that the chain ends.
            let mut nearest = before;
            for other in (0..n).filter(|&other| alive[other] && other != tip) {
                if nearest.is_none_or(|nearest| distance[tip * n + other] < distance[tip * n + nearest]) {
                    nearest = Some(other);
                }
            }
            let Some(nearest) = nearest else { return (0..n as u32).collect() };
            if before == Some(nearest) {
                break (tip.min(nearest), tip.max(nearest), distance[tip * n + nearest]);
            }
            chain.push(nearest);
        };
        chain.truncate(chain.len() - 2);
        for other in (0..n).filter(|&other| alive[other] && other != a && other != b) {
            let merged = (sizes[a] * distance[a * n + other] + sizes[b] * distance[b * n + other])
                / (sizes[a] + sizes[b]);
            distance[a * n + other] = merged;
            distance[other * n + a] = merged;
        }
        sizes[a] += sizes[b];
        alive[b] = false;
        if between <= radius {
            parent[b] = a;
        }
    }
    // Merges above the radius left no parent; those below lead to the smallest member, which is a root.
    (0..n)
        .map(|row| {
            let mut root = row;
            while parent[root] != root {
                root = parent[root];
            }
            root as u32
        })
        .collect()
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
            let found = average(MatrixView::new(&values, n, 1), &vec![1.0; n], radius);
            let mut groups = std::collections::BTreeMap::<u32, Vec<usize>>::new();
            for (row, &cluster) in found.iter().enumerate() {
                groups.entry(cluster).or_default().push(row);
            }
            let mut groups: Vec<Vec<usize>> = groups.into_values().collect();
            groups.sort();
            prop_assert_eq!(groups, plain(&values, radius));
        }
    }

    #[test]
    fn duplicates_and_single_rows_end() {
        let matrix = Matrix::zeros(4, 2);
        assert_eq!(average(matrix.view(), &[1.0, 0.0, 2.0, 1.0], 0.0), [0; 4]);
        assert_eq!(average(Matrix::zeros(1, 1).view(), &[1.0], 1.0), [0]);
        assert!(average(Matrix::zeros(0, 1).view(), &[], 1.0).is_empty());
    }
}
