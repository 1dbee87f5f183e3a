//! The scoring network in burn: the same function as [`Network::score`], for gradients.
//!
//! Only training comes here. burn's automatic differentiation registers every node under one global
//! lock, so parallel episodes score through [`Network`] instead; a test holds the two together.

mod attention;

use crate::agent::network::{Kind, Network};
use crate::episode::Observation;
use burn::tensor::{Device, Tensor, TensorData, activation::log_softmax};

/// What is added to the logit of a candidate that cannot be chosen. Not infinite: `0 · ∞` is NaN.
const BARRED: f32 = -1e9;
/// The most candidate rows of one graph, so that activations stay in the cache.
const MAX_ROWS: usize = 8_192;
/// The most log-probabilities (states × picks × candidates) of one graph.
const MAX_LOGITS: usize = 1 << 19;

/// Where training happens.
pub(super) fn device() -> Device {
    Device::flex().autodiff()
}

/// Splits `0..sizes.len()` into runs that fit one graph; `sizes[s]` is (candidates, picks) of a state.
pub(super) fn chunks(sizes: &[(usize, usize)]) -> Vec<std::ops::Range<usize>> {
    let mut chunks = Vec::new();
    let (mut start, mut width, mut picks) = (0, 0, 0);
    for (index, &(candidates, chosen)) in sizes.iter().enumerate() {
        let (wider, deeper) = (width.max(candidates), picks.max(chosen));
        let states = index + 1 - start;
        if index > start && (states * wider > MAX_ROWS || states * wider * deeper > MAX_LOGITS) {
            chunks.push(start..index);
            (start, width, picks) = (index, candidates, chosen);
        } else {
            (width, picks) = (wider, deeper);
        }
    }
    if start < sizes.len() {
        chunks.push(start..sizes.len());
    }
    chunks
}

/// Several observations in one tensor, padded to the largest.
pub(super) struct StateBatch {
    /// `[S · M, F]`
    features: Tensor<2>,
    /// `[S, 1 + G]`, the first column being 1.
    globals: Tensor<2>,
    /// `[S, M, 1]`: 1 for a candidate, 0 for padding.
    valid: Tensor<3>,
    /// `[S, 1, 1]`: one over the number of candidates.
    share: Tensor<3>,
    states: usize,
    width: usize,
}

impl StateBatch {
    pub(super) fn new(observations: &[&Observation], device: &Device) -> Self {
        let states = observations.len();
        let width = observations.iter().map(|o| o.candidates.len()).max().unwrap_or(0);
        let f = observations.first().map_or(0, |o| o.features.cols());
        let g = observations.first().map_or(0, |o| o.globals.len());
        let mut features = vec![0.0f32; states * width * f];
        let mut globals = Vec::with_capacity(states * (g + 1));
        let mut valid = vec![0.0f32; states * width];
        let mut share = Vec::with_capacity(states);
        for (s, observation) in observations.iter().enumerate() {
            let m = observation.candidates.len();
            features[s * width * f..][..m * f].copy_from_slice(observation.features.values());
            globals.push(1.0);
            globals.extend_from_slice(&observation.globals);
            valid[s * width..][..m].fill(1.0);
            share.push(1.0 / m as f32);
        }
        Self {
            features: tensor(features, [states * width, f], device),
            globals: tensor(globals, [states, g + 1], device),
            valid: tensor(valid, [states, width, 1], device),
            share: tensor(share, [states, 1, 1], device),
            states,
            width,
        }
    }
}

/// A network's weights as leaves of a graph.
pub(super) struct Graph<'a> {
    network: &'a Network,
    leaves: Vec<Tensor<2>>,
}

impl<'a> Graph<'a> {
    pub(super) fn new(network: &'a Network, device: &Device) -> Self {
        let leaf = |slot: &crate::agent::network::Slot| {
            let values = network.weights()[slot.offset..][..slot.rows * slot.cols].to_vec();
            tensor::<2>(values, [slot.rows, slot.cols], device).require_grad()
        };
        Self { network, leaves: network.layout().iter().map(leaf).collect() }
    }

    /// Scores `[S, M]`; those of padding mean nothing.
    pub(super) fn scores(&self, batch: &StateBatch) -> Tensor<2> {
        let (s, m) = (batch.states, batch.width);
        let products = batch.features.clone().matmul(self.leaf("skip"));
        let width = self.network.globals() + 1;
        let linear = (products.reshape([s, m, width]) * batch.globals.clone().reshape([s, 1, width]))
            .sum_dim(2)
            .reshape([s, m]);
        match self.network.config().kind {
            Kind::Linear => linear,
            Kind::Mlp => linear + self.mlp(batch),
            Kind::DeepSets => linear + self.deep_sets(batch),
            Kind::Attention { heads, .. } => linear + self.attention(batch, heads),
        }
    }

