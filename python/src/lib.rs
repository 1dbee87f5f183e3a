//! Querist's Python face.
use pyo3::prelude::*;

#[pymodule]
fn _querist(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))
}
