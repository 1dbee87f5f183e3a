//! [`StreamEpisode`]: a rule, a classifier and the rows that wait for their label.

use super::error::StreamError;
use super::learner::OnlineLearner;
use super::{Decision, Draws, Offer, Reason, StreamRule};
use crate::error::Result;
use crate::rng::Key;
use std::collections::VecDeque;

/// The most numbers per row.
pub const MAX_WIDTH: usize = 1 << 14;
/// The most labelled rows, or rows that wait for their label, that are held.
pub const MAX_MEMORY: usize = 1_000_000;

/// How a stream is taken.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StreamPlan {
    /// Numbers per row.
    pub width: usize,
    /// Labels that may be asked for in all; none = as many as the rule's budget gives.
    pub labels: Option<u64>,
    /// Labelled rows that are remembered, the last ones. As many may wait for their label.
    pub memory: usize,
}

impl Default for StreamPlan {
    fn default() -> Self {
        Self { width: 1, labels: None, memory: 1_000 }
    }
}

impl StreamPlan {
    fn check(&self) -> Result<(), StreamError> {
        for (setting, found, most, expected) in [
            ("width", self.width, MAX_WIDTH, "1 to 16384"),
            ("memory", self.memory, MAX_MEMORY, "1 to 1000000"),
        ] {
            if !(1..=most).contains(&found) {
                return Err(StreamError::Setting { setting, found: found.to_string(), expected });
            }
        }
        Ok(())
    }
}

/// A row that was offered, and what became of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Offered {
    /// Its number, counted from 0.
    pub row: u64,
    /// The largest class probability that the classifier gave it.
    pub confidence: f64,
    /// The rule's own [value](StreamRule::value).
    pub value: f64,
    /// What the rule decided.
    pub decision: Decision,
}

/// One pass over a stream.
///
/// Time and memory per row depend on the plan alone: at most [`StreamPlan::memory`] labelled rows and as many that wait
/// for their label are held, the last ones.
pub struct StreamEpisode {
    plan: StreamPlan,
    rule: Box<dyn StreamRule>,
    learner: OnlineLearner,
    waiting: VecDeque<(u64, Vec<f32>)>,
    seen: u64,
    kept: u64,
    key: Key,
}

impl StreamEpisode {
    /// An episode that has seen no row. What the rule draws for row `i` is derived from `key.at(i)`.
    ///
    /// # Errors
    /// [`StreamError::Setting`].
    pub fn new(plan: StreamPlan, rule: Box<dyn StreamRule>, key: Key) -> Result<Self> {
        plan.check()?;
        let learner = OnlineLearner::new(plan.width, plan.memory);
        Ok(Self { plan, rule, learner, waiting: VecDeque::new(), seen: 0, kept: 0, key })
    }

    /// The classifier.
    pub fn learner(&self) -> &OnlineLearner {
        &self.learner
    }

    /// Rows offered so far.
    pub fn seen(&self) -> u64 {
        self.seen
    }

    /// Rows kept so far.
    pub fn kept(&self) -> u64 {
        self.kept
    }

    /// Decides on the next row.
    ///
    /// # Errors
    /// [`StreamError::Width`] and [`StreamError::NotFinite`] with the place, and nothing has changed; what fitting the
    /// classifier fails with.
    pub fn offer(&mut self, inputs: &[f32]) -> Result<Offered> {
        self.check(inputs)?;
        self.learner.settle()?;
        let offer = Offer::of(&*self.rule, inputs, &self.learner)?;
        Ok(self.decide(&offer))
    }

    /// Decides on the next row as it was decided before, by the confidence and the rule's value that the classifier then
    /// gave: for sessions that go on after the end of their process. `inputs` matter where the row is kept, and where the
    /// rule [looks](Self::looks) at them.
    pub fn offer_again(&mut self, confidence: f64, value: f64, inputs: &[f32]) -> Offered {
        self.learner.postpone();
        self.decide(&Offer { confidence, value, classes: self.learner.classes(), inputs })
    }

    /// Whether the rule looks at the numbers of rows.
    pub fn looks(&self) -> bool {
        self.rule.looks()
    }

    fn decide(&mut self, offer: &Offer<'_>) -> Offered {
        let row = self.seen;
        let spent = self.plan.labels.is_some_and(|most| self.kept >= most);
        let decision = match spent {
            true => Decision::skip(Reason::Spent),
            false => self.rule.offer(offer, &mut Draws::new(self.key.at(row))),
        };
        self.seen += 1;
        if decision.keep {
            self.kept += 1;
            self.waiting.push_back((row, offer.inputs.to_vec()));
            if self.waiting.len() > self.plan.memory {
                self.waiting.pop_front();
            }
        }
        Offered { row, confidence: offer.confidence, value: offer.value, decision }
    }

