//! Manifold mixup: networks that are trained on rows whose activations are mixed at a hidden layer.
//!
//! V. Verma, A. Lamb, C. Beckham, A. Najafi, I. Mitliagkas, D. Lopez-Paz and Y. Bengio, *Manifold mixup: better
//! representations by interpolating hidden states*, ICML 2019. A mixed row goes forward as two inputs up to its layer, where
//! `h = λ h_a + (1 - λ) h_b`, and as one from there on; its gradient goes back into both.
//!
//! This is plain backpropagation in 64 bits, network by network: a bank's chunks have one row per example. It starts at
//! a bank's weights and sees its mini-batches and dropout masks (a mixed row has one mask for both inputs), so that rows that
//! are mixed at their inputs give the bank's network up to rounding.

use super::bank::host_mask;
use super::descent::Descent;
use super::plan::{FitReport, ModelData, Stop, TrainPlan};
use super::program::{Affine, Program};
use super::reverse::{Tape, softmax};
use super::schedule::ModelRun;
use super::virtual_rows::Aim;
use crate::rng::Key;

/// Both inputs of a row, the first one's share, and the layer at which they are mixed.
#[derive(Clone, Copy, Debug)]
struct Mixed<'a> {
    other: &'a [f32],
    share: f64,
    layer: usize,
}

/// A network that is being trained.
struct Trainer<'p> {
    program: &'p Program,
    parameters: Vec<f64>,
    /// The sum of the mini-batch's gradients so far.
    gradient: Vec<f64>,
    /// The row, or what is mixed; the two inputs of what is.
    tape: Tape,
    ends: [Tape; 2],
}

/// Trains a network whose weights start where `weights` stand, and leaves there what they come to. Where a loss stops being
/// finite, the last weights with a finite one are kept.
pub(super) fn fit(
    program: &Program,
    weights: &mut [f32],
    data: ModelData<'_>,
    plan: &TrainPlan,
    dropout: f32,
    key: Key,
) -> FitReport {
    let parameters: Vec<f64> = weights.iter().copied().map(f64::from).collect();
    let mut trainer = Trainer::new(program, parameters);
    let mut before = trainer.parameters.clone();
    let mut descent = Descent::new(plan, before.len());
    let mut run = ModelRun::new(data, plan, key);
    while run.is_active() {
        run.begin_step();
        let rows = run.rows_left();
        let masks = masks(program, dropout, run.drop_word(), rows);
        trainer.gradient.fill(0.0);
        let mut loss = 0.0;
        for at in 0..rows {
            let own: Vec<Option<&[f32]>> = (program.maps.iter().zip(&masks))
                .map(|(map, mask)| mask.as_ref().map(|mask| &mask[at * map.fan_out..][..map.fan_out]))
                .collect();
            let (input, aim) = run.example(at);
            loss += trainer.add(input, mixed(&data, run.place(at)), aim, &own, 1.0 / rows as f64);
        }
        if !loss.is_finite() || trainer.gradient.iter().any(|slope| !slope.is_finite()) {
            run.diverge();
            trainer.parameters.copy_from_slice(&before);
            break;
        }
        before.copy_from_slice(&trainer.parameters);
        descent.step(&mut trainer.parameters, &trainer.gradient);
        let ended = run.end_step(loss, rows);
        let held = match plan.stop {
            Stop::Validation { .. } if ended => trainer.held_loss(&run),
            _ => 0.0,
        };
        if !run.goes_on(ended, held) {
            run.stop_here();
        }
    }
    if trainer.parameters.iter().any(|&weight| !(weight as f32).is_finite()) {
        run.diverged_at_last();
        trainer.parameters = before;
    }
    weights.iter_mut().zip(&trainer.parameters).for_each(|(weight, &own)| *weight = own as f32);
    run.report()
}

/// What a row to train on is mixed with; nothing, where it is a row of its own.
fn mixed<'a>(data: &ModelData<'a>, place: usize) -> Option<Mixed<'a>> {
    let at = place.checked_sub(data.rows.len())?;
    let hidden = data.extra?.hidden?;
    let share = f64::from(hidden.shares[at]);
    let mixed = Mixed { other: hidden.others.row(at), share, layer: hidden.layers[at] };
    (share < 1.0).then_some(mixed)
}

impl<'p> Trainer<'p> {
    fn new(program: &'p Program, parameters: Vec<f64>) -> Self {
        let tape = Tape::new(program);
        Self {
            program,
            gradient: vec![0.0; parameters.len()],
            parameters,
            ends: [tape.clone(), tape.clone()],
            tape,
        }
    }

