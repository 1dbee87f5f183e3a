//! The one matrix product that everything linear is made of.
//!
//! `C[m][n] = finish(S[m][n] + Σ_k A[m][k] B[k][n])`, every element one chain of fused multiply-adds in
//! the order of `k`. Forward passes, input gradients, weight gradients and bias gradients are this
//! product with different strides, in both layouts: side by side, an element is a line of sixteen
//! networks; one at a time, `n` runs along the registers and `A` is broadcast.
//!
//! A chain may be cut: storing the sum and starting again from it rounds nothing.

#![expect(clippy::needless_range_loop, reason = "loops over register tiles are unrolled, not iterated")]

use super::vector::{LINE, Vector};

/// Longest run of `k` before the sums are stored and taken up again, so that a tile's operands stay in
/// the nearest cache.
const BLOCK_K: usize = 128;

/// A matrix product. Pointers are to `f32`, strides count `f32`s.
#[derive(Clone, Copy)]
pub(super) struct Gemm {
    pub m: usize,
    /// Columns of `C`: lines side by side, single numbers one at a time.
    pub n: usize,
    pub k: usize,
    pub a: *const f32,
    pub a_m: usize,
    pub a_k: usize,
    pub b: *const f32,
    pub b_k: usize,
    pub b_n: usize,
    /// What the sums start from.
    pub start: *const f32,
    pub start_m: usize,
    pub start_n: usize,
    pub c: *mut f32,
    pub c_m: usize,
    pub c_n: usize,
    pub finish: Finish,
}

/// What happens to a finished sum.
#[derive(Clone, Copy)]
pub(super) enum Finish {
    /// Nothing.
    Keep,
    /// `max(0, x)`; a NaN stays.
    Relu,
    /// `x * scale` where the number at the same place of `activation` is above zero, else zero.
    Gate { activation: *const f32, scale: f32 },
}

/// What the end of a tile does with its sums, resolved at compile time.
trait Epilogue: Copy {
    /// # Safety
    /// The processor must have the instructions of `V`, and the product a full register at `place`.
    unsafe fn apply<V: Vector>(self, place: usize, sum: V) -> V;
}

/// The larger of the sum and a floor: 0 for a rectifier, minus infinity for nothing at all.
#[derive(Clone, Copy)]
struct Floor(f32);

impl Epilogue for Floor {
    #[inline(always)]
    unsafe fn apply<V: Vector>(self, _place: usize, sum: V) -> V {
        // SAFETY: the caller promises the instructions.
        unsafe { V::splat(self.0).max(sum) }
    }
}

#[derive(Clone, Copy)]
struct Gate(*const f32, f32);

impl Epilogue for Gate {
    #[inline(always)]
    unsafe fn apply<V: Vector>(self, place: usize, sum: V) -> V {
        // SAFETY: the caller promises the instructions; activations lie as the product does, a register at `place` too.
        unsafe { sum.mul(V::splat(self.1)).keep_above(V::load(self.0.add(place)), V::splat(0.0)) }
    }
}

/// Runs the product. `BROADCAST`: one network at a time.
///
/// # Safety
/// The processor must have the instructions of `V`. Every element that the sizes and strides reach must be valid,
/// reads and writes up to the next full register included, and `c` must not overlap `a` or `b`.
#[inline(always)]
pub(super) unsafe fn gemm<V: Vector, const BROADCAST: bool>(g: &Gemm) {
    // SAFETY: the caller's promise, passed on.
    unsafe {
        match g.finish {
            Finish::Keep => parts::<V, BROADCAST, _>(g, Floor(f32::NEG_INFINITY)),
            Finish::Relu => parts::<V, BROADCAST, _>(g, Floor(0.0)),
            Finish::Gate { activation, scale } => parts::<V, BROADCAST, _>(g, Gate(activation, scale)),
        }
    }
}

/// The operands of one tile's run over `k`, with strides between registers.
#[derive(Clone, Copy)]
struct Tile<'a> {
    g: &'a Gemm,
    /// Where the part of a line begins that the registers hold.
    part: usize,
    m: usize,
    n: usize,
    k0: usize,
    k1: usize,
}

/// # Safety
/// As [`gemm`].
#[inline(always)]
unsafe fn parts<V: Vector, const BROADCAST: bool, E: Epilogue>(g: &Gemm, epilogue: E) {
    let (count, registers) = if BROADCAST { (1, g.n.div_ceil(V::LANES)) } else { (LINE / V::LANES, g.n) };
    for part in 0..count {
        let mut k0 = 0;
        loop {
            let k1 = if g.k - k0 <= BLOCK_K + BLOCK_K / 2 { g.k } else { k0 + BLOCK_K };
            let tile = Tile { g, part: part * V::LANES, m: 0, n: 0, k0, k1 };
            if k1 == g.k {
                // SAFETY: a part of a line, or all columns, and a run of `k`: parts of what the caller vouches for.
                unsafe { sweep::<V, BROADCAST, E>(tile, registers, epilogue) };
                break;
            }
            // SAFETY: as for the last run; what it leaves in `c` is where the next one starts.
            unsafe { sweep::<V, BROADCAST, Floor>(tile, registers, Floor(f32::NEG_INFINITY)) };
            k0 = k1;
        }
    }
}