    fn deep_sets(&self, batch: &StateBatch) -> Tensor<2> {
        let (s, m) = (batch.states, batch.width);
        let (h, layers) = (self.network.config().hidden, self.network.config().layers);
        let mut now = batch.features.clone();
        for layer in 0..layers {
            let affine = now.matmul(self.leaf(&format!("psi.{layer}.weight")))
                + self.leaf(&format!("psi.{layer}.bias"));
            now = burn::tensor::activation::relu(affine);
        }
        // After a ReLU nothing is below zero: padding at zero changes neither the sum nor the maximum.
        let sets = now.clone().reshape([s, m, h]) * batch.valid.clone();
        let mean = (sets.clone().sum_dim(1) * batch.share.clone()).reshape([s, h]);
        let max = sets.max_dim(1).reshape([s, h]);
        let context = batch.globals.clone().matmul(self.leaf("rho.0.global"))
            + mean.matmul(self.leaf("rho.0.mean"))
            + max.matmul(self.leaf("rho.0.max"));
        self.rho(now, context, batch)
    }

    fn mlp(&self, batch: &StateBatch) -> Tensor<2> {
        let shared = batch.globals.clone().matmul(self.leaf("rho.0.global"));
        self.rho(batch.features.clone(), shared, batch)
    }

    /// The layers of `ρ` over `items`, `[S · M, width]`, with what the candidates of a state share, `[S, H]`.
    fn rho(&self, items: Tensor<2>, shared: Tensor<2>, batch: &StateBatch) -> Tensor<2> {
        let (s, m, h) = (batch.states, batch.width, self.network.config().hidden);
        let first = items.matmul(self.leaf("rho.0.item")).reshape([s, m, h]) + shared.reshape([s, 1, h]);
        let mut now = burn::tensor::activation::relu(first.reshape([s * m, h]));
        for layer in 1..self.network.config().layers {
            let affine = now.matmul(self.leaf(&format!("rho.{layer}.weight")))
                + self.leaf(&format!("rho.{layer}.bias"));
            now = burn::tensor::activation::relu(affine);
        }
        now.matmul(self.leaf("rho.out")).reshape([s, m])
    }

    /// The gradient of a scalar loss, in the order of the flat weights.
    pub(super) fn gradient(&self, loss: &Tensor<1>) -> Vec<f32> {
        let mut gradients = loss.backward();
        let mut flat = Vec::with_capacity(self.network.weights().len());
        for (leaf, slot) in self.leaves.iter().zip(self.network.layout()) {
            match leaf.grad_remove(&mut gradients) {
                Some(gradient) => flat.extend(values(gradient)),
                None => flat.extend(std::iter::repeat_n(0.0, slot.rows * slot.cols)),
            }
        }
        flat
    }

    fn leaf(&self, name: &str) -> Tensor<2> {
        let at = self.network.layout().iter().position(|slot| slot.name == name);
        self.leaves[at.expect("a tensor of the layout")].clone()
    }
}

/// Log-probabilities over the last dimension; candidates that `allowed` marks 0 get none.
pub(super) fn masked_log_softmax<const D: usize>(scores: Tensor<D>, allowed: Tensor<D>) -> Tensor<D> {
    log_softmax(scores + (allowed.neg() + 1.0).mul_scalar(BARRED), D - 1)
}

/// A tensor over host values.
pub(super) fn tensor<const D: usize>(values: Vec<f32>, shape: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values, shape), device)
}

/// A tensor's values on the host.
pub(super) fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_to_vec().expect("the flex device computes in f32")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::network::NetworkConfig;
    use crate::agent::testing::{observation, random_network};
    use crate::rng::Key;

    #[test]
    fn the_graph_agrees_with_inference() {
        let attention = |heads| Kind::Attention { heads, inducing: 5 };
        for (kind, hidden, layers) in [
            (Kind::Linear, 19, 1),
            (Kind::Mlp, 19, 1),
            (Kind::Mlp, 19, 3),
            (Kind::DeepSets, 19, 1),
            (Kind::DeepSets, 19, 3),
            (attention(1), 19, 1),
            (attention(4), 24, 2),
        ] {
            let config = NetworkConfig { kind, hidden, layers };
            let network = random_network(config, 7, 3, Key::root(5));
            let states: Vec<_> =
                [6, 1, 40].iter().map(|&m| observation(m, 7, 3, Key::root(m as u64))).collect();
            let device = device();
            let batch = StateBatch::new(&states.iter().collect::<Vec<_>>(), &device);
            let graph = values(Graph::new(&network, &device).scores(&batch));
            for (s, state) in states.iter().enumerate() {
                for (i, score) in network.score(state).unwrap().iter().enumerate() {
                    let other = graph[s * 40 + i];
                    assert!((score - other).abs() < 1e-5 * (1.0 + score.abs()), "{score} {other}");
                }
            }
        }
    }

    #[test]
    fn chunks_cover_everything_once_and_keep_their_limits() {
        let sizes: Vec<_> = (0..500).map(|i| (1 + (i * 37) % 2_000, 1 + i % 9)).collect();
        let chunks = chunks(&sizes);
        assert_eq!(chunks.iter().flat_map(|c| c.clone()).collect::<Vec<_>>(), (0..500).collect::<Vec<_>>());
        for chunk in chunks {
            let width = sizes[chunk.clone()].iter().map(|s| s.0).max().unwrap();
            let picks = sizes[chunk.clone()].iter().map(|s| s.1).max().unwrap();
            assert!(chunk.len() == 1 || chunk.len() * width <= MAX_ROWS);
            assert!(chunk.len() == 1 || chunk.len() * width * picks <= MAX_LOGITS);
        }
    }
}
