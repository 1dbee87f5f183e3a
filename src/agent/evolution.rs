//! Evolution strategy: the policy's weights move towards what plays better.
//!
//! Random directions are drawn; for each, the network moved along it and the network moved against it play
//! *the same replicates* (task, split, initial labels, initial weights), so that their difference is due to the
//! direction alone. The differences weigh the directions: an unbiased estimate of the gradient of the mean
//! return, smoothed over the size of the move. It needs no probability of a choice, no credit for a single
//! query, and sees the policy as it will be used, without drawing.
//!
//! Weights are moved in units of a *scale* of their own ([`scale`]), so that every weight of a direction
//! changes the ranking by a comparable amount, and a `sigma` of 1 disturbs scores as much as they differ.
//! The optimiser works on the *offset* from the start in these units; its weight decay therefore pulls
//! towards the network that training started from, and not towards zero.
//!
//! Salimans, Ho, Chen, Sidor, Sutskever, "Evolution strategies as a scalable alternative to reinforcement
//! learning", 2017: antithetic pairs, common random numbers, Adam.

use super::error::AgentError;
use super::gradients;
use super::network::{Network, NetworkShape};
use super::optimiser::{AdamW, OptimiserConfig};
use super::trainer::{Algorithm, Environment, Learns, Shape, Trainer, TrainerConfig, TrainingPoint};
use crate::episode::Observation;
use crate::error::Result;
use crate::rng::Key;
use rand::RngExt;
use rand_distr::{Distribution, StandardNormal};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The most pairs of one iteration.
pub const MAX_PAIRS: usize = 4_096;

/// A weight that hardly moves a score is moved as if it did so by this share of the root mean square over
/// all weights: what was zero in the states at hand need not be zero elsewhere.
const LEAST_SPREAD: f64 = 0.1;

/// How differences between the halves of a pair are weighed against those on other tasks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shaping {
    /// As they are.
    Raw,
    /// Divided by their root mean square on the task, so that tasks on which much can be gained do not
    /// drown the others. As few pairs share a task, it is drawn to what is usual over tasks (a geometric
    /// mean) with the weight of one pair.
    #[default]
    PerTask,
}

/// How one iteration is made.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EvolutionConfig {
    /// Directions, each played both ways.
    pub pairs: usize,
    /// Length of a move, per weight and in units of the weight's scale.
    pub sigma: f32,
    /// Weighing of the differences.
    pub shaping: Shaping,
    /// The step itself, in units of the scale; its weight decay pulls to the start.
    pub optimiser: OptimiserConfig,
}

impl Default for EvolutionConfig {
    fn default() -> Self {
        Self {
            pairs: 32,
            sigma: 0.3,
            shaping: Shaping::PerTask,
            // Adam does not feel the length of a gradient, so there is nothing to clip.
            optimiser: OptimiserConfig { learning_rate: 0.03, weight_decay: 0.1, clip_norm: f64::MAX },
        }
    }
}

impl EvolutionConfig {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`AgentError::Rate`] or [`AgentError::Setting`] for one outside its limits.
    pub fn check(&self) -> Result<(), AgentError> {
        self.optimiser.check()?;
        let (found, most) = (self.pairs, MAX_PAIRS);
        if !(1..=most).contains(&found) {
            return Err(AgentError::Setting { place: "evolution: pairs", found, least: 1, most });
        }
        let found = f64::from(self.sigma);
        if !(found.is_finite() && found > 0.0) {
            let expected = "a positive number";
            return Err(AgentError::Rate { place: "evolution: sigma", found, expected });
        }
        Ok(())
    }
}

/// A network moved along a direction, and moved against it.
#[derive(Clone, Debug, PartialEq)]
pub struct AntitheticPair {
    /// Moved along.
    pub plus: Network,
    /// Moved against.
    pub minus: Network,
}

/// What a pair came to on one task: mean returns of both halves over the same replicates; higher = better.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PairResult {
    /// Index of the pair.
    pub pair: usize,
    /// The task, in any numbering.
    pub task: u32,
    /// Episodes that each half played.
    pub episodes: u32,
    /// Mean return of the half moved along the direction.
    pub plus: f64,
    /// Mean return of the half moved against it.
    pub minus: f64,
}

