//! A *team*: what runs through the kernels together, in one of two layouts.
//!
//! ```text
//!            side by side (16 networks)             one at a time (1 network)
//! weights    [in][out][16 networks]                 [in][out, padded to 16]
//! values     [row][unit][16 networks]               [row][unit, padded to 16]
//! product    A: a line per (row, unit)              A: one number, broadcast
//! losses     a line is 16 networks on one row       a line is 16 rows of the network
//! ```
//!
//! Every number is computed by the same chain of operations in both, so a network's result does not
//! depend on which one it was trained in. Units that pad a row have zero weights and stay zero.

use super::buffer::Buffer;
use super::gemm::{Finish, Gemm};
use super::kernels::Kernels;
use super::math::{Dropout, Losses, NO_ROW, scramble_one};
use super::simd::LINE;
use super::update::{Clock, Update};
use crate::learner::plan::Loss;
use crate::learner::program::{Affine, Program, Start};

/// Rows that go through the network together. Weight gradients continue from chunk to chunk.
pub(super) const CHUNK: usize = 64;

static ZEROS: [f32; LINE] = [0.0; LINE];
static ONES: [f32; LINE] = [1.0; LINE];

/// A packed affine map: where its weights lie in the team's storage.
#[derive(Clone, Copy)]
struct Packed {
    map: Affine,
    weights: usize,
    bias: usize,
    /// Where the transposed weights lie, if the layout and the backward pass need them.
    transposed: usize,
}

/// Weights, optimiser state and activations of the networks that run together.
pub(super) struct Team {
    kernels: &'static Kernels,
    lanes: bool,
    maps: Vec<Packed>,
    buffers: Vec<usize>,
    weights: Buffer,
    gradients: Buffer,
    first: Buffer,
    second: Buffer,
    transposed: Buffer,
    values: Vec<Buffer>,
    /// Gradients with respect to the values before the rectifier.
    deltas: Vec<Buffer>,
    /// Logits as `[block][output][16]`, one network at a time.
    turned: Buffer,
    labels: Vec<u32>,
    losses: Buffer,
    /// Units of zero, as wide as the inputs.
    nothing: Buffer,
}

/// How dropout is drawn in one step.
#[derive(Clone, Copy)]
pub(super) struct DropKeys {
    pub rate: f32,
    /// Two words per lane; one at a time, the first lane's.
    pub keys: [[u32; LINE]; 2],
}

impl DropKeys {
    /// Takes the two words of a lane from a 64-bit seed.
    pub fn set(&mut self, lane: usize, seed: u64) {
        self.keys[0][lane] = seed as u32;
        self.keys[1][lane] = (seed >> 32) as u32;
    }

    /// The words of one affine map's mask.
    fn of(&self, map: usize) -> [[u32; LINE]; 2] {
        self.keys.map(|words| words.map(|word| word.wrapping_add((map as u32).wrapping_mul(0x9e37_79b9))))
    }

    /// The factors of the first `count` units of one affine map, counted row by row, in the first lane.
    pub fn mask(&self, map: usize, count: usize) -> Vec<f32> {
        let [low, high] = self.of(map);
        let factor = |unit| {
            let bits = scramble_one(unit as u32, [low[0], high[0]]);
            if bits >> 8 >= self.threshold() { self.scale() } else { 0.0 }
        };
        (0..count).map(factor).collect()
    }

    pub fn threshold(&self) -> u32 {
        (self.rate * 16_777_216.0) as u32
    }

    pub fn scale(&self) -> f32 {
        1.0 / (1.0 - self.rate)
    }
}

/// The input rows, one per lane, that form one row side by side.
pub(super) type RowPointers<'a> = [&'a [f32]; LINE];

