//! What lies around the candidates: their neighbours.
//!
//! Sixteen candidates at a time. What is summed over the neighbours of one candidate is summed
//! in the order of [`lanes`](crate::query::geometry::lanes) on every machine.

use super::spots::Spots;
use crate::query::Neighbours;
use crate::query::geometry::lanes::{dispatched, reduce};

/// Candidates per block.
pub(super) const ROWS: usize = 16;

/// What lies around sixteen candidates, place by place.
#[derive(Clone, Copy, Default)]
pub(super) struct Surroundings {
    /// Neighbours without a label.
    pub open: [f32; ROWS],
    /// By how much these would come nearer to a label in all if the candidate were labelled.
    pub gain: [f32; ROWS],
    /// The sum of their margin scores.
    pub doubt: [f32; ROWS],
    /// How many of them are predicted to be of another class than the candidate.
    pub differ: [f32; ROWS],
}

/// What is looked at around candidates.
#[derive(Clone, Copy)]
pub(super) struct Around<'a> {
    pub neighbours: &'a Neighbours,
    pub spots: &'a Spots,
}

/// What lies around the rows `rows` of the pool, at most [`ROWS`], which are predicted to be of the classes
/// `first`.
pub(super) fn surroundings(around: Around<'_>, rows: &[u32], first: &[u32]) -> Surroundings {
    assert!(rows.len() <= ROWS && rows.len() == first.len(), "a block of candidates");
    let mut found = Surroundings::default();
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx512f") {
        // SAFETY: the machine has the instructions.
        unsafe { avx512::block(around, rows, first, &mut found) };
        return found;
    }
    row_by_row(around, rows, first, &mut found);
    found
}

