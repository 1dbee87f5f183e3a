//! Synthetic palm prints: many identities with a few images each, textures of oriented lines.

use super::draw::normal;
use crate::data::{Dataset, Matrix, Shape, Targets};
use crate::error::Result;
use crate::rng::Key;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// The name in files.
pub const NAME: &str = "palmprints";
/// Palms, and images of each.
pub const IDENTITIES: usize = 40;
pub const IMAGES: usize = 12;
/// Pixels of a side.
pub const SIDE: usize = 24;
/// Directions that the three principal lines of all palms vary around, in radians, and their distances from the middle, in pixels.
const PRINCIPAL: [(f32, f32); 3] = [(0.35, -6.0), (0.75, -1.0), (1.75, 4.0)];
/// Fine lines of a palm.
const FINE: usize = 7;
/// Deviations of what differs between images of a palm: angle in radians, shift in pixels, noise.
const ANGLE: f32 = 0.06;
const SHIFT: f32 = 0.8;
const NOISE: f32 = 0.12;

/// A bent line: dark where the distance from it is small.
#[derive(Clone, Copy)]
struct Line {
    cos: f32,
    sin: f32,
    /// Distance of its vertex from the middle, and its bend, in pixels and per pixel.
    offset: f32,
    bend: f32,
    width: f32,
    depth: f32,
}

impl Line {
    fn draw(rng: &mut ChaCha8Rng, angle: f32, offset: f32, (width, depth): (f32, f32)) -> Self {
        let (sin, cos) = angle.sin_cos();
        Self { cos, sin, offset, bend: 0.012 * normal(rng), width, depth }
    }

    fn darkness(self, x: f32, y: f32) -> f32 {
        let (across, along) = (x * self.cos + y * self.sin, y * self.cos - x * self.sin);
        let distance = across - self.offset - self.bend * along * along;
        self.depth * (-0.5 * (distance / self.width).powi(2)).exp()
    }
}

/// The lines of one palm: three principal ones, alike in direction and place on all palms, and fine ones anywhere.
fn palm(rng: &mut ChaCha8Rng) -> Vec<Line> {
    let mut lines = Vec::with_capacity(PRINCIPAL.len() + FINE);
    for (angle, offset) in PRINCIPAL {
        let (angle, offset) = (angle + 0.2 * normal(rng), offset + 1.2 * normal(rng));
        let look = (1.1, 0.45 + 0.2 * rng.random::<f32>());
        lines.push(Line::draw(rng, angle, offset, look));
    }
    for _ in 0..FINE {
        let angle = std::f32::consts::PI * rng.random::<f32>();
        let offset = SIDE as f32 * (rng.random::<f32>() - 0.5);
        let look = (0.7, 0.15 + 0.2 * rng.random::<f32>());
        lines.push(Line::draw(rng, angle, offset, look));
    }
    lines
}

/// An image of a palm: turned, moved, unevenly lit and noisy.
fn image(lines: &[Line], rng: &mut ChaCha8Rng) -> Vec<f32> {
    let (sin, cos) = (ANGLE * normal(rng)).sin_cos();
    let (dx, dy) = (SHIFT * normal(rng), SHIFT * normal(rng));
    let (brightness, contrast) = (0.05 * normal(rng), 1.0 + 0.15 * normal(rng));
    let slope = [0.01, 0.01].map(|deviation| deviation * normal(rng));
    let middle = SIDE as f32 / 2.0;
    let mut pixels = Vec::with_capacity(SIDE * SIDE);
    for at in 0..SIDE * SIDE {
        let (x, y) = ((at % SIDE) as f32 + 0.5 - middle, (at / SIDE) as f32 + 0.5 - middle);
        let (u, v) = (cos * x + sin * y - dx, cos * y - sin * x - dy);
        let dark: f32 = lines.iter().map(|line| line.darkness(u, v)).sum();
        let light = 0.8 + brightness + slope[0] * x + slope[1] * y;
        pixels.push(light - contrast * dark + NOISE * normal(rng));
    }
    pixels
}

/// [`IMAGES`] images of each of [`IDENTITIES`] palms, grey values from about 0 to 1, one class per palm; palms and images are drawn anew with each key.
///
/// # Errors
/// None that a caller could cause.
pub fn palmprints(key: Key) -> Result<Dataset> {
    let key = key.named(NAME);
    let (mut values, mut labels) = (Vec::with_capacity(IDENTITIES * IMAGES * SIDE * SIDE), Vec::new());
    for identity in 0..IDENTITIES {
        let lines = palm(&mut key.named("palm").at(identity as u64).rng());
        for number in 0..IMAGES {
            let key = key.named("image").at(identity as u64).at(number as u64);
            values.extend(image(&lines, &mut key.rng()));
            labels.push(identity as u32);
        }
    }
    let names = (0..IDENTITIES).map(|identity| format!("palm{identity:02}")).collect();
    let shape = Shape::Image { channels: 1, height: SIDE, width: SIDE };
    let inputs = Matrix::new(values, IDENTITIES * IMAGES, SIDE * SIDE);
    Ok(Dataset::new(NAME, shape, inputs, Targets::Class { labels, names }, None)?.generated_as(NAME))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_follow_their_key() {
        let set = palmprints(Key::root(1)).unwrap();
        assert_eq!((set.rows(), set.classes(), set.width()), (480, 40, 576));
        assert_eq!(set.digest(), palmprints(Key::root(1)).unwrap().digest());
        assert_ne!(set.digest(), palmprints(Key::root(2)).unwrap().digest());
    }

    /// Images of one palm lie nearer to each other than to those of others: the nearest other image is of the same palm for most, which for one of 11 among 479 would
    /// be by chance for one in 44; and not for all, or there would be nothing to learn.
    #[test]
    fn images_of_a_palm_are_alike() {
        let set = palmprints(Key::root(3)).unwrap();
        let distance = |a: usize, b: usize| -> f32 {
            set.inputs().row(a).iter().zip(set.inputs().row(b)).map(|(a, b)| (a - b).powi(2)).sum()
        };
        let nearest = |row: usize| {
            let others = (0..set.rows()).filter(|&other| other != row);
            others.min_by(|&a, &b| distance(row, a).total_cmp(&distance(row, b))).unwrap()
        };
        let right = (0..set.rows()).filter(|&row| set.labels()[row] == set.labels()[nearest(row)]).count();
        let share = right as f64 / set.rows() as f64;
        assert!((0.5..0.99).contains(&share), "{share}");
    }
}
