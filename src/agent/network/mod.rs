//! The scoring network: weights as plain data, and scores from them.
//!
//! One score per candidate,
//! `x_i^T W [1; g] + ρ([ψ(x_i); mean_j ψ(x_j); max_j ψ(x_j); g])`,
//! the second term being DeepSets (Zaheer et al., NeurIPS 2017); `attention` between the candidates or
//! a plain perceptron `ρ([x_i; g])`, which sees no other candidate, may stand in its place. The first is linear in the
//! products of candidate and global features: the baseline that every network must beat. The last layer of the
//! second starts at zero, so an untrained network *is* that linear scorer, and `W` may be set to a fitted one.
//!
//! The shape and the tensors that go with it are in `layout`.
//!
//! Scores are equivariant under a permutation of the candidates, and only their differences mean
//! anything (hence no bias at the output). Higher = ask first.

mod attention;
mod layout;

pub use layout::{Kind, MAX_HIDDEN, MAX_INDUCING, MAX_LAYERS, NetworkConfig, Slot};

use super::error::AgentError;
use crate::data::Matrix;
use crate::episode::Observation;
use crate::error::Result;
use crate::query::geometry::dense::{dense_relu, dots};
use crate::rng::Key;
use attention::{Layer, Step};
use rand_distr::{Distribution, StandardNormal};
use serde::{Deserialize, Serialize};

/// The tensors that scores are proportional to.
const OUTPUTS: [&str; 3] = ["skip", "rho.out", "attention.out"];

/// A scoring network: plain data, cheap to copy, safe to share between threads.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    config: NetworkConfig,
    features: usize,
    globals: usize,
    layout: Vec<Slot>,
    weights: Vec<f32>,
}

impl Network {
    /// A network at its start: hidden layers drawn from `key`, tensor by tensor; the linear term and
    /// the output layer zero, so that all scores are zero.
    ///
    /// # Errors
    /// [`AgentError::Setting`] for a size outside its limits.
    pub fn new(config: NetworkConfig, features: usize, globals: usize, key: Key) -> Result<Self, AgentError> {
        let layout = config.layout(features, globals)?;
        let mut weights = Vec::with_capacity(layout.last().map_or(0, |slot| slot.range().end));
        for slot in &layout {
            let (scale, zero_rows) = slot.start;
            let mut rng = key.named(&slot.name).rng();
            weights.extend(std::iter::repeat_n(0.0, zero_rows * slot.cols));
            weights.extend((zero_rows * slot.cols..slot.rows * slot.cols).map(|_| {
                let normal: f32 = StandardNormal.sample(&mut rng);
                scale * normal
            }));
        }
        Ok(Self { config, features, globals, layout, weights })
    }

    /// A network with the given flat weights.
    ///
    /// # Errors
    /// [`AgentError::Setting`] for a size outside its limits or another number of weights.
    pub fn from_weights(
        config: NetworkConfig,
        features: usize,
        globals: usize,
        weights: Vec<f32>,
    ) -> Result<Self, AgentError> {
        let layout = config.layout(features, globals)?;
        let expected = layout.last().map_or(0, |slot| slot.range().end);
        if weights.len() != expected {
            return Err(AgentError::Setting {
                place: "network: number of weights",
                found: weights.len(),
                least: expected,
                most: expected,
            });
        }
        Ok(Self { config, features, globals, layout, weights })
    }

    /// A network of the same shape with other weights.
    ///
    /// # Errors
    /// As [`from_weights`](Self::from_weights).
    pub fn with_weights(&self, weights: Vec<f32>) -> Result<Self, AgentError> {
        Self::from_weights(self.config, self.features, self.globals, weights)
    }

    /// Its shape.
    pub fn config(&self) -> NetworkConfig {
        self.config
    }

    /// Candidate features it reads.
    pub fn features(&self) -> usize {
        self.features
    }

    /// Global features it reads.
    pub fn globals(&self) -> usize {
        self.globals
    }

    /// All weights, tensor after tensor as in [`layout`](Self::layout).
    pub fn weights(&self) -> &[f32] {
        &self.weights
    }

    /// All weights, to be written.
    pub fn weights_mut(&mut self) -> &mut [f32] {
        &mut self.weights
    }

    /// Where each tensor lies in the flat weights.
    pub fn layout(&self) -> &[Slot] {
        &self.layout
    }

    /// The linear term's weights, shape `[F, 1 + G]`; column 0 goes with the constant.
    pub fn skip(&self) -> Matrix {
        Matrix::new(self.slot("skip").to_vec(), self.features, self.globals + 1)
    }

