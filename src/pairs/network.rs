//! One network: gene embeddings and the bilinear head, fitted together.

use super::bilinear::Bilinear;
use super::convolution::{Encoder, Trace};
use super::graph::Graph;
use super::links;
use super::optimiser::{AdamW, Plateau};
use super::real::{Dense, Real};
use crate::rng::Key;
use rand::RngExt;

/// Where gene embeddings come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Embedding {
    /// A relational graph convolution, trained on with the head.
    Graph,
    /// The same, left as the pre-training on links made it; the head alone is trained.
    Fixed,
    /// A table of free numbers, trained with the head: no graph.
    Free,
}

impl Embedding {
    /// All kinds, by the name that the command line has them by.
    pub const ALL: [(&'static str, Self); 3] =
        [("graph", Self::Graph), ("fixed", Self::Fixed), ("free", Self::Free)];

    /// Its name.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, kind)| *kind == self).map_or("", |(name, _)| name)
    }
}

/// The sizes of a network and how it is fitted. The default sizes are those of Zhu et al. (2025); they make 150 passes in batches of
/// 50 pairs, where all pairs are one batch here, at ten times the rates, and 100 passes are enough.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NetworkPlan {
    /// Where embeddings come from.
    pub embedding: Embedding,
    /// Columns of the embeddings.
    pub width: usize,
    /// Columns of hidden layers.
    pub hidden: usize,
    /// Matrices that the relations of a layer share.
    pub bases: usize,
    /// Passes over the links before any outcome is known; 0 for none.
    pub pretraining: usize,
    /// Passes over the pairs whose outcome is known, in every round.
    pub epochs: usize,
    /// The share of each embedding's numbers that is left out of a pass.
    pub dropout: f64,
}

impl Default for NetworkPlan {
    fn default() -> Self {
        Self {
            embedding: Embedding::Graph,
            width: 50,
            hidden: 64,
            bases: 2,
            pretraining: 300,
            epochs: 100,
            dropout: 0.1,
        }
    }
}

/// AdamW's rates: of the pre-training, of embeddings beside the head, and of the head.
const RATES: [f64; 3] = [0.01, 0.01, 0.1];
/// Its weight decay of embeddings and of the head.
const DECAYS: [f64; 2] = [1e-4, 1e-3];
/// What rates are multiplied by on a plateau, and how many epochs that is.
const PLATEAU: (f64, usize) = (0.5, 5);

impl NetworkPlan {
    /// The encoder of a graph whose first `genes` nodes are the genes.
    pub fn encoder(&self, graph: &Graph, genes: usize) -> Encoder {
        let free = self.embedding == Embedding::Free;
        Encoder {
            nodes: if free { genes } else { graph.nodes() },
            relations: graph.relations().len(),
            width: self.width,
            hidden: (!free).then_some(self.hidden),
            bases: self.bases,
        }
    }

    /// An encoder's parameters before any outcome is known.
    pub fn start<T: Real>(&self, graph: &Graph, genes: usize, key: Key) -> Vec<T> {
        let encoder = self.encoder(graph, genes);
        let mut parameters = encoder.start(key.named("weights"));
        if self.embedding != Embedding::Free {
            let links = key.named("links");
            links::pretrain(&encoder, graph, &mut parameters, self.pretraining, RATES[0], links);
        }
        parameters
    }
}

/// A network that has been fitted.
#[derive(Clone, Debug, PartialEq)]
pub struct Fitted {
    /// Of the genes, `[genes, width]`.
    pub embeddings: Dense<f32>,
    head: Vec<f32>,
    /// What predictions are multiplied by, and what is then added.
    scale: [f64; 2],
}

impl Fitted {
    /// Predictions for pairs, in the units of the outcomes.
    pub fn predict(&self, pairs: &[[u32; 2]]) -> Vec<f32> {
        let head = Bilinear { width: self.embeddings.width };
        let turned = head.turn(&self.head, &self.embeddings);
        let one = |&[a, b]: &[u32; 2]| {
            let y = head.predict(&self.head, &self.embeddings, &turned, [a as usize, b as usize]);
            (f64::from(y) * self.scale[0] + self.scale[1]) as f32
        };
        pairs.iter().map(one).collect()
    }
}

