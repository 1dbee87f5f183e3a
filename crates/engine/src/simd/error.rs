//! What can be wrong with the choice of an instruction set.

use super::{SimdPath, VARIABLE};
use crate::error::Fault;

/// The most characters of a name that an error repeats.
const MOST_SHOWN: usize = 40;

/// Why the instruction set that the environment names is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
pub enum SimdError {
    /// No instruction set has that name.
    #[error("{VARIABLE}: unknown instruction set `{found}`, expected {}", names(SimdPath::ALL))]
    #[diagnostic(help("leave {VARIABLE} out to take the widest; results are the same on all"))]
    Unknown { found: String },
    /// The machine lacks it.
    #[error(
        "this machine cannot run the instruction set {path}, it can run {}",
        names(SimdPath::available())
    )]
    #[diagnostic(help("leave {VARIABLE} out to take the widest; results are the same on all"))]
    Unavailable { path: SimdPath },
}

impl SimdError {
    pub(super) fn unknown(name: &str) -> Self {
        let mut found: String = name.chars().take(MOST_SHOWN).collect();
        if found.len() < name.len() {
            found.push('…');
        }
        Self::Unknown { found }
    }
}

fn names(paths: impl IntoIterator<Item = SimdPath>) -> String {
    paths.into_iter().map(|path| path.to_string()).collect::<Vec<_>>().join(", ")
}

impl Fault for SimdError {}