impl Team {
    /// A team of sixteen networks (`lanes`) or of one; `training` also makes room for gradients.
    pub fn new(program: &Program, kernels: &'static Kernels, lanes: bool, training: bool) -> Self {
        let width = |units: usize| if lanes { units * LINE } else { units.next_multiple_of(LINE) };
        let (mut size, mut turned) = (0, 0);
        let maps = program
            .maps
            .iter()
            .map(|&map| {
                let weights = size;
                size += map.fan_in * width(map.fan_out);
                let bias = size;
                size += map.bias.map_or(0, |_| width(map.fan_out));
                let transposed = turned;
                if !lanes && map.input != 0 && training {
                    // Whole blocks of sixteen rows are turned at a time.
                    turned += map.fan_out * width(map.fan_in);
                }
                Packed { map, weights, bias, transposed }
            })
            .collect();
        let state = if training { size } else { 0 };
        let activations = || program.buffers.iter().map(|&units| Buffer::zeros(CHUNK * width(units)));
        Self {
            kernels,
            lanes,
            maps,
            buffers: program.buffers.clone(),
            weights: Buffer::zeros(size),
            gradients: Buffer::zeros(state),
            first: Buffer::zeros(state),
            second: Buffer::zeros(state),
            transposed: Buffer::zeros(turned),
            values: activations().collect(),
            deltas: if training { activations().collect() } else { Vec::new() },
            turned: Buffer::zeros(if lanes { 0 } else { CHUNK * program.buffers[program.logits()] }),
            labels: vec![NO_ROW; if lanes { CHUNK * LINE } else { CHUNK }],
            losses: Buffer::zeros(if lanes { CHUNK * LINE } else { CHUNK }),
            nothing: Buffer::zeros(program.buffers.iter().copied().max().unwrap_or(0).max(LINE)),
        }
    }

    /// Numbers that a team of this kind holds, for checks before it is built.
    pub fn numbers(program: &Program, lanes: bool) -> usize {
        let width = |units: usize| if lanes { units * LINE } else { units.next_multiple_of(LINE) };
        let weights: usize = program.maps.iter().map(|m| (m.fan_in + 1) * width(m.fan_out)).sum();
        let values: usize = program.buffers.iter().map(|&units| CHUNK * width(units)).sum();
        weights.saturating_mul(5).saturating_add(values.saturating_mul(2))
    }

    /// Whether this is a team of sixteen.
    pub fn is_side_by_side(&self) -> bool {
        self.lanes
    }

    fn width(&self, buffer: usize) -> usize {
        self.units(self.buffers[buffer])
    }

    fn units(&self, units: usize) -> usize {
        if self.lanes { units * LINE } else { units.next_multiple_of(LINE) }
    }

    /// Floats from one unit to the next.
    fn unit(&self) -> usize {
        if self.lanes { LINE } else { 1 }
    }

    /// Puts one network's weights, in the documented order, into place.
    pub fn pack(&mut self, lane: usize, weights: &[f32]) {
        for packed in self.maps.clone() {
            self.each(packed, lane, |own, at, from| own.weights[at] = weights[from]);
        }
    }

    /// Takes one network's weights out again.
    pub fn unpack(&self, lane: usize, weights: &mut [f32]) {
        for &packed in &self.maps {
            let (width, unit) = (self.units(packed.map.fan_out), self.unit());
            for i in 0..packed.map.fan_in {
                for o in 0..packed.map.fan_out {
                    weights[packed.map.weights + i * packed.map.fan_out + o] =
                        self.weights[packed.weights + i * width + o * unit + lane];
                }
            }
            if let Some(bias) = packed.map.bias {
                for o in 0..packed.map.fan_out {
                    weights[bias + o] = self.weights[packed.bias + o * unit + lane];
                }
            }
        }
    }

    fn each(&mut self, packed: Packed, lane: usize, mut f: impl FnMut(&mut Self, usize, usize)) {
        let (width, unit) = (self.units(packed.map.fan_out), self.unit());
        for i in 0..packed.map.fan_in {
            for o in 0..packed.map.fan_out {
                let from = packed.map.weights + i * packed.map.fan_out + o;
                f(self, packed.weights + i * width + o * unit + lane, from);
            }
        }
        if let Some(bias) = packed.map.bias {
            for o in 0..packed.map.fan_out {
                f(self, packed.bias + o * unit + lane, bias + o);
            }
        }
    }

    /// Forgets what the optimiser remembers.
    pub fn reset(&mut self) {
        self.first.fill(0.0);
        self.second.fill(0.0);
    }

    /// Puts row `row` of the chunk into the input buffer of a team of one.
    pub fn set_input(&mut self, row: usize, input: &[f32]) {
        assert!(!self.lanes, "a row of one network");
        let (units, width) = (self.buffers[0], self.width(0));
        self.values[0][row * width..row * width + units].copy_from_slice(input);
    }

