//! `querist.run`: an experiment from Python.

use crate::callable::Registered;
use crate::error::raised;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use querist::pipeline::{Finished, Pipeline, RunOptions};
use querist::report::export::parquet::parquet;
use querist::run::{Bar, Cancel, Progress, Silent};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Where runs lie unless `out` says otherwise.
const RUNS: &str = "runs";
/// How often Ctrl-C is looked for.
const POLL: Duration = Duration::from_millis(10);
/// How often a function is told how far a bar is, but for its end.
const TELL: Duration = Duration::from_millis(100);

/// Runs a plan, and makes its report.
///
/// `plan` is the text of an experiment file, or as JSON what one would say; `file` is the path of one.
#[pyfunction]
#[pyo3(signature = (plan, file, is_json, *, sets, seed, data_dir, out, jobs, fresh, progress, strategies))]
#[expect(clippy::too_many_arguments, reason = "the options of a run, by name")]
pub fn run(
    py: Python<'_>,
    plan: Option<String>,
    file: Option<PathBuf>,
    is_json: bool,
    sets: Vec<String>,
    seed: Option<u64>,
    data_dir: Option<PathBuf>,
    out: Option<PathBuf>,
    jobs: Option<usize>,
    fresh: bool,
    progress: Option<Py<PyAny>>,
    strategies: Option<Bound<'_, PyAny>>,
) -> PyResult<Run> {
    let registered = strategies.map(|own| Registered::new(&own)).transpose()?;
    let registry = registered.as_ref().map_or_else(crate::strategies::registry, Registered::registry);
    let setup = Pipeline::setup().registry(registry).data_dir(data_dir).sets(sets).seed(seed);
    let text = match plan {
        Some(plan) if is_json => Some(toml_of(&plan)?),
        other => other,
    };
    let cancel = Cancel::new();
    let told = progress.map(|function| Told(Arc::new(Listener::new(function, cancel.clone()))));
    let mut options = RunOptions::default().fresh(fresh).cancel(cancel.clone());
    if let Some(jobs) = jobs {
        options = options.jobs(jobs);
    }
    options = options.progress(told.as_ref().map_or(&Silent as &dyn Progress, |told| told));
    let work = || -> querist::Result<Run> {
        let pipeline = match (&text, &file) {
            (Some(text), _) => setup.parse(text)?,
            (None, file) => setup.load(file.as_deref().unwrap_or(Path::new("")))?,
        };
        let warnings = pipeline.check()?.warnings.iter().map(ToString::to_string).collect();
        let dir = out.clone().unwrap_or_else(|| Path::new(RUNS).join(pipeline.plan().name()));
        let finished = pipeline.run(&dir, &options)?;
        let report = finished.report(false)?;
        Ok(Run { finished, report, warnings })
    };
    let mut interrupted = None;
    // The work has a thread of its own, so that this one, whose interpreter gets the signals, can look for them.
    let result = std::thread::scope(|scope| {
        let worker = scope.spawn(work);
        while !worker.is_finished() {
            py.detach(|| std::thread::sleep(POLL));
            if let Err(error) = py.check_signals() {
                cancel.raise();
                interrupted = Some(error);
            }
        }
        py.detach(|| worker.join())
    });
    if let Some(error) = interrupted.or_else(|| told.as_ref().and_then(|told| told.0.take())) {
        return Err(error);
    }
    let finished = result.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    finished.map_err(|error| raised(py, &error))
}

/// The text of an experiment file that says what a dictionary says.
fn toml_of(plan: &str) -> PyResult<String> {
    let refused = |error: String| pyo3::exceptions::PyTypeError::new_err(format!("plan: {error}"));
    let value: toml::Value = serde_json::from_str(plan).map_err(|error| refused(error.to_string()))?;
    toml::to_string(&value).map_err(|error| refused(error.to_string()))
}

/// A function that is told how far the work is.
struct Listener {
    function: Py<PyAny>,
    cancel: Cancel,
    raised: Mutex<Option<PyErr>>,
}

impl Listener {
    fn new(function: Py<PyAny>, cancel: Cancel) -> Self {
        Self { function, cancel, raised: Mutex::new(None) }
    }

    fn take(&self) -> Option<PyErr> {
        self.raised.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// What the function raises ends the run.
    fn tell(&self, what: &str, done: u64, total: u64) {
        if let Err(error) = Python::attach(|py| self.function.call1(py, (what, done, total)).map(drop)) {
            self.raised.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
            self.cancel.raise();
        }
    }
}

struct Told(Arc<Listener>);

impl Progress for Told {
    fn begin(&self, what: &str, total: u64) -> Box<dyn Bar> {
        let line = Line {
            listener: Arc::clone(&self.0),
            what: what.to_string(),
            total,
            done: AtomicU64::new(0),
            last: Mutex::new(None),
        };
        line.advance(0);
        Box::new(line)
    }
}

struct Line {
    listener: Arc<Listener>,
    what: String,
    total: u64,
    done: AtomicU64,
    last: Mutex<Option<Instant>>,
}

impl Bar for Line {
    fn advance(&self, units: u64) {
        let done = self.done.fetch_add(units, Ordering::Relaxed) + units;
        let due = {
            let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
            let due = done == self.total || last.is_none_or(|last| last.elapsed() >= TELL);
            if due {
                *last = Some(Instant::now());
            }
            due
        };
        // Without the lock: the function may wait for the interpreter.
        if due {
            self.listener.tell(&self.what, done, self.total);
        }
    }
}

/// A run that came to its end.
#[pyclass(frozen, module = "querist._querist")]
pub struct Run {
    finished: Finished,
    report: PathBuf,
    warnings: Vec<String>,
}

#[pymethods]
impl Run {
    #[getter]
    fn dir(&self) -> &Path {
        self.finished.dir()
    }

    #[getter]
    fn report(&self) -> &Path {
        &self.report
    }

    #[getter]
    fn policy(&self) -> Option<PathBuf> {
        self.finished.policy()
    }

    #[getter]
    fn warnings(&self) -> Vec<String> {
        self.warnings.clone()
    }

    #[getter]
    fn rows_digest(&self) -> &str {
        &self.finished.summary().rows_digest
    }

    /// Cells without rows, and why.
    #[getter]
    fn failures(&self) -> Vec<(String, String)> {
        self.finished.failures().iter().map(|one| (one.cell.clone(), one.reason.clone())).collect()
    }

    /// The rows as a Parquet file.
    fn parquet<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        let bytes = py.detach(|| parquet(self.finished.rows(), self.finished.times()));
        PyBytes::new(py, &bytes)
    }

    /// The verdict for people; on `subject`, where another strategy than the policy is named.
    fn table(&self, py: Python<'_>, subject: Option<String>) -> String {
        py.detach(|| match subject {
            None => self.finished.table(),
            Some(subject) => self.finished.verdict_on(&subject).to_string(),
        })
    }

    /// What the rows say of each strategy on each task, as JSON.
    fn verdict_json(&self, py: Python<'_>) -> String {
        py.detach(|| json!(self.finished.verdict())).to_string()
    }
}