/// What one iteration came to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Generation {
    /// Duels learned from.
    pub duels: usize,
    /// Root mean square of the differences within a duel.
    pub difference: f64,
    /// Norm of the estimated gradient, per root of the number of weights.
    pub gradient_norm: f64,
    /// Distance from the start after the step, in units of the scale, per root of the number of weights.
    pub distance: f64,
}

/// Where an evolution strategy stands. The network is `start + scale · offset`.
#[derive(Clone, Debug, PartialEq)]
pub struct Evolution {
    network: Network,
    start: Vec<f32>,
    scale: Vec<f32>,
    offset: Vec<f32>,
    optimiser: AdamW,
}

impl Trainer<Evolution> {
    /// Training of `network` by an evolution strategy that has not begun, which moves each weight in units of its own
    /// ([`scale`]).
    ///
    /// # Errors
    /// If a setting is outside its limits, or there is not one positive scale per weight.
    pub fn by_evolution(
        config: TrainerConfig<EvolutionConfig>,
        network: Network,
        scale: Vec<f32>,
        key: Key,
    ) -> Result<Self, AgentError> {
        config.algorithm.check()?;
        Self::of(config, Evolution::new(network, scale, &config.algorithm)?, key)
    }
}

impl Evolution {
    fn new(network: Network, scale: Vec<f32>, config: &EvolutionConfig) -> Result<Self, AgentError> {
        let (found, expected) = (scale.len(), network.weights().len());
        if found != expected {
            let place = "evolution: number of scales";
            return Err(AgentError::Setting { place, found, least: expected, most: expected });
        }
        if let Some(&bad) = scale.iter().find(|s| !(s.is_finite() && **s > 0.0)) {
            let (place, found) = ("evolution: scale of a weight", f64::from(bad));
            return Err(AgentError::Rate { place, found, expected: "a positive number" });
        }
        let (start, offset) = (network.weights().to_vec(), vec![0.0; expected]);
        Ok(Self { network, start, scale, offset, optimiser: AdamW::new(config.optimiser) })
    }

    /// Writes the weights that the strategy stands at, `sigma` times `direction` added.
    fn place(&self, network: &mut Network, direction: &[f32], sigma: f32) {
        let parts = self.start.iter().zip(&self.scale).zip(self.offset.iter().zip(direction));
        for (weight, ((start, scale), (offset, step))) in network.weights_mut().iter_mut().zip(parts) {
            *weight = start + scale * (offset + sigma * step);
        }
    }

    /// The pairs of an iteration.
    fn pairs(&self, config: &EvolutionConfig, key: Key) -> Vec<AntitheticPair> {
        (0..config.pairs)
            .map(|pair| {
                let direction = direction(self.start.len(), pair, key);
                let mut pair = AntitheticPair { plus: self.network.clone(), minus: self.network.clone() };
                self.place(&mut pair.plus, &direction, config.sigma);
                self.place(&mut pair.minus, &direction, -config.sigma);
                pair
            })
            .collect()
    }

    /// One step towards what won its duels; `key` is the one that the pairs were drawn from.
    fn follow(
        &mut self,
        duels: &[PairResult],
        config: &EvolutionConfig,
        key: Key,
    ) -> Result<Generation, AgentError> {
        let gradient = gradient(self.start.len(), duels, config, key)?;
        // The optimiser goes downhill.
        let norm = self.optimiser.step(&mut self.offset, gradient.iter().map(|g| -g).collect())?;
        let mut network = self.network.clone();
        self.place(&mut network, &vec![0.0; self.start.len()], 0.0);
        self.network = network;
        let root = (self.start.len() as f64).sqrt();
        let squares: f64 = self.offset.iter().map(|&o| f64::from(o).powi(2)).sum();
        Ok(Generation {
            duels: duels.len(),
            difference: mean_square(duels.iter()).sqrt(),
            gradient_norm: norm / root,
            distance: squares.sqrt() / root,
        })
    }
}

