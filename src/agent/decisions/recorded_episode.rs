//! [`RecordedEpisode`]: an episode that was played to its budget, in which any rule to stop can be tried afterwards.
//!
//! Whether one stops changes nothing of what came before. So an episode is played once, to its end, and where a rule would have
//! stopped is read off: all rules are compared on the same recorded episodes, and an episode of learning costs next to nothing.

use super::decision_state::DecisionState;
use super::environment::{Choice, Decide, Decision, Episode};
use super::stopping::{Price, STOP};
use crate::agent::dqn::network::ACTION;
use crate::agent::simulation::{Source, select};
use crate::agent::spread::Side;
use crate::episode::stop::curve::Point;
use crate::episode::stop::{Look, Seen, Stop, Watch};
use crate::episode::{EpisodePlan, Episodes, Measure};
use crate::error::Result;
use crate::rng::Key;

/// Who asks in every recorded episode.
const STRATEGY: &str = "margin";

/// Percentage points that a reward of 1 stands for.
const UNIT: f64 = 10.0;

/// A whole episode: what rules see of it, and, apart, what it was worth.
#[derive(Clone, Debug)]
pub struct RecordedEpisode {
    looks: Vec<Look>,
    curve: Vec<Point>,
    pool: usize,
    step: usize,
    decision_states: Vec<DecisionState>,
    accuracy: Vec<f64>,
}

impl RecordedEpisode {
    /// Plays `repetitions` episodes by margin to the end of their budget, all in one bank. They are measured on reward rows, or with
    /// [`Measure::RewardAndTest`] on test rows, which is for what is compared and not for what is learned from.
    ///
    /// # Errors
    /// If the source's plan cannot be satisfied.
    pub fn play(source: &Source, repetitions: usize, measure: Measure, key: Key) -> Result<Vec<Self>> {
        let plan = EpisodePlan { measure, ..source.learning_plan() };
        let key = key.named(&source.identity);
        let replicates: Vec<_> = (0..repetitions).map(|index| source.replicate(key, index)).collect();
        let mut episodes = Episodes::reset(&plan, &replicates)?;
        let mut watches: Vec<Watch> = replicates.iter().map(Watch::new).collect();
        let measured = |episodes: &Episodes, env: usize| episodes.state(env).measured;
        let mut accuracy: Vec<Vec<f64>> =
            (0..repetitions).map(|env| vec![measured(&episodes, env)]).collect();
        let all: Vec<usize> = (0..repetitions).collect();
        Watch::note(&mut watches, &episodes, &all)?;
        loop {
            let live = episodes.live();
            let pick = |episodes: &Episodes, env: usize| {
                let step = replicates[env].key.named("step").at(u64::from(episodes.state(env).round));
                select(episodes, env, STRATEGY, step)
            };
            let observe = |episodes: &Episodes, env: usize, _| accuracy[env].push(measured(episodes, env));
            if !episodes.round(pick, observe)? {
                break;
            }
            Watch::note(&mut watches, &episodes, &live)?;
        }
        let pools = replicates.iter().map(|replicate| replicate.prepared.task().pool().rows());
        let parts = watches.into_iter().zip(accuracy).zip(pools);
        Ok(parts
            .map(|((watch, accuracy), pool)| {
                let (looks, curve) = watch.into_parts();
                Self::of(looks, curve, pool, plan.query_size, accuracy)
            })
            .collect())
    }

    /// A recorded episode of these looks, each with the accuracy on held-out rows, which no rule sees; `pool` rows in all, `step` labels
    /// between two looks.
    ///
    /// # Panics
    /// Without a look, or if there is not one accuracy per look.
    pub fn of(looks: Vec<Look>, curve: Vec<Point>, pool: usize, step: usize, accuracy: Vec<f64>) -> Self {
        assert_eq!(looks.len(), accuracy.len(), "an accuracy per look");
        assert!(!looks.is_empty(), "an episode has a start");
        let mut recorded_episode = Self { looks, curve, pool, step, decision_states: Vec::new(), accuracy };
        let budget = recorded_episode.labels(recorded_episode.last());
        recorded_episode.decision_states = (0..recorded_episode.looks.len())
            .map(|at| DecisionState::to_stop(&recorded_episode.seen(at), budget))
            .collect();
        recorded_episode
    }