    /// Sets the linear term's weights, shape `[F, 1 + G]`.
    ///
    /// # Panics
    /// If the shape is another one.
    pub fn set_skip(&mut self, skip: &Matrix) {
        assert_eq!((skip.rows(), skip.cols()), (self.features, self.globals + 1), "shape of the linear term");
        self.weights[..skip.values().len()].copy_from_slice(skip.values());
    }

    /// The network whose scores are `factor` times these: the same ranking, drawn from more sharply.
    pub fn sharpened(mut self, factor: f32) -> Self {
        for slot in self.layout.iter().filter(|slot| OUTPUTS.contains(&slot.name.as_str())) {
            self.weights[slot.range()].iter_mut().for_each(|weight| *weight *= factor);
        }
        self
    }

    /// The scores, one per candidate; higher = ask first.
    ///
    /// # Errors
    /// [`ObservationError`](crate::episode::ObservationError) if the observation does not fit, and
    /// [`AgentError::Score`] if a score is not finite.
    pub fn score(&self, observation: &Observation) -> Result<Vec<f32>> {
        observation.check(self.features, self.globals)?;
        let mut scores = self.linear_scores(observation, observation.candidates.len());
        match self.config.kind {
            Kind::Linear => {}
            Kind::Mlp => self.add_mlp(observation, &mut scores),
            Kind::DeepSets => self.add_deep_sets(observation, &mut scores),
            Kind::Attention { heads, .. } => self.add_attention(observation, heads, &mut scores),
        }
        if let Some(at) = scores.iter().position(|s| !s.is_finite()) {
            return Err(AgentError::Score { row: observation.candidates[at].0, score: scores[at] }.into());
        }
        Ok(scores)
    }

    /// `x_i^T W [1; g]` of the first `count` candidates.
    pub(in crate::agent) fn linear_scores(&self, observation: &Observation, count: usize) -> Vec<f32> {
        let skip = self.slot("skip");
        let slopes: Vec<f32> = skip
            .chunks_exact(self.globals + 1)
            .map(|row| row[0] + row[1..].iter().zip(&observation.globals).map(|(w, g)| w * g).sum::<f32>())
            .collect();
        dots(&observation.features.values()[..count * self.features], &slopes)
    }

    /// Adds `ρ([ψ(x_i); mean ψ; max ψ; g])`.
    fn add_deep_sets(&self, observation: &Observation, scores: &mut [f32]) {
        let h = self.config.hidden;
        let rows = scores.len();
        let mut now = vec![0.0f32; rows * h];
        let mut next = vec![0.0f32; rows * h];
        let psi = |layer: usize, part: &str| self.slot(&format!("psi.{layer}.{part}"));
        let first = observation.features.values();
        dense_relu(first, self.features, psi(0, "weight"), psi(0, "bias"), &mut now);
        for layer in 1..self.config.layers {
            dense_relu(&now, h, psi(layer, "weight"), psi(layer, "bias"), &mut next);
            std::mem::swap(&mut now, &mut next);
        }
        let mut shared = self.shared("rho.0.global", &observation.globals);
        self.add_summary(&now, &mut shared);
        self.add_rho(&now, h, &shared, scores);
    }

    /// Adds `ρ([x_i; g])`.
    fn add_mlp(&self, observation: &Observation, scores: &mut [f32]) {
        let shared = self.shared("rho.0.global", &observation.globals);
        self.add_rho(observation.features.values(), self.features, &shared, scores);
    }

    /// Adds the layers of `ρ` over `items`, `width` numbers for each candidate; `shared` is what the first layer
    /// gets from all that candidates share, as its bias.
    fn add_rho(&self, items: &[f32], width: usize, shared: &[f32], scores: &mut [f32]) {
        let h = self.config.hidden;
        let mut now = vec![0.0f32; scores.len() * h];
        let mut next = now.clone();
        dense_relu(items, width, self.slot("rho.0.item"), shared, &mut now);
        for layer in 1..self.config.layers {
            let part = |part: &str| self.slot(&format!("rho.{layer}.{part}"));
            dense_relu(&now, h, part("weight"), part("bias"), &mut next);
            std::mem::swap(&mut now, &mut next);
        }
        self.add_output(&now, "rho.out", scores);
    }

    /// Adds a last layer's units times its weights.
    fn add_output(&self, units: &[f32], name: &str, scores: &mut [f32]) {
        let out = self.slot(name);
        for (score, units) in scores.iter_mut().zip(units.chunks_exact(self.config.hidden)) {
            *score += units.iter().zip(out).map(|(u, w)| u * w).sum::<f32>();
        }
    }

