//! Deep Q-learning: episodes and updates from the replay memory. The [`Trainer`] validates, and keeps all there is: both
//! networks, the optimiser, and the replay memory with its errors.

use super::network::{ACTION, QNetwork, STATE, WEIGHTS};
use super::replay::{Replay, Transition};
use crate::agent::error::AgentError;
use crate::agent::optimiser::{AdamW, OptimiserConfig};
use crate::agent::trainer::{Algorithm, Iteration, Learns, Shape, Trainer};
use crate::data::Matrix;
use crate::error::Result;
use crate::rng::Key;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// The most transitions that are remembered.
pub const MAX_REPLAY: usize = 1_000_000;

/// Plays episodes of labelling.
pub trait Labelling {
    /// `count` episodes, each query of which is random with the chance `epsilon` and otherwise the one that
    /// `network` values most. What they are may depend on the arguments alone.
    ///
    /// # Errors
    /// Whatever keeps an episode from being played.
    fn episodes(
        &mut self,
        network: &QNetwork,
        epsilon: f64,
        count: usize,
        key: Key,
    ) -> Result<Vec<Vec<Transition>>>;

    /// How good `network` is on tasks that it is not trained on, without random queries; higher = better.
    /// Always the same tasks and seeds.
    ///
    /// # Errors
    /// Whatever keeps an episode from being played.
    fn validate(&mut self, network: &QNetwork) -> Result<f64>;

    /// What a reward is worth one step later, in `[0, 1]`; 1 = nothing is discounted.
    fn discount(&self) -> f32 {
        1.0
    }

    /// The value around which those of an untrained network lie, where random episodes have this mean length. Where
    /// every query costs 1, values lie between minus the whole length and zero.
    fn usual_value(&self, length: f64) -> f32 {
        -length as f32 / 2.0
    }
}

/// The settings; the defaults are those of LAL-RL.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DqnConfig {
    /// Iterations after the warm start.
    pub iterations: u32,
    /// Random episodes before anything is learned, and updates from them.
    pub warm_episodes: usize,
    pub warm_updates: u32,
    /// Episodes per iteration, and updates after them.
    pub episodes: usize,
    pub updates: u32,
    /// Transitions per update.
    pub minibatch: usize,
    /// Transitions that are remembered.
    pub replay: usize,
    /// Exponent of the error in the chance that a transition is drawn.
    pub exponent: f32,
    /// Step size of Adam.
    pub learning_rate: f64,
    /// Share of the network that its target takes over at each update.
    pub target_rate: f32,
    /// Chance of a random query: from 1 down to `epsilon_end`, over `epsilon_iterations`.
    pub epsilon_end: f64,
    pub epsilon_iterations: u32,
    /// Iterations between two validations; the end is always validated.
    pub validate_every: u32,
}

impl Default for DqnConfig {
    fn default() -> Self {
        Self {
            iterations: 1_000,
            warm_episodes: 128,
            warm_updates: 100,
            episodes: 10,
            updates: 60,
            minibatch: 32,
            replay: 10_000,
            exponent: 3.0,
            learning_rate: 1e-3,
            target_rate: 0.01,
            epsilon_end: 0.1,
            epsilon_iterations: 1_000,
            validate_every: 100,
        }
    }
}

impl DqnConfig {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`AgentError::Rate`] or [`AgentError::Setting`] for one outside its limits.
    pub fn check(&self) -> Result<(), AgentError> {
        self.optimiser().check()?;
        for (place, found, most) in [
            ("dqn: warm-start episodes", self.warm_episodes, 1 << 20),
            ("dqn: episodes", self.episodes, 1 << 20),
            ("dqn: minibatch", self.minibatch, 65_536),
            ("dqn: replay", self.replay, MAX_REPLAY),
            ("dqn: iterations of epsilon", self.epsilon_iterations as usize, u32::MAX as usize),
            ("dqn: validate_every", self.validate_every as usize, u32::MAX as usize),
        ] {
            if !(1..=most).contains(&found) {
                return Err(AgentError::Setting { place, found, least: 1, most });
            }
        }
        for (place, found, most) in [
            ("dqn: exponent", f64::from(self.exponent), 10.0),
            ("dqn: target rate", f64::from(self.target_rate), 1.0),
            ("dqn: epsilon", self.epsilon_end, 1.0),
        ] {
            if !(0.0..=most).contains(&found) {
                let expected = if most == 1.0 { "a number in [0, 1]" } else { "a number in [0, 10]" };
                return Err(AgentError::Rate { place, found, expected });
            }
        }
        Ok(())
    }

    fn optimiser(&self) -> OptimiserConfig {
        OptimiserConfig { learning_rate: self.learning_rate, weight_decay: 0.0, clip_norm: f64::MAX }
    }

    /// The chance of a random query in iteration `iteration`, counted from 0.
    fn epsilon(&self, iteration: u32) -> f64 {
        let done = f64::from(iteration) / f64::from(self.epsilon_iterations);
        (1.0 - done * (1.0 - self.epsilon_end)).max(self.epsilon_end)
    }
}

