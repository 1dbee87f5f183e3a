//! Finished parts of long computations, so that one that is interrupted goes on from them.
//!
//! A computation of this layer falls into parts that depend on the plan, the keys and earlier parts alone:
//! the episodes of one bank, a network's score on one task, the fit after an epoch. Each has a name from
//! which all of that follows, so that whoever keeps parts hands back only what would be computed again, bit
//! for bit. Where they are kept is not known here.

use super::error::AgentError;
use super::spread::Team;
use crate::error::Result;
use crate::rng::Key;
use serde::{Serialize, de::DeserializeOwned};
use std::time::Instant;

/// Keeps parts of one computation, by name.
pub trait Parts: Sync {
    /// The JSON text of a part that is kept, the last of its name.
    ///
    /// # Errors
    /// Whatever keeps it from being read.
    fn recall(&self, name: &str) -> Result<Option<Vec<u8>>>;

    /// Keeps a part; an earlier one of its name is forgotten. `name` has no white space, `part` no newline.
    ///
    /// # Errors
    /// Whatever keeps it from being written; an interruption, with which the computation is to end.
    fn keep(&self, name: &str, part: Vec<u8>) -> Result<()>;

    /// Who else makes parts, if anybody does ([`spread`](super::spread)).
    fn team(&self) -> Option<&dyn Team> {
        None
    }
}

/// Keeps nothing.
#[derive(Clone, Copy, Debug)]
pub struct Forgetful;

impl Parts for Forgetful {
    fn recall(&self, _name: &str) -> Result<Option<Vec<u8>>> {
        Ok(None)
    }

    fn keep(&self, _name: &str, _part: Vec<u8>) -> Result<()> {
        Ok(())
    }
}

/// The part called `name`: as it was kept, if `sound` finds nothing wrong with it, else as `make` makes it.
///
/// # Errors
/// [`AgentError::Part`] for a part that is not of this kind; what `sound` and `make` fail with.
pub fn part<T: Serialize + DeserializeOwned>(
    parts: &dyn Parts,
    name: &str,
    sound: impl FnOnce(&T) -> Result<()>,
    make: impl FnOnce() -> Result<T>,
) -> Result<T> {
    if let Some(kept) = recall(parts, name)? {
        sound(&kept)?;
        return Ok(kept);
    }
    let start = Instant::now();
    let made = make()?;
    tracing::debug!(name, seconds = start.elapsed().as_secs_f64(), "part");
    keep(parts, name, &made)?;
    Ok(made)
}

/// The part called `name`, if it is kept.
///
/// # Errors
/// [`AgentError::Part`] for a part that is not of this kind.
pub fn recall<T: DeserializeOwned>(parts: &dyn Parts, name: &str) -> Result<Option<T>> {
    let Some(text) = parts.recall(name)? else { return Ok(None) };
    match serde_json::from_slice(&text) {
        Ok(part) => Ok(Some(part)),
        Err(error) => Err(unsound(name, error.to_string())),
    }
}

/// Keeps `part` under `name`.
///
/// # Errors
/// As [`Parts::keep`].
pub fn keep<T: Serialize>(parts: &dyn Parts, name: &str, part: &T) -> Result<()> {
    parts.keep(name, serde_json::to_vec(part).expect("plain data with string keys"))
}

/// The error of a part that is not what this computation would have kept.
pub fn unsound(name: &str, reason: String) -> crate::Error {
    AgentError::Part { name: name.to_owned(), reason }.into()
}

/// The name of part number `index` of `what`, of which `key` says what it draws from.
pub fn name(what: &str, key: Key, index: usize) -> String {
    format!("{what}/{:016x}/{index}", key.seed64())
}
