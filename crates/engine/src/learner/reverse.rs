//! Plain backpropagation, one row at a time and in 64 bits: for gradients that belong to a single row,
//! and for losses that the bank engine does not train with.
//!
//! A row's gradient is never written out. Of an affine map `z = W'a + c` it is `a (dl/dz)'` for the weights
//! and `dl/dz` for the bias, so the pair of `a` and `dl/dz` says all of it ([`Layer`]), and norms and inner
//! products follow from the pairs: `|g|^2 = sum |dl/dz|^2 (|a|^2 + 1)`.

use super::error::LearnError;
use super::program::{Finish, rectified};
use super::program::{Program, Start};
use crate::arch::NetSpec;
use crate::data::argmax;
use crate::error::Result;
use std::ops::Range;

/// A trained network as plain data, for what reads its gradients row by row.
#[derive(Clone, Debug)]
pub struct Network {
    spec: NetSpec,
    pub(super) program: Program,
    pub(super) weights: Vec<f64>,
}

impl Network {
    /// The network of shape `spec` with these weights, in the order documented in [`super::bank`].
    ///
    /// # Errors
    /// What [`NetSpec::check`] refuses; [`LearnError::Weights`] and [`LearnError::NotFinite`].
    pub fn new(spec: &NetSpec, weights: &[f32]) -> Result<Self> {
        spec.check()?;
        rectified(spec)?;
        let program = Program::new(spec);
        let (expected, found) = (program.parameters, weights.len());
        if expected != found {
            return Err(LearnError::Weights { model: 0, expected, found }.into());
        }
        if let Some((index, &found)) = weights.iter().enumerate().find(|(_, weight)| !weight.is_finite()) {
            return Err(LearnError::NotFinite { model: 0, index, found }.into());
        }
        let weights = weights.iter().copied().map(f64::from).collect();
        Ok(Self { spec: spec.clone(), program, weights })
    }

    /// The architecture.
    pub fn spec(&self) -> &NetSpec {
        &self.spec
    }

    /// Working memory for one row's prediction after another.
    pub fn predictor(&self) -> Predictor<'_> {
        Predictor { network: self, tape: Tape::new(&self.program) }
    }

    /// Working memory for one row's gradient after another.
    pub fn row_gradient(&self, depth: Depth) -> RowGradient<'_> {
        RowGradient { network: self, tape: Tape::new(&self.program), depth }
    }
}

/// What a network says of one row at a time, in 64 bits.
#[derive(Clone, Debug)]
pub struct Predictor<'n> {
    network: &'n Network,
    tape: Tape,
}

impl Predictor<'_> {
    /// Class probabilities, one per output.
    ///
    /// # Panics
    /// If `input` has not the network's width.
    pub fn probabilities(&mut self, input: &[f32]) -> Vec<f64> {
        let program = &self.network.program;
        self.tape.forward(program, &self.network.weights, input, &[]);
        softmax(self.tape.value(program.logits()))
    }
}

/// How much of a network a gradient is taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// All weights and biases.
    All,
    /// Those of the last affine map, which makes logits of embeddings.
    Last,
}

/// The gradient of one row's cross-entropy at a time.
#[derive(Clone, Debug)]
pub struct RowGradient<'n> {
    network: &'n Network,
    tape: Tape,
    depth: Depth,
}

/// What belongs to one affine map of a row's gradient.
#[derive(Clone, Copy, Debug)]
pub struct Layer<'t> {
    /// What came in, `a`.
    pub input: &'t [f64],
    /// The loss's derivative by what came out, before the rectifier.
    pub signal: &'t [f64],
    /// Whether the map has a bias.
    pub bias: bool,
}

