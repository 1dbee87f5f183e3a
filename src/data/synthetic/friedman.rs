//! The three regression problems of Friedman (The Annals of Statistics 1991), as scikit-learn's `make_friedman1` to
//! `make_friedman3` have them, with the noise of the paper.

use super::draw::normal;
use crate::data::{Dataset, Matrix, Shape, Targets};
use crate::error::Result;
use crate::rng::Key;
use rand::RngExt;
use std::f64::consts::PI;

/// Rows of each set.
pub const ROWS: usize = 600;

/// One of the problems.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Friedman {
    /// `10 sin(π x₀ x₁) + 20 (x₂ - ½)² + 10 x₃ + 5 x₄ + N(0, 1)`, ten inputs uniform on [0, 1], of which five say nothing.
    One,
    /// `sqrt(x₀² + (x₁ x₂ - 1 / (x₁ x₃))²) + N(0, 125)`, four inputs: x₀ on [0, 100], x₁ on [40 π, 560 π], x₂ on [0, 1], x₃ on
    /// [1, 11].
    Two,
    /// `atan((x₁ x₂ - 1 / (x₁ x₃)) / x₀) + N(0, 0.1)`, of the same inputs.
    Three,
}

impl Friedman {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::One, Self::Two, Self::Three];

    /// The name in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::One => "friedman1",
            Self::Two => "friedman2",
            Self::Three => "friedman3",
        }
    }

    /// The ranges of the inputs.
    fn ranges(self) -> &'static [(f64, f64)] {
        match self {
            Self::One => &[(0.0, 1.0); 10],
            Self::Two | Self::Three => &[(0.0, 100.0), (40.0 * PI, 560.0 * PI), (0.0, 1.0), (1.0, 11.0)],
        }
    }

    /// The standard deviation of the noise.
    fn noise(self) -> f64 {
        match self {
            Self::One => 1.0,
            Self::Two => 125.0,
            Self::Three => 0.1,
        }
    }

    /// The target without noise.
    ///
    /// # Panics
    /// If there are fewer inputs than the problem has.
    pub fn target(self, x: &[f64]) -> f64 {
        let inner = || x[1] * x[2] - 1.0 / (x[1] * x[3]);
        match self {
            Self::One => {
                10.0 * (PI * x[0] * x[1]).sin() + 20.0 * (x[2] - 0.5).powi(2) + 10.0 * x[3] + 5.0 * x[4]
            }
            Self::Two => (x[0].powi(2) + inner().powi(2)).sqrt(),
            Self::Three => (inner() / x[0]).atan(),
        }
    }

    /// A draw of [`ROWS`] rows.
    ///
    /// # Errors
    /// None that a caller could cause.
    pub fn draw(self, key: Key) -> Result<Dataset> {
        let mut rng = key.named(self.name()).rng();
        let ranges = self.ranges();
        let (mut inputs, mut values) = (Vec::with_capacity(ROWS * ranges.len()), Vec::with_capacity(ROWS));
        for _ in 0..ROWS {
            let x: Vec<f64> =
                ranges.iter().map(|(low, high)| low + (high - low) * rng.random::<f64>()).collect();
            values.push((self.target(&x) + self.noise() * f64::from(normal(&mut rng))) as f32);
            inputs.extend(x.into_iter().map(|value| value as f32));
        }
        let (width, matrix) = (ranges.len(), Matrix::new(inputs, ROWS, ranges.len()));
        let set = Dataset::new(self.name(), Shape::Vector(width), matrix, Targets::Real { values }, None)?;
        Ok(set.generated_as(self.name()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand: sin(π/4) = .7071; sqrt(9 + (200 · .5 - 1 / 400)²) = 100.0425; atan(99.9975 / 3) = 1.5408.
    #[test]
    fn worked_examples() {
        let x = [0.5, 0.5, 1.0, 0.25, 2.0];
        assert!((Friedman::One.target(&x) - (7.071_068 + 5.0 + 2.5 + 10.0)).abs() < 1e-5);
        let x = [3.0, 200.0, 0.5, 2.0];
        assert!((Friedman::Two.target(&x) - 100.042_488).abs() < 1e-5);
        assert!((Friedman::Three.target(&x) - 1.540_804_5).abs() < 1e-6);
    }

    /// The moments of the targets over many draws of the inputs are those that the ranges give.
    #[test]
    fn draws_are_of_the_problem() {
        for problem in Friedman::ALL {
            let set = problem.draw(Key::root(3)).unwrap();
            assert_eq!((set.rows(), set.width()), (ROWS, problem.ranges().len()));
            let miss: f64 = (0..ROWS)
                .map(|row| {
                    let x: Vec<f64> = set.inputs().row(row).iter().copied().map(f64::from).collect();
                    (f64::from(set.values()[row]) - problem.target(&x)).powi(2)
                })
                .sum();
            let noise = (miss / ROWS as f64).sqrt();
            // The deviation of 600 normal numbers is within 12 % of theirs, four of its own deviations.
            assert!((noise / problem.noise() - 1.0).abs() < 0.12, "{problem:?}: {noise}");
            assert_eq!(set.digest(), problem.draw(Key::root(3)).unwrap().digest());
            assert_ne!(set.digest(), problem.draw(Key::root(4)).unwrap().digest());
        }
    }
}
