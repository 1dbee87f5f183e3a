//! Arrays of NumPy as what the library takes: borrowed, not copied.
//!
//! The package hands over C-contiguous arrays of `float32` and `int64`; row numbers and classes are checked here, since
//! the library's are unsigned.

use crate::error::typed;
use numpy::{PyReadonlyArray1, PyReadonlyArray2, PyUntypedArrayMethods};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use querist::data::MatrixView;

/// Rows and columns.
pub type Rows<'py> = PyReadonlyArray2<'py, f32>;
/// Row numbers, or classes.
pub type Numbers<'py> = PyReadonlyArray1<'py, i64>;

/// The numbers of an array where they lie.
pub fn view<'a>(array: &'a Rows<'_>) -> PyResult<MatrixView<'a>> {
    let &[rows, columns] = array.shape() else { unreachable!("an array of two dimensions") };
    Ok(MatrixView::new(array.as_slice()?, rows, columns))
}

/// Those of several arrays.
pub fn views<'a>(arrays: &'a [Rows<'_>]) -> PyResult<Vec<MatrixView<'a>>> {
    arrays.iter().map(view).collect()
}

/// Numbers that are not negative.
pub fn unsigned<T: TryFrom<i64>>(
    py: Python<'_>,
    place: &str,
    what: &str,
    numbers: &Numbers<'_>,
) -> PyResult<Vec<T>> {
    let one = |(at, &found): (usize, &i64)| {
        T::try_from(found).map_err(|_| {
            let fields = PyDict::new(py);
            let set = || {
                fields.set_item("place", place)?;
                fields.set_item("at", at)?;
                fields.set_item("found", found)
            };
            match set() {
                Ok(()) => {
                    let message = format!("{place}: entry {at} is {found}, expected {what}, counted from 0");
                    typed(py, &message, "Outside", &fields)
                }
                Err(error) => error,
            }
        })
    };
    numbers.as_slice()?.iter().enumerate().map(one).collect()
}
