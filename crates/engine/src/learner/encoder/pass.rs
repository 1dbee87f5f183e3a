//! [`Pass`]: a network of dense blocks over a whole mini-batch, forward and backward, by the engine's matrix products.

use crate::arch::NetSpec;
use crate::learner::bank::multiply_transposed;
use crate::learner::program::{Affine, Finish, Program};

/// Working memory for one network. Weights are in the order documented in [`bank`](crate::learner::bank).
#[derive(Clone, Debug)]
pub(super) struct Pass {
    program: Program,
    rows: usize,
    /// Per buffer of the program, `[rows][units]`.
    values: Vec<Vec<f32>>,
}

impl Pass {
    /// Of a network whose blocks are all dense.
    pub fn new(spec: &NetSpec) -> Self {
        let program = Program::new(spec);
        Self { rows: 0, values: vec![Vec::new(); program.buffers.len()], program }
    }

    /// The number of weights.
    pub fn parameters(&self) -> usize {
        self.program.parameters
    }

    /// The network's program.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// What the network makes of `inputs`, `[rows][inputs]`: `[rows][outputs]`.
    pub fn forward(&mut self, weights: &[f32], inputs: &[f32], rows: usize) -> &[f32] {
        self.rows = rows;
        self.values[0].clear();
        self.values[0].extend_from_slice(inputs);
        for map in &self.program.maps {
            let turned = transposed(&weights[map.weights..][..map.fan_in * map.fan_out], map.fan_out);
            let mut sums = std::mem::take(&mut self.values[map.output]);
            sums.resize(rows * map.fan_out, 0.0);
            let input = &self.values[map.input];
            multiply_transposed(input, &turned, rows, map.fan_out, map.fan_in, &mut sums);
            let bias = &weights[bias_of(map)..][..map.fan_out];
            for row in sums.chunks_exact_mut(map.fan_out) {
                row.iter_mut().zip(bias).for_each(|(sum, bias)| *sum += bias);
            }
            if map.finish == Finish::Relu {
                sums.iter_mut().for_each(|sum| *sum = sum.max(0.0));
            }
            self.values[map.output] = sums;
        }
        &self.values[self.program.logits()]
    }

    /// The gradient of a loss by the weights, for the inputs of the last [`forward`](Self::forward); `slopes` are its
    /// derivatives by what came out. Gives its derivatives by the inputs, `[rows][inputs]`, if asked to.
    pub fn backward(
        &self,
        weights: &[f32],
        mut slopes: Vec<f32>,
        gradient: &mut [f64],
        by_inputs: bool,
    ) -> Option<Vec<f32>> {
        for (at, map) in self.program.maps.iter().enumerate().rev() {
            if map.finish == Finish::Relu {
                let closed =
                    slopes.iter_mut().zip(&self.values[map.output]).filter(|(_, value)| **value <= 0.0);
                closed.for_each(|(slope, _)| *slope = 0.0);
            }
            let (inputs, signals) =
                (transposed(&self.values[map.input], map.fan_in), transposed(&slopes, map.fan_out));
            let mut products = vec![0.0; map.fan_in * map.fan_out];
            multiply_transposed(&inputs, &signals, map.fan_in, map.fan_out, self.rows, &mut products);
            let own = gradient[map.weights..].iter_mut().zip(&products);
            own.for_each(|(sum, &product)| *sum = f64::from(product));
            for (sum, signals) in
                gradient[bias_of(map)..][..map.fan_out].iter_mut().zip(signals.chunks_exact(self.rows))
            {
                *sum = signals.iter().copied().map(f64::from).sum();
            }
            if at == 0 && !by_inputs {
                return None;
            }
            let mut before = vec![0.0; self.rows * map.fan_in];
            let own = &weights[map.weights..][..map.fan_in * map.fan_out];
            multiply_transposed(&slopes, own, self.rows, map.fan_in, map.fan_out, &mut before);
            slopes = before;
        }
        Some(slopes)
    }
}

/// Where the bias of a map lies.
fn bias_of(map: &Affine) -> usize {
    map.bias.expect("dense blocks have a bias")
}

/// Rows of `columns` numbers as columns.
pub(super) fn transposed(values: &[f32], columns: usize) -> Vec<f32> {
    let rows = values.len() / columns;
    let mut turned = vec![0.0; values.len()];
    for (at, row) in values.chunks_exact(columns).enumerate() {
        row.iter().enumerate().for_each(|(column, &value)| turned[column * rows + at] = value);
    }
    turned
}
