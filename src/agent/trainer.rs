//! The loop around the policy gradient: collect, update, validate, keep the best, checkpoint.
//!
//! The trainer knows no episodes; an [`Environment`] plays them. Everything is derived from the key and
//! the iteration's number, so training that is interrupted and resumed from a checkpoint gives the same
//! bytes as training that was not.

use super::error::AgentError;
use super::network::{Network, NetworkConfig};
use super::optimiser::AdamW;
use super::policy_gradient::{self, GradientConfig, Update};
use super::tensors::{self, Limits, Named};
use super::trajectory::Trajectory;
use crate::error::Result;
use crate::rng::Key;
use serde::{Deserialize, Serialize};

/// The checkpoint format that this version writes, and the only one it reads.
pub const FORMAT: u32 = 1;
/// The largest checkpoint that is read, in bytes.
pub const MAX_CHECKPOINT_BYTES: usize = 256 << 20;
/// The largest header of a checkpoint (it holds the history), in bytes.
pub const MAX_HEADER_BYTES: u64 = 32 << 20;

const LIMITS: Limits = Limits { file: "checkpoint", bytes: MAX_CHECKPOINT_BYTES, header: MAX_HEADER_BYTES };

/// Plays episodes.
pub trait Environment {
    /// Episodes of `network`, exploring. What they are may depend on the iteration and the key alone:
    /// an environment has no memory between calls, as checkpoints do not hold it.
    ///
    /// # Errors
    /// Whatever keeps an episode from being played.
    fn rollouts(&mut self, network: &Network, iteration: u32, key: Key) -> Result<Vec<Trajectory>>;

    /// How good `network` is on tasks that it is not trained on; higher = better. Always the same
    /// tasks and seeds, so that two networks can be compared.
    ///
    /// # Errors
    /// Whatever keeps an episode from being played.
    fn validate(&mut self, network: &Network) -> Result<f64>;
}

/// How long to train, and when to look.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrainerConfig {
    /// Updates.
    pub iterations: u32,
    /// Updates between two validations; the start and the end are always validated.
    pub validate_every: u32,
    /// One update.
    pub gradient: GradientConfig,
}

impl Default for TrainerConfig {
    fn default() -> Self {
        Self { iterations: 50, validate_every: 5, gradient: GradientConfig::default() }
    }
}

/// One iteration, as a report shows it. Iteration 0 is the network that training started from.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainingPoint {
    /// Updates made, this one included.
    pub iteration: u32,
    /// Episodes learned from, over all iterations so far.
    pub episodes: u64,
    /// Mean return of this iteration's episodes, before the update.
    pub mean_return: Option<f64>,
    /// Mean return minus baseline of this iteration's episodes, before the update.
    pub mean_advantage: Option<f64>,
    /// What the update came to.
    pub update: Option<Update>,
    /// Validation after the update, where there was one.
    pub validation: Option<f64>,
    /// Whether it is the best validation so far.
    pub best: bool,
}

/// The network with the best validation so far.
#[derive(Clone, Debug, PartialEq)]
struct Best {
    iteration: u32,
    validation: f64,
    network: Network,
}

/// Training, between two iterations.
#[derive(Clone, Debug, PartialEq)]
pub struct Trainer {
    config: TrainerConfig,
    key: Key,
    network: Network,
    optimiser: AdamW,
    history: Vec<TrainingPoint>,
    best: Option<Best>,
}

impl Trainer {
    /// Training of `network` that has not begun.
    ///
    /// # Errors
    /// If a setting is outside its limits.
    pub fn new(config: TrainerConfig, network: Network, key: Key) -> Result<Self, AgentError> {
        config.gradient.check()?;
        if config.validate_every == 0 {
            let (place, most) = ("trainer: validate_every", u32::MAX as usize);
            return Err(AgentError::Setting { place, found: 0, least: 1, most });
        }
        let optimiser = AdamW::new(config.gradient.optimiser);
        Ok(Self { config, key, network, optimiser, history: Vec::new(), best: None })
    }

