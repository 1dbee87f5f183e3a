//! Features of raw rows, in which smooth functions are linear.

use super::head::MAX_DIMENSION;
use crate::rng::Key;
use crate::stream::error::StreamError;
use rand::RngExt;
use rand_distr::{Distribution, StandardNormal};
use std::f64::consts::TAU;

/// Random Fourier features of a Gaussian kernel (Rahimi & Recht, NeurIPS 2007), and a constant.
#[derive(Clone, Debug, PartialEq)]
pub struct RandomFeatures {
    width: usize,
    /// Frequencies, shape `[dimension - 1, width]`, and phases.
    frequencies: Vec<f64>,
    phases: Vec<f64>,
}

impl RandomFeatures {
    /// `dimension` features of rows of `width` numbers, under a kernel of this length scale.
    ///
    /// # Errors
    /// [`StreamError::Setting`] for a dimension outside 2 to [`MAX_DIMENSION`], or a scale that is not above 0.
    pub fn new(width: usize, dimension: usize, scale: f64, key: Key) -> Result<Self, StreamError> {
        if !(2..=MAX_DIMENSION).contains(&dimension) {
            let (setting, found) = ("features", dimension.to_string());
            return Err(StreamError::Setting { setting, found, expected: "2 to 512" });
        }
        if !(scale > 0.0 && scale.is_finite()) {
            let (setting, found) = ("length scale", scale.to_string());
            return Err(StreamError::Setting { setting, found, expected: "a finite number above 0" });
        }
        let mut rng = key.rng();
        let frequencies = (0..(dimension - 1) * width)
            .map(|_| {
                let z: f64 = StandardNormal.sample(&mut rng);
                z / scale
            })
            .collect();
        let phases = (1..dimension).map(|_| TAU * rng.random::<f64>()).collect();
        Ok(Self { width, frequencies, phases })
    }

    /// The features of a row, shape `[dimension]`, of length at most about 1.
    ///
    /// # Panics
    /// If the row has another width.
    pub fn of(&self, row: &[f32]) -> Vec<f64> {
        assert_eq!(row.len(), self.width, "rows of another width");
        let size = (2.0 / (self.phases.len() + 1) as f64).sqrt();
        let waves = self.frequencies.chunks_exact(self.width).zip(&self.phases).map(|(wave, phase)| {
            let angle: f64 = wave.iter().zip(row).map(|(w, &x)| w * f64::from(x)).sum();
            size * (angle + phase).cos()
        });
        std::iter::once(size / 2.0f64.sqrt()).chain(waves).collect()
    }
}