    /// Puts one row per lane into row `row` of the chunk; an empty one stands for zeros.
    pub fn set_inputs(&mut self, row: usize, inputs: &RowPointers<'_>) {
        assert!(self.lanes, "a row of each of sixteen networks");
        let (units, width) = (self.buffers[0], self.width(0));
        let to = &mut self.values[0][row * width..(row + 1) * width];
        let rows: [*const f32; LINE] = std::array::from_fn(|lane| {
            if inputs[lane].is_empty() {
                self.nothing.as_ptr()
            } else {
                assert_eq!(inputs[lane].len(), units, "width of an input row");
                inputs[lane].as_ptr()
            }
        });
        // SAFETY: every row has `units` numbers, `to` has `units` lines.
        unsafe { (self.kernels.transpose)(&rows, units, to.as_mut_ptr(), LINE) };
    }

    /// Sets the class of row `row` of the chunk in `lane`, or that there is none.
    pub fn set_label(&mut self, row: usize, lane: usize, label: u32) {
        let at = if self.lanes { row * LINE + lane } else { row };
        self.labels[at] = label;
    }

    /// The loss of row `row` of the chunk in `lane`.
    pub fn loss(&self, row: usize, lane: usize) -> f32 {
        self.losses[if self.lanes { row * LINE + lane } else { row }]
    }

    /// The values of `buffer` in row `row` of the chunk, of a team of one.
    pub fn row(&self, buffer: usize, row: usize) -> &[f32] {
        assert!(!self.lanes, "rows are contiguous in a team of one only");
        let width = self.width(buffer);
        &self.values[buffer][row * width..row * width + self.buffers[buffer]]
    }

    /// Runs `rows` rows forward. `ends[lane]` is the number of rows of the chunk that the lane has;
    /// `first` the number of the chunk's first row within its mini-batch.
    pub fn forward(
        &mut self,
        rows: usize,
        first: usize,
        drop: Option<&DropKeys>,
        ends: Option<&[usize; LINE]>,
    ) {
        for index in 0..self.maps.len() {
            let packed = self.maps[index];
            self.affine(packed, rows);
            if let (true, Some(drop)) = (packed.map.drop, drop) {
                self.drop(index, packed.map.output, rows, first, drop);
            }
            if let Some(ends) = ends {
                self.blank(packed.map.output, rows, ends);
            }
        }
    }

    fn affine(&mut self, packed: Packed, rows: usize) {
        let Packed { map, weights, bias, .. } = packed;
        let (unit, in_width, out_width) = (self.unit(), self.units(map.fan_in), self.units(map.fan_out));
        if let Start::BiasPlus(skip) = map.start {
            let [skip, out] = self.values.get_disjoint_mut([skip, map.output]).expect("two buffers");
            let bias = &self.weights[bias..bias + out_width];
            for row in 0..rows {
                let range = row * out_width..(row + 1) * out_width;
                for ((o, s), b) in out[range.clone()].iter_mut().zip(&skip[range]).zip(bias) {
                    *o = s + b;
                }
            }
        }
        let [input, output] = self.values.get_disjoint_mut([map.input, map.output]).expect("two buffers");
        let c = output.as_mut_ptr();
        let (start, start_m) = match map.start {
            Start::Bias => (self.weights[bias..bias + out_width].as_ptr(), 0),
            Start::BiasPlus(_) | Start::Output => (c.cast_const(), out_width),
        };
        let gemm = Gemm {
            m: rows,
            n: map.fan_out,
            k: map.fan_in,
            a: input.as_ptr(),
            a_m: in_width,
            a_k: unit,
            b: self.weights[weights..weights + map.fan_in * out_width].as_ptr(),
            b_k: out_width,
            b_n: unit,
            start,
            start_m,
            start_n: unit,
            c,
            c_m: out_width,
            c_n: unit,
            finish: if map.relu { Finish::Relu } else { Finish::Keep },
        };
        assert!(rows <= CHUNK, "rows of a chunk");
        // SAFETY: the buffers hold `CHUNK` rows of whole lines, the weights `fan_in` of them.
        unsafe { self.product(&gemm) };
    }

    unsafe fn product(&self, gemm: &Gemm) {
        unsafe { if self.lanes { (self.kernels.lanes)(gemm) } else { (self.kernels.single)(gemm) } }
    }

