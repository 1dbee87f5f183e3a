//! A row for each of several centres, no row twice.

use super::kmeans::KMeans;
use super::packed::{LANES, Packed};
use super::rows::{self, Rows, Scale};
use crate::data::MatrixView;
use crate::query::Ties;
use crate::simd::dispatched;
use rayon::prelude::*;

/// Rows that are remembered for each centre; only where others took them all is the pool read again.
const KEPT: usize = 8;
/// Rows that one thread takes at a time; results do not depend on it.
const BLOCK: usize = 8_192;

/// The nearest rows of one centre so far, nearest first: squared distance and place.
type Nearest = [(f32, usize); KEPT];
const NONE: Nearest = [(f32::INFINITY, usize::MAX); KEPT];

/// Rows, and which of equally near ones comes first.
#[derive(Clone, Copy)]
struct Order<'a> {
    rows: Rows<'a>,
    ties: Ties<'a>,
}

/// Whether `a` comes before `b`; equal distances in the order of the ties.
#[inline(always)]
fn before(order: Order<'_>, a: (f32, usize), b: (f32, usize)) -> bool {
    let Order { rows, ties } = order;
    let first = |a: usize, b: usize| ties.order(rows.ids()[a], rows.ids()[b]).is_lt();
    a.0 < b.0 || (a.0 == b.0 && (b.1 == usize::MAX || first(a.1, b.1)))
}

#[inline(always)]
fn insert(order: Order<'_>, nearest: &mut Nearest, new: (f32, usize)) {
    if !before(order, new, nearest[KEPT - 1]) {
        return;
    }
    let mut at = KEPT - 1;
    while at > 0 && before(order, new, nearest[at - 1]) {
        nearest[at] = nearest[at - 1];
        at -= 1;
    }
    nearest[at] = new;
}

dispatched! {
    /// Takes the rows from place `first` on, whose vectors are `vectors`, into account, but for those that
    /// are taken.
    fn look_here(
        order: Order<'_>,
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
                        insert(order, nearest, (squared, place));
                    }
                }
            }
        }
    }
}

/// The nearest rows of every centre among those that are not taken.
fn nearest_of(order: Order<'_>, scale: Scale, taken: &[bool], centres: MatrixView<'_>) -> Vec<Nearest> {
    let rows = order.rows;
    let packed = Packed::new(centres);
    let none = || vec![NONE; centres.rows()];
    let blocks: Vec<usize> = (0..rows.len()).step_by(BLOCK).collect();
    let look = |mut nearest: Vec<Nearest>, &start: &usize| {
        let block = rows.slice(start, BLOCK.min(rows.len() - start));
        rows::scaled(block, scale, |vectors| {
            look_here(order, vectors, start, taken, &packed, &mut nearest);
        });
        nearest
    };
    if blocks.len() < 2 {
        return blocks.iter().fold(none(), look);
    }
    // The kept ones are the smallest in one total order, so it does not matter how the blocks are joined.
    blocks.par_iter().fold(none, look).reduce(none, |mut all, part| {
        for (all, part) in all.iter_mut().zip(part) {
            part.into_iter().filter(|one| one.1 != usize::MAX).for_each(|one| insert(order, all, one));
        }
        all
    })
}

/// For each centre in turn the nearest row that is not yet taken, equal distances in the order of `ties`; the
/// centres of larger clusters come first, equal sizes in the order of the centres.
pub fn nearest_distinct(rows: Rows<'_>, clusters: &KMeans, ties: Ties<'_>) -> Vec<usize> {
    let mut sizes = vec![0usize; clusters.centres.rows()];
    clusters.assignment.iter().for_each(|&centre| sizes[centre as usize] += 1);
    let rule = Order { rows, ties };
    let mut order: Vec<usize> = (0..sizes.len()).collect();
    order.sort_by_key(|&centre| std::cmp::Reverse(sizes[centre]));
    let mut taken = vec![false; rows.len()];
    let kept = nearest_of(rule, clusters.scale, &taken, clusters.centres.view());
    let mut picks = Vec::with_capacity(order.len());
    for centre in order {
        let free = |nearest: &Nearest, taken: &[bool]| {
            nearest.iter().map(|&(_, place)| place).find(|&place| place != usize::MAX && !taken[place])
        };
        let pick = free(&kept[centre], &taken).or_else(|| {
            let alone = MatrixView::new(clusters.centres.row(centre), 1, rows.width());
            free(&nearest_of(rule, clusters.scale, &taken, alone)[0], &taken)
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
    use crate::rng::Key;

    #[test]
    fn centres_that_share_their_nearest_rows_take_the_next() {
        // Twelve centres at one point: more than are remembered.
        let n = 40_000;
        let matrix = Matrix::new((0..n).map(|i| i as f32).collect(), n, 1);
        let ids: Vec<RowId> = (0..n as u32).map(RowId).collect();
        let centres = Matrix::new(vec![20_000.0; 12], 12, 1);
        let clusters = KMeans { centres, assignment: vec![0; n], scale: Scale::AsIs };
        let ties = Ties::new(Key::root(0));
        let mut found = nearest_distinct(Rows::new(matrix.view(), &ids), &clusters, ties);
        assert_eq!(found[0], 20_000);
        found[1..3].sort_unstable();
        assert_eq!(found[1..3], [19_999, 20_001], "equal distances come in the order of the ties");
        found.sort_unstable();
        // The twelfth is one of two that are equally far.
        assert!(
            found[..11] == (19_995..=20_005).collect::<Vec<_>>()
                || found[1..] == (19_995..=20_005).collect::<Vec<_>>(),
            "{found:?}"
        );
    }

    #[test]
    fn more_centres_than_rows_leave_some_without() {
        let matrix = Matrix::new(vec![1.0, 2.0], 2, 1);
        let clusters = KMeans { centres: Matrix::zeros(5, 1), assignment: vec![0; 2], scale: Scale::AsIs };
        let ties = Ties::new(Key::root(0));
        let found = nearest_distinct(Rows::new(matrix.view(), &[RowId(0), RowId(1)]), &clusters, ties);
        assert_eq!(found, [0, 1]);
    }
}
