//! From the gradient of the logits to that of every weight.

use super::super::gemm::{Finish, Gemm};
use super::super::vector::LINE;
use super::{DropKeys, Packed, Tile, blank};
use crate::learner::program::{Affine, Start};

static ZEROS: [f32; LINE] = [0.0; LINE];
static ONES: [f32; LINE] = [1.0; LINE];

/// Where the sums of an input gradient start.
enum InputStart {
    Zero,
    /// From what a projection skip has put there.
    Continue,
    /// From the deltas of a block's output: an identity skip.
    Delta(usize),
}

impl Tile {
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
        let (unit, out_width) = (self.unit(), self.units(map.fan_out));
        let (from, to) = (self.width(map.input), self.width(map.output));
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
            a_k: from,
            b: self.deltas[map.output].as_ptr(),
            b_k: to,
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
            // SAFETY: `A` is one line of ones for every `k`, the deltas hold `CHUNK` rows, and the bias is whole lines.
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
        let Packed { map, weights, transposed, dropped, .. } = packed;
        let (unit, in_width, out_width) = (self.unit(), self.units(map.fan_in), self.units(map.fan_out));
        let (from, to) = (self.width(map.input), self.width(map.output));
        let scale = drop.filter(|_| dropped).map_or(1.0, DropKeys::scale);
        let (b, b_k, b_n) = if self.lanes {
            (self.weights[weights..weights + map.fan_in * out_width].as_ptr(), unit, out_width)
        } else {
            (self.transposed[transposed..transposed + map.fan_out * in_width].as_ptr(), in_width, 1)
        };
        let c = self.deltas[map.input].as_mut_ptr();
        let (start, start_m, start_n) = match start {
            InputStart::Zero => (ZEROS.as_ptr(), 0, 0),
            InputStart::Continue => (c.cast_const(), from, unit),
            InputStart::Delta(buffer) => (self.deltas[buffer].as_ptr(), from, unit),
        };
        let gemm = Gemm {
            m: rows,
            n: map.fan_in,
            k: map.fan_out,
            a: self.deltas[map.output].as_ptr(),
            a_m: to,
            a_k: unit,
            b,
            b_k,
            b_n,
            start,
            start_m,
            start_n,
            c,
            c_m: from,
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
}