    fn drop(&mut self, map: usize, buffer: usize, rows: usize, first: usize, keys: &DropKeys) {
        let width = self.width(buffer);
        assert!(rows * width <= self.values[buffer].len());
        let dropout = Dropout {
            values: self.values[buffer].as_mut_ptr(),
            rows,
            stride: width,
            lines: width / LINE,
            first,
            units: self.buffers[buffer],
            units_per_line: if self.lanes { 1 } else { LINE },
            offsets: std::array::from_fn(|i| if self.lanes { 0 } else { i as u32 }),
            keys: keys.of(map),
            threshold: keys.threshold(),
            scale: keys.scale(),
        };
        // SAFETY: the buffer holds `rows` rows of `width` numbers.
        unsafe { (self.kernels.dropout)(&dropout) };
    }

    /// Multiplies every row's values of a dropped-out buffer by one mask: see `passes`.
    pub fn forward_masked(&mut self, rows: usize, masks: &[Vec<f32>]) {
        assert_eq!(masks.len(), self.maps.len(), "one mask per affine map");
        for (index, mask) in masks.iter().enumerate() {
            let packed = self.maps[index];
            self.affine(packed, rows);
            if packed.map.drop {
                let width = self.width(packed.map.output);
                for row in 0..rows {
                    let values = &mut self.values[packed.map.output][row * width..];
                    for (value, factor) in values.iter_mut().zip(mask) {
                        *value *= factor;
                    }
                }
            }
        }
    }

    /// One mask for every map that dropout follows (empty for others), by the counters of row 0.
    pub fn masks(&self, keys: &DropKeys) -> Vec<Vec<f32>> {
        let mask = |(index, packed): (usize, &Packed)| {
            if packed.map.drop { keys.mask(index, packed.map.fan_out) } else { Vec::new() }
        };
        self.maps.iter().enumerate().map(mask).collect()
    }

    /// Zeroes what lies in rows that a lane does not have, so that they add exact zeros to its sums.
    fn blank(&mut self, buffer: usize, rows: usize, ends: &[usize; LINE]) {
        let width = self.width(buffer);
        blank(&mut self.values[buffer], rows, width, ends);
    }

    /// Turns logits into losses and, if `deltas`, into their gradients. `scale[lane]` multiplies these.
    pub fn losses(&mut self, loss: Loss, rows: usize, scale: &[f32; LINE], keep_gradient: bool) {
        let logits = self.buffers.len() - 1;
        let (outputs, width) = (self.buffers[logits], self.width(logits));
        let blocks = if self.lanes { rows } else { rows.div_ceil(LINE) };
        // One at a time, the elements of a line are rows of the one network.
        let scale = if self.lanes { *scale } else { [scale[0]; LINE] };
        if !self.lanes {
            self.turn(rows);
            self.labels[rows..blocks * LINE].fill(NO_ROW);
        } else if keep_gradient {
            let len = rows * width;
            let (values, deltas) = (&self.values[logits], &mut self.deltas[logits]);
            deltas[..len].copy_from_slice(&values[..len]);
        }
        let at = match (self.lanes, keep_gradient) {
            (false, _) => &mut self.turned,
            (true, true) => &mut self.deltas[logits],
            (true, false) => &mut self.values[logits],
        };
        assert!(at.len() >= blocks * outputs * LINE && self.labels.len() >= blocks * LINE);
        assert!(self.losses.len() >= blocks * LINE);
        let losses = Losses {
            blocks,
            outputs,
            logits: at.as_mut_ptr(),
            labels: self.labels.as_ptr(),
            scale: scale.as_ptr(),
            losses: self.losses.as_mut_ptr(),
        };
        // SAFETY: the sizes were checked above.
        unsafe {
            match loss {
                Loss::CrossEntropy => (self.kernels.cross_entropy)(&losses),
                Loss::Squared => (self.kernels.squared)(&losses),
            }
        }
        if !self.lanes && keep_gradient {
            self.turn_back(rows, true);
        }
    }

    /// Replaces the logits by probabilities, in a team of one.
    pub fn softmax(&mut self, rows: usize) {
        let outputs = self.buffers[self.buffers.len() - 1];
        self.turn(rows);
        // SAFETY: `turned` holds `CHUNK` rows.
        unsafe { (self.kernels.softmax)(self.turned.as_mut_ptr(), rows.div_ceil(LINE), outputs) };
        self.turn_back(rows, false);
    }

