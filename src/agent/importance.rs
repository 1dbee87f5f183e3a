//! What a policy looks at: permutation importance of its features.
//!
//! A feature is shuffled among the candidates of each state, a global feature among the states; what that
//! changes is what the policy read there (Breiman, "Random forests", Machine Learning 2001). Features that
//! say the same hide each other: shuffle such a group together.

use super::batch;
use super::error::AgentError;
use super::imitation::{LabelledState, Targets, judge_state};
use super::network::Network;
use super::parts::{self, Parts, part};
use crate::data::Matrix;
use crate::episode::{Observation, Schema};
use crate::error::Result;
use crate::query::Ties;
use crate::rng::Key;
use rand::seq::SliceRandom;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The most shuffles per group.
pub const MAX_REPEATS: usize = 1_000;

/// Which kind of feature a group holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Candidate features, shuffled within a state.
    Candidate,
    /// Global features, shuffled between states.
    Global,
}

/// Features that are shuffled together, by one permutation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// What the report calls it.
    pub name: String,
    /// Which features the columns are of.
    pub scope: Scope,
    /// Their columns.
    pub columns: Vec<usize>,
}

impl Group {
    /// Every feature of a schema as a group of its own.
    pub fn singles(schema: &Schema) -> Vec<Self> {
        let of = |scope, names: &[&str]| -> Vec<Self> {
            let group = |(column, name): (usize, &&str)| Self {
                name: (*name).to_owned(),
                scope,
                columns: vec![column],
            };
            names.iter().enumerate().map(group).collect()
        };
        [of(Scope::Candidate, schema.candidate), of(Scope::Global, schema.global)].concat()
    }
}

/// A mean with its 95 % interval (normal approximation). Shuffles are averaged within a state, and states of
/// one task count as one cluster, since they resemble each other; with a single task, as independent.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The mean over states.
    pub mean: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// What shuffling one group changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Importance {
    /// The group.
    pub group: Group,
    /// Share of states whose first choice becomes another candidate; 0 to 1.
    pub changed: Estimate,
    /// Increase of the imitation loss, in nats; above zero where the policy reads something useful.
    pub loss: Estimate,
}

/// The importance of each group for `network` on `states`.
///
/// The states' gains may be any reference that choices are to be judged by: the look-ahead's gains, or
/// another strategy's scores. `parts` keeps the figures of every group.
///
/// # Errors
/// If there is no state, one is refused, a column does not exist, or `repeats` is not in
/// `1..=`[`MAX_REPEATS`].
pub fn importance(
    network: &Network,
    states: &[LabelledState],
    groups: &[Group],
    repeats: usize,
    temperature: f32,
    parts: &dyn Parts,
    key: Key,
) -> Result<Vec<Importance>> {
    if !(1..=MAX_REPEATS).contains(&repeats) {
        let place = "importance: repeats";
        return Err(AgentError::Setting { place, found: repeats, least: 1, most: MAX_REPEATS }.into());
    }
    if states.is_empty() {
        return Err(AgentError::NothingToLearn { place: "importance" }.into());
    }
    let targets = Targets::new(states, network.features(), network.globals())?;
    groups.iter().try_for_each(|group| check(group, network))?;
    let ties = Ties::new(key);
    let look = |state: usize, observation: &Observation| {
        look(network, observation, &targets.normalised[state], temperature, ties)
    };
    let before: Vec<Look> =
        states.iter().enumerate().map(|(s, state)| look(s, &state.observation)).collect::<Result<_>>()?;
    let estimates = |group: &Group| {
        // By name: a group's figure does not depend on which other groups are asked for.
        let key = key.named(&group.name);
        let keys: Vec<Key> = (0..repeats as u64).map(|repeat| key.at(repeat)).collect();
        let from = match group.scope {
            Scope::Candidate => Vec::new(),
            Scope::Global => keys.iter().map(|&key| permutation(states.len(), key)).collect(),
        };
        let (mut changed, mut loss) = (vec![0.0; states.len()], vec![0.0; states.len()]);
        for (s, state) in states.iter().enumerate() {
            // Only the group's columns are written, so that one copy serves all shuffles.
            let mut shuffled = state.observation.clone();
            for (repeat, key) in keys.iter().enumerate() {
                match group.scope {
                    Scope::Candidate => {
                        shuffle(&mut shuffled.features, &state.observation.features, group, key.at(s as u64));
                    }
                    Scope::Global => {
                        let other = &states[from[repeat][s]].observation.globals;
                        group.columns.iter().for_each(|&column| shuffled.globals[column] = other[column]);
                    }
                }
                let after = look(s, &shuffled)?;
                changed[s] += f64::from(u8::from(before[s].choice != after.choice)) / repeats as f64;
                loss[s] += (after.loss - before[s].loss) / repeats as f64;
            }
        }
        Ok((estimate(&changed, states), estimate(&loss, states)))
    };
    let kept = |group: &Group| {
        let name = parts::name("importance", key.named(&group.name), 0);
        let (changed, loss) = part(parts, &name, |_| Ok(()), || estimates(group))?;
        Ok(Importance { group: group.clone(), changed, loss })
    };
    groups.par_iter().map(kept).collect()
}

