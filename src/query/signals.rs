//! What a strategy may ask of the learner, and what it is given.

use super::geometry::{Rows, lanes};
use super::{KernelPca, Nearest, Neighbours};
use crate::data::{Matrix, RowId};
use crate::learner::Network;
use serde::Serialize;
use std::sync::Arc;

/// The signals that a strategy asks of the learner. A plain set of flags and counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Needs {
    /// The inputs themselves, which every view has.
    pub inputs: bool,
    /// Class probabilities of every candidate.
    pub probabilities: bool,
    /// The number that is predicted of every candidate, where targets are numbers.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub predictions: bool,
    /// Penultimate embeddings of every row of the pool.
    pub embeddings: bool,
    /// Stochastic passes (MC-dropout) or committee members; zero for none.
    pub passes: usize,
    /// The dropout rate of the passes; `None` for the rate that the learner trains with.
    pub rate: Option<f32>,
    /// Candidates whose one-step gain is simulated with their true labels; zero for none. Simulation
    /// only.
    pub lookahead: usize,
    /// Batches that the strategy [drafts](super::Strategy::draft) and whose gain is simulated with their true labels; zero for none. Simulation
    /// only.
    pub drafts: usize,
    /// Neighbour lists of the pool's inputs, and the distance of every row to the labelled rows.
    pub neighbours: bool,
    /// Kernel principal components of the pool's inputs.
    pub components: bool,
    /// Members of a committee, trained independently of each other; zero for none.
    pub committee: usize,
    /// Whether every member is fitted to a resample of the labelled rows; `None` for where members would be copies
    /// of each other without.
    pub bootstrap: Option<bool>,
    /// The classifier's last layer, which makes logits of embeddings.
    pub head: bool,
    /// The temperature that calibrates the probabilities.
    pub temperature: bool,
    /// The trained network itself, for gradients row by row.
    pub network: bool,
    /// The loss of every candidate, as a module on the network's hidden activations predicts it.
    pub predicted_loss: bool,
    /// Class probabilities of the labelled rows, by networks that were trained without them.
    pub out_of_fold: bool,
    /// What out-of-fold predictions are worth after some of the labels are left out.
    pub ablations: bool,
    /// That the learner trains on the [mixtures](super::Strategy::mixtures) that the strategy names.
    pub mixing: bool,
    /// The classes of the labelled rows, which every view has.
    pub labels: bool,
    /// The number of classes, for strategies that read no probabilities; every view has it.
    pub classes: bool,
}

/// How far an episode has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Labels bought since the initial ones.
    pub spent: usize,
    /// Labels that may be bought in all.
    pub budget: usize,
}

impl Needs {
    /// Nothing but which rows are labelled.
    pub const NONE: Needs = Needs {
        inputs: false,
        probabilities: false,
        predictions: false,
        embeddings: false,
        passes: 0,
        rate: None,
        lookahead: 0,
        drafts: 0,
        committee: 0,
        bootstrap: None,
        head: false,
        temperature: false,
        network: false,
        predicted_loss: false,
        out_of_fold: false,
        ablations: false,
        mixing: false,
        neighbours: false,
        components: false,
        labels: false,
        classes: false,
    };

    /// What two strategies need together. Of what there is one of in a view, they may not want two kinds: where both
    /// name a rate or a bootstrap, the first's stands, and [`registry`](super::registry) refuses arms that differ.
    pub fn union(self, other: Needs) -> Needs {
        Needs {
            inputs: self.inputs || other.inputs,
            probabilities: self.probabilities || other.probabilities,
            predictions: self.predictions || other.predictions,
            embeddings: self.embeddings || other.embeddings,
            passes: self.passes.max(other.passes),
            rate: self.rate.or(other.rate),
            lookahead: self.lookahead.max(other.lookahead),
            drafts: self.drafts.max(other.drafts),
            neighbours: self.neighbours || other.neighbours,
            components: self.components || other.components,
            committee: self.committee.max(other.committee),
            bootstrap: self.bootstrap.or(other.bootstrap),
            head: self.head || other.head,
            temperature: self.temperature || other.temperature,
            network: self.network || other.network,
            predicted_loss: self.predicted_loss || other.predicted_loss,
            out_of_fold: self.out_of_fold || other.out_of_fold,
            ablations: self.ablations || other.ablations,
            mixing: self.mixing || other.mixing,
            labels: self.labels || other.labels,
            classes: self.classes || other.classes,
        }
    }
}

