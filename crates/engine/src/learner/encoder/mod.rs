//! [`Encoder`]: codes of rows, learned on inputs alone; [`Generator`]: rows of a class, made of codes.
//!
//! An encoder is a network `inputs → hidden → code` with a linear code. It is trained below a head that is thrown away: a decoder
//! `code → hidden → inputs` on the squared error of reconstruction, or a projection `code → hidden → code` on the
//! contrast of pairs of views ([`nt_xent`]). Both are [`NetSpec`]s of dense blocks; `pass.rs` runs them over whole mini-batches.
//! What is not here: what a view is, which depends on what the rows are (`episode::encoder`), and how codes are used.

mod generator;
mod nt_xent;
mod pass;
#[cfg(test)]
mod tests;

pub use generator::{Generator, GeneratorPlan};
pub use nt_xent::nt_xent;

use super::descent::Descent;
use super::error::LearnError;
use super::plan::{Optimiser, TrainPlan};
use crate::arch::NetSpec;
use crate::data::{Matrix, MatrixView};
use crate::error::Result;
use crate::rng::Key;
use pass::Pass;
use rand::seq::SliceRandom;

/// The fewest rows that an encoder is fitted to.
pub const MIN_ROWS: usize = 16;
/// The most rows of a mini-batch: the contrast of a batch compares all pairs of views.
pub const MAX_BATCH: usize = 1_024;
/// The most passes over the rows.
pub const MAX_EPOCHS: u32 = 100_000;
/// Rows that are encoded at once.
const CHUNK: usize = 256;

/// How an encoder is built and trained.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EncoderPlan {
    /// Numbers of a code; fewer than a row has.
    pub dimensions: usize,
    /// Rectified units between rows and codes, and in the head.
    pub hidden: usize,
    /// Passes over the rows.
    pub epochs: u32,
    /// Rows per gradient step; what is left of a pass makes a smaller one.
    pub batch: usize,
    /// Step size of Adam.
    pub learning_rate: f32,
}

impl Default for EncoderPlan {
    fn default() -> Self {
        Self { dimensions: 32, hidden: 64, epochs: 200, batch: 128, learning_rate: 1e-3 }
    }
}

impl EncoderPlan {
    /// Refuses rows that such an encoder cannot be fitted to.
    ///
    /// # Errors
    /// [`LearnError::Plan`] for a number out of its range, among them a code of as many numbers as a row has or more;
    /// [`LearnError::FewRows`].
    pub fn check(&self, rows: usize, width: usize) -> Result<(), LearnError> {
        let plan = |field, found: String, expected| Err(LearnError::Plan { field, found, expected });
        if self.dimensions == 0 || self.dimensions >= width {
            let found = format!("{} for rows of {width} numbers", self.dimensions);
            return plan("dimensions", found, "at least 1, and fewer than a row has");
        }
        if self.hidden == 0 {
            return plan("hidden", self.hidden.to_string(), "at least 1 unit");
        }
        if !(1..=MAX_EPOCHS).contains(&self.epochs) {
            return plan("epochs", self.epochs.to_string(), "1 to 100000");
        }
        if !(2..=MAX_BATCH).contains(&self.batch) {
            return plan("batch", self.batch.to_string(), "2 to 1024 rows");
        }
        if !(self.learning_rate.is_finite() && self.learning_rate > 0.0) {
            return plan("learning_rate", self.learning_rate.to_string(), "a positive number");
        }
        match rows < MIN_ROWS {
            true => Err(LearnError::FewRows { found: rows, expected: MIN_ROWS }),
            false => Ok(()),
        }
    }
}

/// A trained encoder.
#[derive(Clone, Debug, PartialEq)]
pub struct Encoder {
    spec: NetSpec,
    weights: Vec<f32>,
    losses: Vec<f64>,
}

impl Encoder {
    /// The encoder of an autoencoder of `rows`, shape `[n, width]`: a head of `code → hidden → width` is trained with it on the mean
    /// squared error of all numbers. `key` feeds the streams `weights`, `head` and `order`.
    ///
    /// Where the loss stops being finite, the last weights with a finite one are kept.
    ///
    /// # Errors
    /// Those of [`EncoderPlan::check`]; what [`NetSpec::check`] refuses.
    pub fn autoencoder(rows: MatrixView<'_>, plan: &EncoderPlan, key: Key) -> Result<Self> {
        let gather = |picked: &[usize], _| picked.iter().flat_map(|&row| rows.row(row)).copied().collect();
        Self::fit(rows, rows.cols(), plan, key, gather, |output, inputs, _| reconstruction(output, inputs))
    }

