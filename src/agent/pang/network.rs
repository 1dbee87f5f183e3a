//! Scores of candidates from the description of a pool.
//!
//! `w_j = E_2 relu(E_1 f_j)` for the description `f_j` of feature `j`; `z_i = Σ_j x_ij w_j / √d`;
//! `score_i = v · relu(A z_i + B g)`, biases left out here. In learning, `R w_j` are logits of the histogram that feature
//! `j` has in the pool.

use super::observation::{BINS, DESCRIPTION, Described, GLOBALS};
use crate::agent::error::AgentError;
use crate::data::Matrix;
use crate::query::geometry::dense::{dense, dense_relu};
use crate::rng::Key;
use rand_distr::{Distribution, StandardNormal};

/// Units that read a description.
const EMBEDDING: usize = 32;
/// Values of an encoding.
const CODE: usize = 16;
/// Units that read an encoding.
const HIDDEN: usize = 32;

/// Rows and columns of every part, in the order of the weights. Biases are rows of their own.
pub(in crate::agent) const PARTS: [(usize, usize); 8] = [
    (DESCRIPTION, EMBEDDING),
    (1, EMBEDDING),
    (EMBEDDING, CODE),
    (1, CODE),
    (CODE, HIDDEN),
    // Its first row multiplies the constant 1: the bias.
    (GLOBALS + 1, HIDDEN),
    (HIDDEN, 1),
    (CODE, BINS),
];

/// All weights.
pub const WEIGHTS: usize = {
    let (mut sum, mut part) = (0, 0);
    while part < PARTS.len() {
        sum += PARTS[part].0 * PARTS[part].1;
        part += 1;
    }
    sum
};

/// The policy's weights, as plain data.
#[derive(Clone, Debug, PartialEq)]
pub struct PangNetwork {
    weights: Vec<f32>,
}

impl PangNetwork {
    /// A network of these weights.
    ///
    /// # Errors
    /// [`AgentError::Setting`] for another number of them.
    pub fn from_weights(weights: Vec<f32>) -> Result<Self, AgentError> {
        let found = weights.len();
        if found != WEIGHTS {
            let place = "dataset embedding: number of weights";
            return Err(AgentError::Setting { place, found, least: WEIGHTS, most: WEIGHTS });
        }
        Ok(Self { weights })
    }

    /// All weights.
    pub fn weights(&self) -> &[f32] {
        &self.weights
    }
}

impl PangNetwork {
    /// A network at its start: normal weights by the width of their inputs, biases and the output zero, so
    /// that all scores are zero.
    pub fn new(key: Key) -> Self {
        let mut rng = key.rng();
        let mut weights = Vec::with_capacity(WEIGHTS);
        for (part, &(rows, cols)) in PARTS.iter().enumerate() {
            let scale = match part {
                1 | 3 | 6 => 0.0,
                0 | 4 | 5 => (2.0 / rows as f32).sqrt(),
                _ => (1.0 / rows as f32).sqrt(),
            };
            weights.extend((0..rows * cols).map(|_| {
                let normal: f32 = StandardNormal.sample(&mut rng);
                scale * normal
            }));
        }
        Self { weights }
    }

    pub(in crate::agent) fn weights_mut(&mut self) -> &mut [f32] {
        &mut self.weights
    }

    pub(in crate::agent) fn part(&self, part: usize) -> &[f32] {
        let start: usize = PARTS[..part].iter().map(|(rows, cols)| rows * cols).sum();
        &self.weights[start..][..PARTS[part].0 * PARTS[part].1]
    }

    /// The columns of the encoder, `[d, CODE]`, one for each described feature.
    pub fn encoder(&self, features: &Matrix) -> Matrix {
        let width = features.rows();
        let mut hidden = vec![0.0; width * EMBEDDING];
        dense_relu(features.values(), DESCRIPTION, self.part(0), self.part(1), &mut hidden);
        let mut columns = vec![0.0; width * CODE];
        dense(&hidden, EMBEDDING, self.part(2), self.part(3), &mut columns);
        Matrix::new(columns, width, CODE)
    }

