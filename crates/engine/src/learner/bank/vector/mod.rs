//! The vector types that the kernels are written over.
//!
//! Kernels are generic over [`Vector`] and compiled once per instruction set. Every operation here is
//! exact or correctly rounded (IEEE 754), element by element: none mixes elements, none approximates.
//! So a kernel gives the same bits on every path, whatever the width of its registers. What is not
//! here: horizontal sums, reciprocal estimates, library functions.

/// Methods of [`Vector`] that are one expression of intrinsics.
#[cfg(target_arch = "x86_64")]
macro_rules! by_intrinsics {
    ($(fn $name:ident $(<const $n:ident: u32>)? ($($arg:tt)*) $(-> $result:ty)? { $body:expr })*) => {$(
        #[inline(always)]
        unsafe fn $name $(<const $n: u32>)? ($($arg)*) $(-> $result)? {
            // SAFETY: the caller promises, as `Vector` asks, that the processor has these instructions and that a
            // register of elements lies behind a pointer; none of the loads and stores asks for alignment.
            unsafe { $body }
        }
    )*};
}
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod portable;

#[cfg(target_arch = "x86_64")]
pub(in crate::learner) use avx2::Avx2;
#[cfg(target_arch = "x86_64")]
pub(in crate::learner) use avx512::Avx512;
pub(in crate::learner) use portable::Portable;

/// Numbers in a logical vector, whatever the width of the hardware's registers.
pub(in crate::learner) const LINE: usize = 16;

/// One register of `f32`, with the same number of 32-bit integers beside it.
///
/// # Safety
/// A method may be called only where the processor has the instructions of its path, which is so in kernels
/// that were entered through [`SimdPath`](crate::simd::SimdPath). Pointers must be valid for `LANES` elements,
/// aligned as `f32`s are; of [`Self::transpose`], the `LANES` rows, and `to` from each `c * stride` on.
pub(in crate::learner) trait Vector: Copy {
    /// Elements per register; divides [`LINE`].
    const LANES: usize;
    /// The integers.
    type Int: Copy;

    unsafe fn load(from: *const f32) -> Self;
    unsafe fn store(self, to: *mut f32);
    unsafe fn splat(value: f32) -> Self;
    unsafe fn add(self, other: Self) -> Self;
    unsafe fn sub(self, other: Self) -> Self;
    unsafe fn mul(self, other: Self) -> Self;
    unsafe fn div(self, other: Self) -> Self;
    unsafe fn sqrt(self) -> Self;
    /// `self * factor + addend`, rounded once.
    unsafe fn fma(self, factor: Self, addend: Self) -> Self;
    /// `self` where it is above `other`, else `other`: a NaN in `other` stays.
    unsafe fn max(self, other: Self) -> Self;
    /// `self` where `a > b`, else `+0`.
    unsafe fn keep_above(self, a: Self, b: Self) -> Self;
    /// `self` where `a == b`, else `+0`.
    unsafe fn keep_equal(self, a: Self::Int, b: Self::Int) -> Self;
    /// `self` where `a != b`, else `+0`.
    unsafe fn keep_unequal(self, a: Self::Int, b: Self::Int) -> Self;
    /// `self` where `a >= b` as signed numbers, else `+0`.
    unsafe fn keep_at_least(self, a: Self::Int, b: Self::Int) -> Self;
    /// The magnitude.
    unsafe fn abs(self) -> Self;

    unsafe fn bits(self) -> Self::Int;
    unsafe fn from_bits(bits: Self::Int) -> Self;
    /// The nearest `f32` to each integer.
    unsafe fn from_int(int: Self::Int) -> Self;
    unsafe fn int_load(from: *const u32) -> Self::Int;
    unsafe fn int_splat(value: u32) -> Self::Int;
    unsafe fn int_add(a: Self::Int, b: Self::Int) -> Self::Int;
    unsafe fn int_sub(a: Self::Int, b: Self::Int) -> Self::Int;
    /// The low 32 bits of the product.
    unsafe fn int_mul(a: Self::Int, b: Self::Int) -> Self::Int;
    unsafe fn int_xor(a: Self::Int, b: Self::Int) -> Self::Int;
    unsafe fn int_and(a: Self::Int, b: Self::Int) -> Self::Int;
    unsafe fn int_shl<const N: u32>(a: Self::Int) -> Self::Int;
    /// Logical shift to the right.
    unsafe fn int_shr<const N: u32>(a: Self::Int) -> Self::Int;
    /// Arithmetic shift to the right.
    unsafe fn int_sar<const N: u32>(a: Self::Int) -> Self::Int;

    /// Transposes a square block: `to[c * stride + r] = rows[r][c]` for `r, c < LANES`.
    unsafe fn transpose(rows: &[*const f32], to: *mut f32, stride: usize);
}
