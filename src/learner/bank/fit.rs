//! The training loop of one team: mini-batches, stop rules, divergence.

use super::math::NO_ROW;
use super::simd::LINE;
use super::team::{CHUNK, DropKeys, RowPointers, Team};
use super::update::Clock;
use crate::learner::plan::{FitReport, LaneData, Stop, TrainPlan};
use crate::rng::Key;

/// Where one network is in its training.
pub(super) struct LaneRun<'a> {
    data: LaneData<'a>,
    stop: Stop,
    batch: usize,
    /// Positions in `data.rows`, in the order of the current epoch.
    order: Vec<u32>,
    order_seed: u64,
    drop_seed: u64,
    active: bool,
    /// How far the current epoch has come.
    cursor: usize,
    epoch: u32,
    steps: u32,
    /// Sum of losses and number of rows of the current epoch.
    seen: (f64, usize),
    /// Mean loss of the last epoch.
    mean: f32,
    best: f64,
    waited: u32,
    diverged_at: Option<u32>,
}

impl<'a> LaneRun<'a> {
    pub fn new(data: LaneData<'a>, plan: &TrainPlan, key: Key) -> Self {
        Self {
            data,
            stop: plan.stop,
            batch: plan.batch,
            order: (0..data.rows.len() as u32).collect(),
            order_seed: key.named("order").seed64(),
            drop_seed: key.named("dropout").seed64(),
            active: true,
            cursor: 0,
            epoch: 0,
            steps: 0,
            seen: (0.0, 0),
            mean: f32::MAX,
            best: f64::INFINITY,
            waited: 0,
            diverged_at: None,
        }
    }

    pub fn report(&self) -> FitReport {
        FitReport { steps: self.steps, loss: self.mean, diverged_at: self.diverged_at }
    }

    /// Says that the weights after the last step are not finite, although its loss was.
    pub fn diverged_at_last(&mut self) {
        self.diverged_at = Some(self.steps + 1);
    }

    fn rows_left(&self) -> usize {
        if self.active { self.batch.min(self.data.rows.len() - self.cursor) } else { 0 }
    }

    fn begin_step(&mut self) {
        if self.active && self.cursor == 0 {
            // Drawn anew from the same start, so that an epoch's order depends on its number alone.
            self.order.iter_mut().zip(0..).for_each(|(place, row)| *place = row);
            shuffle(&mut self.order, mix(self.order_seed ^ u64::from(self.epoch)));
            self.seen = (0.0, 0);
        }
    }

    /// The input and the class of a row of the current mini-batch.
    fn example(&self, at: usize) -> (&'a [f32], u32) {
        let place = self.order[self.cursor + at] as usize;
        (self.data.inputs.row(self.data.rows[place] as usize), self.data.labels[place])
    }

    /// Counts a step; true at the end of an epoch.
    fn end_step(&mut self, loss: f64, rows: usize) -> bool {
        self.steps += 1;
        self.cursor += rows;
        self.seen = (self.seen.0 + loss, self.seen.1 + rows);
        let ended = self.cursor == self.data.rows.len();
        if ended {
            self.cursor = 0;
            self.epoch += 1;
        }
        self.mean = (self.seen.0 / self.seen.1 as f64) as f32;
        ended
    }

    /// Whether training goes on after an epoch whose validation loss, if asked for, was `held`.
    fn goes_on(&mut self, ended: bool, held: f64) -> bool {
        match self.stop {
            Stop::Steps { steps } => self.steps < steps,
            Stop::Epochs { epochs } => self.epoch < epochs,
            Stop::TrainLoss { epochs, loss } => self.epoch < epochs && !(ended && self.mean < loss),
            Stop::Validation { epochs, patience } => {
                if ended && held < self.best {
                    self.best = held;
                    self.waited = 0;
                } else if ended {
                    self.waited += 1;
                }
                self.epoch < epochs && self.waited <= patience
            }
        }
    }
}