    /// Whether all iterations are done.
    pub fn finished(&self) -> bool {
        self.history.last().is_some_and(|last| last.iteration >= self.config.iterations)
    }

    /// The network as it is now.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// The network with the best validation, its iteration and the figure; none before the first step.
    pub fn best(&self) -> Option<(&Network, u32, f64)> {
        self.best.as_ref().map(|best| (&best.network, best.iteration, best.validation))
    }

    /// All iterations so far.
    pub fn history(&self) -> &[TrainingPoint] {
        &self.history
    }

    /// The next iteration: the first call validates the network that training starts from, every further
    /// one plays, updates and, where due, validates. After an error the trainer is as it was before.
    ///
    /// # Errors
    /// The environment's errors, a refused trajectory, a diverged gradient, or a validation figure that is
    /// not finite.
    pub fn step(&mut self, environment: &mut dyn Environment) -> Result<TrainingPoint> {
        let mut next = self.clone();
        let point = match self.history.last() {
            None => TrainingPoint {
                iteration: 0,
                episodes: 0,
                mean_return: None,
                mean_advantage: None,
                update: None,
                validation: None,
                best: false,
            },
            Some(last) => next.learn(environment, last)?,
        };
        let point = next.judge(environment, point)?;
        next.history.push(point);
        *self = next;
        Ok(point)
    }

    /// All iterations that are left. `watch` sees the trainer after each, to show or save it, and ends
    /// training early by returning false.
    ///
    /// # Errors
    /// As [`step`](Self::step), and whatever `watch` fails with.
    pub fn run(
        &mut self,
        environment: &mut dyn Environment,
        mut watch: impl FnMut(&Self) -> Result<bool>,
    ) -> Result<()> {
        while !self.finished() {
            self.step(environment)?;
            if !watch(self)? {
                break;
            }
        }
        Ok(())
    }

    fn learn(&mut self, environment: &mut dyn Environment, last: &TrainingPoint) -> Result<TrainingPoint> {
        let iteration = last.iteration + 1;
        let key = self.key.at(u64::from(iteration));
        let played = environment.rollouts(&self.network, iteration, key.named("rollouts"))?;
        let (config, order) = (&self.config.gradient, key.named("update"));
        let update = policy_gradient::update(&mut self.network, &mut self.optimiser, &played, config, order)?;
        let mean =
            |of: fn(&Trajectory) -> f64| Some(played.iter().map(of).sum::<f64>() / played.len() as f64);
        Ok(TrainingPoint {
            iteration,
            episodes: last.episodes + played.len() as u64,
            mean_return: mean(Trajectory::value),
            mean_advantage: mean(|t| t.value() - t.baseline()),
            update: Some(update),
            validation: None,
            best: false,
        })
    }

    fn judge(
        &mut self,
        environment: &mut dyn Environment,
        mut point: TrainingPoint,
    ) -> Result<TrainingPoint> {
        let iteration = point.iteration;
        if !iteration.is_multiple_of(self.config.validate_every) && iteration < self.config.iterations {
            return Ok(point);
        }
        let value = environment.validate(&self.network)?;
        if !value.is_finite() {
            return Err(AgentError::Validation { iteration, value }.into());
        }
        point.validation = Some(value);
        // Of equals the earlier is kept: what training has not improved stays as it was.
        if self.best.as_ref().is_none_or(|best| value > best.validation) {
            point.best = true;
            self.best = Some(Best { iteration, validation: value, network: self.network.clone() });
        }
        Ok(point)
    }
}

/// The part of a checkpoint that is not tensors.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    format: u32,
    config: TrainerConfig,
    key: Key,
    network: NetworkConfig,
    features: usize,
    globals: usize,
    updates: u64,
    best: Option<(u32, f64)>,
    history: Vec<TrainingPoint>,
}

