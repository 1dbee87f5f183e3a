//! A network with one rectified hidden layer, in 64 bits: what policies are that learn within a query.

use crate::learner::{Descent, Optimiser, TrainPlan};
use crate::rng::Key;
use rand::RngExt;

/// Its hidden units.
pub const HIDDEN: usize = 16;

/// From features to a few numbers.
pub struct Perceptron {
    width: usize,
    /// `[HIDDEN][width + 1]`, biases last, and then `[outputs][HIDDEN + 1]`.
    pub parameters: Vec<f64>,
}

impl Perceptron {
    /// On features of this width, drawn as the networks of the learner are.
    pub fn new(width: usize, outputs: usize, key: Key) -> Self {
        let mut rng = key.rng();
        let mut draw = |count: usize, fan_in: usize| -> Vec<f64> {
            let limit = 1.0 / (fan_in.max(1) as f64).sqrt();
            (0..count).map(|_| rng.random_range(-limit..=limit)).collect()
        };
        let parameters = [draw(HIDDEN * (width + 1), width), draw(outputs * (HIDDEN + 1), HIDDEN)].concat();
        Self { width, parameters }
    }

    /// The same, of which all outputs are zero, whatever the features are.
    pub fn silent(mut self) -> Self {
        let split = self.split();
        self.parameters[split..].fill(0.0);
        self
    }

    fn split(&self) -> usize {
        HIDDEN * (self.width + 1)
    }

    /// The outputs, and the hidden values that they are made of.
    pub fn forward(&self, features: &[f64]) -> (Vec<f64>, [f64; HIDDEN]) {
        let (first, last) = self.parameters.split_at(self.split());
        let hidden = std::array::from_fn(|unit| {
            let own = &first[unit * (self.width + 1)..][..self.width + 1];
            let sum: f64 = own.iter().zip(features.iter().chain([&1.0])).map(|(w, x)| w * x).sum();
            sum.max(0.0)
        });
        let output = |own: &[f64]| own.iter().zip(hidden.iter().chain([&1.0])).map(|(w, x)| w * x).sum();
        (last.chunks_exact(HIDDEN + 1).map(output).collect(), hidden)
    }

    /// Adds to `gradient` that of a number whose derivatives by the outputs at these features are `by_outputs`.
    pub fn add_gradient(
        &self,
        features: &[f64],
        hidden: &[f64; HIDDEN],
        by_outputs: &[f64],
        gradient: &mut [f64],
    ) {
        let (first, last) = gradient.split_at_mut(self.split());
        let weights = self.parameters[self.split()..].chunks_exact(HIDDEN + 1);
        let mut signals = [0.0; HIDDEN];
        for ((own, weights), &by_output) in last.chunks_exact_mut(HIDDEN + 1).zip(weights).zip(by_outputs) {
            own.iter_mut().zip(hidden.iter().chain([&1.0])).for_each(|(g, x)| *g += by_output * x);
            signals.iter_mut().zip(weights).for_each(|(signal, weight)| *signal += by_output * weight);
        }
        for (unit, &signal) in signals.iter().enumerate().filter(|&(unit, _)| hidden[unit] > 0.0) {
            let own = &mut first[unit * (self.width + 1)..][..self.width + 1];
            own.iter_mut().zip(features.iter().chain([&1.0])).for_each(|(g, x)| *g += signal * x);
        }
    }

    /// Raises what `evaluate` gives first by `epochs` steps of Adam along the gradient that it gives last; gives what stood in the middle
    /// when the first was the largest.
    pub fn ascend<T>(
        &mut self,
        epochs: usize,
        rate: f64,
        mut evaluate: impl FnMut(&Self) -> (f64, T, Vec<f64>),
    ) -> T {
        let plan = TrainPlan {
            optimiser: Optimiser::Adam,
            learning_rate: rate as f32,
            weight_decay: 0.0,
            ..TrainPlan::default()
        };
        let mut descent = Descent::new(&plan, self.parameters.len());
        let (mut best, mut kept, mut gradient) = evaluate(self);
        for _ in 0..epochs {
            gradient.iter_mut().for_each(|slope| *slope = -*slope);
            descent.step(&mut self.parameters, &gradient);
            let (value, found, next) = evaluate(self);
            gradient = next;
            if value > best {
                (best, kept) = (value, found);
            }
        }
        kept
    }
}
