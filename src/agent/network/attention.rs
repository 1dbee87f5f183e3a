//! Attention between candidates, through inducing points: the set part of a network of
//! [`Kind::Attention`](super::Kind).
//!
//! Each candidate is embedded together with the globals, and then looks at the others in layers of two
//! steps: a few learned *inducing points* gather from all candidates, and every candidate reads from the
//! inducing points. A layer costs `O(m n)` for `m` points and `n` candidates instead of `O(n²)`, and is
//! equivariant under a permutation of the candidates.
//!
//! Lee, Lee, Kim, Kosiorek, Choi, Teh, "Set Transformer", ICML 2019: the block ISAB in the form of the
//! authors' code, without layer normalisation, logits divided by the root of the whole width.
//!
//! This is inference; [`graph`](crate::agent::graph) has the same function for gradients.

use crate::query::geometry::dense::{dense, dense_relu};

/// One step, `MAB(Q, K) = O + relu(O W_o)` with `O = Q W_q + softmax(Q W_q (K W_k)^T / √h) K W_v`.
#[derive(Clone, Copy)]
pub(super) struct Step<'a> {
    /// `[h, h]` each: query, key, value, out.
    pub(super) weights: [&'a [f32]; 4],
    /// `[h]` each, in the same order.
    pub(super) biases: [&'a [f32]; 4],
    pub(super) heads: usize,
}

/// The parts of a step as they are named in the layout, in the order of [`Step::weights`].
pub(super) const PARTS: [&str; 4] = ["query", "key", "value", "out"];

/// One layer: gather into the inducing points, then read from them.
#[derive(Clone, Copy)]
pub(super) struct Layer<'a> {
    /// `[m, h]`
    pub(super) inducing: &'a [f32],
    pub(super) gather: Step<'a>,
    pub(super) read: Step<'a>,
}

impl Layer<'_> {
    /// The candidates after the layer; `x: [n, h]`.
    pub(super) fn apply(&self, x: &[f32]) -> Vec<f32> {
        let points = self.gather.apply(self.inducing, x);
        self.read.apply(x, &points)
    }
}

impl Step<'_> {
    /// `queries: [q, h]` look at `keys: [k, h]`; gives `[q, h]`.
    fn apply(&self, queries: &[f32], keys: &[f32]) -> Vec<f32> {
        let width = self.biases[0].len();
        let project = |x: &[f32], part: usize| {
            let mut y = vec![0.0; x.len()];
            dense(x, width, self.weights[part], self.biases[part], &mut y);
            y
        };
        let mut sums = project(queries, 0);
        let (keys, values) = (project(keys, 1), project(keys, 2));
        let root = (width as f32).sqrt();
        let head = width / self.heads;
        let mut shares = vec![0.0f32; keys.len() / width];
        for row in sums.chunks_exact_mut(width) {
            for (at, query) in row.chunks_exact_mut(head).enumerate() {
                let of_head = |row: usize| row * width + at * head..row * width + (at + 1) * head;
                for (index, share) in shares.iter_mut().enumerate() {
                    *share = dot(query, &keys[of_head(index)]) / root;
                }
                softmax(&mut shares);
                for (index, share) in shares.iter().enumerate() {
                    for (sum, value) in query.iter_mut().zip(&values[of_head(index)]) {
                        *sum += share * value;
                    }
                }
            }
        }
        let mut hidden = vec![0.0; sums.len()];
        dense_relu(&sums, width, self.weights[3], self.biases[3], &mut hidden);
        sums.iter_mut().zip(hidden).for_each(|(sum, more)| *sum += more);
        sums
    }
}

/// Eight sums side by side, so that the processor may add them at once.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0f32; 8];
    let (mut a, mut b) = (a.chunks_exact(8), b.chunks_exact(8));
    for (a, b) in (&mut a).zip(&mut b) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    let rest: f32 = a.remainder().iter().zip(b.remainder()).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f32>() + rest
}

fn softmax(logits: &mut [f32]) {
    let max = logits.iter().fold(f32::NEG_INFINITY, |max, &l| max.max(l));
    let mut sum = 0.0f64;
    for logit in logits.iter_mut() {
        *logit = (*logit - max).exp();
        sum += f64::from(*logit);
    }
    let share = (1.0 / sum) as f32;
    logits.iter_mut().for_each(|logit| *logit *= share);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Width 1, one head: two queries 1 and 0 over keys 0 and ln 3, identity projections, out weight 2.
    #[test]
    fn a_step_as_by_hand() {
        let (one, two, zero) = ([1.0], [2.0], [0.0]);
        let step = Step { weights: [&one, &one, &one, &two], biases: [&zero; 4], heads: 1 };
        let found = step.apply(&[1.0, 0.0], &[0.0, 3f32.ln()]);
        // Shares 1/4 and 3/4, and 1/2 each; then o + relu(2 o) = 3 o.
        let expected = [3.0 * (1.0 + 0.75 * 3f32.ln()), 3.0 * 0.5 * 3f32.ln()];
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-5, "{found} {expected}");
        }
    }

    /// Two heads of width 1 do not see each other: each is the step above on its own column.
    #[test]
    fn heads_are_independent() {
        let identity = [1.0, 0.0, 0.0, 1.0];
        let (none, zero) = ([0.0; 4], [0.0; 2]);
        let step = Step { weights: [&identity, &identity, &identity, &none], biases: [&zero; 4], heads: 2 };
        let scale = 2f32.sqrt();
        let found = step.apply(&[scale, 0.0], &[0.0, 5.0, 3f32.ln(), 7.0]);
        assert!((found[0] - scale - 0.75 * 3f32.ln()).abs() < 1e-5, "{found:?}");
        assert!((found[1] - 6.0).abs() < 1e-5, "{found:?}");
    }

    #[test]
    fn a_dot_product_of_any_length() {
        for length in [0, 1, 7, 8, 20] {
            let a: Vec<f32> = (0..length).map(|i| i as f32).collect();
            let expected: f32 = a.iter().map(|a| a * a).sum();
            assert_eq!(dot(&a, &a), expected);
        }
    }
}