fn check(group: &Group, network: &Network) -> Result<(), AgentError> {
    let columns = match group.scope {
        Scope::Candidate => network.features(),
        Scope::Global => network.globals(),
    };
    match group.columns.iter().find(|&&column| column >= columns) {
        Some(&found) => {
            let most = columns.saturating_sub(1);
            Err(AgentError::Setting { place: "importance: column", found, least: 0, most })
        }
        None => Ok(()),
    }
}

/// What the network makes of one state.
struct Look {
    choice: usize,
    loss: f64,
}

fn look(
    network: &Network,
    observation: &Observation,
    gains: &[f32],
    temperature: f32,
    ties: Ties<'_>,
) -> Result<Look> {
    let scores = network.score(observation)?;
    let first = batch::greedy(&scores, &observation.candidates, 1, ties)?;
    let choice = first.first().copied().unwrap_or(0);
    Ok(Look { choice, loss: judge_state(&scores[..gains.len()], gains, temperature).loss })
}

fn permutation(n: usize, key: Key) -> Vec<usize> {
    let mut order: Vec<usize> = (0..n).collect();
    order.shuffle(&mut key.rng());
    order
}

/// Writes one group's columns of `features`, permuted, to `shuffled`.
fn shuffle(shuffled: &mut Matrix, features: &Matrix, group: &Group, key: Key) {
    for (to, from) in permutation(features.rows(), key).into_iter().enumerate() {
        for &column in &group.columns {
            shuffled.row_mut(to)[column] = features.row(from)[column];
        }
    }
}

/// The mean of one value per state, with an interval that takes a task's states together.
fn estimate(values: &[f64], states: &[LabelledState]) -> Estimate {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let mut clusters = BTreeMap::<u32, f64>::new();
    for (value, state) in values.iter().zip(states) {
        *clusters.entry(state.task).or_default() += value - mean;
    }
    let alone: Vec<f64> = values.iter().map(|value| value - mean).collect();
    let deviations = if clusters.len() > 1 { clusters.into_values().collect() } else { alone };
    let n = deviations.len() as f64;
    let squares: f64 = deviations.iter().map(|d| d * d).sum();
    // One state says nothing about its spread.
    let error = if n > 1.0 { (n / (n - 1.0) * squares).sqrt() / count } else { 0.0 };
    Estimate { mean, low: mean - 1.96 * error, high: mean + 1.96 * error }
}

#[cfg(test)]
mod tests {
    use super::super::network::{Kind, NetworkConfig};
    use super::super::parts::Forgetful;
    use super::super::testing::{Kept, observation};
    use super::*;

    const SCHEMA: Schema = Schema { version: 1, candidate: &["a", "b", "c"], global: &["g", "h"] };

