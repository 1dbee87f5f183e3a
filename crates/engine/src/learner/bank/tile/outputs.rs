//! From logits to losses, gradients and probabilities.
//!
//! These run over lines of independent softmaxes. Side by side, a row of logits is such a line already.
//! One at a time, sixteen rows are turned into one, and back.

use super::super::buffer::Buffer;
use super::super::math::{Losses, NO_ROW};
use super::super::vector::LINE;
use super::{CHUNK, Tile};
use crate::learner::plan::Loss;
use crate::learner::virtual_rows::Aim;

impl Tile {
    /// Says whether rows of the coming fit have soft targets, and makes room for those.
    pub fn soften(&mut self, soft: bool) {
        self.soft = soft;
        if soft && self.targets.is_empty() {
            let blocks = if self.lanes { CHUNK } else { CHUNK / LINE };
            let outputs = self.buffers[self.buffers.len() - 1];
            self.targets = Buffer::zeros(blocks * outputs * LINE);
            self.row_weights = Buffer::zeros(blocks * LINE);
        }
    }

    /// Sets what row `row` of the chunk in `lane` is trained towards; none where there is no such row.
    pub fn set_aim(&mut self, row: usize, lane: usize, aim: Option<Aim<'_>>) {
        let at = if self.lanes { row * LINE + lane } else { row };
        self.labels[at] = match aim {
            Some(Aim::Class(label)) => label,
            // Any but the mark of no row.
            Some(Aim::Soft { .. }) => 0,
            None => NO_ROW,
        };
        if let (true, Some(aim)) = (self.soft, aim) {
            let outputs = self.buffers[self.buffers.len() - 1];
            let (block, column) = (at / LINE, at % LINE);
            for class in 0..outputs {
                self.targets[(block * outputs + class) * LINE + column] = aim.share(class);
            }
            self.row_weights[at] = aim.weight();
        }
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
        assert!(!self.soft || self.targets.len() >= blocks * outputs * LINE);
        assert!(!self.soft || self.row_weights.len() >= blocks * LINE);
        let losses = Losses {
            blocks,
            outputs,
            logits: at.as_mut_ptr(),
            labels: self.labels.as_ptr(),
            scale: scale.as_ptr(),
            losses: self.losses.as_mut_ptr(),
            targets: self.targets.as_ptr(),
            weights: self.row_weights.as_ptr(),
        };
        // SAFETY: the assertions are the sizes of logits, labels, losses, and soft targets with their weights; `scale` is an array of sixteen.
        unsafe {
            match loss {
                Loss::CrossEntropy if self.soft => (self.kernels.soft_cross_entropy)(&losses),
                Loss::CrossEntropy => (self.kernels.cross_entropy)(&losses),
                Loss::Squared => (self.kernels.squared)(&losses),
                Loss::SquaredError => (self.kernels.squared_error)(&losses),
                Loss::BetaNll => (self.kernels.beta_nll)(&losses),
                Loss::BinaryCrossEntropy => (self.kernels.binary_cross_entropy)(&losses),
                Loss::CrossEntropyDice => unreachable!("a bank refuses masks before it trains"),
            }
        }
        if !self.lanes && keep_gradient {
            self.turn_back(rows, true);
        }
    }

    /// Replaces the logits by probabilities, in a tile of one.
    pub fn softmax(&mut self, rows: usize) {
        let outputs = self.buffers[self.buffers.len() - 1];
        self.turn(rows);
        // SAFETY: one at a time, `turned` holds `CHUNK` rows of logits, of which `turn` filled the blocks of `rows`.
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

    /// The inverse of [`Tile::turn`], into the logits' deltas or values; padding becomes zero.
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
}
