//! Streams to learn from, and to be compared on.

use super::DISCOUNT;
use super::observation::Watch;
use crate::agent::dqn::network::{ACTION, STATE};
use crate::agent::dqn::{Labelling, QNetwork, Transition};
use crate::data::{Dataset, Matrix, MatrixView, RowId, Task};
use crate::error::Result;
use crate::rng::Key;
use crate::stream::error::StreamError;
use crate::stream::{Draws, Offer, OnlineLearner, StreamRule, rules};
use rand::RngExt;
use rand::seq::SliceRandom;
use rayon::prelude::*;
use std::sync::Arc;

/// A task whose pool comes as a stream.
#[derive(Clone, Debug)]
pub struct SourceStream {
    task: Arc<Task>,
    /// The class of every row of the pool.
    labels: Vec<u32>,
}

impl SourceStream {
    /// A task with the data set it was split from. A simulation: it reads the labels of the pool.
    pub fn new(dataset: &Dataset, task: Task) -> Self {
        let rows = 0..task.pool().rows() as u32;
        let labels = rows.map(|row| dataset.labels()[task.dataset_row(RowId(row)) as usize]).collect();
        Self { task: Arc::new(task), labels }
    }
}

/// How long streams are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PalPlan {
    /// Rows that come, or all of the pool if it has fewer.
    pub rows: usize,
    /// Of which so many may be kept, after the first of every class, which are known at the start.
    pub labels: usize,
    /// Streams per task at a validation.
    pub repetitions: u64,
}

