//! Convolutions of 3 x 3 over padded planes, and their gradients.
//!
//! A plane has a border of zeros, so that the nine neighbours of every place lie at nine fixed distances from it, and a convolution is a
//! sum of shifted planes: a few registers of places of eight output planes are summed at a time, from all input planes, each sum one chain of fused
//! multiply-adds. What a sum leaves
//! in the border is wiped out afterwards.

use super::scalar::{Lanes, Scalar};

/// Places that sums over places are divided by, whatever the width of registers.
pub const LANES: usize = 16;
/// Registers of places that are summed together.
const REGISTERS: usize = 2;
/// Numbers behind a plane's last one that registers reach into.
const SLACK: usize = REGISTERS * LANES;
/// Output planes that are summed together; planes come in multiples of this.
pub const PLANES: usize = 8;
/// Neighbours of a place, itself included.
pub const TAPS: usize = 9;
/// Places of a plane whose products are summed before they are added to a weight's gradient: eight planes of them stay in the first cache.
const SPAN: usize = 512;

/// Where the numbers of a padded plane lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid {
    pub height: usize,
    pub width: usize,
}

impl Grid {
    /// Numbers from one row to the next.
    fn stride(self) -> usize {
        self.width + 2
    }

    /// Numbers of a plane: a border around it, and what the last lanes reach into.
    pub fn numbers(self) -> usize {
        (self.height + 2) * self.stride() + SLACK
    }

    /// Pixels.
    pub fn places(self) -> usize {
        self.height * self.width
    }

    /// The number of a pixel.
    pub fn at(self, row: usize, column: usize) -> usize {
        (row + 1) * self.stride() + column + 1
    }

    /// From the first pixel to the last one, in numbers.
    fn span(self) -> usize {
        self.height * self.stride() - 2
    }

    /// The distance of a neighbour from the one above and left.
    fn tap(self, tap: usize) -> usize {
        tap / 3 * self.stride() + tap % 3
    }

    /// The numbers of a row of pixels.
    pub fn row(self, row: usize) -> std::ops::Range<usize> {
        self.at(row, 0)..self.at(row, 0) + self.width
    }

    /// The plane at half the size: every two by two pixels are one, what is left over at the edges counts as a whole.
    pub fn halved(self) -> Self {
        Self { height: self.height.div_ceil(2), width: self.width.div_ceil(2) }
    }

    /// Puts zeros wherever there is no pixel.
    pub fn wipe<T: Scalar>(self, plane: &mut [T]) {
        let mut from = 0;
        for row in 0..self.height {
            let pixels = self.row(row);
            plane[from..pixels.start].fill(T::ZERO);
            from = pixels.end;
        }
        plane[from..].fill(T::ZERO);
    }
}

/// A convolution whose parts fit each other.
pub struct Convolution<T> {
    grid: Grid,
    input: *const T,
    channels: usize,
    weights: *const T,
    bias: *const T,
    output: *mut T,
    outputs: usize,
}

/// `output[o] = bias[o] + sum over c and taps of weights[c, tap, o] input[c]` in every pixel; in the border it leaves what it may.
/// `weights` are [packed].
///
/// # Panics
/// If the parts do not fit each other.
pub fn convolved<T: Scalar>(grid: Grid, input: &[T], weights: &[T], bias: &[T], output: &mut [T]) {
    let numbers = grid.numbers();
    let (channels, outputs) = (input.len() / numbers, bias.len());
    assert!(outputs.is_multiple_of(PLANES), "planes in eights");
    assert_eq!((input.len(), output.len()), (channels * numbers, outputs * numbers), "whole planes");
    assert_eq!(weights.len(), channels * TAPS * outputs, "a weight per input, tap and output");
    let (input, weights, bias) = (input.as_ptr(), weights.as_ptr(), bias.as_ptr());
    T::convolve(&Convolution { grid, input, channels, weights, bias, output: output.as_mut_ptr(), outputs });
}

/// # Safety
/// The processor must have the instructions of `V`.
#[inline(always)]
pub unsafe fn convolve<T: Scalar, V: Lanes<T>>(c: &Convolution<T>) {
    let (grid, numbers, start) = (c.grid, c.grid.numbers(), c.grid.at(0, 0));
    let step = REGISTERS * V::COUNT;
    // SAFETY: whoever makes a convolution has checked that there are so many planes of so many numbers, and weights for them. From the last place
    // below the span on, registers reach at most `SLACK` numbers further, which every plane has behind its border.
    unsafe {
        for first_output in (0..c.outputs).step_by(PLANES) {
            let weights = c.weights.add(first_output * c.channels * TAPS);
            for first in (0..grid.span()).step_by(step) {
                let mut sums = [[V::splat(T::ZERO); REGISTERS]; PLANES];
                for (output, sums) in sums.iter_mut().enumerate() {
                    *sums = [V::splat(*c.bias.add(first_output + output)); REGISTERS];
                }
                let mut weight = weights;
                for channel in 0..c.channels {
                    let plane = c.input.add(channel * numbers + first);
                    for tap in 0..TAPS {
                        let at = plane.add(grid.tap(tap));
                        let values: [V; REGISTERS] =
                            std::array::from_fn(|register| V::load(at.add(register * V::COUNT)));
                        for sums in &mut sums {
                            let factor = V::splat(*weight);
                            weight = weight.add(1);
                            for (sum, value) in sums.iter_mut().zip(values) {
                                *sum = factor.fma(value, *sum);
                            }
                        }
                    }
                }
                for (output, sums) in sums.iter().enumerate() {
                    let to = c.output.add((first_output + output) * numbers + start + first);
                    for (register, sum) in sums.iter().enumerate() {
                        sum.store(to.add(register * V::COUNT));
                    }
                }
            }
        }
    }
}

