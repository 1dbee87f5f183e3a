//! Work whose pieces other processes may make: weights and seeds of episodes in, numbers out, in order.
//!
//! What training spends its time on falls into pieces that depend on the plan, on [`Work`] and on their number alone:
//! the states of one bank, the returns of one bank of pairs, a network's score on one task, the trajectories of one
//! task. `pieces` has them made on the threads of this process or, where its [`Parts`] have a [`Team`], by all
//! processes of that. [`TrainingTasks::answer`] is what another process does: it makes its tasks from the same plan and plays.
//! Both call the same functions, and results are put together in the order of the pieces, so that they do not depend on
//! who made which, nor on how often.
//!
//! How work and numbers travel is not known here.

use super::collection::{self, Behaviour, CollectPlan};
use super::error::AgentError;
use super::evolution::AntitheticPair;
use super::network::{Network, NetworkConfig};
use super::parts::{self, Parts, part};
use super::selection_profile::selection_profile_on;
use super::simulation::{Source, TrainingTasks};
use crate::error::Result;
use crate::rng::Key;
use rayon::prelude::*;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::sync::{Mutex, PoisonError};

/// Which tasks of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Those that are learned from.
    Sources,
    /// Those that a policy is judged by.
    Validation,
}

impl Side {
    /// What there is of this side.
    pub fn of<T>(self, sources: T, validation: T) -> T {
        match self {
            Side::Sources => sources,
            Side::Validation => validation,
        }
    }
}

/// Tasks to collect states on.
#[derive(Clone, Copy, Debug)]
pub struct Tasks<'a> {
    pub(super) sources: &'a [Source],
    /// Where another process finds them; `None` for tasks that only this one knows.
    pub(super) side: Option<Side>,
}

impl<'a> Tasks<'a> {
    /// All tasks of one side of the plan.
    pub fn of(side: Side, sources: &'a [Source]) -> Self {
        Self { sources, side: Some(side) }
    }
}

impl<'a> From<&'a [Source]> for Tasks<'a> {
    /// Tasks whose states are collected by this process alone.
    fn from(sources: &'a [Source]) -> Self {
        Self { sources, side: None }
    }
}

impl<'a> From<&'a Vec<Source>> for Tasks<'a> {
    fn from(sources: &'a Vec<Source>) -> Self {
        Self::from(&sources[..])
    }
}

/// A network's shape and weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Weights {
    config: NetworkConfig,
    features: usize,
    globals: usize,
    weights: Vec<f32>,
}

impl Weights {
    /// Those of `network`.
    pub fn of(network: &Network) -> Self {
        let (features, globals) = (network.features(), network.globals());
        Self { config: network.config(), features, globals, weights: network.weights().to_vec() }
    }

    /// The network.
    ///
    /// # Errors
    /// As [`Network::from_weights`].
    pub fn network(self) -> Result<Network, AgentError> {
        Network::from_weights(self.config, self.features, self.globals, self.weights)
    }
}

/// Who continues the episodes whose states are collected, as [`Behaviour`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Acting {
    /// The mixture.
    Mixture,
    /// A network.
    Policy { network: Weights, others: f64, cap: usize },
}

/// What is to be played.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Work {
    /// States with one label looked ahead; a piece is a bank of episodes.
    States { acting: Acting, side: Side, first_task: u32, plan: CollectPlan, key: Key },
    /// Pairs of an evolution strategy; a piece is a bank.
    Duels { pairs: Vec<[Weights; 2]>, key: Key },
    /// A network's mean metric on the validation tasks; a piece is a task.
    Validation { network: Weights },
    /// Margin's mean metric on the validation tasks; a piece is a task.
    Reference,
    /// Where a network's picks lie among the candidates; a piece is a task.
    SelectionProfile { network: Weights, side: Side, repetitions: usize, cap: usize, key: Key },
    /// Episodes that explore, for policy gradients; a piece is a task.
    Rollouts { network: Weights, key: Key },
}

/// Called with the number of a piece and its JSON text.
pub type Deliver<'a> = &'a (dyn Fn(usize, Vec<u8>) -> Result<()> + Sync);
/// Makes the piece of a number, as JSON text.
pub type Make<'a> = &'a (dyn Fn(usize) -> Result<Vec<u8>> + Sync);

/// Several processes that make pieces together.
pub trait Team: Sync + std::fmt::Debug {
    /// Has `pieces` of `work` made: some by `make` on the threads of this process, others by whom they are handed to.
    /// Every one of them is delivered, in any order.
    ///
    /// # Errors
    /// What making, delivering and carrying them fail with.
    fn make(&self, work: &Work, pieces: &[usize], make: Make<'_>, deliver: Deliver<'_>) -> Result<()>;
}

