//! Where the parameters of a network and its module lie, and the gradient of what they are trained by.

use super::{LossModule, ranking_loss};
use crate::arch::NetSpec;
use crate::data::target::{has_label, number_of};
use crate::error::Result;
use crate::learner::bank::MAX_NUMBERS;
use crate::learner::error::LearnError;
use crate::learner::plan::Loss;
use crate::learner::program::{Program, rectified};
use crate::learner::reverse::{Tape, axpy, dot, residual, sigmoid, softmax};
use crate::rng::Key;
use rand::RngExt;

/// Numbers that training keeps per parameter: value, copy, gradient and two moments, 64 bits each.
const NUMBERS_PER_PARAMETER: usize = 10;

/// What a mini-batch costs.
pub(super) struct Objective {
    /// Mean target loss.
    pub target: f64,
    /// With the weighted ranking loss.
    pub total: f64,
}

/// Where the parameters of the network and its module lie.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    pub program: Program,
    pub module: LossModule,
    /// Buffer and offset of every tap.
    pub taps: Vec<(usize, usize)>,
    /// Offset of the last unit's weights.
    pub last: usize,
}

impl Layout {
    pub fn new(spec: &NetSpec, module: LossModule) -> Result<Self> {
        if module.width == 0 {
            let (field, found) = ("loss module width", module.width.to_string());
            return Err(LearnError::Plan { field, found, expected: "at least 1" }.into());
        }
        rectified(spec)?;
        let program = Program::new(spec);
        let mut at = program.parameters;
        let mut taps = Vec::new();
        // What dropout follows is the output of a hidden block.
        for buffer in program.maps.iter().filter(|map| map.drop).map(|map| map.output) {
            taps.push((buffer, at));
            at = at.saturating_add((program.buffers[buffer] + 1).saturating_mul(module.width));
        }
        if taps.is_empty() {
            return Err(LearnError::Taps.into());
        }
        let layout = Self { program, module, taps, last: at };
        let parameters = layout.parameters();
        let found = parameters.saturating_mul(NUMBERS_PER_PARAMETER);
        if found > MAX_NUMBERS {
            return Err(LearnError::Memory { models: 1, parameters, found, limit: MAX_NUMBERS }.into());
        }
        Ok(layout)
    }

    fn parameters(&self) -> usize {
        self.last.saturating_add(self.module.width.saturating_mul(self.taps.len())).saturating_add(1)
    }

    /// Where training starts: the module's parameters are drawn as a network's are.
    pub fn start(&self, start: Option<&[f32]>, key: Key) -> Result<Vec<f64>> {
        let expected = self.program.parameters;
        let mut own = vec![0.0; expected];
        match start {
            None => self.program.init(key.named("weights"), &mut own),
            Some(start) if start.len() != expected => {
                return Err(LearnError::Weights { model: 0, expected, found: start.len() }.into());
            }
            Some(start) => own.copy_from_slice(start),
        }
        if let Some((index, &found)) = own.iter().enumerate().find(|(_, weight)| !weight.is_finite()) {
            return Err(LearnError::NotFinite { model: 0, index, found }.into());
        }
        let mut parameters: Vec<f64> = own.into_iter().map(f64::from).collect();
        let mut rng = key.named("loss module").rng();
        let mut draw = |fan_in: usize, count: usize| {
            let bound = (1.0 / fan_in as f64).sqrt();
            parameters.extend((0..count).map(|_| bound * (rng.random::<f64>() * 2.0 - 1.0)));
        };
        for &(buffer, _) in &self.taps {
            let units = self.program.buffers[buffer];
            draw(units, (units + 1) * self.module.width);
        }
        let hidden = self.module.width * self.taps.len();
        draw(hidden, hidden + 1);
        Ok(parameters)
    }