impl<E: Environment + ?Sized> Learns<E> for Evolution {
    /// The start is validated as it is; every further iteration has pairs play, and moves towards what won.
    fn learn(
        &mut self,
        config: &Self::Config,
        last: Option<&TrainingPoint>,
        environment: &mut E,
        key: Key,
    ) -> Result<TrainingPoint> {
        let Some(last) = last else { return Ok(TrainingPoint::default()) };
        let iteration = last.iteration + 1;
        let key = key.at(u64::from(iteration));
        let directions = key.named("pairs");
        let pairs = self.pairs(&config.algorithm, directions);
        let duels = environment.duels(&pairs, iteration, key.named("duels"))?;
        let generation = self.follow(&duels, &config.algorithm, directions)?;
        let returns: f64 = duels.iter().map(|duel| (duel.plus + duel.minus) / 2.0).sum();
        Ok(TrainingPoint {
            iteration,
            episodes: last.episodes + duels.iter().map(|duel| 2 * u64::from(duel.episodes)).sum::<u64>(),
            mean_return: Some(returns / duels.len() as f64),
            generation: Some(generation),
            ..TrainingPoint::default()
        })
    }

    fn validate(environment: &mut E, network: &Network) -> Result<f64> {
        environment.validate(network)
    }
}

impl Algorithm for Evolution {
    type Config = TrainerConfig<EvolutionConfig>;
    type Network = Network;
    type Point = TrainingPoint;
    type Text = NetworkShape;

    const FILE: &'static str = "checkpoint";
    const FORMAT: u32 = 3;
    const MAX_BYTES: usize = 256 << 20;

    fn schedule(config: &Self::Config) -> [u32; 2] {
        [config.iterations, config.validate_every]
    }

    fn with_iterations(config: Self::Config, iterations: u32) -> Self::Config {
        TrainerConfig { iterations, ..config }
    }

    fn network(&self) -> &Network {
        &self.network
    }

    fn weights(network: &Network) -> &[f32] {
        network.weights()
    }

    fn with_weights(&self, weights: Vec<f32>) -> Result<Network, AgentError> {
        self.network.with_weights(weights)
    }

    fn optimiser(&self) -> &AdamW {
        &self.optimiser
    }

    fn text(&self) -> NetworkShape {
        NetworkShape::of(&self.network)
    }

    fn check(&self, _config: &Self::Config, text: &NetworkShape) -> Result<(), AgentError> {
        text.check(&self.network)
    }

    fn tensors(&self) -> Vec<(Shape, Cow<'_, [f32]>)> {
        let own = [("start", &self.start), ("scale", &self.scale), ("offset", &self.offset)];
        own.map(|(name, values)| ((name, 1, values.len()), Cow::Borrowed(&values[..]))).into()
    }

    fn shapes(&self, _text: &NetworkShape) -> Vec<Shape> {
        ["start", "scale", "offset"].map(|name| (name, 1, self.start.len())).into()
    }

    fn resumed(
        self,
        _text: NetworkShape,
        network: Network,
        optimiser: AdamW,
        tensors: Vec<Vec<f32>>,
    ) -> Result<Self, AgentError> {
        let [start, scale, offset] = <[Vec<f32>; 3]>::try_from(tensors).expect("one per shape");
        Ok(Self { network, start, scale, offset, optimiser })
    }
}

/// The direction of a pair: standard normal, one value per weight.
fn direction(size: usize, pair: usize, key: Key) -> Vec<f32> {
    let mut rng = key.named("direction").at(pair as u64).rng();
    (0..size).map(|_| StandardNormal.sample(&mut rng)).collect()
}

