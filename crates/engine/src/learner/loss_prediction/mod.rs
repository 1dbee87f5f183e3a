//! Learning loss (Yoo & Kweon, CVPR 2019): a small module that learns to predict a network's own loss.
//!
//! The module taps the output of every hidden block: each tap goes through a dense layer of `width` units
//! and a rectifier, and one linear unit over all of them predicts the row's loss. Since losses shrink as
//! training goes on, only their order is learned: see [`ranking_loss`]. For the first part of the training
//! the module steers the network too; then the taps are detached, and it learns alone.
//!
//! This is a network of its own, trained by plain backpropagation in 64 bits; the bank engine trains no
//! modules. From the same key it starts at the weights of a bank's network and sees the same mini-batches
//! and dropout masks, so that without the module (`weight = 0`) it is the same network up to rounding.
//!
//! # Order of the parameters
//! The network's, as documented in [`super::bank`]; then per tap `[units][width]` and `[width]`, from the
//! input on; then the last unit's `[taps][width]` and its bias.

mod layout;
#[cfg(test)]
mod tests;

use super::bank::check_fit;
use super::descent::Descent;
use super::error::LearnError;
use super::manifold::masks;
use super::plan::{Loss, ModelData, TrainPlan};
use super::program::Program;
use super::reverse::Tape;
use super::schedule::ModelRun;
use super::standardise::Standardised;
use super::virtual_rows::Aim;
use crate::arch::NetSpec;
use crate::data::{MatrixView, TargetKind};
use crate::error::Result;
use crate::rng::Key;
use layout::{Layout, target_loss};

/// How the module is built and trained.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LossModule {
    /// Units per tap.
    pub width: usize,
    /// Weight of the ranking loss beside the mean target loss.
    pub weight: f64,
    /// The margin of the ranking loss.
    pub margin: f64,
    /// The share of the training's steps after which the taps are detached; 0 never lets the module steer.
    pub detach_after: f64,
}

impl Default for LossModule {
    /// The paper's: 128 units, weight 1, margin 1, detached after 120 of 200 epochs.
    fn default() -> Self {
        Self { width: 128, weight: 1.0, margin: 1.0, detach_after: 0.6 }
    }
}

/// The margin ranking loss of a mini-batch and its derivative by every prediction.
///
/// Row `i` is paired with row `B - 1 - i`; of a batch of odd size the middle row has no partner. A pair costs
/// `max(0, margin - s (predicted_i - predicted_j))`, where `s` is `+1` if row `i` has the larger true loss
/// and `-1` if not; the loss is the mean over pairs, and zero without any. The true losses are constants.
pub fn ranking_loss(predicted: &[f64], losses: &[f64], margin: f64) -> (f64, Vec<f64>) {
    assert_eq!(predicted.len(), losses.len(), "one prediction per loss");
    let pairs = predicted.len() / 2;
    let (mut sum, mut slopes) = (0.0, vec![0.0; predicted.len()]);
    for i in 0..pairs {
        let j = predicted.len() - 1 - i;
        let sign = if losses[i] > losses[j] { 1.0 } else { -1.0 };
        let short = margin - sign * (predicted[i] - predicted[j]);
        if short > 0.0 {
            sum += short;
            slopes[i] -= sign / pairs as f64;
            slopes[j] += sign / pairs as f64;
        }
    }
    (sum / pairs.max(1) as f64, slopes)
}

/// A network with a module that predicts its loss, trained together.
#[derive(Clone, Debug)]
pub struct LossPredictor {
    layout: Layout,
    /// What it was trained on.
    loss: Loss,
    parameters: Vec<f64>,
}

impl LossPredictor {
    /// Trains a network of shape `spec` and its module on labelled rows, with the optimiser, mini-batches and
    /// stop rule of `plan`. The network starts from `start`, or from what `key` draws; `key` also feeds the
    /// streams `order` and `dropout`, as in a bank, and `loss module` for the module's own start.
    ///
    /// Where a loss stops being finite, the last parameters with a finite one are kept.
    ///
    /// # Errors
    /// What [`Learner::fit`](super::Learner::fit) refuses. [`LearnError`]: `Taps` for a
    /// network without hidden blocks, `Plan` for a module without units, `Weights` and `NotFinite` for
    /// `start`, `Memory`.
    pub fn fit(
        spec: &NetSpec,
        start: Option<&[f32]>,
        data: ModelData<'_>,
        plan: &TrainPlan,
        module: &LossModule,
        key: Key,
    ) -> Result<Self> {
        let plan = &plan.of(spec);
        check_fit(spec, 1, &[data], plan, &[key])?;
        if let Some(extra) = data.extra {
            return Err(LearnError::Plan {
                field: "extra",
                found: format!("{} virtual rows", extra.weights.len()),
                expected: "none: a module learns the losses of labelled rows",
            }
            .into());
        }
        let layout = Layout::new(spec, *module)?;
        let mut predictor = Self { parameters: layout.start(start, key)?, layout, loss: plan.loss };
        match plan.loss.targets() {
            TargetKind::Class | TargetKind::MultiLabel => predictor.train(spec, data, plan, key),
            TargetKind::Real => {
                let standardised = Standardised::of(&data);
                if start.is_some() {
                    predictor.rescale(|program, weights| standardised.standard.unfold(program, weights));
                }
                predictor.train(spec, standardised.model(&data), plan, key);
                predictor.rescale(|program, weights| standardised.standard.fold(program, weights));
            }
        }
        Ok(predictor)
    }

