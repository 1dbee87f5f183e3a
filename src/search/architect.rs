//! Who chooses an episode's architecture by a space: the local search, what source tasks taught, or a
//! policy's third head with the local search behind it.

use super::bank::Banks;
use super::cache::ScoreCache;
use super::choice::Rule;
use super::evaluate::search;
use super::folds::Evaluation;
use super::local::Local;
use super::plan::SearchPlan;
use super::prior::nearest;
use crate::agent::HeadArchitect;
use crate::arch::{ArchSpace, Domain, NetSpec, Space};
use crate::episode::{Architect, Choice, Labelled};
use crate::error::Result;
use crate::learner::TrainPlan;
use crate::rng::Key;
use std::sync::Arc;

/// Walks a space as labels come in, for one episode: after every query the network may stay, deepen or
/// spread, judged on the labels in hand (Geifman & El-Yaniv, "Deep Active Learning with a Neural
/// Architecture Search", NeurIPS 2019).
#[derive(Clone, Debug)]
pub struct LocalArchitect<S: Space> {
    space: S,
    at: S::Point,
    folds: u32,
    training: TrainPlan,
    /// Labels that must have come in since the last search.
    every: usize,
    /// Steps of a candidate's training over those of the classifier.
    share: f64,
    searched_at: usize,
}

impl<S: Space> LocalArchitect<S> {
    /// Starts at `start` and searches anew whenever `every` more labels are there; candidates are judged
    /// by `folds`-fold cross-validation and trained like the classifier itself (`training`).
    pub fn new(space: S, start: S::Point, folds: u32, training: TrainPlan, every: usize) -> Self {
        Self { space, at: start, folds, training, every: every.max(1), share: 1.0, searched_at: 0 }
    }

    /// The same with candidates that are trained for this share of the classifier's steps. Published: 50 of
    /// 200 epochs.
    pub fn with_share(self, share: f64) -> Self {
        Self { share, ..self }
    }

    /// Where the walk stands.
    pub fn point(&self) -> &S::Point {
        &self.at
    }

    /// Goes on from `point`.
    pub fn set_point(&mut self, point: S::Point) {
        self.at = point;
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
        let full = self.training.steps_for(labels);
        let steps = ((f64::from(full) * self.share).round() as u32).max(1);
        let candidates = 1 + domain.moves(&self.at).len() as u64;
        let plan = SearchPlan {
            method: Arc::new(Local { moves: 1, rule: Rule::OneStandardError }),
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

/// Takes in every round what was best on source tasks at so many labels per class. It trains nothing, and
/// may shrink.
#[derive(Clone, Debug)]
pub struct PriorArchitect<S: Space> {
    space: S,
    /// What was best at so many labels per class, ascending; at least one.
    starts: Vec<(f64, S::Point)>,
}

impl<S: Space> PriorArchitect<S> {
    /// `starts`: labels per class, ascending, and the point that was best there; `start` where there are
    /// none.
    pub fn new(space: S, start: S::Point, starts: Vec<(f64, S::Point)>) -> Self {
        let starts = if starts.is_empty() { vec![(1.0, start)] } else { starts };
        Self { space, starts }
    }

    /// What was best at so many labels per class.
    pub fn point(&self, labels_per_class: f64) -> S::Point {
        let at = nearest(self.starts.iter().map(|(level, _)| *level), labels_per_class).unwrap_or(0);
        self.starts[at].1.clone()
    }
}

impl<S: Space> Architect for PriorArchitect<S> {
    fn choose(&mut self, labelled: &Labelled<'_>, _current: &NetSpec, _key: Key) -> Result<Choice> {
        let at = self.point(labelled.rows.len() as f64 / labelled.classes as f64);
        let spec = self.space.spec(&at, labelled.inputs.cols(), labelled.classes)?;
        Ok(Choice { spec, steps: 0 })
    }
}

/// The head moves, and the local search goes on from where it moved, in every round.
#[derive(Clone, Debug)]
pub struct GuidedArchitect {
    head: HeadArchitect,
    local: LocalArchitect<ArchSpace>,
}

impl GuidedArchitect {
    /// Both must walk the same space, and start at the same point.
    pub fn new(head: HeadArchitect, local: LocalArchitect<ArchSpace>) -> Self {
        Self { head, local }
    }
}

impl Architect for GuidedArchitect {
    fn choose(&mut self, labelled: &Labelled<'_>, current: &NetSpec, key: Key) -> Result<Choice> {
        let proposed = self.head.advance(labelled)?;
        self.local.set_point(proposed);
        let choice = self.local.choose(labelled, current, key)?;
        self.head.set_point(*self.local.point());
        Ok(choice)
    }

    fn sees(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::Point;
    use crate::data::Matrix;

    #[test]
    fn the_prior_follows_the_labels_per_class() {
        let space = ArchSpace::default();
        let starts = vec![(1.0, Point::new(1, 1)), (8.0, Point::new(2, 1)), (64.0, Point::new(2, 2))];
        let mut prior = PriorArchitect::new(space, Point::new(9, 1), starts);
        let inputs = Matrix::zeros(1_000, 4);
        let mut at = |count: usize| {
            let (rows, labels): (Vec<u32>, Vec<u32>) = ((0..count as u32).collect(), vec![0; count]);
            let (inputs, classes, globals) = (inputs.view(), 10, None);
            let labelled = Labelled { inputs, rows: &rows, labels: &labels, classes, globals };
            let current = space.spec(&Point::new(1, 1), 4, 10).unwrap();
            let choice = prior.choose(&labelled, &current, Key::root(0)).unwrap();
            assert_eq!(choice.steps, 0);
            choice.spec.to_string()
        };
        assert_eq!(at(10), "4-r32-10");
        assert_eq!(at(20), "4-r32-10", "two per class are nearer to one than to eight");
        assert_eq!(at(100), "4-r32-r32-10");
        assert_eq!(at(900), "4-r32-r32-r64-r64-10");
    }
}
