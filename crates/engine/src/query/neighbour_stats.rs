//! What lies around candidates: their neighbours, as features of a policy.
//!
//! Sixteen candidates at a time. What is summed over the neighbours of one candidate is summed
//! in the order of [`lanes`](crate::query::geometry::lanes) on every machine.

use super::Neighbours;
use crate::query::geometry::lanes::reduce;
#[cfg(target_arch = "x86_64")]
use crate::simd::SimdPath;
use crate::simd::dispatched;

/// Candidates per block.
pub const ROWS: usize = 16;

/// What lies around sixteen candidates, place by place.
#[derive(Clone, Copy, Default)]
pub struct NeighbourStats {
    /// Neighbours without a label.
    pub open: [f32; ROWS],
    /// By how much these would come nearer to a label in all if the candidate were labelled.
    pub gain: [f32; ROWS],
    /// The sum of their margin scores.
    pub doubt: [f32; ROWS],
}

/// What is asked of one row of a pool by all whose neighbour it is. Every row is the neighbour of many, so that this lies
/// together.
#[derive(Clone, Copy)]
pub struct PoolRow {
    /// The margin score; negative for a labelled row.
    pub margin: f32,
    /// Distance to the nearest label, in units.
    pub novelty: f32,
}

/// All rows of a pool.
pub struct PoolRows {
    /// The pool's unit of length.
    pub unit: f32,
    /// By their numbers.
    pub rows: Vec<PoolRow>,
}

/// What is looked at around candidates.
#[derive(Clone, Copy)]
pub struct Neighbourhoods<'a> {
    /// The neighbours of every row of the pool.
    pub neighbours: &'a Neighbours,
    /// What is asked of them.
    pub pool_rows: &'a PoolRows,
}

/// What lies around the rows `rows` of the pool, at most [`ROWS`].
///
/// # Panics
/// If there are more.
pub fn neighbour_stats(neighbourhoods: Neighbourhoods<'_>, rows: &[u32]) -> NeighbourStats {
    assert!(rows.len() <= ROWS, "a block of candidates");
    let mut found = NeighbourStats::default();
    #[cfg(target_arch = "x86_64")]
    if SimdPath::chosen() == SimdPath::Avx512 {
        // SAFETY: this path is chosen only where the processor has AVX-512F.
        unsafe { avx512::block(neighbourhoods, rows, &mut found) };
        return found;
    }
    row_by_row(neighbourhoods, rows, &mut found);
    found
}

