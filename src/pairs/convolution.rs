//! [`Encoder`]: gene embeddings by a relational graph convolution, or a free table of them.
//!
//! Schlichtkrull, Kipf, Bloem, van den Berg, Titov & Welling, "Modeling relational data with graph convolutional networks",
//! ESWC 2018: a node's next vector is the sum, over relations, of the mean of its neighbours' vectors through a
//! matrix of the relation, and of its own through another. The matrices are combinations of a few that all relations share
//! (their equation 3): `W_r = sum_b a_rb V_b`. Nodes come in without features, so that the first layer is a table per basis.

use super::graph::Graph;
use super::real::{Dense, Real, products, transposed};
use crate::rng::Key;
use rand::RngExt;
use std::ops::Range;

/// The sizes of an encoder; parameters are one flat list, whose order [`Encoder::parts`] says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Encoder {
    /// Nodes of the graph.
    pub nodes: usize,
    /// Relations, each in both directions.
    pub relations: usize,
    /// Columns of the embeddings.
    pub width: usize,
    /// Columns of the hidden layers; none for a free table of embeddings, which no graph has a part in.
    pub hidden: Option<usize>,
    /// Matrices that the relations of a layer share.
    pub bases: usize,
}

/// Layers of the convolution.
const LAYERS: usize = 3;

/// Where a layer's parameters lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The matrices, own vector first and then the bases: of the first layer `[1 + bases, nodes, out]`, of the others
    /// `[out, 1 + bases, in]`.
    pub weights: Range<usize>,
    /// `[bases, 2 relations]`.
    pub combination: Range<usize>,
    /// `[out]`.
    pub bias: Range<usize>,
    /// Columns that come in (nodes, in the first layer) and go out.
    pub shape: [usize; 2],
}

/// What a forward pass keeps for the way back.
#[derive(Clone, Debug, Default)]
pub struct Trace<T> {
    /// Per layer after the first: the own vectors and those of the bases side by side, `[nodes, (1 + bases) in]`.
    inputs: Vec<Dense<T>>,
    /// Per layer, its result after the rectifier; the last without one.
    outputs: Vec<Dense<T>>,
}

impl<T: Real> Trace<T> {
    /// The embeddings, `[nodes, width]`.
    pub fn embeddings(&self) -> &Dense<T> {
        self.outputs.last().expect("a forward pass has been made")
    }
}

impl Encoder {
    /// Where the parameters of each layer lie; a free table is one layer of weights alone.
    pub fn parts(&self) -> Vec<Part> {
        let Some(hidden) = self.hidden else {
            let end = self.nodes * self.width;
            let shape = [self.nodes, self.width];
            return vec![Part { weights: 0..end, combination: end..end, bias: end..end, shape }];
        };
        let mut at = 0;
        let mut take = |count: usize| {
            at += count;
            at - count..at
        };
        (0..LAYERS)
            .map(|layer| {
                let out = if layer + 1 == LAYERS { self.width } else { hidden };
                let from = if layer == 0 { self.nodes } else { hidden };
                Part {
                    weights: take((1 + self.bases) * from * out),
                    combination: take(self.bases * 2 * self.relations),
                    bias: take(out),
                    shape: [from, out],
                }
            })
            .collect()
    }

    /// The number of parameters.
    pub fn parameters(&self) -> usize {
        self.parts().last().map_or(0, |part| part.bias.end)
    }

    /// Weights uniform within `sqrt(6 / (in + out))` (Glorot & Bengio, AISTATS 2010), combinations within one, biases zero.
    pub fn start<T: Real>(&self, key: Key) -> Vec<T> {
        let mut rng = key.rng();
        let mut parameters = vec![T::default(); self.parameters()];
        for part in self.parts() {
            let [from, out] = part.shape;
            let limit = (6.0 / (from + out) as f64).sqrt();
            for value in &mut parameters[part.weights] {
                *value = T::of(rng.random_range(-limit..limit));
            }
            for value in &mut parameters[part.combination] {
                *value = T::of(rng.random_range(-1.0..1.0));
            }
        }
        parameters
    }

    /// The embeddings of all nodes, in `trace`.
    pub fn forward<T: Real>(&self, graph: &Graph, parameters: &[T], trace: &mut Trace<T>) {
        trace.inputs.clear();
        trace.outputs.clear();
        let parts = self.parts();
        if self.hidden.is_none() {
            trace.outputs.push(Dense { values: parameters.to_vec(), width: self.width });
            return;
        }
        for (layer, part) in parts.iter().enumerate() {
            let mut out = match trace.outputs.last() {
                None => self.first(graph, parameters, part),
                Some(rows) => {
                    let inputs = self.gathered(graph, parameters, part, rows);
                    let out = products(&inputs, &parameters[part.weights.clone()]);
                    trace.inputs.push(inputs);
                    out
                }
            };
            let bias = &parameters[part.bias.clone()];
            for row in out.values.chunks_exact_mut(out.width) {
                for (value, &bias) in row.iter_mut().zip(bias) {
                    *value += bias;
                    if layer + 1 < LAYERS && *value < T::default() {
                        *value = T::default();
                    }
                }
            }
            trace.outputs.push(out);
        }
    }

