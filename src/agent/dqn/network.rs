//! The value of asking for a candidate: `Q(s, a) = w · σ(B [σ(A s); a])`, biases left out here.

use crate::agent::error::AgentError;
use crate::data::Matrix;
use crate::rng::Key;
use rand::RngExt;

/// Values that describe a state.
pub const STATE: usize = 30;
/// Values that describe an action.
pub const ACTION: usize = 3;
/// Units that read the state.
const FIRST: usize = 10;
/// Units that read those and the action.
const SECOND: usize = 5;
/// Inputs of the second layer.
const JOINT: usize = FIRST + ACTION;

// Where the parts lie: weights of a layer, output by output, and then its biases.
const BIAS_1: usize = FIRST * STATE;
const LAYER_2: usize = BIAS_1 + FIRST;
const BIAS_2: usize = LAYER_2 + SECOND * JOINT;
const LAYER_3: usize = BIAS_2 + SECOND;
const BIAS_3: usize = LAYER_3 + SECOND;
/// All weights.
pub const WEIGHTS: usize = BIAS_3 + 1;

/// The values of actions, as plain data.
#[derive(Clone, Debug, PartialEq)]
pub struct QNetwork {
    weights: Vec<f32>,
}

impl QNetwork {
    /// A network of these weights.
    ///
    /// # Errors
    /// [`AgentError::Setting`] for another number of them.
    pub fn from_weights(weights: Vec<f32>) -> Result<Self, AgentError> {
        let found = weights.len();
        if found != WEIGHTS {
            let place = "dqn: number of weights";
            return Err(AgentError::Setting { place, found, least: WEIGHTS, most: WEIGHTS });
        }
        Ok(Self { weights })
    }

    /// All weights.
    pub fn weights(&self) -> &[f32] {
        &self.weights
    }
}

impl QNetwork {
    /// Glorot-uniform layers drawn from `key`, biases zero but that of the output: minus half the usual
    /// length of an episode, around which all values lie.
    pub fn new(output_bias: f32, key: Key) -> Self {
        let mut weights = vec![0.0; WEIGHTS];
        let mut rng = key.rng();
        for (layer, inputs, outputs) in
            [(0..BIAS_1, STATE, FIRST), (LAYER_2..BIAS_2, JOINT, SECOND), (LAYER_3..BIAS_3, SECOND, 1)]
        {
            let limit = (6.0 / (inputs + outputs) as f32).sqrt();
            weights[layer].iter_mut().for_each(|w| *w = rng.random_range(-limit..limit));
        }
        weights[BIAS_3] = output_bias;
        Self { weights }
    }

    pub(super) fn weights_mut(&mut self) -> &mut [f32] {
        &mut self.weights
    }

    /// The values of `actions`, shape `[n, 3]`, in a state of [`STATE`] values; higher = ask first.
    pub fn values(&self, state: &[f32], actions: &Matrix) -> Vec<f32> {
        let first = self.first(state);
        (0..actions.rows()).map(|row| self.output(&self.second(&first, actions.row(row)))).collect()
    }

    /// The value of one action, and its derivatives with respect to the weights.
    pub(super) fn gradient(&self, state: &[f32], action: &[f32]) -> (f32, Vec<f32>) {
        let first = self.first(state);
        let second = self.second(&first, action);
        let mut gradient = vec![0.0; WEIGHTS];
        gradient[BIAS_3] = 1.0;
        gradient[LAYER_3..BIAS_3].copy_from_slice(&second);
        let mut to_first = [0.0f32; FIRST];
        for (unit, &on) in second.iter().enumerate() {
            let slope = self.weights[LAYER_3 + unit] * on * (1.0 - on);
            gradient[BIAS_2 + unit] = slope;
            let at = LAYER_2 + unit * JOINT;
            for (i, value) in first.iter().chain(action).enumerate() {
                gradient[at + i] = slope * value;
            }
            for (sum, weight) in to_first.iter_mut().zip(&self.weights[at..]) {
                *sum += slope * weight;
            }
        }
        for (unit, (&on, slope)) in first.iter().zip(to_first).enumerate() {
            let slope = slope * on * (1.0 - on);
            gradient[BIAS_1 + unit] = slope;
            for (g, value) in gradient[unit * STATE..].iter_mut().zip(state) {
                *g = slope * value;
            }
        }
        (self.output(&second), gradient)
    }

    fn first(&self, state: &[f32]) -> [f32; FIRST] {
        std::array::from_fn(|unit| {
            let weights = &self.weights[unit * STATE..][..STATE];
            sigmoid(self.weights[BIAS_1 + unit] + dot(weights, state))
        })
    }

    fn second(&self, first: &[f32; FIRST], action: &[f32]) -> [f32; SECOND] {
        std::array::from_fn(|unit| {
            let weights = &self.weights[LAYER_2 + unit * JOINT..][..JOINT];
            let joint = dot(&weights[..FIRST], first) + dot(&weights[FIRST..], action);
            sigmoid(self.weights[BIAS_2 + unit] + joint)
        })
    }

    fn output(&self, second: &[f32; SECOND]) -> f32 {
        self.weights[BIAS_3] + dot(&self.weights[LAYER_3..BIAS_3], second)
    }
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_untrained_network_starts_around_its_bias() {
        let network = QNetwork::new(-12.0, Key::root(1));
        let actions = Matrix::new(vec![0.5, 0.1, 0.9, 0.2, 1.0, 0.3], 2, ACTION);
        let values = network.values(&[0.5; STATE], &actions);
        // Five units in (0, 1) with weights of at most one.
        assert!(values.iter().all(|v| (v + 12.0).abs() < 5.0), "{values:?}");
        assert!(values[0] != values[1]);
        assert!(QNetwork::from_weights(vec![0.0; WEIGHTS - 1]).is_err());
    }

    #[test]
    fn the_gradient_is_that_of_finite_differences() {
        let network = QNetwork::new(-3.0, Key::root(2));
        let mut rng = Key::root(3).rng();
        let mut draw = |n: usize| (0..n).map(|_| rng.random_range(-1.0f32..1.0)).collect::<Vec<_>>();
        let (state, action) = (draw(STATE), draw(ACTION));
        let (value, gradient) = network.gradient(&state, &action);
        let single = Matrix::new(action, 1, ACTION);
        assert_eq!(network.values(&state, &single), [value]);
        for (i, analytic) in gradient.iter().enumerate() {
            let at = |step: f32| {
                let mut moved = network.clone();
                moved.weights[i] += step;
                moved.values(&state, &single)[0]
            };
            let numeric = (at(1e-2) - at(-1e-2)) / 2e-2;
            assert!((numeric - analytic).abs() < 1e-3, "{i}: {numeric} {analytic}");
        }
    }
}
