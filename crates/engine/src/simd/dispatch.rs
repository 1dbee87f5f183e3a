//! [`dispatched!`]: one source, compiled for every instruction set.

/// Compiles a function for AVX-512, AVX2 and the portable baseline, and calls the one of the
/// [chosen path](crate::simd::SimdPath::chosen). The body is plain safe Rust, of which a compiler may neither
/// reorder sums nor fuse products into them, so all three give the same bits.
#[doc(hidden)]
#[macro_export]
macro_rules! dispatched {
    ($(#[$doc:meta])* $vis:vis fn $name:ident($($arg:ident: $type:ty),* $(,)?) $(-> $result:ty)? $body:block) => {
        $(#[$doc])*
        $vis fn $name($($arg: $type),*) $(-> $result)? {
            #[inline(always)]
            fn portable($($arg: $type),*) $(-> $result)? $body
            #[cfg(target_arch = "x86_64")]
            {
                use $crate::simd::SimdPath;
                #[target_feature(enable = "avx512f")]
                fn wide($($arg: $type),*) $(-> $result)? { portable($($arg),*) }
                #[target_feature(enable = "avx2")]
                fn narrow($($arg: $type),*) $(-> $result)? { portable($($arg),*) }
                match SimdPath::chosen() {
                    // SAFETY: this path is chosen only where the processor has AVX-512F.
                    SimdPath::Avx512 => return unsafe { wide($($arg),*) },
                    // SAFETY: this path is chosen only where the processor has AVX2.
                    SimdPath::Avx2 => return unsafe { narrow($($arg),*) },
                    SimdPath::Portable => {}
                }
            }
            portable($($arg),*)
        }
    };
}
pub use dispatched;
