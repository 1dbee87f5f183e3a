//! The bank engine: small networks of one [`NetSpec`], trained and read side by side.
//!
//! Tiny networks run sixteen at a time, one per SIMD lane; wider ones, and the few that do not fill a
//! line, run one after another with their units along the registers (see `tile.rs` for both layouts).
//! Every number is computed by one fixed chain of fused multiply-adds, so a network's result depends
//! neither on the layout, nor on the width of the registers, nor on its neighbours. `gemm.rs`,
//! `math.rs` and `update.rs` hold the kernels, `vector/` the registers they are written over, `fit.rs`
//! the training loop, `read.rs` the predictions; `docs/bank-engine.md` explains the layout with drawings. What is not here: convolutions, anything that
//! allocates per step. A bank [on a device](Bank::on) leaves the steps to `stacked`, and reads its networks here.
//!
//! # Order of the weights
//! Affine map after affine map in forward order, each as `W` (`[fan_in][fan_out]`, row-major) and then
//! its bias (`[fan_out]`). A dense block is one map. A residual block is `W1, b1, W2, b2`, and the
//! projection `P` without bias where the width changes. The linear head comes last.

mod buffer;
mod check;
mod fit;
mod gemm;
mod kernels;
mod math;
mod product;
mod read;
mod tile;
mod update;
pub(super) mod vector;

pub use check::{MAX_LANES, MAX_STEPS, check_plan};
pub(super) use check::{check_fit, check_models};
pub use product::multiply_transposed;
pub(super) use update::Clock;
#[cfg(feature = "burn")]
pub(super) use update::{BETA1, BETA2, EPSILON, Rule};

use super::device::{Device, DeviceKind};
use super::error::LearnError;
use super::plan::{FitReport, ModelData, Optimiser, Start, Stop, TrainPlan};
use super::program::{Program, rectified};
use super::schedule::ModelRun;
use super::standardise::Standardised;
use super::{Learner, between, logistic, manifold};
use crate::arch::NetSpec;
use crate::data::{Matrix, MatrixView, TargetKind};
use crate::error::Result;
use crate::rng::Key;
use crate::simd::{SimdError, SimdPath};
use kernels::Kernels;
use rayon::prelude::*;
use tile::{DropKeys, Tile};
use update::Clocks;
use vector::LINE;

/// The most `f32`s that a bank may hold, weights of all networks and working memory together.
pub const MAX_NUMBERS: usize = 1 << 30;
/// Sixteen networks run side by side while one of them has at most this many weights: beyond, their
/// optimiser state leaves the cache.
const SIDE_BY_SIDE_PARAMETERS: usize = 6_000;

/// Several networks of one [`NetSpec`], each with its own weights.
pub struct Bank {
    spec: NetSpec,
    models: usize,
    kernels: &'static Kernels,
    program: Program,
    /// Where it is fitted, if not here.
    device: Option<Device>,
    /// `[models][parameters]`, in the documented order.
    weights: Vec<f32>,
    /// What the current fit started from.
    initial: Vec<f32>,
    /// What the optimisers remember of the fits before, once a plan keeps it.
    memory: Option<Memory>,
    /// Working memory of the two layouts, kept from fit to fit.
    side_by_side: Option<Tile>,
    one_at_a_time: Option<Tile>,
}

/// What the optimisers of all networks remember.
#[derive(Clone)]
struct Memory {
    /// First and second moments, `[models][parameters]` in the documented order.
    moments: [Vec<f32>; 2],
    /// How far each network has come.
    clocks: Vec<Clock>,
}

impl Bank {
    /// A bank of `models` networks whose weights are zero.
    ///
    /// # Errors
    /// [`LearnError::Lanes`], [`LearnError::Memory`], or what [`NetSpec::check`] refuses; nothing is
    /// allocated then.
    pub fn new(spec: &NetSpec, models: usize) -> Result<Self> {
        Self::with_path(spec, models, SimdPath::chosen())
    }

    /// A bank that is fitted on `device`: by the engine, or there by batched matrix products, which agree with
    /// it to rounding.
    ///
    /// # Errors
    /// As [`Bank::new`] and [`DeviceKind::open`].
    pub fn on(spec: &NetSpec, models: usize, device: DeviceKind) -> Result<Self> {
        Ok(Self { device: device.open()?, ..Self::new(spec, models)? })
    }

