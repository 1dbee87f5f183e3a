//! 512-bit registers; the foundation instructions are enough.

use super::Vector;
use std::arch::x86_64::*;

/// Sixteen elements.
#[derive(Clone, Copy)]
pub(in crate::learner) struct Avx512(__m512);

impl Vector for Avx512 {
    const LANES: usize = 16;
    type Int = __m512i;

    by_intrinsics! {
        fn load(from: *const f32) -> Self { Self(_mm512_loadu_ps(from)) }
        fn store(self, to: *mut f32) { _mm512_storeu_ps(to, self.0) }
        fn splat(value: f32) -> Self { Self(_mm512_set1_ps(value)) }
        fn add(self, other: Self) -> Self { Self(_mm512_add_ps(self.0, other.0)) }
        fn sub(self, other: Self) -> Self { Self(_mm512_sub_ps(self.0, other.0)) }
        fn mul(self, other: Self) -> Self { Self(_mm512_mul_ps(self.0, other.0)) }
        fn div(self, other: Self) -> Self { Self(_mm512_div_ps(self.0, other.0)) }
        fn sqrt(self) -> Self { Self(_mm512_sqrt_ps(self.0)) }
        fn fma(self, factor: Self, addend: Self) -> Self {
            Self(_mm512_fmadd_ps(self.0, factor.0, addend.0))
        }
        fn max(self, other: Self) -> Self { Self(_mm512_max_ps(self.0, other.0)) }
        fn keep_above(self, a: Self, b: Self) -> Self {
            Self(_mm512_maskz_mov_ps(_mm512_cmp_ps_mask::<_CMP_GT_OQ>(a.0, b.0), self.0))
        }
        fn keep_equal(self, a: Self::Int, b: Self::Int) -> Self {
            Self(_mm512_maskz_mov_ps(_mm512_cmpeq_epi32_mask(a, b), self.0))
        }
        fn keep_unequal(self, a: Self::Int, b: Self::Int) -> Self {
            Self(_mm512_maskz_mov_ps(_mm512_cmpneq_epi32_mask(a, b), self.0))
        }
        fn keep_at_least(self, a: Self::Int, b: Self::Int) -> Self {
            Self(_mm512_maskz_mov_ps(_mm512_cmpge_epi32_mask(a, b), self.0))
        }
        fn abs(self) -> Self { Self(_mm512_abs_ps(self.0)) }
        fn bits(self) -> Self::Int { _mm512_castps_si512(self.0) }
        fn from_bits(bits: Self::Int) -> Self { Self(_mm512_castsi512_ps(bits)) }
        fn from_int(int: Self::Int) -> Self { Self(_mm512_cvtepi32_ps(int)) }
        fn int_load(from: *const u32) -> Self::Int { _mm512_loadu_si512(from.cast()) }
        fn int_splat(value: u32) -> Self::Int { _mm512_set1_epi32(value as i32) }
        fn int_add(a: Self::Int, b: Self::Int) -> Self::Int { _mm512_add_epi32(a, b) }
        fn int_sub(a: Self::Int, b: Self::Int) -> Self::Int { _mm512_sub_epi32(a, b) }
        fn int_mul(a: Self::Int, b: Self::Int) -> Self::Int { _mm512_mullo_epi32(a, b) }
        fn int_xor(a: Self::Int, b: Self::Int) -> Self::Int { _mm512_xor_si512(a, b) }
        fn int_and(a: Self::Int, b: Self::Int) -> Self::Int { _mm512_and_si512(a, b) }
        fn int_shl<const N: u32>(a: Self::Int) -> Self::Int { _mm512_slli_epi32::<N>(a) }
        fn int_shr<const N: u32>(a: Self::Int) -> Self::Int { _mm512_srli_epi32::<N>(a) }
        fn int_sar<const N: u32>(a: Self::Int) -> Self::Int { _mm512_srai_epi32::<N>(a) }
    }

    #[inline(always)]
    unsafe fn transpose(rows: &[*const f32], to: *mut f32, stride: usize) {
        // SAFETY: the caller promises the instructions, a register of numbers behind each of the rows, and as many
        // places from each `to + c * stride` on.
        unsafe {
            let r: [__m512; 16] = std::array::from_fn(|i| _mm512_loadu_ps(rows[i]));
            // Pairs of rows, then fours: afterwards q[4g + c] holds columns c, 4+c, 8+c, 12+c of rows 4g..4g+4.
            let mut t = r;
            for i in 0..8 {
                t[2 * i] = _mm512_unpacklo_ps(r[2 * i], r[2 * i + 1]);
                t[2 * i + 1] = _mm512_unpackhi_ps(r[2 * i], r[2 * i + 1]);
            }
            let mut q = t;
            for g in 0..4 {
                q[4 * g] = _mm512_shuffle_ps::<0x44>(t[4 * g], t[4 * g + 2]);
                q[4 * g + 1] = _mm512_shuffle_ps::<0xEE>(t[4 * g], t[4 * g + 2]);
                q[4 * g + 2] = _mm512_shuffle_ps::<0x44>(t[4 * g + 1], t[4 * g + 3]);
                q[4 * g + 3] = _mm512_shuffle_ps::<0xEE>(t[4 * g + 1], t[4 * g + 3]);
            }
            // A 4 x 4 transposition of 128-bit quarters.
            for c in 0..4 {
                let low = _mm512_shuffle_f32x4::<0x88>(q[c], q[c + 4]);
                let high = _mm512_shuffle_f32x4::<0xDD>(q[c], q[c + 4]);
                let low2 = _mm512_shuffle_f32x4::<0x88>(q[c + 8], q[c + 12]);
                let high2 = _mm512_shuffle_f32x4::<0xDD>(q[c + 8], q[c + 12]);
                _mm512_storeu_ps(to.add(c * stride), _mm512_shuffle_f32x4::<0x88>(low, low2));
                _mm512_storeu_ps(to.add((c + 4) * stride), _mm512_shuffle_f32x4::<0x88>(high, high2));
                _mm512_storeu_ps(to.add((c + 8) * stride), _mm512_shuffle_f32x4::<0xDD>(low, low2));
                _mm512_storeu_ps(to.add((c + 12) * stride), _mm512_shuffle_f32x4::<0xDD>(high, high2));
            }
        }
    }
}