/// One iteration, as a report shows it. Iteration 0 is the warm start.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct DqnPoint {
    /// Its number.
    pub iteration: u32,
    /// Episodes played so far, those of the warm start included.
    pub episodes: u64,
    /// Mean number of queries of this iteration's episodes.
    pub length: f64,
    /// Chance of a random query.
    pub epsilon: f64,
    /// Root mean square of the errors learned from.
    pub error: f64,
    /// Validation after the updates, where there was one.
    pub validation: Option<f64>,
}

impl Iteration for DqnPoint {
    fn number(&self) -> u32 {
        self.iteration
    }

    fn validation(&self) -> Option<f64> {
        self.validation
    }

    fn validated(&mut self, value: f64, _best: bool) {
        self.validation = Some(value);
    }
}

/// Deep Q-learning, between two iterations.
#[derive(Clone, Debug, PartialEq)]
pub struct QLearning {
    network: QNetwork,
    target: QNetwork,
    optimiser: AdamW,
    replay: Replay,
}

/// Deep Q-learning with all that a training has.
pub type Dqn = Trainer<QLearning>;

impl Dqn {
    /// Learning that has not begun.
    ///
    /// # Errors
    /// If a setting is outside its limits.
    pub fn new(config: DqnConfig, key: Key) -> Result<Self, AgentError> {
        config.check()?;
        Self::of(config, QLearning::new(&config, key), key)
    }

    /// The learning that wrote `bytes`, if it had these settings and this key; more iterations are allowed.
    ///
    /// # Errors
    /// As [`resumed`](Self::resumed).
    pub fn from_bytes(bytes: &[u8], config: DqnConfig, key: Key) -> Result<Self, AgentError> {
        Self::new(config, key)?.resumed(bytes)
    }
}

impl<E: Labelling + ?Sized> Learns<E> for QLearning {
    /// The start is random episodes, and updates from them.
    fn learn(
        &mut self,
        config: &DqnConfig,
        last: Option<&DqnPoint>,
        environment: &mut E,
        training: Key,
    ) -> Result<DqnPoint> {
        let iteration = last.map_or(0, |last| last.iteration + 1);
        let key = training.at(u64::from(iteration));
        let (count, updates, epsilon) = match iteration {
            0 => (config.warm_episodes, config.warm_updates, 1.0),
            _ => (config.episodes, config.updates, config.epsilon(iteration - 1)),
        };
        let played = environment.episodes(&self.network, epsilon, count, key.named("episodes"))?;
        let queries: usize = played.iter().map(Vec::len).sum();
        let length = queries as f64 / played.len().max(1) as f64;
        if iteration == 0 {
            self.network = QNetwork::new(environment.usual_value(length), training.named("network"));
            self.target = self.network.clone();
        }
        played.into_iter().flatten().for_each(|transition| self.replay.store(transition));
        let mut squares = 0.0;
        for update in 0..updates {
            let key = key.named("update").at(u64::from(update));
            squares += self.update(config, key, environment.discount())?;
        }
        Ok(DqnPoint {
            iteration,
            episodes: last.map_or(0, |last| last.episodes) + count as u64,
            length,
            epsilon,
            error: (squares / f64::from(updates.max(1))).sqrt(),
            validation: None,
        })
    }

    fn validate(environment: &mut E, network: &QNetwork) -> Result<f64> {
        environment.validate(network)
    }
}