    /// A bank that uses the kernels of `path`. The results are those of every other path.
    ///
    /// # Errors
    /// As [`Bank::new`]; [`SimdError::Unavailable`] if this machine cannot run them.
    pub fn with_path(spec: &NetSpec, models: usize, path: SimdPath) -> Result<Self> {
        spec.check()?;
        check_models(models)?;
        if !path.is_available() {
            return Err(SimdError::Unavailable { path }.into());
        }
        rectified(spec)?;
        let program = Program::new(spec);
        let parameters = program.parameters;
        let working = Tile::numbers(&program, false).saturating_add(if runs_side_by_side(&program, LINE) {
            Tile::numbers(&program, true)
        } else {
            0
        });
        let found = models.saturating_mul(parameters).saturating_mul(2).saturating_add(working);
        if found > MAX_NUMBERS {
            return Err(LearnError::Memory { models, parameters, found, limit: MAX_NUMBERS }.into());
        }
        Ok(Self {
            spec: spec.clone(),
            models,
            kernels: Kernels::of(path),
            program,
            device: None,
            weights: vec![0.0; models * parameters],
            initial: Vec::new(),
            memory: None,
            side_by_side: None,
            one_at_a_time: None,
        })
    }

    /// The architecture of every network.
    pub fn spec(&self) -> &NetSpec {
        &self.spec
    }

    /// The number of networks.
    pub fn models(&self) -> usize {
        self.models
    }

    /// Draws the weights of one network as PyTorch's `Linear` does: weights and biases uniform in
    /// `±1/sqrt(fan_in)`, in the documented order. A fit from scratch draws from `keys[model].named("weights")`.
    ///
    /// # Panics
    /// If there is no such model.
    pub fn init(&mut self, model: usize, key: Key) {
        let parameters = self.program.parameters;
        self.program.init(key, &mut self.weights[model * parameters..(model + 1) * parameters]);
    }

