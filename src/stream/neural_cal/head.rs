//! A linear function with closed bounds.
//!
//! Ridge least squares of `y - 1/2` on features `φ`: `A = λI + Σ φφ'`, `f(φ) = 1/2 + φ'A⁻¹ Σ φ (y - 1/2)`, and over all
//! functions within radius `β` of the data, `f(φ) ± sqrt(β φ'A⁻¹φ)`. The inverse follows label by label (Sherman &
//! Morrison, Annals of Mathematical Statistics 21, 1950) in `O(d²)`.

use crate::stream::error::StreamError;

/// The most features.
pub const MAX_DIMENSION: usize = 512;

/// The function, and the inverse that its bounds are made of.
#[derive(Clone, Debug, PartialEq)]
pub struct Head {
    /// `A⁻¹`, shape `[d, d]`.
    inverse: Vec<f64>,
    /// `Σ φ (y - 1/2)`, and the weights, shape `[d]`.
    moment: Vec<f64>,
    weights: Vec<f64>,
}

impl Head {
    /// One half everywhere.
    ///
    /// # Errors
    /// [`StreamError::Setting`] for a dimension outside 1 to [`MAX_DIMENSION`].
    pub fn new(dimension: usize, ridge: f64) -> Result<Self, StreamError> {
        if !(1..=MAX_DIMENSION).contains(&dimension) {
            let (setting, found) = ("features", dimension.to_string());
            return Err(StreamError::Setting { setting, found, expected: "1 to 512" });
        }
        let mut inverse = vec![0.0; dimension * dimension];
        inverse.iter_mut().step_by(dimension + 1).for_each(|diagonal| *diagonal = 1.0 / ridge);
        Ok(Self { inverse, moment: vec![0.0; dimension], weights: vec![0.0; dimension] })
    }

    /// The estimate of `η`; not cut to `[0, 1]`.
    ///
    /// # Panics
    /// If there are not as many features as dimensions; so do the others.
    pub fn estimate(&self, features: &[f64]) -> f64 {
        assert_eq!(features.len(), self.weights.len(), "features of another head");
        0.5 + dot(&self.weights, features)
    }

    /// `φ'A⁻¹φ`: how little the labels so far say of a row, from 0 up.
    pub fn leverage(&self, features: &[f64]) -> f64 {
        dot(&self.times_inverse(features), features).max(0.0)
    }

    /// The number of features.
    pub fn dimension(&self) -> usize {
        self.weights.len()
    }

    /// Learns a label.
    pub fn learn(&mut self, features: &[f64], label: bool) {
        let direction = self.times_inverse(features);
        let scale = 1.0 / (1.0 + dot(&direction, features));
        let d = features.len();
        for (row, &a) in self.inverse.chunks_exact_mut(d).zip(&direction) {
            row.iter_mut().zip(&direction).for_each(|(value, b)| *value -= scale * a * b);
        }
        let target = if label { 0.5 } else { -0.5 };
        self.moment.iter_mut().zip(features).for_each(|(sum, value)| *sum += target * value);
        self.weights = self.times_inverse(&self.moment);
    }

    fn times_inverse(&self, vector: &[f64]) -> Vec<f64> {
        assert_eq!(vector.len(), self.moment.len(), "features of another head");
        self.inverse.chunks_exact(vector.len()).map(|row| dot(row, vector)).collect()
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