impl QLearning {
    fn new(config: &DqnConfig, key: Key) -> Self {
        let network = QNetwork::new(0.0, key.named("network"));
        Self {
            target: network.clone(),
            network,
            optimiser: AdamW::new(config.optimiser()),
            replay: Replay::new(config.replay, config.exponent),
        }
    }

    /// One update from a minibatch; returns its mean squared error.
    fn update(&mut self, config: &DqnConfig, key: Key, discount: f32) -> Result<f64, AgentError> {
        let places = self.replay.draw(config.minibatch, key);
        if places.is_empty() {
            return Err(AgentError::NothingToLearn { place: "dqn" });
        }
        let mut gradient = vec![0.0f32; WEIGHTS];
        let mut errors = Vec::with_capacity(places.len());
        for &place in &places {
            let transition = self.replay.get(place);
            let (value, slope) = self.network.gradient(&transition.state, &transition.action);
            let error = self.td_target(transition, discount) - value;
            // Of the sum of squares, downhill.
            for (g, slope) in gradient.iter_mut().zip(slope) {
                *g -= 2.0 * error * slope;
            }
            errors.push(error);
        }
        self.optimiser.step(self.network.weights_mut(), gradient)?;
        let rate = config.target_rate;
        for (target, weight) in self.target.weights_mut().iter_mut().zip(self.network.weights()) {
            *target = rate * weight + (1.0 - rate) * *target;
        }
        self.replay.update_priorities(&places, &errors);
        Ok(errors.iter().map(|&e| f64::from(e).powi(2)).sum::<f64>() / errors.len() as f64)
    }

    /// What the value of a transition's action should be: its reward and, unless the episode is over, the
    /// target's value of the action that the network would choose next (van Hasselt, Guez, Silver, "Deep
    /// reinforcement learning with double Q-learning", AAAI 2016).
    fn td_target(&self, transition: &Transition, discount: f32) -> f32 {
        let chosen = first_largest(&self.network.values(&transition.next_state, &transition.next_actions));
        let next =
            chosen.map_or(0.0, |at| self.target.values(&transition.next_state, &transition.next_actions)[at]);
        transition.reward + discount * next
    }
}

/// What a checkpoint says of the replay memory besides numbers.
#[derive(Debug, Serialize, Deserialize)]
pub struct Memory {
    /// Next actions of every transition held.
    actions: Vec<usize>,
    at: usize,
    largest: f32,
}

impl Algorithm for QLearning {
    type Config = DqnConfig;
    type Network = QNetwork;
    type Point = DqnPoint;
    type Text = Memory;

    const FILE: &'static str = "dqn checkpoint";
    const FORMAT: u32 = 2;
    const MAX_BYTES: usize = 1 << 30;

    fn schedule(config: &DqnConfig) -> [u32; 2] {
        [config.iterations, config.validate_every]
    }

    fn with_iterations(config: DqnConfig, iterations: u32) -> DqnConfig {
        DqnConfig { iterations, ..config }
    }

    fn network(&self) -> &QNetwork {
        &self.network
    }

    fn weights(network: &QNetwork) -> &[f32] {
        network.weights()
    }

    fn with_weights(&self, weights: Vec<f32>) -> Result<QNetwork, AgentError> {
        QNetwork::from_weights(weights)
    }

    fn optimiser(&self) -> &AdamW {
        &self.optimiser
    }

    fn text(&self) -> Memory {
        let Replay { items, at, largest, .. } = &self.replay;
        let actions = items.iter().map(|item| item.next_actions.rows()).collect();
        Memory { actions, at: *at, largest: *largest }
    }

    fn check(&self, config: &DqnConfig, text: &Memory) -> Result<(), AgentError> {
        let held = text.actions.len();
        if held <= config.replay && text.at < config.replay {
            return Ok(());
        }
        Err(AgentError::Checkpoint {
            what: "replay memory",
            found: format!("{held} transitions, the next at {}", text.at),
            expected: format!("at most {}", config.replay),
        })
    }

    fn tensors(&self) -> Vec<(Shape, Cow<'_, [f32]>)> {
        let items = &self.replay.items;
        let all = |of: fn(&Transition) -> &[f32]| items.iter().flat_map(of).copied().collect::<Vec<f32>>();
        let replay = [
            all(|item| &item.state),
            all(|item| &item.action),
            all(|item| std::slice::from_ref(&item.reward)),
            all(|item| &item.next_state),
            all(|item| item.next_actions.values()),
            self.replay.errors.clone(),
        ];
        let target = Cow::Borrowed(self.target.weights());
        let values = std::iter::once(target).chain(replay.into_iter().map(Cow::Owned));
        self.shapes(&self.text()).into_iter().zip(values).collect()
    }

