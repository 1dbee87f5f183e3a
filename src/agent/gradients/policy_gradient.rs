//! The surrogates of the policy gradient.

use super::graph::{self, Graph, StateBatch};
use crate::agent::error::AgentError;
use crate::agent::network::Network;
use crate::agent::policy_gradient::{GradientConfig, Totals, Variant};
use crate::agent::trajectory::{Decision, Weighted};
use crate::episode::Observation;
use burn::tensor::{Device, Int, Tensor, TensorData};

/// The gradient of the mean loss over the chosen decisions.
pub(in crate::agent) fn policy_gradient(
    network: &Network,
    chosen: &[&Weighted<'_>],
    config: &GradientConfig,
) -> Result<(Vec<f32>, Totals), AgentError> {
    let device = graph::device();
    let mut total = vec![0.0f32; network.weights().len()];
    let mut sums = Totals::default();
    let size = |w: &&Weighted<'_>| (w.decision.observation.candidates.len(), w.decision.picks.len());
    let sizes: Vec<_> = chosen.iter().map(size).collect();
    for chunk in graph::chunks(&sizes) {
        let leaves = Graph::new(network, &device);
        let terms = Surrogate::new(&leaves, &chosen[chunk.clone()], &device);
        let loss = terms.loss(&chosen[chunk.clone()], config, &device);
        sums.add(&terms.sums(&chosen[chunk]));
        for (sum, g) in total.iter_mut().zip(leaves.gradient(&loss.div_scalar(chosen.len() as f32))) {
            *sum += g;
        }
    }
    Ok((total, sums))
}

/// What the losses of several decisions are made of.
struct Surrogate {
    /// `[S]`: log-probability of each ordered batch.
    log_probability: Tensor<1>,
    /// `[S]`: mean over its picks of the entropy of the choice.
    entropy: Tensor<1>,
}

impl Surrogate {
    fn new(leaves: &Graph<'_>, chosen: &[&Weighted<'_>], device: &Device) -> Self {
        let observations: Vec<&Observation> = chosen.iter().map(|w| &w.decision.observation).collect();
        let widest = |of: fn(&Decision) -> usize| {
            let all = chosen.iter().map(|w| of(w.decision));
            all.max().unwrap_or(0)
        };
        let (states, width) = (chosen.len(), widest(|d| d.observation.candidates.len()));
        let depth = widest(|d| d.picks.len());
        // For every pick of every batch: the candidates that remained, which was picked, and its share of
        // the batch (zero for padding).
        let mut allowed = vec![0.0f32; states * depth * width];
        let mut picked = vec![0i64; states * depth];
        let mut real = vec![0.0f32; states * depth];
        let mut share = vec![0.0f32; states * depth];
        for (s, w) in chosen.iter().enumerate() {
            let Decision { observation, picks, .. } = w.decision;
            let candidates = observation.candidates.len();
            for t in 0..depth {
                let row = &mut allowed[(s * depth + t) * width..][..candidates];
                row.fill(1.0);
                // Padding repeats the first pick: finite, and weighted with zero.
                let before = if t < picks.len() { t } else { 0 };
                picks[..before].iter().for_each(|&pick| row[pick] = 0.0);
                picked[s * depth + t] = picks[before] as i64;
                if t < picks.len() {
                    real[s * depth + t] = 1.0;
                    share[s * depth + t] = 1.0 / picks.len() as f32;
                }
            }
        }
        let batch = StateBatch::new(&observations, device);
        let scores = leaves.scores(&batch).reshape([states, 1, width]).expand([states, depth, width]);
        let log_p = graph::masked_log_softmax(scores, graph::tensor(allowed, [states, depth, width], device));
        let picked: Tensor<3, Int> = Tensor::from_data(TensorData::new(picked, [states, depth, 1]), device);
        let of_picks = log_p.clone().gather(2, picked).reshape([states, depth]);
        let entropy = (log_p.clone().exp() * log_p).sum_dim(2).neg().reshape([states, depth]);
        let weighted = |values: Tensor<2>, weights: Vec<f32>| {
            (values * graph::tensor(weights, [states, depth], device)).sum_dim(1).reshape([states])
        };
        Self { log_probability: weighted(of_picks, real), entropy: weighted(entropy, share) }
    }

    /// The sum of the decisions' losses.
    fn loss(&self, chosen: &[&Weighted<'_>], config: &GradientConfig, device: &Device) -> Tensor<1> {
        let vector = |of: &dyn Fn(&Weighted<'_>) -> f32| {
            graph::tensor::<1>(chosen.iter().map(|w| of(w)).collect(), [chosen.len()], device)
        };
        let advantage = vector(&|w| w.advantage);
        let surrogate = match config.variant {
            Variant::Reinforce => self.log_probability.clone() * advantage,
            Variant::Clipped { epsilon } => {
                let before = vector(&|w| w.decision.log_probability as f32);
                // Far beyond any ratio that is not clipped, and finite.
                let ratio = (self.log_probability.clone() - before).clamp(-20.0, 20.0).exp();
                let clipped = ratio.clone().clamp(1.0 - epsilon, 1.0 + epsilon) * advantage.clone();
                (ratio * advantage).min_pair(clipped)
            }
        };
        (surrogate + self.entropy.clone().mul_scalar(config.entropy)).sum().neg()
    }

    fn sums(&self, chosen: &[&Weighted<'_>]) -> Totals {
        let now = graph::values(self.log_probability.clone());
        let moved = chosen.iter().zip(now).map(|(w, now)| w.decision.log_probability - f64::from(now));
        Totals {
            count: chosen.len() as f64,
            entropy: graph::values(self.entropy.clone()).into_iter().map(f64::from).sum(),
            approx_kl: moved.sum(),
        }
    }
}