dispatched! {
    /// The same without instructions of its own.
    fn row_by_row(around: Around<'_>, rows: &[u32], first: &[u32], found: &mut Surroundings) {
        for (place, (&row, &first)) in rows.iter().zip(first).enumerate() {
            let row = row as usize;
            let (ids, distances) = (around.neighbours.ids(row), around.neighbours.distances(row));
            let [mut gain, mut doubt] = [[0.0f32; ROWS]; 2];
            for (ids, distances) in ids.chunks(ROWS).zip(distances.chunks(ROWS)) {
                for (lane, (&other, &to)) in ids.iter().zip(distances).enumerate() {
                    let spot = around.spots.rows[other as usize];
                    if spot.margin >= 0.0 {
                        found.open[place] += 1.0;
                        found.differ[place] += f32::from(spot.first != first);
                        doubt[lane] += spot.margin;
                        gain[lane] += (spot.novelty - to / around.spots.unit).max(0.0);
                    }
                }
            }
            (found.gain[place], found.doubt[place]) = (reduce(gain), reduce(doubt));
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod avx512 {
    use super::{Around, ROWS, Surroundings};
    use crate::query::geometry::blocks::avx512::{first as places, reduce};
    use std::arch::x86_64::*;

    #[target_feature(enable = "avx512f")]
    pub(super) fn block(around: Around<'_>, rows: &[u32], first: &[u32], found: &mut Surroundings) {
        let [mut gain, mut doubt] = [[_mm512_setzero_ps(); ROWS]; 2];
        for (place, (&row, &first)) in rows.iter().zip(first).enumerate() {
            let (open, differ);
            (open, differ, gain[place], doubt[place]) = neighbourhood(around, row as usize, first);
            (found.open[place], found.differ[place]) = (open as f32, differ as f32);
        }
        for (out, partial) in [(&mut found.gain, &gain), (&mut found.doubt, &doubt)] {
            // SAFETY: sixteen places.
            unsafe { _mm512_storeu_ps(out.as_mut_ptr(), reduce(partial)) };
        }
    }

    /// Neighbours without a label, those of another class, and the partial sums of gain and doubt.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn neighbourhood(around: Around<'_>, row: usize, first: u32) -> (u32, u32, __m512, __m512) {
        let zero = _mm512_setzero_ps();
        let (mut open, mut differ, mut gain, mut doubt) = (0, 0, zero, zero);
        let (unit, own) = (_mm512_set1_ps(around.spots.unit), _mm512_set1_epi32(first as i32));
        let (ids, distances) = (around.neighbours.ids(row), around.neighbours.distances(row));
        for (ids, distances) in ids.chunks(ROWS).zip(distances.chunks(ROWS)) {
            // A spot is four numbers, a quarter of a line. Four lines hold spots 0, 4, 8, 12; 1, 5, 9, 13; ...
            let spot = |at: usize| {
                let spot = &around.spots.rows[ids.get(at).map_or(row, |&id| id as usize)];
                // SAFETY: a spot is four numbers of 32 bits, in the order in which they are declared.
                unsafe { _mm_loadu_ps(std::ptr::from_ref(spot).cast()) }
            };
            let line = |at: usize| {
                let line = _mm512_castps128_ps512(spot(at));
                let line = _mm512_insertf32x4::<1>(line, spot(at + 4));
                let line = _mm512_insertf32x4::<2>(line, spot(at + 8));
                _mm512_insertf32x4::<3>(line, spot(at + 12))
            };
            let lines = [line(0), line(1), line(2), line(3)];
            // ... which, transposed quarter by quarter, are the numbers of one kind in the spots' order.
            let low = [_mm512_unpacklo_ps(lines[0], lines[1]), _mm512_unpacklo_ps(lines[2], lines[3])];
            let high = [_mm512_unpackhi_ps(lines[0], lines[1]), _mm512_unpackhi_ps(lines[2], lines[3])];
            let margin = _mm512_shuffle_ps::<0x44>(low[0], low[1]);
            let class = _mm512_castps_si512(_mm512_shuffle_ps::<0xEE>(low[0], low[1]));
            let novelty = _mm512_shuffle_ps::<0x44>(high[0], high[1]);
            let there = places(ids.len());
            // SAFETY: as many distances as the mask has places.
            let distance = unsafe { _mm512_maskz_loadu_ps(there, distances.as_ptr()) };
            let counts = _mm512_mask_cmp_ps_mask::<_CMP_GE_OQ>(there, margin, zero);
            open += counts.count_ones();
            differ += _mm512_mask_cmpneq_epi32_mask(counts, class, own).count_ones();
            let nearer = _mm512_max_ps(_mm512_sub_ps(novelty, _mm512_div_ps(distance, unit)), zero);
            doubt = _mm512_add_ps(doubt, _mm512_maskz_mov_ps(counts, margin));
            gain = _mm512_add_ps(gain, _mm512_maskz_mov_ps(counts, nearer));
        }
        (open, differ, gain, doubt)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::MatrixView;
    use crate::episode::features::spots::Spot;

    #[test]
    fn every_path_gives_the_same_bits() {
        let values: Vec<f32> = (0..600).map(|i| (i as f32 * 1.7).sin() * 3.0).collect();
        for (n, k) in [(1, 4), (12, 15), (200, 15), (200, 16), (200, 21)] {
            let inputs = MatrixView::new(&values[..3 * n], n, 3);
            let neighbours = Neighbours::of(inputs, k);
            let spot = |row: usize| Spot {
                margin: if row % 4 == 3 { -1.0 } else { (row as f32 * 0.3).cos().abs() },
                first: row as u32 % 3,
                novelty: (row as f32 * 0.9).sin().abs() * 3.0,
                class: 0,
            };
            let spots = Spots { unit: 0.7, rows: (0..n).map(spot).collect() };
            let around = Around { neighbours: &neighbours, spots: &spots };
            for start in (0..n).step_by(ROWS) {
                let rows: Vec<u32> = (start as u32..(start + ROWS).min(n) as u32).rev().collect();
                let first: Vec<u32> = rows.iter().map(|row| row % 3).collect();
                let mut plain = Surroundings::default();
                row_by_row(around, &rows, &first, &mut plain);
                let found = surroundings(around, &rows, &first);
                for (found, plain) in [
                    (found.open, plain.open),
                    (found.gain, plain.gain),
                    (found.doubt, plain.doubt),
                    (found.differ, plain.differ),
                ] {
                    assert_eq!(found.map(f32::to_bits), plain.map(f32::to_bits), "{n} rows, {k} neighbours");
                }
            }
        }
    }
}