    /// Adds a row's gradient, times `scale`; gives its loss.
    fn add(
        &mut self,
        input: &[f32],
        mixed: Option<Mixed<'_>>,
        aim: Aim<'_>,
        masks: &[Option<&[f32]>],
        scale: f64,
    ) -> f64 {
        let (program, parameters, all) = (self.program, &self.parameters, self.program.maps.len());
        let (buffer, first) = mixed.map_or((0, 0), |mixed| program.cuts[mixed.layer]);
        match mixed {
            None => self.tape.set_input(input),
            Some(Mixed { other, share, .. }) => {
                for (end, input) in self.ends.iter_mut().zip([input, other]) {
                    end.set_input(input);
                    end.forward_through(program, parameters, 0..first, masks);
                }
                let [one, two] = self.ends.each_ref().map(|end| end.value(buffer));
                let values: Vec<f64> =
                    one.iter().zip(two).map(|(a, b)| share * a + (1.0 - share) * b).collect();
                self.tape.set(buffer, &values);
            }
        }
        self.tape.forward_through(program, parameters, first..all, masks);
        let logits = self.tape.value(program.logits());
        let (loss, slopes) = soft_cross_entropy(logits, aim);
        let slopes: Vec<f64> = slopes.into_iter().map(|slope| scale * slope).collect();
        self.tape.start_slopes(program.logits(), &slopes);
        self.tape.backward_through(program, parameters, first..all, false);
        self.tape.add_gradient(program, first..all, &mut self.gradient);
        if let (Some(Mixed { share, .. }), true) = (mixed, first > 0) {
            for (end, share) in self.ends.iter_mut().zip([share, 1.0 - share]) {
                let slopes: Vec<f64> = self.tape.slope(buffer).iter().map(|slope| share * slope).collect();
                end.start_slopes(buffer, &slopes);
                end.backward_through(program, parameters, 0..first, false);
                end.add_gradient(program, 0..first, &mut self.gradient);
            }
        }
        loss
    }

    /// The mean loss on the validation rows; zero without any.
    fn held_loss(&mut self, run: &ModelRun<'_>) -> f64 {
        let rows = run.held().0.len();
        let mut sum = 0.0;
        for at in 0..rows {
            let (input, aim) = run.held_row(at);
            self.tape.forward(self.program, &self.parameters, input, &[]);
            sum += soft_cross_entropy(self.tape.value(self.program.logits()), aim).0;
        }
        sum / rows.max(1) as f64
    }
}

/// `w (ln sum e^z - sum y z)`, and its derivative by the logits, `w (p - y)`.
fn soft_cross_entropy(logits: &[f64], aim: Aim<'_>) -> (f64, Vec<f64>) {
    let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let log_sum = largest + logits.iter().map(|logit| (logit - largest).exp()).sum::<f64>().ln();
    let weight = f64::from(aim.weight());
    let share = |class: usize| f64::from(aim.share(class));
    let aimed: f64 = logits.iter().enumerate().map(|(class, logit)| share(class) * logit).sum();
    let slopes = softmax(logits).into_iter().enumerate().map(|(class, p)| weight * (p - share(class)));
    (weight * (log_sum - aimed), slopes.collect())
}

