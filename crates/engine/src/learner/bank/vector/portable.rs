//! Plain Rust: what the other paths must agree with, and what runs where they cannot.

use super::Vector;

const N: usize = 16;

/// Sixteen elements in an array.
#[derive(Clone, Copy)]
pub(in crate::learner) struct Portable([f32; N]);

#[inline(always)]
fn each(f: impl Fn(usize) -> f32) -> Portable {
    Portable(std::array::from_fn(f))
}

#[inline(always)]
fn ints(f: impl Fn(usize) -> u32) -> [u32; N] {
    std::array::from_fn(f)
}

impl Vector for Portable {
    const LANES: usize = N;
    type Int = [u32; N];

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller promises sixteen numbers behind the pointer, which need not be aligned here.
        Self(unsafe { from.cast::<[f32; N]>().read_unaligned() })
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller promises sixteen places behind the pointer, which need not be aligned here.
        unsafe { to.cast::<[f32; N]>().write_unaligned(self.0) }
    }
    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        Self([value; N])
    }
    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        each(|i| self.0[i] + other.0[i])
    }
    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        each(|i| self.0[i] - other.0[i])
    }
    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        each(|i| self.0[i] * other.0[i])
    }
    #[inline(always)]
    unsafe fn div(self, other: Self) -> Self {
        each(|i| self.0[i] / other.0[i])
    }
    #[inline(always)]
    unsafe fn sqrt(self) -> Self {
        each(|i| self.0[i].sqrt())
    }
    #[inline(always)]
    unsafe fn fma(self, factor: Self, addend: Self) -> Self {
        each(|i| self.0[i].mul_add(factor.0[i], addend.0[i]))
    }
    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        each(|i| if self.0[i] > other.0[i] { self.0[i] } else { other.0[i] })
    }
    #[inline(always)]
    unsafe fn keep_above(self, a: Self, b: Self) -> Self {
        each(|i| if a.0[i] > b.0[i] { self.0[i] } else { 0.0 })
    }
    #[inline(always)]
    unsafe fn keep_equal(self, a: Self::Int, b: Self::Int) -> Self {
        each(|i| if a[i] == b[i] { self.0[i] } else { 0.0 })
    }
    #[inline(always)]
    unsafe fn keep_unequal(self, a: Self::Int, b: Self::Int) -> Self {
        each(|i| if a[i] != b[i] { self.0[i] } else { 0.0 })
    }
    #[inline(always)]
    unsafe fn keep_at_least(self, a: Self::Int, b: Self::Int) -> Self {
        each(|i| if a[i] as i32 >= b[i] as i32 { self.0[i] } else { 0.0 })
    }
    #[inline(always)]
    unsafe fn abs(self) -> Self {
        each(|i| self.0[i].abs())
    }
    #[inline(always)]
    unsafe fn bits(self) -> Self::Int {
        ints(|i| self.0[i].to_bits())
    }
    #[inline(always)]
    unsafe fn from_bits(bits: Self::Int) -> Self {
        each(|i| f32::from_bits(bits[i]))
    }
    #[inline(always)]
    unsafe fn from_int(int: Self::Int) -> Self {
        each(|i| int[i] as i32 as f32)
    }
    #[inline(always)]
    unsafe fn int_load(from: *const u32) -> Self::Int {
        // SAFETY: the caller promises sixteen integers behind the pointer, which need not be aligned here.
        unsafe { from.cast::<[u32; N]>().read_unaligned() }
    }
    #[inline(always)]
    unsafe fn int_splat(value: u32) -> Self::Int {
        [value; N]
    }
    #[inline(always)]
    unsafe fn int_add(a: Self::Int, b: Self::Int) -> Self::Int {
        ints(|i| a[i].wrapping_add(b[i]))
    }
    #[inline(always)]
    unsafe fn int_sub(a: Self::Int, b: Self::Int) -> Self::Int {
        ints(|i| a[i].wrapping_sub(b[i]))
    }
    #[inline(always)]
    unsafe fn int_mul(a: Self::Int, b: Self::Int) -> Self::Int {
        ints(|i| a[i].wrapping_mul(b[i]))
    }
    #[inline(always)]
    unsafe fn int_xor(a: Self::Int, b: Self::Int) -> Self::Int {
        ints(|i| a[i] ^ b[i])
    }
    #[inline(always)]
    unsafe fn int_and(a: Self::Int, b: Self::Int) -> Self::Int {
        ints(|i| a[i] & b[i])
    }
    #[inline(always)]
    unsafe fn int_shl<const S: u32>(a: Self::Int) -> Self::Int {
        ints(|i| a[i] << S)
    }
    #[inline(always)]
    unsafe fn int_shr<const S: u32>(a: Self::Int) -> Self::Int {
        ints(|i| a[i] >> S)
    }
    #[inline(always)]
    unsafe fn int_sar<const S: u32>(a: Self::Int) -> Self::Int {
        ints(|i| ((a[i] as i32) >> S) as u32)
    }
    #[inline(always)]
    unsafe fn transpose(rows: &[*const f32], to: *mut f32, stride: usize) {
        for (r, row) in rows.iter().enumerate() {
            for c in 0..N {
                // SAFETY: the caller promises sixteen numbers behind each row, and sixteen places from each
                // `to + c * stride` on.
                unsafe { *to.add(c * stride + r) = *row.add(c) };
            }
        }
    }
}