impl RowGradient<'_> {
    /// Takes the gradient at `input` for `class`, or for the class that the network predicts (the first of
    /// equals); gives the class.
    ///
    /// # Panics
    /// If `input` has not the network's width, or there is no such class.
    pub fn take(&mut self, input: &[f32], class: Option<u32>) -> u32 {
        let (program, weights) = (&self.network.program, &self.network.weights);
        self.tape.forward(program, weights, input, &[]);
        let logits = self.tape.value(program.logits());
        let class = class.unwrap_or_else(|| argmax(logits) as u32);
        let residual = residual(logits, class);
        match self.depth {
            Depth::All => self.tape.backward(program, weights, &residual),
            Depth::Last => self.tape.backward_last(&residual),
        }
        class
    }

    /// Takes the gradient of an output itself, before any softmax, at `input`.
    ///
    /// # Panics
    /// If `input` has not the network's width, or there is no such output.
    pub fn take_output(&mut self, input: &[f32], output: usize) {
        let (program, weights) = (&self.network.program, &self.network.weights);
        self.tape.forward(program, weights, input, &[]);
        let mut one = vec![0.0; self.tape.value(program.logits()).len()];
        one[output] = 1.0;
        match self.depth {
            Depth::All => self.tape.backward(program, weights, &one),
            Depth::Last => self.tape.backward_last(&one),
        }
    }

    /// The parts of the gradient that was taken last, in the order of the maps.
    pub fn layers(&self) -> impl Iterator<Item = Layer<'_>> {
        let maps = &self.network.program.maps;
        let first = if self.depth == Depth::All { 0 } else { maps.len() - 1 };
        maps.iter().zip(&self.tape.signals).skip(first).map(|(map, signal)| Layer {
            input: self.tape.value(map.input),
            signal,
            bias: map.bias.is_some(),
        })
    }

    /// The squared norm of the gradient that was taken last.
    pub fn squared_norm(&self) -> f64 {
        let square = |values: &[f64]| values.iter().map(|value| value * value).sum::<f64>();
        self.layers()
            .map(|layer| square(layer.signal) * (square(layer.input) + f64::from(u8::from(layer.bias))))
            .sum()
    }
}

/// A sum of rows' gradients, written out: as many numbers as the maps have weights and biases.
#[derive(Clone, Debug, Default)]
pub struct GradientSum {
    /// Per map, `[fan_in][fan_out]` and then the bias.
    maps: Vec<Vec<f64>>,
}

impl GradientSum {
    /// Adds the gradient that `row` took last.
    pub fn add(&mut self, row: &RowGradient<'_>) {
        for (place, layer) in row.layers().enumerate() {
            if self.maps.len() == place {
                let inputs = layer.input.len() + usize::from(layer.bias);
                self.maps.push(vec![0.0; inputs * layer.signal.len()]);
            }
            let one = if layer.bias { &[1.0][..] } else { &[] };
            let rows = self.maps[place].chunks_exact_mut(layer.signal.len());
            for (sums, &input) in rows.zip(layer.input.iter().chain(one)) {
                axpy(input, layer.signal, sums);
            }
        }
    }

    /// Its inner product with the gradient that `row` took last.
    pub fn inner(&self, row: &RowGradient<'_>) -> f64 {
        let of_map = |(layer, sums): (Layer<'_>, &Vec<f64>)| -> f64 {
            let one = if layer.bias { &[1.0][..] } else { &[] };
            let rows = sums.chunks_exact(layer.signal.len());
            layer
                .input
                .iter()
                .chain(one)
                .zip(rows)
                .map(|(&input, sums)| input * dot(layer.signal, sums))
                .sum()
        };
        row.layers().zip(&self.maps).map(of_map).sum()
    }

    /// The squared norm.
    pub fn squared_norm(&self) -> f64 {
        self.maps.iter().flatten().map(|value| value * value).sum()
    }
}

/// One row's values in all buffers of a program, and the derivatives of a loss by what the maps put out.
#[derive(Clone, Debug)]
pub(super) struct Tape {
    values: Vec<Vec<f64>>,
    /// Per buffer, the loss's derivative by its values.
    slopes: Vec<Vec<f64>>,
    /// Per map, the loss's derivative by its sums, before the rectifier.
    pub signals: Vec<Vec<f64>>,
    /// Per map, the factors of dropout; empty without.
    factors: Vec<Vec<f32>>,
}

impl Tape {
    pub fn new(program: &Program) -> Self {
        let values: Vec<Vec<f64>> = program.buffers.iter().map(|&units| vec![0.0; units]).collect();
        let signals = program.maps.iter().map(|map| vec![0.0; map.fan_out]).collect();
        Self { slopes: values.clone(), values, signals, factors: vec![Vec::new(); program.maps.len()] }
    }

    /// The values of a buffer.
    pub fn value(&self, buffer: usize) -> &[f64] {
        &self.values[buffer]
    }

    /// The loss's derivative by the values of a buffer.
    pub fn slope(&self, buffer: usize) -> &[f64] {
        &self.slopes[buffer]
    }

