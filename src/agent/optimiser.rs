//! AdamW over a network's flat weights, with a clipped gradient and a state that can be saved.

use super::error::AgentError;
use super::gradients;
use super::network::Network;
use serde::{Deserialize, Serialize};

/// How weights follow their gradient.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OptimiserConfig {
    /// Step size.
    pub learning_rate: f64,
    /// Decoupled weight decay, per step and times the learning rate.
    pub weight_decay: f32,
    /// The gradient's largest Euclidean norm over all weights; a longer one is shortened to it.
    pub clip_norm: f64,
}

impl Default for OptimiserConfig {
    fn default() -> Self {
        Self { learning_rate: 2e-3, weight_decay: 1e-3, clip_norm: 1.0 }
    }
}

impl OptimiserConfig {
    /// Checks the rates.
    ///
    /// # Errors
    /// [`AgentError::Rate`] for a rate outside its limits.
    pub fn check(&self) -> Result<(), AgentError> {
        let positive = |place, found: f64| {
            let fine = found.is_finite() && found > 0.0;
            if fine { Ok(()) } else { Err(AgentError::Rate { place, found, expected: "a positive number" }) }
        };
        positive("optimiser: learning_rate", self.learning_rate)?;
        positive("optimiser: clip_norm", self.clip_norm)?;
        let found = f64::from(self.weight_decay);
        if !(0.0..=1.0).contains(&found) {
            let expected = "a number in [0, 1]";
            return Err(AgentError::Rate { place: "optimiser: weight_decay", found, expected });
        }
        Ok(())
    }
}

/// AdamW (Loshchilov & Hutter, ICLR 2019): betas .9 and .999, epsilon 1e-8 outside the root.
#[derive(Clone, Debug, PartialEq)]
pub struct AdamW {
    config: OptimiserConfig,
    updates: u64,
    first: Vec<f32>,
    second: Vec<f32>,
}

impl AdamW {
    /// An optimiser that has made no update.
    pub fn new(config: OptimiserConfig) -> Self {
        Self { config, updates: 0, first: Vec::new(), second: Vec::new() }
    }

    /// An optimiser that has made `updates` updates and holds these moments, each as long as the
    /// network's weights (empty before the first update).
    pub fn resume(config: OptimiserConfig, updates: u64, first: Vec<f32>, second: Vec<f32>) -> Self {
        Self { config, updates, first, second }
    }

    /// Its settings.
    pub fn config(&self) -> OptimiserConfig {
        self.config
    }

    /// Updates made, and the first and second moments.
    pub fn state(&self) -> (u64, &[f32], &[f32]) {
        (self.updates, &self.first, &self.second)
    }

    /// One update of the network against `gradient`. Returns the gradient's norm before clipping.
    ///
    /// # Errors
    /// [`AgentError::Diverged`] if the gradient is not finite; the network is then left as it was.
    pub fn update(&mut self, network: &mut Network, gradient: Vec<f32>) -> Result<f64, AgentError> {
        self.step(network.weights_mut(), gradient)
    }

    /// The same for any weights, as long as `gradient`, which must be the same ones at every step.
    ///
    /// # Errors
    /// As [`update`](Self::update).
    pub(super) fn step(&mut self, values: &mut [f32], mut gradient: Vec<f32>) -> Result<f64, AgentError> {
        let norm = gradient.iter().map(|&g| f64::from(g) * f64::from(g)).sum::<f64>().sqrt();
        if !norm.is_finite() {
            return Err(AgentError::Diverged { update: self.updates, norm });
        }
        if norm > self.config.clip_norm {
            let factor = (self.config.clip_norm / norm) as f32;
            gradient.iter_mut().for_each(|g| *g *= factor);
        }
        let (rate, decay) = (self.config.learning_rate, self.config.weight_decay);
        let moments = [&mut self.first, &mut self.second];
        gradients::adamw(values, gradient, (rate, decay), self.updates, moments)?;
        self.updates += 1;
        Ok(norm)
    }
}

#[cfg(test)]
mod tests {
    use super::super::network::{Kind, NetworkConfig};
    use super::*;
    use crate::rng::Key;

    fn linear(weights: [f32; 2]) -> Network {
        let config = NetworkConfig { kind: Kind::Linear, ..NetworkConfig::default() };
        let mut network = Network::new(config, 2, 0, Key::root(0)).unwrap();
        network.weights_mut().copy_from_slice(&weights);
        network
    }

    /// The first step of Adam is the learning rate times the gradient's sign; by hand for the second.
    #[test]
    fn two_steps_as_by_hand() {
        let config = OptimiserConfig { learning_rate: 0.1, weight_decay: 0.0, clip_norm: 1e9 };
        let mut adam = AdamW::new(config);
        let mut network = linear([1.0, -1.0]);
        assert_eq!(adam.update(&mut network, vec![3.0, -4.0]).unwrap(), 5.0);
        assert!((network.weights()[0] - 0.9).abs() < 1e-6 && (network.weights()[1] + 0.9).abs() < 1e-6);
        adam.update(&mut network, vec![1.0, 0.0]).unwrap();
        let (m, v) = ((0.9 * 0.3 + 0.1) / (1.0 - 0.81), (0.999 * 0.009 + 0.001) / (1.0 - 0.998_001));
        let expected = 0.9 - 0.1 * m / f64::sqrt(v);
        assert!((f64::from(network.weights()[0]) - expected).abs() < 1e-5);
    }

    #[test]
    fn a_restored_state_continues_to_the_bit() {
        let config = OptimiserConfig::default();
        let (mut adam, mut network) = (AdamW::new(config), linear([0.3, 0.7]));
        adam.update(&mut network, vec![0.1, 2.0]).unwrap();
        let (updates, first, second) = adam.state();
        let mut other = AdamW::resume(config, updates, first.to_vec(), second.to_vec());
        let mut copy = network.clone();
        adam.update(&mut network, vec![-0.4, 0.1]).unwrap();
        other.update(&mut copy, vec![-0.4, 0.1]).unwrap();
        assert_eq!(network, copy);
        assert_eq!(adam, other);
    }

    #[test]
    fn a_gradient_that_is_not_finite_is_refused_and_changes_nothing() {
        let (mut adam, mut network) = (AdamW::new(OptimiserConfig::default()), linear([1.0, 2.0]));
        let error = adam.update(&mut network, vec![f32::NAN, 1.0]).unwrap_err();
        assert!(matches!(error, AgentError::Diverged { update: 0, .. }));
        assert_eq!(network, linear([1.0, 2.0]));
    }
}