/// Calls the tile of the given height and width.
macro_rules! tiles {
    ($t:ident, $epilogue:ident, $rows:ident, $width:ident: $($m:literal x $n:literal),+) => {
        match ($rows, $width) {
            $(($m, $n) => one::<V, BROADCAST, E, $m, $n>($t, $epilogue),)+
            _ => unreachable!("no tile of {} x {}", $rows, $width),
        }
    };
}

/// All tiles of one block of `k`: rows outside, so that the rows of `A` are read from afar only once.
///
/// # Safety
/// As [`gemm`], and the tile's run of `k` and part must lie within the product.
#[inline(always)]
unsafe fn sweep<V: Vector, const BROADCAST: bool, E: Epilogue>(mut t: Tile, registers: usize, epilogue: E) {
    // Of 32 wide registers, 24 hold sums, 4 a row of `B`, 1 a number of `A`; of 16 narrow ones, 12, 2, 1.
    let wide = V::LANES == LINE;
    let most_rows = match registers {
        1 if wide => 16,
        2 if wide => 12,
        _ => 6,
    };
    let panels = registers.div_ceil(if wide { 4 } else { 2 });
    while t.m < t.g.m {
        let rows = tile_rows(most_rows.min(t.g.m - t.m));
        t.n = 0;
        for panel in 0..panels {
            let width = registers / panels + usize::from(panel < registers % panels);
            // SAFETY: rows and registers from here on are some of those that the product has, since the heights of tiles
            // add up to its rows and the widths of panels to its registers.
            unsafe {
                if wide {
                    tiles!(t, epilogue, rows, width:
                        16 x 1, 12 x 1, 8 x 1, 6 x 1, 4 x 1, 2 x 1, 1 x 1,
                        12 x 2, 8 x 2, 6 x 2, 4 x 2, 2 x 2, 1 x 2,
                        6 x 3, 4 x 3, 2 x 3, 1 x 3,
                        6 x 4, 4 x 4, 2 x 4, 1 x 4);
                } else {
                    tiles!(t, epilogue, rows, width:
                        6 x 1, 4 x 1, 2 x 1, 1 x 1, 6 x 2, 4 x 2, 2 x 2, 1 x 2);
                }
            }
            t.n += width;
        }
        t.m += rows;
    }
}

/// The height of the tallest tile of at most `rows` rows.
#[inline(always)]
fn tile_rows(rows: usize) -> usize {
    match rows {
        16.. => 16,
        12.. => 12,
        8.. => 8,
        6.. => 6,
        4.. => 4,
        2.. => 2,
        _ => 1,
    }
}

/// One tile: `M` rows by `N` registers of sums.
///
/// # Safety
/// As [`gemm`], and all of the tile must lie within the product.
#[inline(always)]
unsafe fn one<V: Vector, const BROADCAST: bool, E: Epilogue, const M: usize, const N: usize>(
    t: Tile,
    epilogue: E,
) {
    // SAFETY: every address is that of a place of the tile, by the strides of its matrix, at which the caller promises a
    // full register (of `a`, where it is broadcast, a number). `a` and `b` are advanced once more than they are read,
    // by arithmetic that may leave the allocation.
    unsafe {
        let g = t.g;
        let step = if BROADCAST { V::LANES } else { 1 };
        let (b_n, c_n) = (g.b_n * step, g.c_n * step);
        let c_at = t.part + t.m * g.c_m + t.n * c_n;
        let (start, start_m, start_n) = if t.k0 == 0 {
            let start_n = g.start_n * step;
            (g.start.add(t.part + t.m * g.start_m + t.n * start_n), g.start_m, start_n)
        } else {
            (g.c.add(c_at).cast_const(), g.c_m, c_n)
        };
        let mut sums = [[V::splat(0.0); N]; M];
        for i in 0..M {
            for j in 0..N {
                sums[i][j] = V::load(start.add(i * start_m + j * start_n));
            }
        }
        let part_a = if BROADCAST { 0 } else { t.part };
        let mut a = g.a.add(part_a + t.m * g.a_m + t.k0 * g.a_k);
        let mut b = g.b.add(t.part + t.n * b_n + t.k0 * g.b_k);
        for _ in t.k0..t.k1 {
            let mut bs = [V::splat(0.0); N];
            for j in 0..N {
                bs[j] = V::load(b.add(j * b_n));
            }
            for i in 0..M {
                let at = a.add(i * g.a_m);
                let x = if BROADCAST { V::splat(*at) } else { V::load(at) };
                for j in 0..N {
                    sums[i][j] = x.fma(bs[j], sums[i][j]);
                }
            }
            a = a.wrapping_add(g.a_k);
            b = b.wrapping_add(g.b_k);
        }
        for i in 0..M {
            for j in 0..N {
                let place = c_at + i * g.c_m + j * c_n;
                epilogue.apply(place, sums[i][j]).store(g.c.add(place));
            }
        }
    }
}
