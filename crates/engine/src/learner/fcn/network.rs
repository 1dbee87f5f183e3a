//! One network over pixels: forward and back.
//!
//! An encoder of three levels, each a 3 x 3 convolution and a rectifier, with the largest of every two by two pixels in between, and a
//! decoder of two, each of which reads the level below at twice its size beside the encoder's own (a skip connection: Ronneberger, Fischer &
//! Brox, MICCAI 2015). The logit of a pixel is a linear function of the last planes there.

use super::convolution::{Grid, TAPS, add_weight_gradient, convolved, packed, packed_backwards};
use super::scalar::Scalar;
use crate::arch::Image;

/// Levels of the encoder.
pub const LEVELS: usize = 3;
/// Convolutions: the encoder's, then the decoder's.
const MAPS: usize = 5;

/// Where the parameters of a convolution lie.
#[derive(Clone, Copy, Debug)]
struct Map {
    channels: usize,
    outputs: usize,
    /// The level whose planes it reads and makes.
    level: usize,
    /// Offset of the weights, shape `[channels * 9, outputs]`; the biases come behind them.
    weights: usize,
}

impl Map {
    fn bias(self) -> usize {
        self.weights + self.channels * TAPS * self.outputs
    }
}

/// The shapes of a network.
#[derive(Clone, Debug)]
pub struct Layout {
    image: Image,
    filters: usize,
    grids: [Grid; LEVELS],
    maps: [Map; MAPS],
    /// Offset of the last map's weights, one per plane, and of its bias behind them.
    head: usize,
}

impl Layout {
    /// A network over such images, with `filters` planes in the first level and twice as many in every further one.
    pub fn new(image: Image, filters: usize) -> Self {
        let full = Grid { height: image.height, width: image.width };
        let grids = [full, full.halved(), full.halved().halved()];
        let mut next = 0;
        let mut map = |channels: usize, outputs: usize, level: usize| {
            let map = Map { channels, outputs, level, weights: next };
            next = map.bias() + outputs;
            map
        };
        let maps = [
            map(image.channels, filters, 0),
            map(filters, 2 * filters, 1),
            map(2 * filters, 4 * filters, 2),
            map(6 * filters, 2 * filters, 1),
            map(3 * filters, filters, 0),
        ];
        Self { image, filters, grids, maps, head: next }
    }

    pub fn parameters(&self) -> usize {
        self.head + self.filters + 1
    }

    /// Planes of an encoder's level.
    pub fn planes(&self, level: usize) -> usize {
        self.maps[level].outputs
    }

    pub fn pixels(&self) -> usize {
        self.image.places()
    }

    /// Fan-in and number of weights and biases of every map, in the order in which they lie.
    pub fn drawn(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        let convolutions = self.maps.iter().map(|map| (map.channels * TAPS, map.outputs));
        convolutions.chain([(self.filters, 1)]).map(|(fan_in, outputs)| (fan_in, (fan_in + 1) * outputs))
    }

    /// Numbers that a [`Tape`] holds.
    pub fn numbers(&self) -> usize {
        let [full, half, quarter] = self.grids.map(Grid::numbers);
        let filters = self.filters;
        let forward = (self.image.channels + 4 * filters) * full + 9 * filters * half + 6 * filters * quarter;
        forward + (5 * filters * full + 11 * filters * half + 7 * filters * quarter) + self.pixels()
    }
}

/// A network's parameters in the order in which kernels read them.
pub struct Weights<T> {
    forward: [Vec<T>; MAPS],
    biases: [Vec<T>; MAPS],
    backward: [Vec<T>; MAPS],
    head: Vec<T>,
}

impl<T: Scalar> Weights<T> {
    /// Those of `parameters`, of which the network's come first.
    pub fn of(layout: &Layout, parameters: &[f64]) -> Self {
        let own = |map: &Map| &parameters[map.weights..map.bias()];
        let narrow = |values: &[f64]| values.iter().map(|&value| T::of(value)).collect();
        Self {
            forward: layout.maps.map(|map| packed(own(&map), map.outputs)),
            biases: layout.maps.map(|map| narrow(&parameters[map.bias()..][..map.outputs])),
            // Nobody asks for the slopes of an image.
            backward: std::array::from_fn(|at| match (at, layout.maps[at]) {
                (0, _) => Vec::new(),
                (_, map) => packed_backwards(own(&map), map.outputs),
            }),
            head: narrow(&parameters[layout.head..][..layout.filters + 1]),
        }
    }
}

