//! Matrix products of the pool computations, by the engine's own kernel.
//!
//! Every element is one chain of fused multiply-adds in the order of the columns, as everything in the bank is. It
//! depends neither on the instruction set nor on the sizes of caches, by which public libraries choose the order
//! of their sums.

use super::gemm::{Finish, Gemm};
use super::kernels::Kernels;
use super::vector::LINE;
use crate::simd::SimdPath;

/// Columns of the product that are made together, and numbers of each row that they take at once: that much of `b`,
/// 128 kB, stays in the second cache while all rows of `a` pass.
const PANEL: usize = 128;
const DEPTH: usize = 256;

/// What sums start from, and what stands for the rows that a line of columns lacks.
static ZEROS: [f32; DEPTH] = [0.0; DEPTH];

/// `out[i, j] = a_i . b_j`, the products of all pairs of rows.
///
/// # Shapes
/// `a: [m, d]`, `b: [n, d]`, `out: [m, n]`, all row-major; what `out` has beyond is not touched.
///
/// # Panics
/// If `a` or `b` has another size, or `out` is smaller.
pub fn multiply_transposed(a: &[f32], b: &[f32], m: usize, n: usize, d: usize, out: &mut [f32]) {
    multiply_by(SimdPath::chosen(), a, b, [m, n, d], out);
}

/// [`multiply_transposed`] by the kernels of `path`.
fn multiply_by(path: SimdPath, a: &[f32], b: &[f32], [m, n, d]: [usize; 3], out: &mut [f32]) {
    assert!(a.len() == m * d && b.len() == n * d && out.len() >= m * n, "shapes of a matrix product");
    let out = &mut out[..m * n];
    if d == 0 || out.is_empty() {
        return out.fill(0.0);
    }
    let kernels = Kernels::of(path);
    let mut turned = vec![0.0; DEPTH.min(d) * PANEL.min(n.next_multiple_of(LINE))];
    // Registers are stored whole: columns that do not fill a line are made here, and copied.
    let mut rest = vec![0.0; if n.is_multiple_of(LINE) { 0 } else { m * LINE }];
    for left in (0..n).step_by(PANEL) {
        let columns = PANEL.min(n - left);
        let (whole, width) = (columns / LINE * LINE, columns.next_multiple_of(LINE));
        for from in (0..d).step_by(DEPTH) {
            let depth = DEPTH.min(d - from);
            let rows = &b[left * d..(left + columns) * d];
            turn(kernels, rows, d, from, depth, &mut turned[..depth * width]);
            let part = Part { kernels, a, m, d, from, depth, width };
            if whole > 0 {
                part.multiply(&turned, whole, &mut out[left..], n);
            }
            if whole < columns {
                part.multiply(&turned[whole..], LINE, &mut rest, LINE);
            }
        }
        if whole < columns {
            for (out, rest) in out.chunks_exact_mut(n).zip(rest.chunks_exact(LINE)) {
                out[left + whole..].copy_from_slice(&rest[..columns - whole]);
            }
        }
    }
}

/// Columns `from..from + depth` of `rows`, `[.., d]`, as the rows of `to`, `[depth, rows padded to whole lines]`.
fn turn(kernels: &Kernels, rows: &[f32], d: usize, from: usize, depth: usize, to: &mut [f32]) {
    let (count, width) = (rows.len() / d, to.len() / depth);
    assert!(width.is_multiple_of(LINE) && count <= width && from + depth <= d && depth <= DEPTH);
    for line in (0..width).step_by(LINE) {
        let row = |r: usize| {
            let at = line + r;
            if at < count { rows[at * d + from..][..depth].as_ptr() } else { ZEROS.as_ptr() }
        };
        let pointers: [*const f32; LINE] = std::array::from_fn(row);
        // SAFETY: every pointer has `depth` numbers; sixteen are written from `line` on in each of the `depth` rows of
        // `to`, whose width is a multiple of sixteen.
        unsafe { (kernels.transpose)(&pointers, depth, to[line..].as_mut_ptr(), width) };
    }
}