    /// The activations of the module's hidden units, tap after tap, and the predicted loss.
    pub fn predict(&self, parameters: &[f64], tape: &Tape) -> (Vec<f64>, f64) {
        let width = self.module.width;
        let mut hidden = Vec::with_capacity(width * self.taps.len());
        for &(buffer, at) in &self.taps {
            let values = tape.value(buffer);
            let mut sums = parameters[at + values.len() * width..][..width].to_vec();
            for (&value, row) in values.iter().zip(parameters[at..].chunks_exact(width)) {
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

    /// The objective of a mini-batch that went forward on `tapes`, and its gradient. Where the module does
    /// not steer, the network's part of the gradient is that of the target loss alone.
    pub fn gradient(
        &self,
        parameters: &[f64],
        tapes: &mut [Tape],
        labels: &[u32],
        loss: Loss,
        steers: bool,
        gradient: &mut [f64],
    ) -> Objective {
        gradient.fill(0.0);
        let rows = tapes.len() as f64;
        let (losses, residuals): (Vec<f64>, Vec<Vec<f64>>) = tapes
            .iter()
            .zip(labels)
            .map(|(tape, &label)| target_loss(loss, tape.value(self.program.logits()), label))
            .unzip();
        let (hidden, predicted): (Vec<Vec<f64>>, Vec<f64>) =
            tapes.iter().map(|tape| self.predict(parameters, tape)).unzip();
        let (ranking, slopes) = ranking_loss(&predicted, &losses, self.module.margin);
        for (at, tape) in tapes.iter_mut().enumerate() {
            let slope = self.module.weight * slopes[at];
            let of_taps = self.module_gradient(parameters, tape, &hidden[at], slope, gradient);
            let also: Vec<(usize, &[f64])> = match steers {
                true => self.taps.iter().zip(&of_taps).map(|(tap, slopes)| (tap.0, &slopes[..])).collect(),
                false => Vec::new(),
            };
            let mut logits = residuals[at].clone();
            logits.iter_mut().for_each(|value| *value /= rows);
            tape.backward_with(&self.program, parameters, &logits, &also);
            tape.add_gradient(&self.program, 0..self.program.maps.len(), gradient);
        }
        let target = losses.iter().sum::<f64>() / rows;
        Objective { target, total: target + self.module.weight * ranking }
    }

    /// Adds what one row, whose prediction the objective depends on by `slope`, gives to the module's
    /// gradient; gives the objective's derivative by the tapped activations, tap after tap.
    fn module_gradient(
        &self,
        parameters: &[f64],
        tape: &Tape,
        hidden: &[f64],
        slope: f64,
        gradient: &mut [f64],
    ) -> Vec<Vec<f64>> {
        let width = self.module.width;
        axpy(slope, hidden, &mut gradient[self.last..][..hidden.len()]);
        gradient[self.last + hidden.len()] += slope;
        let mut of_taps = Vec::with_capacity(self.taps.len());
        for (number, &(buffer, at)) in self.taps.iter().enumerate() {
            let values = tape.value(buffer);
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
            axpy(1.0, &signal, &mut gradient[at + values.len() * width..][..width]);
            let rows = parameters[at..].chunks_exact(width).take(values.len());
            of_taps.push(rows.map(|row| dot(&signal, row)).collect());
        }
        of_taps
    }
}

/// A row's target loss and its derivative by the logits.
pub(super) fn target_loss(loss: Loss, logits: &[f64], label: u32) -> (f64, Vec<f64>) {
    match loss {
        Loss::CrossEntropy => (-softmax(logits)[label as usize].ln(), residual(logits, label)),
        Loss::SquaredError => {
            let miss = logits[0] - f64::from(number_of(label));
            (0.5 * miss * miss, vec![miss])
        }
        Loss::BetaNll => {
            let (miss, log) = (logits[0] - f64::from(number_of(label)), 0.5 * logits[1]);
            let deviation = log.exp();
            let share = miss * miss / deviation;
            (deviation * log + 0.5 * share, vec![miss / deviation, 0.5 * (deviation - share)])
        }
        Loss::BinaryCrossEntropy => {
            let count = logits.len() as f64;
            let of = |(output, &logit): (usize, &f64)| {
                let hot = f64::from(u8::from(has_label(label, output)));
                let loss = logit.max(0.0) - hot * logit + (-logit.abs()).exp().ln_1p();
                (loss / count, (sigmoid(logit) - hot) / count)
            };
            let (losses, slopes): (Vec<f64>, Vec<f64>) = logits.iter().enumerate().map(of).unzip();
            (losses.iter().sum(), slopes)
        }
        Loss::Squared => {
            let mut differences = logits.to_vec();
            differences[label as usize] -= 1.0;
            let count = logits.len() as f64;
            let value = dot(&differences, &differences) / count;
            (value, differences.into_iter().map(|difference| 2.0 * difference / count).collect())
        }
    }
}