/// What one image is on its way through a network and back.
pub struct Tape<T> {
    input: Vec<T>,
    /// What the second and third level of the encoder read.
    pooled: [Vec<T>; 2],
    /// What the two levels of the decoder read: from the level below, and then the encoder's own planes. The first is the lower one.
    joined: [Vec<T>; 2],
    deepest: Vec<T>,
    decoded: [Vec<T>; 2],
    logits: Vec<T>,
    /// Slopes, each of the shape of what they are slopes of.
    slopes: Slopes<T>,
}

struct Slopes<T> {
    pooled: [Vec<T>; 2],
    joined: [Vec<T>; 2],
    encoded: [Vec<T>; LEVELS],
    decoded: [Vec<T>; 2],
}

impl<T: Scalar> Tape<T> {
    pub fn new(layout: &Layout) -> Self {
        let planes = |count: usize, level: usize| vec![T::ZERO; count * layout.grids[level].numbers()];
        let f = layout.filters;
        let pooled = || [planes(f, 1), planes(2 * f, 2)];
        let joined = || [planes(6 * f, 1), planes(3 * f, 0)];
        let decoded = || [planes(2 * f, 1), planes(f, 0)];
        Self {
            input: planes(layout.image.channels, 0),
            pooled: pooled(),
            joined: joined(),
            deepest: planes(4 * f, 2),
            decoded: decoded(),
            logits: vec![T::ZERO; layout.pixels()],
            slopes: Slopes {
                pooled: pooled(),
                joined: joined(),
                encoded: [planes(f, 0), planes(2 * f, 1), planes(4 * f, 2)],
                decoded: decoded(),
            },
        }
    }

    /// The encoder alone: what [`means`](Self::means) reads.
    pub fn encode(&mut self, layout: &Layout, weights: &Weights<T>, image: &[f32]) {
        let grids = layout.grids;
        let pixels = image.chunks_exact(layout.pixels());
        for (plane, image) in self.input.chunks_exact_mut(grids[0].numbers()).zip(pixels) {
            for (row, values) in image.chunks_exact(grids[0].width).enumerate() {
                for (own, &value) in plane[grids[0].row(row)].iter_mut().zip(values) {
                    *own = T::of(f64::from(value));
                }
            }
        }
        let [lower, upper] = &mut self.joined;
        let (first, second) = (layout.skip(1), layout.skip(0));
        rectified(layout, weights, 0, &self.input, &mut upper[second.clone()]);
        pool(grids[0], &upper[second], &mut self.pooled[0]);
        rectified(layout, weights, 1, &self.pooled[0], &mut lower[first.clone()]);
        pool(grids[1], &lower[first], &mut self.pooled[1]);
        rectified(layout, weights, 2, &self.pooled[1], &mut self.deepest);
    }

    /// The logit of every pixel, row by row.
    pub fn forward(&mut self, layout: &Layout, weights: &Weights<T>, image: &[f32]) -> &[T] {
        self.encode(layout, weights, image);
        let grids = layout.grids;
        let [lower, upper] = &mut self.joined;
        enlarge(grids[1], &self.deepest, &mut lower[..layout.skip(1).start]);
        rectified(layout, weights, 3, lower, &mut self.decoded[0]);
        enlarge(grids[0], &self.decoded[0], &mut upper[..layout.skip(0).start]);
        rectified(layout, weights, 4, upper, &mut self.decoded[1]);
        let (head, bias) = weights.head.split_at(layout.filters);
        self.logits.fill(bias[0]);
        for (plane, &weight) in self.decoded[1].chunks_exact(grids[0].numbers()).zip(head) {
            for (row, logits) in self.logits.chunks_exact_mut(grids[0].width).enumerate() {
                for (logit, &value) in logits.iter_mut().zip(&plane[grids[0].row(row)]) {
                    *logit += weight * value;
                }
            }
        }
        &self.logits
    }

    /// The mean of every plane of an encoder's level.
    pub fn means(&self, layout: &Layout, level: usize) -> Vec<f64> {
        let grid = layout.grids[level];
        let mean = |plane: &[T]| {
            let rows = (0..grid.height).flat_map(|row| &plane[grid.row(row)]);
            rows.map(|value| value.wide()).sum::<f64>() / grid.places() as f64
        };
        self.encoded(layout, level).chunks_exact(grid.numbers()).map(mean).collect()
    }