    /// The score is `a · (1 + 3 g)` and so is the gain; `b`, `c` and `h` are not read.
    fn reader() -> (Network, Vec<LabelledState>) {
        let config = NetworkConfig { kind: Kind::Linear, ..NetworkConfig::default() };
        let mut network = Network::new(config, 3, 2, Key::root(0)).unwrap();
        network.set_skip(&Matrix::new(vec![1.0, 3.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0], 3, 3));
        let states = (0..120)
            .map(|s| {
                let observation = observation(10, 3, 2, Key::root(s));
                let gains = network.score(&observation).unwrap();
                LabelledState { observation, gains, task: (s / 10) as u32 }
            })
            .collect();
        (network, states)
    }

    #[test]
    fn only_what_is_read_matters() {
        let (network, states) = reader();
        let groups = Group::singles(&SCHEMA);
        let found = importance(&network, &states, &groups, 3, 0.5, &Forgetful, Key::root(1)).unwrap();
        let names: Vec<&str> = found.iter().map(|i| i.group.name.as_str()).collect();
        assert_eq!(names, ["a", "b", "c", "g", "h"]);
        // A random one of ten is the choice again in a tenth of the states.
        assert!((found[0].changed.mean - 0.9).abs() < 0.06, "{:?}", found[0]);
        assert!(found[0].loss.low > 0.1 && found[3].changed.low > 0.1 && found[3].loss.low > 0.0);
        for unread in [1, 2, 4] {
            let nothing = Estimate { mean: 0.0, low: 0.0, high: 0.0 };
            assert_eq!((found[unread].changed, found[unread].loss), (nothing, nothing));
        }
        let parts = Kept::default();
        for _ in 0..2 {
            let again = importance(&network, &states, &groups, 3, 0.5, &parts, Key::root(1)).unwrap();
            assert_eq!((again, parts.made()), (found.clone(), groups.len()));
        }
        // A figure depends neither on the other groups nor on anything but the key.
        let alone = importance(&network, &states, &groups[3..4], 3, 0.5, &Forgetful, Key::root(1)).unwrap();
        assert_eq!(alone[0], found[3]);
    }

    #[test]
    fn the_interval_takes_the_states_of_a_task_together() {
        let (_, states) = reader();
        // Two tasks of two states: values 1, 1 and 3, 3. Cluster deviations are -2 and 2.
        let mut four = states[..4].to_vec();
        four.iter_mut().zip([0, 0, 1, 1]).for_each(|(state, task)| state.task = task);
        let found = estimate(&[1.0, 1.0, 3.0, 3.0], &four);
        let error = (2.0f64 * 8.0).sqrt() / 4.0;
        assert_eq!((found.mean, found.high), (2.0, 2.0 + 1.96 * error));
        // One task: the usual standard error of four values.
        four.iter_mut().for_each(|state| state.task = 0);
        let found = estimate(&[1.0, 1.0, 3.0, 3.0], &four);
        let usual = (4.0f64 / 3.0 / 4.0).sqrt();
        assert!((found.high - (2.0 + 1.96 * usual)).abs() < 1e-12);
    }

    #[test]
    fn bad_groups_and_settings_are_refused() {
        let (network, states) = reader();
        let group = Group { name: "x".into(), scope: Scope::Global, columns: vec![2] };
        let run = |states: &[LabelledState], repeats| {
            let groups = std::slice::from_ref(&group);
            let error =
                importance(&network, states, groups, repeats, 0.5, &Forgetful, Key::root(1)).unwrap_err();
            error.downcast_ref::<AgentError>().expect("this layer's error").clone()
        };
        assert!(matches!(run(&states, 1), AgentError::Setting { found: 2, most: 1, .. }));
        assert!(matches!(run(&states, 0), AgentError::Setting { found: 0, .. }));
        assert!(matches!(run(&[], 1), AgentError::NothingToLearn { .. }));
    }
}