/// The dropout factors of one step, for every map that dropout follows.
pub(super) fn masks(program: &Program, rate: f32, word: u64, rows: usize) -> Vec<Option<Vec<f32>>> {
    let mask = |(index, map): (usize, &Affine)| {
        (rate > 0.0 && map.drop).then(|| host_mask(rate, word, index, rows * map.fan_out))
    };
    program.maps.iter().enumerate().map(mask).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::{Block, NetSpec};
    use crate::data::Matrix;
    use crate::learner::virtual_rows::HiddenMixtures;
    use crate::learner::{Bank, VirtualRows};
    use rand::RngExt;

    fn spec(dropout: f32) -> NetSpec {
        let blocks =
            vec![Block::Dense { width: 6 }, Block::Residual { width: 6 }, Block::Residual { width: 4 }];
        NetSpec::new(4, blocks, 3, dropout).unwrap()
    }

    #[test]
    fn gradients_are_finite_differences() {
        let program = Program::new(&spec(0.0));
        let mut rng = Key::root(2).rng();
        let parameters: Vec<f64> = (0..program.parameters).map(|_| rng.random::<f64>() * 1.6 - 0.8).collect();
        let mut row = || (0..4).map(|_| rng.random::<f32>() * 2.0 - 1.0).collect::<Vec<f32>>();
        let (input, other) = (row(), row());
        let aim = Aim::Soft { target: &[0.7, 0.0, 0.3], weight: 1.5 };
        for layer in 0..program.cuts.len() {
            let mixed = Some(Mixed { other: &other, share: 0.3, layer });
            let mut trainer = Trainer::new(&program, parameters.clone());
            trainer.add(&input, mixed, aim, &[], 1.0);
            let found = trainer.gradient.clone();
            for (at, &found) in found.iter().enumerate() {
                let mut moved = |step: f64| {
                    trainer.parameters[at] = parameters[at] + step;
                    let loss = trainer.add(&input, mixed, aim, &[], 1.0);
                    trainer.parameters[at] = parameters[at];
                    loss
                };
                let expected = (moved(1e-6) - moved(-1e-6)) / 2e-6;
                assert!((found - expected).abs() < 1e-7, "layer {layer}, {at}: {found} {expected}");
            }
        }
    }

    /// Rows with labels, and mixtures of them in two draws, at `layer`.
    fn fitted(layer: usize, inputs_mixed_before: bool, dropout: f32) -> (Vec<f32>, FitReport) {
        let (mut weights, mut reports) = fitted_beside(layer, inputs_mixed_before, dropout, 0);
        (weights.remove(0), reports.remove(0))
    }

    /// The same with neighbours in the bank behind it that are trained on labels alone.
    fn fitted_beside(
        layer: usize,
        inputs_mixed_before: bool,
        dropout: f32,
        neighbours: usize,
    ) -> (Vec<Vec<f32>>, Vec<FitReport>) {
        let mut rng = Key::root(4).rng();
        let inputs = Matrix::new((0..80).map(|_| rng.random::<f32>() * 2.0 - 1.0).collect(), 20, 4);
        let labels: Vec<u32> = (0..12).map(|row| row % 3).collect();
        let rows: Vec<u32> = (0..12).collect();
        let (ends, shares): (Vec<[usize; 2]>, Vec<f32>) =
            (0..10).map(|at| ([at, (at + 4) % 12], rng.random::<f32>())).unzip();
        let mut targets = Matrix::zeros(10, 3);
        for (at, (ends, share)) in ends.iter().zip(&shares).enumerate() {
            targets.row_mut(at)[ends[0] % 3] += share;
            targets.row_mut(at)[ends[1] % 3] += 1.0 - share;
        }
        let mix = |at: usize| {
            let [a, b] = ends[at].map(|row| inputs.row(row));
            let share = shares[at];
            a.iter().zip(b).map(move |(a, b)| share * a + (1.0 - share) * b).collect::<Vec<f32>>()
        };
        let points = Matrix::new((0..10).flat_map(mix).collect(), 10, 4);
        let [one, two] = [0, 1].map(|end| {
            Matrix::new(ends.iter().flat_map(|ends| inputs.row(ends[end]).to_vec()).collect(), 10, 4)
        });
        let layers = [layer; 10];
        let hidden = HiddenMixtures { others: two.view(), shares: &shares, layers: &layers };
        let extra = VirtualRows {
            inputs: if inputs_mixed_before { points.view() } else { one.view() },
            targets: targets.view(),
            weights: &[1.0; 10],
            draws: 2,
            hidden: (!inputs_mixed_before).then_some(hidden),
        };
        let data = ModelData {
            inputs: inputs.view(),
            rows: &rows,
            labels: &labels,
            validation: (&[], &[]),
            extra: Some(extra),
        };
        let plan = TrainPlan { batch: 5, stop: Stop::Epochs { epochs: 6 }, ..TrainPlan::default() };
        let mut bank = Bank::new(&spec(dropout), 1 + neighbours).unwrap();
        let plain = (0..neighbours).map(|_| ModelData { extra: None, ..data });
        let all: Vec<_> = std::iter::once(data).chain(plain).collect();
        let keys: Vec<Key> = (5..).map(Key::root).take(all.len()).collect();
        let reports = bank.fit(&all, &plan, &keys).unwrap();
        ((0..all.len()).map(|model| bank.weights(model)).collect(), reports)
    }

    /// At layer 0 it is the bank's own network up to rounding, dropout included; at others it is another.
    #[test]
    fn mixing_inputs_is_what_the_bank_does() {
        for dropout in [0.0, 0.3] {
            let (bank, report) = fitted(0, true, dropout);
            let apart = |layer| {
                let (weights, own) = fitted(layer, false, dropout);
                assert_eq!(own.steps, report.steps);
                weights.iter().zip(&bank).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
            };
            assert!(apart(0) < 2e-4, "{}", apart(0));
            assert!(apart(1) > 1e-2 && apart(3) > 1e-2);
        }
    }

    /// Neither a mixed network nor a plain one is another for the other's sake.
    #[test]
    fn networks_do_not_depend_on_their_neighbours() {
        for dropout in [0.0, 0.3] {
            let [few, many] = [1, 20].map(|neighbours| fitted_beside(2, false, dropout, neighbours));
            assert_eq!((&few.0[0], few.1[0]), (&fitted(2, false, dropout).0, fitted(2, false, dropout).1));
            assert_eq!((&few.0[..], &few.1[..]), (&many.0[..2], &many.1[..2]));
            // A mixed network changes nothing in a plain one: rows that are mixed at the inputs beforehand do not, either.
            assert_eq!(few.0[1], fitted_beside(0, true, dropout, 1).0[1]);
        }
    }
}