/// Who decides.
#[derive(Clone, Copy, Debug)]
pub enum Chooser<'a> {
    /// A network, or with this chance a coin that keeps at the rate of the budget.
    Network(&'a QNetwork, f64),
    /// A rule by its specification, at the rate of the budget.
    Rule(&'a str),
    /// The first rows, as many as the budget has: what early labels are worth.
    First,
}

/// One stream from its start to its end.
#[derive(Clone, Debug, PartialEq)]
pub struct Played {
    /// Its steps, for a network.
    pub transitions: Vec<Transition>,
    /// Rows kept.
    pub kept: usize,
    /// Accuracy on held-out rows at the end, and its mean over all rows.
    pub last: f64,
    /// See `last`.
    pub mean: f64,
}

/// Source streams and validation streams.
pub struct PalStreams {
    plan: PalPlan,
    sources: Vec<SourceStream>,
    validation: Vec<SourceStream>,
    key: Key,
}

impl PalStreams {
    /// Streams that are learned from and others that networks are judged by.
    ///
    /// # Errors
    /// [`StreamError::Setting`] for no sources, or a plan of nothing.
    pub fn new(
        plan: PalPlan,
        sources: Vec<SourceStream>,
        validation: Vec<SourceStream>,
        key: Key,
    ) -> Result<Self, StreamError> {
        for (setting, found) in [("sources", sources.len()), ("rows", plan.rows), ("labels", plan.labels)] {
            if found == 0 {
                return Err(StreamError::Setting { setting, found: "0".into(), expected: "at least 1" });
            }
        }
        Ok(Self { plan, sources, validation, key })
    }
}

/// The share of rows whose most probable class is theirs.
fn accuracy(learner: &OnlineLearner, inputs: MatrixView<'_>, labels: &[u32]) -> Result<f64> {
    let p = learner.all_probabilities(inputs)?;
    let class = |row: &[f32]| (1..row.len()).fold(0, |best, at| if row[at] > row[best] { at } else { best });
    let right = labels.iter().enumerate().filter(|&(at, &label)| class(p.row(at)) as u32 == label);
    Ok(right.count() as f64 / labels.len().max(1) as f64)
}

/// Plays one stream, in an order drawn from `key`. Learning is measured on reward rows, and what is compared
/// (`test`) on test rows.
///
/// # Errors
/// Those of the rule and of the classifier.
pub fn play(
    source: &SourceStream,
    plan: &PalPlan,
    chooser: Chooser<'_>,
    test: bool,
    key: Key,
) -> Result<Played> {
    let task = &source.task;
    let (inputs, labels) = match test {
        true => (task.test().inputs(), task.test().labels()),
        false => (task.reward().inputs(), task.reward().labels()),
    };
    let mut order: Vec<usize> = (0..task.pool().rows()).collect();
    order.shuffle(&mut key.named("order").rng());
    let mut learner = OnlineLearner::new(task.width(), plan.labels + task.classes());
    let mut watch = Watch::default();
    let mut known = vec![false; task.classes()];
    // The first row of every class is known at the start.
    let first = |&row: &usize| !std::mem::replace(&mut known[source.labels[row] as usize], true);
    let (started, mut order): (Vec<usize>, Vec<usize>) = order.into_iter().partition(first);
    order.truncate(plan.rows);
    let budget = plan.labels.min(order.len());
    let rate = budget as f64 / order.len().max(1) as f64;
    let mut rule = match chooser {
        Chooser::Rule(spec) => Some(rules::build(spec, rate)?),
        Chooser::Network(..) | Chooser::First => None,
    };
    let learn = |learner: &mut OnlineLearner, watch: &mut Watch, rule: &mut Option<_>, row| -> Result<()> {
        let (inputs, label) = (task.pool().row(row), source.labels[row]);
        let rule: &mut Option<Box<dyn StreamRule>> = rule;
        rule.as_mut().map_or(Ok(()), |rule| rule.learn(inputs, label))?;
        learner.learn(inputs.to_vec(), label)?;
        watch.label(inputs, label);
        learner.settle()
    };
    for row in started {
        learn(&mut learner, &mut watch, &mut rule, row)?;
    }
    let mut found =
        Played { transitions: Vec::new(), kept: 0, last: accuracy(&learner, inputs, labels)?, mean: 0.0 };
    let mut sum = 0.0;
    for (at, &row) in order.iter().enumerate() {
        let spent = found.kept >= budget;
        let row_inputs = task.pool().row(row);
        let keep = match (&mut rule, chooser) {
            _ if spent => false,
            (Some(rule), _) => {
                let offer = Offer::of(&**rule, row_inputs, &learner)?;
                rule.offer(&offer, &mut Draws::new(key.named("rule").at(at as u64))).keep
            }
            (None, Chooser::Network(network, epsilon)) => {
                let left = |done: usize, all: usize| (all - done) as f32 / all as f32;
                let (stream_left, budget_left) = (left(at, order.len()), left(found.kept, budget));
                let p = learner.probabilities(row_inputs)?;
                // Inputs of tasks are about standard.
                let distance = watch.distance(row_inputs, |_| 1.0);
                let (state, actions) = watch.look(&p, distance, stream_left, budget_left);
                watch.pass(p.iter().copied().fold(0.0, f32::max));
                let mut rng = key.named("explore").at(at as u64).rng();
                let keep = match rng.random::<f64>() < epsilon {
                    true => rng.random::<f64>() < rate,
                    false => {
                        let values = network.values(&state, &actions);
                        values[0] > values[1]
                    }
                };
                if let Some(last) = found.transitions.last_mut() {
                    (last.next_state, last.next_actions) = (state.clone(), actions.clone());
                }
                found.transitions.push(Transition {
                    action: actions.row(usize::from(!keep)).to_vec(),
                    reward: 0.0,
                    next_state: vec![0.0; STATE],
                    next_actions: Matrix::zeros(0, ACTION),
                    state,
                });
                keep
            }
            (None, Chooser::First) => true,
            (None, Chooser::Rule(_)) => unreachable!("a rule was built"),
        };
        if keep {
            found.kept += 1;
            learn(&mut learner, &mut watch, &mut rule, row)?;
            let now = accuracy(&learner, inputs, labels)?;
            if let Some(last) = found.transitions.last_mut() {
                last.reward = (now - found.last) as f32;
            }
            found.last = now;
        }
        sum += found.last;
    }
    found.mean = sum / order.len().max(1) as f64;
    Ok(found)
}

impl Labelling for PalStreams {
    fn episodes(
        &mut self,
        network: &QNetwork,
        epsilon: f64,
        count: usize,
        key: Key,
    ) -> Result<Vec<Vec<Transition>>> {
        let one = |index: u64| -> Result<Vec<Transition>> {
            let key = key.at(index);
            let source = &self.sources[key.named("source").rng().random_range(0..self.sources.len())];
            let chooser = Chooser::Network(network, epsilon);
            Ok(play(source, &self.plan, chooser, false, key.named("stream"))?.transitions)
        };
        (0..count as u64).into_par_iter().map(one).collect()
    }

    /// Mean accuracy over all rows of the validation streams.
    fn validate(&mut self, network: &QNetwork) -> Result<f64> {
        let repetitions = self.plan.repetitions;
        let one = |index: u64| -> Result<f64> {
            let source = &self.validation[(index / repetitions.max(1)) as usize];
            let key = self.key.named("validation").at(index);
            Ok(play(source, &self.plan, Chooser::Network(network, 0.0), false, key)?.mean)
        };
        let all: Result<Vec<f64>> =
            (0..self.validation.len() as u64 * repetitions).into_par_iter().map(one).collect();
        let all = all?;
        Ok(all.iter().sum::<f64>() / all.len().max(1) as f64)
    }

    fn discount(&self) -> f32 {
        DISCOUNT
    }

    /// What labels bring is small beside 1, and may be of either sign.
    fn usual_value(&self, _length: f64) -> f32 {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::SplitPlan;
    use crate::data::synthetic::{Family, SourceFamily};

    fn sources(count: u64) -> Vec<SourceStream> {
        let family = SourceFamily::of(&[Family::Clusters], Key::root(5)).unwrap();
        let one = |at| {
            let set = family.sample(at).unwrap();
            let task = Task::split(&set, &SplitPlan::default(), Key::root(6)).unwrap();
            SourceStream::new(&set, task)
        };
        (0..count).map(one).collect()
    }

    const PLAN: PalPlan = PalPlan { rows: 60, labels: 10, repetitions: 2 };

    /// Rewards telescope to the gain, the budget holds, steps follow each other, and threads change nothing.
    #[test]
    fn episodes_are_whole_and_do_not_depend_on_threads() {
        let network = QNetwork::new(0.0, Key::root(1));
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let mut streams = PalStreams::new(PLAN, sources(2), sources(1), Key::root(2)).unwrap();
                (
                    streams.episodes(&network, 0.5, 6, Key::root(3)).unwrap(),
                    streams.validate(&network).unwrap(),
                )
            })
        };
        let (episodes, value) = run(1);
        assert_eq!((episodes.clone(), value), run(3));
        assert!((0.0..=1.0).contains(&value));
        for episode in &episodes {
            assert!(!episode.is_empty() && episode.len() <= 60);
            assert!(episode.iter().filter(|step| step.action[0] == 1.0).count() <= 10);
            let skipped = |step: &&Transition| step.action[0] == 0.0;
            assert!(episode.iter().filter(skipped).all(|step| step.reward == 0.0));
            for pair in episode.windows(2) {
                assert_eq!((&pair[0].next_state, pair[0].next_actions.rows()), (&pair[1].state, 2));
            }
            assert_eq!(episode.last().unwrap().next_actions.rows(), 0);
            assert!(
                episode
                    .iter()
                    .all(|step| step.state.len() == STATE && step.state.iter().all(|v| v.is_finite()))
            );
        }
        let source = &sources(1)[0];
        let start =
            play(source, &PalPlan { labels: 1, ..PLAN }, Chooser::Rule("periodic"), false, Key::root(4));
        let played = play(source, &PLAN, Chooser::Network(&network, 1.0), false, Key::root(4)).unwrap();
        let gained: f32 = played.transitions.iter().map(|step| step.reward).sum();
        let first = start.unwrap();
        assert!(first.kept <= 1 && played.kept <= 10);
        assert!(gained.abs() <= 1.0 && played.last <= 1.0);
    }

    #[test]
    fn rules_play_the_same_streams() {
        for entry in &rules::ENTRIES {
            let played = play(&sources(1)[0], &PLAN, Chooser::Rule(entry.name), true, Key::root(4));
            // A task of more classes than the rule takes.
            let Ok(played) = played else {
                assert_eq!(entry.name, "neural_cal");
                continue;
            };
            assert!(played.kept <= 10 && played.transitions.is_empty(), "{}", entry.name);
            assert!((0.0..=1.0).contains(&played.mean));
        }
        let first = play(&sources(1)[0], &PLAN, Chooser::First, true, Key::root(4)).unwrap();
        assert_eq!(first.kept, 10);
        assert!(PalStreams::new(PLAN, vec![], vec![], Key::root(1)).is_err());
    }
}