/// Fits a network to the outcomes of pairs, from the encoder's parameters `start` and a new head. A function of its
/// arguments alone.
pub fn fit(
    plan: &NetworkPlan,
    graph: &Graph,
    genes: usize,
    start: &[f32],
    pairs: &[[u32; 2]],
    outcomes: &[f64],
    key: Key,
) -> Fitted {
    let count = outcomes.len().max(1) as f64;
    let mean = outcomes.iter().sum::<f64>() / count;
    let variance = outcomes.iter().map(|y| (y - mean).powi(2)).sum::<f64>() / count;
    let deviation = if variance > 0.0 { variance.sqrt() } else { 1.0 };
    let targets: Vec<f32> = outcomes.iter().map(|y| ((y - mean) / deviation) as f32).collect();
    // Half a deviation below the lowest outcome, so that nothing lies at the edge of what can be predicted.
    let floor = f64::from(targets.iter().copied().fold(0.0, f32::min)) - 0.5;
    let head = Bilinear { width: plan.width };
    let mut network = Network {
        encoder: plan.encoder(graph, genes),
        head,
        of_encoder: start.to_vec(),
        of_head: head.start(floor, 0.0, key.named("head")),
    };
    let mut optimisers = [
        AdamW::new(network.of_encoder.len(), RATES[1], DECAYS[0]),
        AdamW::new(network.of_head.len(), RATES[2], DECAYS[1]),
    ];
    let mut plateau = Plateau::new(PLATEAU.0, PLATEAU.1);
    let (mut rng, mut scale) = (key.named("dropout").rng(), 1.0);
    let mut trace = Trace::default();
    network.encoder.forward(graph, &network.of_encoder, &mut trace);
    // Embeddings come to the head with a mean squared length of one, whatever the pre-training made of them: its rate is
    // large, and a step of a weight moves a prediction by as much as two embeddings are long.
    let known = genes * plan.width;
    let square: f64 = trace.embeddings().values[..known].iter().map(|&z| f64::from(z).powi(2)).sum();
    let unit = if square > 0.0 { (genes as f64 / square).sqrt() } else { 1.0 };
    let kept = (unit / (1.0 - plan.dropout)) as f32;
    let mut mask = vec![unit as f32; trace.embeddings().values.len()];
    for epoch in 0..plan.epochs {
        if epoch > 0 && plan.embedding != Embedding::Fixed {
            network.encoder.forward(graph, &network.of_encoder, &mut trace);
        }
        if plan.dropout > 0.0 {
            for value in &mut mask[..known] {
                *value = if f64::from(rng.random::<f32>()) < plan.dropout { 0.0 } else { kept };
            }
        }
        let (loss, of_head, change) = network.loss(&trace, &mask, pairs, &targets);
        if plan.embedding != Embedding::Fixed {
            let mut gradient = vec![0.0; network.of_encoder.len()];
            network.encoder.backward(graph, &network.of_encoder, &trace, &change, &mut gradient);
            optimisers[0].step(&mut network.of_encoder, &gradient, scale);
        }
        optimisers[1].step(&mut network.of_head, &of_head, scale);
        scale = plateau.note(loss);
    }
    network.encoder.forward(graph, &network.of_encoder, &mut trace);
    let values = trace.embeddings().values[..known].iter().map(|&z| z * unit as f32).collect();
    Fitted {
        embeddings: Dense { values, width: plan.width },
        head: network.of_head,
        scale: [deviation, mean],
    }
}

/// An encoder and a head with their parameters.
struct Network<T> {
    encoder: Encoder,
    head: Bilinear,
    of_encoder: Vec<T>,
    of_head: Vec<T>,
}