    fn encoded(&self, layout: &Layout, level: usize) -> &[T] {
        match level {
            0 => &self.joined[1][layout.skip(0)],
            1 => &self.joined[0][layout.skip(1)],
            _ => &self.deepest,
        }
    }

    /// Adds to `gradient` what the last image that went [forward](Self::forward) gives, where the objective has the slopes `by_logit`, one
    /// per pixel, and, if there are any, `by_mean`, by the [means](Self::means) of every level.
    pub fn backward(
        &mut self,
        layout: &Layout,
        weights: &Weights<T>,
        by_logit: &[f64],
        by_mean: Option<&[Vec<f64>; LEVELS]>,
        gradient: &mut [T],
    ) {
        let grids = layout.grids;
        let numbers = grids[0].numbers();
        let (head, own) = (&weights.head[..layout.filters], &mut gradient[layout.head..]);
        let planes =
            self.slopes.decoded[1].chunks_exact_mut(numbers).zip(self.decoded[1].chunks_exact(numbers));
        for ((slopes, plane), (&weight, own)) in planes.zip(head.iter().zip(own)) {
            for (row, by_logit) in by_logit.chunks_exact(grids[0].width).enumerate() {
                let pixels = slopes[grids[0].row(row)].iter_mut().zip(&plane[grids[0].row(row)]);
                for ((slope, &value), &by_logit) in pixels.zip(by_logit) {
                    let by_logit = T::of(by_logit);
                    *own += by_logit * value;
                    *slope = if value > T::ZERO { weight * by_logit } else { T::ZERO };
                }
            }
        }
        gradient[layout.head + layout.filters] += T::of(by_logit.iter().sum());

        let Slopes { pooled, joined, encoded, decoded } = &mut self.slopes;
        let [lower_slopes, upper_slopes] = joined;
        let [lower, upper] = &self.joined;
        let (first, second) = (layout.skip(1), layout.skip(0));
        back(layout, weights, 4, upper, &decoded[1], Some(upper_slopes), gradient);
        reduce(grids[0], &upper_slopes[..second.start], &mut decoded[0]);
        mask(&self.decoded[0], &mut decoded[0]);
        back(layout, weights, 3, lower, &decoded[0], Some(lower_slopes), gradient);
        reduce(grids[1], &lower_slopes[..first.start], &mut encoded[2]);
        encoded[1].copy_from_slice(&lower_slopes[first.clone()]);
        encoded[0].copy_from_slice(&upper_slopes[second.clone()]);
        for (level, slopes) in encoded.iter_mut().enumerate() {
            let Some(by_mean) = by_mean else { break };
            let grid = grids[level];
            for (plane, by_mean) in slopes.chunks_exact_mut(grid.numbers()).zip(&by_mean[level]) {
                let each = T::of(by_mean / grid.places() as f64);
                (0..grid.height)
                    .for_each(|row| plane[grid.row(row)].iter_mut().for_each(|slope| *slope += each));
            }
        }
        mask(&self.deepest, &mut encoded[2]);
        back(layout, weights, 2, &self.pooled[1], &encoded[2], Some(&mut pooled[1]), gradient);
        unpool(grids[1], &lower[first.clone()], &self.pooled[1], &pooled[1], &mut encoded[1]);
        mask(&lower[first], &mut encoded[1]);
        back(layout, weights, 1, &self.pooled[0], &encoded[1], Some(&mut pooled[0]), gradient);
        unpool(grids[0], &upper[second.clone()], &self.pooled[0], &pooled[0], &mut encoded[0]);
        mask(&upper[second], &mut encoded[0]);
        back(layout, weights, 0, &self.input, &encoded[0], None, gradient);
    }
}

impl Layout {
    /// Where the encoder's own planes lie in what the decoder's level reads.
    fn skip(&self, level: usize) -> std::ops::Range<usize> {
        let numbers = self.grids[level].numbers();
        let own = self.maps[level].outputs;
        2 * own * numbers..3 * own * numbers
    }
}

/// Convolution `at` of the network, rectified, with a border of zeros.
fn rectified<T: Scalar>(layout: &Layout, weights: &Weights<T>, at: usize, input: &[T], output: &mut [T]) {
    let grid = layout.grids[layout.maps[at].level];
    convolved(grid, input, &weights.forward[at], &weights.biases[at], output);
    for plane in output.chunks_exact_mut(grid.numbers()) {
        plane.iter_mut().for_each(|value| *value = if *value > T::ZERO { *value } else { T::ZERO });
        grid.wipe(plane);
    }
}

