//! The dense layer of a policy's inference, `y = x W + b` over many rows, with or without a ReLU.
//!
//! Every output is summed in the order of the inputs, multiply and add kept apart, so the portable, the
//! AVX2 and the AVX-512 build of the one body give the same bits, whatever the number of rows.

use super::blocks;
#[cfg(target_arch = "x86_64")]
use crate::simd::SimdPath;

/// Outputs that are summed side by side: one AVX-512 register.
const LANES: usize = 16;

/// A dense layer with a ReLU over `rows` rows.
///
/// # Shapes
/// `x: [rows, inputs]`, `weights: [inputs, outputs]`, `bias: [outputs]`, `y: [rows, outputs]`.
pub fn dense_relu(x: &[f32], inputs: usize, weights: &[f32], bias: &[f32], y: &mut [f32]) {
    layer::<true>(x, inputs, weights, bias, y);
}

/// A dense layer over `rows` rows; shapes as for [`dense_relu`].
pub fn dense(x: &[f32], inputs: usize, weights: &[f32], bias: &[f32], y: &mut [f32]) {
    layer::<false>(x, inputs, weights, bias, y);
}

/// One output per row, without bias: `y = x w`. Sums are those of
/// [`dot`](crate::query::geometry::lanes::dot), the same on every machine.
///
/// # Shapes
/// `x: [rows, weights.len()]`.
pub fn dots(x: &[f32], weights: &[f32]) -> Vec<f32> {
    let mut y = vec![0.0; x.len() / weights.len().max(1)];
    blocks::dots(x, weights, &mut y);
    y
}

fn layer<const RELU: bool>(x: &[f32], inputs: usize, weights: &[f32], bias: &[f32], y: &mut [f32]) {
    let outputs = bias.len();
    assert_eq!(weights.len(), inputs * outputs, "weights of the layer");
    assert_eq!(x.len() * outputs, y.len() * inputs, "rows of the layer");
    #[cfg(target_arch = "x86_64")]
    match SimdPath::chosen() {
        // SAFETY: this path is chosen only where the processor has AVX-512F; the body itself is safe code.
        SimdPath::Avx512 => return unsafe { avx512::<RELU>(x, inputs, weights, bias, y) },
        // SAFETY: this path is chosen only where the processor has AVX2; the body itself is safe code.
        SimdPath::Avx2 => return unsafe { avx2::<RELU>(x, inputs, weights, bias, y) },
        SimdPath::Portable => {}
    }
    body::<4, RELU>(x, inputs, weights, bias, y);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn avx512<const RELU: bool>(x: &[f32], inputs: usize, weights: &[f32], bias: &[f32], y: &mut [f32]) {
    body::<8, RELU>(x, inputs, weights, bias, y);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn avx2<const RELU: bool>(x: &[f32], inputs: usize, weights: &[f32], bias: &[f32], y: &mut [f32]) {
    body::<4, RELU>(x, inputs, weights, bias, y);
}

/// `R` rows at a time, so that one load of the weights serves all of them.
#[inline(always)]
fn body<const R: usize, const RELU: bool>(
    x: &[f32],
    inputs: usize,
    weights: &[f32],
    bias: &[f32],
    y: &mut [f32],
) {
    let outputs = bias.len();
    let mut x_blocks = x.chunks_exact(R * inputs);
    let mut y_blocks = y.chunks_exact_mut(R * outputs);
    for (x, y) in (&mut x_blocks).zip(&mut y_blocks) {
        rows::<R, RELU>(x, inputs, weights, bias, y);
    }
    let rest = x_blocks.remainder().chunks_exact(inputs);
    for (x, y) in rest.zip(y_blocks.into_remainder().chunks_exact_mut(outputs)) {
        rows::<1, RELU>(x, inputs, weights, bias, y);
    }
}

#[inline(always)]
fn rows<const R: usize, const RELU: bool>(
    x: &[f32],
    inputs: usize,
    weights: &[f32],
    bias: &[f32],
    y: &mut [f32],
) {
    let outputs = bias.len();
    let mut start = 0;
    while start + LANES <= outputs {
        let mut sums = [[0.0f32; LANES]; R];
        for sum in &mut sums {
            sum.copy_from_slice(&bias[start..start + LANES]);
        }
        for i in 0..inputs {
            let at = i * outputs + start;
            let w: &[f32; LANES] = weights[at..at + LANES].try_into().expect("one register of weights");
            for (r, sum) in sums.iter_mut().enumerate() {
                let value = x[r * inputs + i];
                for (s, w) in sum.iter_mut().zip(w) {
                    *s += value * w;
                }
            }
        }
        for (r, sum) in sums.iter().enumerate() {
            let at = r * outputs + start;
            for (out, s) in y[at..at + LANES].iter_mut().zip(sum) {
                *out = if RELU { s.max(0.0) } else { *s };
            }
        }
        start += LANES;
    }
    for column in start..outputs {
        for r in 0..R {
            let mut sum = bias[column];
            for i in 0..inputs {
                sum += x[r * inputs + i] * weights[i * outputs + column];
            }
            y[r * outputs + column] = if RELU { sum.max(0.0) } else { sum };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Key;
    use rand::RngExt;

    #[test]
    fn every_path_gives_the_bits_of_the_plain_loop() {
        let mut rng = Key::root(1).rng();
        for (rows, inputs, outputs) in [(1, 1, 1), (9, 5, 16), (23, 25, 37), (8, 3, 32)] {
            let mut draw = |n: usize| (0..n).map(|_| rng.random_range(-1.0f32..1.0)).collect::<Vec<_>>();
            let (x, w, b) = (draw(rows * inputs), draw(inputs * outputs), draw(outputs));
            let mut plain = vec![0.0; rows * outputs];
            for r in 0..rows {
                for o in 0..outputs {
                    let sum = (0..inputs).fold(b[o], |s, i| s + x[r * inputs + i] * w[i * outputs + o]);
                    plain[r * outputs + o] = sum.max(0.0);
                }
            }
            let mut fast = vec![f32::NAN; rows * outputs];
            dense_relu(&x, inputs, &w, &b, &mut fast);
            assert_eq!(fast, plain);
            let mut portable = vec![f32::NAN; rows * outputs];
            body::<4, true>(&x, inputs, &w, &b, &mut portable);
            assert_eq!(portable, plain);
            dense(&x, inputs, &w, &b, &mut fast);
            assert!(fast.iter().any(|&y| y < 0.0) || plain.len() < 16);
            fast.iter_mut().for_each(|y| *y = y.max(0.0));
            assert_eq!(fast, plain);
        }
    }
}
