//! The two largest of each row of probabilities.

/// Where the largest and the second largest of a row are, and what they are. Ties go to the smaller place; of a
/// single number, both are it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Top {
    pub first: u32,
    pub second: u32,
    pub largest: f32,
    pub next: f32,
}

/// Rows that are looked at side by side.
const ROWS: usize = 16;

impl Top {
    /// Of one row.
    pub fn of(p: &[f32]) -> Self {
        let (mut first, mut second) = (0, p.len().min(2) - 1);
        if second == 1 && p[1] > p[0] {
            (first, second) = (1, 0);
        }
        for class in 2..p.len() {
            if p[class] > p[first] {
                (first, second) = (class, first);
            } else if p[class] > p[second] {
                second = class;
            }
        }
        Self { first: first as u32, second: second as u32, largest: p[first], next: p[second] }
    }

    /// One less the lead of the largest.
    pub fn margin(self) -> f32 {
        1.0 - (self.largest - if self.second == self.first { 0.0 } else { self.next })
    }
}

/// Those of the rows `at` of a matrix with `columns` columns.
///
/// # Panics
/// If a row is not there, or there are no columns.
pub fn tops(values: &[f32], columns: usize, at: impl ExactSizeIterator<Item = usize>) -> Vec<Top> {
    let mut found = vec![Top::default(); at.len()];
    let mut at = at;
    for out in found.chunks_mut(ROWS) {
        let mut starts = [0; ROWS];
        for (start, row) in starts.iter_mut().zip(at.by_ref().take(out.len())) {
            assert!((row + 1) * columns <= values.len(), "row {row} of {} numbers", values.len());
            *start = row * columns;
        }
        let starts = &starts[..out.len()];
        if !side_by_side(values, columns, starts, out) {
            for (out, start) in out.iter_mut().zip(starts) {
                *out = Top::of(&values[*start..start + columns]);
            }
        }
    }
    found
}

/// Sixteen rows at once, where there are as many and the machine can; whether it was done.
fn side_by_side(values: &[f32], columns: usize, starts: &[usize], out: &mut [Top]) -> bool {
    #[cfg(target_arch = "x86_64")]
    if let (true, Ok(out), Ok(starts)) = (columns > 1, out.try_into(), starts.try_into())
        && i32::try_from(values.len()).is_ok()
        && crate::simd::SimdPath::chosen() == crate::simd::SimdPath::Avx512
    {
        // SAFETY: this path is chosen only where the processor has AVX-512F; `tops` saw that all rows are there,
        // and they are fewer numbers than fit an `i32`.
        unsafe { avx512(values, columns, starts, out) };
        return true;
    }
    let _ = (values, columns, starts, out);
    false
}

/// Column by column, without a branch: which number is larger cannot be foreseen.
///
/// # Safety
/// `columns` numbers must be there from each of the starts on, and fewer than 2^31 in all.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn avx512(values: &[f32], columns: usize, starts: &[usize; ROWS], out: &mut [Top; ROWS]) {
    use std::arch::x86_64::*;
    let starts = starts.map(|start| start as i32);
    // SAFETY: `starts` is an array of sixteen `i32`.
    let starts = unsafe { _mm512_loadu_si512(starts.as_ptr().cast()) };
    let mut largest = _mm512_set1_ps(f32::NEG_INFINITY);
    let (mut next, mut first, mut second) = (largest, _mm512_setzero_si512(), _mm512_setzero_si512());
    for column in 0..columns {
        // SAFETY: `columns` numbers are there from each start on, as the caller promises, and `column` is below that.
        let value = unsafe { _mm512_i32gather_ps::<4>(starts, values.as_ptr().add(column)) };
        let place = _mm512_set1_epi32(column as i32);
        let over = _mm512_cmp_ps_mask::<_CMP_GT_OQ>(value, largest);
        let between = _mm512_cmp_ps_mask::<_CMP_GT_OQ>(value, next);
        next = _mm512_mask_mov_ps(_mm512_mask_mov_ps(next, between, value), over, largest);
        second = _mm512_mask_mov_epi32(_mm512_mask_mov_epi32(second, between, place), over, first);
        largest = _mm512_mask_mov_ps(largest, over, value);
        first = _mm512_mask_mov_epi32(first, over, place);
    }
    let (mut firsts, mut seconds, mut values) = ([0u32; ROWS], [0u32; ROWS], [[0.0f32; ROWS]; 2]);
    // SAFETY: all four arrays have sixteen places of 32 bits.
    unsafe {
        _mm512_storeu_si512(firsts.as_mut_ptr().cast(), first);
        _mm512_storeu_si512(seconds.as_mut_ptr().cast(), second);
        _mm512_storeu_ps(values[0].as_mut_ptr(), largest);
        _mm512_storeu_ps(values[1].as_mut_ptr(), next);
    }
    for (place, out) in out.iter_mut().enumerate() {
        let (first, second, [largest, next]) =
            (firsts[place], seconds[place], values.map(|line| line[place]));
        *out = Top { first, second, largest, next };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_largest_by_hand() {
        let places = |p: &[f32]| (Top::of(p).first, Top::of(p).second);
        assert_eq!(places(&[1.0]), (0, 0));
        assert_eq!(places(&[0.5, 0.5]), (0, 1));
        assert_eq!(places(&[0.1, 0.6, 0.3]), (1, 2));
        assert_eq!(places(&[0.2, 0.2, 0.6]), (2, 0));
        assert_eq!(Top::of(&[1.0]).margin(), 0.0);
        assert!((Top::of(&[0.1, 0.6, 0.3]).margin() - 0.7).abs() < 1e-6);
    }

    #[test]
    fn many_rows_are_as_single_ones() {
        for columns in [1, 2, 3, 10, 64, 65] {
            // Few values, so that there are ties.
            let values: Vec<f32> = (0..50 * columns).map(|i| ((i * i * 7 + i) % 11) as f32 / 11.0).collect();
            let at = (0..50).rev().filter(|row| row % 5 != 2).collect::<Vec<_>>();
            let found = tops(&values, columns, at.iter().copied());
            for (found, row) in found.iter().zip(at) {
                assert_eq!(*found, Top::of(&values[row * columns..(row + 1) * columns]), "{columns}: {row}");
            }
        }
    }
}
