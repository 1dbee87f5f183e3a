//! The loop around learning: play, update, validate, keep the best, checkpoint.
//!
//! A [`Trainer`] knows no network, no episodes and no update; an [`Algorithm`] does, which is one file each:
//! [`policy_gradient`](super::policy_gradient), [`evolution`](super::evolution), [`dqn`](super::dqn), [`pang`](super::pang).
//! Everything is derived from the key and the iteration's number, so training that is interrupted and resumed from a
//! checkpoint gives the same bytes as training that was not.

mod checkpoint;

use super::error::AgentError;
use super::evolution::{AntitheticPair, Generation, PairResult};
use super::network::Network;
use super::optimiser::AdamW;
use super::policy_gradient::Update;
use super::trajectory::Trajectory;
use crate::error::Result;
use crate::rng::Key;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;

/// Plays episodes of the scoring network.
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
    fn duels(&mut self, pairs: &[AntitheticPair], iteration: u32, key: Key) -> Result<Vec<PairResult>>;

    /// How good `network` is on tasks that it is not trained on; higher = better. Always the same
    /// tasks and seeds, so that two networks can be compared.
    ///
    /// # Errors
    /// Whatever keeps an episode from being played.
    fn validate(&mut self, network: &Network) -> Result<f64>;
}

/// How long to train, and when to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainerConfig<C> {
    /// Updates.
    pub iterations: u32,
    /// Updates between two validations; the start and the end are always validated.
    pub validate_every: u32,
    /// How the policy is improved.
    pub algorithm: C,
}

impl<C: Default> Default for TrainerConfig<C> {
    fn default() -> Self {
        Self { iterations: 50, validate_every: 5, algorithm: C::default() }
    }
}

/// Whether iteration `iteration` of `iterations` is validated: the start (0), the end, and every `every`-th between.
pub fn validates_at(iteration: u32, every: u32, iterations: u32) -> bool {
    iteration.is_multiple_of(every) || iteration >= iterations
}

/// How often training of so many iterations validates.
pub fn validations(every: u32, iterations: u32) -> u64 {
    (0..=iterations).filter(|&iteration| validates_at(iteration, every, iterations)).count() as u64
}

/// One iteration, as a report shows it and a checkpoint keeps it. Iteration 0 is the start.
pub trait Iteration: Copy + fmt::Debug + PartialEq + Serialize + DeserializeOwned {
    /// Its number.
    fn number(&self) -> u32;

    /// The validation after it, where there was one.
    fn validation(&self) -> Option<f64>;

    /// That the network was validated after it, and whether it is the best so far.
    fn validated(&mut self, value: f64, best: bool);
}

