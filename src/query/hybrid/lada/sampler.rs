//! Affine maps of images by bilinear sampling, with their derivatives.
//!
//! M. Jaderberg, K. Simonyan, A. Zisserman and K. Kavukcuoglu, *Spatial transformer networks*, NeurIPS 2015. Places are counted
//! from -1 to 1 between the centres of the outermost pixels, `x` to the right and `y` down. The new image has at
//! `(x, y)` what the old one has at `(m0 x + m1 y + m2, m3 x + m4 y + m5)`, interpolated between four pixels; the edges go on beyond it.

use crate::data::Images;

/// The numbers that a map is made of: turn, stretch across and down, move right and down.
pub const NUMBERS: usize = 5;
/// What they are clamped to: 15 degrees, a tenth of the size, and a tenth of the width or height, which is .2 between -1 and 1.
const MOST: [f64; NUMBERS] = [15.0 / 180.0 * std::f64::consts::PI, 0.1, 0.1, 0.2, 0.2];

/// A map, and the derivatives of its six numbers by the five free ones that it was made of.
pub struct Affine {
    matrix: [f64; 6],
    by_numbers: [[f64; NUMBERS]; 6],
}

impl Affine {
    /// From free numbers, each clamped by a hyperbolic tangent; zeros are the identity.
    pub fn of(numbers: &[f64]) -> Self {
        let clamped: [f64; NUMBERS] = std::array::from_fn(|at| MOST[at] * numbers[at].tanh());
        let slopes: [f64; NUMBERS] = std::array::from_fn(|at| MOST[at] * (1.0 - numbers[at].tanh().powi(2)));
        let [turn, across, down, right, below] = clamped;
        let (sin, cos, across, down) = (turn.sin(), turn.cos(), 1.0 + across, 1.0 + down);
        let mut by_numbers = [
            [-across * sin, cos, 0.0, 0.0, 0.0],
            [-down * cos, 0.0, -sin, 0.0, 0.0],
            [0.0, 0.0, 0.0, 1.0, 0.0],
            [across * cos, sin, 0.0, 0.0, 0.0],
            [-down * sin, 0.0, cos, 0.0, 0.0],
            [0.0, 0.0, 0.0, 0.0, 1.0],
        ];
        by_numbers.iter_mut().for_each(|row| row.iter_mut().zip(slopes).for_each(|(by, slope)| *by *= slope));
        let matrix = [across * cos, -down * sin, right, across * sin, down * cos, below];
        Self { matrix, by_numbers }
    }

    /// The image as the map has it.
    pub fn sample(&self, image: &[f64], images: &Images) -> Vec<f64> {
        let mut sampled = vec![0.0; image.len()];
        self.each(images, |plane, to, from| {
            for channel in 0..images.channels {
                let image = &image[channel * plane..(channel + 1) * plane];
                sampled[channel * plane + to] = from.value(image);
            }
        });
        sampled
    }

    /// The derivative by the free numbers of what depends on the sampled image by `slopes`.
    pub fn slopes(&self, image: &[f64], images: &Images, slopes: &[f64]) -> [f64; NUMBERS] {
        let mut by_matrix = [0.0; 6];
        self.each(images, |plane, to, from| {
            let (mut by_x, mut by_y) = (0.0, 0.0);
            for channel in 0..images.channels {
                let (image, slope) =
                    (&image[channel * plane..(channel + 1) * plane], slopes[channel * plane + to]);
                let [x, y] = from.by_place(image);
                (by_x, by_y) = (by_x + slope * x, by_y + slope * y);
            }
            let [x, y] = from.at;
            let along = [by_x * x, by_x * y, by_x, by_y * x, by_y * y, by_y];
            by_matrix.iter_mut().zip(along).for_each(|(sum, along)| *sum += along);
        });
        std::array::from_fn(|number| {
            by_matrix.iter().zip(&self.by_numbers).map(|(slope, by)| slope * by[number]).sum()
        })
    }

    /// For every pixel, the size of a plane, the pixel's number in it, and what it is made of.
    fn each(&self, images: &Images, mut then: impl FnMut(usize, usize, Source)) {
        let (height, width) = (images.height, images.width);
        let m = &self.matrix;
        for row in 0..height {
            for column in 0..width {
                let (x, y) = (place(column, width), place(row, height));
                let across = Between::of(m[0] * x + m[1] * y + m[2], width);
                let down = Between::of(m[3] * x + m[4] * y + m[5], height);
                then(height * width, row * width + column, Source { at: [x, y], across, down, width });
            }
        }
    }
}

/// Pixel `at` of so many in a line, from -1 to 1; the only one is in the middle.
fn place(at: usize, of: usize) -> f64 {
    if of > 1 { 2.0 * at as f64 / (of - 1) as f64 - 1.0 } else { 0.0 }
}

/// A place in a line of pixels.
struct Between {
    /// The pixels beside it.
    pixels: [usize; 2],
    /// The share of the second, and its derivative by the place; none beyond the edges.
    share: f64,
    slope: f64,
}