    /// Changes the network's weights, in the precision of a bank.
    fn rescale(&mut self, change: impl Fn(&Program, &mut [f32])) {
        let mut weights = self.weights();
        change(&self.layout.program, &mut weights);
        self.parameters.iter_mut().zip(weights).for_each(|(own, weight)| *own = weight.into());
    }

    fn train(&mut self, spec: &NetSpec, data: ModelData<'_>, plan: &TrainPlan, key: Key) {
        let program = &self.layout.program;
        let steps = f64::from(plan.steps_for(data.rows.len()));
        let detached_from = (self.layout.module.detach_after * steps).ceil();
        let mut descent = Descent::new(plan, self.parameters.len());
        let mut before = self.parameters.clone();
        let mut gradient = vec![0.0; self.parameters.len()];
        let mut tapes: Vec<Tape> = Vec::new();
        let mut run = ModelRun::new(data, plan, key);
        let mut made = 0.0;
        while run.is_active() {
            run.begin_step();
            let rows = run.rows_left();
            let labelled = |at| match run.example(at) {
                (input, Aim::Class(label)) => (input, label),
                (_, Aim::Soft { .. }) => unreachable!("virtual rows are refused"),
            };
            let batch: Vec<(&[f32], u32)> = (0..rows).map(labelled).collect();
            tapes.resize_with(rows.max(tapes.len()), || Tape::new(program));
            let masks = masks(program, spec.dropout(), run.drop_word(), rows);
            for (at, (tape, (input, _))) in tapes.iter_mut().zip(&batch).enumerate() {
                let own: Vec<Option<&[f32]>> = program
                    .maps
                    .iter()
                    .zip(&masks)
                    .map(|(map, mask)| mask.as_ref().map(|mask| &mask[at * map.fan_out..][..map.fan_out]))
                    .collect();
                tape.forward(program, &self.parameters, input, &own);
            }
            let labels: Vec<u32> = batch.iter().map(|(_, label)| *label).collect();
            let steers = made < detached_from;
            let objective = self.layout.gradient(
                &self.parameters,
                &mut tapes[..rows],
                &labels,
                plan.loss,
                steers,
                &mut gradient,
            );
            if !objective.total.is_finite() || gradient.iter().any(|value| !value.is_finite()) {
                run.diverge();
                self.parameters = before;
                return;
            }
            before.copy_from_slice(&self.parameters);
            descent.step(&mut self.parameters, &gradient);
            made += 1.0;
            let ended = run.end_step(objective.target * rows as f64, rows);
            let held = if ended { self.held_loss(&run, plan.loss, &mut tapes[0]) } else { 0.0 };
            if !run.goes_on(ended, held) {
                run.stop_here();
            }
        }
        if self.parameters.iter().any(|value| !value.is_finite()) {
            self.parameters = before;
        }
    }

    /// The mean target loss on the validation rows; zero without any.
    fn held_loss(&self, run: &ModelRun<'_>, loss: Loss, tape: &mut Tape) -> f64 {
        let program = &self.layout.program;
        let (rows, labels) = run.held();
        let mut sum = 0.0;
        for (&row, &label) in rows.iter().zip(labels) {
            tape.forward(program, &self.parameters, run.input(row), &[]);
            sum += target_loss(loss, tape.value(program.logits()), label).0;
        }
        sum / rows.len().max(1) as f64
    }

    /// The predicted loss of each of `rows`, without dropout. Only their order means anything; higher = a
    /// larger loss.
    ///
    /// # Panics
    /// If there is no such row, or `inputs` has not the network's width.
    pub fn predicted(&self, inputs: MatrixView<'_>, rows: &[u32]) -> Vec<f64> {
        let (mut tape, layout) = (Tape::new(&self.layout.program), &self.layout);
        let mut predicted = Vec::with_capacity(rows.len());
        for &row in rows {
            tape.forward(&layout.program, &self.parameters, inputs.row(row as usize), &[]);
            predicted.push(layout.predict(&self.parameters, &tape).1);
        }
        predicted
    }

    /// The loss that was trained on of each of `rows` under the network itself, without dropout.
    ///
    /// # Panics
    /// As [`predicted`](Self::predicted); if there is not one label per row.
    pub fn losses(&self, inputs: MatrixView<'_>, rows: &[u32], labels: &[u32]) -> Vec<f64> {
        assert_eq!(rows.len(), labels.len(), "one label per row");
        let (mut tape, program) = (Tape::new(&self.layout.program), &self.layout.program);
        let one = |(&row, &label): (&u32, &u32)| {
            tape.forward(program, &self.parameters, inputs.row(row as usize), &[]);
            target_loss(self.loss, tape.value(program.logits()), label).0
        };
        rows.iter().zip(labels).map(one).collect()
    }

    /// The network's weights without the module's, in the order documented in [`super::bank`].
    pub fn weights(&self) -> Vec<f32> {
        self.parameters[..self.layout.program.parameters].iter().map(|&weight| weight as f32).collect()
    }
}
