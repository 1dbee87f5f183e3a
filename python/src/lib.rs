//! Querist from Python: what the package `querist` calls.
//!
//! Nothing is decided here. Arrays are borrowed from NumPy, handed to `querist::select`, `pipeline` and `episode` with
//! the interpreter's lock released, and what these refuse becomes a `querist.QueristError` with the same fields. What is
//! convenient from Python (conversions, adapters to other packages) is written in Python, beside it.

mod arrays;
mod callable;
mod environment;
mod error;
mod judge;
mod policy;
mod program;
mod run;
mod select;
mod session;
mod strategies;

use pyo3::prelude::*;

#[pymodule]
fn _querist(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<policy::Policy>()?;
    module.add_class::<select::Selector>()?;
    module.add_class::<environment::Pool>()?;
    module.add_class::<environment::Episodes>()?;
    module.add_function(wrap_pyfunction!(environment::schema, module)?)?;
    module.add_class::<run::Run>()?;
    module.add_class::<judge::Judged>()?;
    module.add_class::<session::Session>()?;
    module.add_function(wrap_pyfunction!(strategies::strategies, module)?)?;
    module.add_function(wrap_pyfunction!(strategies::policies, module)?)?;
    module.add_function(wrap_pyfunction!(run::run, module)?)?;
    module.add_function(wrap_pyfunction!(judge::judge, module)?)?;
    module.add_function(wrap_pyfunction!(program::main, module)?)?;
    Ok(())
}