/// A named matrix of a checkpoint: name, rows, columns.
pub type Shape = (&'static str, usize, usize);

/// How a network is improved, and all that this remembers between two iterations.
pub trait Algorithm: Clone + fmt::Debug + PartialEq {
    /// Its settings, which a checkpoint holds.
    type Config: Copy + fmt::Debug + PartialEq + Serialize + DeserializeOwned;
    /// What is learned.
    type Network: Clone + fmt::Debug + PartialEq;
    /// What one iteration came to.
    type Point: Iteration;
    /// What a checkpoint says of it besides numbers: a struct.
    type Text: Serialize + DeserializeOwned;

    /// What messages call its checkpoint.
    const FILE: &'static str;
    /// The checkpoint format that this version writes, and the only one it reads.
    const FORMAT: u32;
    /// The largest checkpoint that is read, in bytes.
    const MAX_BYTES: usize;

    /// Iterations, and how many are between two validations.
    fn schedule(config: &Self::Config) -> [u32; 2];

    /// The same settings with other iterations.
    fn with_iterations(config: Self::Config, iterations: u32) -> Self::Config;

    /// The network as it is now.
    fn network(&self) -> &Self::Network;

    /// The weights of a network.
    fn weights(network: &Self::Network) -> &[f32];

    /// A network of the same kind with other weights.
    ///
    /// # Errors
    /// For another number of them.
    fn with_weights(&self, weights: Vec<f32>) -> Result<Self::Network, AgentError>;

    /// What moves the weights.
    fn optimiser(&self) -> &AdamW;

    /// What a checkpoint says of it besides numbers.
    fn text(&self) -> Self::Text;

    /// Refuses the text of a checkpoint that is not of this training.
    ///
    /// # Errors
    /// [`AgentError::Checkpoint`] with both values.
    fn check(&self, config: &Self::Config, text: &Self::Text) -> Result<(), AgentError>;

    /// Numbers that a checkpoint holds besides the network and the optimiser's moments; an empty one is left out.
    fn tensors(&self) -> Vec<(Shape, Cow<'_, [f32]>)>;

    /// The shapes of the [`tensors`](Self::tensors) of a checkpoint with this text.
    fn shapes(&self, text: &Self::Text) -> Vec<Shape>;

    /// As it was when it gave these.
    ///
    /// # Errors
    /// What keeps it from being so.
    fn resumed(
        self,
        text: Self::Text,
        network: Self::Network,
        optimiser: AdamW,
        tensors: Vec<Vec<f32>>,
    ) -> Result<Self, AgentError>;
}

/// An algorithm that learns from episodes of `E`.
pub trait Learns<E: ?Sized>: Algorithm {
    /// One iteration, of the number after `last`; without a `last` the start, which need not change anything. `key` is the
    /// training's.
    ///
    /// # Errors
    /// Those of the episodes, a refused trajectory, a diverged gradient.
    fn learn(
        &mut self,
        config: &Self::Config,
        last: Option<&Self::Point>,
        environment: &mut E,
        key: Key,
    ) -> Result<Self::Point>;

    /// How good a network is; higher = better.
    ///
    /// # Errors
    /// Whatever keeps an episode from being played.
    fn validate(environment: &mut E, network: &Self::Network) -> Result<f64>;
}

/// Who is told how far a training is, and keeps what it goes on from.
pub trait Keeper {
    /// What was saved last, of at most `limit` bytes; none if nothing was.
    ///
    /// # Errors
    /// Whatever keeps it from being read.
    fn saved(&mut self, limit: u64) -> Result<Option<Vec<u8>>>;

    /// There will be so many iterations, of which so many are done.
    fn begin(&mut self, iterations: u64, done: u64);

    /// One more is done: `note` says what it came to, and `bytes` are all that the training would go on from.
    ///
    /// # Errors
    /// Whatever keeps it from being saved; an interruption, with which the training is to end.
    fn after(&mut self, finished: bool, note: Option<String>, bytes: &dyn Fn() -> Vec<u8>) -> Result<()>;
}

/// One iteration of a search for a better policy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
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

impl Iteration for TrainingPoint {
    fn number(&self) -> u32 {
        self.iteration
    }

    fn validation(&self) -> Option<f64> {
        self.validation
    }

    fn validated(&mut self, value: f64, best: bool) {
        (self.validation, self.best) = (Some(value), best);
    }
}

/// The network with the best validation so far.
#[derive(Clone, Debug, PartialEq)]
pub struct Best<N> {
    /// Its iteration.
    pub iteration: u32,
    /// The figure.
    pub validation: f64,
    /// The network.
    pub network: N,
}

/// Training, between two iterations.
#[derive(Clone, Debug, PartialEq)]
pub struct Trainer<A: Algorithm> {
    config: A::Config,
    key: Key,
    algorithm: A,
    history: Vec<A::Point>,
    best: Option<Best<A::Network>>,
}

impl<A: Algorithm> Trainer<A> {
    /// Training that has not begun.
    ///
    /// # Errors
    /// If there is never a validation.
    pub fn of(config: A::Config, algorithm: A, key: Key) -> Result<Self, AgentError> {
        if A::schedule(&config)[1] == 0 {
            let (place, most) = ("trainer: validate_every", u32::MAX as usize);
            return Err(AgentError::Setting { place, found: 0, least: 1, most });
        }
        Ok(Self { config, key, algorithm, history: Vec::new(), best: None })
    }

    /// Whether all iterations are done.
    pub fn finished(&self) -> bool {
        let [iterations, _] = A::schedule(&self.config);
        self.history.last().is_some_and(|last| last.number() >= iterations)
    }

    /// The network as it is now.
    pub fn network(&self) -> &A::Network {
        self.algorithm.network()
    }

    /// The network with the best validation; none before the first.
    pub fn best(&self) -> Option<&Best<A::Network>> {
        self.best.as_ref()
    }

    /// All iterations so far.
    pub fn history(&self) -> &[A::Point] {
        &self.history
    }

    /// The next iteration: it plays, updates and, where due, validates. The first call is the start. After an error the
    /// trainer is as it was before.
    ///
    /// # Errors
    /// Those of [`Learns`], and a validation figure that is not finite.
    pub fn step<E: ?Sized>(&mut self, environment: &mut E) -> Result<A::Point>
    where
        A: Learns<E>,
    {
        let mut next = self.clone();
        let mut point = next.algorithm.learn(&self.config, self.history.last(), environment, self.key)?;
        let (iteration, [iterations, every]) = (point.number(), A::schedule(&self.config));
        if validates_at(iteration, every, iterations) {
            let validation = A::validate(environment, next.algorithm.network())?;
            if !validation.is_finite() {
                return Err(AgentError::Validation { iteration, value: validation }.into());
            }
            // Of equals the earlier is kept: what training has not improved stays as it was.
            let best = self.best.as_ref().is_none_or(|best| validation > best.validation);
            point.validated(validation, best);
            if best {
                let network = next.algorithm.network().clone();
                next.best = Some(Best { iteration, validation, network });
            }
        }
        next.history.push(point);
        *self = next;
        Ok(point)
    }

    /// All iterations that are left. `watch` sees the trainer after each, to show or save it, and ends
    /// training early by returning false.
    ///
    /// # Errors
    /// As [`step`](Self::step), and whatever `watch` fails with.
    pub fn run<E: ?Sized>(
        &mut self,
        environment: &mut E,
        mut watch: impl FnMut(&Self) -> Result<bool>,
    ) -> Result<()>
    where
        A: Learns<E>,
    {
        while !self.finished() {
            self.step(environment)?;
            if !watch(self)? {
                break;
            }
        }
        Ok(())
    }

    /// All iterations that are left, of which `keeper` is told and keeps what the training goes on from; `note` says a
    /// validation in words.
    ///
    /// # Errors
    /// As [`step`](Self::step), and those of `keeper`.
    pub fn keep<E: ?Sized>(
        &mut self,
        environment: &mut E,
        keeper: &mut dyn Keeper,
        note: impl Fn(f64) -> String,
    ) -> Result<()>
    where
        A: Learns<E>,
    {
        let [iterations, _] = A::schedule(&self.config);
        keeper.begin(u64::from(iterations) + 1, self.history.len() as u64);
        self.run(environment, |trainer| {
            let said = trainer.history.last().and_then(Iteration::validation).map(&note);
            keeper.after(trainer.finished(), said, &|| trainer.to_bytes())?;
            Ok(true)
        })
    }
}