    /// `[row][output]` to `[block][output][16 rows]`; rows beyond the last repeat it.
    fn turn(&mut self, rows: usize) {
        let logits = self.buffers.len() - 1;
        let (outputs, width) = (self.buffers[logits], self.width(logits));
        let values = &self.values[logits];
        for block in 0..rows.div_ceil(LINE) {
            let pointers: [*const f32; LINE] = std::array::from_fn(|r| {
                let row = (block * LINE + r).min(rows - 1);
                values[row * width..(row + 1) * width].as_ptr()
            });
            let to = &mut self.turned[block * outputs * LINE..(block + 1) * outputs * LINE];
            // SAFETY: every row has `outputs` numbers, `to` as many lines.
            unsafe { (self.kernels.transpose)(&pointers, outputs, to.as_mut_ptr(), LINE) };
        }
    }

    /// The inverse of [`Team::turn`], into the logits' deltas or values; padding becomes zero.
    fn turn_back(&mut self, rows: usize, deltas: bool) {
        let logits = self.buffers.len() - 1;
        let (outputs, width) = (self.buffers[logits], self.width(logits));
        let to = if deltas { &mut self.deltas[logits] } else { &mut self.values[logits] };
        for block in 0..rows.div_ceil(LINE) {
            for o in (0..outputs).step_by(LINE) {
                let pointers: [*const f32; LINE] = std::array::from_fn(|r| {
                    if o + r < outputs {
                        self.turned[(block * outputs + o + r) * LINE..][..LINE].as_ptr()
                    } else {
                        self.nothing.as_ptr()
                    }
                });
                let to = &mut to[block * LINE * width + o..];
                assert!(to.len() >= (LINE - 1) * width + LINE);
                // SAFETY: `to` has sixteen rows of `width`, at least a line each from `o` on.
                unsafe { (self.kernels.transpose)(&pointers, LINE, to.as_mut_ptr(), width) };
            }
        }
    }

    /// Prepares the backward passes of a step: transposed weights where the layout needs them.
    pub fn transpose_weights(&mut self) {
        if self.lanes {
            return;
        }
        for index in 0..self.maps.len() {
            let Packed { map, weights, transposed, .. } = self.maps[index];
            if map.input == 0 {
                continue;
            }
            let (in_width, out_width) = (self.units(map.fan_in), self.units(map.fan_out));
            let to = &mut self.transposed[transposed..transposed + map.fan_out * in_width];
            for i in (0..map.fan_in).step_by(LINE) {
                let pointers: [*const f32; LINE] = std::array::from_fn(|r| {
                    if i + r < map.fan_in {
                        self.weights[weights + (i + r) * out_width..][..out_width].as_ptr()
                    } else {
                        self.nothing.as_ptr()
                    }
                });
                // SAFETY: `to` has `fan_out` rows of `in_width`; the source rows have `fan_out` numbers.
                unsafe { (self.kernels.transpose)(&pointers, map.fan_out, to[i..].as_mut_ptr(), in_width) };
            }
        }
    }

    /// Runs `rows` rows backward from the logits' deltas, adding to the weight gradients (`more`) or
    /// starting them.
    pub fn backward(
        &mut self,
        rows: usize,
        more: bool,
        drop: Option<&DropKeys>,
        ends: Option<&[usize; LINE]>,
    ) {
        for index in (0..self.maps.len()).rev() {
            let packed = self.maps[index];
            self.weight_gradient(packed, rows, more);
            let input = packed.map.input;
            if input == 0 {
                continue;
            }
            // A residual block's input gets a gradient from its skip first, then from its first map.
            let start = if self.maps[index].map.start == Start::Output {
                // The projection: its partner is two maps before; the sums are finished there.
                InputStart::Zero
            } else {
                match self.maps.get(index + 1).map(|next| next.map) {
                    Some(Affine { start: Start::BiasPlus(_), output, .. }) => InputStart::Delta(output),
                    Some(_) if self.projection_after(index) => InputStart::Continue,
                    _ => InputStart::Zero,
                }
            };
            let finished = packed.map.start != Start::Output;
            self.input_gradient(packed, rows, start, finished, drop);
            if let Some(ends) = ends {
                let width = self.width(input);
                blank(&mut self.deltas[input], rows, width, ends);
            }
        }
    }

    /// Whether map `index` is the first of a residual block whose skip is a projection.
    fn projection_after(&self, index: usize) -> bool {
        self.maps.get(index + 2).is_some_and(|next| {
            next.map.start == Start::Output && next.map.input == self.maps[index].map.input
        })
    }

