//! Exponential, logarithm, the losses, and dropout, over lines of sixteen independent elements.

use super::vector::{LINE, Vector};

/// Below this, `exp` gives zero: the result stays clear of subnormal numbers.
const EXP_FLOOR: f32 = -80.0;
/// Adding and subtracting it rounds a small number to an integer, which then sits in the low bits.
const ROUNDER: f32 = 12_582_912.0;
const LN2_HIGH: f32 = 0.693_359_4;
const LN2_LOW: f32 = -2.121_944_4e-4;

/// `exp(x)` for `x <= 0`, to about one unit in the last place (Cephes' polynomial); zero below
/// [`EXP_FLOOR`], NaN for NaN.
///
/// # Safety
/// The processor must have the instructions of `V`.
#[inline(always)]
unsafe fn exp<V: Vector>(x: V) -> V {
    // SAFETY: arithmetic on registers, with the instructions that the caller promises.
    unsafe {
        let floor = V::splat(EXP_FLOOR);
        let inside = floor.max(x);
        let rounded = inside.fma(V::splat(std::f32::consts::LOG2_E), V::splat(ROUNDER));
        let n = rounded.sub(V::splat(ROUNDER));
        let r = n.fma(V::splat(-LN2_LOW), n.fma(V::splat(-LN2_HIGH), inside));
        let mut p = V::splat(1.987_569_1e-4);
        for c in [1.398_2e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 5.0e-1] {
            p = p.fma(r, V::splat(c));
        }
        let e = p.fma(r.mul(r), r.add(V::splat(1.0)));
        let scaled = V::from_bits(V::int_add(e.bits(), V::int_shl::<23>(rounded.bits())));
        // `x < floor` gives zero; a NaN is not below and went through.
        scaled.sub(scaled.keep_above(floor, x))
    }
}

/// `ln(x)` for normal `x > 0` (Cephes' polynomial); NaN and infinity come out as themselves.
///
/// # Safety
/// The processor must have the instructions of `V`.
#[inline(always)]
unsafe fn ln<V: Vector>(x: V) -> V {
    // SAFETY: arithmetic on registers, with the instructions that the caller promises.
    unsafe {
        // Move the exponent so that the mantissa lies in [sqrt(1/2), sqrt(2)).
        let shifted = V::int_sub(x.bits(), V::int_splat(0x3f35_04f3));
        let exponent = V::from_int(V::int_sar::<23>(shifted));
        let mantissa = V::from_bits(V::int_add(
            V::int_and(shifted, V::int_splat(0x007f_ffff)),
            V::int_splat(0x3f35_04f3),
        ));
        let r = mantissa.sub(V::splat(1.0));
        let mut p = V::splat(7.037_683_6e-2);
        for c in [
            -1.151_461e-1,
            1.167_699_9e-1,
            -1.242_014_1e-1,
            1.424_932_3e-1,
            -1.666_805_7e-1,
            2.000_071_5e-1,
            -2.499_999_4e-1,
            3.333_333e-1,
        ] {
            p = p.fma(r, V::splat(c));
        }
        let square = r.mul(r);
        let tail = exponent.fma(V::splat(LN2_LOW), p.mul(r).mul(square));
        let whole = exponent.fma(V::splat(LN2_HIGH), r.add(square.fma(V::splat(-0.5), tail)));
        // NaN and infinity: `x - x` is NaN there and zero elsewhere.
        whole.add(x.sub(x))
    }
}

/// The label of a place that holds no row.
pub(super) const NO_ROW: u32 = u32::MAX;

/// Losses and their gradients over blocks of lines: a block is `[outputs][16]`, either sixteen networks
/// on one row each, or sixteen rows of one network.
#[derive(Clone, Copy)]
pub(super) struct Losses {
    pub blocks: usize,
    pub outputs: usize,
    /// Logits in, gradients with respect to them out, `[blocks][outputs][16]`.
    pub logits: *mut f32,
    /// Classes, or [`NO_ROW`], `[blocks][16]`.
    pub labels: *const u32,
    /// What a row's gradient is multiplied by, `[16]`.
    pub scale: *const f32,
    /// Each row's loss, `[blocks][16]`; zero where there is no row.
    pub losses: *mut f32,
    /// Of soft rows, distributions over classes, `[blocks][outputs][16]`, and weights, `[blocks][16]`.
    pub targets: *const f32,
    pub weights: *const f32,
}