    /// An encoder that tells `rows`, shape `[n, width]`, apart by views of them: two of each row of a mini-batch, with codes below a
    /// head of `code → hidden → code` that is trained with it on [`nt_xent`]. `view` makes a view of a row, of `width` numbers, and draws
    /// from its key. `key` feeds the streams `weights`, `head`, `order` and `views`.
    ///
    /// # Errors
    /// As [`autoencoder`](Self::autoencoder); [`LearnError::Plan`] for a temperature that is not positive.
    pub fn contrastive(
        rows: MatrixView<'_>,
        temperature: f32,
        view: impl Fn(&[f32], Key) -> Vec<f32>,
        plan: &EncoderPlan,
        key: Key,
    ) -> Result<Self> {
        if !(temperature.is_finite() && temperature > 0.0) {
            let (field, found) = ("temperature", temperature.to_string());
            return Err(LearnError::Plan { field, found, expected: "a positive number" }.into());
        }
        let gather = |picked: &[usize], key: Key| {
            let of = |side| picked.iter().map(move |&row| (row, key.at(row as u64).at(side)));
            of(0).chain(of(1)).flat_map(|(row, key)| view(rows.row(row), key)).collect()
        };
        let contrast = |output: &[f32], _: &[f32], pairs: usize| nt_xent(output, pairs, temperature);
        Self::fit(rows, plan.dimensions, plan, key, gather, contrast)
    }

    /// Trains encoder and head. `gather` makes the inputs of a step of rows, one or several per row; `loss` is given what came out
    /// of the head, the inputs and the number of rows.
    fn fit(
        rows: MatrixView<'_>,
        outputs: usize,
        plan: &EncoderPlan,
        key: Key,
        gather: impl Fn(&[usize], Key) -> Vec<f32>,
        loss: impl Fn(&[f32], &[f32], usize) -> (f64, Vec<f32>),
    ) -> Result<Self> {
        plan.check(rows.rows(), rows.cols())?;
        let spec = NetSpec::mlp(rows.cols(), &[plan.hidden], plan.dimensions)?;
        let mut below = Pass::new(&spec);
        let mut above = Pass::new(&NetSpec::mlp(plan.dimensions, &[plan.hidden], outputs)?);
        let own = below.parameters();
        let mut weights = vec![0.0; own + above.parameters()];
        below.program().init(key.named("weights"), &mut weights[..own]);
        above.program().init(key.named("head"), &mut weights[own..]);
        let mut exact: Vec<f64> = weights.iter().copied().map(f64::from).collect();
        let mut gradient = vec![0.0; weights.len()];
        let train = TrainPlan {
            optimiser: Optimiser::Adam,
            learning_rate: plan.learning_rate,
            weight_decay: 0.0,
            ..TrainPlan::default()
        };
        let mut descent = Descent::new(&train, weights.len());
        let mut losses = Vec::new();
        let mut order: Vec<usize> = (0..rows.rows()).collect();
        for epoch in 0..u64::from(plan.epochs) {
            order.shuffle(&mut key.named("order").at(epoch).rng());
            let mut sum = 0.0;
            for picked in order.chunks(plan.batch) {
                let inputs = gather(picked, key.named("views").at(epoch));
                let count = inputs.len() / rows.cols();
                let (lower, upper) = weights.split_at(own);
                let output = above.forward(upper, below.forward(lower, &inputs, count), count);
                let (found, slopes) = loss(output, &inputs, picked.len());
                let (of_lower, of_upper) = gradient.split_at_mut(own);
                let slopes = above.backward(upper, slopes, of_upper, true).expect("was asked for");
                below.backward(lower, slopes, of_lower, false);
                if !found.is_finite() || gradient.iter().any(|value| !value.is_finite()) {
                    return Ok(Self { spec, weights: weights[..own].to_vec(), losses });
                }
                sum += found * picked.len() as f64;
                descent.step(&mut exact, &gradient);
                weights.iter_mut().zip(&exact).for_each(|(weight, &exact)| *weight = exact as f32);
            }
            losses.push(sum / rows.rows() as f64);
        }
        Ok(Self { spec, weights: weights[..own].to_vec(), losses })
    }

    /// The network: rows come in, codes are its outputs.
    pub fn spec(&self) -> &NetSpec {
        &self.spec
    }

    /// Its weights, in the order documented in [`bank`](super::bank).
    pub fn weights(&self) -> &[f32] {
        &self.weights
    }

    /// The mean loss of every epoch, each batch's before its step.
    pub fn losses(&self) -> &[f64] {
        &self.losses
    }

    /// The codes of `rows`, shape `[n, dimensions]`.
    ///
    /// # Panics
    /// If the rows have another width than those that it was fitted to.
    pub fn codes(&self, rows: MatrixView<'_>) -> Matrix {
        assert_eq!(rows.cols(), self.spec.inputs(), "numbers of a row");
        let mut pass = Pass::new(&self.spec);
        let mut codes = Vec::with_capacity(rows.rows() * self.spec.outputs());
        for chunk in rows.values().chunks(CHUNK * rows.cols()) {
            codes.extend_from_slice(pass.forward(&self.weights, chunk, chunk.len() / rows.cols()));
        }
        Matrix::new(codes, rows.rows(), self.spec.outputs())
    }
}

/// The mean squared difference of `output` and `inputs`, and its derivatives by `output`.
fn reconstruction(output: &[f32], inputs: &[f32]) -> (f64, Vec<f32>) {
    let n = inputs.len() as f64;
    let slopes: Vec<f32> =
        output.iter().zip(inputs).map(|(found, wanted)| (2.0 / n) as f32 * (found - wanted)).collect();
    let squares = output.iter().zip(inputs).map(|(found, wanted)| f64::from(found - wanted).powi(2));
    (squares.sum::<f64>() / n, slopes)
}
