//! CoreGCN: greedy k-center on the features of a graph network that tells labelled rows from others.

use super::k_center;
use crate::data::{Matrix, RowId};
use crate::error::Result;
use crate::learner::bank::multiply_transposed;
use crate::query::draw::RowDraws;
use crate::query::geometry::lanes;
use crate::query::geometry::rows::{self, Rows};
use crate::query::registry::{Built, Card, Entry, Family};
use crate::query::{Needs, PoolView, Size, Strategy, Subsample, Ties, size};
use crate::rng::Key;

/// Candidates above which the batch is sought among a random part of this many, as in the paper.
pub const MAX_CANDIDATES: usize = 10_000;
/// Units of the hidden layer, epochs, and how much candidates count in the loss.
const HIDDEN: usize = 128;
const EPOCHS: usize = 200;
const LAMBDA: f64 = 1.2;
/// Adam's rate, weight decay, and the rate of dropout.
const RATE: f64 = 1e-3;
const DECAY: f64 = 5e-4;
const DROPOUT: f64 = 0.3;
/// The least that a row's similarities to all others are taken to sum up to.
const LEAST_DEGREE: f32 = 1e-3;

const NEEDS: Needs = Needs { embeddings: true, ..Needs::NONE };

pub(super) const ENTRY: Entry = Entry {
    card: Card {
        name: "core_gcn",
        summary: "k_center on features by which a graph network tells labelled rows from others (embeddings)",
        paper: "Caramalau, Bhattarai & Kim, CVPR 2021",
        family: Family::Distribution,
        needs: NEEDS,
        cost: "time 51,200 m d for m = min(n, max(10,000, b)) candidates and labelled rows, memory m (d + 384)",
        example: "core_gcn",
        deterministic: false,
    },
    make: |_| Built::batch(CoreGcn { note: None }),
};

/// Trains a graph convolutional network on all rows, joined by the cosines of their embeddings, to tell the labelled ones from the
/// candidates, and asks for the rows that greedy [`k_center`] takes in its hidden layer. The graph of all pairs is never formed: it is
/// the product of the embeddings with their own transpose.
///
/// The authors' code clusters the embeddings themselves; this is what the paper says.
pub struct CoreGcn {
    note: Option<String>,
}

impl Strategy for CoreGcn {
    fn select(&mut self, view: &PoolView<'_>, batch: usize, key: Key) -> Result<Vec<RowId>> {
        let embeddings = view.embeddings()?;
        let batch = batch.min(view.candidates().len());
        if batch == 0 {
            return Ok(Vec::new());
        }
        let most = MAX_CANDIDATES.max(batch);
        let cut = Subsample::new(view.candidates(), most, view.draws(key.named("candidates")));
        self.note = cut.note("the batch was sought among");
        let taking_part: Vec<RowId> = cut.rows.iter().chain(view.labelled()).copied().collect();
        let mut unit = Rows::new(embeddings, &taking_part).to_matrix();
        rows::normalise(&mut unit);
        let mut network = Network::new(Graph::new(unit), cut.rows.len(), key.named("weights"));
        let mut mask = vec![0.0; taking_part.len() * HIDDEN];
        for epoch in 0..EPOCHS {
            let draws = view.draws(key.named("dropout").at(epoch as u64));
            for (mask, &row) in mask.chunks_mut(HIDDEN).zip(&taking_part) {
                for (mask, u) in mask.iter_mut().zip(draws.uniforms(row)) {
                    *mask = if u < DROPOUT { 0.0 } else { (1.0 / (1.0 - DROPOUT)) as f32 };
                }
            }
            network.learn(epoch + 1, &mask);
        }
        let features = Matrix::new(network.hidden(), taking_part.len(), HIDDEN);
        let places: Vec<RowId> = (0..taking_part.len() as u32).map(RowId).collect();
        let (own, labelled) = places.split_at(cut.rows.len());
        let ids: Vec<RowId> = taking_part.iter().map(|&row| view.id(row)).collect();
        let ties = Ties::of(RowDraws::new(key.named("ties")).with_ids(Some(&ids)));
        let (own, labelled) = (Rows::new(features.view(), own), Rows::new(features.view(), labelled));
        let picks = k_center::cover(own, labelled, batch, ties);
        Ok(picks.into_iter().map(|place| cut.rows[place]).collect())
    }