/// The estimated gradient of the return with respect to the weights, each in units of its scale:
/// the mean over pairs of `(plus - minus) / (2 sigma) · direction`, differences shaped and averaged over
/// the pair's tasks. `key` is the one that the pairs were drawn from.
///
/// # Errors
/// If there is no duel, one names a pair that was not drawn, or a return is not finite.
pub fn gradient(
    size: usize,
    duels: &[PairResult],
    config: &EvolutionConfig,
    key: Key,
) -> Result<Vec<f32>, AgentError> {
    if duels.is_empty() {
        return Err(AgentError::NothingToLearn { place: "evolution" });
    }
    let mut tasks = BTreeMap::<u32, Vec<&PairResult>>::new();
    for (index, duel) in duels.iter().enumerate() {
        let (pair, pairs) = (duel.pair, config.pairs);
        if pair >= pairs {
            return Err(AgentError::AntitheticPair { duel: index, pair, pairs });
        }
        if let Some(value) = [duel.plus, duel.minus].into_iter().find(|value| !value.is_finite()) {
            return Err(AgentError::PairResult { duel: index, pair, value });
        }
        tasks.entry(duel.task).or_default().push(duel);
    }
    let logs: Vec<f64> = tasks
        .values()
        .map(|duels| mean_square(duels.iter().copied()))
        .filter(|square| *square > 0.0)
        .map(f64::ln)
        .collect();
    let usual = logs.iter().sum::<f64>() / logs.len().max(1) as f64;
    // Per pair, the sum of its weighed differences and their number.
    let mut weighed = vec![(0.0, 0usize); config.pairs];
    for duels in tasks.into_values() {
        let count = duels.len() as f64;
        let own = mean_square(duels.iter().copied());
        let unit = match config.shaping {
            Shaping::Raw => 1.0,
            // Where no pair differs, nothing is weighed either.
            Shaping::PerTask if own == 0.0 => 1.0,
            Shaping::PerTask => ((count * own.ln() + usual) / (count + 1.0) / 2.0).exp(),
        };
        for duel in duels {
            let entry = &mut weighed[duel.pair];
            entry.0 += (duel.plus - duel.minus) / unit;
            entry.1 += 1;
        }
    }
    let played = weighed.iter().filter(|(_, count)| *count > 0).count() as f64;
    let mut gradient = vec![0.0f64; size];
    for (pair, (sum, count)) in weighed.into_iter().enumerate().filter(|(_, (_, count))| *count > 0) {
        let weight = sum / count as f64 / (2.0 * f64::from(config.sigma)) / played;
        for (g, step) in gradient.iter_mut().zip(direction(size, pair, key)) {
            *g += weight * f64::from(step);
        }
    }
    Ok(gradient.into_iter().map(|g| g as f32).collect())
}

fn mean_square<'a>(duels: impl Iterator<Item = &'a PairResult>) -> f64 {
    let (mut sum, mut count) = (0.0, 0.0f64);
    for duel in duels {
        sum += (duel.plus - duel.minus).powi(2);
        count += 1.0;
    }
    sum / count.max(1.0)
}

/// For every weight, how far it must move to change the scores of `states` by its share of what they
/// differ: with standard normal steps of these sizes in all weights, the change of a score has, to first
/// order, the standard deviation that the scores have within a state.
///
/// The spread of a weight is that of the derivatives of the scores within a state, found from one random
/// combination of candidates per state: the mean square of its derivative is the spread squared. Signs are
/// drawn from `key`.
///
/// # Errors
/// If there is no state with two candidates, or one is refused.
pub fn scale(network: &Network, states: &[Observation], key: Key) -> Result<Vec<f32>> {
    let size = network.weights().len();
    let mut squares = vec![0.0f64; size];
    let (mut differ, mut count) = (0.0, 0usize);
    for (index, state) in states.iter().enumerate().filter(|(_, state)| state.candidates.len() > 1) {
        let candidates = state.candidates.len();
        differ += variance(&network.score(state)?);
        let mut rng = key.at(index as u64).rng();
        let signs: Vec<f32> =
            (0..candidates).map(|_| if rng.random_bool(0.5) { 1.0 } else { -1.0 }).collect();
        let mean = signs.iter().sum::<f32>() / candidates as f32;
        let root = (candidates as f32).sqrt();
        let probe: Vec<f32> = signs.iter().map(|sign| (sign - mean) / root).collect();
        for (sum, g) in squares.iter_mut().zip(gradients::scores(network, state, probe)?) {
            *sum += f64::from(g) * f64::from(g);
        }
        count += 1;
    }
    if count == 0 {
        return Err(AgentError::NothingToLearn { place: "evolution: scale" }.into());
    }
    let spreads: Vec<f64> = squares.iter().map(|square| (square / count as f64).sqrt()).collect();
    let typical = (spreads.iter().map(|s| s * s).sum::<f64>() / size as f64).sqrt();
    let differ = (differ / count as f64).sqrt();
    // An untrained network's scores are all the same; any unit will do then.
    let whole = if differ > 0.0 { differ } else { 1.0 };
    let least = if typical > 0.0 { LEAST_SPREAD * typical } else { 1.0 };
    let share = whole / (size as f64).sqrt();
    Ok(spreads.into_iter().map(|spread| (share / spread.max(least)) as f32).collect())
}

