//! A row for each of several centres, no row twice.

use super::kmeans::KMeans;
use super::rows::{self, Rows};

/// For each centre in turn the nearest row that is not yet taken, equal distances to the smaller id; the
/// centres of larger clusters come first, equal sizes in the order of the centres.
pub fn nearest_distinct(rows: Rows<'_>, clusters: &KMeans) -> Vec<usize> {
    let mut sizes = vec![0usize; clusters.centres.rows()];
    clusters.assignment.iter().for_each(|&centre| sizes[centre as usize] += 1);
    let mut order: Vec<usize> = (0..sizes.len()).collect();
    order.sort_by_key(|&centre| std::cmp::Reverse(sizes[centre]));
    let mut taken = vec![false; rows.len()];
    let mut distances = vec![0.0f32; rows.len()];
    let mut picks = Vec::with_capacity(order.len());
    for centre in order {
        distances.fill(f32::INFINITY);
        rows::shrink(rows, clusters.centres.row(centre), &mut distances);
        let nearest = (0..rows.len())
            .filter(|&place| !taken[place])
            .min_by(|&a, &b| distances[a].total_cmp(&distances[b]).then(rows.ids()[a].cmp(&rows.ids()[b])));
        if let Some(place) = nearest {
            taken[place] = true;
            picks.push(place);
        }
    }
    picks
}
