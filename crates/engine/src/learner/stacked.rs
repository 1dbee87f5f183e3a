//! The networks of a bank as batched matrix products on a burn device.
//!
//! The weights of all networks are one tensor `[networks][parameters]` in the documented order, and so are
//! both moments; rows, activations and gradients are `[networks][rows][units]`. Labelled rows travel to the
//! device once per fit, a step sends only which of them it reads. Losses come back when a rule to stop asks
//! for them, or after [`PENDING`] steps, so that the device is seldom waited for.
//!
//! Batches, masks, rules to stop and factors of the update are those of the bank engine; sums have another
//! order, so results agree to rounding and not to the bit. Gradients are written out: burn's automatic ones
//! register every node under one lock of the process.

use super::bank::{BETA1, BETA2, Clock, EPSILON, Rule, host_mask};
use super::plan::{Loss, Stop, TrainPlan};
use super::program::{Affine, Finish, Program, Start};
use super::schedule::ModelRun;
use super::virtual_rows::Aim;
use burn::tensor::activation::{log_softmax, relu};
use burn::tensor::{Device, Int, Tensor, TensorData};

/// The most networks that one tensor holds.
const NETWORKS: usize = 4_096;
/// The most numbers of one tensor: networks beyond are trained after the others.
const NUMBERS: usize = 1 << 28;
/// Steps whose losses may wait on the device.
const PENDING: usize = 256;

/// Trains networks from `weights`, `[networks][parameters]`, and leaves each one's last weights there; of one
/// that diverges, any.
pub(super) fn fit(
    device: &Device,
    program: &Program,
    weights: &mut [f32],
    runs: &mut [ModelRun<'_>],
    plan: &TrainPlan,
    dropout: f32,
) {
    let rows = runs.iter().map(|run| run.count().max(run.held().0.len())).max().unwrap_or(0);
    let widest = program.buffers.iter().copied().max().unwrap_or(1);
    let each = program.parameters.max((rows + 1).saturating_mul(widest)).max(1);
    let together = (NUMBERS / each).clamp(1, NETWORKS);
    for (runs, weights) in runs.chunks_mut(together).zip(weights.chunks_mut(together * program.parameters)) {
        Stack::new(device, program, weights, runs, plan, dropout).train(weights, runs);
    }
}

/// Rows of every network on the device, and which of them have which class.
struct Rows {
    /// `[networks * rows + 1][width]`; the last row is of zeros, for networks with fewer rows than others.
    inputs: Tensor<2>,
    /// Targets times weights, `[networks * rows + 1][classes]`: one for a labelled row's class; none in the last row.
    classes: Tensor<2>,
    /// Rows per network.
    each: usize,
}

/// A step whose losses are still on the device.
struct Pending {
    losses: Tensor<1>,
    /// Step, epoch and rows of each network that made it.
    made: Vec<Option<(u32, u32, usize)>>,
}

/// The networks of one stack in training.
struct Stack<'a> {
    device: &'a Device,
    program: &'a Program,
    plan: &'a TrainPlan,
    dropout: f32,
    networks: usize,
    weights: Tensor<2>,
    /// Both moments of Adam and its kin; of SGD, the first is its buffer.
    moments: [Tensor<2>; 2],
    clock: Clock,
    rows: Rows,
    held: Option<Rows>,
}

