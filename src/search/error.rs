//! What can go wrong in a search.

use crate::error::{Exit, Fault, shorten};
use std::fmt::Display;

/// Why a search is refused, or ends without an architecture.
#[derive(Clone, Debug, PartialEq, thiserror::Error, miette::Diagnostic)]
#[non_exhaustive]
pub enum SearchError {
    /// Every architecture that was tried failed.
    #[error("architecture search: all {tried} candidates failed, the first, {point}, because {reason}")]
    #[diagnostic(help("lower the learning rate, or give the search more labelled rows"))]
    AllFailed { tried: usize, point: String, reason: String },
    /// The budget does not cover the first candidate.
    #[error("architecture search: the budget is {budget} gradient steps, one candidate costs {needed}")]
    #[diagnostic(help("raise the budget, or lower the steps or folds of one candidate"))]
    Budget { budget: u64, needed: u64 },
    /// A setting outside its range.
    #[error("architecture search: {setting} is {found}, expected {expected}")]
    Setting { setting: &'static str, found: String, expected: String },
    /// Too few labelled rows to hold any out.
    #[error("architecture search: {found} labelled rows, at least {needed} are needed to hold some out")]
    TooFewLabels { found: usize, needed: usize },
    /// The labelled rows do not fit the pool they come from.
    #[error("architecture search: {what} is {found}, expected {expected}")]
    Labelled { what: &'static str, found: u64, expected: String },
    /// A log that another search wrote.
    #[error("search log: {field} is {found}, this search has {expected}")]
    #[diagnostic(help("a search resumes with the plan, the data and the seed that it began with"))]
    Header { field: &'static str, found: String, expected: String },
    /// A log whose records are not what the search asks for.
    #[error("search log: record {at} is {found}, the search asks for {expected}")]
    #[diagnostic(help("the log was edited or mixed up with another; remove it to start again"))]
    Record { at: usize, found: String, expected: String },
    /// A trainer that answered with another number of scores than it was given jobs.
    #[error("architecture search: {found} scores came back for {expected} trainings")]
    Answers { found: usize, expected: usize },
    /// argmin stopped the annealing.
    #[error("simulated annealing: {reason}")]
    Annealing { reason: String },
    /// Nothing to learn a starting architecture from.
    #[error("architecture prior: {what} is {found}, expected {expected}")]
    Evidence { what: String, found: String, expected: String },
    /// An architecture file that must not be used.
    #[error("architecture file: {what} is {}, expected {expected}", shorten(found))]
    ArchFile { what: String, found: String, expected: String },
    /// An architecture file that is not the JSON it should be.
    #[error("architecture file: line {line}, column {column}: {reason}")]
    ArchSyntax { line: usize, column: usize, reason: String },
}

impl SearchError {
    /// Refuses a setting that is not within `least..=most`.
    pub(super) fn unless_within<T: PartialOrd + Display>(
        setting: &'static str,
        found: T,
        least: T,
        most: T,
    ) -> Result<(), Self> {
        if found >= least && found <= most {
            return Ok(());
        }
        Err(Self::Setting { setting, found: found.to_string(), expected: format!("{least} to {most}") })
    }
}

impl Fault for SearchError {
    fn exit(&self) -> Exit {
        match self {
            Self::AllFailed { .. } | Self::Answers { .. } | Self::Annealing { .. } => Exit::Failed,
            _ => Exit::BadInput,
        }
    }
}
