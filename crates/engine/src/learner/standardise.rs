//! Numbers as targets: standardised for the fit, and given back in their own units by the network itself.
//!
//! A fit to numbers is made on `(y - mean) / sd` of the rows that it is handed, so that one learning rate suits targets of
//! any unit. Mean and deviation are those of the labels in hand alone. Afterwards they become part of the last layer
//! (`w * sd`, `b * sd + mean`; a logarithm of a variance is raised by `2 ln sd`), which gives the same network in the units of the targets; a fit that goes on from these
//! weights takes them out again, by its own mean and deviation.

use super::plan::ModelData;
use super::program::Program;
use crate::data::target::{number_of, word_of};

/// Mean and population standard deviation of the targets of a fit; a deviation of zero counts as 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Standard {
    mean: f64,
    deviation: f64,
}

impl Standard {
    /// That of at least one target.
    pub fn of(words: &[u32]) -> Self {
        let numbers = || words.iter().map(|&word| f64::from(number_of(word)));
        let count = words.len() as f64;
        let mean = numbers().sum::<f64>() / count;
        let deviation = (numbers().map(|number| (number - mean).powi(2)).sum::<f64>() / count).sqrt();
        // Equal numbers leave what rounding makes of their mean.
        let least = f64::from(f32::EPSILON) * mean.abs();
        Self { mean, deviation: if deviation > least { deviation } else { 1.0 } }
    }

    /// Targets on this scale.
    pub fn words(&self, words: &[u32]) -> Vec<u32> {
        let standard = |&word: &u32| ((f64::from(number_of(word)) - self.mean) / self.deviation) as f32;
        words.iter().map(|word| word_of(standard(word))).collect()
    }

    /// Has the last layer of a network give the numbers themselves.
    pub fn fold(&self, program: &Program, weights: &mut [f32]) {
        let (weight, bias) = self.last(program, weights);
        let outputs = bias.len();
        weight.iter_mut().step_by(outputs).for_each(|w| *w = (f64::from(*w) * self.deviation) as f32);
        bias[0] = (f64::from(bias[0]) * self.deviation + self.mean) as f32;
        bias[1..].iter_mut().for_each(|log| *log = (f64::from(*log) + 2.0 * self.deviation.ln()) as f32);
    }

    /// The inverse of [`fold`](Self::fold).
    pub fn unfold(&self, program: &Program, weights: &mut [f32]) {
        let (weight, bias) = self.last(program, weights);
        let outputs = bias.len();
        weight.iter_mut().step_by(outputs).for_each(|w| *w = (f64::from(*w) / self.deviation) as f32);
        bias[0] = ((f64::from(bias[0]) - self.mean) / self.deviation) as f32;
        bias[1..].iter_mut().for_each(|log| *log = (f64::from(*log) - 2.0 * self.deviation.ln()) as f32);
    }

    /// The weights and the bias of the last layer.
    fn last<'w>(&self, program: &Program, weights: &'w mut [f32]) -> (&'w mut [f32], &'w mut [f32]) {
        let map = program.maps[program.maps.len() - 1];
        weights[map.weights..].split_at_mut(map.fan_in * map.fan_out)
    }
}

/// The rows of a fit with standardised targets, owned.
pub(super) struct Standardised {
    pub standard: Standard,
    labels: Vec<u32>,
    held: Vec<u32>,
}

impl Standardised {
    /// Those of one network.
    pub fn of(data: &ModelData<'_>) -> Self {
        let standard = Standard::of(data.labels);
        Self { standard, labels: standard.words(data.labels), held: standard.words(data.validation.1) }
    }

    /// The same rows with these targets.
    pub fn model<'a>(&'a self, data: &ModelData<'a>) -> ModelData<'a> {
        ModelData { labels: &self.labels, validation: (data.validation.0, &self.held), ..*data }
    }
}
