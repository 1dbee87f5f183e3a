//! The mixing policy: from the embeddings of two rows to the distribution of the share at which they are mixed.

use super::perceptron::Perceptron;
use crate::rng::Key;

/// Shares at which mixtures are looked at; between them, entropies are interpolated.
pub const GRID: usize = 9;
/// Points of the quadrature over half of a distribution.
const POINTS: usize = 64;

/// The shares: 0 to 1 in equal steps, both ends included.
pub fn shares() -> [f64; GRID] {
    std::array::from_fn(|at| at as f64 / (GRID - 1) as f64)
}

/// The linear interpolation of `values` at a share, and its slope.
fn interpolated(values: &[f64; GRID], share: f64) -> (f64, f64) {
    let place = share * (GRID - 1) as f64;
    let below = (place as usize).min(GRID - 2);
    let rise = values[below + 1] - values[below];
    (values[below] + rise * (place - below as f64), rise * (GRID - 1) as f64)
}

/// The expectation of `values`, by share, under `Beta(alpha, alpha)`.
pub fn expected(values: &[f64; GRID], alpha: f64) -> f64 {
    expectation(values, alpha).0
}

/// That expectation and its derivative by `alpha`.
///
/// With `λ = s^(1 / alpha) / 2`, the lower half of the density, `λ^(alpha - 1) (1 - λ)^(alpha - 1) dλ`, is
/// `(1 - λ)^(alpha - 1) ds` for `s` from 0 to 1, up to a factor, and has no pole. The upper half mirrors it.
fn expectation(values: &[f64; GRID], alpha: f64) -> (f64, f64) {
    let (mut mass, mut sum) = ((0.0, 0.0), (0.0, 0.0));
    for point in 0..POINTS {
        let s = (point as f64 + 0.5) / POINTS as f64;
        let share = 0.5 * s.powf(1.0 / alpha);
        let moved = -share * s.ln() / (alpha * alpha);
        let weight = (1.0 - share).powf(alpha - 1.0);
        let by_alpha = weight * ((1.0 - share).ln() - (alpha - 1.0) / (1.0 - share) * moved);
        let ((low, low_slope), (high, high_slope)) =
            (interpolated(values, share), interpolated(values, 1.0 - share));
        let (value, slope) = (0.5 * (low + high), 0.5 * (low_slope - high_slope) * moved);
        mass = (mass.0 + weight, mass.1 + by_alpha);
        sum = (sum.0 + weight * value, sum.1 + by_alpha * value + weight * slope);
    }
    let mean = sum.0 / mass.0;
    (mean, (sum.1 - mean * mass.1) / mass.0)
}

/// A network whose output is a parameter below `bound`.
pub struct Policy {
    bound: f64,
    network: Perceptron,
}

impl Policy {
    /// A policy on features of this width.
    pub fn new(width: usize, bound: f64, key: Key) -> Self {
        Self { bound, network: Perceptron::new(width, 1, key) }
    }

    /// The mean expected entropy of the mixtures, the parameter of every pair, and the gradient of the mean.
    fn gradient(
        network: &Perceptron,
        bound: f64,
        features: &[Vec<f64>],
        mixed: &[[f64; GRID]],
    ) -> (f64, Vec<f64>, Vec<f64>) {
        let share = 1.0 / features.len().max(1) as f64;
        let (mut mean, mut alphas, mut gradient) = (0.0, Vec::new(), vec![0.0; network.parameters.len()]);
        for (features, mixed) in features.iter().zip(mixed) {
            let (outputs, hidden) = network.forward(features);
            let alpha = bound / (1.0 + (-outputs[0]).exp());
            let (value, slope) = expectation(mixed, alpha);
            mean += share * value;
            alphas.push(alpha);
            let by_output = share * slope * alpha * (1.0 - alpha / bound);
            network.add_gradient(features, &hidden, &[by_output], &mut gradient);
        }
        (mean, alphas, gradient)
    }