    fn shapes(&self, text: &Memory) -> Vec<Shape> {
        let held = text.actions.len();
        // What does not fit is beyond every file, and is refused as such.
        let choices =
            text.actions.iter().fold(0usize, |sum, &count| sum.saturating_add(count)).min(usize::MAX / 64);
        vec![
            ("target", 1, WEIGHTS),
            ("states", held, STATE),
            ("actions", held, ACTION),
            ("rewards", held, 1),
            ("next states", held, STATE),
            ("next actions", choices, ACTION),
            ("errors", held, 1),
        ]
    }

    fn resumed(
        self,
        text: Memory,
        network: QNetwork,
        optimiser: AdamW,
        tensors: Vec<Vec<f32>>,
    ) -> Result<Self, AgentError> {
        let [target, states, actions, rewards, next_states, next_actions, errors] =
            <[Vec<f32>; 7]>::try_from(tensors).expect("one per shape");
        let mut at = 0;
        let items = text.actions.iter().enumerate().map(|(i, &count)| {
            let values = next_actions[at * ACTION..(at + count) * ACTION].to_vec();
            at += count;
            Transition {
                state: states[i * STATE..][..STATE].to_vec(),
                action: actions[i * ACTION..][..ACTION].to_vec(),
                reward: rewards[i],
                next_state: next_states[i * STATE..][..STATE].to_vec(),
                next_actions: Matrix::new(values, count, ACTION),
            }
        });
        let replay =
            Replay { items: items.collect(), errors, at: text.at, largest: text.largest, ..self.replay };
        Ok(Self { network, target: QNetwork::from_weights(target)?, optimiser, replay })
    }
}

