//! `querist.Selector`: one query on arrays.

use crate::arrays::{Numbers, Rows, unsigned, view, views};
use crate::callable::Registered;
use crate::error::{raised, typed};
use crate::policy::Policy;
use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use querist::query::registry::Built;
use querist::select::{self, Argument, Need, Request, Words};
use std::sync::{Arc, Mutex, TryLockError};

/// How the arguments are given from Python.
struct Keywords;

impl Words for Keywords {
    fn argument(&self, argument: Argument) -> String {
        match argument {
            Argument::Features => "X".to_string(),
            Argument::Normalised => "normalise=True".to_string(),
            other => other.name().to_string(),
        }
    }

    fn place(&self, argument: Argument) -> String {
        self.argument(argument)
    }

    fn give(&self, need: Need) -> String {
        match need {
            Need::PredictedLoss => {
                "it works within an experiment only (`querist.run`); of losses of your own, ask for the largest"
            }
            Need::Episode => "it works within an experiment only (`querist.run`)",
            need => need.advice(),
        }
        .to_string()
    }

    fn choose_by_policy(&self) -> String {
        "choose by a policy: `Policy.load(\"universal\")`".to_string()
    }
}

/// Who chooses: a strategy, or a policy. A strategy that learns from query to query keeps what it learned.
#[pyclass(frozen, module = "querist._querist")]
pub struct Selector {
    selector: Mutex<select::Selector>,
    needs: Vec<Need>,
    is_score: bool,
}

/// Rows, what each is worth, what there is to be told; candidates and classes that there were, and seconds.
type Chosen<'py> =
    (Bound<'py, PyArray1<i64>>, Option<Bound<'py, PyArray1<f64>>>, Option<String>, usize, usize, f64);

#[pymethods]
impl Selector {
    #[staticmethod]
    fn of_strategy(py: Python<'_>, specification: &str, own: Option<Bound<'_, PyAny>>) -> PyResult<Self> {
        let registered = own.map(|own| Registered::new(&own)).transpose()?;
        let registry = registered.as_ref().map_or_else(crate::strategies::registry, Registered::registry);
        let selector = select::Selector::of(&registry, specification).map_err(|error| raised(py, &error))?;
        let score = specification.parse().map_err(Into::into).and_then(|spec| registry.built(&spec));
        Ok(Self {
            needs: selector.needs(),
            selector: Mutex::new(selector),
            is_score: matches!(score, Ok(Built::Score(_))),
        })
    }

    #[staticmethod]
    fn of_policy(policy: &Policy) -> Self {
        let selector = select::Selector::policy(Arc::clone(&policy.policy));
        Self { needs: selector.needs(), selector: Mutex::new(selector), is_score: false }
    }

    /// The arguments that it cannot do without: of each list, one.
    fn needs(&self) -> Vec<Vec<&'static str>> {
        self.needs.iter().map(|need| need.arguments().iter().map(|one| one.name()).collect()).collect()
    }

    /// Whether it rates each candidate by itself: a larger batch then begins with the smaller one.
    fn is_score(&self) -> bool {
        self.is_score
    }

    #[pyo3(signature = (x, *, labelled, labels, probabilities, passes, committee, embeddings, head, temperature, classes, budget, batch, seed, normalise))]
    #[expect(clippy::too_many_arguments, reason = "the arguments of a query, by name")]
    fn select<'py>(
        &self,
        py: Python<'py>,
        x: Rows<'py>,
        labelled: Numbers<'py>,
        labels: Option<Numbers<'py>>,
        probabilities: Option<Rows<'py>>,
        passes: Vec<Rows<'py>>,
        committee: Vec<Rows<'py>>,
        embeddings: Option<Rows<'py>>,
        head: Option<(Rows<'py>, PyReadonlyArray1<'py, f32>)>,
        temperature: Option<f32>,
        classes: Option<usize>,
        budget: Option<usize>,
        batch: usize,
        seed: u64,
        normalise: bool,
    ) -> PyResult<Chosen<'py>> {
        let rows: Vec<usize> = unsigned(py, "labelled", "a row of X", &labelled)?;
        let of_rows: Option<Vec<u32>> =
            labels.map(|labels| unsigned(py, "labels", "a class", &labels)).transpose()?;
        let (x, rows, labels) = (view(&x)?, &rows[..], of_rows.as_deref());
        let probabilities = probabilities.as_ref().map(view).transpose()?;
        let (passes, committee) = (views(&passes)?, views(&committee)?);
        let embeddings = embeddings.as_ref().map(view).transpose()?;
        let head = match &head {
            Some((weights, bias)) => Some((view(weights)?, bias.as_slice()?)),
            None => None,
        };
        let selection = py.detach(|| {
            let mut request = Request::new(x).labelled(rows).batch(batch).seed(seed).words(&Keywords);
            request = request.passes(passes).committee(committee);
            if let Some(labels) = labels {
                request = request.labels(labels);
            }
            if let Some(probabilities) = probabilities {
                request = request.probabilities(probabilities);
            }
            if let Some(embeddings) = embeddings {
                request = request.embeddings(embeddings);
            }
            if let Some((weights, bias)) = head {
                request = request.head(weights, bias);
            }
            if let Some(temperature) = temperature {
                request = request.temperature(temperature);
            }
            if let Some(classes) = classes {
                request = request.classes(classes);
            }
            if let Some(budget) = budget {
                request = request.budget(budget);
            }
            if normalise {
                request = request.normalised();
            }
            // Not `lock`: a function that is a strategy may ask the selector that asks it.
            match self.selector.try_lock() {
                Ok(mut selector) => Some(selector.select(request)),
                Err(TryLockError::Poisoned(selector)) => Some(selector.into_inner().select(request)),
                Err(TryLockError::WouldBlock) => None,
            }
        });
        let Some(selection) = selection else {
            let message = "the selector is in the middle of another selection; make one for each thread";
            return Err(typed(py, message, "Busy", &PyDict::new(py)));
        };
        let selection = selection.map_err(|error| raised(py, &error))?;
        let picks: Vec<i64> = selection.picks.iter().map(|&row| row as i64).collect();
        let utilities = selection.utilities.map(|utilities| utilities.into_pyarray(py));
        let (candidates, classes) = (selection.candidates, selection.classes);
        Ok((
            picks.into_pyarray(py),
            utilities,
            selection.note,
            candidates,
            classes,
            selection.time.as_secs_f64(),
        ))
    }
}
