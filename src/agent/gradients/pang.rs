//! The loss of the policy over descriptions of data sets.

use super::graph;
use crate::agent::error::AgentError;
use crate::agent::pang::PangNetwork;
use crate::agent::pang::network::{PARTS, WEIGHTS};
use crate::agent::pang::observation::{BINS, Described, GLOBALS};
use crate::data::Matrix;
use burn::tensor::activation::{log_softmax, relu};
use burn::tensor::{Device, Tensor};

/// The gradient of one query's part of the loss: `reconstruction · cross-entropy − advantage · log-probability −
/// entropy bonus`, over `count`.
pub(in crate::agent) fn pang(
    network: &PangNetwork,
    seen: &Described,
    picks: &[usize],
    [advantage, entropy_bonus, reconstruction, count]: [f32; 4],
) -> Result<Vec<f32>, AgentError> {
    let leaves = Leaves::new(network);
    let (scores, rebuilt) = leaves.forward(seen);
    let (log_probability, entropy) = leaves.choice(scores, picks);
    let gain = log_probability.mul_scalar(advantage) + entropy.mul_scalar(entropy_bonus);
    Ok(leaves.gradient(&(rebuilt.mul_scalar(reconstruction) - gain).div_scalar(count)))
}

/// The network's weights as leaves of a graph.
struct Leaves {
    parts: Vec<Tensor<2>>,
    device: Device,
}

impl Leaves {
    fn new(network: &PangNetwork) -> Self {
        let device = graph::device();
        let leaf = |(part, &(rows, cols)): (usize, &(usize, usize))| {
            graph::tensor::<2>(network.part(part).to_vec(), [rows, cols], &device).require_grad()
        };
        Self { parts: PARTS.iter().enumerate().map(leaf).collect(), device }
    }

    fn part(&self, part: usize) -> Tensor<2> {
        self.parts[part].clone()
    }

    fn matrix(&self, matrix: &Matrix) -> Tensor<2> {
        graph::tensor(matrix.values().to_vec(), [matrix.rows(), matrix.cols()], &self.device)
    }

    /// Scores `[1, candidates]`, and the mean cross-entropy of the reconstructed histograms, `[1]`.
    fn forward(&self, seen: &Described) -> (Tensor<2>, Tensor<1>) {
        let (rows, width) = (seen.inputs.rows(), seen.inputs.cols());
        let embedded = relu(self.matrix(&seen.features).matmul(self.part(0)) + self.part(1));
        let encoder = embedded.matmul(self.part(2)) + self.part(3);
        let codes = self.matrix(&seen.inputs).matmul(encoder.clone()).div_scalar((width as f32).sqrt());
        let globals: Vec<f32> = std::iter::once(1.0).chain(seen.globals).collect();
        let globals = graph::tensor::<2>(globals, [1, GLOBALS + 1], &self.device);
        let hidden = relu(codes.matmul(self.part(4)) + globals.matmul(self.part(5)));
        let scores = hidden.matmul(self.part(6)).reshape([1, rows]);
        let histograms: Vec<f32> =
            (0..width).flat_map(|feature| seen.features.row(feature)[..BINS].to_vec()).collect();
        let histograms = graph::tensor::<2>(histograms, [width, BINS], &self.device);
        let rebuilt = log_softmax(encoder.matmul(self.part(7)), 1);
        (scores, (histograms * rebuilt).sum().neg().div_scalar(width as f32))
    }

    /// The log-probability of an ordered batch and the mean entropy of its choices, `[1]` each.
    fn choice(&self, scores: Tensor<2>, picks: &[usize]) -> (Tensor<1>, Tensor<1>) {
        let candidates = scores.dims()[1];
        let (depth, mut allowed) = (picks.len(), vec![1.0f32; picks.len() * candidates]);
        let mut chosen = vec![0.0f32; picks.len() * candidates];
        for (at, &pick) in picks.iter().enumerate() {
            chosen[at * candidates + pick] = 1.0;
            (at + 1..depth).for_each(|later| allowed[later * candidates + pick] = 0.0);
        }
        let shape = [depth, candidates];
        let allowed = graph::tensor::<2>(allowed, shape, &self.device);
        let log_p = graph::masked_log_softmax(scores.expand(shape), allowed);
        let entropy = (log_p.clone().exp() * log_p.clone()).sum().neg().div_scalar(depth as f32);
        ((log_p * graph::tensor::<2>(chosen, shape, &self.device)).sum(), entropy)
    }

    /// The gradient of a scalar loss, in the order of the weights.
    fn gradient(&self, loss: &Tensor<1>) -> Vec<f32> {
        let mut gradients = loss.backward();
        let mut flat = Vec::with_capacity(WEIGHTS);
        for (leaf, (rows, cols)) in self.parts.iter().zip(PARTS) {
            match leaf.grad_remove(&mut gradients) {
                Some(gradient) => flat.extend(graph::values(gradient)),
                None => flat.extend(std::iter::repeat_n(0.0, rows * cols)),
            }
        }
        flat
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::batch;
    use crate::agent::pang::network::tests::{assert_close, described, random};
    use crate::rng::Key;

    #[test]
    fn the_graph_agrees_with_inference() {
        let network = random(Key::root(3));
        let seen = described(9, 6, Key::root(4));
        let leaves = Leaves::new(&network);
        let (scores, _) = leaves.forward(&seen);
        let plain = network.score(&seen).unwrap();
        assert_close(&graph::values(scores.clone()), &plain);
        let picks = [4, 0, 7];
        let (log_probability, entropy) = leaves.choice(scores, &picks);
        let expected = batch::log_probability(&plain, &picks) as f32;
        assert_close(&graph::values(log_probability), &[expected]);
        assert!(graph::values(entropy)[0] > 0.0);
    }

    #[test]
    fn the_gradient_is_that_of_finite_differences() {
        let network = random(Key::root(5));
        let seen = described(5, 4, Key::root(6));
        let loss = |network: &PangNetwork| {
            let leaves = Leaves::new(network);
            let (scores, rebuilt) = leaves.forward(&seen);
            let (log_probability, entropy) = leaves.choice(scores, &[2, 3]);
            let loss = log_probability + entropy + rebuilt;
            (graph::values(loss.clone())[0], leaves.gradient(&loss))
        };
        let (_, gradient) = loss(&network);
        for index in (0..WEIGHTS).step_by(97) {
            let at = |step: f32| {
                let mut moved = network.clone();
                moved.weights_mut()[index] += step;
                loss(&moved).0
            };
            let numeric = (at(5e-3) - at(-5e-3)) / 1e-2;
            assert!((numeric - gradient[index]).abs() < 5e-3, "{index}: {numeric} {}", gradient[index]);
        }
    }
}
