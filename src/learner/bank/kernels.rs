//! The kernels of one instruction set, as a table that is chosen once per bank.

use super::gemm::{Gemm, gemm};
use super::math::{self, Dropout, Losses};
#[cfg(target_arch = "x86_64")]
use super::simd::{Avx2, Avx512};
use super::simd::{LINE, Portable, SimdPath, Vector};
use super::update::{Update, update};

/// One entry per kernel. All entries are unsafe for the reasons given where the kernel is defined.
pub(super) struct Kernels {
    /// The product of networks side by side.
    pub lanes: unsafe fn(&Gemm),
    /// The product of one network.
    pub single: unsafe fn(&Gemm),
    pub cross_entropy: unsafe fn(&Losses),
    pub squared: unsafe fn(&Losses),
    pub softmax: unsafe fn(*mut f32, usize, usize),
    pub dropout: unsafe fn(&Dropout),
    pub transpose: unsafe fn(&[*const f32; LINE], usize, *mut f32, usize),
    pub update: unsafe fn(&Update),
}

macro_rules! table {
    ($module:ident, $vector:ty $(, $features:literal)?) => {
        mod $module {
            use super::*;
            $(#[target_feature(enable = $features)])?
            unsafe fn lanes(g: &Gemm) {
                unsafe { gemm::<$vector, false>(g) }
            }
            $(#[target_feature(enable = $features)])?
            unsafe fn single(g: &Gemm) {
                unsafe { gemm::<$vector, true>(g) }
            }
            $(#[target_feature(enable = $features)])?
            unsafe fn cross_entropy(l: &Losses) {
                unsafe { math::cross_entropy::<$vector>(l) }
            }
            $(#[target_feature(enable = $features)])?
            unsafe fn squared(l: &Losses) {
                unsafe { math::squared::<$vector>(l) }
            }
            $(#[target_feature(enable = $features)])?
            unsafe fn softmax(logits: *mut f32, blocks: usize, outputs: usize) {
                unsafe { math::softmax::<$vector>(logits, blocks, outputs) }
            }
            $(#[target_feature(enable = $features)])?
            unsafe fn dropout(d: &Dropout) {
                unsafe { math::dropout::<$vector>(d) }
            }
            $(#[target_feature(enable = $features)])?
            unsafe fn transpose(rows: &[*const f32; LINE], columns: usize, to: *mut f32, stride: usize) {
                unsafe { math::transpose::<$vector>(rows, columns, to, stride) }
            }
            $(#[target_feature(enable = $features)])?
            unsafe fn step(u: &Update) {
                unsafe { update::<$vector>(u) }
            }
            pub(super) static KERNELS: Kernels =
                Kernels { lanes, single, cross_entropy, squared, softmax, dropout, transpose, update: step };
            const _: () = assert!(LINE.is_multiple_of(<$vector as Vector>::LANES));
        }
    };
}

table!(portable, Portable);
#[cfg(target_arch = "x86_64")]
table!(avx2, Avx2, "avx2,fma");
#[cfg(target_arch = "x86_64")]
table!(avx512, Avx512, "avx512f");

impl Kernels {
    /// The kernels of `path`.
    ///
    /// # Panics
    /// If this machine cannot run them; [`super::Bank`] asks first.
    pub fn of(path: SimdPath) -> &'static Self {
        assert!(path.is_available(), "{path:?} is not available on this machine");
        match path {
            SimdPath::Portable => &portable::KERNELS,
            #[cfg(target_arch = "x86_64")]
            SimdPath::Avx2 => &avx2::KERNELS,
            #[cfg(target_arch = "x86_64")]
            SimdPath::Avx512 => &avx512::KERNELS,
            #[cfg(not(target_arch = "x86_64"))]
            _ => &portable::KERNELS,
        }
    }
}
