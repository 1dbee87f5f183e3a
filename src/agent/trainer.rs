//! The loop around policy search: play, update, validate, keep the best, checkpoint.
//!
//! The trainer knows no episodes; an [`Environment`] plays them. Everything is derived from the key and
//! the iteration's number, so training that is interrupted and resumed from a checkpoint gives the same
//! bytes as training that was not.

mod checkpoint;

pub use checkpoint::{FORMAT, MAX_CHECKPOINT_BYTES, MAX_HEADER_BYTES};

use super::error::AgentError;
use super::evolution::{Duel, Evolution, EvolutionConfig, Generation, Pair};
use super::network::Network;
use super::optimiser::AdamW;
use super::policy_gradient::{self, GradientConfig, Update};
use super::trajectory::Trajectory;
use crate::error::Result;
use crate::rng::Key;
use serde::{Deserialize, Serialize};

/// Plays episodes.
pub trait Environment {
    /// Episodes of `network`, exploring. What they are may depend on the iteration and the key alone:
    /// an environment has no memory between calls, as checkpoints do not hold it.
    ///
    /// # Errors
    /// Whatever keeps an episode from being played.
    fn rollouts(&mut self, network: &Network, iteration: u32, key: Key) -> Result<Vec<Trajectory>>;

    /// Both networks of every pair at the same replicates, without exploring. As for
    /// [`rollouts`](Self::rollouts), nothing is remembered between calls.
    ///
    /// # Errors
    /// Whatever keeps an episode from being played.
    fn duels(&mut self, pairs: &[Pair], iteration: u32, key: Key) -> Result<Vec<Duel>>;

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
    /// How the policy is improved.
    pub algorithm: Algorithm,
}

/// Whether iteration `iteration` of `iterations` is validated: the start (0), the end, and every `every`-th between.
pub fn validates_at(iteration: u32, every: u32, iterations: u32) -> bool {
    iteration.is_multiple_of(every) || iteration >= iterations
}

/// How often training of so many iterations validates.
pub fn validations(every: u32, iterations: u32) -> u64 {
    (0..=iterations).filter(|&iteration| validates_at(iteration, every, iterations)).count() as u64
}

/// How an iteration improves the policy.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Algorithm {
    /// From episodes that explore.
    PolicyGradient(GradientConfig),
    /// From pairs of networks at the same replicates.
    Evolution(EvolutionConfig),
}

impl Algorithm {
    fn check(&self) -> Result<(), AgentError> {
        match self {
            Self::PolicyGradient(config) => config.check(),
            Self::Evolution(config) => config.check(),
        }
    }
}

impl Default for TrainerConfig {
    fn default() -> Self {
        Self {
            iterations: 50,
            validate_every: 5,
            algorithm: Algorithm::PolicyGradient(GradientConfig::default()),
        }
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
    /// What the update came to, by policy gradient.
    pub update: Option<Update>,
    /// What the update came to, by evolution strategy.
    pub generation: Option<Generation>,
    /// Validation after the update, where there was one.
    pub validation: Option<f64>,
    /// Whether it is the best validation so far.
    pub best: bool,
}

impl TrainingPoint {
    /// Nothing done yet.
    fn start() -> Self {
        Self {
            iteration: 0,
            episodes: 0,
            mean_return: None,
            mean_advantage: None,
            update: None,
            generation: None,
            validation: None,
            best: false,
        }
    }
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
    learner: Learner,
    history: Vec<TrainingPoint>,
    best: Option<Best>,
}

/// What an algorithm remembers between two updates, beside the network.
#[derive(Clone, Debug, PartialEq)]
enum Learner {
    PolicyGradient(AdamW),
    Evolution(Evolution),
}

impl Trainer {
    /// Training of `network` that has not begun. An evolution strategy takes all weights to have the
    /// scale 1, if nothing else is [said](Self::with_scale).
    ///
    /// # Errors
    /// If a setting is outside its limits.
    pub fn new(config: TrainerConfig, network: Network, key: Key) -> Result<Self, AgentError> {
        config.algorithm.check()?;
        if config.validate_every == 0 {
            let (place, most) = ("trainer: validate_every", u32::MAX as usize);
            return Err(AgentError::Setting { place, found: 0, least: 1, most });
        }
        let learner = match &config.algorithm {
            Algorithm::PolicyGradient(config) => Learner::PolicyGradient(AdamW::new(config.optimiser)),
            Algorithm::Evolution(config) => {
                Learner::Evolution(Evolution::new(&network, vec![1.0; network.weights().len()], config)?)
            }
        };
        Ok(Self { config, key, network, learner, history: Vec::new(), best: None })
    }

    /// Training that has not begun, whose evolution strategy moves each weight in units of its own
    /// ([`evolution::scale`](super::evolution::scale)). Without effect on other algorithms.
    ///
    /// # Errors
    /// If there is not one positive scale per weight.
    pub fn with_scale(mut self, scale: Vec<f32>) -> Result<Self, AgentError> {
        if let Algorithm::Evolution(config) = &self.config.algorithm {
            self.learner = Learner::Evolution(Evolution::new(&self.network, scale, config)?);
        }
        Ok(self)
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
            None => TrainingPoint::start(),
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
        let mut point = TrainingPoint { iteration, episodes: last.episodes, ..TrainingPoint::start() };
        let mean = |sum: f64, count: usize| Some(sum / count as f64);
        match (&mut self.learner, &self.config.algorithm) {
            (Learner::PolicyGradient(optimiser), Algorithm::PolicyGradient(config)) => {
                let played = environment.rollouts(&self.network, iteration, key.named("rollouts"))?;
                let order = key.named("update");
                let update = policy_gradient::update(&mut self.network, optimiser, &played, config, order)?;
                point.update = Some(update);
                point.episodes += played.len() as u64;
                point.mean_return = mean(played.iter().map(Trajectory::value).sum(), played.len());
                let advantage = |t: &Trajectory| t.value() - t.baseline();
                point.mean_advantage = mean(played.iter().map(advantage).sum(), played.len());
            }
            (Learner::Evolution(evolution), Algorithm::Evolution(config)) => {
                let directions = key.named("pairs");
                let pairs = evolution.pairs(&self.network, config, directions);
                let duels = environment.duels(&pairs, iteration, key.named("duels"))?;
                point.generation = Some(evolution.learn(&mut self.network, &duels, config, directions)?);
                point.episodes += duels.iter().map(|duel| 2 * u64::from(duel.episodes)).sum::<u64>();
                point.mean_return = mean(duels.iter().map(|d| (d.plus + d.minus) / 2.0).sum(), duels.len());
            }
            _ => unreachable!("the learner is made for the algorithm"),
        }
        Ok(point)
    }

    fn judge(
        &mut self,
        environment: &mut dyn Environment,
        mut point: TrainingPoint,
    ) -> Result<TrainingPoint> {
        let iteration = point.iteration;
        if !validates_at(iteration, self.config.validate_every, self.config.iterations) {
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
