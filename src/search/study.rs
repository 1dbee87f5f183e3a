//! [`Study`]: one search with its budget and its log.

use super::error::SearchError;
use super::history::{Candidate, History, Outcome, Record};
use super::plan::SearchPlan;
use super::{Next, Search, best_known};
use crate::arch::{Domain, NetSpec, Space};
use crate::error::Result;
use crate::rng::Key;
use serde::{Deserialize, Serialize};

/// The most candidates that are asked for at once; what one call trains side by side is bounded by it.
pub const MAX_BATCH: usize = 32;
/// The version of the log format.
pub const LOG_VERSION: u32 = 1;

/// What a log belongs to: everything that a search's path depends on but its budget, so that a
/// finished search can be continued with a larger one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, bound = "")]
pub struct Header<S: Space> {
    /// [`LOG_VERSION`].
    pub version: u32,
    /// The search and its settings.
    pub method: String,
    /// Where it walks.
    pub space: S,
    /// Where it starts.
    pub start: S::Point,
    /// Gradient steps of one training.
    pub steps: u32,
    /// Trainings of one candidate.
    pub folds: u32,
    /// Numbers per example.
    pub inputs: usize,
    /// Classes.
    pub outputs: usize,
    /// The search's key.
    pub key: Key,
    /// What scores are made of: [`Evaluation::digest`](super::Evaluation::digest).
    pub evaluation: String,
}

/// A replayable log: serialise it whole, or the header once and each [`Record`] as it is told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, bound = "")]
pub struct SearchLog<S: Space> {
    /// Whose records these are.
    pub header: Header<S>,
    /// One per scored candidate, in the order in which the search asked.
    pub records: Vec<Record<S::Point>>,
}

/// What a search came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer<P> {
    /// The architecture.
    pub point: P,
    /// As a network.
    pub spec: NetSpec,
    /// Its mean score.
    pub score: f64,
    /// Gradient steps that the search was charged.
    pub charged: u64,
}

/// A search under way: ask, score, tell, until [`ask`](Self::ask) answers nothing.
pub struct Study<S: Space> {
    search: Box<dyn Search<S::Point>>,
    domain: Domain<S>,
    header: Header<S>,
    budget: u64,
    history: History<S::Point>,
}

impl<S: Space> Study<S> {
    /// A study that has not scored anything.
    ///
    /// `evaluation` identifies what scores are made of (data, labelled rows, training); a log with
    /// another one is refused on [`resume`](Self::resume).
    ///
    /// # Errors
    /// A setting, space or point that is refused; a budget below the cost of the first candidate.
    pub fn new(
        plan: &SearchPlan<S>,
        inputs: usize,
        outputs: usize,
        evaluation: &str,
        key: Key,
    ) -> Result<Self> {
        let (domain, search) = plan.build(inputs, outputs, key)?;
        let header = Header {
            version: LOG_VERSION,
            method: format!("{:?}", plan.method),
            space: plan.space.clone(),
            start: plan.start.clone().unwrap_or_else(|| plan.space.start()),
            steps: plan.steps,
            folds: plan.folds,
            inputs,
            outputs,
            key,
            evaluation: evaluation.to_string(),
        };
        let study = Self { search, domain, header, budget: plan.budget, history: History::default() };
        match study.next()?.ask.first() {
            Some(first) if study.cost(first) > study.budget => {
                Err(SearchError::Budget { budget: study.budget, needed: study.cost(first) }.into())
            }
            _ => Ok(study),
        }
    }

    /// A study that continues where `log` ends, after checking that the log is its own: header and
    /// every record must be what this search asks for. The budget is the plan's, not the log's.
    ///
    /// # Errors
    /// As [`new`](Self::new); [`SearchError::Header`] and [`SearchError::Record`] for a log of another
    /// search.
    pub fn resume(
        plan: &SearchPlan<S>,
        inputs: usize,
        outputs: usize,
        evaluation: &str,
        key: Key,
        log: &SearchLog<S>,
    ) -> Result<Self> {
        let mut study = Self::new(plan, inputs, outputs, evaluation, key)?;
        study.check_header(&log.header)?;
        for (at, record) in log.records.iter().enumerate() {
            let refuse = |found: String, expected: String| SearchError::Record { at, found, expected };
            // Not `ask`: a log may be longer than a budget that was lowered since.
            let asked = study.next()?.ask;
            let Some(first) = asked.first() else {
                return Err(refuse(shown(&record.candidate), "nothing more".to_string()).into());
            };
            if record.candidate != *first {
                return Err(refuse(shown(&record.candidate), shown(first)).into());
            }
            let cost = study.cost(first);
            if record.charged != cost {
                return Err(refuse(format!("charged {}", record.charged), format!("{cost}")).into());
            }
            let folds = study.header.folds as usize;
            if !record.outcome.is_sound() || record.outcome.folds().is_some_and(|f| f.len() != folds) {
                return Err(refuse(format!("{:?}", record.outcome), format!("{folds} finite scores")).into());
            }
            study.history.push(record.clone());
        }
        Ok(study)
    }

    /// What to score next, within the budget; empty when the search is finished or the budget spent.
    ///
    /// # Errors
    /// What [`Search::next`] fails with.
    pub fn ask(&self) -> Result<Vec<Candidate<S::Point>>> {
        let mut left = self.budget.saturating_sub(self.history.charged());
        let mut affordable = self.next()?.ask;
        affordable.truncate(MAX_BATCH);
        let fits = affordable.iter().take_while(|candidate| {
            let cost = self.cost(candidate);
            let fits = cost <= left;
            left = left.saturating_sub(cost);
            fits
        });
        let count = fits.count();
        affordable.truncate(count);
        Ok(affordable)
    }

