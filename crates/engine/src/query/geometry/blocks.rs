//! Sums over sixteen rows at a time.
//!
//! The order of every sum is that of [`lanes`](super::lanes): sixteen partial sums, combined pairwise. For one
//! row the combining takes as long as the partial sums; for sixteen rows, whose partial sums are the rows of a
//! square, it is done while the square is transposed. Written with AVX-512's own shuffles, because a compiler
//! does not find them; elsewhere row by row, to the same bits.

use super::lanes::{dot, squared_distance};
#[cfg(target_arch = "x86_64")]
use crate::simd::SimdPath;
use crate::simd::dispatched;

/// Rows per block.
pub const ROWS: usize = 16;

/// [`squared_distance`] of every row of `rows`, each as wide as `to`, to that one.
///
/// # Panics
/// If there is not one row per place of `out`.
pub fn squared_distances_to(rows: &[f32], to: &[f32], out: &mut [f32]) {
    sums::<false>(rows, to, out);
}

/// [`dot`] of every row of `rows`, each as wide as `with`, with that one.
///
/// # Panics
/// If there is not one row per place of `out`.
pub fn dots(rows: &[f32], with: &[f32], out: &mut [f32]) {
    sums::<true>(rows, with, out);
}

fn sums<const DOT: bool>(rows: &[f32], other: &[f32], out: &mut [f32]) {
    assert_eq!(rows.len(), out.len() * other.len(), "one row per sum");
    if other.is_empty() {
        return out.fill(0.0);
    }
    let done = whole_blocks::<DOT>(rows, other, out);
    row_by_row(&rows[done * other.len()..], other, &mut out[done..], DOT);
}

dispatched! {
    fn row_by_row(rows: &[f32], other: &[f32], out: &mut [f32], dots: bool) {
        for (row, out) in rows.chunks_exact(other.len()).zip(out) {
            *out = if dots { dot(row, other) } else { squared_distance(row, other) };
        }
    }
}

/// The sums of as many rows as fill blocks, where the machine can do blocks; gives their number.
fn whole_blocks<const DOT: bool>(rows: &[f32], to: &[f32], out: &mut [f32]) -> usize {
    #[cfg(target_arch = "x86_64")]
    if SimdPath::chosen() == SimdPath::Avx512 {
        // SAFETY: this path is chosen only where the processor has AVX-512F.
        return unsafe { avx512::sums::<DOT>(rows, to, out) };
    }
    let _ = (rows, to, out);
    0
}

#[cfg(target_arch = "x86_64")]
pub(crate) mod avx512 {
    use super::ROWS;
    use std::arch::x86_64::*;

    /// The sums of sixteen rows of partial sums, each combined as [`reduce`](super::super::lanes::reduce) does.
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(crate) fn reduce(partial: &[__m512; ROWS]) -> __m512 {
        // Partial sums 8 apart; each line then holds two rows of eight.
        let mut eight = [_mm512_setzero_ps(); 8];
        for (i, sum) in eight.iter_mut().enumerate() {
            let (a, b) = (partial[2 * i], partial[2 * i + 1]);
            *sum = _mm512_add_ps(_mm512_shuffle_f32x4::<0x44>(a, b), _mm512_shuffle_f32x4::<0xEE>(a, b));
        }
        // Those 4 apart; four rows of four.
        let mut four = [_mm512_setzero_ps(); 4];
        for (i, sum) in four.iter_mut().enumerate() {
            let (a, b) = (eight[2 * i], eight[2 * i + 1]);
            *sum = _mm512_add_ps(_mm512_shuffle_f32x4::<0x88>(a, b), _mm512_shuffle_f32x4::<0xDD>(a, b));
        }
        // Those 2 apart, and neighbours.
        let [a, b, c, d] = four;
        let two = |a, b| _mm512_add_ps(_mm512_shuffle_ps::<0x44>(a, b), _mm512_shuffle_ps::<0xEE>(a, b));
        let (low, high) = (two(a, b), two(c, d));
        let one = _mm512_add_ps(_mm512_shuffle_ps::<0x88>(low, high), _mm512_shuffle_ps::<0xDD>(low, high));
        // Now rows 0, 4, 8, 12, 1, 5, ...
        let order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
        _mm512_permutexvar_ps(order, one)
    }

    /// The places of a line before `count`.
    pub(crate) fn first(count: usize) -> u16 {
        ((1u32 << count) - 1) as u16
    }

    #[target_feature(enable = "avx512f")]
    pub(super) fn sums<const DOT: bool>(rows: &[f32], to: &[f32], out: &mut [f32]) -> usize {
        let width = to.len();
        let (whole, rest) = (width / ROWS * ROWS, first(width % ROWS));
        // Products and sums are rounded one by one, as they are elsewhere.
        let add = |sum, a, b| {
            let difference = _mm512_sub_ps(a, b);
            let term = if DOT { _mm512_mul_ps(a, b) } else { _mm512_mul_ps(difference, difference) };
            _mm512_add_ps(sum, term)
        };
        let mut done = 0;
        for (rows, out) in rows.chunks_exact(width * ROWS).zip(out.chunks_exact_mut(ROWS)) {
            let mut partial = [_mm512_setzero_ps(); ROWS];
            for (row, sum) in rows.chunks_exact(width).zip(&mut partial) {
                for at in (0..whole).step_by(ROWS) {
                    // SAFETY: both are `width` long, and sixteen numbers are there from `at` on, which is at most `width - 16`.
                    let (a, b) = unsafe {
                        (_mm512_loadu_ps(row.as_ptr().add(at)), _mm512_loadu_ps(to.as_ptr().add(at)))
                    };
                    *sum = add(*sum, a, b);
                }
                if rest != 0 {
                    // SAFETY: of the sixteen places from `whole` on, the mask reads those before `width`, where both end.
                    let (a, b) = unsafe {
                        let (row, to) = (row.as_ptr().add(whole), to.as_ptr().add(whole));
                        (_mm512_maskz_loadu_ps(rest, row), _mm512_maskz_loadu_ps(rest, to))
                    };
                    *sum = add(*sum, a, b);
                }
            }
            // SAFETY: `chunks_exact_mut` gives `out` sixteen places.
            unsafe { _mm512_storeu_ps(out.as_mut_ptr(), reduce(&partial)) };
            done += ROWS;
        }
        done
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_those_of_single_rows() {
        for width in [0, 1, 3, 15, 16, 17, 33, 64, 180] {
            for rows in [0, 1, 15, 16, 37] {
                let values: Vec<f32> = (0..rows * width).map(|i| (i as f32 * 0.7).sin()).collect();
                let to: Vec<f32> = (0..width).map(|i| (i as f32 * 1.3).cos()).collect();
                let mut found = vec![f32::NAN; rows];
                squared_distances_to(&values, &to, &mut found);
                let mut products = vec![f32::NAN; rows];
                dots(&values, &to, &mut products);
                for row in 0..rows {
                    let own = &values[row * width..(row + 1) * width];
                    let one = [squared_distance(own, &to), dot(own, &to)].map(f32::to_bits);
                    let found = [found[row], products[row]].map(f32::to_bits);
                    assert_eq!(found, one, "{width} columns, row {row}");
                }
            }
        }
    }
}