/// The pieces called `names`, in order: as they are kept if `sound` finds nothing wrong with them, else made by `make`
/// or, where `parts` have a team and there is `work` to hand out, by the team. `made` is called with the number of every
/// piece once it is there.
///
/// # Errors
/// As [`part`], and the team's.
pub(super) fn pieces<T: Serialize + DeserializeOwned + Send>(
    parts: &dyn Parts,
    work: Option<&dyn Fn() -> Work>,
    names: &[String],
    sound: impl Fn(usize, &T) -> Result<()> + Sync,
    make: impl Fn(usize) -> Result<T> + Sync,
    made: impl Fn(usize) -> Result<()> + Sync,
) -> Result<Vec<T>> {
    let (Some(team), Some(work)) = (parts.team(), work) else {
        return (0..names.len())
            .into_par_iter()
            .map(|at| {
                let one = part(parts, &names[at], |kept| sound(at, kept), || make(at))?;
                made(at)?;
                Ok(one)
            })
            .collect();
    };
    let delivered: Mutex<Vec<Option<T>>> = Mutex::new(names.iter().map(|_| None).collect());
    let place = |at: usize, one: T| {
        let mut delivered = delivered.lock().unwrap_or_else(PoisonError::into_inner);
        delivered[at].replace(one).is_none()
    };
    let mut missing = Vec::new();
    for (at, name) in names.iter().enumerate() {
        let Some(kept) = parts::recall::<T>(parts, name)? else {
            missing.push(at);
            continue;
        };
        sound(at, &kept)?;
        place(at, kept);
        made(at)?;
    }
    if !missing.is_empty() {
        let make = |at: usize| Ok(text(&make(at)?));
        let deliver = |at: usize, text: Vec<u8>| {
            let name = names.get(at).ok_or_else(|| parts::unsound("spread", format!("piece {at}")))?;
            let one: T =
                serde_json::from_slice(&text).map_err(|error| parts::unsound(name, error.to_string()))?;
            sound(at, &one)?;
            if place(at, one) {
                parts.keep(name, text)?;
                made(at)?;
            }
            Ok(())
        };
        team.make(&work(), &missing, &make, &deliver)?;
    }
    let delivered = delivered.into_inner().unwrap_or_else(PoisonError::into_inner);
    let there = |(one, name): (Option<T>, &String)| {
        one.ok_or_else(|| parts::unsound(name, "nobody has made it".to_string()))
    };
    delivered.into_iter().zip(names).map(there).collect()
}

/// Parts that keep nothing, with the team of others: for pieces that are too large to keep.
pub(super) struct Unkept<'a>(pub(super) &'a dyn Parts);

impl Parts for Unkept<'_> {
    fn recall(&self, _name: &str) -> Result<Option<Vec<u8>>> {
        Ok(None)
    }

    fn keep(&self, _name: &str, _part: Vec<u8>) -> Result<()> {
        Ok(())
    }

    fn team(&self) -> Option<&dyn Team> {
        self.0.team()
    }
}

impl TrainingTasks<'_> {
    fn on(&self, side: Side) -> &[Source] {
        side.of(self.sources, self.validation)
    }

    /// Piece number `piece` of `work`, as JSON text: what the process that asks would have made itself.
    ///
    /// # Errors
    /// [`AgentError::Part`] for a piece that the work does not have; what playing fails with.
    pub fn answer(&self, work: &Work, piece: usize) -> Result<Vec<u8>> {
        let none = || parts::unsound("spread", format!("there is no piece {piece}"));
        Ok(match work {
            Work::States { acting, side, first_task, plan, key } => {
                let sources = self.on(*side);
                let network;
                let behaviour = match acting {
                    Acting::Mixture => Behaviour::Mixture,
                    Acting::Policy { network: weights, others, cap } => {
                        network = weights.clone().network()?;
                        Behaviour::Policy { network: &network, others: *others, cap: *cap }
                    }
                };
                let banks = collection::banks(sources, plan);
                let bank = banks.get(piece).ok_or_else(none)?.clone();
                text(&collection::collect_bank(behaviour, sources, *first_task, bank, *plan, *key)?)
            }
            Work::Duels { pairs, key } => {
                let banks = self.duels.banks(self.sources, pairs.len(), *key);
                let bank = banks.get(piece).ok_or_else(none)?;
                let own = pairs[bank.pairs.clone()].iter().cloned().map(|[plus, minus]| {
                    Ok::<_, AgentError>(AntitheticPair { plus: plus.network()?, minus: minus.network()? })
                });
                text(&self.play_pairs(bank, &own.collect::<Result<Vec<_>, _>>()?, *key)?)
            }
            Work::Validation { network } => {
                let source = self.validation.get(piece).ok_or_else(none)?;
                text(&self.validated(source, &network.clone().network()?)?)
            }
            Work::SelectionProfile { network, side, repetitions, cap, key } => {
                let source = self.on(*side).get(piece).ok_or_else(none)?;
                text(&selection_profile_on(source, &network.clone().network()?, *repetitions, *cap, *key)?)
            }
            Work::Reference => text(&self.reference(self.validation.get(piece).ok_or_else(none)?)?),
            Work::Rollouts { network, key } => {
                let task = *self.drawn(*key).get(piece).ok_or_else(none)?;
                text(&self.rollout(task, &network.clone().network()?, *key)?)
            }
        })
    }
}

fn text<T: Serialize>(piece: &T) -> Vec<u8> {
    serde_json::to_vec(piece).expect("plain data with string keys")
}
