//! `querist.Session`: labelling in earnest.

use crate::error::raised;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use querist::Result;
use querist::data::columns::ColumnOptions;
use querist::data::dataset::MAX_WIDTH;
use querist::data::readers::ReadOptions;
use querist::experiment::sections::Decimal;
use querist::session::{self, ANNOTATOR, Answer, Chooser, Format, Price, RowName, SessionError, SessionPlan};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};

/// A session's folder, open.
#[pyclass(frozen, module = "querist._querist")]
pub struct Session(Mutex<session::Session>);

impl Session {
    /// Works on the session without the interpreter's lock, for which whoever has it in hand may be waiting.
    fn with<T: Send>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&mut session::Session) -> Result<T> + Send,
    ) -> PyResult<T> {
        let done = py.detach(|| work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner)));
        done.map_err(|error| raised(py, &error))
    }
}

/// A setting by its words.
fn word<T: FromStr>(name: &'static str, text: &str, expected: &str) -> Result<T, SessionError> {
    let refuse =
        |_| SessionError::Setting { name, found: format!("{text:?}"), expected: expected.to_string() };
    text.parse().map_err(refuse)
}

/// A number of a range.
fn small(name: &'static str, found: u64, least: u64, most: u64) -> Result<u64, SessionError> {
    match (least..=most).contains(&found) {
        true => Ok(found),
        false => Err(SessionError::Setting {
            name,
            found: found.to_string(),
            expected: format!("{least} to {most}"),
        }),
    }
}

#[pymethods]
impl Session {
    #[staticmethod]
    #[pyo3(signature = (dir, pool, *, features, label, id, columns, ignore, separator, header, decimal, inputs, channels, base, hash, svd, classes, policy, strategy, start, initial, batch, budget, lease, price, prices, spend, think, seed, task, label_separator))]
    #[expect(clippy::too_many_arguments, reason = "the settings of a session, by name")]
    fn create(
        py: Python<'_>,
        dir: PathBuf,
        pool: PathBuf,
        features: Vec<PathBuf>,
        label: Option<String>,
        id: Option<String>,
        columns: Vec<String>,
        ignore: Vec<String>,
        separator: Option<String>,
        header: Option<bool>,
        decimal: Option<String>,
        inputs: Option<String>,
        channels: Option<String>,
        base: Option<u64>,
        hash: Option<usize>,
        svd: Option<usize>,
        classes: Vec<String>,
        policy: String,
        strategy: Option<String>,
        start: Option<String>,
        initial: Option<usize>,
        batch: usize,
        budget: Option<usize>,
        lease: Option<u64>,
        price: Option<String>,
        prices: Option<BTreeMap<String, f64>>,
        spend: Option<f64>,
        think: usize,
        seed: u64,
        task: String,
        label_separator: Option<String>,
    ) -> PyResult<Self> {
        let create = || -> Result<session::Session> {
            let task = word("task", &task, "classification, regression, multi_label or segmentation")?;
            let columns = ColumnOptions {
                label,
                id,
                columns,
                ignore,
                task,
                label_separator,
                ..ColumnOptions::default()
            };
            let read = ReadOptions {
                features,
                columns,
                separator: separator
                    .map(|text| {
                        word("separator", &text, "comma, semicolon, tab, pipe, blanks, or one character")
                    })
                    .transpose()?,
                header,
                decimal: decimal
                    .map(|text| word("decimal", &text, ". or ,").map(|Decimal(mark)| mark))
                    .transpose()?,
                inputs,
                channels: channels.map(|text| word("channels", &text, "first or last")).transpose()?,
                base: base.map(|base| small("base", base, 0, 1)).transpose()?.map(|base| base as u8),
                hash: hash
                    .map(|hash| small("hash", hash as u64, 1, MAX_WIDTH as u64))
                    .transpose()?
                    .map(|n| n as usize),
                svd: svd
                    .map(|svd| small("svd", svd as u64, 1, MAX_WIDTH as u64))
                    .transpose()?
                    .map(|n| n as usize),
                ..ReadOptions::default()
            };
            let mut plan = SessionPlan {
                read,
                classes,
                chooser: strategy.map_or(Chooser::Policy(policy), Chooser::Strategy),
                initial,
                batch,
                budget,
                lease,
                price: prices.map(Price::Classes).or(price.map(Price::Column)),
                spend,
                think,
                seed,
                ..SessionPlan::new(pool)
            };
            if let Some(start) = start {
                plan.start = start;
            }
            session::Session::create(&dir, plan)
        };
        let created = py.detach(create);
        Ok(Self(Mutex::new(created.map_err(|error| raised(py, &error))?)))
    }

