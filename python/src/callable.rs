//! Functions of Python as strategies.

use crate::error::raised;
use numpy::{IntoPyArray, PyArray1, PyArray2, PyArrayMethods};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use querist::data::{Matrix, RowId};
use querist::error::Fault;
use querist::query::external::{AnswerError, Question};
use querist::query::registry::{Built, Card, Entry, Params, Registry};
use querist::query::{Needs, PoolView, QueryError, Strategy};
use querist::{Key, Result};
use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

const NEEDS: Needs = Needs { inputs: true, probabilities: true, labels: true, ..Needs::NONE };

/// The functions that can be built at the moment, by name: an entry of a registry holds a plain function, which finds here
/// what it stands for.
static FUNCTIONS: LazyLock<Mutex<HashMap<&'static str, Py<PyAny>>>> = LazyLock::new(Mutex::default);
/// All names that were ever registered: those of entries live as long as the process.
static NAMES: Mutex<Vec<&'static str>> = Mutex::new(Vec::new());

fn functions() -> MutexGuard<'static, HashMap<&'static str, Py<PyAny>>> {
    FUNCTIONS.lock().unwrap_or_else(PoisonError::into_inner)
}

fn interned(name: &str) -> &'static str {
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    names.iter().find(|known| **known == name).copied().unwrap_or_else(|| {
        let name: &'static str = name.to_string().leak();
        names.push(name);
        name
    })
}

/// Why a function's answer cannot be used.
#[derive(Debug)]
enum CallableError {
    /// It raised.
    Raised { name: String, reason: String },
    /// Its answer breaks the contract.
    Answer { name: String, broken: AnswerError },
}

impl std::fmt::Display for CallableError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            CallableError::Raised { name, reason } => write!(f, "strategy `{name}` raised {reason}"),
            CallableError::Answer { name, broken } => write!(f, "strategy `{name}`: {broken}"),
        }
    }
}

impl std::error::Error for CallableError {}

impl miette::Diagnostic for CallableError {}

impl Fault for CallableError {}

/// Functions that are strategies as long as this lives.
pub struct Registered {
    registry: Registry,
    names: Vec<&'static str>,
}

impl Registered {
    /// Those of a dictionary, by name, beside all others.
    pub fn new(own: &Bound<'_, PyAny>) -> PyResult<Self> {
        let py = own.py();
        let mut all = Self { registry: crate::strategies::registry(), names: Vec::new() };
        for (name, function) in own.cast::<PyDict>()? {
            let name = interned(&name.extract::<String>()?);
            let entry = Entry::new(Card { needs: NEEDS, ..Card::new(name, "a function of Python") }, make);
            all.registry = all.registry.clone().with(entry).map_err(|error| raised(py, &error.into()))?;
            if functions().contains_key(name) {
                let error = QueryError::Taken { name: format!("{name}, in a run that is still going on,") };
                return Err(raised(py, &error.into()));
            }
            functions().insert(name, function.unbind());
            all.names.push(name);
        }
        Ok(all)
    }

    /// All strategies and these.
    pub fn registry(&self) -> Registry {
        self.registry.clone()
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        for name in &self.names {
            // What goes with a function may run code of its own: not under the lock.
            let removed = functions().remove(name);
            drop(removed);
        }
    }
}

fn make(params: &mut Params<'_>) -> Result<Built> {
    let name = params.strategy().to_string();
    let found = Python::attach(|py| functions().get(name.as_str()).map(|function| function.clone_ref(py)));
    match found {
        Some(function) => Built::batch(Callable { name, function, utilities: None }),
        None => Err(QueryError::Unknown { name, hint: None }.into()),
    }
}

struct Callable {
    name: String,
    function: Py<PyAny>,
    utilities: Option<Vec<f64>>,
}

impl Callable {
    /// What the function says: ids, and what each is worth.
    fn answer(&self, py: Python<'_>, question: &Question) -> PyResult<(Vec<i64>, Option<Vec<f64>>)> {
        let query = self::query(py, question)?;
        let answered = self.function.bind(py).call1((query,))?;
        py.import("querist._query")?.call_method1("answer", (answered,))?.extract()
    }
}

impl Strategy for Callable {
    fn select(&mut self, view: &PoolView<'_>, batch: usize, key: Key) -> Result<Vec<RowId>> {
        self.utilities = None;
        view.check(NEEDS)?;
        let question = Question::of(view, NEEDS, batch, key)?;
        if question.batch == 0 {
            return Ok(Vec::new());
        }
        let answered = Python::attach(|py| self.answer(py, &question).map_err(|error| error.to_string()));
        let name = || self.name.clone();
        let (picks, utilities) = answered.map_err(|reason| CallableError::Raised { name: name(), reason })?;
        let rows = question
            .rows(&picks, utilities.as_deref())
            .map_err(|broken| CallableError::Answer { name: name(), broken })?;
        self.utilities = utilities;
        Ok(rows)
    }

    fn needs(&self) -> Needs {
        NEEDS
    }

    fn utilities(&self) -> Option<&[f64]> {
        self.utilities.as_deref()
    }
}

/// `querist.Query`.
fn query<'py>(py: Python<'py>, question: &Question) -> PyResult<Bound<'py, PyAny>> {
    let table = |matrix: &Matrix| -> PyResult<Bound<'py, PyArray2<f32>>> {
        PyArray1::from_slice(py, matrix.values()).reshape([matrix.rows(), matrix.cols()])
    };
    let ids = |ids: &[u32]| ids.iter().map(|&id| i64::from(id)).collect::<Vec<_>>().into_pyarray(py);
    let fields = PyDict::new(py);
    fields.set_item("batch", question.batch)?;
    fields.set_item("seed", question.seed)?;
    fields.set_item("classes", question.classes)?;
    fields.set_item("candidates", ids(&question.candidates))?;
    fields.set_item("features", table(&question.features)?)?;
    fields.set_item("probabilities", question.probabilities.as_ref().map(table).transpose()?)?;
    fields.set_item("labelled", ids(&question.labelled))?;
    fields.set_item("labels", question.labels.as_deref().map(ids))?;
    fields.set_item("labelled_features", table(&question.labelled_features)?)?;
    py.import("querist._query")?.getattr("Query")?.call((), Some(&fields))
}