fn variance(values: &[f32]) -> f64 {
    let count = values.len() as f64;
    let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / count;
    values.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / count
}

#[cfg(test)]
mod tests {
    use super::super::network::{Kind, NetworkConfig};
    use super::super::testing::{observation, random_network};
    use super::*;

    fn linear(weights: Vec<f32>) -> Network {
        let config = NetworkConfig { kind: Kind::Linear, ..NetworkConfig::default() };
        Network::from_weights(config, weights.len(), 0, weights).unwrap()
    }

    fn config(pairs: usize, shaping: Shaping) -> EvolutionConfig {
        EvolutionConfig { pairs, sigma: 0.1, shaping, ..EvolutionConfig::default() }
    }

    /// The return of a network: a quadratic with its maximum at `best`.
    fn quadratic(network: &Network, best: &[f32]) -> f64 {
        -network.weights().iter().zip(best).map(|(w, b)| f64::from(w - b).powi(2)).sum::<f64>()
    }

    fn duels(pairs: &[AntitheticPair], value: impl Fn(&Network) -> f64) -> Vec<PairResult> {
        let duel = |(pair, both): (usize, &AntitheticPair)| {
            let (plus, minus) = (value(&both.plus), value(&both.minus));
            PairResult { pair, task: 0, episodes: 1, plus, minus }
        };
        pairs.iter().enumerate().map(duel).collect()
    }

    /// For a quadratic the smoothed gradient is the gradient: `2 (b - w)`, times the scale of the weight.
    #[test]
    fn the_estimate_is_the_gradient_in_the_mean() {
        let (network, best) = (linear(vec![0.5, -1.0, 2.0]), [1.0, 1.0, 1.0]);
        let scale = vec![1.0, 0.5, 2.0];
        let config = config(4_000, Shaping::Raw);
        let evolution = Evolution::new(network.clone(), scale.clone(), &config).unwrap();
        let pairs = evolution.pairs(&config, Key::root(1));
        let found = gradient(3, &duels(&pairs, |n| quadratic(n, &best)), &config, Key::root(1)).unwrap();
        // The variance of a component, by Isserlis' theorem: (|g|² + g_i²) / pairs.
        let exact: Vec<f64> =
            (0..3).map(|i| 2.0 * f64::from(best[i] - network.weights()[i]) * f64::from(scale[i])).collect();
        let norm: f64 = exact.iter().map(|g| g * g).sum();
        for (found, exact) in found.iter().zip(&exact) {
            let error = ((norm + exact * exact) / 4_000.0).sqrt();
            assert!((f64::from(*found) - exact).abs() < 4.0 * error, "{found} {exact} ± {error}");
        }
        // A constant that both halves share changes nothing: the pairs are antithetic.
        let lifted = duels(&pairs, |n| quadratic(n, &best) + 1e6);
        for (a, b) in found.iter().zip(gradient(3, &lifted, &config, Key::root(1)).unwrap()) {
            assert!((a - b).abs() < 1e-3, "{a} {b}");
        }
    }

    #[test]
    fn steps_lead_to_the_optimum_and_decay_holds_them_back() {
        let best = [1.0, -2.0, 0.5, 0.0];
        let end = |decay: f32| {
            let optimiser = OptimiserConfig { learning_rate: 0.05, weight_decay: decay, clip_norm: 1e9 };
            let config = EvolutionConfig { optimiser, ..config(16, Shaping::PerTask) };
            let mut evolution = Evolution::new(linear(vec![0.0; 4]), vec![1.0; 4], &config).unwrap();
            for iteration in 0..200 {
                let key = Key::root(iteration);
                let played = duels(&evolution.pairs(&config, key), |n| quadratic(n, &best));
                evolution.follow(&played, &config, key).unwrap();
            }
            quadratic(&evolution.network, &best)
        };
        let (free, held) = (end(0.0), end(1.0));
        // Started at -5.25.
        assert!(free > -0.05, "{free}");
        assert!(held < -0.3 && held > -5.0, "{held}");
    }

