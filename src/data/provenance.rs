//! What an array of embeddings was made of: a file of JSON beside it, named as the array with `.json` behind.
//!
//! `querist embed` writes it last, and whoever reads the array as features compares its rows and its digest with it, so
//! that embeddings of other texts, or of half of them, are no features of a table by accident. Arrays of other programs
//! have no such file, and a file of this name that tells of something else is left alone; an empty one, or `{}`, tells of
//! nothing, and is what is left of one.

use super::readers::ReadError;
use crate::durable::{digest, input};
use crate::error::{Result, shorten};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// What the file says that it is.
pub const FORMAT: &str = "querist-embeddings-1";
/// Bytes of the file.
const MAX_BYTES: u64 = 1 << 20;

/// A file by its name and its content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Named {
    /// Its name, without the folder.
    pub name: String,
    /// Its SHA-256.
    pub sha256: String,
}

/// Where an array came from.
#[derive(Clone, Debug, Serialize)]
pub struct Provenance<R> {
    /// [`FORMAT`].
    pub format: String,
    /// The program and its version.
    pub program: String,
    /// Rows of the array.
    pub rows: usize,
    /// Columns of the array.
    pub width: usize,
    /// The SHA-256 of the array's file.
    pub sha256: String,
    /// What the rows are made of, and the digest of all of them.
    pub input: Named,
    /// How they were made.
    pub recipe: R,
}

/// The file beside an array.
pub fn beside(array: &Path) -> PathBuf {
    let mut name = array.file_name().unwrap_or_default().to_os_string();
    name.push(".json");
    array.with_file_name(name)
}

/// What a reader of the array needs to know.
#[derive(Deserialize)]
struct Seal {
    rows: usize,
    sha256: String,
}

/// Compares the array at `path`, which has so many `rows`, with what the file beside it says, where there is one.
///
/// # Errors
/// [`ReadError::Provenance`] with what was found and what was expected; [`ReadError::Header`] for a file that begins to
/// tell of embeddings and is damaged.
pub fn check(path: &Path, rows: usize) -> Result<()> {
    let beside = beside(path);
    if !beside.is_file() {
        return Ok(());
    }
    let (file, beside_name) = (path.display().to_string(), beside.display().to_string());
    let bytes = input::read(&beside, MAX_BYTES).map_err(ReadError::from)?;
    let damaged = |error: serde_json::Error| ReadError::Header {
        file: beside_name.clone(),
        problem: format!("no provenance that can be read: {}", shorten(&error.to_string())),
    };
    let value: serde_json::Value = serde_json::from_slice(&bytes).map_err(damaged)?;
    if value.as_object().is_some_and(serde_json::Map::is_empty) {
        return Err(ReadError::Header {
            file: beside_name,
            problem: "no provenance: it says nothing of the array".to_string(),
        }
        .into());
    }
    if value.get("format").and_then(serde_json::Value::as_str) != Some(FORMAT) {
        return Ok(());
    }
    let seal: Seal = serde_json::from_value(value).map_err(damaged)?;
    let refuse = |what, found: String, expected: String| {
        let (file, beside) = (file.clone(), beside_name.clone());
        Err(ReadError::Provenance { file, beside, what, found, expected }.into())
    };
    if seal.rows != rows {
        return refuse("rows are", rows.to_string(), seal.rows.to_string());
    }
    let found = digest::of_file(path).map_err(|error| ReadError::Io {
        file: file.clone(),
        what: "read",
        error: input::words(&error),
    })?;
    if found != seal.sha256 {
        return refuse("sha256 is", found, seal.sha256);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_array_is_compared_with_what_is_said_of_it() {
        let dir = tempfile::tempdir().unwrap();
        let array = dir.path().join("e.npy");
        std::fs::write(&array, "rows").unwrap();
        let say = |text: String| std::fs::write(beside(&array), text).unwrap();
        check(&array, 2).unwrap();
        let sha256 = digest::of(b"rows");
        say(format!("{{\"format\": \"{FORMAT}\", \"rows\": 2, \"sha256\": \"{sha256}\"}}"));
        check(&array, 2).unwrap();
        let error = check(&array, 3).unwrap_err().to_string();
        assert!(error.contains("rows are 3, but ") && error.ends_with("e.npy.json says 2"), "{error}");
        std::fs::write(&array, "Rows").unwrap();
        let error = check(&array, 2).unwrap_err();
        assert!(
            matches!(error.downcast_ref(), Some(ReadError::Provenance { what: "sha256 is", .. })),
            "{error}"
        );
        // What somebody else has put there is no provenance; what is cut off is refused.
        say("{\"rows\": 1}".to_string());
        check(&array, 2).unwrap();
        say("[1]".to_string());
        check(&array, 2).unwrap();
        // Of what was emptied, nobody can tell what it was.
        for text in ["{}", ""] {
            say(text.to_string());
            assert!(check(&array, 2).unwrap_err().to_string().contains("no provenance"), "{text:?}");
        }
        for text in
            [format!("{{\"format\": \"{FORMAT}\""), format!("{{\"format\": \"{FORMAT}\", \"rows\": -1}}")]
        {
            say(text);
            assert!(check(&array, 2).unwrap_err().to_string().contains("no provenance that can be read"));
        }
    }
}