    /// The first layer: nodes without features take their rows of the tables.
    fn first<T: Real>(&self, graph: &Graph, parameters: &[T], part: &Part) -> Dense<T> {
        let [nodes, out] = part.shape;
        let (own, tables) = parameters[part.weights.clone()].split_at(nodes * out);
        let mut rows = Dense { values: own.to_vec(), width: out };
        let combinations = parameters[part.combination.clone()].chunks(2 * self.relations.max(1));
        for (table, by) in tables.chunks(nodes * out).zip(combinations) {
            T::spread(graph.messages(), by, table, out, &mut rows.values);
        }
        rows
    }

    /// `[h | sum_r a_r1 A_r h | sum_r a_r2 A_r h | …]`.
    fn gathered<T: Real>(&self, graph: &Graph, parameters: &[T], part: &Part, rows: &Dense<T>) -> Dense<T> {
        let [from, _] = part.shape;
        let mut out = Dense::zeros(self.nodes, (1 + self.bases) * from);
        let mut means = Dense::zeros(self.nodes, from);
        put(&mut out, 0, rows);
        let combinations = parameters[part.combination.clone()].chunks(2 * self.relations.max(1));
        for (basis, by) in combinations.enumerate() {
            means.values.fill(T::default());
            T::spread(graph.messages(), by, &rows.values, from, &mut means.values);
            put(&mut out, (1 + basis) * from, &means);
        }
        out
    }

    /// Adds to `gradient` what a change of the embeddings by `change`, `[nodes, width]`, is worth.
    pub fn backward<T: Real>(
        &self,
        graph: &Graph,
        parameters: &[T],
        trace: &Trace<T>,
        change: &Dense<T>,
        gradient: &mut [T],
    ) {
        if self.hidden.is_none() {
            for (to, &of) in gradient.iter_mut().zip(&change.values) {
                *to += of;
            }
            return;
        }
        // Messages against their direction.
        let back: Vec<_> = graph
            .messages()
            .iter()
            .map(|edge| super::graph::Edge { source: edge.target, target: edge.source, ..*edge })
            .collect();
        let mut change = change.clone();
        for (layer, part) in self.parts().iter().enumerate().rev() {
            if layer + 1 < LAYERS {
                for (change, &out) in change.values.iter_mut().zip(&trace.outputs[layer].values) {
                    if out <= T::default() {
                        *change = T::default();
                    }
                }
            }
            for row in change.values.chunks_exact(change.width) {
                for (to, &of) in gradient[part.bias.clone()].iter_mut().zip(row) {
                    *to += of;
                }
            }
            let [from, out] = part.shape;
            let relations = 2 * self.relations;
            if layer == 0 {
                for (to, &of) in gradient[part.weights.clone()].iter_mut().zip(&change.values) {
                    *to += of;
                }
                for basis in 0..self.bases {
                    let table = part.weights.start + (1 + basis) * from * out;
                    let by = part.combination.start + basis * relations;
                    let rows = &parameters[table..table + from * out];
                    T::spread(
                        &back,
                        &parameters[by..by + relations],
                        &change.values,
                        out,
                        &mut gradient[table..table + from * out],
                    );
                    T::collect(
                        graph.messages(),
                        rows,
                        &change.values,
                        out,
                        &mut gradient[by..by + relations],
                    );
                }
                return;
            }
            let (inputs, rows) = (&trace.inputs[layer - 1], &trace.outputs[layer - 1]);
            let of_weights = products(&change.transposed(), &inputs.transposed().values);
            for (to, &of) in gradient[part.weights.clone()].iter_mut().zip(&of_weights.values) {
                *to += of;
            }
            let weights = transposed(&parameters[part.weights.clone()], out, inputs.width);
            let of_inputs = products(&change, &weights.values);
            let mut below = taken(&of_inputs, 0, from);
            for basis in 0..self.bases {
                let of_means = taken(&of_inputs, (1 + basis) * from, from);
                let by = part.combination.start + basis * relations;
                T::spread(&back, &parameters[by..by + relations], &of_means.values, from, &mut below.values);
                T::collect(
                    graph.messages(),
                    &rows.values,
                    &of_means.values,
                    from,
                    &mut gradient[by..by + relations],
                );
            }
            change = below;
        }
    }
}

/// Writes `rows` into the columns from `at` on.
fn put<T: Real>(to: &mut Dense<T>, at: usize, rows: &Dense<T>) {
    let (width, of) = (to.width, rows.width);
    for (to, row) in to.values.chunks_exact_mut(width).zip(rows.values.chunks_exact(of)) {
        to[at..at + of].copy_from_slice(row);
    }
}