    /// The last look; the first is 0.
    pub fn last(&self) -> usize {
        self.looks.len() - 1
    }

    /// Labels in hand at look `at`.
    pub fn labels(&self, at: usize) -> usize {
        self.looks[at].labels
    }

    /// The accuracy on held-out rows at look `at`.
    pub fn accuracy(&self, at: usize) -> f64 {
        self.accuracy[at]
    }

    /// What rules see at look `at`.
    pub fn seen(&self, at: usize) -> Seen<'_> {
        let labels = self.labels(at);
        let points = self.curve.partition_point(|point| point.labels <= labels);
        Seen {
            looks: &self.looks[..=at],
            curve: &self.curve[..points],
            rows: self.pool - labels,
            step: self.step,
        }
    }

    /// The look at which a rule stops: the first at which it would, or the last of all.
    pub fn stopped_by(&self, rule: &dyn Stop) -> usize {
        (0..self.last()).find(|&at| rule.decide(&self.seen(at)).is_some()).unwrap_or(self.last())
    }

    /// What stopping at look `at` is worth, in percentage points.
    pub fn utility(&self, at: usize, price: Price) -> f64 {
        price.utility(self.accuracy[at], self.labels(at))
    }
}

/// Whether to stop, after every look of a recorded episode. Going on earns what the utility changes by until the next look, in tens of
/// percentage points, and stopping nothing: rewards add up to what stopping there is worth over stopping at once.
#[derive(Clone, Debug)]
pub struct StopDecision {
    /// Those that are learned from.
    pub sources: Vec<RecordedEpisode>,
    /// Those that rules are judged by.
    pub validation: Vec<RecordedEpisode>,
    /// What labels cost.
    pub price: Price,
}

impl Decision for StopDecision {
    fn tasks(&self, side: Side) -> usize {
        side.of(&self.sources, &self.validation).len()
    }

    /// A recorded episode is as it is, whatever the replicate.
    fn play(
        &self,
        side: Side,
        task: usize,
        replicates: &[Key],
        decide: &mut Decide<'_>,
    ) -> Result<Vec<Episode>> {
        let recorded_episode = &side.of(&self.sources, &self.validation)[task];
        let utility = |at: usize| recorded_episode.utility(at, self.price) / UNIT;
        let mut one = |slot: usize| -> Result<Episode> {
            let mut choices = Vec::new();
            for at in 0..recorded_episode.last() {
                let decision_state = recorded_episode.decision_states[at].clone();
                let chosen = decide(slot, &decision_state)?;
                let reward = if chosen == STOP { 0.0 } else { utility(at + 1) - utility(at) };
                choices.push(Choice { decision_state, chosen, reward });
                if chosen == STOP {
                    break;
                }
            }
            Ok(Episode::of(choices))
        };
        (0..replicates.len()).map(&mut one).collect()
    }