    /// Adds what the layers of attention come to.
    fn add_attention(&self, observation: &Observation, heads: usize, scores: &mut [f32]) {
        let h = self.config.hidden;
        let shared = self.shared("embed.global", &observation.globals);
        let mut now = vec![0.0f32; scores.len() * h];
        let first = observation.features.values();
        dense_relu(first, self.features, self.slot("embed.item"), &shared, &mut now);
        for layer in 0..self.config.layers {
            let step = |step: &str| {
                let part = |part: &str, kind: &str| self.slot(&format!("isab.{layer}.{step}.{part}.{kind}"));
                Step {
                    weights: attention::PARTS.map(|name| part(name, "weight")),
                    biases: attention::PARTS.map(|name| part(name, "bias")),
                    heads,
                }
            };
            let inducing = self.slot(&format!("isab.{layer}.inducing"));
            now = Layer { inducing, gather: step("gather"), read: step("read") }.apply(&now);
        }
        self.add_output(&now, "attention.out", scores);
    }

    /// The constant 1 and the globals times the tensor `name`.
    fn shared(&self, name: &str, globals: &[f32]) -> Vec<f32> {
        let constant_and_globals: Vec<f32> = std::iter::once(1.0).chain(globals.iter().copied()).collect();
        let mut shared = vec![0.0f32; self.config.hidden];
        self.add_product(name, &constant_and_globals, &mut shared);
        shared
    }

    /// Adds `values` times the tensor `name`.
    fn add_product(&self, name: &str, values: &[f32], to: &mut [f32]) {
        for (value, weights) in values.iter().zip(self.slot(name).chunks_exact(to.len())) {
            to.iter_mut().zip(weights).for_each(|(t, w)| *t += value * w);
        }
    }

    /// Adds what the mean and the maximum of `ψ` bring to the first layer of `ρ`: the same for all candidates,
    /// so that the concatenation `[ψ; mean; max; g]` is never made.
    fn add_summary(&self, psi: &[f32], to: &mut [f32]) {
        let h = self.config.hidden;
        let mut sum = vec![0.0f64; h];
        let mut max = vec![0.0f32; h]; // after a ReLU nothing is below zero
        for row in psi.chunks_exact(h) {
            for ((s, m), value) in sum.iter_mut().zip(&mut max).zip(row) {
                *s += f64::from(*value);
                *m = m.max(*value);
            }
        }
        let count = (psi.len() / h) as f64;
        let mean: Vec<f32> = sum.iter().map(|s| (s / count) as f32).collect();
        self.add_product("rho.0.mean", &mean, to);
        self.add_product("rho.0.max", &max, to);
    }

    fn slot(&self, name: &str) -> &[f32] {
        let slot = self.layout.iter().find(|slot| slot.name == name).expect("a tensor of the layout");
        &self.weights[slot.range()]
    }
}

/// What a checkpoint says of the network in training.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct NetworkShape {
    network: NetworkConfig,
    features: usize,
    globals: usize,
}

impl NetworkShape {
    /// Of this network.
    pub fn of(network: &Network) -> Self {
        Self { network: network.config, features: network.features, globals: network.globals }
    }