/// Softmax cross-entropy: `ln Σ e^z - z_y`, gradient `(p - y) * scale`.
///
/// `SOFT`, the targets are distributions and rows have weights: `w * (ln Σ e^z - Σ y z)`, gradient `w * (p - y) * scale`.
/// Of a row whose target is one class and whose weight is one, loss and gradient have the same bits either way.
///
/// # Safety
/// The processor must have the instructions of `V`, and the pointers be valid for the sizes given.
#[inline(always)]
pub(super) unsafe fn cross_entropy<V: Vector, const SOFT: bool>(l: &Losses) {
    // SAFETY: `place` runs over the registers of `[blocks][16]`, `z` over those of `[blocks][outputs][16]`: sixteen is a
    // multiple of a register, so each lies within the sizes for which the caller vouches.
    unsafe {
        for place in (0..l.blocks * LINE).step_by(V::LANES) {
            let (block, lane) = (place / LINE, place % LINE);
            let z = l.logits.add(block * l.outputs * LINE + lane);
            let label = V::int_load(l.labels.add(place));
            let scale = V::load(l.scale.add(lane));
            let target = |o: usize| l.targets.add((block * l.outputs + o) * LINE + lane);
            let top = top::<V>(z, l.outputs);
            let mut sum = V::splat(0.0);
            let mut own = V::splat(0.0);
            for o in 0..l.outputs {
                let at = z.add(o * LINE);
                let shifted = V::load(at).sub(top);
                own = own.add(if SOFT {
                    // What has no share adds nothing, even where its logit is infinite.
                    let share = V::load(target(o));
                    share.mul(shifted).keep_unequal(share.bits(), V::int_splat(0))
                } else {
                    shifted.keep_equal(label, V::int_splat(o as u32))
                });
                let e = exp(shifted);
                sum = sum.add(e);
                e.store(at);
            }
            let mut loss = ln(sum).sub(own);
            let mut factor = scale;
            if SOFT {
                let weight = V::load(l.weights.add(place));
                loss = loss.mul(weight);
                factor = scale.mul(weight);
            }
            loss.keep_unequal(label, V::int_splat(NO_ROW)).store(l.losses.add(place));
            let share = V::splat(1.0).div(sum);
            for o in 0..l.outputs {
                let at = z.add(o * LINE);
                let hot = if SOFT {
                    V::load(target(o))
                } else {
                    V::splat(1.0).keep_equal(label, V::int_splat(o as u32))
                };
                let gradient = V::load(at).mul(share).sub(hot).mul(factor);
                gradient.keep_unequal(label, V::int_splat(NO_ROW)).store(at);
            }
        }
    }
}

/// Squared loss: `Σ (z - y)^2 / outputs`, gradient `2 (z - y) * scale / outputs`.
///
/// # Safety
/// The processor must have the instructions of `V`, and the pointers be valid for the sizes given.
#[inline(always)]
pub(super) unsafe fn squared<V: Vector>(l: &Losses) {
    // SAFETY: the registers are those of `cross_entropy`, within the sizes for which the caller vouches.
    unsafe {
        let share = V::splat(1.0 / l.outputs as f32);
        for place in (0..l.blocks * LINE).step_by(V::LANES) {
            let (block, lane) = (place / LINE, place % LINE);
            let z = l.logits.add(block * l.outputs * LINE + lane);
            let label = V::int_load(l.labels.add(place));
            let factor = V::load(l.scale.add(lane)).mul(share).mul(V::splat(2.0));
            let mut sum = V::splat(0.0);
            for o in 0..l.outputs {
                let at = z.add(o * LINE);
                let hot = V::splat(1.0).keep_equal(label, V::int_splat(o as u32));
                let miss = V::load(at).sub(hot);
                sum = miss.fma(miss, sum);
                miss.mul(factor).keep_unequal(label, V::int_splat(NO_ROW)).store(at);
            }
            sum.mul(share).keep_unequal(label, V::int_splat(NO_ROW)).store(l.losses.add(place));
        }
    }
}