    /// Stops about every eighth time.
    fn usual(&self) -> [f32; ACTION] {
        [-2.0, 0.0, 0.0]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::decisions::{Decider, DecisionTasks, LearnedStop};
    use crate::agent::dqn::{Dqn, DqnConfig};
    use crate::agent::testing::sources;
    use crate::agent::{GradientConfig, OptimiserConfig, Trainer, TrainerConfig};
    use crate::data::{Matrix, Task};
    use crate::episode::stop::Stabilising;
    use crate::episode::{PreparedTask, Termination};
    use rand::RngExt;

    const PRICE: Price = Price { labels_per_point: 20.0 };

    /// A recorded episode that rises by four points every ten labels until look `flat` and no more, and says so: its predictions change
    /// until then, with some noise in what is seen and in the accuracy.
    fn rising(flat: usize, key: Key) -> RecordedEpisode {
        let mut rng = key.rng();
        let mut looks = Vec::new();
        let mut accuracy = Vec::new();
        for at in 0..12usize {
            let changed = if at <= flat { 12 } else { rng.random_range(0..3) };
            let classes = (0..100)
                .map(|row| u32::from(row % 2 == 0) ^ u32::from(at % 2 == 0 && row < changed))
                .collect();
            let uncertainty = 0.4 - 0.02 * at.min(flat) as f64;
            looks.push(Look { labels: 10 * (at + 1), classes, uncertainty });
            accuracy.push(0.5 + 0.04 * at.min(flat) as f64 + rng.random_range(-0.01..0.01));
        }
        RecordedEpisode::of(looks, Vec::new(), 500, 10, accuracy)
    }

    #[test]
    fn rewards_add_up_to_what_stopping_there_is_worth() {
        let recorded_episode = rising(4, Key::root(1));
        let decision =
            StopDecision { sources: vec![recorded_episode.clone()], validation: vec![], price: PRICE };
        for until in 0..=recorded_episode.last() {
            let mut steps = 0;
            let played = decision.play(Side::Sources, 0, &[Key::root(0)], &mut |_, _| {
                steps += 1;
                Ok(usize::from(steps <= until))
            });
            let episode = played.unwrap().remove(0);
            let expected =
                (recorded_episode.utility(until, PRICE) - recorded_episode.utility(0, PRICE)) / 10.0;
            assert!((episode.value - expected).abs() < 1e-12, "{until}");
            assert_eq!(episode.choices.len(), (until + 1).min(recorded_episode.last()));
        }
        // By hand: 60 labels are 50 more than 10, which cost 2.5 points.
        let gain = 100.0 * (recorded_episode.accuracy(5) - recorded_episode.accuracy(0)) - 2.5;
        assert!(
            (recorded_episode.utility(5, PRICE) - recorded_episode.utility(0, PRICE) - gain).abs() < 1e-9
        );
    }

    /// Where accuracy is flat after some look, the best is to stop there. Both learners find out, on recorded episodes they have not seen,
    /// nearly all of what the untrained one leaves.
    #[test]
    fn learners_find_the_look_after_which_nothing_rises() {
        let recorded_episodes = |seed: u64, count: u64| -> Vec<RecordedEpisode> {
            (0..count).map(|at| rising(2 + (at % 7) as usize, Key::root(seed).at(at))).collect()
        };
        let decision = StopDecision {
            sources: recorded_episodes(1, 42),
            validation: recorded_episodes(2, 14),
            price: Price { labels_per_point: 5.0 },
        };
        let mut tasks = DecisionTasks {
            decision: &decision,
            tasks: 16,
            episodes_per_task: 4,
            repetitions: 1,
            key: Key::root(3),
        };
        let never = tasks.mean_value(|_| Ok(1)).unwrap();
        let at_once = tasks.mean_value(|_| Ok(0)).unwrap();
        // Stopping one look after the rise has ended is when it can be known.
        let known: f64 = (0..14)
            .map(|at| {
                decision.validation[at].utility(4 + at % 7, decision.price)
                    - decision.validation[at].utility(0, decision.price)
            })
            .sum::<f64>()
            / 140.0;
        assert!(known > never.max(at_once) + 0.3, "{known} {never} {at_once}");
        let optimiser = OptimiserConfig { learning_rate: 1e-2, weight_decay: 0.0, clip_norm: 1.0 };
        let algorithm = GradientConfig { optimiser, ..GradientConfig::default() };
        let config = TrainerConfig { iterations: 100, validate_every: 10, algorithm };
        let start = Decider::start(decision.usual(), Key::root(4)).unwrap();
        let mut by_gradient = Trainer::by_gradient(config, start, Key::root(5)).unwrap();
        by_gradient.run(&mut tasks, |_| Ok(true)).unwrap();
        let config = DqnConfig {
            iterations: 40,
            warm_episodes: 200,
            epsilon_iterations: 30,
            exponent: 0.0,
            validate_every: 10,
            ..DqnConfig::default()
        };
        let mut dqn = Dqn::new(config, Key::root(6)).unwrap();
        dqn.run(&mut tasks, |_| Ok(true)).unwrap();
        let untrained = by_gradient.history()[0].validation.unwrap();
        assert!((untrained - never).abs() < 1e-12, "an untrained policy goes on");
        let learned = [by_gradient.best().unwrap().validation, dqn.best().unwrap().validation];
        let enough = never + 0.8 * (known - never);
        assert!(learned.iter().all(|&found| found > enough), "{learned:?} {never} {known}");
    }

    fn rule(stop: f32) -> LearnedStop {
        let mut network = Decider::start([stop, 0.0, 0.0], Key::root(1)).unwrap();
        // Stops the sooner the less uncertain: figure 1 of the state, behind the constant.
        network.weights_mut()[2] = -20.0;
        LearnedStop::new(Decider::Policy(network), 7)
    }

    /// Whoever stops in earnest stands where it is read off: the same labels, the same accuracy.
    #[test]
    fn stopping_in_earnest_is_what_is_read_off() {
        let source = &sources()[0];
        let rule = rule(9.5);
        let recorded_episodes =
            RecordedEpisode::play(source, 3, Measure::RewardAndTest, Key::root(2)).unwrap();
        let replicates: Vec<_> =
            (0..3).map(|at| source.replicate(Key::root(2).named(&source.identity), at)).collect();
        let plan = EpisodePlan { measure: Measure::RewardAndTest, ..source.learning_plan() };
        let mut episodes = Episodes::reset(&plan, &replicates).unwrap();
        let mut watches: Vec<Watch> = replicates.iter().map(Watch::new).collect();
        loop {
            let live = episodes.live();
            Watch::note(&mut watches, &episodes, &live).unwrap();
            for env in live {
                if rule.decide(&watches[env].seen(&episodes, env)).is_some() {
                    episodes.stop(env);
                }
            }
            let pick = |episodes: &Episodes, env: usize| {
                let round = u64::from(episodes.state(env).round);
                select(episodes, env, STRATEGY, replicates[env].key.named("step").at(round))
            };
            if !episodes.round(pick, |_, _, _| ()).unwrap() {
                break;
            }
        }
        let stopped: Vec<usize> =
            recorded_episodes.iter().map(|recorded_episode| recorded_episode.stopped_by(&rule)).collect();
        assert!(stopped.iter().any(|&at| at < recorded_episodes[0].last()), "{stopped:?}");
        for (env, (recorded_episode, at)) in recorded_episodes.iter().zip(stopped).enumerate() {
            assert_eq!(
                (episodes.state(env).labels, episodes.state(env).measured),
                (recorded_episode.labels(at), recorded_episode.accuracy(at))
            );
            let end = if at < recorded_episode.last() { Termination::Stopped } else { Termination::Budget };
            assert_eq!(episodes.end(env), Some(end));
            assert!(recorded_episode.labels(at) <= 7, "three at the start and a budget of four");
        }
    }

    /// The same pool with other held-out labels: all that rules see, and where they stop, is the same; the accuracy is not.
    #[test]
    fn no_rule_sees_a_held_out_label() {
        let rows = |count: usize, turn: usize| -> (Matrix, Vec<u32>) {
            let values =
                (0..count).flat_map(|row| [(row as f32 * 0.9).sin(), (row as f32 * 0.7).cos()]).collect();
            (Matrix::new(values, count, 2), (0..count).map(|row| ((row + turn) % 3) as u32).collect())
        };
        let play = |turn: usize| {
            let task = Task::from_parts("made", 3, rows(60, 0), rows(30, turn), rows(30, turn)).unwrap();
            let mut source = sources().remove(0);
            source.prepared_tasks = vec![PreparedTask::new(task)];
            RecordedEpisode::play(&source, 2, Measure::RewardAndTest, Key::root(2)).unwrap()
        };
        let (one, other) = (play(0), play(1));
        for (one, other) in one.iter().zip(&other) {
            assert_eq!(
                (&one.looks, &one.curve, &one.decision_states),
                (&other.looks, &other.curve, &other.decision_states)
            );
            assert_ne!(one.accuracy, other.accuracy);
            let rules: [&dyn Stop; 2] = [&rule(9.5), &Stabilising { threshold: 0.5, window: 1 }];
            assert!(rules.iter().all(|rule| one.stopped_by(*rule) == other.stopped_by(*rule)));
            assert_eq!(one.looks.iter().map(|look| look.labels).collect::<Vec<_>>(), [3, 4, 5, 6, 7]);
        }
    }
}