/// Trains a team from the weights packed in it. `done(team, lane)` is called for each lane when its
/// training ends, while its weights are still in the team; not for a lane that diverged.
pub(super) fn fit(
    team: &mut Team,
    lanes: &mut [LaneRun<'_>],
    plan: &TrainPlan,
    dropout: f32,
    mut done: impl FnMut(&Team, usize),
) {
    assert!(lanes.len() <= LINE, "networks of a team");
    team.reset();
    let mut clock = Clock::new(plan.optimiser, plan.learning_rate);
    while lanes.iter().any(|lane| lane.active) {
        let mut counts = [0; LINE];
        let mut scale = [0.0; LINE];
        for (index, lane) in lanes.iter_mut().enumerate() {
            lane.begin_step();
            counts[index] = lane.rows_left();
            if lane.active {
                scale[index] = 1.0 / counts[index] as f32;
            }
        }
        let drop = (dropout > 0.0).then(|| drop_keys(lanes, dropout));
        let losses = gradient(team, lanes, plan, &counts, &scale, drop.as_ref());
        for (index, lane) in lanes.iter_mut().enumerate() {
            if lane.active && !losses[index].is_finite() {
                lane.active = false;
                lane.diverged_at = Some(lane.steps + 1);
            }
        }
        team.update(&mut clock, plan.weight_decay);
        let mut ended = [false; LINE];
        for (index, lane) in lanes.iter_mut().enumerate().filter(|(_, lane)| lane.active) {
            ended[index] = lane.end_step(losses[index], counts[index]);
        }
        let held = match plan.stop {
            Stop::Validation { .. } if ended.contains(&true) => held_losses(team, lanes, plan, &ended),
            _ => [0.0; LINE],
        };
        for (index, lane) in lanes.iter_mut().enumerate().filter(|(_, lane)| lane.active) {
            if !lane.goes_on(ended[index], held[index]) {
                lane.active = false;
                done(team, index);
            }
        }
    }
}

/// The gradient of one step, chunk after chunk; gives each lane's sum of losses.
fn gradient(
    team: &mut Team,
    lanes: &[LaneRun<'_>],
    plan: &TrainPlan,
    counts: &[usize; LINE],
    scale: &[f32; LINE],
    drop: Option<&DropKeys>,
) -> [f64; LINE] {
    let most = counts.iter().copied().max().unwrap_or(0);
    let mut sums = [0.0; LINE];
    team.transpose_weights();
    for first in (0..most).step_by(CHUNK) {
        let rows = CHUNK.min(most - first);
        for row in 0..rows {
            let mut inputs: RowPointers<'_> = [&[]; LINE];
            for (index, lane) in lanes.iter().enumerate() {
                let label = if first + row < counts[index] {
                    let (input, label) = lane.example(first + row);
                    inputs[index] = input;
                    label
                } else {
                    NO_ROW
                };
                team.set_label(row, index, label);
            }
            team.set_inputs(row, &inputs);
        }
        // Networks that have stopped may compute what they like: nobody reads it.
        let end = |index: usize| match lanes.get(index) {
            Some(lane) if lane.active => counts[index].saturating_sub(first).min(rows),
            _ => rows,
        };
        let ends: [usize; LINE] = std::array::from_fn(end);
        let ends = ends.iter().any(|&end| end < rows).then_some(&ends);
        team.forward(rows, first, drop, ends);
        team.losses(plan.loss, rows, scale, true);
        team.backward(rows, first > 0, drop, ends);
        add_losses(team, &mut sums, rows, lanes.len());
    }
    sums
}

/// The mean loss on the validation rows of the lanes marked in `which`.
fn held_losses(
    team: &mut Team,
    lanes: &[LaneRun<'_>],
    plan: &TrainPlan,
    which: &[bool; LINE],
) -> [f64; LINE] {
    let mut counts = [0; LINE];
    for (index, lane) in lanes.iter().enumerate().filter(|(index, _)| which[*index]) {
        counts[index] = lane.data.validation.0.len();
    }
    let most = counts.iter().copied().max().unwrap_or(0);
    let mut sums = [0.0; LINE];
    for first in (0..most).step_by(CHUNK) {
        let rows = CHUNK.min(most - first);
        for row in 0..rows {
            let mut inputs: RowPointers<'_> = [&[]; LINE];
            for (index, lane) in lanes.iter().enumerate() {
                let at = first + row;
                let mut label = NO_ROW;
                if at < counts[index] {
                    inputs[index] = lane.data.inputs.row(lane.data.validation.0[at] as usize);
                    label = lane.data.validation.1[at];
                }
                team.set_label(row, index, label);
            }
            team.set_inputs(row, &inputs);
        }
        team.forward(rows, 0, None, None);
        team.losses(plan.loss, rows, &[0.0; LINE], false);
        add_losses(team, &mut sums, rows, lanes.len());
    }
    std::array::from_fn(|index| sums[index] / counts[index].max(1) as f64)
}

fn add_losses(team: &Team, sums: &mut [f64; LINE], rows: usize, lanes: usize) {
    for row in 0..rows {
        for (lane, sum) in sums.iter_mut().enumerate().take(lanes) {
            *sum += f64::from(team.loss(row, lane));
        }
    }
}

fn drop_keys(lanes: &[LaneRun<'_>], rate: f32) -> DropKeys {
    let mut keys = DropKeys { rate, keys: [[0; LINE]; 2] };
    for (index, lane) in lanes.iter().enumerate() {
        keys.set(index, mix(lane.drop_seed ^ u64::from(lane.steps)));
    }
    if let [only] = lanes {
        let word = mix(only.drop_seed ^ u64::from(only.steps));
        (0..LINE).for_each(|index| keys.set(index, word));
    }
    keys
}

/// The finaliser of SplitMix64: neighbouring numbers give unrelated ones.
pub(super) fn mix(mut x: u64) -> u64 {
    x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// Fisher and Yates's shuffle by a counter-based generator.
fn shuffle(order: &mut [u32], seed: u64) {
    for last in (1..order.len()).rev() {
        // A multiple of 2^-64 times the length: the bias is below 2^-32 for any mini-batch.
        let bits = mix(seed.wrapping_add(last as u64));
        let pick = ((u128::from(bits) * (last as u128 + 1)) >> 64) as usize;
        order.swap(last, pick);
    }
}
