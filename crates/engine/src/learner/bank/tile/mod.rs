//! A *tile*: what runs through the kernels together, in one of two layouts.
//!
//! ```text
//!            side by side (16 networks)             one at a time (1 network)
//! weights    [in][out][16 networks]                 [in][out, padded to 16]
//! values     [row][unit, made odd][16 networks]     [row][unit, padded to 16]
//! product    A: a line per (row, unit)              A: one number, broadcast
//! losses     a line is 16 networks on one row       a line is 16 rows of the network
//! ```
//!
//! Every number is computed by the same chain of operations in both, so a network's result does not
//! depend on which one it was trained in. Units that pad a row have zero weights and stay zero.

mod backward;
mod outputs;

use super::buffer::Buffer;
use super::gemm::{Finish, Gemm};
use super::kernels::Kernels;
use super::math::{Dropout, NO_ROW, scramble_one};
use super::update::{Clocks, Update};
use super::vector::LINE;
use crate::learner::program::{Affine, Program, Start};

/// Rows that go through the network together. Weight gradients continue from chunk to chunk.
pub(super) const CHUNK: usize = 64;

/// A packed affine map: where its weights lie in the tile's storage.
#[derive(Clone, Copy)]
struct Packed {
    map: Affine,
    weights: usize,
    bias: usize,
    /// Where the transposed weights lie, if the layout and the backward pass need them.
    transposed: usize,
    /// Whether the inputs went through dropout.
    dropped: bool,
}

impl Packed {
    /// Every weight's and bias's place in the tile, for lane 0, and in the documented order.
    fn places(&self, width: usize, unit: usize) -> impl Iterator<Item = (usize, usize)> + use<> {
        let Packed { map, weights, bias, .. } = *self;
        let row = move |at: usize, from: usize| (0..map.fan_out).map(move |o| (at + o * unit, from + o));
        let matrix =
            (0..map.fan_in).flat_map(move |i| row(weights + i * width, map.weights + i * map.fan_out));
        matrix.chain(map.bias.into_iter().flat_map(move |from| row(bias, from)))
    }
}

/// Weights, optimiser state and activations of the networks that run together.
pub(super) struct Tile {
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
    /// Whether rows have soft targets; these, as `[block][output][16]`, and the weights of the rows.
    soft: bool,
    targets: Buffer,
    row_weights: Buffer,
    /// Zeros, as many as the widest layer has units.
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

    /// A unit is dropped when its 24 random bits are below this.
    fn threshold(&self) -> u32 {
        (self.rate * 16_777_216.0) as u32
    }

    /// What kept units are multiplied by.
    fn scale(&self) -> f32 {
        1.0 / (1.0 - self.rate)
    }
}

/// The input rows, one per lane, that form one row side by side.
pub(super) type RowPointers<'a> = [&'a [f32]; LINE];