/// Half the squared difference of the one output to the row's number: `(z - y)^2 / 2`, gradient `(z - y) * scale`.
/// Labels are the bits of finite numbers, none of which are those of [`NO_ROW`].
///
/// # Safety
/// The processor must have the instructions of `V`, and the pointers be valid for the sizes given.
#[inline(always)]
pub(super) unsafe fn squared_error<V: Vector>(l: &Losses) {
    debug_assert_eq!(l.outputs, 1, "one number is predicted");
    // SAFETY: the registers are those of `cross_entropy`, within the sizes for which the caller vouches.
    unsafe {
        for place in (0..l.blocks * LINE).step_by(V::LANES) {
            let (block, lane) = (place / LINE, place % LINE);
            let z = l.logits.add(block * l.outputs * LINE + lane);
            let label = V::int_load(l.labels.add(place));
            let miss = V::load(z).sub(V::from_bits(label));
            let loss = miss.mul(miss).mul(V::splat(0.5));
            loss.keep_unequal(label, V::int_splat(NO_ROW)).store(l.losses.add(place));
            miss.mul(V::load(l.scale.add(lane))).keep_unequal(label, V::int_splat(NO_ROW)).store(z);
        }
    }
}

/// β-NLL at β = 1/2, of a mean `m` and the logarithm of a variance `d²`: `d ln d + (m - y)² / (2 d)`, gradients `(m - y) * scale / d`
/// and `(d - (m - y)² / d) * scale / 2`, in which the factor `d` of the loss is a constant. Labels are as those of
/// [`squared_error`].
///
/// # Safety
/// The processor must have the instructions of `V`, and the pointers be valid for the sizes given.
#[inline(always)]
pub(super) unsafe fn beta_nll<V: Vector>(l: &Losses) {
    debug_assert_eq!(l.outputs, 2, "a mean and a variance are predicted");
    // SAFETY: the registers are those of `cross_entropy`, within the sizes for which the caller vouches.
    unsafe {
        let (none, half) = (V::splat(0.0), V::splat(0.5));
        for place in (0..l.blocks * LINE).step_by(V::LANES) {
            let (block, lane) = (place / LINE, place % LINE);
            let z = l.logits.add(block * l.outputs * LINE + lane);
            let label = V::int_load(l.labels.add(place));
            let scale = V::load(l.scale.add(lane));
            let log = V::load(z.add(LINE)).mul(half);
            // `d` and `1 / d`, each from exponentials of what is not positive.
            let above = exp(none.sub(none.max(none.sub(log))));
            let below = exp(none.sub(none.max(log)));
            let (deviation, inverse) = (above.div(below), below.div(above));
            let miss = V::load(z).sub(V::from_bits(label));
            let slope = miss.mul(inverse);
            let share = miss.mul(slope);
            let loss = deviation.mul(log).add(share.mul(half));
            loss.keep_unequal(label, V::int_splat(NO_ROW)).store(l.losses.add(place));
            slope.mul(scale).keep_unequal(label, V::int_splat(NO_ROW)).store(z);
            let of_log = deviation.sub(share).mul(half).mul(scale);
            of_log.keep_unequal(label, V::int_splat(NO_ROW)).store(z.add(LINE));
        }
    }
}

/// Binary cross-entropy of sigmoids: `Σ (ln(1 + e^z) - y z) / outputs`, gradient `(p - y) * scale / outputs`. Labels are sets,
/// output `o` being bit `o`, none of which is [`NO_ROW`].
///
/// # Safety
/// The processor must have the instructions of `V`, and the pointers be valid for the sizes given.
#[inline(always)]
pub(super) unsafe fn binary_cross_entropy<V: Vector>(l: &Losses) {
    // SAFETY: the registers are those of `cross_entropy`, within the sizes for which the caller vouches.
    unsafe {
        let (none, one, share) = (V::splat(0.0), V::splat(1.0), V::splat(1.0 / l.outputs as f32));
        for place in (0..l.blocks * LINE).step_by(V::LANES) {
            let (block, lane) = (place / LINE, place % LINE);
            let z = l.logits.add(block * l.outputs * LINE + lane);
            let label = V::int_load(l.labels.add(place));
            let factor = V::load(l.scale.add(lane)).mul(share);
            let mut sum = none;
            for o in 0..l.outputs {
                let at = z.add(o * LINE);
                let logit = V::load(at);
                let bit = V::int_and(label, V::int_splat(1 << o));
                let (hot, own) =
                    (one.keep_unequal(bit, V::int_splat(0)), logit.keep_unequal(bit, V::int_splat(0)));
                // `ln(1 + e^z) = max(z, 0) + ln(1 + e^-|z|)`, and `p = e^min(z, 0) / (1 + e^-|z|)`: no exponential overflows.
                let below = exp(none.sub(logit.abs()));
                let all = one.add(below);
                let positive = none.max(logit);
                sum = sum.add(positive.add(ln(all)).sub(own));
                let p = exp(logit.sub(positive)).div(all);
                p.sub(hot).mul(factor).keep_unequal(label, V::int_splat(NO_ROW)).store(at);
            }
            sum.mul(share).keep_unequal(label, V::int_splat(NO_ROW)).store(l.losses.add(place));
        }
    }
}

