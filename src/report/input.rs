//! What a report is made of: plain records that the caller fills in. A section whose records are
//! absent is left out of the report.

use super::contrast::Judged;
use super::verdict::Verdict;
use crate::episode::Row;
use crate::query::Registry;
use crate::run::{Pictured, QueryTimes};
use std::sync::Arc;

/// Everything a report shows.
#[derive(Clone, Debug)]
pub struct ReportInput {
    /// The heading, usually the experiment's name.
    pub title: String,
    /// The tidy rows that the verdict judged.
    pub rows: Arc<[Row]>,
    /// Seconds that their queries took.
    pub times: QueryTimes,
    /// Images of repetition 0 with predicted and true masks, in the order of rows.
    pub overlays: Vec<Pictured>,
    /// The verdict on them.
    pub verdict: Verdict,
    /// The strategies that are known, those that read hidden labels among them.
    pub registry: Registry,
    /// The strategy drawn in the foreground.
    pub subject: String,
    /// The policy's training, in order.
    pub training: Vec<TrainingPoint>,
    /// Architecture searches, in order of their steps within each path.
    pub search: Vec<SearchPoint>,
    /// Architectures that strategies were played with, side by side.
    pub variants: Vec<Variant>,
    /// Weighed sums of strategies that answer what the experiment asks.
    pub contrasts: Vec<Judged>,
    /// What the policy looks at.
    pub importance: Vec<Importance>,
    /// What the policy asks for over the course of an episode, phase by phase.
    pub selection_profile: Vec<Picks>,
    /// The rows every task keeps apart.
    pub separation: Vec<Separation>,
    /// The resolved plan as TOML text.
    pub plan: Option<String>,
    /// What the run cost and what identifies it.
    pub facts: Vec<Fact>,
}

impl ReportInput {
    /// A report of rows and their verdict alone.
    pub fn new(title: impl Into<String>, rows: impl Into<Arc<[Row]>>, verdict: Verdict) -> Self {
        Self {
            title: title.into(),
            rows: rows.into(),
            times: QueryTimes::default(),
            overlays: Vec::new(),
            verdict,
            registry: Registry::builtin(),
            subject: super::verdict::VerdictOptions::default().subject,
            training: Vec::new(),
            search: Vec::new(),
            variants: Vec::new(),
            contrasts: Vec::new(),
            importance: Vec::new(),
            selection_profile: Vec::new(),
            separation: Vec::new(),
            plan: None,
            facts: Vec::new(),
        }
    }
}

/// One validation of a policy in training.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainingPoint {
    /// The iteration, counted over all stages.
    pub iteration: u64,
    /// The stage ("imitation", "policy gradient").
    pub stage: String,
    /// Mean AULC lead over the [usual](crate::query::usual) strategy (margin, where targets are classes) on the validation episodes, as a share; positive = better.
    pub gain: f64,
    /// Its 95 % interval, if there is one.
    pub ci95: Option<[f64; 2]>,
}

/// One architecture that a search looked at.
#[derive(Clone, Debug, PartialEq)]
pub struct SearchPoint {
    /// Which search ("sources", "wine, repetition 3").
    pub path: String,
    /// The round or the number of evaluations so far.
    pub step: u64,
    /// The architecture, as its spec prints it.
    pub architecture: String,
    /// Its score, a share; higher = better.
    pub score: f64,
    /// Whether the search moved there.
    pub accepted: bool,
    /// Its parameters, if counted.
    pub parameters: Option<u64>,
}

/// A strategy with an architecture, where a run compares several.
#[derive(Clone, Debug, PartialEq)]
pub struct Variant {
    /// The name under which its rows stand.
    pub name: String,
    /// The strategy.
    pub strategy: String,
    /// The architecture, by the word that asked for it.
    pub architecture: String,
}

/// How often the policy chooses otherwise when one feature is shuffled.
#[derive(Clone, Debug, PartialEq)]
pub struct Importance {
    /// The feature.
    pub name: String,
    /// The share of states in which the first choice changes; higher = the policy relies on it more.
    pub mean: f64,
    /// Its 95 % interval, if there is one.
    pub ci95: Option<[f64; 2]>,
}

/// The rows that the policy asks for in one phase of its episodes.
#[derive(Clone, Debug, PartialEq)]
pub struct Picks {
    /// The phase, in labels per class ("1 to 2").
    pub phase: String,
    /// How many rows.
    pub picks: u64,
    /// The mean quantile of each feature among them, -1 to 1.
    pub quantiles: Vec<(String, f64)>,
}

/// The disjoint rows of one task, or of many that stand in one line; counts are the least and the greatest of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Separation {
    /// The task, or which tasks ("200 generated tasks of 7 families").
    pub task: String,
    /// Whether the policy was trained on it ("source") or not ("target").
    pub role: String,
    /// Rows a strategy may ask labels of.
    pub train: [usize; 2],
    /// Rows the reward is measured on.
    pub reward: [usize; 2],
    /// Rows, not charged, whose loss tells fits when to stop.
    pub validation: [usize; 2],
    /// Rows the curves are measured on; neither queried nor rewarded.
    pub test: [usize; 2],
}

impl Separation {
    /// One line for many tasks; `None` for none.
    pub fn of_many(task: &str, lines: &[Separation]) -> Option<Self> {
        let span = |of: fn(&Separation) -> [usize; 2]| {
            let least = lines.iter().map(|line| of(line)[0]).min()?;
            Some([least, lines.iter().map(|line| of(line)[1]).max()?])
        };
        Some(Self {
            task: task.to_owned(),
            role: lines.first()?.role.clone(),
            train: span(|line| line.train)?,
            reward: span(|line| line.reward)?,
            validation: span(|line| line.validation)?,
            test: span(|line| line.test)?,
        })
    }
}

/// A named fact about the run: seconds, peak memory, digests, versions.
#[derive(Clone, Debug, PartialEq)]
pub struct Fact {
    /// What it is.
    pub name: String,
    /// Its value, ready to print.
    pub value: String,
}
