//! `querist.Policy`.

use crate::error::raised;
use pyo3::prelude::*;
use querist::agent::{self, shipped};
use querist::episode::features::SCHEMA;
use std::sync::Arc;

/// A learned query policy: immutable, and shared by whoever chooses by it.
#[pyclass(frozen, module = "querist")]
pub struct Policy {
    name: String,
    pub policy: Arc<agent::Policy>,
}

#[pymethods]
impl Policy {
    /// The policy called `name`: one that comes with the package (`"universal"`), or the folder of one.
    #[staticmethod]
    fn load(py: Python<'_>, name: &str) -> PyResult<Self> {
        let policy = py.detach(|| shipped::open(name, &SCHEMA)).map_err(|error| raised(py, &error.into()))?;
        Ok(Self { name: name.to_string(), policy: Arc::new(policy) })
    }

    /// What it was loaded by.
    #[getter]
    fn name(&self) -> &str {
        &self.name
    }

    /// Its card as JSON.
    fn card_json(&self) -> String {
        serde_json::to_string(self.policy.card()).expect("a card holds text and finite numbers")
    }

    fn __repr__(&self) -> String {
        format!("Policy.load({:?})", self.name)
    }
}