    fn needs(&self) -> Needs {
        NEEDS
    }

    fn note(&self) -> Option<String> {
        self.note.clone()
    }

    fn memory(&self, size: &Size) -> u64 {
        let kept = size.candidates.min(MAX_CANDIDATES.max(size.batch));
        let drawn = if kept < size.candidates { Size::items(size.candidates, size::DRAW) } else { 0 };
        let rows = kept + size.labelled;
        drawn.max(3 * size.vectors(rows) + Size::items(rows, 20 * HIDDEN as u64))
    }
}

/// All rows, joined by their cosines, each column divided by its sum, and every row to itself.
struct Graph {
    unit: Matrix,
    /// The same, `[d, n]`.
    turned: Vec<f32>,
    /// One over the sum of a row's cosines to all others.
    inverse: Vec<f32>,
}

impl Graph {
    fn new(unit: Matrix) -> Self {
        let n = unit.rows();
        let ids: Vec<RowId> = (0..n as u32).map(RowId).collect();
        let mean = rows::mean(Rows::new(unit.view(), &ids));
        let all: Vec<f32> = mean.into_iter().map(|mean| mean * n as f32).collect();
        let degree = |row: usize| lanes::dot(unit.row(row), &all) - lanes::dot(unit.row(row), unit.row(row));
        let inverse = (0..n).map(|row| 1.0 / degree(row).max(LEAST_DEGREE)).collect();
        Self { turned: turned(unit.values(), n, unit.cols()), unit, inverse }
    }

    /// The cosines of all pairs times so many columns.
    fn times_rows(&self, scaled: &[f32], width: usize) -> Vec<f32> {
        let (n, d) = (self.unit.rows(), self.unit.cols());
        // `U' S` first, `d` by `width`, then `U` times that.
        let inner = product(&turned(scaled, n, width), &self.turned, width, d, n);
        product(self.unit.values(), &inner, n, width, d)
    }

    /// The embeddings through the graph, which the first layer sees in every epoch.
    fn inputs(&self) -> Vec<f32> {
        let width = self.unit.cols();
        let mut scaled = self.unit.values().to_vec();
        for (row, &inverse) in scaled.chunks_mut(width).zip(&self.inverse) {
            row.iter_mut().for_each(|value| *value *= inverse);
        }
        let mut through = self.times_rows(&scaled, width);
        for (through, (own, scaled)) in through.iter_mut().zip(self.unit.values().iter().zip(&scaled)) {
            *through += own - scaled;
        }
        through
    }

    /// A number per row through the graph.
    fn through(&self, values: &[f32]) -> Vec<f32> {
        let scaled: Vec<f32> =
            values.iter().zip(&self.inverse).map(|(value, inverse)| value * inverse).collect();
        let others = self.times_rows(&scaled, 1);
        values.iter().zip(&scaled).zip(others).map(|((own, scaled), others)| own + others - scaled).collect()
    }

    /// Gradients back through the graph.
    fn back(&self, gradients: &[f32]) -> Vec<f32> {
        let others = self.times_rows(gradients, 1);
        let all = gradients.iter().zip(others).zip(&self.inverse);
        all.map(|((own, others), inverse)| own + (others - own) * inverse).collect()
    }
}

/// Two layers over a graph.
struct Network {
    graph: Graph,
    /// `[n, d]` and turned.
    inputs: Vec<f32>,
    turned: Vec<f32>,
    /// Rows that are no labels; the others come after them.
    candidates: usize,
    /// `[HIDDEN, d]`, biases, the weights of the second layer and its bias, one after the other.
    weights: Vec<f32>,
    means: [Vec<f64>; 2],
}