/// Class probabilities of every candidate under several stochastic passes or committee members; where targets are numbers,
/// their predictions.
#[derive(Clone, Debug)]
pub struct Passes {
    /// One matrix `[candidates, classes]` per pass; of numbers, `[candidates, 1]`.
    pub members: Vec<Matrix>,
}

/// What out-of-fold predictions of all labels in hand are worth, the mean probability of the true class, after a fifth of the labels is left
/// out: lower = these labels are missed more.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ablations {
    /// Without those that have the nearest neighbours in the pool.
    pub typical: f64,
    /// Without those of the smallest margin.
    pub uncertain: f64,
    /// Without some at random.
    pub random: f64,
}

/// The classifier's last layer: `logits = weights h + bias` for an embedding `h`.
#[derive(Clone, Debug)]
pub struct Head {
    /// Shape `[classes, d]`.
    pub weights: Matrix,
    /// One per class.
    pub bias: Vec<f32>,
}

impl Head {
    /// `softmax(weights h + bias)` for each row of embeddings, shape `[rows, classes]`.
    ///
    /// # Panics
    /// If the rows are not as wide as the layer; [`PoolView::head`](super::PoolView::head) has checked that.
    pub fn probabilities(&self, embeddings: Rows<'_>) -> Matrix {
        assert_eq!(embeddings.width(), self.weights.cols(), "width of the last layer");
        let mut p = Matrix::zeros(embeddings.len(), self.bias.len());
        let mut logits = vec![0.0f64; self.bias.len()];
        for row in 0..embeddings.len() {
            for (class, logit) in logits.iter_mut().enumerate() {
                let along = lanes::dot(self.weights.row(class), embeddings.get(row));
                *logit = f64::from(along) + f64::from(self.bias[class]);
            }
            let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            logits.iter_mut().for_each(|logit| *logit = (*logit - largest).exp());
            let sum: f64 = logits.iter().sum();
            for (out, value) in p.row_mut(row).iter_mut().zip(&logits) {
                *out = (value / sum) as f32;
            }
        }
        p
    }
}

/// What the learner computed for one round; only what was asked for is there.
#[derive(Clone, Debug, Default)]
pub struct Signals {
    /// `[candidates, classes]`, rows in the order of [`PoolView::candidates`](super::PoolView::candidates), each summing to one.
    pub probabilities: Option<Matrix>,
    /// One per candidate, in the unit of the targets, which are numbers.
    pub predictions: Option<Vec<f32>>,
    /// `[pool rows, d]`, indexed by [`RowId`].
    pub embeddings: Option<Matrix>,
    /// Stochastic passes.
    pub passes: Option<Passes>,
    /// Candidates with the gain in accuracy that labelling each alone would bring.
    pub lookahead: Option<Vec<(RowId, f32)>>,
    /// The gain in accuracy that labelling each of the drafted batches would bring, in their order.
    pub drafts: Option<Vec<f32>>,
    /// Neighbour lists of the pool's inputs; shared by all episodes on one split.
    pub neighbours: Option<Arc<Neighbours>>,
    /// Distance of every row to the labelled rows.
    pub nearest: Option<Arc<Nearest>>,
    /// The pool's kernel principal components; shared by all episodes on one split.
    pub components: Option<Arc<KernelPca>>,
    /// How far the episode has come.
    pub progress: Progress,
    /// Members of a committee, with weights of their own and, under [`Needs::bootstrap`], a resample of the labels.
    pub committee: Option<Passes>,
    /// The last layer.
    pub head: Option<Head>,
    /// `T > 0` such that `softmax(z / T)` is calibrated; 1 where it could not be fitted.
    pub temperature: Option<f32>,
    /// The network that made the probabilities.
    pub network: Option<Network>,
    /// Per candidate, the predicted loss; higher = a larger loss. Only the order means anything.
    pub predicted_loss: Option<Vec<f64>>,
    /// `[labelled, classes]`, rows in the order of [`PoolView::labelled`](super::PoolView::labelled), each by a network that was trained
    /// without that row; absent where there are too few labels.
    pub out_of_fold: Option<Matrix>,
    /// What labels are worth, by kind; absent where there are too few labels.
    pub ablations: Option<Ablations>,
}
