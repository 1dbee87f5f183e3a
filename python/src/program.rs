//! The program `querist`, as the wheel's console script runs it.

use pyo3::prelude::*;

/// Runs the command line in `arguments` (the program's name first), and ends the process with its exit code.
///
/// Signals are those of the program: the interpreter's handlers are taken away first, as they would only note a Ctrl-C.
#[pyfunction]
pub fn main(py: Python<'_>, arguments: Vec<std::ffi::OsString>) -> u8 {
    py.detach(|| querist::cli::run(arguments))
}