    /// Puts a row into the buffer of the inputs.
    pub fn set_input(&mut self, input: &[f32]) {
        assert_eq!(input.len(), self.values[0].len(), "width of the input");
        self.values[0].iter_mut().zip(input).for_each(|(value, &input)| *value = f64::from(input));
    }

    /// Puts values into a buffer.
    pub fn set(&mut self, buffer: usize, values: &[f64]) {
        self.values[buffer].copy_from_slice(values);
    }

    /// Fills all buffers. `masks` holds the dropout factors of each map that has them; empty without
    /// dropout.
    pub fn forward(&mut self, program: &Program, weights: &[f64], input: &[f32], masks: &[Option<&[f32]>]) {
        self.set_input(input);
        self.forward_through(program, weights, 0..program.maps.len(), masks);
    }

    /// Fills the buffers of some maps, in whose input buffer there is something. Masks are those of all maps.
    pub fn forward_through(
        &mut self,
        program: &Program,
        weights: &[f64],
        maps: Range<usize>,
        masks: &[Option<&[f32]>],
    ) {
        for index in maps {
            let map = &program.maps[index];
            let mut sums = std::mem::take(&mut self.values[map.output]);
            let bias = map.bias.map(|at| &weights[at..at + map.fan_out]);
            match (map.start, bias) {
                (Start::Output, _) => {}
                (_, Some(bias)) => sums.copy_from_slice(bias),
                (_, None) => sums.fill(0.0),
            }
            if let Start::BiasPlus(skip) = map.start {
                axpy(1.0, &self.values[skip], &mut sums);
            }
            let rows = weights[map.weights..][..map.fan_in * map.fan_out].chunks_exact(map.fan_out);
            for (&value, row) in self.values[map.input].iter().zip(rows) {
                // Half of what a rectifier lets through is zero.
                if value != 0.0 {
                    axpy(value, row, &mut sums);
                }
            }
            if map.finish == Finish::Relu {
                sums.iter_mut().for_each(|sum| *sum = sum.max(0.0));
            }
            self.factors[index].clear();
            if let Some(Some(mask)) = masks.get(index) {
                sums.iter_mut().zip(*mask).for_each(|(sum, &factor)| *sum *= f64::from(factor));
                self.factors[index].extend_from_slice(mask);
            }
            self.values[map.output] = sums;
        }
    }

    /// Fills `signals` from the loss's derivative by the logits.
    pub fn backward(&mut self, program: &Program, weights: &[f64], logits: &[f64]) {
        self.backward_with(program, weights, logits, &[]);
    }

    /// Like [`backward`](Self::backward), where the loss depends on some buffers in other ways too: pairs of
    /// a buffer and the loss's derivative by its values along those.
    pub fn backward_with(
        &mut self,
        program: &Program,
        weights: &[f64],
        logits: &[f64],
        also: &[(usize, &[f64])],
    ) {
        self.start_slopes(program.logits(), logits);
        for (buffer, slopes) in also {
            axpy(1.0, slopes, &mut self.slopes[*buffer]);
        }
        self.backward_through(program, weights, 0..program.maps.len(), false);
    }

    /// Starts a backward pass: a loss depends on the values of one buffer alone.
    pub fn start_slopes(&mut self, buffer: usize, slopes: &[f64]) {
        self.slopes.iter_mut().for_each(|slopes| slopes.fill(0.0));
        self.slopes[buffer].copy_from_slice(slopes);
    }

    /// Fills the signals of some maps and the slopes before them; those of the network's inputs where `inputs` says so.
    pub fn backward_through(&mut self, program: &Program, weights: &[f64], maps: Range<usize>, inputs: bool) {
        for index in maps.rev() {
            let map = &program.maps[index];
            let mut signal = std::mem::take(&mut self.signals[index]);
            signal.copy_from_slice(&self.slopes[map.output]);
            for (signal, &factor) in signal.iter_mut().zip(&self.factors[index]) {
                *signal *= f64::from(factor);
            }
            if map.finish == Finish::Relu {
                for (signal, &value) in signal.iter_mut().zip(&self.values[map.output]) {
                    if value <= 0.0 {
                        *signal = 0.0;
                    }
                }
            }
            match map.start {
                Start::Bias => {}
                Start::BiasPlus(skip) => axpy(1.0, &signal, &mut self.slopes[skip]),
                // The map before this one put out the sums that this one started from.
                Start::Output => self.slopes[map.output].copy_from_slice(&signal),
            }
            if map.input != 0 || inputs {
                let rows = weights[map.weights..][..map.fan_in * map.fan_out].chunks_exact(map.fan_out);
                for (slope, row) in self.slopes[map.input].iter_mut().zip(rows) {
                    *slope += dot(&signal, row);
                }
            }
            self.signals[index] = signal;
        }
    }

