//! The two loops that everything waits for, compiled for several instruction sets.
//!
//! Sixteen partial sums, combined pairwise, then the same for every instruction set: products and sums
//! are rounded one by one (no fused multiply-add), so the results are equal bit for bit.

use crate::simd::dispatched;

const LANES: usize = 16;

/// The sum of sixteen partial sums.
#[inline(always)]
pub fn reduce(mut partial: [f32; LANES]) -> f32 {
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            partial[lane] += partial[lane + width];
        }
        width /= 2;
    }
    partial[0]
}

#[inline(always)]
fn fold(a: &[f32], b: &[f32], term: impl Fn(f32, f32) -> f32) -> f32 {
    let mut partial = [0.0f32; LANES];
    let (a_blocks, a_rest) = a.as_chunks::<LANES>();
    let (b_blocks, b_rest) = b.as_chunks::<LANES>();
    for (x, y) in a_blocks.iter().zip(b_blocks) {
        for lane in 0..LANES {
            partial[lane] += term(x[lane], y[lane]);
        }
    }
    for (lane, (x, y)) in a_rest.iter().zip(b_rest).enumerate() {
        partial[lane] += term(*x, *y);
    }
    reduce(partial)
}

#[inline(always)]
fn squared_difference(x: f32, y: f32) -> f32 {
    (x - y) * (x - y)
}

/// `sum a_i b_i`.
#[inline(always)]
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    fold(a, b, |x, y| x * y)
}

/// `sum (a_i - b_i)^2`; zero exactly where the two are equal.
#[inline(always)]
pub fn squared_distance(a: &[f32], b: &[f32]) -> f32 {
    fold(a, b, squared_difference)
}

/// [`squared_distance`] of `a` to each of `others`, bit for bit. `a` is read once for all, and no sum waits
/// for another.
#[inline(always)]
pub fn squared_distances(a: &[f32], others: [&[f32]; 4]) -> [f32; 4] {
    // Four variables, a function for each step and padded ends: otherwise the sums would not stay in registers.
    let (mut p, mut q, mut r, mut s) = ([0.0f32; LANES], [0.0f32; LANES], [0.0f32; LANES], [0.0f32; LANES]);
    let (a_blocks, a_rest) = a.as_chunks::<LANES>();
    let [(b, b_rest), (c, c_rest), (d, d_rest), (e, e_rest)] = others.map(|other| other.as_chunks::<LANES>());
    for ((((a, b), c), d), e) in a_blocks.iter().zip(b).zip(c).zip(d).zip(e) {
        add_squares(&mut p, a, b);
        add_squares(&mut q, a, c);
        add_squares(&mut r, a, d);
        add_squares(&mut s, a, e);
    }
    if !a_rest.is_empty() {
        let a = padded(a_rest);
        add_squares(&mut p, &a, &padded(b_rest));
        add_squares(&mut q, &a, &padded(c_rest));
        add_squares(&mut r, &a, &padded(d_rest));
        add_squares(&mut s, &a, &padded(e_rest));
    }
    [reduce(p), reduce(q), reduce(r), reduce(s)]
}

#[inline(always)]
fn add_squares(sums: &mut [f32; LANES], a: &[f32; LANES], b: &[f32; LANES]) {
    for lane in 0..LANES {
        sums[lane] += squared_difference(a[lane], b[lane]);
    }
}

/// With zeros, which add nothing to a sum of squares.
#[inline(always)]
fn padded(rest: &[f32]) -> [f32; LANES] {
    let mut all = [0.0; LANES];
    all[..rest.len()].copy_from_slice(rest);
    all
}

dispatched! {
    /// `sum x_i * 0`: zero, or NaN if any of the values is not finite.
    pub fn sum_of_zeros(values: &[f32]) -> f32 {
        let mut partial = [0.0f32; LANES];
        let (blocks, rest) = values.as_chunks::<LANES>();
        for block in blocks {
            for lane in 0..LANES {
                partial[lane] += block[lane] * 0.0;
            }
        }
        for value in rest {
            partial[0] += value * 0.0;
        }
        reduce(partial)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_match_the_plain_loop_at_every_length() {
        for n in 0..70 {
            let a: Vec<f32> = (0..n).map(|i| (i as f32 * 0.7).sin()).collect();
            let b: Vec<f32> = (0..n).map(|i| (i as f32 * 1.3).cos()).collect();
            let plain: f64 = a.iter().zip(&b).map(|(x, y)| f64::from(x - y).powi(2)).sum();
            assert!((f64::from(squared_distance(&a, &b)) - plain).abs() < 1e-5 * (1.0 + plain));
            let plain: f64 = a.iter().zip(&b).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum();
            assert!((f64::from(dot(&a, &b)) - plain).abs() < 1e-5);
            assert_eq!(squared_distance(&a, &a), 0.0);
            let others = [&b, &a, &b, &a];
            let four = squared_distances(&a, others.map(Vec::as_slice));
            assert_eq!(four.map(f32::to_bits), others.map(|other| squared_distance(&a, other).to_bits()));
        }
    }

    #[test]
    fn finds_what_is_not_finite() {
        assert_eq!(sum_of_zeros(&[1.0, -3.0, f32::MAX]), 0.0);
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            for at in 0..40 {
                let mut values = vec![1.0; 40];
                values[at] = bad;
                assert!(sum_of_zeros(&values).is_nan());
            }
        }
    }
}