    /// Refuses another shape than that of `network`.
    ///
    /// # Errors
    /// [`AgentError::Checkpoint`] with both.
    pub fn check(&self, network: &Network) -> Result<(), AgentError> {
        let own = Self::of(network);
        if *self == own {
            return Ok(());
        }
        let (found, expected) = (format!("{self:?}"), format!("{own:?}"));
        Err(AgentError::Checkpoint { what: "network", found, expected })
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{observation, random_network};
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_untrained_network_is_its_linear_term() {
        let attention = Kind::Attention { heads: 2, inducing: 3 };
        let attention = NetworkConfig { kind: attention, ..NetworkConfig::default() };
        let state = observation(30, 5, 2, Key::root(2));
        let untrained = Network::new(attention, 5, 2, Key::root(1)).unwrap();
        assert_eq!(untrained.score(&state).unwrap(), vec![0.0; 30]);
        let mut network = Network::new(NetworkConfig::default(), 5, 2, Key::root(1)).unwrap();
        assert_eq!(network.score(&state).unwrap(), vec![0.0; 30]);
        // W has one entry: feature 3 times global 1.
        let mut skip = Matrix::zeros(5, 3);
        skip.row_mut(3)[2] = 2.0;
        network.set_skip(&skip);
        let expected: Vec<f32> =
            (0..30).map(|i| state.features.row(i)[3] * (2.0 * state.globals[1])).collect();
        assert_eq!(network.score(&state).unwrap(), expected);
        assert_eq!(network.skip(), skip);
    }

    /// One candidate feature, no global, one unit: by hand.
    #[test]
    fn deep_sets_as_by_hand() {
        let config = NetworkConfig { kind: Kind::DeepSets, hidden: 1, layers: 1 };
        // skip, psi weight, psi bias, item, mean, max, bias (the constant's row), out
        let weights = vec![0.5, 2.0, 0.1, 1.0, 10.0, 100.0, -3.0, 0.25];
        let network = Network::from_weights(config, 1, 0, weights).unwrap();
        let state = Observation {
            candidates: vec![crate::data::RowId(0), crate::data::RowId(1)],
            features: Matrix::new(vec![1.0, -1.0], 2, 1),
            globals: vec![],
        };
        // psi = relu(2x + .1) = 2.1 and 0; mean 1.05, max 2.1; context 10.5 + 210 - 3 = 217.5
        let expected = [0.5 + 0.25 * (2.1 + 217.5), -0.5 + 0.25 * 217.5];
        for (found, expected) in network.score(&state).unwrap().iter().zip(expected) {
            assert!((found - expected).abs() < 1e-4, "{found} {expected}");
        }
    }

    /// One candidate feature, one global, one unit: by hand.
    #[test]
    fn a_multilayer_perceptron_as_by_hand() {
        let config = NetworkConfig { kind: Kind::Mlp, hidden: 1, layers: 1 };
        // skip (constant, global), item, bias, global, out
        let weights = vec![0.5, 0.0, 2.0, 0.1, 3.0, 0.25];
        let network = Network::from_weights(config, 1, 1, weights).unwrap();
        let state = |features: Vec<f32>| Observation {
            candidates: (0..features.len() as u32).map(crate::data::RowId).collect(),
            features: Matrix::new(features.clone(), features.len(), 1),
            globals: vec![0.2],
        };
        // relu(2x + .1 + .6) = 2.7 and 0
        let scores = network.score(&state(vec![1.0, -1.0])).unwrap();
        for (found, expected) in scores.iter().zip([0.5 + 0.25 * 2.7, -0.5]) {
            assert!((found - expected).abs() < 1e-6, "{found} {expected}");
        }
        // Who else is there does not matter.
        assert_eq!(network.score(&state(vec![1.0])).unwrap()[0], scores[0]);
    }

    #[test]
    fn sizes_are_checked() {
        let config = NetworkConfig { hidden: 2_000, ..NetworkConfig::default() };
        let error = Network::new(config, 5, 2, Key::root(1)).unwrap_err();
        assert!(matches!(error, AgentError::Setting { found: 2_000, most: MAX_HIDDEN, .. }));
        let heads = |heads, inducing| {
            let config =
                NetworkConfig { kind: Kind::Attention { heads, inducing }, ..NetworkConfig::default() };
            Network::new(config, 5, 2, Key::root(1))
        };
        assert!(heads(4, 8).is_ok());
        for (count, inducing) in [(0, 8), (5, 8), (64, 8), (4, 0), (4, 100_000)] {
            assert!(matches!(heads(count, inducing), Err(AgentError::Setting { .. })), "{count} {inducing}");
        }
        let config = NetworkConfig::default();
        assert!(matches!(Network::new(config, 0, 2, Key::root(1)), Err(AgentError::Setting { .. })));
        assert!(matches!(Network::from_weights(config, 3, 2, vec![0.0; 7]), Err(AgentError::Setting { .. })));
        let network = Network::new(config, 5, 2, Key::root(1)).unwrap();
        assert!(network.score(&observation(3, 4, 2, Key::root(1))).is_err());
    }

    #[test]
    fn a_score_that_overflows_is_an_error() {
        let mut network = Network::new(NetworkConfig::default(), 1, 0, Key::root(1)).unwrap();
        network.weights_mut()[0] = f32::MAX;
        let mut state = observation(1, 1, 0, Key::root(1));
        state.features.row_mut(0)[0] = 3.0;
        let error = network.score(&state).unwrap_err();
        assert!(matches!(error.downcast_ref(), Some(AgentError::Score { row: 1, .. })));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn scores_follow_a_permutation(
            m in 1usize..60, turn in 0usize..60, seed: u64,
            kind in prop::sample::select(vec![Kind::Mlp, Kind::DeepSets, Kind::Attention { heads: 4, inducing: 7 }]),
        ) {
            let config = NetworkConfig { kind, ..NetworkConfig::default() };
            let network = random_network(config, 6, 3, Key::root(seed));
            let state = observation(m, 6, 3, Key::root(seed).at(1));
            let order: Vec<usize> = (0..m).map(|i| (i + turn) % m).rev().collect();
            let turned = Observation {
                candidates: order.iter().map(|&i| state.candidates[i]).collect(),
                features: state.features.gather(order.iter().copied()),
                globals: state.globals.clone(),
            };
            let (a, b) = (network.score(&state).unwrap(), network.score(&turned).unwrap());
            for (at, &i) in order.iter().enumerate() {
                prop_assert!((a[i] - b[at]).abs() <= 1e-5 * (1.0 + a[i].abs()));
            }
        }
    }
}