/// A gradient by weights whose parts fit each other.
pub struct WeightGradient<T> {
    grid: Grid,
    input: *const T,
    channels: usize,
    signal: *const T,
    outputs: usize,
    gradient: *mut T,
}

/// Adds `sum over places of input[c] at the tap times signal[o]` to `gradient[c, tap, o]`, shape `[channels * 9, outputs]`. The border of
/// `signal` is zero, and so is what lies behind it.
///
/// # Panics
/// If the parts do not fit each other.
pub fn add_weight_gradient<T: Scalar>(grid: Grid, input: &[T], signal: &[T], gradient: &mut [T]) {
    let numbers = grid.numbers();
    let (channels, outputs) = (input.len() / numbers, signal.len() / numbers);
    assert!(outputs.is_multiple_of(PLANES), "planes in eights");
    assert_eq!((input.len(), signal.len()), (channels * numbers, outputs * numbers), "whole planes");
    assert_eq!(gradient.len(), channels * TAPS * outputs, "a slope per input, tap and output");
    let (input, signal, gradient) = (input.as_ptr(), signal.as_ptr(), gradient.as_mut_ptr());
    T::weight_gradient(&WeightGradient { grid, input, channels, signal, outputs, gradient });
}

/// # Safety
/// The processor must have the instructions of `V`.
#[inline(always)]
pub unsafe fn weight_gradient<T: Scalar, V: Lanes<T>>(g: &WeightGradient<T>) {
    // Sums over places are kept apart in sixteen parts, so that they do not depend on the width of registers.
    if V::COUNT == LANES {
        // SAFETY: the caller's promise, passed on.
        unsafe { weight_gradient_in::<T, V, 1>(g) }
    } else if V::COUNT == LANES / 2 {
        // SAFETY: the caller's promise, passed on.
        unsafe { weight_gradient_in::<T, V, 2>(g) }
    } else {
        // SAFETY: the caller's promise, passed on.
        unsafe { weight_gradient_in::<T, V, LANES>(g) }
    }
}

/// With `N` registers for sixteen places.
///
/// # Safety
/// As [`weight_gradient`].
#[inline(always)]
unsafe fn weight_gradient_in<T: Scalar, V: Lanes<T>, const N: usize>(g: &WeightGradient<T>) {
    let (grid, numbers, start) = (g.grid, g.grid.numbers(), g.grid.at(0, 0));
    // SAFETY: as in `convolve`: planes and slopes were counted, and registers reach no further than `SLACK`.
    unsafe {
        for first_output in (0..g.outputs).step_by(PLANES) {
            let signals = g.signal.add(first_output * numbers + start);
            for from in (0..grid.span()).step_by(SPAN) {
                let to = grid.span().min(from + SPAN);
                for channel in 0..g.channels {
                    for tap in 0..TAPS {
                        let plane = g.input.add(channel * numbers + grid.tap(tap));
                        let mut sums = [[V::splat(T::ZERO); N]; PLANES];
                        for first in (from..to).step_by(LANES) {
                            let values: [V; N] = std::array::from_fn(|register| {
                                V::load(plane.add(first + register * V::COUNT))
                            });
                            for (output, sums) in sums.iter_mut().enumerate() {
                                let slopes = signals.add(output * numbers + first);
                                for (register, (sum, value)) in sums.iter_mut().zip(values).enumerate() {
                                    *sum = value.fma(V::load(slopes.add(register * V::COUNT)), *sum);
                                }
                            }
                        }
                        let own = g.gradient.add((channel * TAPS + tap) * g.outputs + first_output);
                        for (output, sums) in sums.iter().enumerate() {
                            let mut parts = [T::ZERO; LANES];
                            for (register, sum) in sums.iter().enumerate() {
                                sum.store(parts.as_mut_ptr().add(register * V::COUNT));
                            }
                            *own.add(output) += parts.iter().fold(T::ZERO, |sum, &part| sum + part);
                        }
                    }
                }
            }
        }
    }
}

