//! Where the parameters of a network and its module lie, and the gradient of what they are trained by.

use super::taps::Taps;
use super::{LossModule, ranking_loss};
use crate::arch::NetSpec;
use crate::data::target::{has_label, number_of};
use crate::error::Result;
use crate::learner::bank::MAX_NUMBERS;
use crate::learner::error::LearnError;
use crate::learner::plan::Loss;
use crate::learner::program::{Program, rectified};
use crate::learner::reverse::{Tape, dot, residual, sigmoid, softmax};
use crate::rng::Key;

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
    /// The buffers that are tapped.
    pub tapped: Vec<usize>,
    pub taps: Taps,
}

impl Layout {
    pub fn new(spec: &NetSpec, module: LossModule) -> Result<Self> {
        if module.width == 0 {
            let (field, found) = ("loss module width", module.width.to_string());
            return Err(LearnError::Plan { field, found, expected: "at least 1" }.into());
        }
        rectified(spec)?;
        let program = Program::new(spec);
        // What dropout follows is the output of a hidden block.
        let tapped: Vec<usize> = program.maps.iter().filter(|map| map.drop).map(|map| map.output).collect();
        if tapped.is_empty() {
            return Err(LearnError::Taps.into());
        }
        let activations = tapped.iter().map(|&buffer| program.buffers[buffer]);
        let taps = Taps::new(module.width, activations, program.parameters);
        let layout = Self { program, module, tapped, taps };
        let parameters = layout.taps.end();
        let found = parameters.saturating_mul(NUMBERS_PER_PARAMETER);
        if found > MAX_NUMBERS {
            return Err(LearnError::Memory { models: 1, parameters, found, limit: MAX_NUMBERS }.into());
        }
        Ok(layout)
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
        self.taps.start(key.named("loss module"), &mut parameters);
        Ok(parameters)
    }

    /// The tapped activations.
    fn tapped<'a>(&self, tape: &'a Tape) -> Vec<&'a [f64]> {
        self.tapped.iter().map(|&buffer| tape.value(buffer)).collect()
    }

    /// The activations of the module's hidden units, tap after tap, and the predicted loss.
    pub fn predict(&self, parameters: &[f64], tape: &Tape) -> (Vec<f64>, f64) {
        self.taps.predict(parameters, &self.tapped(tape))
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
            let of_taps = self.taps.gradient(parameters, &self.tapped(tape), &hidden[at], slope, gradient);
            let also: Vec<(usize, &[f64])> = match steers {
                true => self.tapped.iter().copied().zip(of_taps.iter().map(Vec::as_slice)).collect(),
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
        Loss::CrossEntropyDice => unreachable!("masks are refused before they are trained on"),
        Loss::Squared => {
            let mut differences = logits.to_vec();
            differences[label as usize] -= 1.0;
            let count = logits.len() as f64;
            let value = dot(&differences, &differences) / count;
            (value, differences.into_iter().map(|difference| 2.0 * difference / count).collect())
        }
    }
}
