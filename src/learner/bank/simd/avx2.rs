//! 256-bit registers with fused multiply-add.

use super::Vector;
use std::arch::x86_64::*;

/// Eight elements; a logical vector is two of them.
#[derive(Clone, Copy)]
pub(in super::super) struct Avx2(__m256);

#[inline(always)]
unsafe fn mask_and(mask: __m256i, value: __m256) -> Avx2 {
    unsafe { Avx2(_mm256_and_ps(_mm256_castsi256_ps(mask), value)) }
}

impl Vector for Avx2 {
    const LANES: usize = 8;
    type Int = __m256i;

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        unsafe { Self(_mm256_loadu_ps(from)) }
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        unsafe { _mm256_storeu_ps(to, self.0) }
    }
    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        unsafe { Self(_mm256_set1_ps(value)) }
    }
    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        unsafe { Self(_mm256_add_ps(self.0, other.0)) }
    }
    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        unsafe { Self(_mm256_sub_ps(self.0, other.0)) }
    }
    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        unsafe { Self(_mm256_mul_ps(self.0, other.0)) }
    }
    #[inline(always)]
    unsafe fn div(self, other: Self) -> Self {
        unsafe { Self(_mm256_div_ps(self.0, other.0)) }
    }
    #[inline(always)]
    unsafe fn sqrt(self) -> Self {
        unsafe { Self(_mm256_sqrt_ps(self.0)) }
    }
    #[inline(always)]
    unsafe fn fma(self, factor: Self, addend: Self) -> Self {
        unsafe { Self(_mm256_fmadd_ps(self.0, factor.0, addend.0)) }
    }
    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        unsafe { Self(_mm256_max_ps(self.0, other.0)) }
    }
    #[inline(always)]
    unsafe fn keep_above(self, a: Self, b: Self) -> Self {
        unsafe { Self(_mm256_and_ps(_mm256_cmp_ps::<_CMP_GT_OQ>(a.0, b.0), self.0)) }
    }
    #[inline(always)]
    unsafe fn keep_equal(self, a: Self::Int, b: Self::Int) -> Self {
        unsafe { mask_and(_mm256_cmpeq_epi32(a, b), self.0) }
    }
    #[inline(always)]
    unsafe fn keep_unequal(self, a: Self::Int, b: Self::Int) -> Self {
        unsafe { Self(_mm256_andnot_ps(_mm256_castsi256_ps(_mm256_cmpeq_epi32(a, b)), self.0)) }
    }
    #[inline(always)]
    unsafe fn keep_at_least(self, a: Self::Int, b: Self::Int) -> Self {
        unsafe { Self(_mm256_andnot_ps(_mm256_castsi256_ps(_mm256_cmpgt_epi32(b, a)), self.0)) }
    }
    #[inline(always)]
    unsafe fn abs(self) -> Self {
        unsafe { mask_and(_mm256_set1_epi32(i32::MAX), self.0) }
    }
    #[inline(always)]
    unsafe fn bits(self) -> Self::Int {
        unsafe { _mm256_castps_si256(self.0) }
    }
    #[inline(always)]
    unsafe fn from_bits(bits: Self::Int) -> Self {
        unsafe { Self(_mm256_castsi256_ps(bits)) }
    }
    #[inline(always)]
    unsafe fn from_int(int: Self::Int) -> Self {
        unsafe { Self(_mm256_cvtepi32_ps(int)) }
    }
    #[inline(always)]
    unsafe fn int_load(from: *const u32) -> Self::Int {
        unsafe { _mm256_loadu_si256(from.cast()) }
    }
    #[inline(always)]
    unsafe fn int_splat(value: u32) -> Self::Int {
        unsafe { _mm256_set1_epi32(value as i32) }
    }
    #[inline(always)]
    unsafe fn int_add(a: Self::Int, b: Self::Int) -> Self::Int {
        unsafe { _mm256_add_epi32(a, b) }
    }
    #[inline(always)]
    unsafe fn int_sub(a: Self::Int, b: Self::Int) -> Self::Int {
        unsafe { _mm256_sub_epi32(a, b) }
    }
    #[inline(always)]
    unsafe fn int_mul(a: Self::Int, b: Self::Int) -> Self::Int {
        unsafe { _mm256_mullo_epi32(a, b) }
    }
    #[inline(always)]
    unsafe fn int_xor(a: Self::Int, b: Self::Int) -> Self::Int {
        unsafe { _mm256_xor_si256(a, b) }
    }
    #[inline(always)]
    unsafe fn int_and(a: Self::Int, b: Self::Int) -> Self::Int {
        unsafe { _mm256_and_si256(a, b) }
    }
    #[inline(always)]
    unsafe fn int_shl<const N: u32>(a: Self::Int) -> Self::Int {
        unsafe { _mm256_sll_epi32(a, _mm_cvtsi32_si128(N as i32)) }
    }
    #[inline(always)]
    unsafe fn int_shr<const N: u32>(a: Self::Int) -> Self::Int {
        unsafe { _mm256_srl_epi32(a, _mm_cvtsi32_si128(N as i32)) }
    }
    #[inline(always)]
    unsafe fn int_sar<const N: u32>(a: Self::Int) -> Self::Int {
        unsafe { _mm256_sra_epi32(a, _mm_cvtsi32_si128(N as i32)) }
    }
    #[inline(always)]
    unsafe fn transpose(rows: &[*const f32], to: *mut f32, stride: usize) {
        unsafe {
            let r: [__m256; 8] = std::array::from_fn(|i| _mm256_loadu_ps(rows[i]));
            let mut t = r;
            for i in 0..4 {
                t[2 * i] = _mm256_unpacklo_ps(r[2 * i], r[2 * i + 1]);
                t[2 * i + 1] = _mm256_unpackhi_ps(r[2 * i], r[2 * i + 1]);
            }
            let mut q = t;
            for h in 0..2 {
                q[4 * h] = _mm256_shuffle_ps::<0x44>(t[4 * h], t[4 * h + 2]);
                q[4 * h + 1] = _mm256_shuffle_ps::<0xEE>(t[4 * h], t[4 * h + 2]);
                q[4 * h + 2] = _mm256_shuffle_ps::<0x44>(t[4 * h + 1], t[4 * h + 3]);
                q[4 * h + 3] = _mm256_shuffle_ps::<0xEE>(t[4 * h + 1], t[4 * h + 3]);
            }
            for i in 0..4 {
                _mm256_storeu_ps(to.add(i * stride), _mm256_permute2f128_ps::<0x20>(q[i], q[i + 4]));
                _mm256_storeu_ps(to.add((i + 4) * stride), _mm256_permute2f128_ps::<0x31>(q[i], q[i + 4]));
            }
        }
    }
}