    /// Adds the gradient by the weights of some maps, whose signals are there, to one in the order of all weights.
    pub fn add_gradient(&self, program: &Program, maps: Range<usize>, gradient: &mut [f64]) {
        for (map, signal) in program.maps[maps.clone()].iter().zip(&self.signals[maps]) {
            let sums = gradient[map.weights..][..map.fan_in * map.fan_out].chunks_exact_mut(map.fan_out);
            for (&value, sums) in self.value(map.input).iter().zip(sums) {
                if value != 0.0 {
                    axpy(value, signal, sums);
                }
            }
            if let Some(bias) = map.bias {
                axpy(1.0, signal, &mut gradient[bias..bias + map.fan_out]);
            }
        }
    }

    /// Fills the signals of the last map alone.
    fn backward_last(&mut self, logits: &[f64]) {
        if let Some(last) = self.signals.last_mut() {
            last.copy_from_slice(logits);
        }
    }
}

/// `softmax(logits) - onehot(class)`: the derivative of the cross-entropy by the logits.
pub(super) fn residual(logits: &[f64], class: u32) -> Vec<f64> {
    let mut p = softmax(logits);
    p[class as usize] -= 1.0;
    p
}

/// Probabilities from logits.
pub(super) fn softmax(logits: &[f64]) -> Vec<f64> {
    let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut p: Vec<f64> = logits.iter().map(|logit| (logit - largest).exp()).collect();
    let sum: f64 = p.iter().sum();
    p.iter_mut().for_each(|value| *value /= sum);
    p
}

/// The probability of a label from its logit.
pub(super) fn sigmoid(logit: f64) -> f64 {
    let below = (-logit.abs()).exp();
    if logit < 0.0 { below / (1.0 + below) } else { 1.0 / (1.0 + below) }
}

/// `y += a x`.
pub(super) fn axpy(a: f64, x: &[f64], y: &mut [f64]) {
    y.iter_mut().zip(x).for_each(|(y, x)| *y += a * x);
}

