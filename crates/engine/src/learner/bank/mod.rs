//! The bank engine: small networks of one [`NetSpec`], trained and read side by side.
//!
//! Tiny networks run sixteen at a time, one per SIMD lane; wider ones, and the few that do not fill a
//! line, run one after another with their units along the registers (see `team.rs` for both layouts).
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
mod team;
mod update;
mod vector;

pub use check::{MAX_LANES, MAX_STEPS, check_plan};
pub(super) use check::{check_fit, check_lanes};
pub use product::multiply_transposed;
pub(super) use update::Clock;
#[cfg(feature = "burn")]
pub(super) use update::{BETA1, BETA2, EPSILON, Rule};

use super::device::{Device, DeviceKind};
use super::error::LearnError;
use super::plan::{FitReport, LaneData, Optimiser, Start, Stop, TrainPlan};
use super::program::{Program, rectified};
use super::schedule::LaneRun;
use super::standardise::Standardised;
use super::{Learner, logistic};
use crate::arch::NetSpec;
use crate::data::{Matrix, MatrixView, TargetKind};
use crate::error::Result;
use crate::rng::Key;
use crate::simd::{SimdError, SimdPath};
use kernels::Kernels;
use team::{DropKeys, Team};
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
    lanes: usize,
    kernels: &'static Kernels,
    program: Program,
    /// Where it is fitted, if not here.
    device: Option<Device>,
    /// `[lanes][parameters]`, in the documented order.
    weights: Vec<f32>,
    /// What the current fit started from.
    initial: Vec<f32>,
    /// What the optimisers remember of the fits before, once a plan keeps it.
    memory: Option<Memory>,
    /// Working memory of the two layouts, kept from fit to fit.
    side_by_side: Option<Team>,
    one_at_a_time: Option<Team>,
}

/// What the optimisers of all networks remember.
#[derive(Clone)]
struct Memory {
    /// First and second moments, `[lanes][parameters]` in the documented order.
    moments: [Vec<f32>; 2],
    /// How far each network has come.
    clocks: Vec<Clock>,
}

impl Bank {
    /// A bank of `lanes` networks whose weights are zero.
    ///
    /// # Errors
    /// [`LearnError::Lanes`], [`LearnError::Memory`], or what [`NetSpec::check`] refuses; nothing is
    /// allocated then.
    pub fn new(spec: &NetSpec, lanes: usize) -> Result<Self> {
        Self::with_path(spec, lanes, SimdPath::chosen())
    }

    /// A bank that is fitted on `device`: by the engine, or there by batched matrix products, which agree with
    /// it to rounding.
    ///
    /// # Errors
    /// As [`Bank::new`] and [`DeviceKind::open`].
    pub fn on(spec: &NetSpec, lanes: usize, device: DeviceKind) -> Result<Self> {
        Ok(Self { device: device.open()?, ..Self::new(spec, lanes)? })
    }

