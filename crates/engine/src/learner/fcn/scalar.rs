//! The numbers that networks over pixels are computed in, and the registers that hold them.

use super::convolution::{self, Convolution, WeightGradient};
#[cfg(target_arch = "x86_64")]
use crate::learner::bank::vector::{Avx2, Avx512};
use crate::learner::bank::vector::{Portable, Vector};
use crate::simd::SimdPath;
use std::ops::{Add, AddAssign, Mul};

/// `f32` for training and prediction, on the [chosen instruction set](SimdPath), with the same bits on all of them; `f64` for checks of gradients.
pub trait Scalar:
    Copy + PartialOrd + Add<Output = Self> + Mul<Output = Self> + AddAssign + Send + Sync
{
    const ZERO: Self;

    /// The nearest one.
    fn of(value: f64) -> Self;

    /// The same in 64 bits.
    fn wide(self) -> f64;

    /// [`convolution::convolve`] of a checked convolution.
    fn convolve(convolution: &Convolution<Self>);

    /// [`convolution::weight_gradient`] of a checked gradient.
    fn weight_gradient(gradient: &WeightGradient<Self>);
}

/// One register of numbers.
///
/// # Safety
/// As of [`Vector`].
pub trait Lanes<T>: Copy {
    /// Numbers per register; divides [`LANES`](convolution::LANES).
    const COUNT: usize;

    unsafe fn load(from: *const T) -> Self;
    unsafe fn store(self, to: *mut T);
    unsafe fn splat(value: T) -> Self;
    /// `self * factor + addend`, rounded once.
    unsafe fn fma(self, factor: Self, addend: Self) -> Self;
}

impl<V: Vector> Lanes<f32> for V {
    const COUNT: usize = V::LANES;

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller's promise, passed on.
        unsafe { V::load(from) }
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller's promise, passed on.
        unsafe { V::store(self, to) }
    }
    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        // SAFETY: the caller's promise, passed on.
        unsafe { V::splat(value) }
    }
    #[inline(always)]
    unsafe fn fma(self, factor: Self, addend: Self) -> Self {
        // SAFETY: the caller's promise, passed on.
        unsafe { V::fma(self, factor, addend) }
    }
}

/// One number of 64 bits.
#[derive(Clone, Copy)]
struct One(f64);

impl Lanes<f64> for One {
    const COUNT: usize = 1;

    #[inline(always)]
    unsafe fn load(from: *const f64) -> Self {
        // SAFETY: the caller promises a number behind the pointer.
        Self(unsafe { from.read() })
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f64) {
        // SAFETY: the caller promises a place behind the pointer.
        unsafe { to.write(self.0) }
    }
    #[inline(always)]
    unsafe fn splat(value: f64) -> Self {
        Self(value)
    }
    #[inline(always)]
    unsafe fn fma(self, factor: Self, addend: Self) -> Self {
        Self(self.0.mul_add(factor.0, addend.0))
    }
}

/// The two kernels of one instruction set.
macro_rules! kernels {
    ($module:ident, $vector:ty $(, #[$feature:meta])?) => {
        mod $module {
            use super::*;

            $(#[$feature])?
            pub unsafe fn convolve(convolution: &Convolution<f32>) {
                // SAFETY: the caller has seen that the processor has the feature above.
                unsafe { convolution::convolve::<f32, $vector>(convolution) }
            }

            $(#[$feature])?
            pub unsafe fn weight_gradient(gradient: &WeightGradient<f32>) {
                // SAFETY: the caller has seen that the processor has the feature above.
                unsafe { convolution::weight_gradient::<f32, $vector>(gradient) }
            }
        }
    };
}

kernels!(portable, Portable);
#[cfg(target_arch = "x86_64")]
kernels!(avx2, Avx2, #[target_feature(enable = "avx2,fma")]);
#[cfg(target_arch = "x86_64")]
kernels!(avx512, Avx512, #[target_feature(enable = "avx512f")]);

impl Scalar for f32 {
    const ZERO: Self = 0.0;

    fn of(value: f64) -> Self {
        value as f32
    }

    fn wide(self) -> f64 {
        f64::from(self)
    }

    fn convolve(convolution: &Convolution<Self>) {
        // SAFETY: a path is chosen only where the processor has its instructions, and a convolution is checked when it is made.
        unsafe {
            match SimdPath::chosen() {
                #[cfg(target_arch = "x86_64")]
                SimdPath::Avx512 => avx512::convolve(convolution),
                #[cfg(target_arch = "x86_64")]
                SimdPath::Avx2 => avx2::convolve(convolution),
                _ => portable::convolve(convolution),
            }
        }
    }

    fn weight_gradient(gradient: &WeightGradient<Self>) {
        // SAFETY: a path is chosen only where the processor has its instructions, and a gradient is checked when it is made.
        unsafe {
            match SimdPath::chosen() {
                #[cfg(target_arch = "x86_64")]
                SimdPath::Avx512 => avx512::weight_gradient(gradient),
                #[cfg(target_arch = "x86_64")]
                SimdPath::Avx2 => avx2::weight_gradient(gradient),
                _ => portable::weight_gradient(gradient),
            }
        }
    }
}

impl Scalar for f64 {
    const ZERO: Self = 0.0;

    fn of(value: f64) -> Self {
        value
    }

    fn wide(self) -> f64 {
        self
    }

    fn convolve(convolution: &Convolution<Self>) {
        // SAFETY: plain numbers need no instructions, and a convolution is checked when it is made.
        unsafe { convolution::convolve::<f64, One>(convolution) }
    }

    fn weight_gradient(gradient: &WeightGradient<Self>) {
        // SAFETY: plain numbers need no instructions, and a gradient is checked when it is made.
        unsafe { convolution::weight_gradient::<f64, One>(gradient) }
    }
}