dispatched! {
    /// The same without instructions of its own.
    fn row_by_row(neighbourhoods: Neighbourhoods<'_>, rows: &[u32], found: &mut NeighbourStats) {
        for (place, &row) in rows.iter().enumerate() {
            let row = row as usize;
            let (ids, distances) = (neighbourhoods.neighbours.ids(row), neighbourhoods.neighbours.distances(row));
            let [mut gain, mut doubt] = [[0.0f32; ROWS]; 2];
            for (ids, distances) in ids.chunks(ROWS).zip(distances.chunks(ROWS)) {
                for (lane, (&other, &to)) in ids.iter().zip(distances).enumerate() {
                    let pool_row = neighbourhoods.pool_rows.rows[other as usize];
                    if pool_row.margin >= 0.0 {
                        found.open[place] += 1.0;
                        doubt[lane] += pool_row.margin;
                        gain[lane] += (pool_row.novelty - to / neighbourhoods.pool_rows.unit).max(0.0);
                    }
                }
            }
            (found.gain[place], found.doubt[place]) = (reduce(gain), reduce(doubt));
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod avx512 {
    use super::{NeighbourStats, Neighbourhoods, ROWS};
    use crate::query::geometry::blocks::avx512::{first as places, reduce};
    use std::arch::x86_64::*;

    #[target_feature(enable = "avx512f")]
    pub(super) fn block(neighbourhoods: Neighbourhoods<'_>, rows: &[u32], found: &mut NeighbourStats) {
        let [mut gain, mut doubt] = [[_mm512_setzero_ps(); ROWS]; 2];
        for (place, &row) in rows.iter().enumerate() {
            let open;
            (open, gain[place], doubt[place]) = neighbourhood(neighbourhoods, row as usize);
            found.open[place] = open as f32;
        }
        for (out, partial) in [(&mut found.gain, &gain), (&mut found.doubt, &doubt)] {
            // SAFETY: `out` is an array of sixteen.
            unsafe { _mm512_storeu_ps(out.as_mut_ptr(), reduce(partial)) };
        }
    }

    /// Neighbours without a label, and the partial sums of gain and doubt.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn neighbourhood(neighbourhoods: Neighbourhoods<'_>, row: usize) -> (u32, __m512, __m512) {
        let zero = _mm512_setzero_ps();
        let (mut open, mut gain, mut doubt) = (0, zero, zero);
        let unit = _mm512_set1_ps(neighbourhoods.pool_rows.unit);
        let even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
        let odd = _mm512_or_epi32(even, _mm512_set1_epi32(1));
        let (ids, distances) = (neighbourhoods.neighbours.ids(row), neighbourhoods.neighbours.distances(row));
        for (ids, distances) in ids.chunks(ROWS).zip(distances.chunks(ROWS)) {
            let mut pool_rows = [[0.0f32; 2]; ROWS];
            for (out, &id) in pool_rows.iter_mut().zip(ids) {
                let pool_row = neighbourhoods.pool_rows.rows[id as usize];
                *out = [pool_row.margin, pool_row.novelty];
            }
            // SAFETY: `pool_rows` is sixteen pairs of `f32`, thirty-two numbers without a gap.
            let (low, high) = unsafe {
                let at = pool_rows.as_ptr().cast::<f32>();
                (_mm512_loadu_ps(at), _mm512_loadu_ps(at.add(ROWS)))
            };
            let margin = _mm512_permutex2var_ps(low, even, high);
            let novelty = _mm512_permutex2var_ps(low, odd, high);
            let there = places(ids.len());
            // SAFETY: `ids` and `distances` are chunks of lists of one length, so the mask reads what is there.
            let distance = unsafe { _mm512_maskz_loadu_ps(there, distances.as_ptr()) };
            let counts = _mm512_mask_cmp_ps_mask::<_CMP_GE_OQ>(there, margin, zero);
            open += counts.count_ones();
            let nearer = _mm512_max_ps(_mm512_sub_ps(novelty, _mm512_div_ps(distance, unit)), zero);
            doubt = _mm512_add_ps(doubt, _mm512_maskz_mov_ps(counts, margin));
            gain = _mm512_add_ps(gain, _mm512_maskz_mov_ps(counts, nearer));
        }
        (open, gain, doubt)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::MatrixView;

    #[test]
    fn every_path_gives_the_same_bits() {
        let values: Vec<f32> = (0..600).map(|i| (i as f32 * 1.7).sin() * 3.0).collect();
        for (n, k) in [(1, 4), (12, 15), (200, 15), (200, 16), (200, 21)] {
            let inputs = MatrixView::new(&values[..3 * n], n, 3);
            let neighbours = Neighbours::of(inputs, k);
            let pool_row = |row: usize| PoolRow {
                margin: if row % 4 == 3 { -1.0 } else { (row as f32 * 0.3).cos().abs() },
                novelty: (row as f32 * 0.9).sin().abs() * 3.0,
            };
            let pool_rows = PoolRows { unit: 0.7, rows: (0..n).map(pool_row).collect() };
            let neighbourhoods = Neighbourhoods { neighbours: &neighbours, pool_rows: &pool_rows };
            for start in (0..n).step_by(ROWS) {
                let rows: Vec<u32> = (start as u32..(start + ROWS).min(n) as u32).rev().collect();
                let mut plain = NeighbourStats::default();
                row_by_row(neighbourhoods, &rows, &mut plain);
                let found = neighbour_stats(neighbourhoods, &rows);
                for (found, plain) in
                    [(found.open, plain.open), (found.gain, plain.gain), (found.doubt, plain.doubt)]
                {
                    assert_eq!(found.map(f32::to_bits), plain.map(f32::to_bits), "{n} rows, {k} neighbours");
                }
            }
        }
    }
}