/// The place of the largest value, the first of equals; none of nothing.
pub(in crate::agent) fn first_largest(values: &[f32]) -> Option<usize> {
    (0..values.len()).reduce(|best, at| if values[at] > values[best] { at } else { best })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::RngExt;

    /// A corridor: an episode is over after `1 + 4 · action[0]` queries, rounded down, so the smallest
    /// first figure is best.
    struct Corridor;

    fn actions(key: Key) -> Matrix {
        let mut rng = key.rng();
        Matrix::new((0..5 * ACTION).map(|_| rng.random_range(0.0f32..1.0)).collect(), 5, ACTION)
    }

    /// One query decides how many more there will be, each with one action and in a state of its own.
    fn episode(network: &QNetwork, epsilon: f64, key: Key) -> Vec<Transition> {
        let choices = actions(key.named("actions"));
        let mut rng = key.named("coin").rng();
        let picked = match rng.random::<f64>() < epsilon {
            true => rng.random_range(0..5),
            false => first_largest(&network.values(&[0.0; STATE], &choices)).unwrap(),
        };
        let more = (4.0 * choices.row(picked)[0]) as usize;
        let state = |left: usize| vec![left as f32 / 4.0; STATE];
        let forced = Matrix::new(vec![0.5; ACTION], 1, ACTION);
        (0..=more)
            .map(|done| Transition {
                state: if done == 0 { vec![0.0; STATE] } else { state(more + 1 - done) },
                action: if done == 0 { choices.row(picked).to_vec() } else { vec![0.5; ACTION] },
                reward: -1.0,
                next_state: state(more - done),
                next_actions: if done == more { Matrix::zeros(0, ACTION) } else { forced.clone() },
            })
            .collect()
    }

    impl Labelling for Corridor {
        fn episodes(
            &mut self,
            network: &QNetwork,
            epsilon: f64,
            count: usize,
            key: Key,
        ) -> Result<Vec<Vec<Transition>>> {
            Ok((0..count as u64).map(|i| episode(network, epsilon, key.at(i))).collect())
        }

        fn validate(&mut self, network: &QNetwork) -> Result<f64> {
            let key = Key::root(77);
            let lengths = (0..100).map(|i| episode(network, 0.0, key.at(i)).len() as f64);
            Ok(-lengths.sum::<f64>() / 100.0)
        }
    }

    fn small(iterations: u32) -> DqnConfig {
        let iterations_of = 40;
        DqnConfig {
            iterations,
            warm_episodes: 32,
            updates: 100,
            replay: 300,
            exponent: 1.0,
            learning_rate: 1e-2,
            target_rate: 0.05,
            epsilon_iterations: iterations_of,
            validate_every: 5,
            ..DqnConfig::default()
        }
    }

    fn learned(iterations: u32) -> Dqn {
        let mut dqn = Dqn::new(small(iterations), Key::root(1)).unwrap();
        while !dqn.finished() {
            dqn.step(&mut Corridor).unwrap();
        }
        dqn
    }

    #[test]
    fn the_published_settings() {
        let c = DqnConfig::default();
        assert_eq!((c.iterations, c.episodes, c.updates, c.minibatch, c.replay), (1_000, 10, 60, 32, 10_000));
        assert_eq!((c.warm_episodes, c.warm_updates, c.exponent), (128, 100, 3.0));
        assert_eq!([c.epsilon(0), c.epsilon(500), c.epsilon(5_000)], [1.0, 0.55, 0.1]);
        c.check().unwrap();
        assert!(DqnConfig { replay: 0, ..c }.check().is_err());
        assert!(DqnConfig { target_rate: 1.5, ..c }.check().is_err());
    }

    /// Random queries need 2.5 on average. Of five figures the smallest is above a quarter with the chance
    /// `.75^5`, above a half with `.5^5`, and so on: the best possible is 1.27.
    #[test]
    fn it_learns_to_end_episodes_early() {
        let dqn = learned(40);
        let best = dqn.best().unwrap().validation;
        let warm = dqn.history()[0];
        assert!((warm.length - 2.5).abs() < 0.7, "{}", warm.length);
        assert!(best > -1.5, "{best}");
        assert_eq!(dqn.history()[40].episodes, 32 + 40 * 10);
    }

    /// The double target by hand: the network chooses, its follower values; nothing follows the end.
    #[test]
    fn the_target_values_what_the_network_chooses() {
        let mut dqn = QLearning::new(&small(1), Key::root(2));
        dqn.target = QNetwork::new(-7.0, Key::root(3));
        let next = actions(Key::root(4));
        let state = vec![0.3; STATE];
        let chosen = first_largest(&dqn.network.values(&state, &next)).unwrap();
        let mut transition = Transition {
            state: state.clone(),
            action: vec![0.5; ACTION],
            reward: -1.0,
            next_state: state.clone(),
            next_actions: next.clone(),
        };
        let value = dqn.target.values(&state, &next)[chosen];
        assert_eq!(dqn.td_target(&transition, 1.0), -1.0 + value);
        assert_eq!(dqn.td_target(&transition, 0.5), -1.0 + 0.5 * value);
        transition.next_actions = Matrix::zeros(0, ACTION);
        assert_eq!(dqn.td_target(&transition, 1.0), -1.0);
    }

    #[test]
    fn resumed_learning_gives_the_bytes_of_uninterrupted_learning() {
        let whole = learned(7).to_bytes();
        for stop in [0, 1, 3, 8] {
            let mut dqn = Dqn::new(small(7), Key::root(1)).unwrap();
            for _ in 0..stop {
                dqn.step(&mut Corridor).unwrap();
            }
            let mut again = Dqn::from_bytes(&dqn.to_bytes(), small(7), Key::root(1)).unwrap();
            assert_eq!(again, dqn);
            while !again.finished() {
                again.step(&mut Corridor).unwrap();
            }
            assert!(again.to_bytes() == whole, "stopped after {stop}");
        }
        let what = |config, key| match Dqn::from_bytes(&whole, config, key) {
            Err(AgentError::Checkpoint { what, .. }) => what,
            other => panic!("{other:?}"),
        };
        assert_eq!(what(small(6), Key::root(1)), "number of iterations done");
        assert_eq!(what(DqnConfig { updates: 3, ..small(7) }, Key::root(1)), "configuration");
        assert_eq!(what(small(7), Key::root(2)), "key");
        for length in (0..whole.len()).step_by(997) {
            assert!(Dqn::from_bytes(&whole[..length], small(7), Key::root(1)).is_err());
        }
    }
}
