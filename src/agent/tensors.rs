//! Named f32 matrices as safetensors bytes, checked on the way in.
//!
//! The same tensors give the same bytes. What is read is bounded before it is parsed: the size of the file
//! and of its header; the parser then refuses truncation, overlaps and holes; and only tensors of the
//! expected names, type and shapes with finite values come out.

use super::error::AgentError;
use crate::error::shorten;
use safetensors::tensor::{Dtype, SafeTensorError, SafeTensors, TensorView};
use sha2::{Digest, Sha256};
use std::collections::HashMap;

/// A named matrix to be written, or expected: name, rows, columns.
pub(super) type Named<'a> = (&'a str, usize, usize);

/// Which file is meant in errors, and how large it may be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) file: &'static str,
    pub(super) bytes: usize,
    pub(super) header: u64,
}

/// The bytes of a file that holds these tensors, with an optional text beside them.
pub(super) fn encode(tensors: &[(Named<'_>, &[f32])], text: Option<(&str, String)>) -> Vec<u8> {
    let bytes: Vec<Vec<u8>> =
        tensors.iter().map(|(_, values)| values.iter().flat_map(|v| v.to_le_bytes()).collect()).collect();
    let views = tensors.iter().zip(&bytes).map(|(&((name, rows, cols), _), bytes)| {
        let view = TensorView::new(Dtype::F32, vec![rows, cols], bytes);
        (name, view.expect("values fill their shape"))
    });
    // One entry at most: the order of several in a hash map would differ between runs.
    let metadata = text.map(|(key, value)| HashMap::from([(key.to_owned(), value)]));
    safetensors::serialize(views, metadata).expect("distinct names and a small header")
}

/// The text stored under `key`.
pub(super) fn decode_text(bytes: &[u8], key: &str, limits: Limits) -> Result<String, AgentError> {
    check_size(bytes, limits)?;
    let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(|e| malformed(&e, limits))?;
    let text = metadata.metadata().as_ref().and_then(|map| map.get(key));
    text.cloned().ok_or(AgentError::TensorSet {
        file: limits.file,
        name: format!("__metadata__.{key}"),
        state: "missing",
    })
}

/// The values of exactly the `expected` tensors, in that order.
pub(super) fn decode(
    bytes: &[u8],
    expected: &[Named<'_>],
    limits: Limits,
) -> Result<Vec<Vec<f32>>, AgentError> {
    check_size(bytes, limits)?;
    let file = limits.file;
    let parsed = SafeTensors::deserialize(bytes).map_err(|e| malformed(&e, limits))?;
    let mut surplus: Vec<&str> =
        parsed.names().into_iter().filter(|name| !expected.iter().any(|e| e.0 == *name)).collect();
    surplus.sort_unstable();
    if let Some(name) = surplus.first() {
        return Err(AgentError::TensorSet { file, name: (*name).to_owned(), state: "not expected" });
    }
    expected.iter().map(|&tensor| read(&parsed, tensor, file)).collect()
}

fn read(
    parsed: &SafeTensors<'_>,
    (name, rows, cols): Named<'_>,
    file: &'static str,
) -> Result<Vec<f32>, AgentError> {
    let named = || name.to_owned();
    let Ok(view) = parsed.tensor(name) else {
        return Err(AgentError::TensorSet { file, name: named(), state: "missing" });
    };
    if view.dtype() != Dtype::F32 {
        let (found, expected) = (format!("{:?}", view.dtype()), "F32".to_owned());
        return Err(AgentError::TensorType { file, name: named(), found, expected });
    }
    if view.shape() != [rows, cols] {
        let (found, expected) = (view.shape().to_vec(), vec![rows, cols]);
        return Err(AgentError::TensorShape { file, name: named(), found, expected });
    }
    let chunks = view.data().as_chunks::<4>().0;
    let values: Vec<f32> = chunks.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    match values.iter().position(|v| !v.is_finite()) {
        Some(index) => Err(AgentError::Weight { file, name: named(), index, value: values[index] }),
        None => Ok(values),
    }
}

fn check_size(bytes: &[u8], limits: Limits) -> Result<(), AgentError> {
    let Limits { file, bytes: limit, header } = limits;
    if bytes.len() > limit {
        return Err(AgentError::FileSize { file, found: bytes.len(), limit });
    }
    let Some(length) = bytes.first_chunk::<8>() else {
        let reason = format!("{} bytes, at least 8 are expected", bytes.len());
        return Err(AgentError::Malformed { file, reason });
    };
    let found = u64::from_le_bytes(*length);
    if found > header {
        return Err(AgentError::HeaderSize { file, found, limit: header });
    }
    Ok(())
}

fn malformed(error: &SafeTensorError, limits: Limits) -> AgentError {
    let reason = match error {
        SafeTensorError::InvalidOffset(name) => {
            format!("tensor `{}` overlaps another or leaves a hole", shorten(name))
        }
        SafeTensorError::MetadataIncompleteBuffer => {
            "the tensors of the header do not fill the file".to_owned()
        }
        SafeTensorError::InvalidHeaderLength => "the header is longer than the file".to_owned(),
        other => other.to_string(),
    };
    AgentError::Malformed { file: limits.file, reason }
}

/// The bytes with their SHA-256 behind them.
pub(super) fn seal(mut bytes: Vec<u8>) -> Vec<u8> {
    let digest = Sha256::digest(&bytes);
    bytes.extend_from_slice(&digest);
    bytes
}

/// The bytes that were sealed, if they still have their digest.
pub(super) fn unseal(sealed: &[u8], limits: Limits) -> Result<&[u8], AgentError> {
    let Limits { file, bytes: limit, .. } = limits;
    if sealed.len() > limit {
        return Err(AgentError::FileSize { file, found: sealed.len(), limit });
    }
    let Some((bytes, digest)) = sealed.split_last_chunk::<32>() else {
        let reason = format!("{} bytes, at least 32 are expected", sealed.len());
        return Err(AgentError::Malformed { file, reason });
    };
    let found = sha256(bytes);
    let expected = hexadecimal(digest);
    if found == expected { Ok(bytes) } else { Err(AgentError::Damaged { file, found, expected }) }
}

/// The lower-case hexadecimal SHA-256 of `bytes`.
pub(super) fn sha256(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