impl<T: Real> Network<T> {
    /// The loss, embeddings times `mask`, the head's gradient, and what a change of the embeddings is worth.
    fn loss(
        &self,
        trace: &Trace<T>,
        mask: &[T],
        pairs: &[[u32; 2]],
        targets: &[T],
    ) -> (f64, Vec<T>, Dense<T>) {
        let mut seen = trace.embeddings().clone();
        seen.values.iter_mut().zip(mask).for_each(|(value, &mask)| *value = *value * mask);
        let mut of_head = vec![T::default(); self.of_head.len()];
        let mut change = Dense::zeros(seen.rows(), seen.width);
        let loss = self.head.loss(&self.of_head, &seen, pairs, targets, &mut of_head, &mut change);
        change.values.iter_mut().zip(mask).for_each(|(value, &mask)| *value = *value * mask);
        (loss, of_head, change)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph() -> Graph {
        let facts = (0..11).map(|at| [at, at % 2, at + 1]).collect();
        Graph::new(12, vec!["a".into(), "b".into()], facts).unwrap()
    }

    /// Of the whole network, convolution and head, in 64 bits.
    #[test]
    fn gradients_of_the_whole_network_are_those_of_finite_differences() {
        let (graph, plan) =
            (graph(), NetworkPlan { width: 3, hidden: 4, pretraining: 5, ..Default::default() });
        let head = Bilinear { width: 3 };
        let mut network: Network<f64> = Network {
            encoder: plan.encoder(&graph, 10),
            head,
            of_encoder: plan.start(&graph, 10, Key::root(1)),
            of_head: head.start(-1.0, 0.0, Key::root(2)),
        };
        let pairs = [[0, 1], [3, 7], [2, 9], [1, 5]];
        let (targets, mut mask) = ([0.5, -1.0, 2.0, 0.1], vec![1.25; 36]);
        mask.iter_mut().step_by(5).for_each(|mask| *mask = 0.0);
        let value = |network: &Network<f64>| {
            let mut trace = Trace::default();
            network.encoder.forward(&graph, &network.of_encoder, &mut trace);
            network.loss(&trace, &mask, &pairs, &targets).0
        };
        let mut trace = Trace::default();
        network.encoder.forward(&graph, &network.of_encoder, &mut trace);
        let (_, _, change) = network.loss(&trace, &mask, &pairs, &targets);
        let mut gradient = vec![0.0; network.of_encoder.len()];
        network.encoder.backward(&graph, &network.of_encoder, &trace, &change, &mut gradient);
        for (at, &gradient) in gradient.iter().enumerate() {
            let before = network.of_encoder[at];
            network.of_encoder[at] = before + 1e-6;
            let above = value(&network);
            network.of_encoder[at] = before - 1e-6;
            let difference = (above - value(&network)) / 2e-6;
            network.of_encoder[at] = before;
            assert!((gradient - difference).abs() < 1e-7, "{at}: {gradient} {difference}");
        }
    }

    #[test]
    fn fits_what_it_has_seen_and_is_a_function_of_its_arguments() {
        let graph = graph();
        let pairs: Vec<[u32; 2]> = (0..10).flat_map(|a| (a + 1..10).map(move |b| [a, b])).collect();
        let outcomes: Vec<f64> = pairs.iter().map(|&[a, b]| 5.0 + f64::from((a % 2) * (b % 2))).collect();
        for (_, embedding) in Embedding::ALL {
            let plan = NetworkPlan { embedding, width: 8, hidden: 8, pretraining: 50, ..Default::default() };
            let start = plan.start(&graph, 10, Key::root(1));
            let fitted = fit(&plan, &graph, 10, &start, &pairs, &outcomes, Key::root(2));
            assert_eq!(fitted, fit(&plan, &graph, 10, &start, &pairs, &outcomes, Key::root(2)));
            let found = fitted.predict(&pairs);
            let error: f64 = found.iter().zip(&outcomes).map(|(&p, y)| (f64::from(p) - y).powi(2)).sum();
            let rmse = (error / pairs.len() as f64).sqrt();
            assert!(rmse < 0.25, "{embedding:?}: {rmse}"); // 0.42 without any network
            let turned: Vec<[u32; 2]> = pairs.iter().map(|&[a, b]| [b, a]).collect();
            assert_eq!(fitted.predict(&turned), found);
        }
    }
}