    #[staticmethod]
    fn open(py: Python<'_>, dir: PathBuf) -> PyResult<Self> {
        let opened = py.detach(|| session::Session::open(&dir));
        Ok(Self(Mutex::new(opened.map_err(|error| raised(py, &error))?)))
    }

    /// What is asked for, as JSON.
    fn ask(&self, py: Python<'_>, count: Option<usize>, annotator: Option<String>) -> PyResult<String> {
        self.with(py, |session| {
            let count = count.unwrap_or(session.settings().batch);
            Ok(json!(session.ask_as(annotator.as_deref().unwrap_or(ANNOTATOR), count)?).to_string())
        })
    }

    /// Takes answers: rows by number or id, and what was said of each. Returns as JSON what they came to.
    fn tell(
        &self,
        py: Python<'_>,
        answers: Vec<(Option<usize>, Option<String>, String)>,
        annotator: Option<String>,
    ) -> PyResult<String> {
        let annotator = annotator.as_deref().unwrap_or(ANNOTATOR);
        let answer = |(at, (row, id, text)): (usize, (Option<usize>, Option<String>, String))| {
            let mut answer = Answer::new(row.unwrap_or_default(), &text).by(annotator);
            answer.place = format!("answers: entry {at}");
            if let Some(id) = id {
                answer.row = RowName::Id(id);
            }
            answer
        };
        let answers: Vec<Answer> = answers.into_iter().enumerate().map(answer).collect();
        self.with(py, |session| Ok(json!(session.tell(&answers)?).to_string()))
    }

    /// Gives rows that were asked for, or all, free again.
    fn release(&self, py: Python<'_>, rows: Option<Vec<usize>>) -> PyResult<usize> {
        self.with(py, |session| session.release(rows.as_deref()))
    }

    /// How far it has come, as JSON and in words.
    fn status(&self, py: Python<'_>) -> PyResult<(String, String)> {
        self.with(py, |session| {
            let status = session.status()?;
            Ok((json!(status).to_string(), status.to_string()))
        })
    }

    /// The predictions for every row, as a Parquet file.
    fn predict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let bytes = self.with(py, |session| session.predict()?.table().bytes(Format::Parquet))?;
        Ok(PyBytes::new(py, &bytes))
    }

    /// The labels, as a Parquet file.
    fn labels<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let bytes = self.with(py, |session| session.labels()?.bytes(Format::Parquet))?;
        Ok(PyBytes::new(py, &bytes))
    }

    /// At most `most` rows with their places on the map of the pool, and the labelled rows with theirs and the numbers of
    /// their classes, as JSON.
    fn map(&self, py: Python<'_>, most: usize) -> PyResult<String> {
        self.with(py, |session| {
            let map = session.map();
            let rows: Vec<_> = map.sample(most).into_iter().map(|row| (row, map.place(row))).collect();
            let labelled = session.labelled()?;
            let labelled: Vec<_> =
                labelled.into_iter().map(|(row, class)| (row, map.place(row), class)).collect();
            Ok(json!({ "rows": rows, "labelled": labelled }).to_string())
        })
    }

    /// What people are shown of a row, as JSON.
    fn content(&self, py: Python<'_>, row: usize) -> PyResult<String> {
        self.with(py, |session| {
            let content = session.content(row)?;
            Ok(json!(content.fields).to_string())
        })
    }
}
