//! What the learner computed for one round.

use super::geometry::{Rows, lanes};
use super::{KernelPca, Nearest, Neighbours};
use crate::data::{Images, Matrix, RowId};
use crate::learner::Network;
use std::sync::Arc;

/// How far an episode has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Labels bought since the initial ones.
    pub spent: usize,
    /// Labels that may be bought in all.
    pub budget: usize,
}

/// Class probabilities of every candidate under several stochastic passes or committee members; where targets are numbers,
/// their predictions, and where they are masks, a probability of every pixel.
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
    /// Members of a committee, with weights of their own and, under [`Needs::bootstrap`](super::Needs::bootstrap), a resample of the labels.
    pub committee: Option<Passes>,
    /// `[pool rows, d]`, indexed by [`RowId`]: the mean of the committee members' embeddings.
    pub descriptors: Option<Matrix>,
    /// The last layer.
    pub head: Option<Head>,
    /// `T > 0` such that `softmax(z / T)` is calibrated; 1 where it could not be fitted.
    pub temperature: Option<f32>,
    /// The network that made the probabilities.
    pub network: Option<Network>,
    /// What images the inputs are, where they are any.
    pub images: Option<Images>,
    /// Per candidate, the predicted loss; higher = a larger loss. Only the order means anything.
    pub predicted_loss: Option<Vec<f64>>,
    /// `[labelled, classes]`, rows in the order of [`PoolView::labelled`](super::PoolView::labelled), each by a network that was trained
    /// without that row; absent where there are too few labels.
    pub out_of_fold: Option<Matrix>,
    /// What labels are worth, by kind; absent where there are too few labels.
    pub ablations: Option<Ablations>,
}

/// What a round says of every candidate.
trait Candidates {
    /// Refuses another number of candidates.
    fn assert_for(&self, count: usize);
    /// What it says of the candidates at `places`, which are `kept`.
    fn cut(&self, places: &[usize], kept: &[RowId]) -> Self;
}

impl Candidates for Matrix {
    fn assert_for(&self, count: usize) {
        assert_eq!(self.rows(), count, "rows per candidate");
    }

    fn cut(&self, places: &[usize], _: &[RowId]) -> Self {
        self.gather(places.iter().copied())
    }
}

impl Candidates for Passes {
    fn assert_for(&self, count: usize) {
        self.members.iter().for_each(|member| member.assert_for(count));
    }

    fn cut(&self, places: &[usize], kept: &[RowId]) -> Self {
        Self { members: self.members.iter().map(|member| member.cut(places, kept)).collect() }
    }
}

impl Candidates for Vec<f32> {
    fn assert_for(&self, count: usize) {
        assert_eq!(self.len(), count, "numbers per candidate");
    }

    fn cut(&self, places: &[usize], _: &[RowId]) -> Self {
        places.iter().map(|&place| self[place]).collect()
    }
}

impl Candidates for Vec<f64> {
    fn assert_for(&self, count: usize) {
        assert_eq!(self.len(), count, "numbers per candidate");
    }

    fn cut(&self, places: &[usize], _: &[RowId]) -> Self {
        places.iter().map(|&place| self[place]).collect()
    }
}

impl Candidates for Vec<(RowId, f32)> {
    /// Of some candidates only, which the view's reader checks.
    fn assert_for(&self, _: usize) {}

    fn cut(&self, _: &[usize], kept: &[RowId]) -> Self {
        self.iter().filter(|(row, _)| kept.binary_search(row).is_ok()).copied().collect()
    }
}

/// Makes [`PerCandidate`] of one line per signal.
macro_rules! per_candidate {
    ($($name:ident: $kind:ty,)*) => {
        /// The signals of which every candidate has its own, as a view lends them.
        #[derive(Clone, Copy, Debug, Default)]
        pub(super) struct PerCandidate<'a> {
            $(pub(super) $name: Option<&'a $kind>,)*
        }

        impl<'a> PerCandidate<'a> {
            /// Those of `signals`.
            pub(super) fn of(signals: &'a Signals) -> Self {
                Self { $($name: signals.$name.as_ref(),)* }
            }

            /// # Panics
            /// If one is of another number of candidates.
            pub(super) fn assert_for(self, count: usize) {
                $(self.$name.inspect(|signal| signal.assert_for(count));)*
            }

            /// What they say of the candidates at `places`, which are `kept`, ascending; nothing else.
            pub(super) fn cut(self, places: &[usize], kept: &[RowId]) -> Signals {
                Signals { $($name: self.$name.map(|signal| signal.cut(places, kept)),)* ..Signals::default() }
            }
        }
    };
}

impl Signals {
    /// What they say of the candidates at `places`, which are `kept`, ascending; nothing else.
    pub fn at(&self, places: &[usize], kept: &[RowId]) -> Signals {
        PerCandidate::of(self).cut(places, kept)
    }
}

per_candidate! {
    probabilities: Matrix,
    predictions: Vec<f32>,
    passes: Passes,
    lookahead: Vec<(RowId, f32)>,
    committee: Passes,
    predicted_loss: Vec<f64>,
}
