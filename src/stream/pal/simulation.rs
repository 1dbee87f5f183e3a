//! Streams to learn from, and to be compared on.

use super::DISCOUNT;
use super::observation::{KEEP, Watch};
use crate::agent::Side;
use crate::agent::decisions::{Choice, Decide, Decision, DecisionState, Episode};
use crate::data::{Dataset, MatrixView, RowId, Task, argmax};
use crate::error::Result;
use crate::rng::Key;
use crate::stream::error::StreamError;
use crate::stream::{Draws, Offer, OnlineLearner, StreamRule, rules};
use rand::seq::SliceRandom;
use std::sync::Arc;

/// Percentage points that a reward of 1 stands for.
const UNIT: f64 = 10.0;

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
}

/// Who decides.
pub enum Chooser<'a> {
    /// What is shown the state at every row, as long as the budget lasts, and says [`SKIP`](super::SKIP) or [`KEEP`].
    Decide(&'a mut dyn FnMut(&DecisionState) -> Result<usize>),
    /// A rule by its specification, at the rate of the budget.
    Rule(&'a str),
    /// The first rows, as many as the budget has: what early labels are worth.
    First,
}

/// One stream from its start to its end.
#[derive(Clone, Debug, PartialEq)]
pub struct Played {
    /// What [`Chooser::Decide`] decided. Keeping a row earns what the accuracy on held-out rows gains by its label, in tens of
    /// percentage points, and skipping nothing.
    pub choices: Vec<Choice>,
    /// Rows kept.
    pub kept: usize,
    /// Accuracy on held-out rows at the end, and its mean over all rows, in `[0, 1]`.
    pub last: f64,
    /// See `last`.
    pub mean: f64,
}

/// Whether to keep a row, as a decision that is learned on source streams. Streams are judged by their mean accuracy on reward rows.
#[derive(Clone, Debug)]
pub struct KeepDecision {
    plan: PalPlan,
    sources: Vec<SourceStream>,
    validation: Vec<SourceStream>,
}

impl KeepDecision {
    /// Streams that are learned from and others that deciders are judged by.
    ///
    /// # Errors
    /// [`StreamError::Setting`] for no sources, or a plan of nothing.
    pub fn new(
        plan: PalPlan,
        sources: Vec<SourceStream>,
        validation: Vec<SourceStream>,
    ) -> Result<Self, StreamError> {
        for (setting, found) in [("sources", sources.len()), ("rows", plan.rows), ("labels", plan.labels)] {
            if found == 0 {
                return Err(StreamError::Setting { setting, found: "0".into(), expected: "at least 1" });
            }
        }
        Ok(Self { plan, sources, validation })
    }
}

impl Decision for KeepDecision {
    fn tasks(&self, side: Side) -> usize {
        side.of(&self.sources, &self.validation).len()
    }

    fn play(
        &self,
        side: Side,
        task: usize,
        replicates: &[Key],
        decide: &mut Decide<'_>,
    ) -> Result<Vec<Episode>> {
        let source = &side.of(&self.sources, &self.validation)[task];
        let one = |(slot, &key): (usize, &Key)| -> Result<Episode> {
            let mut decide = |seen: &DecisionState| decide(slot, seen);
            let played = play(source, &self.plan, Chooser::Decide(&mut decide), false, key)?;
            Ok(Episode { choices: played.choices, value: played.mean })
        };
        replicates.iter().enumerate().map(one).collect()
    }

    fn discount(&self) -> f32 {
        DISCOUNT
    }
}

/// The share of rows whose most probable class is theirs.
fn accuracy(learner: &OnlineLearner, inputs: MatrixView<'_>, labels: &[u32]) -> Result<f64> {
    let p = learner.all_probabilities(inputs)?;
    let right = labels.iter().enumerate().filter(|&(at, &label)| argmax(p.row(at)) as u32 == label);
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
    mut chooser: Chooser<'_>,
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
        Chooser::Decide(_) | Chooser::First => None,
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
        Played { choices: Vec::new(), kept: 0, last: accuracy(&learner, inputs, labels)?, mean: 0.0 };
    let mut sum = 0.0;
    for (at, &row) in order.iter().enumerate() {
        let spent = found.kept >= budget;
        let row_inputs = task.pool().row(row);
        let keep = match (&mut rule, &mut chooser) {
            _ if spent => false,
            (Some(rule), _) => {
                let offer = Offer::of(&**rule, row_inputs, &learner)?;
                rule.offer(&offer, &mut Draws::new(key.named("rule").at(at as u64))).keep
            }
            (None, Chooser::Decide(decide)) => {
                let left = |done: usize, all: usize| (all - done) as f32 / all as f32;
                let (stream_left, budget_left) = (left(at, order.len()), left(found.kept, budget));
                let p = learner.probabilities(row_inputs)?;
                // Inputs of tasks are about standard.
                let distance = watch.distance(row_inputs, |_| 1.0);
                let decision_state = watch.look(&p, distance, stream_left, budget_left);
                watch.pass(p.iter().copied().fold(0.0, f32::max));
                let chosen = decide(&decision_state)?;
                found.choices.push(Choice { decision_state, chosen, reward: 0.0 });
                chosen == KEEP
            }
            (None, Chooser::First) => true,
            (None, Chooser::Rule(_)) => unreachable!("a rule was built"),
        };
        if keep {
            found.kept += 1;
            learn(&mut learner, &mut watch, &mut rule, row)?;
            let now = accuracy(&learner, inputs, labels)?;
            if let Some(last) = found.choices.last_mut() {
                last.reward = 100.0 * (now - found.last) / UNIT;
            }
            found.last = now;
        }
        sum += found.last;
    }
    found.mean = sum / order.len().max(1) as f64;
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::decisions::{Decider, DecisionTasks};
    use crate::agent::dqn::{Dqn, DqnConfig};
    use crate::agent::{GradientConfig, Trainer, TrainerConfig};
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

    const PLAN: PalPlan = PalPlan { rows: 60, labels: 10 };

    fn tasks(decision: &KeepDecision) -> DecisionTasks<'_, KeepDecision> {
        DecisionTasks { decision, tasks: 2, episodes_per_task: 3, repetitions: 2, key: Key::root(2) }
    }

    /// Whoever decides: the budget holds, skipping earns nothing, rewards add up to the gain, states are numbers.
    #[test]
    fn streams_are_played_to_their_end() {
        let decision = KeepDecision::new(PLAN, sources(2), sources(1)).unwrap();
        let mut turn = 0;
        let mut now_and_then = |_: usize, _: &DecisionState| {
            turn += 1;
            Ok(usize::from(turn % 3 == 0))
        };
        let replicates = [Key::root(3), Key::root(4)];
        let played = decision.play(Side::Sources, 1, &replicates, &mut now_and_then).unwrap();
        for (episode, &key) in played.iter().zip(&replicates) {
            assert_eq!(episode.choices.len(), 30, "every third of ten that may be kept");
            let kept = episode.choices.iter().filter(|choice| choice.chosen == KEEP).count();
            assert_eq!(kept, 10);
            let skipped = |choice: &&Choice| choice.chosen != KEEP;
            assert!(episode.choices.iter().filter(skipped).all(|choice| choice.reward == 0.0));
            assert!(
                episode.choices.iter().flat_map(|choice| &choice.decision_state.state).all(|v| v.is_finite())
            );
            let never = play(&decision.sources[1], &PLAN, Chooser::Decide(&mut |_| Ok(0)), false, key);
            let never = never.unwrap();
            assert_eq!((never.kept, never.choices.len()), (0, 60));
            assert!((never.mean - never.last).abs() < 1e-12);
            let mut turn = 0;
            let mut third = |_: &DecisionState| {
                turn += 1;
                Ok(usize::from(turn % 3 == 0))
            };
            let again = play(&decision.sources[1], &PLAN, Chooser::Decide(&mut third), false, key).unwrap();
            let gained: f64 = episode.choices.iter().map(|choice| choice.reward).sum();
            assert!((10.0 * gained - 100.0 * (again.last - never.last)).abs() < 1e-9);
            assert_eq!((&again.choices, again.mean), (&episode.choices, episode.value));
        }
    }

    /// Both learners, on one driver: their episodes and what they come to do not depend on threads.
    #[test]
    fn both_learners_learn_alike_on_any_number_of_threads() {
        let decision = KeepDecision::new(PLAN, sources(2), sources(1)).unwrap();
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let mut tasks = tasks(&decision);
                let config =
                    TrainerConfig { iterations: 2, validate_every: 1, algorithm: GradientConfig::default() };
                let start = Decider::start(decision.usual(), Key::root(4)).unwrap();
                let mut by_gradient = Trainer::by_gradient(config, start, Key::root(5)).unwrap();
                by_gradient.run(&mut tasks, |_| Ok(true)).unwrap();
                let config = DqnConfig {
                    iterations: 2,
                    warm_episodes: 4,
                    episodes: 3,
                    validate_every: 1,
                    ..DqnConfig::default()
                };
                let mut dqn = Dqn::new(config, Key::root(6)).unwrap();
                dqn.run(&mut tasks, |_| Ok(true)).unwrap();
                (by_gradient, dqn)
            })
        };
        let (by_gradient, dqn) = run(1);
        assert_eq!((by_gradient.clone(), dqn.clone()), run(3));
        // Of equal scores it skips: untrained it keeps nothing. A value is a mean accuracy.
        let never = tasks(&decision).mean_value(|_| Ok(0)).unwrap();
        assert_eq!(by_gradient.history()[0].validation, Some(never));
        assert!((0.0..=1.0).contains(&never) && dqn.best().unwrap().validation <= 1.0);
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
            assert!(played.kept <= 10 && played.choices.is_empty(), "{}", entry.name);
            assert!((0.0..=1.0).contains(&played.mean));
        }
        let first = play(&sources(1)[0], &PLAN, Chooser::First, true, Key::root(4)).unwrap();
        assert_eq!(first.kept, 10);
        assert!(KeepDecision::new(PLAN, vec![], vec![]).is_err());
    }
}