/// What the products of one run of columns of `a` and `b` have in common.
#[derive(Clone, Copy)]
struct Part<'a> {
    kernels: &'a Kernels,
    a: &'a [f32],
    m: usize,
    d: usize,
    from: usize,
    depth: usize,
    /// Floats from row to row of what was turned.
    width: usize,
}

impl Part<'_> {
    /// Adds the products with the first `columns` columns of `turned`, whole lines, to `out`, rows of which are
    /// `stride` apart; the first part starts the sums.
    fn multiply(self, turned: &[f32], columns: usize, out: &mut [f32], stride: usize) {
        let Self { kernels, a, m, d, from, depth, width } = self;
        assert!(columns.is_multiple_of(LINE) && a.len() == m * d && from + depth <= d);
        assert!(turned.len() >= (depth - 1) * width + columns && out.len() >= (m - 1) * stride + columns);
        let c = out.as_mut_ptr();
        let (start, start_m, start_n) =
            if from == 0 { (ZEROS.as_ptr(), 0, 0) } else { (c.cast_const(), stride, 1) };
        let gemm = Gemm {
            m,
            n: columns,
            k: depth,
            a: a[from..].as_ptr(),
            a_m: d,
            a_k: 1,
            b: turned.as_ptr(),
            b_k: width,
            b_n: 1,
            start,
            start_m,
            start_n,
            c,
            c_m: stride,
            c_n: 1,
            finish: Finish::Keep,
        };
        // SAFETY: `a` has `m` rows of `d` numbers, of which `depth` from `from` on are read; the assertion covers the
        // `depth` rows of `turned` and the `m` rows of `out`, of whole lines each; `out` is borrowed alone.
        unsafe { (kernels.single)(&gemm) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Key;
    use rand::RngExt;

    /// Of every shape of tile, panel and rest: the chain that the module promises, on every path.
    #[test]
    fn every_path_gives_the_bits_of_one_chain() {
        let mut rng = Key::root(5).rng();
        let mut paths = Vec::new();
        for [m, n, d] in [
            [1, 1, 1],
            [3, 16, 0],
            [0, 5, 3],
            [5, 0, 3],
            [7, 15, 33],
            [16, 16, 700],
            [13, 40, 20],
            [64, 128, 9],
            [2, 129, 257],
            [50, 300, 64],
            [128, 128, 512],
        ] {
            let mut draw = |n: usize| (0..n).map(|_| rng.random_range(-1.0f32..1.0)).collect::<Vec<_>>();
            let (a, b) = (draw(m * d), draw(n * d));
            let chain = |i: usize, j: usize| {
                (0..d).fold(0.0f32, |sum, k| a[i * d + k].mul_add(b[j * d + k], sum)).to_bits()
            };
            let expected: Vec<u32> = (0..m * n).map(|at| chain(at / n, at % n)).collect();
            paths.clear();
            for path in SimdPath::available() {
                let mut found = vec![f32::NAN; m * n + 5];
                multiply_by(path, &a, &b, [m, n, d], &mut found);
                assert!(found[m * n..].iter().all(|beyond| beyond.is_nan()), "{path}");
                let found: Vec<u32> = found[..m * n].iter().map(|x| x.to_bits()).collect();
                assert_eq!(found, expected, "{path}: {m} x {n} x {d}");
                paths.push(path);
            }
        }
        println!("paths: {paths:?}");
    }

    #[test]
    fn what_is_not_a_number_stays_none() {
        for bad in [f32::NAN, f32::INFINITY] {
            let mut out = [0.0; 2];
            multiply_transposed(&[1.0, bad], &[1.0, 0.0, 1.0, 1.0], 1, 2, 2, &mut out);
            assert!(out[0].is_nan() && !out[1].is_finite());
        }
    }
}