    /// Records the outcome of the candidate that [`ask`](Self::ask) lists first, and returns the record
    /// to be journalled. Scores that are not finite become failures.
    ///
    /// # Errors
    /// [`SearchError::Record`] if another candidate is due, [`SearchError::Answers`] for another number
    /// of fold scores than planned.
    pub fn tell(&mut self, candidate: &Candidate<S::Point>, outcome: Outcome) -> Result<&Record<S::Point>> {
        let due = self.ask()?;
        if due.first() != Some(candidate) {
            let expected = due.first().map_or("nothing more".to_string(), shown);
            let at = self.history.records().len();
            return Err(SearchError::Record { at, found: shown(candidate), expected }.into());
        }
        let outcome = match outcome {
            Outcome::Scored { folds } if folds.len() != self.header.folds as usize => {
                let expected = self.header.folds as usize;
                return Err(SearchError::Answers { found: folds.len(), expected }.into());
            }
            Outcome::Scored { folds } => Outcome::of(folds),
            failed => failed,
        };
        let at = self.history.records().len();
        self.history.push(Record { candidate: candidate.clone(), charged: self.cost(candidate), outcome });
        Ok(&self.history.records()[at])
    }

    /// Asks, scores and tells until the search is finished. `score` is given candidates to score
    /// together and answers one outcome for each; `observe` sees every record as it is made (a journal,
    /// a progress bar).
    ///
    /// # Errors
    /// What `score` and `observe` fail with, and [`answer`](Self::answer).
    pub fn run(
        &mut self,
        mut score: impl FnMut(&Domain<S>, &[Candidate<S::Point>]) -> Result<Vec<Outcome>>,
        mut observe: impl FnMut(&Record<S::Point>) -> Result<()>,
    ) -> Result<Answer<S::Point>> {
        loop {
            let asked = self.ask()?;
            if asked.is_empty() {
                return self.answer();
            }
            let outcomes = score(&self.domain, &asked)?;
            if outcomes.len() != asked.len() {
                return Err(SearchError::Answers { found: outcomes.len(), expected: asked.len() }.into());
            }
            for (candidate, outcome) in asked.iter().zip(outcomes) {
                observe(self.tell(candidate, outcome)?)?;
            }
        }
    }

    /// The architecture found so far: the search's incumbent; where that failed, the best of what was
    /// trained longest.
    ///
    /// # Errors
    /// [`SearchError::AllFailed`] if nothing was scored.
    pub fn answer(&self) -> Result<Answer<S::Point>> {
        let records = self.history.records();
        let Some(steps) =
            records.iter().filter(|r| r.outcome.mean().is_some()).map(|r| r.candidate.steps).max()
        else {
            let (point, reason) = match records.first() {
                Some(Record { candidate, outcome: Outcome::Failed { reason }, .. }) => {
                    (candidate.point.to_string(), reason.clone())
                }
                _ => (self.header.start.to_string(), "it was never scored".to_string()),
            };
            return Err(SearchError::AllFailed { tried: records.len(), point, reason }.into());
        };
        let mean = |point: &S::Point| self.history.get(&Candidate { point: point.clone(), steps })?.mean();
        let incumbent = self.next()?.incumbent.filter(|point| mean(point).is_some());
        let point = incumbent
            .or_else(|| best_known(&self.domain, &self.history, steps))
            .unwrap_or_else(|| self.header.start.clone());
        let spec = self.domain.spec(&point)?;
        let score = mean(&point).unwrap_or(f64::NEG_INFINITY);
        Ok(Answer { point, spec, score, charged: self.history.charged() })
    }

    /// Everything told so far.
    pub fn history(&self) -> &History<S::Point> {
        &self.history
    }

    /// The space, bound to the task's shape.
    pub fn domain(&self) -> &Domain<S> {
        &self.domain
    }

    /// Gradient steps left.
    pub fn left(&self) -> u64 {
        self.budget.saturating_sub(self.history.charged())
    }

    /// The log to be stored.
    pub fn log(&self) -> SearchLog<S> {
        SearchLog { header: self.header.clone(), records: self.history.records().to_vec() }
    }

    fn next(&self) -> Result<Next<S::Point>> {
        self.search.next(&self.history)
    }

    fn cost(&self, candidate: &Candidate<S::Point>) -> u64 {
        u64::from(candidate.steps) * u64::from(self.header.folds)
    }

    fn check_header(&self, found: &Header<S>) -> Result<(), SearchError> {
        let own = &self.header;
        let differs = |field, found: String, expected: String| {
            if found == expected { Ok(()) } else { Err(SearchError::Header { field, found, expected }) }
        };
        differs("version", found.version.to_string(), own.version.to_string())?;
        differs("method", found.method.clone(), own.method.clone())?;
        differs("space", format!("{:?}", found.space), format!("{:?}", own.space))?;
        differs("start", found.start.to_string(), own.start.to_string())?;
        differs("steps", found.steps.to_string(), own.steps.to_string())?;
        differs("folds", found.folds.to_string(), own.folds.to_string())?;
        differs("inputs", found.inputs.to_string(), own.inputs.to_string())?;
        differs("outputs", found.outputs.to_string(), own.outputs.to_string())?;
        differs("key", format!("{:?}", found.key), format!("{:?}", own.key))?;
        differs("evaluation", found.evaluation.clone(), own.evaluation.clone())
    }
}

fn shown<P: std::fmt::Display>(candidate: &Candidate<P>) -> String {
    format!("{} at {} steps", candidate.point, candidate.steps)
}
