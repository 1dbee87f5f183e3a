//! The module itself: what it predicts of tapped activations, and its gradient.

use crate::learner::reverse::{axpy, dot};
use crate::rng::Key;
use rand::RngExt;

/// Where the parameters of a module lie, behind those of the network that it taps.
#[derive(Clone, Debug)]
pub(in crate::learner) struct Taps {
    /// Units of every tap's dense layer.
    width: usize,
    /// Activations of every tap, and the offset of its layer.
    taps: Vec<(usize, usize)>,
    /// Offset of the last unit's weights.
    last: usize,
}

impl Taps {
    /// A module with taps on so many activations each, whose parameters begin at `first`.
    pub fn new(width: usize, activations: impl IntoIterator<Item = usize>, first: usize) -> Self {
        let mut at = first;
        let tap = |units: usize| {
            let own = (units, at);
            at = at.saturating_add((units + 1).saturating_mul(width));
            own
        };
        let taps = activations.into_iter().map(tap).collect();
        Self { width, taps, last: at }
    }

    /// The number of all parameters, the network's included.
    pub fn end(&self) -> usize {
        self.last.saturating_add(self.width.saturating_mul(self.taps.len())).saturating_add(1)
    }

    /// Draws the module's parameters behind the network's.
    pub fn start(&self, key: Key, parameters: &mut Vec<f64>) {
        let mut rng = key.rng();
        let mut draw = |fan_in: usize, count: usize| {
            let bound = (1.0 / fan_in as f64).sqrt();
            parameters.extend((0..count).map(|_| bound * (rng.random::<f64>() * 2.0 - 1.0)));
        };
        for &(units, _) in &self.taps {
            draw(units, (units + 1) * self.width);
        }
        let hidden = self.width * self.taps.len();
        draw(hidden, hidden + 1);
    }

    /// The activations of the module's hidden units, tap after tap, and the predicted loss, of one row's tapped activations.
    pub fn predict(&self, parameters: &[f64], values: &[&[f64]]) -> (Vec<f64>, f64) {
        let mut hidden = Vec::with_capacity(self.width * self.taps.len());
        for (&(units, at), values) in self.taps.iter().zip(values) {
            let mut sums = parameters[at + units * self.width..][..self.width].to_vec();
            for (&value, row) in values.iter().zip(parameters[at..].chunks_exact(self.width)) {
                if value != 0.0 {
                    axpy(value, row, &mut sums);
                }
            }
            hidden.extend(sums.into_iter().map(|sum| sum.max(0.0)));
        }
        let last = &parameters[self.last..];
        let predicted = dot(&hidden, &last[..hidden.len()]) + last[hidden.len()];
        (hidden, predicted)
    }

    /// Adds what one row, whose prediction the objective depends on by `slope`, gives to the module's
    /// gradient; gives the objective's derivative by the tapped activations, tap after tap.
    pub fn gradient(
        &self,
        parameters: &[f64],
        values: &[&[f64]],
        hidden: &[f64],
        slope: f64,
        gradient: &mut [f64],
    ) -> Vec<Vec<f64>> {
        let width = self.width;
        axpy(slope, hidden, &mut gradient[self.last..][..hidden.len()]);
        gradient[self.last + hidden.len()] += slope;
        let mut of_taps = Vec::with_capacity(self.taps.len());
        for (number, (&(units, at), values)) in self.taps.iter().zip(values).enumerate() {
            let own = number * width..(number + 1) * width;
            let last = &parameters[self.last..][own.clone()];
            let signal: Vec<f64> = hidden[own]
                .iter()
                .zip(last)
                .map(|(&unit, weight)| if unit > 0.0 { slope * weight } else { 0.0 })
                .collect();
            for (&value, sums) in values.iter().zip(gradient[at..].chunks_exact_mut(width)) {
                if value != 0.0 {
                    axpy(value, &signal, sums);
                }
            }
            axpy(1.0, &signal, &mut gradient[at + units * width..][..width]);
            let rows = parameters[at..].chunks_exact(width).take(units);
            of_taps.push(rows.map(|row| dot(&signal, row)).collect());
        }
        of_taps
    }
}