impl<'a> Stack<'a> {
    fn new(
        device: &'a Device,
        program: &'a Program,
        weights: &[f32],
        runs: &[ModelRun<'_>],
        plan: &'a TrainPlan,
        dropout: f32,
    ) -> Self {
        let (networks, shape) = (runs.len(), [runs.len(), program.parameters]);
        let held = matches!(plan.stop, Stop::Validation { .. });
        Self {
            device,
            program,
            plan,
            dropout,
            networks,
            weights: Tensor::from_data(TensorData::new(weights.to_vec(), shape), device),
            moments: [Tensor::zeros(shape, device), Tensor::zeros(shape, device)],
            clock: Clock::new(plan.optimiser, plan.learning_rate),
            rows: Rows::of(device, program, runs, ModelRun::count, ModelRun::all),
            held: held.then(|| Rows::of(device, program, runs, |run| run.held().0.len(), ModelRun::held_row)),
        }
    }

    /// Trains until every network's rule says stop; its weights then are its result.
    fn train(&mut self, weights: &mut [f32], runs: &mut [ModelRun<'_>]) {
        let parameters = self.program.parameters;
        let mut pending = Vec::new();
        while runs.iter().any(ModelRun::is_active) {
            runs.iter_mut().for_each(ModelRun::begin_step);
            let counts: Vec<usize> = runs.iter().map(ModelRun::rows_left).collect();
            let made =
                |run: &ModelRun<'_>, rows| run.is_active().then(|| (run.coming().0, run.coming().1, rows));
            let made = runs.iter().zip(&counts).map(|(run, &rows)| made(run, rows)).collect();
            pending.push(Pending { losses: self.step(runs, &counts), made });
            let mut ended = vec![false; runs.len()];
            for ((run, ended), &rows) in runs.iter_mut().zip(&mut ended).zip(&counts) {
                *ended = run.is_active() && run.advance(rows);
            }
            let asks = matches!(self.plan.stop, Stop::TrainLoss { .. } | Stop::Validation { .. });
            let epoch = ended.contains(&true);
            if (asks && epoch) || pending.len() == PENDING {
                self.note(&mut pending, runs);
            }
            let held = match &self.held {
                Some(held) if epoch => self.held_losses(held, runs),
                _ => vec![0.0; runs.len()],
            };
            let mut stopped = Vec::new();
            for (at, run) in runs.iter_mut().enumerate().filter(|(_, run)| run.is_active()) {
                if !run.goes_on(ended[at], held[at]) {
                    run.stop_here();
                    stopped.push(at);
                }
            }
            if !stopped.is_empty() {
                let found = host(self.weights.clone());
                for own in stopped.into_iter().map(|at| at * parameters..(at + 1) * parameters) {
                    weights[own.clone()].copy_from_slice(&found[own]);
                }
            }
        }
        self.note(&mut pending, runs);
    }

    /// One step of every network; gives their sums of losses.
    fn step(&mut self, runs: &[ModelRun<'_>], counts: &[usize]) -> Tensor<1> {
        let most = counts.iter().copied().max().unwrap_or(0);
        let nothing = self.networks * self.rows.each;
        let mut places = vec![nothing as i32; self.networks * most];
        for (at, (run, &count)) in runs.iter().zip(counts).enumerate() {
            for (row, place) in places[at * most..].iter_mut().take(count).enumerate() {
                *place = (at * self.rows.each + run.place(row)) as i32;
            }
        }
        let places =
            Tensor::<1, Int>::from_data(TensorData::new(places, [self.networks * most]), self.device);
        let scale: Vec<f32> = counts.iter().map(|&n| if n == 0 { 0.0 } else { 1.0 / n as f32 }).collect();
        let scale = Tensor::from_data(TensorData::new(scale, [self.networks, 1, 1]), self.device);
        let (inputs, classes) = self.rows.pick(places, self.networks, most);
        let masks = self.masks(runs, most);
        let values = self.forward(inputs, &masks);
        let (losses, slope) = self.losses(values[self.program.logits()].clone(), classes);
        let gradient = self.backward(&values, slope * scale, &masks);
        self.update(gradient);
        losses
    }

    /// The values of every buffer, `[networks][rows][units]`.
    fn forward(&self, inputs: Tensor<3>, masks: &[Option<Tensor<3>>]) -> Vec<Tensor<3>> {
        let mut values = vec![inputs];
        for (index, map) in self.program.maps.iter().enumerate() {
            let mut sum = values[map.input].clone().matmul(self.matrix(map));
            if let Some(at) = map.bias {
                sum = sum + self.part(at, 1, map.fan_out);
            }
            match map.start {
                Start::Bias => {}
                Start::BiasPlus(skip) => sum = sum + values[skip].clone(),
                Start::Output => sum = sum + values[map.output].clone(),
            }
            if map.finish == Finish::Relu {
                sum = relu(sum);
            }
            if let Some(Some(mask)) = masks.get(index) {
                sum = sum * mask.clone();
            }
            values.truncate(map.output);
            values.push(sum);
        }
        values
    }

    /// Sums of losses, and what the loss of a row changes by with each of its logits.
    fn losses(&self, logits: Tensor<3>, classes: Tensor<3>) -> (Tensor<1>, Tensor<3>) {
        let networks = [self.networks];
        let exists = classes.clone().sum_dim(2);
        match self.plan.loss {
            Loss::CrossEntropy => {
                let log = log_softmax(logits, 2);
                let losses = (log.clone() * classes.clone()).sum_dim(2).sum_dim(1).neg().reshape(networks);
                (losses, log.exp() * exists - classes)
            }
            Loss::Squared => {
                let outputs = self.program.buffers[self.program.logits()] as f32;
                let miss = (logits - classes) * exists;
                let losses =
                    miss.clone().square().sum_dim(2).sum_dim(1).div_scalar(outputs).reshape(networks);
                (losses, miss.mul_scalar(2.0 / outputs))
            }
            Loss::SquaredError | Loss::BetaNll | Loss::BinaryCrossEntropy | Loss::CrossEntropyDice => {
                unreachable!("a bank on a device is fitted to classes alone")
            }
        }
    }

    /// The gradient with respect to all weights, in the documented order.
    fn backward(&self, values: &[Tensor<3>], slope: Tensor<3>, masks: &[Option<Tensor<3>>]) -> Tensor<2> {
        let mut slopes: Vec<Option<Tensor<3>>> = vec![None; values.len()];
        slopes[self.program.logits()] = Some(slope);
        let mut parts = Vec::new();
        for (index, map) in self.program.maps.iter().enumerate().rev() {
            let mut slope = slopes[map.output].take().expect("a later map reads every buffer");
            if let Some(Some(mask)) = masks.get(index) {
                slope = slope * mask.clone();
            }
            if map.finish == Finish::Relu {
                slope = slope * values[map.output].clone().greater_elem(0.0).float();
            }
            if map.bias.is_some() {
                parts.push(slope.clone().sum_dim(1).reshape([self.networks, map.fan_out]));
            }
            let weights = values[map.input].clone().swap_dims(1, 2).matmul(slope.clone());
            parts.push(weights.reshape([self.networks, map.fan_in * map.fan_out]));
            if map.input != 0 {
                let through = slope.clone().matmul(self.matrix(map).swap_dims(1, 2));
                add(&mut slopes[map.input], through);
            }
            match map.start {
                Start::Bias => {}
                // The pool's inputs have no slope.
                Start::BiasPlus(0) => {}
                Start::BiasPlus(skip) => add(&mut slopes[skip], slope),
                Start::Output => slopes[map.output] = Some(slope),
            }
        }
        parts.reverse();
        Tensor::cat(parts, 1)
    }

    /// Moves all weights.
    fn update(&mut self, gradient: Tensor<2>) {
        let weights = self.weights.clone();
        let gradient = match self.plan.weight_decay {
            0.0 => gradient,
            decay => gradient + weights.clone().mul_scalar(decay),
        };
        let [first, second] = self.moments.clone();
        match self.clock.tick() {
            Rule::Sgd { rate, momentum, nesterov, .. } => {
                let buffer = first.mul_scalar(momentum) + gradient.clone();
                let direction =
                    if nesterov { buffer.clone().mul_scalar(momentum) + gradient } else { buffer.clone() };
                self.moments[0] = buffer;
                self.weights = weights - direction.mul_scalar(rate);
            }
            Rule::Moments { moment, gradient: share, root } => {
                let first = first.clone() + (gradient.clone() - first).mul_scalar(1.0 - BETA1);
                let second = second.mul_scalar(BETA2) + gradient.clone().square().mul_scalar(1.0 - BETA2);
                let denominator = second.clone().sqrt().mul_scalar(root).add_scalar(EPSILON);
                let mut direction = first.clone().mul_scalar(moment);
                if share != 0.0 {
                    direction = direction + gradient.mul_scalar(share);
                }
                self.moments = [first, second];
                self.weights = weights - direction / denominator;
            }
            Rule::ModelMoments { .. } => unreachable!("a clock is one network's"),
        }
    }

    /// Dropout factors of the coming step for every map that dropout follows.
    fn masks(&self, runs: &[ModelRun<'_>], rows: usize) -> Vec<Option<Tensor<3>>> {
        if self.dropout == 0.0 {
            return Vec::new();
        }
        let mask = |(index, map): (usize, &Affine)| {
            map.drop.then(|| {
                let count = rows * map.fan_out;
                let of = |run: &ModelRun<'_>| host_mask(self.dropout, run.drop_word(), index, count);
                let values: Vec<f32> = runs.iter().flat_map(of).collect();
                Tensor::from_data(TensorData::new(values, [self.networks, rows, map.fan_out]), self.device)
            })
        };
        self.program.maps.iter().enumerate().map(mask).collect()
    }

    /// Mean losses on the validation rows.
    fn held_losses(&self, held: &Rows, runs: &[ModelRun<'_>]) -> Vec<f64> {
        let (inputs, classes) = held.all(self.networks);
        let logits = self.forward(inputs, &[]).swap_remove(self.program.logits());
        let sums = host(self.losses(logits, classes).0);
        let mean = |(&sum, run): (&f32, &ModelRun<'_>)| f64::from(sum) / run.held().0.len().max(1) as f64;
        sums.iter().zip(runs).map(mean).collect()
    }

    /// Fetches the losses that wait, and ends the training of networks whose loss was not finite.
    fn note(&self, pending: &mut Vec<Pending>, runs: &mut [ModelRun<'_>]) {
        if pending.is_empty() {
            return;
        }
        let (losses, made): (Vec<_>, Vec<_>) = pending.drain(..).map(|step| (step.losses, step.made)).unzip();
        let losses = host(Tensor::cat(losses, 0));
        for (losses, made) in losses.chunks_exact(self.networks).zip(made) {
            for ((run, &loss), made) in runs.iter_mut().zip(losses).zip(made) {
                let Some((step, epoch, rows)) = made.filter(|_| run.report().diverged_at.is_none()) else {
                    continue;
                };
                if loss.is_finite() {
                    run.note(epoch, f64::from(loss), rows);
                } else {
                    run.diverge_at(step);
                }
            }
        }
    }

    /// The weights of a map, `[networks][fan_in][fan_out]`.
    fn matrix(&self, map: &Affine) -> Tensor<3> {
        self.part(map.weights, map.fan_in, map.fan_out)
    }

    fn part(&self, from: usize, rows: usize, cols: usize) -> Tensor<3> {
        self.weights.clone().narrow(1, from, rows * cols).reshape([self.networks, rows, cols])
    }
}

impl Rows {
    fn of<'a>(
        device: &Device,
        program: &Program,
        runs: &[ModelRun<'a>],
        length: impl Fn(&ModelRun<'a>) -> usize,
        row: impl Fn(&ModelRun<'a>, usize) -> (&'a [f32], Aim<'a>),
    ) -> Self {
        let (width, outputs) = (program.buffers[0], program.buffers[program.logits()]);
        let each = runs.iter().map(&length).max().unwrap_or(0);
        let count = runs.len() * each + 1;
        let (mut inputs, mut classes) = (vec![0.0f32; count * width], vec![0.0f32; count * outputs]);
        for (at, run) in runs.iter().enumerate() {
            for place in 0..length(run) {
                let ((input, aim), place) = (row(run, place), at * each + place);
                inputs[place * width..(place + 1) * width].copy_from_slice(input);
                for (class, share) in classes[place * outputs..(place + 1) * outputs].iter_mut().enumerate() {
                    *share = aim.share(class) * aim.weight();
                }
            }
        }
        Self {
            inputs: Tensor::from_data(TensorData::new(inputs, [count, width]), device),
            classes: Tensor::from_data(TensorData::new(classes, [count, outputs]), device),
            each,
        }
    }

    /// The rows in `places`, and their classes, `[networks][rows][...]`.
    fn pick(&self, places: Tensor<1, Int>, networks: usize, rows: usize) -> (Tensor<3>, Tensor<3>) {
        let of = |table: &Tensor<2>| {
            let width = table.dims()[1];
            table.clone().select(0, places.clone()).reshape([networks, rows, width])
        };
        (of(&self.inputs), of(&self.classes))
    }

    /// All rows, and their classes.
    fn all(&self, networks: usize) -> (Tensor<3>, Tensor<3>) {
        let of = |table: &Tensor<2>| {
            let width = table.dims()[1];
            table.clone().narrow(0, 0, networks * self.each).reshape([networks, self.each, width])
        };
        (of(&self.inputs), of(&self.classes))
    }
}

fn add(sum: &mut Option<Tensor<3>>, more: Tensor<3>) {
    *sum = Some(match sum.take() {
        Some(sum) => sum + more,
        None => more,
    });
}

/// A tensor's values on the host.
fn host<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_to_vec().expect("networks are made of f32")
}
