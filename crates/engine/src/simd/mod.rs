//! The instruction set that kernels use: one choice per process.
//!
//! Every kernel of this crate is compiled for several instruction sets from one source, or written for one of
//! them to the bits of the others, so the choice changes how long something takes and nothing else. It is
//! made here once, for all of them: the bank engine, the geometry of strategies, features and the policy's
//! inference. What is not here: the kernels, and burn, whose matrix products choose for themselves (see
//! `ARCHITECTURE.md`, "The same bytes on other processors").

mod dispatch;
mod error;

#[doc(hidden)]
pub use dispatch::dispatched;
pub use error::SimdError;

use std::fmt;
use std::sync::OnceLock;

/// The environment variable that forces a path, by its name; not set or empty, the widest is taken.
pub const VARIABLE: &str = "QUERIST_SIMD";

/// An instruction set that kernels are compiled for. The results are the same on all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SimdPath {
    /// Plain Rust, sixteen elements at a time; slow where the target has no fused multiply-add.
    Portable,
    /// 256-bit registers, and fused multiply-add.
    Avx2,
    /// 512-bit registers; the foundation instructions are enough.
    Avx512,
}

impl SimdPath {
    /// All paths, whether this machine has them or not, narrow ones first.
    pub const ALL: [SimdPath; 3] = [SimdPath::Portable, SimdPath::Avx2, SimdPath::Avx512];

    /// Whether this machine can run the path.
    pub fn is_available(self) -> bool {
        match self {
            SimdPath::Portable => true,
            #[cfg(target_arch = "x86_64")]
            SimdPath::Avx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
            #[cfg(target_arch = "x86_64")]
            SimdPath::Avx512 => is_x86_feature_detected!("avx512f"),
            #[cfg(not(target_arch = "x86_64"))]
            _ => false,
        }
    }

    /// The paths of this machine, narrow ones first; the portable one is among them.
    pub fn available() -> impl DoubleEndedIterator<Item = Self> {
        Self::ALL.into_iter().filter(|path| path.is_available())
    }

    /// The widest path of this machine.
    pub fn best() -> Self {
        Self::available().next_back().expect("the portable path is everywhere")
    }

    /// The path of this process: the one that [`VARIABLE`] names, else the widest. The variable is read once.
    ///
    /// # Panics
    /// If the variable names no path of this machine; the command line [refuses](Self::choose) it before.
    #[inline]
    pub fn chosen() -> Self {
        *CHOSEN.get_or_init(|| Self::from_environment().unwrap_or_else(|error| panic!("{error}")))
    }

    /// [`Self::chosen`] for a caller who can refuse what the variable says.
    ///
    /// # Errors
    /// [`SimdError`] if the variable names no path, or one that this machine cannot run.
    pub fn choose() -> Result<Self, SimdError> {
        let found = Self::from_environment()?;
        Ok(*CHOSEN.get_or_init(|| found))
    }

    fn from_environment() -> Result<Self, SimdError> {
        match std::env::var_os(VARIABLE) {
            Some(name) if !name.is_empty() => Self::named(&name.to_string_lossy()),
            _ => Ok(Self::best()),
        }
    }

    /// The path of that name.
    fn named(name: &str) -> Result<Self, SimdError> {
        let path = Self::ALL.into_iter().find(|path| path.to_string() == name);
        let path = path.ok_or_else(|| SimdError::unknown(name))?;
        if path.is_available() { Ok(path) } else { Err(SimdError::Unavailable { path }) }
    }
}

/// What all kernels use.
static CHOSEN: OnceLock<SimdPath> = OnceLock::new();

/// The name that [`VARIABLE`] takes.
impl fmt::Display for SimdPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SimdPath::Portable => "portable",
            SimdPath::Avx2 => "avx2",
            SimdPath::Avx512 => "avx512",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_found_by_their_names() {
        for path in SimdPath::ALL {
            match SimdPath::named(&path.to_string()) {
                Ok(found) => assert_eq!((found, path.is_available()), (path, true)),
                Err(error) => {
                    assert_eq!((error, path.is_available()), (SimdError::Unavailable { path }, false));
                }
            }
        }
        for name in ["AVX2", "sse", " avx2", "avx2,fma"] {
            assert_eq!(SimdPath::named(name), Err(SimdError::unknown(name)));
        }
        assert!(SimdError::unknown(&"é".repeat(1 << 16)).to_string().len() < 300);
    }
}