    /// A bank that uses the kernels of `path`. The results are those of every other path.
    ///
    /// # Errors
    /// As [`Bank::new`]; [`SimdError::Unavailable`] if this machine cannot run them.
    pub fn with_path(spec: &NetSpec, lanes: usize, path: SimdPath) -> Result<Self> {
        spec.check()?;
        check_lanes(lanes)?;
        if !path.is_available() {
            return Err(SimdError::Unavailable { path }.into());
        }
        rectified(spec)?;
        let program = Program::new(spec);
        let parameters = program.parameters;
        let working = Team::numbers(&program, false).saturating_add(if runs_side_by_side(&program, LINE) {
            Team::numbers(&program, true)
        } else {
            0
        });
        let found = lanes.saturating_mul(parameters).saturating_mul(2).saturating_add(working);
        if found > MAX_NUMBERS {
            return Err(LearnError::Memory { lanes, parameters, found, limit: MAX_NUMBERS }.into());
        }
        Ok(Self {
            spec: spec.clone(),
            lanes,
            kernels: Kernels::of(path),
            program,
            device: None,
            weights: vec![0.0; lanes * parameters],
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
    pub fn lanes(&self) -> usize {
        self.lanes
    }

    /// Draws the weights of one network as PyTorch's `Linear` does: weights and biases uniform in
    /// `±1/sqrt(fan_in)`, in the documented order. A fit from scratch draws from `keys[lane].named("weights")`.
    ///
    /// # Panics
    /// If there is no such lane.
    pub fn init(&mut self, lane: usize, key: Key) {
        let parameters = self.program.parameters;
        self.program.init(key, &mut self.weights[lane * parameters..(lane + 1) * parameters]);
    }

    /// Trains every network on its own rows: see [`Learner::fit`].
    ///
    /// A network whose loss stops being finite keeps its last weights with a finite loss, and says so in
    /// its report; its neighbours go on. Calls with the same arguments give the same bits.
    ///
    /// # Errors
    /// [`LearnError`] for a plan, rows or labels that cannot be trained with; no weight is changed then.
    pub fn fit(&mut self, data: &[LaneData<'_>], plan: &TrainPlan, keys: &[Key]) -> Result<Vec<FitReport>> {
        let plan = &plan.of(&self.spec);
        check_fit(&self.spec, self.lanes, data, plan, keys)?;
        if let Optimiser::Lbfgs { ridge } = plan.optimiser {
            return Ok(self.fit_logistic(data, ridge));
        }
        match plan.loss.targets() {
            TargetKind::Class => self.fit_checked(data, plan, keys),
            TargetKind::Real => self.fit_numbers(data, plan, keys),
        }
    }

    /// [`fit`](Self::fit) on standardised numbers, which are part of the last layer before and after.
    fn fit_numbers(
        &mut self,
        data: &[LaneData<'_>],
        plan: &TrainPlan,
        keys: &[Key],
    ) -> Result<Vec<FitReport>> {
        if let Some(device) = &self.device {
            return Err(LearnError::Numbers { what: format!("device {device:?}") }.into());
        }
        let standardised: Vec<Standardised> = data.iter().map(Standardised::of).collect();
        let lanes: Vec<LaneData<'_>> =
            data.iter().zip(&standardised).map(|(data, standardised)| standardised.lane(data)).collect();
        let parameters = self.program.parameters;
        if plan.start != Start::Scratch {
            for (one, weights) in standardised.iter().zip(self.weights.chunks_exact_mut(parameters)) {
                one.standard.unfold(&self.program, weights);
            }
        }
        let reports = self.fit_checked(&lanes, plan, keys);
        for (one, weights) in standardised.iter().zip(self.weights.chunks_exact_mut(parameters)) {
            one.standard.fold(&self.program, weights);
        }
        reports
    }

    /// [`fit`](Self::fit) step by step, of what was checked.
    fn fit_checked(
        &mut self,
        data: &[LaneData<'_>],
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
            for (lane, key) in keys.iter().enumerate() {
                self.init(lane, key.named("weights"));
            }
        }
        self.initial.clear();
        self.initial.extend_from_slice(&self.weights);
        self.recall(plan)?;
        let before = self.memory.clone();
        let mut runs: Vec<_> =
            data.iter().zip(keys).map(|(&data, &key)| LaneRun::new(data, plan, key)).collect();
        self.train(0, &mut runs, plan);
        for (lane, run) in runs.iter_mut().enumerate() {
            self.restore_diverged(lane, run, data[lane], plan, keys[lane], before.as_ref());
        }
        Ok(runs.iter().map(LaneRun::report).collect())
    }

    /// Fits every network, which is linear, to the optimum of its rows. One whose loss is not finite keeps
    /// its weights and says so.
    fn fit_logistic(&mut self, data: &[LaneData<'_>], ridge: f32) -> Vec<FitReport> {
        self.memory = None;
        let (classes, parameters) = (self.spec.outputs(), self.program.parameters);
        let lanes = data.iter().zip(self.weights.chunks_exact_mut(parameters));
        lanes
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
        let (lanes, parameters) = (self.lanes, self.program.parameters);
        // Weights, what the fit started from, and both moments, now and before the fit.
        let found = lanes.saturating_mul(parameters).saturating_mul(6);
        if found > MAX_NUMBERS {
            return Err(LearnError::Memory { lanes, parameters, found, limit: MAX_NUMBERS }.into());
        }
        self.memory = Some(Memory {
            moments: [vec![0.0; lanes * parameters], vec![0.0; lanes * parameters]],
            clocks: vec![Clock::new(plan.optimiser, plan.learning_rate); lanes],
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
    /// If there is no such lane in either.
    pub fn adopt(&mut self, lane: usize, other: &Self, from: usize) -> Result<()> {
        self.set_weights(lane, other.own(from))?;
        let Some(theirs) = &other.memory else { return Ok(()) };
        let (lanes, parameters) = (self.lanes, self.program.parameters);
        let ours = self.memory.get_or_insert_with(|| Memory {
            moments: [vec![0.0; lanes * parameters], vec![0.0; lanes * parameters]],
            clocks: vec![theirs.clocks[from]; lanes],
        });
        for (ours, theirs) in ours.moments.iter_mut().zip(&theirs.moments) {
            let from = &theirs[from * parameters..(from + 1) * parameters];
            ours[lane * parameters..(lane + 1) * parameters].copy_from_slice(from);
        }
        ours.clocks[lane] = theirs.clocks[from];
        Ok(())
    }

    /// Trains the networks from `first` on, from the weights that the bank holds.
    fn train(&mut self, first: usize, mut runs: &mut [LaneRun<'_>], plan: &TrainPlan) {
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
            let (team, rest) = runs.split_at_mut(if together { left } else { 1 });
            self.fit_team(first, team, plan, together);
            first += team.len();
            runs = rest;
        }
    }

    /// Trains the networks from `first` on as one team, from the weights that the bank holds.
    fn fit_team(&mut self, first: usize, runs: &mut [LaneRun<'_>], plan: &TrainPlan, together: bool) {
        let (program, kernels, parameters) = (&self.program, self.kernels, self.program.parameters);
        let slot = if together { &mut self.side_by_side } else { &mut self.one_at_a_time };
        let team = slot.get_or_insert_with(|| Team::new(program, kernels, together, true));
        let own = |lane: usize| (first + lane) * parameters..(first + lane + 1) * parameters;
        for lane in 0..runs.len() {
            team.pack(lane, &self.weights[own(lane)]);
        }
        team.reset();
        let fresh = Clock::new(plan.optimiser, plan.learning_rate);
        let memory = &mut self.memory;
        let mut clocks = match memory {
            Some(memory) => {
                for lane in 0..runs.len() {
                    team.pack_moments(lane, memory.moments.each_ref().map(|all| &all[own(lane)]));
                }
                Clocks::of(memory.clocks[first..first + runs.len()].iter().copied())
            }
            None => Clocks::of(std::iter::once(fresh)),
        };
        let weights = &mut self.weights;
        fit::fit(team, runs, &mut clocks, plan, self.spec.dropout(), |team, clocks, lane| {
            team.unpack(lane, &mut weights[own(lane)]);
            if let Some(memory) = memory {
                team.unpack_moments(lane, memory.moments.each_mut().map(|all| &mut all[own(lane)]));
                memory.clocks[first + lane] = clocks.lane(lane);
            }
        });
    }

    /// Gives a diverged network the weights of its last finite loss, by training it again up to there:
    /// rare enough, and it costs the other trainings nothing.
    fn restore_diverged(
        &mut self,
        lane: usize,
        run: &mut LaneRun<'_>,
        data: LaneData<'_>,
        plan: &TrainPlan,
        key: Key,
        before: Option<&Memory>,
    ) {
        let parameters = self.program.parameters;
        let own = lane * parameters..(lane + 1) * parameters;
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
            memory.clocks[lane] = before.clocks[lane];
        }
        // The loss of step s is that of the weights after s - 1 updates.
        if let steps @ 1.. = step.saturating_sub(2) {
            let plan = TrainPlan { stop: Stop::Steps { steps }, ..*plan };
            self.train(lane, &mut [LaneRun::new(data, &plan, key)], &plan);
        }
    }

    /// One network's weights in the documented order.
    ///
    /// # Panics
    /// If there is no such lane.
    pub fn weights(&self, lane: usize) -> Vec<f32> {
        self.own(lane).to_vec()
    }

    /// Replaces one network's weights.
    ///
    /// # Errors
    /// If their number is not the architecture's, or one of them is not finite.
    ///
    /// # Panics
    /// If there is no such lane.
    pub fn set_weights(&mut self, lane: usize, weights: &[f32]) -> Result<()> {
        let expected = self.program.parameters;
        if weights.len() != expected {
            return Err(LearnError::Weights { lane, expected, found: weights.len() }.into());
        }
        if let Some((index, &found)) = weights.iter().enumerate().find(|(_, weight)| !weight.is_finite()) {
            return Err(LearnError::NotFinite { lane, index, found }.into());
        }
        self.weights[lane * expected..(lane + 1) * expected].copy_from_slice(weights);
        Ok(())
    }

    fn own(&self, lane: usize) -> &[f32] {
        let parameters = self.program.parameters;
        &self.weights[lane * parameters..(lane + 1) * parameters]
    }
}

impl Learner for Bank {
    fn weights(&self, lane: usize) -> Vec<f32> {
        self.weights(lane)
    }

    fn classes(&self, lane: usize, inputs: MatrixView<'_>) -> Vec<u32> {
        self.classes(lane, inputs)
    }

    fn spec(&self) -> &NetSpec {
        self.spec()
    }

    fn lanes(&self) -> usize {
        self.lanes()
    }

    fn fit(&mut self, data: &[LaneData<'_>], plan: &TrainPlan, keys: &[Key]) -> Result<Vec<FitReport>> {
        self.fit(data, plan, keys)
    }

    fn init(&mut self, lane: usize, key: Key) {
        self.init(lane, key);
    }

    fn adopt(&mut self, lane: usize, other: &dyn Learner, from: usize) -> Result<()> {
        match other.as_bank() {
            Some(bank) => self.adopt(lane, bank, from),
            None => self.set_weights(lane, &other.weights(from)),
        }
    }

    fn as_bank(&self) -> Option<&Bank> {
        Some(self)
    }

    fn logits(&self, lane: usize, inputs: MatrixView<'_>, rows: Option<&[u32]>) -> Matrix {
        self.logits(lane, inputs, rows)
    }

    fn passes(
        &self,
        lane: usize,
        inputs: MatrixView<'_>,
        rows: Option<&[u32]>,
        count: usize,
        rate: f32,
        key: Key,
    ) -> Vec<Matrix> {
        self.passes(lane, inputs, rows, count, rate, key)
    }

    fn probabilities(&self, lane: usize, inputs: MatrixView<'_>, rows: Option<&[u32]>) -> Matrix {
        self.probabilities(lane, inputs, rows)
    }

    fn embeddings(&self, lane: usize, inputs: MatrixView<'_>, rows: Option<&[u32]>) -> Matrix {
        self.embeddings(lane, inputs, rows)
    }
}

/// The dropout factors of affine map `map` in the step whose random word is `word`, for its first `count`
/// units counted row by row.
pub(super) fn host_mask(rate: f32, word: u64, map: usize, count: usize) -> Vec<f32> {
    let mut keys = DropKeys { rate, keys: [[0; LINE]; 2] };
    keys.set(0, word);
    keys.mask(map, count)
}

/// Whether `lanes` networks are faster side by side than one at a time, by multiply-adds with padding:
/// side by side pays for sixteen networks whatever their number, one at a time for sixteen units
/// whatever theirs. The two layouts give the same bits.
fn runs_side_by_side(program: &Program, lanes: usize) -> bool {
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
    program.parameters <= SIDE_BY_SIDE_PARAMETERS && lanes * padded * 10 > LINE * exact * 11
}