    /// Two tasks that disagree, one with differences a hundred times as large: unshaped it decides alone,
    /// shaped the two have the same say.
    #[test]
    fn a_task_with_large_differences_does_not_drown_the_others() {
        let network = linear(vec![0.0, 0.0]);
        let both = |shaping| {
            let config = config(400, shaping);
            let evolution = Evolution::new(network.clone(), vec![1.0; 2], &config).unwrap();
            let pairs = evolution.pairs(&config, Key::root(3));
            let mut all = duels(&pairs, |n| 100.0 * f64::from(n.weights()[0]));
            all.extend(
                duels(&pairs, |n| f64::from(n.weights()[1]))
                    .into_iter()
                    .map(|duel| PairResult { task: 1, ..duel }),
            );
            let g = gradient(2, &all, &config, Key::root(3)).unwrap();
            g[1] / g[0]
        };
        assert!(both(Shaping::Raw).abs() < 0.2);
        let shaped = both(Shaping::PerTask);
        assert!((shaped - 1.0).abs() < 0.2, "{shaped}");
    }

    /// Inputs of a linear network are features times globals, so the scale is known.
    #[test]
    fn a_direction_of_that_scale_disturbs_scores_as_much_as_they_differ() {
        for (kind, tolerance) in [(Kind::Linear, 0.1), (Kind::DeepSets, 0.35)] {
            let shape = NetworkConfig { kind, hidden: 8, layers: 1 };
            let network = random_network(shape, 5, 2, Key::root(1));
            let mut states: Vec<_> = (0..200).map(|s| observation(30, 5, 2, Key::root(s))).collect();
            // One feature in other units.
            for state in &mut states {
                for row in 0..30 {
                    state.features.row_mut(row)[2] *= 0.5;
                }
            }
            let scale = scale(&network, &states, Key::root(9)).unwrap();
            if kind == Kind::Linear {
                // Half the feature, twice the move.
                let ratio = scale[2 * 3] / scale[0];
                assert!((ratio - 2.0).abs() < 0.4, "{ratio}");
            }
            let config = EvolutionConfig { sigma: 0.1, ..config(20, Shaping::Raw) };
            let evolution = Evolution::new(network.clone(), scale, &config).unwrap();
            let (mut moved, mut own) = (0.0, 0.0);
            for pair in evolution.pairs(&config, Key::root(2)) {
                for state in &states {
                    let (a, b) = (network.score(state).unwrap(), pair.plus.score(state).unwrap());
                    let change: Vec<f32> = a.iter().zip(&b).map(|(a, b)| b - a).collect();
                    moved += variance(&change);
                    own += variance(&a);
                }
            }
            let ratio = (moved / own).sqrt() / 0.1;
            assert!((ratio - 1.0).abs() < tolerance, "{kind:?}: {ratio}");
        }
    }

    #[test]
    fn what_cannot_be_learned_from_is_refused() {
        let config = config(4, Shaping::PerTask);
        let duel = PairResult { pair: 0, task: 0, episodes: 1, plus: 0.5, minus: 0.4 };
        let run = |duel: PairResult| gradient(2, &[duel], &config, Key::root(0)).unwrap_err();
        assert_eq!(
            run(PairResult { pair: 4, ..duel }),
            AgentError::AntitheticPair { duel: 0, pair: 4, pairs: 4 }
        );
        assert!(matches!(
            run(PairResult { minus: f64::NAN, ..duel }),
            AgentError::PairResult { pair: 0, .. }
        ));
        let error = gradient(2, &[], &config, Key::root(0)).unwrap_err();
        assert_eq!(error, AgentError::NothingToLearn { place: "evolution" });
        let equal = PairResult { minus: 0.5, ..duel };
        assert_eq!(gradient(2, &[equal], &config, Key::root(0)).unwrap(), [0.0, 0.0]);
        let network = linear(vec![0.0; 2]);
        assert!(Evolution::new(network.clone(), vec![1.0], &config).is_err());
        assert!(Evolution::new(network.clone(), vec![1.0, 0.0], &config).is_err());
        assert!(EvolutionConfig { sigma: 0.0, ..config }.check().is_err());
        assert!(EvolutionConfig { pairs: 0, ..config }.check().is_err());
        let alone = [observation(1, 2, 0, Key::root(1))];
        assert!(scale(&network, &alone, Key::root(1)).is_err());
    }
}