impl Tile {
    /// A tile of sixteen networks (`lanes`) or of one; `training` also makes room for gradients.
    pub fn new(program: &Program, kernels: &'static Kernels, lanes: bool, training: bool) -> Self {
        let width = |units| width_of(lanes, units);
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
                let dropped = program.maps.iter().any(|other| other.output == map.input && other.drop);
                Packed { map, weights, bias, transposed, dropped }
            })
            .collect();
        let state = if training { size } else { 0 };
        let logits = program.logits();
        let rows = |(buffer, &units)| Buffer::zeros(CHUNK * row_of(lanes, units, buffer == logits));
        let activations = || program.buffers.iter().enumerate().map(rows);
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
            soft: false,
            targets: Buffer::default(),
            row_weights: Buffer::default(),
            nothing: Buffer::zeros(program.buffers.iter().copied().max().unwrap_or(0).max(LINE)),
        }
    }

    /// Numbers that a tile of this kind holds, for checks before it is built.
    pub fn numbers(program: &Program, lanes: bool) -> usize {
        let width = |units| width_of(lanes, units);
        let weights: usize = program.maps.iter().map(|m| (m.fan_in + 1) * width(m.fan_out)).sum();
        let values: usize = program.buffers.iter().map(|&units| CHUNK * row_of(lanes, units, false)).sum();
        weights.saturating_mul(5).saturating_add(values.saturating_mul(2))
    }

    /// Whether this is a tile of sixteen.
    pub fn is_side_by_side(&self) -> bool {
        self.lanes
    }

    /// Floats from row to row of activations.
    fn width(&self, buffer: usize) -> usize {
        row_of(self.lanes, self.buffers[buffer], buffer + 1 == self.buffers.len())
    }

    /// Floats of a row of weights to `units` units.
    fn units(&self, units: usize) -> usize {
        width_of(self.lanes, units)
    }

    /// Floats from one unit to the next.
    fn unit(&self) -> usize {
        if self.lanes { LINE } else { 1 }
    }

    /// Puts one network's weights, in the documented order, into place.
    pub fn pack(&mut self, lane: usize, weights: &[f32]) {
        let (lanes, unit) = (self.lanes, self.unit());
        for packed in &self.maps {
            for (at, from) in packed.places(width_of(lanes, packed.map.fan_out), unit) {
                self.weights[at + lane] = weights[from];
            }
        }
    }

    /// Takes one network's weights out again.
    pub fn unpack(&self, lane: usize, weights: &mut [f32]) {
        for packed in &self.maps {
            for (at, to) in packed.places(self.units(packed.map.fan_out), self.unit()) {
                weights[to] = self.weights[at + lane];
            }
        }
    }

    /// Puts one network's first and second moments, in the documented order, into place.
    pub fn pack_moments(&mut self, lane: usize, [first, second]: [&[f32]; 2]) {
        let (lanes, unit) = (self.lanes, self.unit());
        for packed in &self.maps {
            for (at, from) in packed.places(width_of(lanes, packed.map.fan_out), unit) {
                self.first[at + lane] = first[from];
                self.second[at + lane] = second[from];
            }
        }
    }

    /// Takes one network's first and second moments out again.
    pub fn unpack_moments(&self, lane: usize, [first, second]: [&mut [f32]; 2]) {
        for packed in &self.maps {
            for (at, to) in packed.places(self.units(packed.map.fan_out), self.unit()) {
                first[to] = self.first[at + lane];
                second[to] = self.second[at + lane];
            }
        }
    }

    /// Forgets what the optimiser remembers.
    pub fn reset(&mut self) {
        self.first.fill(0.0);
        self.second.fill(0.0);
    }

    /// Puts row `row` of the chunk into the input buffer of a tile of one.
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

    /// The loss of row `row` of the chunk in `lane`.
    pub fn loss(&self, row: usize, lane: usize) -> f32 {
        self.losses[if self.lanes { row * LINE + lane } else { row }]
    }

    /// The values of `buffer` in row `row` of the chunk, of a tile of one.
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
        let (unit, out_width) = (self.unit(), self.units(map.fan_out));
        let (from, to) = (self.width(map.input), self.width(map.output));
        if let Start::BiasPlus(skip) = map.start {
            let [skip, out] = self.values.get_disjoint_mut([skip, map.output]).expect("two buffers");
            let bias = &self.weights[bias..bias + out_width];
            for row in 0..rows {
                let range = row * to..(row + 1) * to;
                for ((o, s), b) in out[range.clone()].iter_mut().zip(&skip[range]).zip(bias) {
                    *o = s + b;
                }
            }
        }
        let [input, output] = self.values.get_disjoint_mut([map.input, map.output]).expect("two buffers");
        let c = output.as_mut_ptr();
        let (start, start_m) = match map.start {
            Start::Bias => (self.weights[bias..bias + out_width].as_ptr(), 0),
            Start::BiasPlus(_) | Start::Output => (c.cast_const(), to),
        };
        let gemm = Gemm {
            m: rows,
            n: map.fan_out,
            k: map.fan_in,
            a: input.as_ptr(),
            a_m: from,
            a_k: unit,
            b: self.weights[weights..weights + map.fan_in * out_width].as_ptr(),
            b_k: out_width,
            b_n: unit,
            start,
            start_m,
            start_n: unit,
            c,
            c_m: to,
            c_n: unit,
            finish: if map.finish == crate::learner::program::Finish::Relu {
                Finish::Relu
            } else {
                Finish::Keep
            },
        };
        assert!(rows <= CHUNK, "rows of a chunk");
        // SAFETY: the buffers hold `CHUNK` rows of whole lines, the weights `fan_in` of them.
        unsafe { self.product(&gemm) };
    }

    /// The product in this tile's layout.
    ///
    /// # Safety
    /// As [`gemm`](super::gemm::gemm).
    unsafe fn product(&self, gemm: &Gemm) {
        // SAFETY: the caller's promise about the product; the tile was given kernels that this processor can run.
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

    /// Runs `rows` rows forward with one dropout mask for all of them: see [`super::Bank::passes`].
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

    /// Makes one step of the optimiser.
    pub fn update(&mut self, clocks: &mut Clocks, decay: f32) {
        let (first, second) = (&mut self.first, &mut self.second);
        let update = Update::next(clocks, decay, &mut self.weights, &self.gradients, first, second);
        // SAFETY: `Update::next` takes four slices of one length, here whole buffers, which are whole lines.
        unsafe { (self.kernels.update)(&update) };
    }
}

/// Floats from row to row of activations. Side by side, a row has an odd number of lines: with 64 of
/// them, rows would be 4,096 bytes apart, and a column of 64 rows would have to share the few places of
/// the nearest cache that this distance reaches. Logits stay dense, as the losses read them.
fn row_of(lanes: bool, units: usize, logits: bool) -> usize {
    width_of(lanes, if lanes && !logits { units | 1 } else { units })
}

/// Floats of a row of `units` units in either layout.
fn width_of(lanes: bool, units: usize) -> usize {
    if lanes { units * LINE } else { units.next_multiple_of(LINE) }
}

/// Zeroes what lies in rows that a lane does not have.
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
