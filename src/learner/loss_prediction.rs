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

use super::bank::{MAX_NUMBERS, check_fit, host_mask};
use super::descent::Descent;
use super::error::LearnError;
use super::plan::{LaneData, Loss, TrainPlan};
use super::program::Program;
use super::reverse::{Tape, axpy, dot, residual, softmax};
use super::schedule::LaneRun;
use crate::arch::NetSpec;
use crate::data::MatrixView;
use crate::error::Result;
use crate::rng::Key;
use rand::RngExt;

/// Numbers that training keeps per parameter: value, copy, gradient and two moments, 64 bits each.
const NUMBERS_PER_PARAMETER: usize = 10;

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
    /// What [`Learner::fit`](super::Learner::fit) refuses; [`LearnError::Taps`] for a network without hidden
    /// blocks; [`LearnError::Plan`] for a module without units; [`LearnError::Weights`] and
    /// [`LearnError::NotFinite`] for `start`; [`LearnError::Memory`].
    pub fn fit(
        spec: &NetSpec,
        start: Option<&[f32]>,
        data: LaneData<'_>,
        plan: &TrainPlan,
        module: &LossModule,
        key: Key,
    ) -> Result<Self> {
        check_fit(spec, 1, &[data], plan, &[key])?;
        let layout = Layout::new(spec, *module)?;
        let mut predictor = Self { parameters: layout.start(start, key)?, layout };
        predictor.train(spec, data, plan, key);
        Ok(predictor)
    }

    fn train(&mut self, spec: &NetSpec, data: LaneData<'_>, plan: &TrainPlan, key: Key) {
        let program = &self.layout.program;
        let steps = f64::from(plan.steps_for(data.rows.len()));
        let detached_from = (self.layout.module.detach_after * steps).ceil();
        let mut descent = Descent::new(plan, self.parameters.len());
        let mut before = self.parameters.clone();
        let mut gradient = vec![0.0; self.parameters.len()];
        let mut tapes: Vec<Tape> = Vec::new();
        let mut run = LaneRun::new(data, plan, key);
        let mut made = 0.0;
        while run.is_active() {
            run.begin_step();
            let rows = run.rows_left();
            let batch: Vec<(&[f32], u32)> = (0..rows).map(|at| run.example(at)).collect();
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
    fn held_loss(&self, run: &LaneRun<'_>, loss: Loss, tape: &mut Tape) -> f64 {
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

    /// The cross-entropy of each of `rows` under the network itself, without dropout.
    ///
    /// # Panics
    /// As [`predicted`](Self::predicted); if there is not one label per row.
    pub fn losses(&self, inputs: MatrixView<'_>, rows: &[u32], labels: &[u32]) -> Vec<f64> {
        assert_eq!(rows.len(), labels.len(), "one label per row");
        let (mut tape, program) = (Tape::new(&self.layout.program), &self.layout.program);
        let one = |(&row, &label): (&u32, &u32)| {
            tape.forward(program, &self.parameters, inputs.row(row as usize), &[]);
            target_loss(Loss::CrossEntropy, tape.value(program.logits()), label).0
        };
        rows.iter().zip(labels).map(one).collect()
    }

    /// The network's weights without the module's, in the order documented in [`super::bank`].
    pub fn weights(&self) -> Vec<f32> {
        self.parameters[..self.layout.program.parameters].iter().map(|&weight| weight as f32).collect()
    }
}

/// What a mini-batch costs.
struct Objective {
    /// Mean target loss.
    target: f64,
    /// With the weighted ranking loss.
    total: f64,
}

/// Where the parameters of the network and its module lie.
#[derive(Clone, Debug)]
struct Layout {
    program: Program,
    module: LossModule,
    /// Buffer and offset of every tap.
    taps: Vec<(usize, usize)>,
    /// Offset of the last unit's weights.
    last: usize,
}

impl Layout {
    fn new(spec: &NetSpec, module: LossModule) -> Result<Self> {
        if module.width == 0 {
            let (field, found) = ("loss module width", module.width.to_string());
            return Err(LearnError::Plan { field, found, expected: "at least 1" }.into());
        }
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
            return Err(LearnError::Memory { lanes: 1, parameters, found, limit: MAX_NUMBERS }.into());
        }
        Ok(layout)
    }

    fn parameters(&self) -> usize {
        self.last.saturating_add(self.module.width.saturating_mul(self.taps.len())).saturating_add(1)
    }

    /// Where training starts: the module's parameters are drawn as a network's are.
    fn start(&self, start: Option<&[f32]>, key: Key) -> Result<Vec<f64>> {
        let expected = self.program.parameters;
        let mut own = vec![0.0; expected];
        match start {
            None => self.program.init(key.named("weights"), &mut own),
            Some(start) if start.len() != expected => {
                return Err(LearnError::Weights { lane: 0, expected, found: start.len() }.into());
            }
            Some(start) => own.copy_from_slice(start),
        }
        if let Some((index, &found)) = own.iter().enumerate().find(|(_, weight)| !weight.is_finite()) {
            return Err(LearnError::NotFinite { lane: 0, index, found }.into());
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
    fn predict(&self, parameters: &[f64], tape: &Tape) -> (Vec<f64>, f64) {
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
    fn gradient(
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
            for (map, signal) in self.program.maps.iter().zip(&tape.signals) {
                let sums = gradient[map.weights..][..map.fan_in * map.fan_out].chunks_exact_mut(map.fan_out);
                for (&value, sums) in tape.value(map.input).iter().zip(sums) {
                    if value != 0.0 {
                        axpy(value, signal, sums);
                    }
                }
                if let Some(bias) = map.bias {
                    axpy(1.0, signal, &mut gradient[bias..bias + map.fan_out]);
                }
            }
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

/// The dropout factors of one step, for every map that dropout follows.
fn masks(program: &Program, rate: f32, word: u64, rows: usize) -> Vec<Option<Vec<f32>>> {
    let mask = |(index, map): (usize, &super::program::Affine)| {
        (rate > 0.0 && map.drop).then(|| host_mask(rate, word, index, rows * map.fan_out))
    };
    program.maps.iter().enumerate().map(mask).collect()
}

/// A row's target loss and its derivative by the logits.
fn target_loss(loss: Loss, logits: &[f64], label: u32) -> (f64, Vec<f64>) {
    match loss {
        Loss::CrossEntropy => (-softmax(logits)[label as usize].ln(), residual(logits, label)),
        Loss::Squared => {
            let mut differences = logits.to_vec();
            differences[label as usize] -= 1.0;
            let count = logits.len() as f64;
            let value = dot(&differences, &differences) / count;
            (value, differences.into_iter().map(|difference| 2.0 * difference / count).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::Block;
    use crate::data::Matrix;
    use crate::learner::{Bank, Optimiser, Start, Stop};

    #[test]
    fn ranking_loss_by_hand() {
        // Pairs (0, 3) and (1, 2), the first of each with the larger loss: 1 + 1.8 and 1 - .5.
        let (loss, slopes) = ranking_loss(&[0.2, 1.0, 0.5, 2.0], &[1.0, 2.0, 0.1, 0.9], 1.0);
        assert!((loss - 1.65).abs() < 1e-12);
        assert_eq!(slopes, [-0.5, -0.5, 0.5, 0.5]);
        // Far enough apart in the right order: nothing to learn.
        assert_eq!(ranking_loss(&[3.0, 1.0], &[2.0, 1.0], 1.0), (0.0, vec![0.0, 0.0]));
        // The middle of three has no partner; of equal losses the second counts as the larger.
        assert_eq!(ranking_loss(&[0.0, 9.0, 0.0], &[1.0, 5.0, 1.0], 1.0), (1.0, vec![1.0, 0.0, -1.0]));
        assert_eq!(ranking_loss(&[4.0], &[1.0], 1.0), (0.0, vec![0.0]));
    }

    #[test]
    fn ranking_slopes_are_finite_differences() {
        let losses = [0.3, 1.1, 0.2, 2.0, 0.7, 0.4];
        let predicted = [0.1, -0.4, 0.9, 0.25, 1.3, -0.6];
        let (_, slopes) = ranking_loss(&predicted, &losses, 1.0);
        for at in 0..predicted.len() {
            let moved = |by: f64| {
                let mut predicted = predicted;
                predicted[at] += by;
                ranking_loss(&predicted, &losses, 1.0).0
            };
            let expected = (moved(1e-6) - moved(-1e-6)) / 2e-6;
            assert!((slopes[at] - expected).abs() < 1e-8, "{at}: {} {expected}", slopes[at]);
        }
    }

    /// Rows in two dimensions whose class is decided near a line, where it is noisy.
    fn noisy(count: usize, key: Key) -> (Matrix, Vec<u32>) {
        let mut rng = key.rng();
        let mut draw = || rng.random::<f64>() * 2.0 - 1.0;
        let (mut values, mut labels) = (Vec::new(), Vec::new());
        for _ in 0..count {
            let (x, y, noise) = (draw(), draw(), draw());
            values.extend([x as f32, y as f32]);
            labels.push(u32::from(x + 0.4 * noise > 0.0));
        }
        (Matrix::new(values, count, 2), labels)
    }

    fn plan(optimiser: Optimiser, rate: f32, epochs: u32) -> TrainPlan {
        TrainPlan {
            loss: Loss::CrossEntropy,
            optimiser,
            learning_rate: rate,
            weight_decay: 1e-4,
            batch: 16,
            stop: Stop::Epochs { epochs },
            start: Start::Scratch,
        }
    }

    fn residual_spec() -> NetSpec {
        let blocks =
            vec![Block::Dense { width: 6 }, Block::Residual { width: 6 }, Block::Residual { width: 4 }];
        NetSpec::new(2, blocks, 2, 0.0).unwrap()
    }

    /// The gradient of the whole objective, module and network, and what of it comes through the taps.
    #[test]
    fn gradients_are_finite_differences_and_stop_at_detached_taps() {
        for loss in [Loss::CrossEntropy, Loss::Squared] {
            let module = LossModule { width: 3, weight: 0.7, ..LossModule::default() };
            let layout = Layout::new(&residual_spec(), module).unwrap();
            assert_eq!(layout.taps.len(), 3);
            let parameters = layout.start(None, Key::root(3)).unwrap();
            let (inputs, labels) = noisy(6, Key::root(4));
            let run = |parameters: &[f64], steers: bool| {
                let mut tapes = vec![Tape::new(&layout.program); 6];
                for (at, tape) in tapes.iter_mut().enumerate() {
                    tape.forward(&layout.program, parameters, inputs.row(at), &[]);
                }
                let mut gradient = vec![0.0; parameters.len()];
                let objective = layout.gradient(parameters, &mut tapes, &labels, loss, steers, &mut gradient);
                (objective, gradient)
            };
            let (objective, joint) = run(&parameters, true);
            assert!(objective.total > objective.target);
            let (_, detached) = run(&parameters, false);
            let own = layout.program.parameters;
            for (at, &found) in joint.iter().enumerate() {
                let moved = |by: f64| {
                    let mut parameters = parameters.clone();
                    parameters[at] += by;
                    run(&parameters, true).0
                };
                let (above, below) = (moved(1e-6), moved(-1e-6));
                let total = (above.total - below.total) / 2e-6;
                let target = (above.target - below.target) / 2e-6;
                // True losses are constants to the module: they only decide which of a pair is larger.
                assert!((found - total).abs() < 1e-7, "parameter {at}: {found} {total}");
                let expected = if at < own { target } else { total };
                assert!((detached[at] - expected).abs() < 1e-7, "detached, {at}");
            }
            assert!(joint[..own] != detached[..own], "the module steers while its taps are attached");
            // Exactly what no module at all would give.
            let silent = Layout { module: LossModule { weight: 0.0, ..module }, ..layout.clone() };
            let mut tapes = vec![Tape::new(&silent.program); 6];
            for (at, tape) in tapes.iter_mut().enumerate() {
                tape.forward(&silent.program, &parameters, inputs.row(at), &[]);
            }
            let mut gradient = vec![0.0; parameters.len()];
            silent.gradient(&parameters, &mut tapes, &labels, loss, true, &mut gradient);
            assert_eq!(gradient[..own], detached[..own]);
            assert!(gradient[own..].iter().all(|&value| value == 0.0));
        }
    }

    /// A module that does not steer leaves the network that a bank would train, by every optimiser, with
    /// dropout.
    #[test]
    fn without_steering_it_is_the_banks_network() {
        let (inputs, labels) = noisy(50, Key::root(5));
        let rows: Vec<u32> = (0..50).collect();
        let data = LaneData { inputs: inputs.view(), rows: &rows, labels: &labels, validation: (&[], &[]) };
        let blocks = vec![Block::Dense { width: 8 }, Block::Residual { width: 5 }];
        let spec = NetSpec::new(2, blocks, 2, 0.25).unwrap();
        for optimiser in [
            Optimiser::Sgd { momentum: 0.9, nesterov: false },
            Optimiser::Sgd { momentum: 0.5, nesterov: true },
            Optimiser::Adam,
            Optimiser::NAdam,
        ] {
            let plan = plan(optimiser, 0.01, 6);
            let mut bank = Bank::new(&spec, 1).unwrap();
            bank.fit(&[data], &plan, &[Key::root(6)]).unwrap();
            let module = LossModule { detach_after: 0.0, ..LossModule::default() };
            let alone = LossPredictor::fit(&spec, None, data, &plan, &module, Key::root(6)).unwrap();
            for (found, expected) in alone.weights().iter().zip(bank.weights(0)) {
                assert!((found - expected).abs() < 2e-4, "{optimiser:?}: {found} {expected}");
            }
            let joint = LossPredictor::fit(&spec, None, data, &plan, &LossModule::default(), Key::root(6));
            assert_ne!(joint.unwrap().weights(), alone.weights());
        }
    }

    /// It stops by a validation or a training loss where the bank's network does, and starts where it is told.
    #[test]
    fn it_stops_where_a_bank_stops() {
        let (inputs, labels) = noisy(60, Key::root(11));
        let rows: Vec<u32> = (0..40).collect();
        let held: Vec<u32> = (40..60).collect();
        let data = LaneData {
            inputs: inputs.view(),
            rows: &rows,
            labels: &labels[..40],
            validation: (&held, &labels[40..]),
        };
        let spec = NetSpec::mlp(2, &[8], 2).unwrap();
        let module = LossModule { detach_after: 0.0, ..LossModule::default() };
        let mut start = Bank::new(&spec, 1).unwrap();
        start.init(0, Key::root(12));
        for stop in [
            Stop::Validation { epochs: 60, patience: 1 },
            Stop::TrainLoss { epochs: 60, loss: 0.5 },
            Stop::Steps { steps: 7 },
        ] {
            let plan = TrainPlan { stop, start: Start::Warm, ..plan(Optimiser::Adam, 0.03, 1) };
            let mut bank = Bank::new(&spec, 1).unwrap();
            bank.set_weights(0, &start.weights(0)).unwrap();
            let steps = bank.fit(&[data], &plan, &[Key::root(6)]).unwrap()[0].steps;
            assert!(steps < 180, "{stop:?} stops before its last epoch");
            let begun = start.weights(0);
            let alone = LossPredictor::fit(&spec, Some(&begun), data, &plan, &module, Key::root(6)).unwrap();
            for (found, expected) in alone.weights().iter().zip(bank.weights(0)) {
                assert!((found - expected).abs() < 1e-3, "{stop:?}: {found} {expected}");
            }
        }
    }

    /// Spearman's coefficient; no ties.
    fn rank_correlation(a: &[f64], b: &[f64]) -> f64 {
        let ranks = |values: &[f64]| {
            let mut order: Vec<usize> = (0..values.len()).collect();
            order.sort_by(|&i, &j| values[i].total_cmp(&values[j]));
            let mut ranks = vec![0.0; values.len()];
            order.into_iter().enumerate().for_each(|(rank, at)| ranks[at] = rank as f64);
            ranks
        };
        let n = a.len() as f64;
        let squares: f64 = ranks(a).iter().zip(ranks(b)).map(|(x, y)| (x - y).powi(2)).sum();
        1.0 - 6.0 * squares / (n * (n * n - 1.0))
    }

    /// On rows that were never trained on, larger predictions go with larger losses.
    #[test]
    fn predictions_rank_true_losses() {
        let (inputs, labels) = noisy(600, Key::root(7));
        let rows: Vec<u32> = (0..200).collect();
        let data =
            LaneData { inputs: inputs.view(), rows: &rows, labels: &labels[..200], validation: (&[], &[]) };
        let spec = NetSpec::mlp(2, &[16, 16], 2).unwrap();
        let others: Vec<u32> = (200..600).collect();
        for detach_after in [0.0, 0.6] {
            let module = LossModule { width: 16, detach_after, ..LossModule::default() };
            let plan = plan(Optimiser::Adam, 0.01, 60);
            let predictor = LossPredictor::fit(&spec, None, data, &plan, &module, Key::root(8)).unwrap();
            let predicted = predictor.predicted(inputs.view(), &others);
            let losses = predictor.losses(inputs.view(), &others, &labels[200..]);
            let correlation = rank_correlation(&predicted, &losses);
            assert!(correlation > 0.4, "detached after {detach_after}: {correlation}");
        }
    }

    #[test]
    fn refusals() {
        let (inputs, labels) = noisy(4, Key::root(9));
        let data =
            LaneData { inputs: inputs.view(), rows: &[0, 1, 2, 3], labels: &labels, validation: (&[], &[]) };
        let fit = |spec: &NetSpec, start: Option<&[f32]>, width: usize| {
            let module = LossModule { width, ..LossModule::default() };
            let plan = plan(Optimiser::Adam, 0.01, 2);
            LossPredictor::fit(spec, start, data, &plan, &module, Key::root(1)).unwrap_err()
        };
        let linear = NetSpec::mlp(2, &[], 2).unwrap();
        assert!(matches!(fit(&linear, None, 8).downcast_ref(), Some(LearnError::Taps)));
        let spec = NetSpec::mlp(2, &[3], 2).unwrap();
        let few = fit(&spec, Some(&[0.0; 3]), 8);
        assert!(matches!(few.downcast_ref(), Some(LearnError::Weights { expected: 17, found: 3, .. })));
        let bad = fit(&spec, Some(&[f32::NAN; 17]), 8);
        assert!(matches!(bad.downcast_ref(), Some(LearnError::NotFinite { index: 0, .. })));
        let wide = fit(&spec, None, usize::MAX / 2);
        assert!(matches!(wide.downcast_ref(), Some(LearnError::Memory { .. })));
        assert!(matches!(fit(&spec, None, 0).downcast_ref(), Some(LearnError::Plan { .. })));
    }

    /// A rate that blows the weights up leaves finite predictions.
    #[test]
    fn divergence_keeps_finite_parameters() {
        let (inputs, labels) = noisy(32, Key::root(10));
        let rows: Vec<u32> = (0..32).collect();
        let data = LaneData { inputs: inputs.view(), rows: &rows, labels: &labels, validation: (&[], &[]) };
        let spec = NetSpec::mlp(2, &[4], 2).unwrap();
        let plan = plan(Optimiser::Sgd { momentum: 0.9, nesterov: false }, 1e30, 50);
        let predictor =
            LossPredictor::fit(&spec, None, data, &plan, &LossModule::default(), Key::root(1)).unwrap();
        assert!(predictor.parameters.iter().all(|value| value.is_finite()));
    }
}