/// `sum x_i y_i`.
pub(super) fn dot(x: &[f64], y: &[f64]) -> f64 {
    x.iter().zip(y).map(|(x, y)| x * y).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::Block;
    use crate::rng::Key;
    use rand::RngExt;

    fn cross_entropy(network: &Network, weights: &[f64], input: &[f32], class: u32) -> f64 {
        let mut tape = Tape::new(&network.program);
        tape.forward(&network.program, weights, input, &[]);
        -softmax(tape.value(network.program.logits()))[class as usize].ln()
    }

    fn specs() -> Vec<NetSpec> {
        vec![
            NetSpec::mlp(4, &[], 3).unwrap(),
            NetSpec::mlp(4, &[5], 3).unwrap(),
            NetSpec::mlp(4, &[6, 5], 2).unwrap(),
            // An identity skip, and a projection.
            NetSpec::new(
                4,
                vec![Block::Dense { width: 5 }, Block::Residual { width: 5 }, Block::Residual { width: 3 }],
                3,
                0.0,
            )
            .unwrap(),
        ]
    }

    fn network(spec: &NetSpec, key: Key) -> Network {
        let mut rng = key.rng();
        let weights: Vec<f32> = (0..spec.parameters()).map(|_| rng.random::<f32>() * 1.6 - 0.8).collect();
        Network::new(spec, &weights).unwrap()
    }

    /// The gradient written out in the documented order of the weights.
    fn written_out(network: &Network, row: &RowGradient<'_>) -> Vec<f64> {
        let mut all = vec![0.0; network.program.parameters];
        for (map, layer) in network.program.maps.iter().zip(row.layers()) {
            for (i, &input) in layer.input.iter().enumerate() {
                axpy(input, layer.signal, &mut all[map.weights + i * map.fan_out..][..map.fan_out]);
            }
            if let Some(at) = map.bias {
                all[at..at + map.fan_out].copy_from_slice(layer.signal);
            }
        }
        all
    }

    #[test]
    fn gradients_are_finite_differences() {
        for (seed, spec) in specs().iter().enumerate() {
            let network = network(spec, Key::root(seed as u64));
            let mut rng = Key::root(seed as u64).named("row").rng();
            let input: Vec<f32> = (0..4).map(|_| rng.random::<f32>() * 2.0 - 1.0).collect();
            let mut row = network.row_gradient(Depth::All);
            assert_eq!(row.take(&input, Some(1)), 1);
            let gradient = written_out(&network, &row);
            for (at, &found) in gradient.iter().enumerate() {
                let step = 1e-6;
                let mut weights = network.weights.clone();
                weights[at] += step;
                let above = cross_entropy(&network, &weights, &input, 1);
                weights[at] -= 2.0 * step;
                let below = cross_entropy(&network, &weights, &input, 1);
                let expected = (above - below) / (2.0 * step);
                assert!((found - expected).abs() < 1e-7, "{spec} weight {at}: {found} {expected}");
            }
        }
    }

    /// Norms and inner products from the factors are those of the gradients written out.
    #[test]
    fn factored_products_are_the_explicit_ones() {
        for (seed, spec) in specs().iter().enumerate() {
            let network = network(spec, Key::root(40 + seed as u64));
            let mut rng = Key::root(seed as u64).named("rows").rng();
            let rows: Vec<Vec<f32>> =
                (0..5).map(|_| (0..4).map(|_| rng.random::<f32>() * 2.0 - 1.0).collect()).collect();
            for depth in [Depth::All, Depth::Last] {
                let mut row = network.row_gradient(depth);
                let (mut sum, mut total) = (GradientSum::default(), vec![0.0; network.program.parameters]);
                let from = if depth == Depth::All {
                    0
                } else {
                    network.program.maps[network.program.maps.len() - 1].weights
                };
                for input in &rows {
                    row.take(input, None);
                    let mut whole = network.row_gradient(Depth::All);
                    whole.take(input, None);
                    let explicit = &written_out(&network, &whole)[from..];
                    assert!((row.squared_norm() - dot(explicit, explicit)).abs() < 1e-12);
                    assert!((sum.inner(&row) - dot(&total[from..], explicit)).abs() < 1e-12);
                    sum.add(&row);
                    axpy(1.0, explicit, &mut total[from..]);
                    assert!((sum.squared_norm() - dot(&total[from..], &total[from..])).abs() < 1e-12);
                }
            }
        }
    }

    /// Gradients `(1, 0)`, `(.5, .5)` and `(-1, 0)`, as back-signals of a map whose input is zero: the
    /// growth of a sum's squared norm is `|u|^2 + 2 <u, g>`.
    #[test]
    fn growth_of_a_squared_norm() {
        let network = Network::new(&NetSpec::mlp(1, &[], 2).unwrap(), &[0.0; 4]).unwrap();
        let gradient = |signal: [f64; 2]| {
            let mut row = network.row_gradient(Depth::All);
            row.tape.signals[0].copy_from_slice(&signal);
            row
        };
        for (signal, expected) in [([0.5, 0.5], 1.5), ([-1.0, 0.0], -1.0)] {
            let mut sum = GradientSum::default();
            sum.add(&gradient([1.0, 0.0]));
            let row = gradient(signal);
            assert_eq!(row.squared_norm() + 2.0 * sum.inner(&row), expected);
            let before = sum.squared_norm();
            sum.add(&row);
            assert_eq!(sum.squared_norm() - before, expected);
        }
    }

    #[test]
    fn the_predicted_class_is_the_first_of_the_largest() {
        let spec = NetSpec::mlp(1, &[], 3).unwrap();
        let network = Network::new(&spec, &[0.0, 0.0, 0.0, -1.0, 2.0, 2.0]).unwrap();
        assert_eq!(network.row_gradient(Depth::All).take(&[0.3], None), 1);
        let error = Network::new(&spec, &[0.0; 5]).unwrap_err();
        assert!(matches!(error.downcast_ref(), Some(LearnError::Weights { expected: 6, found: 5, .. })));
        let error = Network::new(&spec, &[0.0, f32::NAN, 0.0, 0.0, 0.0, 0.0]).unwrap_err();
        assert!(matches!(error.downcast_ref(), Some(LearnError::NotFinite { index: 1, .. })));
    }
}
