//! 256-bit registers with fused multiply-add.

use super::Vector;
use std::arch::x86_64::*;

/// Eight elements; a logical vector is two of them.
#[derive(Clone, Copy)]
pub(in crate::learner) struct Avx2(__m256);

impl Vector for Avx2 {
    const LANES: usize = 8;
    type Int = __m256i;

    by_intrinsics! {
        fn load(from: *const f32) -> Self { Self(_mm256_loadu_ps(from)) }
        fn store(self, to: *mut f32) { _mm256_storeu_ps(to, self.0) }
        fn splat(value: f32) -> Self { Self(_mm256_set1_ps(value)) }
        fn add(self, other: Self) -> Self { Self(_mm256_add_ps(self.0, other.0)) }
        fn sub(self, other: Self) -> Self { Self(_mm256_sub_ps(self.0, other.0)) }
        fn mul(self, other: Self) -> Self { Self(_mm256_mul_ps(self.0, other.0)) }
        fn div(self, other: Self) -> Self { Self(_mm256_div_ps(self.0, other.0)) }
        fn sqrt(self) -> Self { Self(_mm256_sqrt_ps(self.0)) }
        fn fma(self, factor: Self, addend: Self) -> Self {
            Self(_mm256_fmadd_ps(self.0, factor.0, addend.0))
        }
        fn max(self, other: Self) -> Self { Self(_mm256_max_ps(self.0, other.0)) }
        fn keep_above(self, a: Self, b: Self) -> Self {
            Self(_mm256_and_ps(_mm256_cmp_ps::<_CMP_GT_OQ>(a.0, b.0), self.0))
        }
        fn keep_equal(self, a: Self::Int, b: Self::Int) -> Self {
            Self(_mm256_and_ps(_mm256_castsi256_ps(_mm256_cmpeq_epi32(a, b)), self.0))
        }
        fn keep_unequal(self, a: Self::Int, b: Self::Int) -> Self {
            Self(_mm256_andnot_ps(_mm256_castsi256_ps(_mm256_cmpeq_epi32(a, b)), self.0))
        }
        fn keep_at_least(self, a: Self::Int, b: Self::Int) -> Self {
            Self(_mm256_andnot_ps(_mm256_castsi256_ps(_mm256_cmpgt_epi32(b, a)), self.0))
        }
        fn abs(self) -> Self {
            Self(_mm256_and_ps(_mm256_castsi256_ps(_mm256_set1_epi32(i32::MAX)), self.0))
        }
        fn bits(self) -> Self::Int { _mm256_castps_si256(self.0) }
        fn from_bits(bits: Self::Int) -> Self { Self(_mm256_castsi256_ps(bits)) }
        fn from_int(int: Self::Int) -> Self { Self(_mm256_cvtepi32_ps(int)) }
        fn int_load(from: *const u32) -> Self::Int { _mm256_loadu_si256(from.cast()) }
        fn int_splat(value: u32) -> Self::Int { _mm256_set1_epi32(value as i32) }
        fn int_add(a: Self::Int, b: Self::Int) -> Self::Int { _mm256_add_epi32(a, b) }
        fn int_sub(a: Self::Int, b: Self::Int) -> Self::Int { _mm256_sub_epi32(a, b) }
        fn int_mul(a: Self::Int, b: Self::Int) -> Self::Int { _mm256_mullo_epi32(a, b) }
        fn int_xor(a: Self::Int, b: Self::Int) -> Self::Int { _mm256_xor_si256(a, b) }
        fn int_and(a: Self::Int, b: Self::Int) -> Self::Int { _mm256_and_si256(a, b) }
        fn int_shl<const N: u32>(a: Self::Int) -> Self::Int {
            _mm256_sll_epi32(a, _mm_cvtsi32_si128(N as i32))
        }
        fn int_shr<const N: u32>(a: Self::Int) -> Self::Int {
            _mm256_srl_epi32(a, _mm_cvtsi32_si128(N as i32))
        }
        fn int_sar<const N: u32>(a: Self::Int) -> Self::Int {
            _mm256_sra_epi32(a, _mm_cvtsi32_si128(N as i32))
        }
    }

    #[inline(always)]
    unsafe fn transpose(rows: &[*const f32], to: *mut f32, stride: usize) {
        // SAFETY: the caller promises the instructions, a register of numbers behind each of the rows, and as many
        // places from each `to + c * stride` on.
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