    /// Raises the mean expected entropy of the mixtures by `epochs` steps of Adam, and gives the parameter of every pair
    /// from the epoch in which that mean was the largest. Entropies are `[pairs][GRID]`, features `[pairs][width]`.
    pub fn learn(
        &mut self,
        features: &[Vec<f64>],
        mixed: &[[f64; GRID]],
        epochs: usize,
        rate: f64,
    ) -> Vec<f64> {
        let bound = self.bound;
        self.network.ascend(epochs, rate, |network| Self::gradient(network, bound, features, mixed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::RngExt;

    /// Two logits `h` and `-h` at `h = ±2`: the entropy of the mixture is ln 2 in the middle.
    fn opposite() -> [f64; GRID] {
        shares().map(|share| {
            let p = 1.0 / (1.0 + (-2.0 * (4.0 * share - 2.0)).exp());
            -p * p.ln() - (1.0 - p) * (1.0 - p).ln()
        })
    }

    fn features(pairs: usize, width: usize) -> Vec<Vec<f64>> {
        let mut rng = Key::root(5).rng();
        (0..pairs).map(|_| (0..width).map(|_| rng.random_range(-1.0..1.0)).collect()).collect()
    }

    /// Uniform at 1, all at the ends near 0, and in between `E λ = 1/2` and `Var λ = 1 / (4 (2 α + 1))`, up to what
    /// interpolation makes of a parabola.
    #[test]
    fn expectations_are_those_of_the_distribution() {
        for at in 0..GRID {
            let mut one = [0.0; GRID];
            one[at] = 1.0;
            let expected_of_one = if at == 0 || at == GRID - 1 { 1.0 / 16.0 } else { 1.0 / 8.0 };
            assert!((expected(&one, 1.0) - expected_of_one).abs() < 1e-12);
        }
        let ends = [0.4, 0.0, 0.0, 0.0, 9.0, 0.0, 0.0, 0.0, 0.2];
        assert!((expected(&ends, 1e-3) - 0.3).abs() < 0.01, "{}", expected(&ends, 1e-3));
        let moment =
            |alpha: f64, power: i32| expected(&shares().map(|share| (share - 0.5).powi(power)), alpha);
        for alpha in [0.05, 0.3, 1.0, 2.0, 5.0] {
            assert!(moment(alpha, 1).abs() < 1e-12, "the mean is 1/2");
            let variance = 0.25 / (2.0 * alpha + 1.0);
            assert!((moment(alpha, 2) - variance).abs() < 0.004, "{alpha}: {}", moment(alpha, 2));
        }
        assert!((opposite()[4] - std::f64::consts::LN_2).abs() < 1e-12);
    }

    #[test]
    fn gradients_are_finite_differences() {
        let mixed =
            [opposite(), shares().map(|share| share * share), shares().map(|share| (9.0 * share).sin())];
        for values in &mixed {
            for alpha in [0.05, 0.7, 3.0] {
                let step = 1e-7;
                let by_differences =
                    (expected(values, alpha + step) - expected(values, alpha - step)) / (2.0 * step);
                let (_, slope) = expectation(values, alpha);
                assert!((slope - by_differences).abs() < 1e-5, "{alpha}: {slope} {by_differences}");
            }
        }
        let features = features(3, 4);
        let mut policy = Policy::new(4, 2.0, Key::root(1));
        let mean = |policy: &Policy| Policy::gradient(&policy.network, policy.bound, &features, &mixed);
        let (_, alphas, gradient) = mean(&policy);
        assert!(alphas.iter().all(|alpha| (0.0..2.0).contains(alpha)));
        for (at, &found) in gradient.iter().enumerate() {
            let step = 1e-6;
            let own = policy.network.parameters[at];
            policy.network.parameters[at] = own + step;
            let above = mean(&policy).0;
            policy.network.parameters[at] = own - step;
            let below = mean(&policy).0;
            policy.network.parameters[at] = own;
            let expected = (above - below) / (2.0 * step);
            assert!((found - expected).abs() < 1e-6, "{at}: {found} {expected}");
        }
    }

    /// The mean mixed entropy rises, and pairs whose mixtures are uncertain in the middle get other parameters than pairs
    /// that are uncertain at their ends.
    #[test]
    fn learning_raises_the_mixed_entropy() {
        let features = features(40, 6);
        let inner = opposite();
        let outer = inner.map(|value| 0.7 - value);
        let mixed: Vec<[f64; GRID]> =
            features.iter().map(|own| if own[0] > 0.0 { inner } else { outer }).collect();
        let mut policy = Policy::new(6, 1.0, Key::root(2));
        let before = Policy::gradient(&policy.network, policy.bound, &features, &mixed).0;
        let alphas = policy.learn(&features, &mixed, 200, 0.02);
        let after =
            mixed.iter().zip(&alphas).map(|(mixed, &alpha)| expected(mixed, alpha)).sum::<f64>() / 40.0;
        assert!(after > before + 0.01, "{before} {after}");
        let mean = |wanted: bool| {
            let own: Vec<f64> = features
                .iter()
                .zip(&alphas)
                .filter(|(own, _)| (own[0] > 0.0) == wanted)
                .map(|(_, a)| *a)
                .collect();
            own.iter().sum::<f64>() / own.len() as f64
        };
        assert!(mean(true) > mean(false) + 0.2, "{} {}", mean(true), mean(false));
    }
}
