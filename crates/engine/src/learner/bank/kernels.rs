//! The kernels of one instruction set, as a table that is chosen once per bank.

use super::gemm::{Gemm, gemm};
use super::math::{self, Dropout, Losses};
use super::update::{Update, update};
#[cfg(target_arch = "x86_64")]
use super::vector::{Avx2, Avx512};
use super::vector::{LINE, Portable, Vector};
use crate::simd::SimdPath;

/// One entry per kernel. All entries are unsafe for the reasons given where the kernel is defined.
pub(super) struct Kernels {
    /// The product of networks side by side.
    pub lanes: unsafe fn(&Gemm),
    /// The product of one network.
    pub single: unsafe fn(&Gemm),
    pub cross_entropy: unsafe fn(&Losses),
    pub soft_cross_entropy: unsafe fn(&Losses),
    pub squared: unsafe fn(&Losses),
    pub squared_error: unsafe fn(&Losses),
    pub beta_nll: unsafe fn(&Losses),
    pub binary_cross_entropy: unsafe fn(&Losses),
    pub softmax: unsafe fn(*mut f32, usize, usize),
    pub dropout: unsafe fn(&Dropout),
    pub transpose: unsafe fn(&[*const f32; LINE], usize, *mut f32, usize),
    pub update: unsafe fn(&Update),
}

/// A kernel, compiled for one instruction set.
macro_rules! entry {
    ($(#[$feature:meta])? fn $name:ident($($arg:ident: $type:ty),*) { $call:expr }) => {
        $(#[$feature])?
        unsafe fn $name($($arg: $type),*) {
            // SAFETY: the caller promises what the kernel asks for. The kernel's registers are those of the feature
            // above, which `Kernels::of` saw before it gave this entry out.
            unsafe { $call }
        }
    };
}

macro_rules! table {
    ($module:ident, $vector:ty $(, #[$feature:meta])?) => {
        mod $module {
            use super::*;
            entry! { $(#[$feature])? fn lanes(g: &Gemm) { gemm::<$vector, false>(g) } }
            entry! { $(#[$feature])? fn single(g: &Gemm) { gemm::<$vector, true>(g) } }
            entry! { $(#[$feature])? fn cross_entropy(l: &Losses) { math::cross_entropy::<$vector, false>(l) } }
            entry! { $(#[$feature])? fn soft_cross_entropy(l: &Losses) { math::cross_entropy::<$vector, true>(l) } }
            entry! { $(#[$feature])? fn squared(l: &Losses) { math::squared::<$vector>(l) } }
            entry! { $(#[$feature])? fn squared_error(l: &Losses) { math::squared_error::<$vector>(l) } }
            entry! { $(#[$feature])? fn beta_nll(l: &Losses) { math::beta_nll::<$vector>(l) } }
            entry! { $(#[$feature])? fn binary_cross_entropy(l: &Losses) {
                math::binary_cross_entropy::<$vector>(l)
            } }
            entry! { $(#[$feature])? fn softmax(logits: *mut f32, blocks: usize, outputs: usize) {
                math::softmax::<$vector>(logits, blocks, outputs)
            } }
            entry! { $(#[$feature])? fn dropout(d: &Dropout) { math::dropout::<$vector>(d) } }
            entry! { $(#[$feature])?
            fn transpose(rows: &[*const f32; LINE], columns: usize, to: *mut f32, stride: usize) {
                math::transpose::<$vector>(rows, columns, to, stride)
            } }
            entry! { $(#[$feature])? fn step(u: &Update) { update::<$vector>(u) } }
            pub(super) static KERNELS: Kernels =
                Kernels { lanes, single, cross_entropy, soft_cross_entropy, squared, squared_error, beta_nll, binary_cross_entropy, softmax, dropout, transpose, update: step };
            const _: () = assert!(LINE.is_multiple_of(<$vector as Vector>::LANES));
        }
    };
}

table!(portable, Portable);
#[cfg(target_arch = "x86_64")]
table!(avx2, Avx2, #[target_feature(enable = "avx2,fma")]);
#[cfg(target_arch = "x86_64")]
table!(avx512, Avx512, #[target_feature(enable = "avx512f")]);

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