/// Softmax in place over `[blocks][outputs][16]`.
///
/// # Safety
/// The processor must have the instructions of `V`, and the pointer be valid for the sizes given.
#[inline(always)]
pub(super) unsafe fn softmax<V: Vector>(logits: *mut f32, blocks: usize, outputs: usize) {
    // SAFETY: `z + o * 16` runs over the registers of `[blocks][outputs][16]`, for which the caller vouches.
    unsafe {
        for place in (0..blocks * LINE).step_by(V::LANES) {
            let z = logits.add(place / LINE * outputs * LINE + place % LINE);
            let top = top::<V>(z, outputs);
            let mut sum = V::splat(0.0);
            for o in 0..outputs {
                let at = z.add(o * LINE);
                let e = exp(V::load(at).sub(top));
                sum = sum.add(e);
                e.store(at);
            }
            let share = V::splat(1.0).div(sum);
            for o in 0..outputs {
                let at = z.add(o * LINE);
                V::load(at).mul(share).store(at);
            }
        }
    }
}

/// The largest of a column of `[outputs][16]`, a register of columns at a time.
///
/// # Safety
/// The processor must have the instructions of `V`, and a register must lie at `z` and every sixteen numbers on.
#[inline(always)]
unsafe fn top<V: Vector>(z: *const f32, outputs: usize) -> V {
    // SAFETY: the caller's promise, line by line.
    unsafe {
        let mut top = V::load(z);
        for o in 1..outputs {
            top = top.max(V::load(z.add(o * LINE)));
        }
        top
    }
}

/// Inverted dropout over a matrix of activations.
#[derive(Clone, Copy)]
pub(super) struct Dropout {
    pub values: *mut f32,
    pub rows: usize,
    /// Floats from row to row.
    pub stride: usize,
    /// Lines per row.
    pub lines: usize,
    /// Number of the first row in its mini-batch.
    pub first: usize,
    /// Units per row: element `(row, unit)` has the number `row * units + unit`.
    pub units: usize,
    /// Units per line: 1 side by side, 16 one at a time.
    pub units_per_line: usize,
    /// Number of each element of a line, less that of its first.
    pub offsets: [u32; LINE],
    /// Two words of key per element of a line.
    pub keys: [[u32; LINE]; 2],
    /// An element is dropped when its 24 random bits are below this.
    pub threshold: u32,
    /// What a kept element is multiplied by.
    pub scale: f32,
}

/// Drops and scales.
///
/// # Safety
/// The processor must have the instructions of `V`, and the pointer be valid for `rows` rows of `lines` lines.
#[inline(always)]
pub(super) unsafe fn dropout<V: Vector>(d: &Dropout) {
    // SAFETY: keys and offsets are arrays of sixteen, of which `part` begins a register; `at` begins one in each line of
    // each row, for which the caller vouches.
    unsafe {
        let threshold = V::int_splat(d.threshold);
        for part in (0..LINE).step_by(V::LANES) {
            let keys = [V::int_load(d.keys[0].as_ptr().add(part)), V::int_load(d.keys[1].as_ptr().add(part))];
            let offsets = V::int_load(d.offsets.as_ptr().add(part));
            for row in 0..d.rows {
                let base = (d.first + row).wrapping_mul(d.units);
                for line in 0..d.lines {
                    let number = base.wrapping_add(line * d.units_per_line) as u32;
                    let bits = scramble::<V>(V::int_add(V::int_splat(number), offsets), keys);
                    let at = d.values.add(row * d.stride + line * LINE + part);
                    let scaled = V::load(at).mul(V::splat(d.scale));
                    scaled.keep_at_least(V::int_shr::<8>(bits), threshold).store(at);
                }
            }
        }
    }
}

