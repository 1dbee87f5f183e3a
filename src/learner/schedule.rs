//! One network's way through its training: mini-batches, stop rules, divergence.
//!
//! The bank and the burn networks both follow it, so the same rows, plan and key mean the same batches
//! and masks in both.

use super::plan::{FitReport, LaneData, Stop, TrainPlan};
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
    /// The beginning of a training whose streams `order` and `dropout` come from `key`.
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

    /// What the training came to so far.
    pub fn report(&self) -> FitReport {
        FitReport { steps: self.steps, loss: self.mean, diverged_at: self.diverged_at }
    }

    /// Whether training goes on.
    pub fn is_active(&self) -> bool {
        self.active
    }

    /// Ends the training.
    pub fn stop_here(&mut self) {
        self.active = false;
    }

    /// Ends the training because the loss of the coming step is not finite.
    pub fn diverge(&mut self) {
        self.active = false;
        self.diverged_at = Some(self.steps + 1);
    }

    /// The random word that the coming step's dropout is drawn from.
    pub fn drop_word(&self) -> u64 {
        mix(self.drop_seed ^ u64::from(self.steps))
    }

    /// Rows and classes of the validation set.
    pub fn held(&self) -> (&'a [u32], &'a [u32]) {
        self.data.validation
    }

    /// The input in row `row` of the pool.
    pub fn input(&self, row: u32) -> &'a [f32] {
        self.data.inputs.row(row as usize)
    }

    /// Says that the weights after the last step are not finite, although its loss was.
    pub fn diverged_at_last(&mut self) {
        self.diverged_at = Some(self.steps + 1);
    }

    /// Rows of the coming step's mini-batch; none once training has ended.
    pub fn rows_left(&self) -> usize {
        if self.active { self.batch.min(self.data.rows.len() - self.cursor) } else { 0 }
    }

    /// Shuffles where an epoch begins.
    pub fn begin_step(&mut self) {
        if self.active && self.cursor == 0 {
            // Drawn anew from the same start, so that an epoch's order depends on its number alone.
            self.order.iter_mut().zip(0..).for_each(|(place, row)| *place = row);
            shuffle(&mut self.order, mix(self.order_seed ^ u64::from(self.epoch)));
            self.seen = (0.0, 0);
        }
    }

    /// The input and the class of a row of the current mini-batch.
    pub fn example(&self, at: usize) -> (&'a [f32], u32) {
        let place = self.order[self.cursor + at] as usize;
        (self.data.inputs.row(self.data.rows[place] as usize), self.data.labels[place])
    }

    /// Counts a step; true at the end of an epoch.
    pub fn end_step(&mut self, loss: f64, rows: usize) -> bool {
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
    pub fn goes_on(&mut self, ended: bool, held: f64) -> bool {
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

/// The finaliser of SplitMix64: neighbouring numbers give unrelated ones.
fn mix(mut x: u64) -> u64 {
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