impl Network {
    fn new(graph: Graph, candidates: usize, key: Key) -> Self {
        let (n, d) = (graph.unit.rows(), graph.unit.cols());
        let inputs = graph.inputs();
        let count = HIDDEN * d + 2 * HIDDEN + 1;
        // As graph convolutions are started: uniform, by the width of what comes out.
        let first = 1.0 / (HIDDEN as f64).sqrt();
        let uniforms = RowDraws::new(key);
        let draw = |at: usize| {
            let size = if at < HIDDEN * d + HIDDEN { first } else { 1.0 };
            (size * (2.0 * uniforms.uniform(RowId(at as u32)) - 1.0)) as f32
        };
        Self {
            turned: turned(&inputs, n, d),
            inputs,
            candidates,
            weights: (0..count).map(draw).collect(),
            means: [vec![0.0; count], vec![0.0; count]],
            graph,
        }
    }

    fn width(&self) -> usize {
        self.graph.unit.cols()
    }

    /// The hidden layer, `[n, HIDDEN]`.
    fn hidden(&self) -> Vec<f32> {
        let (n, d) = (self.graph.unit.rows(), self.width());
        let (first, rest) = self.weights.split_at(HIDDEN * d);
        let mut hidden = product(&self.inputs, first, n, HIDDEN, d);
        for row in hidden.chunks_mut(HIDDEN) {
            row.iter_mut().zip(rest).for_each(|(value, bias)| *value = (*value + bias).max(0.0));
        }
        hidden
    }

    /// The loss and its gradient by the weights, units of the hidden layer multiplied by `mask`.
    fn gradient(&self, mask: &[f32]) -> (f64, Vec<f64>) {
        let (n, d) = (self.graph.unit.rows(), self.width());
        let hidden = self.hidden();
        let second = &self.weights[HIDDEN * d + HIDDEN..][..HIDDEN];
        let bias = self.weights[HIDDEN * d + 2 * HIDDEN];
        let kept: Vec<f32> = hidden.iter().zip(mask).map(|(value, mask)| value * mask).collect();
        let along: Vec<f32> = kept.chunks(HIDDEN).map(|row| lanes::dot(row, second)).collect();
        let labelled = (n - self.candidates).max(1) as f64;
        let others = self.candidates.max(1) as f64;
        let mut loss = 0.0;
        let by_logit: Vec<f32> = self
            .graph
            .through(&along)
            .into_iter()
            .enumerate()
            .map(|(row, value)| {
                let z = f64::from(value + bias);
                let s = 1.0 / (1.0 + (-z).exp());
                // The logarithm of s is z less that of 1 + e^z.
                let softplus = |z: f64| z.max(0.0) + (-z.abs()).exp().ln_1p();
                if row < self.candidates {
                    loss += LAMBDA * softplus(z) / others;
                    (LAMBDA * s / others) as f32
                } else {
                    loss += softplus(-z) / labelled;
                    ((s - 1.0) / labelled) as f32
                }
            })
            .collect();
        let by_along = self.graph.back(&by_logit);
        let mut gradient = vec![0.0f64; self.weights.len()];
        let mut by_hidden = vec![0.0f32; n * HIDDEN];
        for row in 0..n {
            let own = row * HIDDEN..(row + 1) * HIDDEN;
            let (kept, mask) = (&kept[own.clone()], &mask[own.clone()]);
            for (unit, out) in by_hidden[own].iter_mut().enumerate() {
                // Where the unit is at rest, or dropped, nothing comes through.
                *out = if kept[unit] > 0.0 { by_along[row] * second[unit] * mask[unit] } else { 0.0 };
                gradient[HIDDEN * d + unit] += f64::from(*out);
                gradient[HIDDEN * d + HIDDEN + unit] += f64::from(by_along[row] * kept[unit]);
            }
            gradient[HIDDEN * d + 2 * HIDDEN] += f64::from(by_logit[row]);
        }
        let first = product(&turned(&by_hidden, n, HIDDEN), &self.turned, HIDDEN, d, n);
        gradient[..HIDDEN * d].iter_mut().zip(first).for_each(|(sum, value)| *sum = f64::from(value));
        (loss, gradient)
    }

