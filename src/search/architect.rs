//! [`LocalArchitect`]: the monotone local search inside active learning.
//!
//! Geifman & El-Yaniv, "Deep Active Learning with a Neural Architecture Search", NeurIPS 2019: after every
//! query the network may stay, deepen or spread, judged on the labels in hand.

use super::bank::Banks;
use super::cache::ScoreCache;
use super::choice::Rule;
use super::evaluate::search;
use super::folds::Evaluation;
use super::plan::{Method, SearchPlan};
use crate::arch::{Domain, NetSpec, Space};
use crate::episode::{Architect, Choice, Labelled};
use crate::error::Result;
use crate::learner::TrainPlan;
use crate::rng::Key;

/// Walks a space as labels come in, for one episode.
#[derive(Clone, Debug)]
pub struct LocalArchitect<S: Space> {
    space: S,
    at: S::Point,
    folds: u32,
    training: TrainPlan,
    /// Labels that must have come in since the last search.
    every: usize,
    searched_at: usize,
}

impl<S: Space> LocalArchitect<S> {
    /// Starts at `start` and searches anew whenever `every` more labels are there; candidates are judged
    /// by `folds`-fold cross-validation and trained like the classifier itself (`training`).
    pub fn new(space: S, start: S::Point, folds: u32, training: TrainPlan, every: usize) -> Self {
        Self { space, at: start, folds, training, every: every.max(1), searched_at: 0 }
    }

    /// Where the walk stands.
    pub fn point(&self) -> &S::Point {
        &self.at
    }
}

impl<S: Space> Architect for LocalArchitect<S> {
    fn choose(&mut self, labelled: &Labelled<'_>, _current: &NetSpec, key: Key) -> Result<Choice> {
        let labels = labelled.rows.len();
        let domain = Domain::new(self.space.clone(), labelled.inputs.cols(), labelled.classes)?;
        if labels < self.folds.max(2) as usize || labels < self.searched_at + self.every {
            return Ok(Choice { spec: domain.spec(&self.at)?, steps: 0 });
        }
        self.searched_at = labels;
        let steps = self.training.steps_for(labels);
        let candidates = 1 + domain.moves(&self.at).len() as u64;
        let plan = SearchPlan {
            method: Method::Local { moves: 1, rule: Rule::OneStandardError },
            space: self.space.clone(),
            start: Some(self.at.clone()),
            steps,
            folds: self.folds,
            budget: candidates * u64::from(steps) * u64::from(self.folds),
        };
        let evaluation = Evaluation::new(
            labelled.inputs,
            labelled.rows,
            labelled.labels,
            labelled.classes,
            self.folds,
            self.training,
            key.named("folds"),
        )?;
        let mut cache = ScoreCache::default();
        let (answer, _) =
            search(&plan, &evaluation, &mut Banks, &mut cache, key.named("search"), None, |_| Ok(()))?;
        self.at = answer.point;
        Ok(Choice { spec: answer.spec, steps: answer.charged })
    }
}
