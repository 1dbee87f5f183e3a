//! A row for each of several centres, no row twice.

use super::kmeans::KMeans;
use super::packed::{LANES, Packed};
use super::rows::{self, Rows, Scale};
use crate::data::MatrixView;
use crate::simd::dispatched;
use rayon::prelude::*;

/// Rows that are remembered for each centre; only where others took them all is the pool read again.
const KEPT: usize = 8;
/// Rows that one thread takes at a time; results do not depend on it.
const BLOCK: usize = 8_192;

/// The nearest rows of one centre so far, nearest first: squared distance and place.
type Nearest = [(f32, usize); KEPT];
const NONE: Nearest = [(f32::INFINITY, usize::MAX); KEPT];

/// Whether `a` comes before `b`; equal distances go to the smaller id.
#[inline(always)]
fn before(rows: Rows<'_>, a: (f32, usize), b: (f32, usize)) -> bool {
    a.0 < b.0 || (a.0 == b.0 && (b.1 == usize::MAX || rows.ids()[a.1] < rows.ids()[b.1]))
}

#[inline(always)]
fn insert(rows: Rows<'_>, nearest: &mut Nearest, new: (f32, usize)) {
    if !before(rows, new, nearest[KEPT - 1]) {
        return;
    }
    let mut at = KEPT - 1;
    while at > 0 && before(rows, new, nearest[at - 1]) {
        nearest[at] = nearest[at - 1];
        at -= 1;
    }
    nearest[at] = new;
}

dispatched! {
    /// Takes the rows from place `first` on, whose vectors are `vectors`, into account, but for those that
    /// are taken.
    fn look_here(
        rows: Rows<'_>,
        vectors: Rows<'_>,
        first: usize,
        taken: &[bool],
        packed: &Packed,
        nearest: &mut [Nearest],
    ) {
        for offset in 0..vectors.len() {
            let place = first + offset;
            if taken[place] {
                continue;
            }
            for (group, nearest) in nearest.chunks_mut(LANES).enumerate() {
                let squared = packed.squared(group, vectors.get(offset));
                for (nearest, squared) in nearest.iter_mut().zip(squared) {
                    // Huge numbers may cancel to NaN: as far as can be, but still a row.
                    let squared = squared.min(f32::INFINITY);
                    if squared <= nearest[KEPT - 1].0 {
                        insert(rows, nearest, (squared, place));
                    }
                }
            }
        }
    }
}

/// The nearest rows of every centre among those that are not taken.
fn nearest_of(rows: Rows<'_>, scale: Scale, taken: &[bool], centres: MatrixView<'_>) -> Vec<Nearest> {
    let packed = Packed::new(centres);
    let none = || vec![NONE; centres.rows()];
    let blocks: Vec<usize> = (0..rows.len()).step_by(BLOCK).collect();
    let look = |mut nearest: Vec<Nearest>, &start: &usize| {
        let block = rows.slice(start, BLOCK.min(rows.len() - start));
        rows::scaled(block, scale, |vectors| {
            look_here(rows, vectors, start, taken, &packed, &mut nearest);
        });
        nearest
    };
    if blocks.len() < 2 {
        return blocks.iter().fold(none(), look);
    }
    // The kept ones are the smallest in one total order, so it does not matter how the blocks are joined.
    blocks.par_iter().fold(none, look).reduce(none, |mut all, part| {
        for (all, part) in all.iter_mut().zip(part) {
            part.into_iter().filter(|one| one.1 != usize::MAX).for_each(|one| insert(rows, all, one));
        }
        all
    })
}

/// For each centre in turn the nearest row that is not yet taken, equal distances to the smaller id; the
/// centres of larger clusters come first, equal sizes in the order of the centres.
pub fn nearest_distinct(rows: Rows<'_>, clusters: &KMeans) -> Vec<usize> {
    let mut sizes = vec![0usize; clusters.centres.rows()];
    clusters.assignment.iter().for_each(|&centre| sizes[centre as usize] += 1);
    let mut order: Vec<usize> = (0..sizes.len()).collect();
    order.sort_by_key(|&centre| std::cmp::Reverse(sizes[centre]));
    let mut taken = vec![false; rows.len()];
    let kept = nearest_of(rows, clusters.scale, &taken, clusters.centres.view());
    let mut picks = Vec::with_capacity(order.len());
    for centre in order {
        let free = |nearest: &Nearest, taken: &[bool]| {
            nearest.iter().map(|&(_, place)| place).find(|&place| place != usize::MAX && !taken[place])
        };
        let pick = free(&kept[centre], &taken).or_else(|| {
            let alone = MatrixView::new(clusters.centres.row(centre), 1, rows.width());
            free(&nearest_of(rows, clusters.scale, &taken, alone)[0], &taken)
        });
        if let Some(place) = pick {
            taken[place] = true;
            picks.push(place);
        }
    }
    picks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Matrix, RowId};

    #[test]
    fn centres_that_share_their_nearest_rows_take_the_next() {
        // Twelve centres at one point: more than are remembered.
        let n = 40_000;
        let matrix = Matrix::new((0..n).map(|i| i as f32).collect(), n, 1);
        let ids: Vec<RowId> = (0..n as u32).map(RowId).collect();
        let centres = Matrix::new(vec![20_000.0; 12], 12, 1);
        let clusters = KMeans { centres, assignment: vec![0; n], scale: Scale::AsIs };
        let mut found = nearest_distinct(Rows::new(matrix.view(), &ids), &clusters);
        assert_eq!(found[..3], [20_000, 19_999, 20_001], "equal distances go to the smaller id");
        found.sort_unstable();
        assert_eq!(found, (19_994..=20_005).collect::<Vec<_>>());
    }

    #[test]
    fn more_centres_than_rows_leave_some_without() {
        let matrix = Matrix::new(vec![1.0, 2.0], 2, 1);
        let clusters = KMeans { centres: Matrix::zeros(5, 1), assignment: vec![0; 2], scale: Scale::AsIs };
        let found = nearest_distinct(Rows::new(matrix.view(), &[RowId(0), RowId(1)]), &clusters);
        assert_eq!(found, [0, 1]);
    }
}