    /// Trains every network on its own rows: see [`Learner::fit`].
    ///
    /// A network whose loss stops being finite keeps its last weights with a finite loss, and says so in
    /// its report; its neighbours go on. Calls with the same arguments give the same bits.
    ///
    /// # Errors
    /// [`LearnError`] for a plan, rows or labels that cannot be trained with; no weight is changed then.
    pub fn fit(&mut self, data: &[ModelData<'_>], plan: &TrainPlan, keys: &[Key]) -> Result<Vec<FitReport>> {
        let plan = &plan.of(&self.spec);
        check_fit(&self.spec, self.models, data, plan, keys)?;
        if let Some(device) = &self.device {
            plan.loss.expect_classes(&format!("device {device:?}"))?;
        }
        if let Optimiser::Lbfgs { ridge } = plan.optimiser {
            return Ok(self.fit_logistic(data, ridge));
        }
        match plan.loss.targets() {
            TargetKind::Class | TargetKind::MultiLabel => self.fit_checked(data, plan, keys),
            found @ TargetKind::Mask => {
                let what = format!("{} without an encoder and decoder", self.spec);
                Err(LearnError::Targets { what, found }.into())
            }
            TargetKind::Real => self.fit_numbers(data, plan, keys),
        }
    }

    /// [`fit`](Self::fit) on standardised numbers, which are part of the last layer before and after.
    fn fit_numbers(
        &mut self,
        data: &[ModelData<'_>],
        plan: &TrainPlan,
        keys: &[Key],
    ) -> Result<Vec<FitReport>> {
        let standardised: Vec<Standardised> = data.iter().map(Standardised::of).collect();
        let models: Vec<ModelData<'_>> =
            data.iter().zip(&standardised).map(|(data, standardised)| standardised.model(data)).collect();
        let parameters = self.program.parameters;
        if plan.start != Start::Scratch {
            for (one, weights) in standardised.iter().zip(self.weights.chunks_exact_mut(parameters)) {
                one.standard.unfold(&self.program, weights);
            }
        }
        let reports = self.fit_checked(&models, plan, keys);
        for (one, weights) in standardised.iter().zip(self.weights.chunks_exact_mut(parameters)) {
            one.standard.fold(&self.program, weights);
        }
        reports
    }

    /// [`fit`](Self::fit) step by step, of what was checked.
    fn fit_checked(
        &mut self,
        data: &[ModelData<'_>],
        plan: &TrainPlan,
        keys: &[Key],
    ) -> Result<Vec<FitReport>> {
        if self.device.is_some() && plan.start == Start::Continue {
            return Err(LearnError::Plan {
                field: "start",
                found: "continue".into(),
                expected: "scratch or warm: on a device, networks forget the optimiser's state",
            }
            .into());
        }
        if plan.start == Start::Scratch {
            for (model, key) in keys.iter().enumerate() {
                self.init(model, key.named("weights"));
            }
        }
        self.initial.clear();
        self.initial.extend_from_slice(&self.weights);
        self.recall(plan)?;
        let before = self.memory.clone();
        let mut runs: Vec<_> =
            data.iter().zip(keys).map(|(&data, &key)| ModelRun::new(data, plan, key)).collect();
        let mixed: Vec<usize> = (0..runs.len()).filter(|&model| runs[model].is_mixed()).collect();
        mixed.iter().for_each(|&model| runs[model].stop_here());
        self.train(0, &mut runs, plan);
        for (model, run) in runs.iter_mut().enumerate() {
            self.restore_diverged(model, run, data[model], plan, keys[model], before.as_ref());
        }
        let mut reports: Vec<FitReport> = runs.iter().map(ModelRun::report).collect();
        if !mixed.is_empty() {
            for (&model, report) in mixed.iter().zip(self.fit_mixed(&mixed, data, plan, keys)) {
                reports[model] = report;
            }
        }
        Ok(reports)
    }

    /// Trains the networks of these numbers, which have rows that are mixed at hidden layers, each by itself.
    fn fit_mixed(
        &mut self,
        models: &[usize],
        data: &[ModelData<'_>],
        plan: &TrainPlan,
        keys: &[Key],
    ) -> Vec<FitReport> {
        let (program, dropout) = (&self.program, self.spec.dropout());
        let own = self.weights.par_chunks_mut(program.parameters).enumerate();
        own.filter(|(model, _)| models.contains(model))
            .map(|(model, weights)| manifold::fit(program, weights, data[model], plan, dropout, keys[model]))
            .collect()
    }

    /// Fits every network, which is linear, to the optimum of its rows. One whose loss is not finite keeps
    /// its weights and says so.
    fn fit_logistic(&mut self, data: &[ModelData<'_>], ridge: f32) -> Vec<FitReport> {
        self.memory = None;
        let (classes, parameters) = (self.spec.outputs(), self.program.parameters);
        let models = data.iter().zip(self.weights.chunks_exact_mut(parameters));
        models
            .map(|(data, weights)| match logistic::fit(data, classes, ridge.into()) {
                Some(fitted) => {
                    weights.copy_from_slice(&fitted.weights);
                    FitReport { steps: fitted.steps, loss: fitted.loss, diverged_at: None }
                }
                None => FitReport { steps: 0, loss: f32::MAX, diverged_at: Some(1) },
            })
            .collect()
    }

    /// Makes what the optimisers remember ready for a fit: nothing, unless the plan keeps it.
    fn recall(&mut self, plan: &TrainPlan) -> Result<()> {
        if plan.start != Start::Continue {
            self.memory = None;
            return Ok(());
        }
        if self.memory.as_ref().is_some_and(|m| m.clocks[0].is_of(plan.optimiser, plan.learning_rate)) {
            return Ok(());
        }
        let (models, parameters) = (self.models, self.program.parameters);
        // Weights, what the fit started from, and both moments, now and before the fit.
        let found = models.saturating_mul(parameters).saturating_mul(6);
        if found > MAX_NUMBERS {
            return Err(LearnError::Memory { models, parameters, found, limit: MAX_NUMBERS }.into());
        }
        self.memory = Some(Memory {
            moments: [vec![0.0; models * parameters], vec![0.0; models * parameters]],
            clocks: vec![Clock::new(plan.optimiser, plan.learning_rate); models],
        });
        Ok(())
    }

    /// Takes over weights, and what the optimiser remembers, from a network of another bank of the same
    /// shape.
    ///
    /// # Errors
    /// If that bank's networks have another number of weights.
    ///
    /// # Panics
    /// If there is no such model in either.
    pub fn adopt(&mut self, model: usize, other: &Self, from: usize) -> Result<()> {
        self.set_weights(model, other.own(from))?;
        let Some(theirs) = &other.memory else { return Ok(()) };
        let (models, parameters) = (self.models, self.program.parameters);
        let ours = self.memory.get_or_insert_with(|| Memory {
            moments: [vec![0.0; models * parameters], vec![0.0; models * parameters]],
            clocks: vec![theirs.clocks[from]; models],
        });
        for (ours, theirs) in ours.moments.iter_mut().zip(&theirs.moments) {
            let from = &theirs[from * parameters..(from + 1) * parameters];
            ours[model * parameters..(model + 1) * parameters].copy_from_slice(from);
        }
        ours.clocks[model] = theirs.clocks[from];
        Ok(())
    }

    /// Trains the networks from `first` on, from the weights that the bank holds.
    fn train(&mut self, first: usize, mut runs: &mut [ModelRun<'_>], plan: &TrainPlan) {
        #[cfg(feature = "burn")]
        if let Some(device) = &self.device {
            let parameters = self.program.parameters;
            let weights = &mut self.weights[first * parameters..(first + runs.len()) * parameters];
            super::stacked::fit(device, &self.program, weights, runs, plan, self.spec.dropout());
            return;
        }
        let mut first = first;
        while !runs.is_empty() {
            let left = runs.len().min(LINE);
            let together = runs_side_by_side(&self.program, left);
            let (tile, rest) = runs.split_at_mut(if together { left } else { 1 });
            self.fit_team(first, tile, plan, together);
            first += tile.len();
            runs = rest;
        }
    }

    /// Trains the networks from `first` on as one tile, from the weights that the bank holds.
    fn fit_team(&mut self, first: usize, runs: &mut [ModelRun<'_>], plan: &TrainPlan, together: bool) {
        let (program, kernels, parameters) = (&self.program, self.kernels, self.program.parameters);
        let slot = if together { &mut self.side_by_side } else { &mut self.one_at_a_time };
        let tile = slot.get_or_insert_with(|| Tile::new(program, kernels, together, true));
        let own = |model: usize| (first + model) * parameters..(first + model + 1) * parameters;
        for model in 0..runs.len() {
            tile.pack(model, &self.weights[own(model)]);
        }
        tile.reset();
        let fresh = Clock::new(plan.optimiser, plan.learning_rate);
        let memory = &mut self.memory;
        let mut clocks = match memory {
            Some(memory) => {
                for model in 0..runs.len() {
                    tile.pack_moments(model, memory.moments.each_ref().map(|all| &all[own(model)]));
                }
                Clocks::of(memory.clocks[first..first + runs.len()].iter().copied())
            }
            None => Clocks::of(std::iter::once(fresh)),
        };
        let weights = &mut self.weights;
        fit::fit(tile, runs, &mut clocks, plan, self.spec.dropout(), |tile, clocks, model| {
            tile.unpack(model, &mut weights[own(model)]);
            if let Some(memory) = memory {
                tile.unpack_moments(model, memory.moments.each_mut().map(|all| &mut all[own(model)]));
                memory.clocks[first + model] = clocks.model(model);
            }
        });
    }

    /// Gives a diverged network the weights of its last finite loss, by training it again up to there:
    /// rare enough, and it costs the other trainings nothing.
    fn restore_diverged(
        &mut self,
        model: usize,
        run: &mut ModelRun<'_>,
        data: ModelData<'_>,
        plan: &TrainPlan,
        key: Key,
        before: Option<&Memory>,
    ) {
        let parameters = self.program.parameters;
        let own = model * parameters..(model + 1) * parameters;
        if self.weights[own.clone()].iter().any(|weight| !weight.is_finite()) {
            run.diverged_at_last();
        }
        let Some(step) = run.report().diverged_at else { return };
        let (from, to) = (&self.initial[own.clone()], &mut self.weights[own.clone()]);
        to.copy_from_slice(from);
        if let (Some(memory), Some(before)) = (&mut self.memory, before) {
            for (now, before) in memory.moments.iter_mut().zip(&before.moments) {
                now[own.clone()].copy_from_slice(&before[own.clone()]);
            }
            memory.clocks[model] = before.clocks[model];
        }
        // The loss of step s is that of the weights after s - 1 updates.
        if let steps @ 1.. = step.saturating_sub(2) {
            let plan = TrainPlan { stop: Stop::Steps { steps }, ..*plan };
            self.train(model, &mut [ModelRun::new(data, &plan, key)], &plan);
        }
    }

    /// One network's weights in the documented order.
    ///
    /// # Panics
    /// If there is no such model.
    pub fn weights(&self, model: usize) -> Vec<f32> {
        self.own(model).to_vec()
    }

    /// Replaces one network's weights.
    ///
    /// # Errors
    /// If their number is not the architecture's, or one of them is not finite.
    ///
    /// # Panics
    /// If there is no such model.
    pub fn set_weights(&mut self, model: usize, weights: &[f32]) -> Result<()> {
        let expected = self.program.parameters;
        if weights.len() != expected {
            return Err(LearnError::Weights { model, expected, found: weights.len() }.into());
        }
        if let Some((index, &found)) = weights.iter().enumerate().find(|(_, weight)| !weight.is_finite()) {
            return Err(LearnError::NotFinite { model, index, found }.into());
        }
        self.weights[model * expected..(model + 1) * expected].copy_from_slice(weights);
        Ok(())
    }

    fn own(&self, model: usize) -> &[f32] {
        let parameters = self.program.parameters;
        &self.weights[model * parameters..(model + 1) * parameters]
    }
}

impl Learner for Bank {
    fn weights(&self, model: usize) -> Vec<f32> {
        self.weights(model)
    }

    fn classes(&self, model: usize, inputs: MatrixView<'_>) -> Vec<u32> {
        self.classes(model, inputs)
    }

    fn spec(&self) -> &NetSpec {
        self.spec()
    }

    fn models(&self) -> usize {
        self.models()
    }

    fn fit(&mut self, data: &[ModelData<'_>], plan: &TrainPlan, keys: &[Key]) -> Result<Vec<FitReport>> {
        self.fit(data, plan, keys)
    }

    fn init(&mut self, model: usize, key: Key) {
        self.init(model, key);
    }

    fn adopt(&mut self, model: usize, other: &dyn Learner, from: usize) -> Result<()> {
        match other.as_bank() {
            Some(bank) => self.adopt(model, bank, from),
            None => self.set_weights(model, &other.weights(from)),
        }
    }

    fn approach(&mut self, model: usize, other: &dyn Learner, from: usize, share: f32) -> Result<()> {
        self.set_weights(model, &between(self.own(model), other.weights(from), share))
    }

    fn as_bank(&self) -> Option<&Bank> {
        Some(self)
    }

    fn logits(&self, model: usize, inputs: MatrixView<'_>, rows: Option<&[u32]>) -> Matrix {
        self.logits(model, inputs, rows)
    }

    fn passes(
        &self,
        model: usize,
        inputs: MatrixView<'_>,
        rows: Option<&[u32]>,
        count: usize,
        rate: f32,
        key: Key,
    ) -> Vec<Matrix> {
        self.passes(model, inputs, rows, count, rate, key)
    }

    fn probabilities(&self, model: usize, inputs: MatrixView<'_>, rows: Option<&[u32]>) -> Matrix {
        self.probabilities(model, inputs, rows)
    }

    fn embeddings(&self, model: usize, inputs: MatrixView<'_>, rows: Option<&[u32]>) -> Matrix {
        self.embeddings(model, inputs, rows)
    }
}

/// The dropout factors of affine map `map` in the step whose random word is `word`, for its first `count`
/// units counted row by row.
pub(super) fn host_mask(rate: f32, word: u64, map: usize, count: usize) -> Vec<f32> {
    let mut keys = DropKeys { rate, keys: [[0; LINE]; 2] };
    keys.set(0, word);
    keys.mask(map, count)
}

/// Whether `models` networks are faster side by side than one at a time, by multiply-adds with padding:
/// side by side pays for sixteen networks whatever their number, one at a time for sixteen units
/// whatever theirs. The two layouts give the same bits.
fn runs_side_by_side(program: &Program, models: usize) -> bool {
    let (mut exact, mut padded) = (0, 0);
    for map in &program.maps {
        exact += 2 * map.fan_in * map.fan_out;
        padded += 2 * map.fan_in * map.fan_out.next_multiple_of(LINE);
        if map.input != 0 {
            exact += map.fan_in * map.fan_out;
            padded += map.fan_out * map.fan_in.next_multiple_of(LINE);
        }
    }
    // A tenth more: lines of networks come from farther away than lines of units.
    program.parameters <= SIDE_BY_SIDE_PARAMETERS && models * padded * 10 > LINE * exact * 11
}