    fn weight_gradient(&mut self, packed: Packed, rows: usize, more: bool) {
        let Packed { map, weights, bias, .. } = packed;
        let (unit, in_width, out_width) = (self.unit(), self.units(map.fan_in), self.units(map.fan_out));
        let gradients = &mut self.gradients[weights..weights + map.fan_in * out_width];
        let c = gradients.as_mut_ptr();
        let zero = (ZEROS.as_ptr(), 0, 0);
        let (start, start_m, start_n) = if more { (c.cast_const(), out_width, unit) } else { zero };
        let gemm = Gemm {
            m: map.fan_in,
            n: map.fan_out,
            k: rows,
            a: self.values[map.input].as_ptr(),
            a_m: unit,
            a_k: in_width,
            b: self.deltas[map.output].as_ptr(),
            b_k: out_width,
            b_n: unit,
            start,
            start_m,
            start_n,
            c,
            c_m: out_width,
            c_n: unit,
            finish: Finish::Keep,
        };
        // SAFETY: values and deltas hold `CHUNK` rows, the gradients `fan_in` of them, in whole lines.
        unsafe { self.product(&gemm) };
        if map.bias.is_some() {
            let c = self.gradients[bias..bias + out_width].as_mut_ptr();
            let (start, start_n) = if more { (c.cast_const(), unit) } else { (ZEROS.as_ptr(), 0) };
            let ones = Gemm { m: 1, a: ONES.as_ptr(), a_m: 0, a_k: 0, start, start_m: 0, start_n, c, ..gemm };
            // SAFETY: as above; `A` is one line of ones for every `k`.
            unsafe { self.product(&ones) };
        }
    }

    fn input_gradient(
        &mut self,
        packed: Packed,
        rows: usize,
        start: InputStart,
        finished: bool,
        drop: Option<&DropKeys>,
    ) {
        let Packed { map, weights, transposed, .. } = packed;
        let (unit, in_width, out_width) = (self.unit(), self.units(map.fan_in), self.units(map.fan_out));
        let dropped = self.maps.iter().any(|other| other.map.output == map.input && other.map.drop);
        let scale = drop.filter(|_| dropped).map_or(1.0, DropKeys::scale);
        let (b, b_k, b_n) = if self.lanes {
            (self.weights[weights..weights + map.fan_in * out_width].as_ptr(), unit, out_width)
        } else {
            (self.transposed[transposed..transposed + map.fan_out * in_width].as_ptr(), in_width, 1)
        };
        let c = self.deltas[map.input].as_mut_ptr();
        let (start, start_m, start_n) = match start {
            InputStart::Zero => (ZEROS.as_ptr(), 0, 0),
            InputStart::Continue => (c.cast_const(), in_width, unit),
            InputStart::Delta(buffer) => (self.deltas[buffer].as_ptr(), in_width, unit),
        };
        let gemm = Gemm {
            m: rows,
            n: map.fan_in,
            k: map.fan_out,
            a: self.deltas[map.output].as_ptr(),
            a_m: out_width,
            a_k: unit,
            b,
            b_k,
            b_n,
            start,
            start_m,
            start_n,
            c,
            c_m: in_width,
            c_n: unit,
            finish: if finished {
                Finish::Gate { activation: self.values[map.input].as_ptr(), scale }
            } else {
                Finish::Keep
            },
        };
        // SAFETY: all buffers hold `CHUNK` rows of whole lines; input and output are different ones.
        unsafe { self.product(&gemm) };
    }

    /// Makes one step of the optimiser.
    pub fn update(&mut self, clock: &mut Clock, decay: f32) {
        let update =
            Update::next(clock, decay, &mut self.weights, &self.gradients, &mut self.first, &mut self.second);
        // SAFETY: four slices of one length, whole lines.
        unsafe { (self.kernels.update)(&update) };
    }
}

/// Where the sums of an input gradient start.
enum InputStart {
    Zero,
    /// From what a projection skip has put there.
    Continue,
    /// From the deltas of a block's output: an identity skip.
    Delta(usize),
}

fn blank(values: &mut [f32], rows: usize, width: usize, ends: &[usize; LINE]) {
    let first = ends.iter().copied().min().unwrap_or(0);
    for row in first..rows {
        for line in values[row * width..(row + 1) * width].chunks_exact_mut(LINE) {
            for (value, &end) in line.iter_mut().zip(ends) {
                if row >= end {
                    *value = 0.0;
                }
            }
        }
    }
}