/// `width` columns from `at` on.
fn taken<T: Real>(of: &Dense<T>, at: usize, width: usize) -> Dense<T> {
    let rows = of.values.chunks_exact(of.width).flat_map(|row| &row[at..at + width]);
    Dense { values: rows.copied().collect(), width }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph() -> Graph {
        let facts = vec![[0, 0, 1], [1, 0, 2], [3, 1, 2], [2, 1, 0], [3, 0, 3]];
        Graph::new(4, vec!["a".into(), "b".into()], facts).unwrap()
    }

    /// Three nodes in a chain 0 -> 1 <- 2 of one relation, one number everywhere, one basis.
    #[test]
    fn by_hand() {
        let graph = Graph::new(3, vec!["a".into()], vec![[0, 0, 1], [2, 0, 1]]).unwrap();
        let encoder = Encoder { nodes: 3, relations: 1, width: 1, hidden: Some(1), bases: 1 };
        let parts = encoder.parts();
        let mut p = vec![0.0f64; encoder.parameters()];
        // Own vectors 1, -4, 2; the basis's 10, 20, 30; along counts once, against twice.
        p[parts[0].weights.clone()].copy_from_slice(&[1.0, -4.0, 2.0, 10.0, 20.0, 30.0]);
        p[parts[0].combination.clone()].copy_from_slice(&[1.0, 2.0]);
        p[parts[0].bias.clone()].copy_from_slice(&[-17.0]);
        // h1 = relu(1 + 2*20 - 17, -4 + (10 + 30)/2 - 17, 2 + 2*20 - 17) = (24, 0, 25).
        p[parts[1].weights.clone()].copy_from_slice(&[1.0, 3.0]);
        p[parts[1].combination.clone()].copy_from_slice(&[1.0, 0.0]);
        // h2 = (24, 3 * 24.5, 25).
        p[parts[2].weights.clone()].copy_from_slice(&[-1.0, 2.0]);
        p[parts[2].combination.clone()].copy_from_slice(&[0.0, 1.0]);
        p[parts[2].bias.clone()].copy_from_slice(&[0.5]);
        // z = (-24 + 2*73.5 + .5, -73.5 + .5, -25 + 2*73.5 + .5).
        let mut trace = Trace::default();
        encoder.forward(&graph, &p, &mut trace);
        assert_eq!(trace.embeddings().values, [123.5, -73.0, 122.5]);
    }

    /// Every parameter's derivative of a random combination of the embeddings, by central differences in 64 bits.
    #[test]
    fn gradients_are_those_of_finite_differences() {
        let graph = graph();
        for hidden in [Some(5), None] {
            let encoder = Encoder { nodes: 4, relations: 2, width: 3, hidden, bases: 2 };
            let key = Key::root(11);
            let parameters: Vec<f64> = encoder.start(key);
            let mut rng = key.named("change").rng();
            let change = Dense { values: (0..12).map(|_| rng.random_range(-1.0..1.0)).collect(), width: 3 };
            let value = |parameters: &[f64]| {
                let mut trace = Trace::default();
                encoder.forward(&graph, parameters, &mut trace);
                f64::dot(&trace.embeddings().values, &change.values)
            };
            let mut trace = Trace::default();
            encoder.forward(&graph, &parameters, &mut trace);
            let mut gradient = vec![0.0; parameters.len()];
            encoder.backward(&graph, &parameters, &trace, &change, &mut gradient);
            for at in 0..parameters.len() {
                let mut moved = parameters.clone();
                let step = 1e-6;
                moved[at] = parameters[at] + step;
                let above = value(&moved);
                moved[at] = parameters[at] - step;
                let difference = (above - value(&moved)) / (2.0 * step);
                let found = gradient[at];
                assert!(
                    (found - difference).abs() < 1e-6 * (1.0 + found.abs()),
                    "{at}: {found} {difference}"
                );
            }
            assert!(gradient.iter().filter(|g| g.abs() > 1e-9).count() > gradient.len() / 2);
        }
    }

    /// 32 bits are 64 bits, rounded.
    #[test]
    fn narrow_numbers_give_the_same_embeddings() {
        let graph = graph();
        let encoder = Encoder { nodes: 4, relations: 2, width: 3, hidden: Some(33), bases: 2 };
        let wide: Vec<f64> = encoder.start(Key::root(2));
        let narrow: Vec<f32> = wide.iter().map(|&value| value as f32).collect();
        let (mut a, mut b) = (Trace::default(), Trace::default());
        encoder.forward(&graph, &wide, &mut a);
        encoder.forward(&graph, &narrow, &mut b);
        for (wide, narrow) in a.embeddings().values.iter().zip(&b.embeddings().values) {
            assert!((wide - f64::from(*narrow)).abs() < 1e-4, "{wide} {narrow}");
        }
    }
}