impl Between {
    fn of(place: f64, length: usize) -> Self {
        let half = (length - 1) as f64 / 2.0;
        let found = (place + 1.0) * half;
        let inside = (0.0..=2.0 * half).contains(&found);
        let at = found.clamp(0.0, 2.0 * half);
        let below = (at as usize).min(length.saturating_sub(2));
        let pixels = [below, (below + 1).min(length - 1)];
        Self { pixels, share: at - below as f64, slope: if inside { half } else { 0.0 } }
    }
}

/// Where a pixel of a sampled image comes from.
struct Source {
    /// The pixel's own place, from -1 to 1.
    at: [f64; 2],
    across: Between,
    down: Between,
    width: usize,
}

impl Source {
    /// The four pixels of a plane: above left, above right, below left, below right.
    fn four(&self, plane: &[f64]) -> [f64; 4] {
        let ([left, right], [above, below]) = (self.across.pixels, self.down.pixels);
        [(above, left), (above, right), (below, left), (below, right)]
            .map(|(row, column)| plane[row * self.width + column])
    }

    fn value(&self, plane: &[f64]) -> f64 {
        let ([a, b, c, d], across, down) = (self.four(plane), self.across.share, self.down.share);
        (1.0 - down) * ((1.0 - across) * a + across * b) + down * ((1.0 - across) * c + across * d)
    }

    /// The value's derivatives by the place across and down.
    fn by_place(&self, plane: &[f64]) -> [f64; 2] {
        let ([a, b, c, d], across, down) = (self.four(plane), self.across.share, self.down.share);
        let by_across = (1.0 - down) * (b - a) + down * (d - c);
        let by_down = (1.0 - across) * (c - a) + across * (d - b);
        [by_across * self.across.slope, by_down * self.down.slope]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Key;
    use rand::RngExt;

    fn random(images: &Images) -> Vec<f64> {
        let mut rng = Key::root(1).rng();
        (0..images.channels * images.height * images.width).map(|_| rng.random::<f64>()).collect()
    }

    /// Zeros are the identity; a move by one pixel of five is one of half a unit, and edges go on.
    #[test]
    fn maps_by_hand() {
        let shape = Images::unscaled(2, 3, 5);
        let image = random(&shape);
        assert_eq!(Affine::of(&[0.0; NUMBERS]).sample(&image, &shape), image);
        let moved = Affine { matrix: [1.0, 0.0, 0.5, 0.0, 1.0, 0.0], by_numbers: [[0.0; NUMBERS]; 6] };
        let found = moved.sample(&image, &shape);
        for (row, column) in (0..6).flat_map(|row| (0..5).map(move |column| (row, column))) {
            assert!((found[row * 5 + column] - image[row * 5 + (column + 1).min(4)]).abs() < 1e-12);
        }
        // A quarter turn of a square: what is on the right comes from below.
        let square = Images::unscaled(1, 2, 2);
        let turned = Affine { matrix: [0.0, -1.0, 0.0, 1.0, 0.0, 0.0], by_numbers: [[0.0; NUMBERS]; 6] };
        let found = turned.sample(&[1.0, 2.0, 3.0, 4.0], &square);
        assert!(found.iter().zip([2.0, 4.0, 1.0, 3.0]).all(|(a, b)| (a - b).abs() < 1e-12), "{found:?}");
        // A single pixel has nowhere to go.
        let one = Images::unscaled(1, 1, 1);
        assert_eq!(Affine::of(&[3.0; NUMBERS]).sample(&[0.7], &one), [0.7]);
    }

    /// No number, however large, goes beyond 15 degrees, a tenth of the size and a tenth of the width.
    #[test]
    fn maps_are_clamped() {
        for sign in [-1.0, 1.0] {
            let [a, b, right, c, d, below] = Affine::of(&[sign * 50.0; NUMBERS]).matrix;
            let (across, down) = (a.hypot(c), b.hypot(d));
            let turn = c.atan2(a).to_degrees();
            for (found, expected) in [
                (turn, 15.0 * sign),
                (across, 1.0 + 0.1 * sign),
                (down, 1.0 + 0.1 * sign),
                (right, 0.2 * sign),
                (below, 0.2 * sign),
            ] {
                assert!((found - expected).abs() < 1e-9, "{found} {expected}");
            }
        }
    }

    #[test]
    fn slopes_are_finite_differences() {
        for shape in [Images::unscaled(1, 6, 5), Images::unscaled(3, 4, 7)] {
            let image = random(&shape);
            let weights: Vec<f64> = image.iter().map(|value| (7.0 * value).sin()).collect();
            let value = |numbers: &[f64]| -> f64 {
                Affine::of(numbers).sample(&image, &shape).iter().zip(&weights).map(|(a, b)| a * b).sum()
            };
            // None of these maps has a pixel's centre for a source.
            for numbers in [[0.31, -0.22, 0.41, 0.13, -0.37], [-1.1, 0.7, -0.3, -0.9, 0.53]] {
                let found = Affine::of(&numbers).slopes(&image, &shape, &weights);
                for at in 0..NUMBERS {
                    let moved = |step: f64| {
                        let mut other = numbers;
                        other[at] += step;
                        value(&other)
                    };
                    let expected = (moved(1e-6) - moved(-1e-6)) / 2e-6;
                    assert!((found[at] - expected).abs() < 1e-6, "{at}: {} {expected}", found[at]);
                }
            }
        }
    }
}