/// Adds what convolution `at` gives to the gradient, and writes the slopes of its `input`, with a border of zeros.
fn back<T: Scalar>(
    layout: &Layout,
    weights: &Weights<T>,
    at: usize,
    input: &[T],
    slopes: &[T],
    of_input: Option<&mut Vec<T>>,
    gradient: &mut [T],
) {
    let map = layout.maps[at];
    let grid = layout.grids[map.level];
    add_weight_gradient(grid, input, slopes, &mut gradient[map.weights..map.bias()]);
    for (own, plane) in gradient[map.bias()..].iter_mut().zip(slopes.chunks_exact(grid.numbers())) {
        *own += plane.iter().fold(T::ZERO, |sum, &slope| sum + slope);
    }
    if let Some(of_input) = of_input {
        convolved(grid, slopes, &weights.backward[at], &vec![T::ZERO; map.channels], of_input);
        of_input.chunks_exact_mut(grid.numbers()).for_each(|plane| grid.wipe(plane));
    }
}

/// No slope where the rectifier was off.
fn mask<T: Scalar>(values: &[T], slopes: &mut [T]) {
    for (slope, &value) in slopes.iter_mut().zip(values) {
        *slope = if value > T::ZERO { *slope } else { T::ZERO };
    }
}

/// The largest of every two by two pixels; values are not negative, as the border's zeros are.
fn pool<T: Scalar>(grid: Grid, planes: &[T], pooled: &mut [T]) {
    let small = grid.halved();
    for (plane, pooled) in planes.chunks_exact(grid.numbers()).zip(pooled.chunks_exact_mut(small.numbers())) {
        for row in 0..small.height {
            for column in 0..small.width {
                let own = family(grid, row, column).map(|at| plane[at]);
                let larger = |a: T, b: T| if b > a { b } else { a };
                pooled[small.at(row, column)] = larger(larger(own[0], own[1]), larger(own[2], own[3]));
            }
        }
    }
}

/// The two by two pixels that make one; beyond an odd edge, the border is among them.
fn family(grid: Grid, row: usize, column: usize) -> [usize; 4] {
    let first = grid.at(2 * row, 2 * column);
    let below = grid.at(2 * row + 1, 2 * column);
    [first, first + 1, below, below + 1]
}

/// Adds the slope of every largest pixel to that pixel's, the first of equals.
fn unpool<T: Scalar>(grid: Grid, planes: &[T], pooled: &[T], of_pooled: &[T], slopes: &mut [T]) {
    let small = grid.halved();
    let small_planes = pooled.chunks_exact(small.numbers()).zip(of_pooled.chunks_exact(small.numbers()));
    let planes = planes.chunks_exact(grid.numbers()).zip(slopes.chunks_exact_mut(grid.numbers()));
    for ((plane, slopes), (pooled, of_pooled)) in planes.zip(small_planes) {
        for row in 0..small.height {
            for column in 0..small.width {
                let at = small.at(row, column);
                if let Some(largest) =
                    family(grid, row, column).into_iter().find(|&own| plane[own] == pooled[at])
                {
                    slopes[largest] += of_pooled[at];
                }
            }
        }
    }
}

/// Every pixel of small planes as two by two.
fn enlarge<T: Scalar>(grid: Grid, small_planes: &[T], planes: &mut [T]) {
    let small = grid.halved();
    let pairs = small_planes.chunks_exact(small.numbers()).zip(planes.chunks_exact_mut(grid.numbers()));
    for (small_plane, plane) in pairs {
        for row in 0..grid.height {
            for column in 0..grid.width {
                plane[grid.at(row, column)] = small_plane[small.at(row / 2, column / 2)];
            }
        }
    }
}

/// The sums of the slopes of two by two pixels.
fn reduce<T: Scalar>(grid: Grid, slopes: &[T], of_small: &mut [T]) {
    let small = grid.halved();
    let pairs = slopes.chunks_exact(grid.numbers()).zip(of_small.chunks_exact_mut(small.numbers()));
    for (slopes, of_small) in pairs {
        for row in 0..small.height {
            for column in 0..small.width {
                let [a, b, c, d] = family(grid, row, column).map(|at| slopes[at]);
                of_small[small.at(row, column)] = (a + b) + (c + d);
            }
        }
    }
}