/// A counter-based generator: the counter, mixed with two words of key by rounds of multiplication and
/// xor-shift (the constants of Wellons's `lowbias32`).
///
/// # Safety
/// The processor must have the instructions of `V`.
#[inline(always)]
unsafe fn scramble<V: Vector>(counter: V::Int, keys: [V::Int; 2]) -> V::Int {
    // SAFETY: arithmetic on registers, with the instructions that the caller promises.
    unsafe {
        let mut x = V::int_xor(counter, keys[0]);
        x = V::int_xor(x, V::int_shr::<16>(x));
        x = V::int_mul(x, V::int_splat(0x7feb_352d));
        x = V::int_add(x, keys[1]);
        x = V::int_xor(x, V::int_shr::<15>(x));
        x = V::int_mul(x, V::int_splat(0x846c_a68b));
        V::int_xor(x, V::int_shr::<16>(x))
    }
}

/// [`scramble`] of one number.
pub(super) fn scramble_one(counter: u32, keys: [u32; 2]) -> u32 {
    let mut x = counter ^ keys[0];
    x ^= x >> 16;
    x = x.wrapping_mul(0x7feb_352d);
    x = x.wrapping_add(keys[1]);
    x ^= x >> 15;
    x = x.wrapping_mul(0x846c_a68b);
    x ^ (x >> 16)
}

/// Transposes sixteen rows of `columns` numbers: `to[c * stride + r] = rows[r][c]`.
///
/// # Safety
/// The processor must have the instructions of `V`. The rows must be valid for `columns` numbers, and `to` for
/// sixteen from each `c * stride` on, `c < columns`.
#[inline(always)]
pub(super) unsafe fn transpose<V: Vector>(
    rows: &[*const f32; LINE],
    columns: usize,
    to: *mut f32,
    stride: usize,
) {
    // SAFETY: blocks of whole registers end at `columns` or before, and what is left goes number by number; rows
    // `part..part + LANES` are some of the sixteen.
    unsafe {
        for part in (0..LINE).step_by(V::LANES) {
            let mut c = 0;
            while c + V::LANES <= columns {
                let mut block = [std::ptr::null(); LINE];
                for r in 0..V::LANES {
                    block[r] = rows[part + r].add(c);
                }
                V::transpose(&block[..V::LANES], to.add(c * stride + part), stride);
                c += V::LANES;
            }
            for c in c..columns {
                for r in 0..V::LANES {
                    *to.add(c * stride + part + r) = *rows[part + r].add(c);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::vector::Portable;
    use super::*;

    fn of(f: impl Fn(Portable) -> Portable, x: f32) -> f32 {
        let mut out = [0.0; LINE];
        // SAFETY: the portable path needs no instructions, and `out` has sixteen places.
        unsafe { f(Portable::splat(x)).store(out.as_mut_ptr()) };
        out[0]
    }

    /// Distance to the true value in units in the last place of `f32`.
    fn ulps(found: f32, exact: f64) -> f64 {
        let unit = f64::from(f32::EPSILON) * exact.abs().log2().floor().exp2();
        (f64::from(found) - exact).abs() / unit
    }

    #[test]
    fn exponential_and_logarithm_are_accurate() {
        // SAFETY: the portable path needs no instructions.
        let exp = |x| of(|v| unsafe { exp(v) }, x);
        // SAFETY: the portable path needs no instructions.
        let ln = |x| of(|v| unsafe { ln(v) }, x);
        let mut worst = [0.0f64; 2];
        for step in 0..200_000 {
            let x = -79.9 * step as f32 / 200_000.0;
            worst[0] = worst[0].max(ulps(exp(x), f64::from(x).exp()));
            let y = 1.0 + step as f32 * 0.05;
            if step > 0 {
                worst[1] = worst[1].max(ulps(ln(y), f64::from(y).ln()));
            }
        }
        assert!(worst[0] < 1.5 && worst[1] < 1.5, "{worst:?}");
        assert_eq!((exp(0.0), exp(-80.5), exp(f32::NEG_INFINITY), ln(1.0)), (1.0, 0.0, 0.0, 0.0));
        assert!(exp(f32::NAN).is_nan() && ln(f32::NAN).is_nan() && !ln(f32::INFINITY).is_finite());
    }

    #[test]
    fn the_generator_is_even() {
        let drawn = (0..100_000u32).filter(|&i| scramble_one(i, [7, 9]) >> 8 < 1 << 22).count();
        // A quarter, within five standard deviations.
        assert!((drawn as f64 - 25_000.0).abs() < 5.0 * (100_000.0f64 * 0.25 * 0.75).sqrt(), "{drawn}");
    }
}