    /// The scores, one per candidate; higher = ask first.
    ///
    /// # Errors
    /// [`AgentError::Score`] if one is not finite.
    pub fn score(&self, seen: &Described) -> Result<Vec<f32>, AgentError> {
        let (rows, width) = (seen.inputs.rows(), seen.inputs.cols());
        let encoder = self.encoder(&seen.features);
        let root = (width.max(1) as f32).sqrt();
        let mut codes = vec![0.0; rows * CODE];
        dense(seen.inputs.values(), width, encoder.values(), &[0.0; CODE], &mut codes);
        codes.iter_mut().for_each(|code| *code /= root);
        let mut bias = [0.0f32; HIDDEN];
        let globals = std::iter::once(&1.0).chain(&seen.globals);
        for (value, weights) in globals.zip(self.part(5).chunks_exact(HIDDEN)) {
            bias.iter_mut().zip(weights).for_each(|(b, w)| *b += value * w);
        }
        let mut hidden = vec![0.0; rows * HIDDEN];
        dense_relu(&codes, CODE, self.part(4), &bias, &mut hidden);
        let of = |unit: &[f32]| unit.iter().zip(self.part(6)).map(|(u, w)| u * w).sum::<f32>();
        let scores: Vec<f32> = hidden.chunks_exact(HIDDEN).map(of).collect();
        match scores.iter().position(|score| !score.is_finite()) {
            Some(at) => Err(AgentError::Score { row: seen.candidates[at].0, score: scores[at] }),
            None => Ok(scores),
        }
    }
}

#[cfg(test)]
pub(in crate::agent) mod tests {
    use super::*;
    use crate::data::RowId;
    use rand::RngExt;

    /// A made-up description of `rows` candidates with `width` features.
    pub(in crate::agent) fn described(rows: usize, width: usize, key: Key) -> Described {
        let mut rng = key.rng();
        let mut draw = |n: usize| (0..n).map(|_| rng.random_range(-1.0f32..1.0)).collect::<Vec<_>>();
        let inputs = Matrix::new(draw(rows * width), rows, width);
        let features = draw(width * DESCRIPTION).iter().map(|v| v.abs() / BINS as f32).collect();
        let globals = [0.3, 0.1, 0.9];
        let candidates = (0..rows as u32).map(RowId).collect();
        Described { candidates, inputs, features: Matrix::new(features, width, DESCRIPTION), globals }
    }

    pub(in crate::agent) fn random(key: Key) -> PangNetwork {
        let mut network = PangNetwork::new(key);
        let mut rng = key.named("all").rng();
        network.weights.iter_mut().for_each(|w| *w += rng.random_range(-0.2f32..0.2));
        network
    }

    pub(in crate::agent) fn assert_close(a: &[f32], b: &[f32]) {
        assert_eq!(a.len(), b.len());
        for (a, b) in a.iter().zip(b) {
            assert!((a - b).abs() < 1e-4 * (1.0 + a.abs()), "{a} {b}");
        }
    }

    #[test]
    fn scores_do_not_depend_on_the_order_of_features_and_follow_that_of_points() {
        let network = random(Key::root(1));
        for width in [1, 3, 17, 200] {
            let seen = described(12, width, Key::root(2));
            let scores = network.score(&seen).unwrap();
            assert!(scores.iter().any(|score| *score != scores[0]), "{width}");
            let order: Vec<usize> = (0..width).rev().collect();
            let turned = (0..12).flat_map(|row| order.iter().map(move |&j| (row, j)));
            let inputs = turned.map(|(row, j)| seen.inputs.row(row)[j]).collect();
            let features = seen.features.gather(order.iter().copied());
            let by_feature = Described { inputs: Matrix::new(inputs, 12, width), features, ..seen.clone() };
            assert_close(&network.score(&by_feature).unwrap(), &scores);
            let points: Vec<usize> = (0..12).map(|i| (i * 5 + 3) % 12).collect();
            let by_point = Described { inputs: seen.inputs.gather(points.iter().copied()), ..seen };
            let expected: Vec<f32> = points.iter().map(|&i| scores[i]).collect();
            assert_eq!(network.score(&by_point).unwrap(), expected);
        }
        assert_eq!(PangNetwork::new(Key::root(1)).score(&described(4, 3, Key::root(2))).unwrap(), [0.0; 4]);
        assert!(PangNetwork::from_weights(vec![0.0; 3]).is_err());
    }
}
