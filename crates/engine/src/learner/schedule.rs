//! One network's way through its training: mini-batches, stop rules, divergence.
//!
//! The bank and the burn networks both follow it, so the same rows, plan and key mean the same batches
//! and masks in both.

use super::plan::{FitReport, ModelData, Stop, TrainPlan};
use super::virtual_rows::Aim;
use crate::rng::Key;

/// Where one network is in its training.
pub(super) struct ModelRun<'a> {
    data: ModelData<'a>,
    stop: Stop,
    batch: usize,
    /// Rows that an epoch passes over.
    length: usize,
    /// Positions in `data.rows`, in the order of the current epoch.
    order: Vec<u32>,
    order_seed: u64,
    drop_seed: u64,
    active: bool,
    /// How far the current epoch has come.
    cursor: usize,
    epoch: u32,
    steps: u32,
    /// Sum of losses and number of rows noted of epoch `seen_in`.
    seen: (f64, usize),
    seen_in: u32,
    /// Mean loss of the last epoch.
    mean: f32,
    best: f64,
    waited: u32,
    diverged_at: Option<u32>,
}

impl<'a> ModelRun<'a> {
    /// The beginning of a training whose streams `order` and `dropout` come from `key`.
    pub fn new(data: ModelData<'a>, plan: &TrainPlan, key: Key) -> Self {
        Self {
            data,
            stop: plan.stop,
            batch: plan.batch,
            length: plan.epoch_rows(data.count()),
            order: (0..data.count() as u32).collect(),
            order_seed: key.named("order").seed64(),
            drop_seed: key.named("dropout").seed64(),
            active: true,
            cursor: 0,
            epoch: 0,
            steps: 0,
            seen: (0.0, 0),
            seen_in: 0,
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
        self.diverge_at(self.steps + 1);
    }

    /// Ends the training because the loss of that step, perhaps an earlier one, was not finite.
    pub fn diverge_at(&mut self, step: u32) {
        self.active = false;
        self.steps = step - 1;
        self.diverged_at = Some(step);
    }

    /// The random word that the coming step's dropout is drawn from.
    pub fn drop_word(&self) -> u64 {
        mix(self.drop_seed ^ u64::from(self.steps))
    }

    /// Rows and classes of the validation set.
    pub fn held(&self) -> (&'a [u32], &'a [u32]) {
        self.data.validation
    }

    /// A row of the validation set, and what it is compared with.
    pub fn held_row(&self, place: usize) -> (&'a [f32], Aim<'a>) {
        let (rows, labels) = self.held();
        (self.input(rows[place]), Aim::Class(labels[place]))
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
        if self.active { self.batch.min(self.length - self.cursor) } else { 0 }
    }

    /// Shuffles where an epoch begins.
    pub fn begin_step(&mut self) {
        if self.active && self.cursor == 0 {
            // Drawn anew from the same start, so that an epoch's order depends on its number alone.
            self.order.iter_mut().zip(0..).for_each(|(place, row)| *place = row);
            shuffle(&mut self.order, mix(self.order_seed ^ u64::from(self.epoch)));
        }
    }

    /// Where among all rows to train on, the virtual ones of all draws last, a row of the current mini-batch stands.
    pub fn place(&self, at: usize) -> usize {
        let (place, labelled) = (self.order[self.cursor + at] as usize, self.data.rows.len());
        match self.data.extra {
            Some(extra) if place >= labelled => place + self.epoch as usize % extra.draws * extra.each(),
            _ => place,
        }
    }

    /// The input of a row of the current mini-batch, and what it is trained towards.
    pub fn example(&self, at: usize) -> (&'a [f32], Aim<'a>) {
        self.all(self.place(at))
    }

    /// A row to train on, and what it is trained towards; virtual rows come last.
    pub fn all(&self, place: usize) -> (&'a [f32], Aim<'a>) {
        match self.data.extra {
            Some(extra) if place >= self.data.rows.len() => extra.row(place - self.data.rows.len()),
            _ => (self.input(self.data.rows[place]), Aim::Class(self.data.labels[place])),
        }
    }

    /// How many rows there are to train on, virtual ones of all draws included.
    #[cfg(feature = "burn")]
    pub fn count(&self) -> usize {
        self.data.rows.len() + self.data.extra.map_or(0, |extra| extra.weights.len())
    }

    /// Whether some of the rows are mixed at a hidden layer.
    pub fn is_mixed(&self) -> bool {
        self.data.extra.is_some_and(|extra| extra.hidden.is_some())
    }

    /// Whether some of the rows are virtual.
    pub fn is_soft(&self) -> bool {
        self.data.extra.is_some() && !self.is_mixed()
    }

    /// The number of the coming step, from 1, and of its epoch, from 0.
    #[cfg(feature = "burn")]
    pub fn coming(&self) -> (u32, u32) {
        (self.steps + 1, self.epoch)
    }

    /// Counts a step and notes its loss; true at the end of an epoch.
    pub fn end_step(&mut self, loss: f64, rows: usize) -> bool {
        self.note(self.epoch, loss, rows);
        self.advance(rows)
    }

    /// Counts a step whose loss is not known yet; true at the end of an epoch. Its loss is to be
    /// [noted](Self::note) before [`goes_on`](Self::goes_on) is asked, where the rule to stop reads losses.
    pub fn advance(&mut self, rows: usize) -> bool {
        self.steps += 1;
        self.cursor += rows;
        let ended = self.cursor == self.length;
        if ended {
            self.cursor = 0;
            self.epoch += 1;
        }
        ended
    }

    /// Notes the sum of losses of a step of an epoch; steps come in their order.
    pub fn note(&mut self, epoch: u32, loss: f64, rows: usize) {
        if self.seen_in != epoch {
            (self.seen_in, self.seen) = (epoch, (0.0, 0));
        }
        self.seen = (self.seen.0 + loss, self.seen.1 + rows);
        self.mean = (self.seen.0 / self.seen.1 as f64) as f32;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Matrix;
    use crate::learner::plan::{Loss, Optimiser, Start};

    fn plan(stop: Stop) -> TrainPlan {
        TrainPlan {
            loss: Loss::CrossEntropy,
            optimiser: Optimiser::Adam,
            learning_rate: 0.1,
            weight_decay: 0.0,
            batch: 8,
            drop_last: false,
            stop,
            start: Start::Scratch,
        }
    }

    /// Follows a training whose every epoch has the given loss, in training and validation alike.
    fn epochs(stop: Stop, losses: &[f64]) -> u32 {
        let inputs = Matrix::zeros(20, 1);
        let (rows, labels): (Vec<u32>, Vec<u32>) = (0..20).map(|row| (row, row)).unzip();
        let data = ModelData {
            inputs: inputs.view(),
            rows: &rows,
            labels: &labels,
            validation: (&rows, &labels),
            extra: None,
        };
        let mut run = ModelRun::new(data, &plan(stop), Key::root(1));
        let mut orders = Vec::new();
        for &loss in losses {
            let mut seen = Vec::new();
            for size in [8, 8, 4] {
                run.begin_step();
                assert_eq!(run.rows_left(), size);
                seen.extend((0..size).map(|at| run.place(at) as u32));
                let ended = run.end_step(loss * size as f64, size);
                assert_eq!(ended, size == 4);
                if !run.goes_on(ended, loss) {
                    run.stop_here();
                    return run.steps;
                }
            }
            assert!((f64::from(run.report().loss) - loss).abs() < 1e-6);
            // Every row once, in another order than before.
            assert!(!orders.contains(&seen));
            orders.push(seen.clone());
            seen.sort_unstable();
            assert_eq!(seen, rows);
        }
        u32::MAX
    }

    #[test]
    fn every_rule_stops_where_it_says() {
        let losses = [5.0, 4.0, 4.5, 4.0, 3.0, 3.5, 3.5, 3.5, 3.5, 1.0];
        assert_eq!(epochs(Stop::Steps { steps: 7 }, &losses), 7);
        assert_eq!(epochs(Stop::Epochs { epochs: 2 }, &losses), 6);
        assert_eq!(epochs(Stop::TrainLoss { epochs: 10, loss: 3.2 }, &losses), 15);
        assert_eq!(epochs(Stop::TrainLoss { epochs: 4, loss: 3.2 }, &losses), 12);
        // Best 4.0 after two epochs; 4.5 and 4.0 are no improvement.
        assert_eq!(epochs(Stop::Validation { epochs: 10, patience: 1 }, &losses), 12);
        assert_eq!(epochs(Stop::Validation { epochs: 10, patience: 2 }, &losses), 24);
        assert_eq!(epochs(Stop::Validation { epochs: 10, patience: 9 }, &losses), 30);
        // A loss that is no number is no improvement.
        assert_eq!(epochs(Stop::Validation { epochs: 10, patience: 0 }, &[2.0, f64::NAN]), 6);
    }

    #[test]
    fn a_last_batch_that_is_too_small_can_be_left_out() {
        let dropping = TrainPlan { drop_last: true, ..plan(Stop::Epochs { epochs: 2 }) };
        assert_eq!([3, 8, 9, 15, 16, 20].map(|rows| dropping.epoch_rows(rows)), [3, 8, 8, 8, 16, 16]);
        assert_eq!((dropping.steps_for(20), dropping.steps_for(3)), (4, 2));
        let inputs = Matrix::zeros(20, 1);
        let (rows, labels): (Vec<u32>, Vec<u32>) = (0..20).map(|row| (row, row)).unzip();
        let data = ModelData {
            inputs: inputs.view(),
            rows: &rows,
            labels: &labels,
            validation: (&[], &[]),
            extra: None,
        };
        let mut run = ModelRun::new(data, &dropping, Key::root(1));
        let mut seen = Vec::new();
        while run.is_active() {
            run.begin_step();
            assert_eq!(run.rows_left(), 8);
            seen.push((0..8).map(|at| run.place(at) as u32).collect::<Vec<_>>());
            let ended = run.end_step(1.0, 8);
            if !run.goes_on(ended, 1.0) {
                run.stop_here();
            }
        }
        assert_eq!(seen.len(), 4);
        // What is left out differs from epoch to epoch.
        let mut first = [&seen[0][..], &seen[1]].concat();
        let mut second = [&seen[2][..], &seen[3]].concat();
        first.sort_unstable();
        second.sort_unstable();
        first.dedup();
        assert_eq!(first.len(), 16);
        assert_ne!(first, second);
    }

    /// Each of the six orders of three rows comes up equally often, within five standard deviations.
    #[test]
    fn shuffles_are_even() {
        let mut counts = std::collections::BTreeMap::new();
        for seed in 0..60_000 {
            let mut order = [0, 1, 2];
            shuffle(&mut order, mix(seed));
            *counts.entry(order).or_insert(0u32) += 1;
        }
        assert_eq!(counts.len(), 6);
        assert!(counts.values().all(|&count| count.abs_diff(10_000) < 460), "{counts:?}");
    }
}