/// The name that the text of a checkpoint is stored under.
const STATE: &str = "state";

impl Trainer {
    /// Everything there is to know, as bytes: the network, the optimiser, the best network, the history,
    /// sealed by a digest. The same state gives the same bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let (updates, first, second) = self.optimiser.state();
        let state = State {
            format: FORMAT,
            config: self.config,
            key: self.key,
            network: self.network.config(),
            features: self.network.features(),
            globals: self.network.globals(),
            updates,
            best: self.best.as_ref().map(|best| (best.iteration, best.validation)),
            history: self.history.clone(),
        };
        let mut tensors = vec![(("network", 1, self.network.weights().len()), self.network.weights())];
        if updates > 0 {
            tensors.push((("first", 1, first.len()), first));
            tensors.push((("second", 1, second.len()), second));
        }
        if let Some(best) = &self.best {
            tensors.push((("best", 1, best.network.weights().len()), best.network.weights()));
        }
        let text = serde_json::to_string(&state).expect("finite figures and string keys");
        tensors::seal(tensors::encode(&tensors, Some((STATE, text))))
    }

    /// The trainer that wrote `bytes`, if it had the settings, the key and the network's shape that this
    /// training has; more iterations are allowed, as nothing already done depends on their number.
    ///
    /// # Errors
    /// [`AgentError::Checkpoint`] with both values where something differs, and every error of a damaged
    /// file of tensors.
    pub fn from_bytes(
        bytes: &[u8],
        config: TrainerConfig,
        network: &Network,
        key: Key,
    ) -> Result<Self, AgentError> {
        let bytes = tensors::unseal(bytes, LIMITS)?;
        let text = tensors::decode_text(bytes, STATE, LIMITS)?;
        let state: State = serde_json::from_str(&text)
            .map_err(|e| AgentError::Malformed { file: LIMITS.file, reason: e.to_string() })?;
        let done = state.history.last().map_or(0, |last| last.iteration);
        // The last iteration is validated whatever the interval: a finished run with a larger budget
        // then differs by that one figure from a run that had the budget from the start.
        let comparable = TrainerConfig { iterations: config.iterations, ..state.config };
        let shape = (state.network, state.features, state.globals);
        let mine = (network.config(), network.features(), network.globals());
        for (what, same, found, expected) in [
            ("format", state.format == FORMAT, state.format.to_string(), FORMAT.to_string()),
            ("configuration", comparable == config, format!("{:?}", state.config), format!("{config:?}")),
            ("key", state.key == key, format!("{:?}", state.key), format!("{key:?}")),
            ("network", shape == mine, format!("{shape:?}"), format!("{mine:?}")),
            (
                "number of iterations done",
                done <= config.iterations,
                done.to_string(),
                format!("at most {}", config.iterations),
            ),
        ] {
            if !same {
                return Err(AgentError::Checkpoint { what, found, expected });
            }
        }
        let size = network.weights().len();
        let mut expected: Vec<Named<'_>> = vec![("network", 1, size)];
        if state.updates > 0 {
            expected.extend([("first", 1, size), ("second", 1, size)]);
        }
        if state.best.is_some() {
            expected.push(("best", 1, size));
        }
        let mut values = tensors::decode(bytes, &expected, LIMITS)?.into_iter();
        let mut next = || values.next().expect("one vector per expected tensor");
        let (mine, features, globals) = mine;
        let rebuild = |weights| Network::from_weights(mine, features, globals, weights);
        let network = rebuild(next())?;
        let optimiser = match state.updates {
            0 => AdamW::new(config.gradient.optimiser),
            updates => AdamW::resume(config.gradient.optimiser, updates, next(), next()),
        };
        let best = match state.best {
            None => None,
            Some((iteration, validation)) => Some(Best { iteration, validation, network: rebuild(next())? }),
        };
        Ok(Self { config, key, network, optimiser, history: state.history, best })
    }
}