    /// Learns the label of a row that was kept.
    ///
    /// # Errors
    /// [`StreamError::NotWaiting`] for a row that was skipped, was answered before, or was kept so long ago that it is
    /// forgotten; [`StreamError::Classes`]; as [`StreamRule::learn`].
    pub fn answer(&mut self, row: u64, label: u32) -> Result<()> {
        let Some(at) = self.waiting.iter().position(|(waiting, _)| *waiting == row) else {
            return Err(StreamError::NotWaiting { row, seen: self.seen }.into());
        };
        let inputs = self.waiting[at].1.clone();
        self.learn(inputs, label)?;
        self.waiting.remove(at);
        Ok(())
    }

    /// Hands a label to the rule and to the classifier, or to neither.
    fn learn(&mut self, inputs: Vec<f32>, label: u32) -> Result<()> {
        OnlineLearner::check(label)?;
        self.rule.learn(&inputs, label)?;
        self.learner.learn(inputs, label)
    }

    /// Learns a row that came with its label. It has a number as the others, but is not offered to the rule and costs
    /// nothing.
    ///
    /// # Errors
    /// As [`offer`](Self::offer) and [`answer`](Self::answer).
    pub fn warm_start(&mut self, inputs: &[f32], label: u32) -> Result<()> {
        self.check(inputs)?;
        self.learn(inputs.to_vec(), label)?;
        self.seen += 1;
        Ok(())
    }

    /// The rows that were kept and wait for their label, oldest first.
    pub fn waiting(&self) -> impl Iterator<Item = u64> {
        self.waiting.iter().map(|&(row, _)| row)
    }

    fn check(&self, inputs: &[f32]) -> Result<(), StreamError> {
        let (row, expected, found) = (self.seen, self.plan.width, inputs.len());
        if found != expected {
            return Err(StreamError::Width { row, found, expected });
        }
        match inputs.iter().position(|value| !value.is_finite()) {
            Some(column) => Err(StreamError::NotFinite { row, column, found: inputs[column] }),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::drift::{Drift, DriftPlan};
    use crate::stream::rules;

    fn episode(spec: &str, budget: f64, plan: StreamPlan) -> StreamEpisode {
        StreamEpisode::new(plan, rules::build(spec, budget).unwrap(), Key::root(1)).unwrap()
    }

    /// The share that is classified rightly before its label is known, over the second half of a stream.
    fn accuracy(spec: &str, budget: f64) -> f64 {
        let stream = DriftPlan { width: 4, rows: 3_000, drift: Drift::Sudden, noise: 0.0 };
        let mut episode =
            episode(spec, budget, StreamPlan { width: 4, memory: 150, ..StreamPlan::default() });
        let mut right = 0;
        for at in 0..stream.rows {
            let (inputs, label) = stream.row(at, Key::root(2));
            let p = episode.learner().probabilities(&inputs).unwrap();
            right += u32::from(at >= 2_400 && u32::from(p[1] > p[0]) == label);
            let offered = episode.offer(&inputs).unwrap();
            if offered.decision.keep {
                episode.answer(offered.row, label).unwrap();
            }
        }
        f64::from(right) / 600.0
    }

    #[test]
    fn a_concept_that_changed_is_learned_again() {
        assert!(accuracy("split", 0.2) > 0.85);
        // Without labels after the change the old concept stays.
        assert!(accuracy("split", 0.002) < 0.85);
    }

    /// Whatever is offered, no more than the memory is held, and the hard limit of labels holds.
    #[test]
    fn memory_does_not_grow_and_the_limit_of_labels_holds() {
        let plan = StreamPlan { labels: Some(70), memory: 20, ..StreamPlan::default() };
        let mut episode = episode("periodic", 0.5, plan);
        for at in 0..1_000u64 {
            let offered = episode.offer(&[at as f32]).unwrap();
            // Every other answer never comes.
            if offered.decision.keep && at % 4 == 1 {
                episode.answer(offered.row, (at % 3) as u32).unwrap();
            }
            assert!(episode.waiting.len() <= 20);
        }
        assert_eq!(episode.kept(), 70);
        assert_eq!(episode.offer(&[0.0]).unwrap().decision, Decision::skip(Reason::Spent));
    }

    #[test]
    fn what_is_refused_changes_nothing() {
        let mut episode = episode("periodic", 1.0, StreamPlan { width: 2, ..StreamPlan::default() });
        let message = |error: crate::Error| error.to_string();
        assert_eq!(message(episode.offer(&[1.0]).unwrap_err()), "row 0: 1 numbers, expected 2");
        assert_eq!(
            message(episode.offer(&[1.0, f32::NAN]).unwrap_err()),
            "row 0, column 1: NaN is not a finite number"
        );
        assert_eq!(episode.seen(), 0);
        episode.offer(&[1.0, 2.0]).unwrap();
        let error = episode.answer(7, 0).unwrap_err();
        assert_eq!(message(error), "answer for row 7, which waits for none (1 rows were offered)");
        episode.answer(0, 1).unwrap();
        assert!(episode.answer(0, 1).is_err(), "answered twice");
        let rule = || rules::build("split", 0.1).unwrap();
        let plan = StreamPlan { memory: 0, ..StreamPlan::default() };
        assert!(StreamEpisode::new(plan, rule(), Key::root(1)).is_err());
    }
}
