//! `querist.bench`: the verdict on episodes that were played in Python.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use querist::episode::Row;
use querist::report::export::parquet::parquet;
use querist::report::{ReportInput, Verdict, VerdictOptions, html, verdict};
use querist::rng::Key;
use querist::run::QueryTimes;
use serde_json::json;
use std::sync::Arc;

/// Judges rows, each a line of JSON. `subject` is the strategy that the sentences are about.
#[pyfunction]
pub fn judge(py: Python<'_>, rows: &str, subject: &str, seed: u64) -> PyResult<Judged> {
    let rows: Vec<Row> = rows
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()
        .map_err(|error| PyValueError::new_err(format!("rows: {error}")))?;
    let options = VerdictOptions {
        subject: subject.to_string(),
        registry: crate::strategies::registry(),
        key: Key::root(seed).named("verdict"),
        ..VerdictOptions::default()
    };
    let verdict = py.detach(|| verdict(&rows, &options));
    Ok(Judged { rows: rows.into(), verdict, options })
}

/// Rows and what they say.
#[pyclass(frozen, module = "querist._querist")]
pub struct Judged {
    rows: Arc<[Row]>,
    verdict: Verdict,
    options: VerdictOptions,
}

#[pymethods]
impl Judged {
    /// The verdict for people.
    fn table(&self, py: Python<'_>) -> String {
        py.detach(|| self.verdict.to_string())
    }

    /// What the rows say of each strategy on each task, as JSON.
    fn verdict_json(&self, py: Python<'_>) -> String {
        py.detach(|| json!(self.verdict)).to_string()
    }

    /// The report, a page without any other file.
    fn html(&self, py: Python<'_>, title: &str) -> String {
        py.detach(|| {
            let mut input = ReportInput::new(title, Arc::clone(&self.rows), self.verdict.clone());
            input.registry = self.options.registry.clone();
            input.subject = self.options.subject.clone();
            html(&input)
        })
    }

    /// The rows as a Parquet file.
    fn parquet<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        let bytes = py.detach(|| parquet(&self.rows, &QueryTimes::default()));
        PyBytes::new(py, &bytes)
    }
}
