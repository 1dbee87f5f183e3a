//! NPZ archives: `X` (features), `y` (labels), and `split` (0 train, 1 test) if there is one. Nothing is ever
//! extracted to disk.

use super::ReadOptions;
use super::array::assemble;
use super::error::ReadError;
use super::npy::Array;
use super::zip::Archive;
use crate::data::dataset::{Dataset, check_size};
use crate::error::Result;
use std::path::Path;

/// Reads an archive.
pub(super) fn read(name: &str, path: &Path, options: &ReadOptions) -> Result<Dataset> {
    let archive = Archive::open(path)?;
    // Headers first: nothing is read of arrays that do not belong together or are too large.
    let layout = archive.array("X", |file, layout, _| {
        check_size(file, layout.rows(), layout.row_shape().width())?;
        Ok(layout.clone())
    })?;
    let members: &[&str] = if archive.has("split") { &["y", "split"] } else { &["y"] };
    for member in members {
        let (found, expected) = (archive.array(member, |_, layout, _| Ok(layout.rows()))?, layout.rows());
        if found != expected {
            let file = archive.member_name(member);
            return Err(ReadError::Rows { file, found, other: "X".to_string(), expected }.into());
        }
    }
    let whole = |member| {
        archive.array(member, |file, layout, from| {
            let numbers = layout.read_whole(file, &mut *from)?;
            from.expect_sum(file)?;
            Ok(numbers)
        })
    };
    let labels = whole("y")?;
    let split = if members.contains(&"split") { Some(whole("split")?) } else { None };
    let inputs = archive.array("X", |file, layout, from| {
        let inputs = layout.read_matrix(file, &mut *from)?;
        from.expect_sum(file)?;
        Ok(inputs)
    })?;
    let shape = options
        .shape
        .map_or(Ok(layout.row_shape()), |_| super::shape_of(&archive.file, inputs.cols(), options))?;
    assemble(name, &archive.file, (shape, inputs), &labels, split.as_deref())
}

/// Arrays of numbers by name: their shapes, and their elements in row-major order.
///
/// # Errors
/// [`ReadError`] with the member and the place.
pub fn read_arrays<const N: usize>(path: &Path, names: [&str; N]) -> Result<[Array; N]> {
    let archive = Archive::open(path)?;
    let mut arrays = names.map(|_| Array { shape: Vec::new(), values: Vec::new() });
    for (array, name) in arrays.iter_mut().zip(names) {
        *array = archive.array(name, |file, layout, from| {
            let values = layout.read_values(file, &mut *from)?;
            from.expect_sum(file)?;
            Ok(Array { shape: layout.shape.clone(), values })
        })?;
    }
    Ok(arrays)
}