    /// One epoch, the `number`-th from one.
    fn learn(&mut self, number: usize, mask: &[f32]) {
        let (_, gradient) = self.gradient(mask);
        let (one, two) = (1.0 - 0.9f64.powi(number as i32), 1.0 - 0.999f64.powi(number as i32));
        let [first, second] = &mut self.means;
        for (at, weight) in self.weights.iter_mut().enumerate() {
            let g = gradient[at] + DECAY * f64::from(*weight);
            first[at] = 0.9 * first[at] + 0.1 * g;
            second[at] = 0.999 * second[at] + 0.001 * g * g;
            *weight -= (RATE * (first[at] / one) / ((second[at] / two).sqrt() + 1e-8)) as f32;
        }
    }
}

/// `[columns, rows]` from `[rows, columns]`.
fn turned(values: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    let mut out = vec![0.0; values.len()];
    for row in 0..rows {
        for column in 0..columns {
            out[column * rows + row] = values[row * columns + column];
        }
    }
    out
}

/// `a b'`: `[m, n]` from `[m, d]` and `[n, d]`.
fn product(a: &[f32], b: &[f32], m: usize, n: usize, d: usize) -> Vec<f32> {
    let mut out = vec![0.0; m * n];
    multiply_transposed(a, b, m, n, d, &mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::ExamplePool;

    fn network(seed: u64) -> Network {
        let unit = rows::normalised(ExamplePool::new(12, 0, seed).inputs.view());
        Network::new(Graph::new(unit), 9, Key::root(seed))
    }

    /// The graph, written out.
    #[test]
    fn numbers_go_through_the_graph_and_back() {
        let network = network(1);
        let (graph, n) = (&network.graph, 12);
        let cosine = |a: usize, b: usize| lanes::dot(graph.unit.row(a), graph.unit.row(b));
        let degree =
            |of: usize| (0..n).filter(|&other| other != of).map(|other| cosine(of, other)).sum::<f32>();
        let edge = |a: usize, b: usize| if a == b { 1.0 } else { cosine(a, b) / degree(b) };
        let values: Vec<f32> = (0..n).map(|row| (row as f32 * 0.7).sin()).collect();
        let close = |found: &[f32], expected: &dyn Fn(usize) -> f32| {
            for (row, found) in found.iter().enumerate() {
                assert!((found - expected(row)).abs() < 1e-4, "{row}: {found} {}", expected(row));
            }
        };
        close(&graph.through(&values), &|a| (0..n).map(|b| edge(a, b) * values[b]).sum());
        close(&graph.back(&values), &|b| (0..n).map(|a| edge(a, b) * values[a]).sum());
        let column: Vec<f32> = network.inputs.chunks(5).map(|row| row[2]).collect();
        close(&column, &|a| (0..n).map(|b| edge(a, b) * graph.unit.row(b)[2]).sum());
    }

    #[test]
    fn the_gradient_is_that_of_the_loss() {
        let mut network = network(3);
        let mask: Vec<f32> = (0..12 * HIDDEN).map(|at| if at % 3 == 0 { 0.0 } else { 1.5 }).collect();
        let (_, gradient) = network.gradient(&mask);
        let count = network.weights.len();
        for at in (0..count).step_by(37).chain(count - HIDDEN - 1..count) {
            let old = network.weights[at];
            let mut loss = |by: f32| {
                network.weights[at] = old + by;
                network.gradient(&mask).0
            };
            let plain = (loss(2e-4) - loss(-2e-4)) / 4e-4;
            network.weights[at] = old;
            assert!(
                (gradient[at] - plain).abs() < 1e-2 + 0.02 * plain.abs(),
                "{at}: {} {plain}",
                gradient[at]
            );
        }
    }

    #[test]
    fn labelled_rows_are_told_from_others() {
        let mut network = network(5);
        let mask = vec![1.0; 12 * HIDDEN];
        let before = network.gradient(&mask).0;
        (1..=EPOCHS).for_each(|number| network.learn(number, &mask));
        assert!(network.gradient(&mask).0 < before);
    }
}