/// Weights of shape `[channels * 9, outputs]` in the order in which [`convolved`] reads them: eight outputs after eight.
pub fn packed<T: Scalar>(weights: &[f64], outputs: usize) -> Vec<T> {
    let rows = weights.len() / outputs;
    let blocks = (0..outputs).step_by(PLANES);
    let of = |first: usize| (0..rows).flat_map(move |row| &weights[row * outputs + first..][..PLANES]);
    blocks.flat_map(of).map(|&weight| T::of(weight)).collect()
}

/// The weights with which a convolution of the outputs' slopes gives the inputs' slopes: inputs and outputs change places, and so do
/// opposite neighbours.
pub fn packed_backwards<T: Scalar>(weights: &[f64], outputs: usize) -> Vec<T> {
    let channels = weights.len() / outputs / TAPS;
    let mut turned = vec![0.0; weights.len()];
    for (row, weights) in weights.chunks_exact(outputs).enumerate() {
        let (channel, tap) = (row / TAPS, row % TAPS);
        for (output, &weight) in weights.iter().enumerate() {
            turned[(output * TAPS + TAPS - 1 - tap) * channels + channel] = weight;
        }
    }
    packed(&turned, channels)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Key;
    use rand::RngExt;

    fn drawn(count: usize, seed: u64) -> Vec<f64> {
        let mut rng = Key::root(seed).rng();
        (0..count).map(|_| rng.random::<f64>() - 0.5).collect()
    }

    fn planes(grid: Grid, count: usize, seed: u64) -> Vec<f64> {
        let mut planes = drawn(count * grid.numbers(), seed);
        planes.chunks_exact_mut(grid.numbers()).for_each(|plane| grid.wipe(plane));
        planes
    }

    /// The value of a padded plane, and zero outside of it.
    fn value(grid: Grid, plane: &[f64], row: isize, column: isize) -> f64 {
        let inside = (0..grid.height as isize).contains(&row) && (0..grid.width as isize).contains(&column);
        if inside { plane[grid.at(row as usize, column as usize)] } else { 0.0 }
    }

    /// Against the definition, pixel by pixel, on planes of every parity and one smaller than the lanes.
    #[test]
    fn convolutions_are_sums_over_neighbours() {
        for (height, width) in [(5, 7), (1, 1), (8, 16), (3, 40), (17, 2)] {
            let grid = Grid { height, width };
            let (channels, outputs) = (3, 16);
            let input = planes(grid, channels, 1);
            let (weights, bias) = (drawn(channels * TAPS * outputs, 2), drawn(outputs, 3));
            let mut output = vec![0.0; outputs * grid.numbers()];
            convolved(grid, &input, &packed::<f64>(&weights, outputs), &bias, &mut output);
            let signal = planes(grid, outputs, 4);
            let mut gradient = vec![0.0; weights.len()];
            add_weight_gradient(grid, &input, &signal, &mut gradient);
            let mut expected_gradient = vec![0.0; weights.len()];
            for output_plane in 0..outputs {
                for row in 0..height {
                    for column in 0..width {
                        let mut expected = bias[output_plane];
                        let slope = signal[output_plane * grid.numbers() + grid.at(row, column)];
                        for channel in 0..channels {
                            let plane = &input[channel * grid.numbers()..][..grid.numbers()];
                            for tap in 0..TAPS {
                                let at = |place: usize, by: usize| place as isize + by as isize - 1;
                                let x = value(grid, plane, at(row, tap / 3), at(column, tap % 3));
                                let place = (channel * TAPS + tap) * outputs + output_plane;
                                expected += weights[place] * x;
                                expected_gradient[place] += slope * x;
                            }
                        }
                        let found = output[output_plane * grid.numbers() + grid.at(row, column)];
                        assert!((found - expected).abs() < 1e-12, "{grid:?}: {found} {expected}");
                    }
                }
            }
            for (found, expected) in gradient.iter().zip(&expected_gradient) {
                assert!((found - expected).abs() < 1e-9, "{grid:?}: {found} {expected}");
            }
        }
    }

    /// `<conv(x), s> = <x, back(s)>` without biases: the slopes of inputs are those of the definition.
    #[test]
    fn slopes_of_inputs_are_the_adjoint() {
        let grid = Grid { height: 6, width: 9 };
        let (channels, outputs) = (8, 16);
        let (input, signal) = (planes(grid, channels, 1), planes(grid, outputs, 2));
        let weights = drawn(channels * TAPS * outputs, 3);
        let mut output = vec![0.0; signal.len()];
        convolved(grid, &input, &packed::<f64>(&weights, outputs), &vec![0.0; outputs], &mut output);
        let mut back = vec![0.0; input.len()];
        convolved(
            grid,
            &signal,
            &packed_backwards::<f64>(&weights, outputs),
            &vec![0.0; channels],
            &mut back,
        );
        let inner = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        // The border of one of the two is zero, which wipes out the other's.
        assert!((inner(&output, &signal) - inner(&input, &back)).abs() < 1e-9);
    }
}
