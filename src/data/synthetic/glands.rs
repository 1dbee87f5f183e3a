//! Synthetic gland images: rings and ellipses on textured noise, in five domains that differ in stain, density and sharpness.

use super::draw::normal;
use crate::data::masks::Masks;
use crate::data::{Dataset, Matrix, Shape, Targets};
use crate::error::Result;
use crate::rng::Key;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::sync::Arc;

/// Images of each set.
pub const IMAGES: usize = 240;
/// Pixels of a side.
pub const SIDE: usize = 32;
/// Attempts to place a gland where it overlaps no other one.
const ATTEMPTS: usize = 20;
/// The least distance between two glands' outlines, in pixels.
const GAP: f32 = 1.0;

/// What images of a domain have in common; grey values are about 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Domain {
    /// How much darker a gland is than what is around it; negative where it is brighter.
    pub intensity: f32,
    /// The mean number of glands of an image.
    pub density: f32,
    /// The deviation of the Gaussian blur, in pixels.
    pub blur: f32,
    /// The deviation of the brightness of images: how unevenly they are stained.
    pub stain: f32,
    /// The share of glands that are rings: a bright lumen inside a dark border. The whole gland is foreground, lumen included.
    pub rings: f32,
    /// The deviation of the noise.
    pub noise: f32,
}

/// One of the domains. Images are drawn anew for every repetition: a texture of smooth noise, on it glands, each an ellipse of random size and direction
/// that touches no other, with or without a lumen; then blur, stain and noise of the domain. Some structures look like glands and are not: solid
/// dark blobs of less than three pixels across, as many as glands. The mask is the ellipses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Glands {
    /// Dark rings and ellipses with a clear outline.
    Plain,
    /// Glands hardly darker than what is around them.
    Faint,
    /// Many small glands.
    Dense,
    /// Blurred outlines.
    Blurred,
    /// Brightness that differs from image to image, and noise.
    Stained,
}

impl Glands {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Plain, Self::Faint, Self::Dense, Self::Blurred, Self::Stained];

    /// The name in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "glands_plain",
            Self::Faint => "glands_faint",
            Self::Dense => "glands_dense",
            Self::Blurred => "glands_blurred",
            Self::Stained => "glands_stained",
        }
    }

    /// What its images have in common.
    pub fn domain(self) -> Domain {
        let plain = Domain { intensity: 0.35, density: 3.0, blur: 0.5, stain: 0.05, rings: 0.6, noise: 0.08 };
        match self {
            Self::Plain => plain,
            Self::Faint => Domain { intensity: 0.18, ..plain },
            Self::Dense => Domain { density: 7.0, rings: 0.3, ..plain },
            Self::Blurred => Domain { blur: 1.5, ..plain },
            Self::Stained => Domain { stain: 0.25, noise: 0.15, ..plain },
        }
    }

    /// A draw of [`IMAGES`] images of [`SIDE`] by [`SIDE`] pixels.
    ///
    /// # Errors
    /// None that a caller could cause.
    pub fn draw(self, key: Key) -> Result<Dataset> {
        let key = key.named(self.name());
        let mut masks = Masks::new(SIDE, SIDE);
        let mut values = Vec::with_capacity(IMAGES * SIDE * SIDE);
        for image in 0..IMAGES {
            let (pixels, mask) = self.domain().image(&mut key.at(image as u64).rng());
            values.extend(pixels);
            masks.push(&mask);
        }
        let shape = Shape::Image { channels: 1, height: SIDE, width: SIDE };
        let inputs = Matrix::new(values, IMAGES, SIDE * SIDE);
        let set = Dataset::new(self.name(), shape, inputs, Targets::Mask(Arc::new(masks)), None)?;
        Ok(set.generated_as(self.name()))
    }
}

/// An ellipse.
#[derive(Clone, Copy)]
struct Gland {
    x: f32,
    y: f32,
    /// Half axes.
    long: f32,
    short: f32,
    /// Direction of the long axis.
    cos: f32,
    sin: f32,
    /// Half the size of the lumen, as a share of the gland's; 0 for none.
    lumen: f32,
}

impl Gland {
    /// How far a point is from the centre, 1 on the outline.
    fn distance(&self, x: f32, y: f32) -> f32 {
        let (dx, dy) = (x - self.x, y - self.y);
        let (along, across) = (dx * self.cos + dy * self.sin, dy * self.cos - dx * self.sin);
        ((along / self.long).powi(2) + (across / self.short).powi(2)).sqrt()
    }
}

impl Domain {
    /// One image and its mask, row by row.
    fn image(self, rng: &mut ChaCha8Rng) -> (Vec<f32>, Vec<bool>) {
        let side = SIDE as f32;
        let glands = self.glands(rng);
        // Smooth noise, and what looks like a gland and is none.
        let mut pixels: Vec<f32> = (0..SIDE * SIDE).map(|_| 0.35 * normal(rng)).collect();
        blur(&mut pixels, 2.0);
        pixels.iter_mut().for_each(|pixel| *pixel += 0.7);
        for _ in 0..glands.len() {
            let (x, y) = (rng.random::<f32>() * side, rng.random::<f32>() * side);
            let radius = 0.8 + 0.7 * rng.random::<f32>();
            let outside = |at: usize| (at % SIDE) as f32 + 0.5;
            for (at, pixel) in pixels.iter_mut().enumerate() {
                let (dx, dy) = (outside(at) - x, (at / SIDE) as f32 + 0.5 - y);
                if dx * dx + dy * dy < radius * radius {
                    *pixel -= self.intensity;
                }
            }
        }
        let mut mask = vec![false; SIDE * SIDE];
        for gland in &glands {
            for (at, pixel) in pixels.iter_mut().enumerate() {
                let distance = gland.distance((at % SIDE) as f32 + 0.5, (at / SIDE) as f32 + 0.5);
                if distance <= 1.0 {
                    mask[at] = true;
                    *pixel += if distance < gland.lumen { 0.6 * self.intensity } else { -self.intensity };
                }
            }
        }
        blur(&mut pixels, self.blur);
        let (brightness, contrast) = (self.stain * normal(rng), (1.0 + self.stain * normal(rng)).max(0.2));
        for pixel in &mut pixels {
            *pixel = 0.5 + contrast * (*pixel - 0.5) + brightness + self.noise * normal(rng);
        }
        (pixels, mask)
    }

    fn glands(self, rng: &mut ChaCha8Rng) -> Vec<Gland> {
        let side = SIDE as f32;
        // From no gland to twice the mean, evenly.
        let wanted = (rng.random::<f32>() * (2.0 * self.density + 1.0)) as usize;
        let size = side * (0.22 / self.density.sqrt());
        let mut glands: Vec<Gland> = Vec::new();
        for _ in 0..wanted {
            for _ in 0..ATTEMPTS {
                let long = size * (1.1 + 0.9 * rng.random::<f32>());
                let short = long * (0.55 + 0.45 * rng.random::<f32>());
                let (sin, cos) = (std::f32::consts::PI * rng.random::<f32>()).sin_cos();
                let (x, y) = (rng.random::<f32>() * side, rng.random::<f32>() * side);
                let lumen =
                    if rng.random::<f32>() < self.rings { 0.35 + 0.25 * rng.random::<f32>() } else { 0.0 };
                let far = |other: &Gland| {
                    let apart = ((other.x - x).powi(2) + (other.y - y).powi(2)).sqrt();
                    apart > other.long + long + GAP
                };
                if glands.iter().all(far) {
                    glands.push(Gland { x, y, long, short, cos, sin, lumen });
                    break;
                }
            }
        }
        glands
    }
}

/// Gaussian blur of a square image, with edges continued.
fn blur(pixels: &mut [f32], deviation: f32) {
    let reach = (3.0 * deviation).ceil() as isize;
    let weight = |by: isize| (-0.5 * (by as f32 / deviation).powi(2)).exp();
    let total: f32 = (-reach..=reach).map(weight).sum();
    for down in [false, true] {
        let before = pixels.to_vec();
        for (at, pixel) in pixels.iter_mut().enumerate() {
            let (y, x) = (at / SIDE, at % SIDE);
            let inside = |place: usize, by: isize| (place as isize + by).clamp(0, SIDE as isize - 1) as usize;
            let value = |by: isize| match down {
                true => before[inside(y, by) * SIDE + x],
                false => before[y * SIDE + inside(x, by)],
            };
            *pixel = (-reach..=reach).map(|by| weight(by) * value(by)).sum::<f32>() / total;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::TargetKind;
    use crate::data::mask::pixel;

    fn masks(set: &Dataset) -> &Masks {
        match set.targets() {
            Targets::Mask(masks) => masks,
            _ => panic!("masks"),
        }
    }

    #[test]
    fn draws_follow_their_key_and_their_domain() {
        for domain in Glands::ALL {
            let set = domain.draw(Key::root(3)).unwrap();
            assert_eq!((set.kind(), set.rows(), set.width()), (TargetKind::Mask, IMAGES, SIDE * SIDE));
            assert_eq!(set.classes(), SIDE * SIDE, "one output per pixel");
            assert_eq!(set.digest(), domain.draw(Key::root(3)).unwrap().digest());
            assert_ne!(set.digest(), domain.draw(Key::root(4)).unwrap().digest());
            let areas: Vec<usize> = (0..IMAGES).map(|row| masks(&set).area(row)).collect();
            let mean = areas.iter().sum::<usize>() as f64 / (IMAGES * SIDE * SIDE) as f64;
            assert!((0.08..0.5).contains(&mean), "{domain:?}: {mean}");
            assert!(areas.contains(&0), "some images have no gland");
        }
    }

    /// Glands without a lumen are darker than what is around them by the domain's intensity, and their masks are where they are.
    #[test]
    fn foreground_is_darker_by_the_intensity() {
        for domain in Glands::ALL {
            let set = domain.draw(Key::root(5)).unwrap();
            let (mut sums, mut counts) = ([0.0f64; 2], [0usize; 2]);
            for row in 0..IMAGES {
                let mask = masks(&set).mask(row);
                for (at, &value) in set.inputs().row(row).iter().enumerate() {
                    let side = usize::from(pixel(mask, at));
                    sums[side] += f64::from(value);
                    counts[side] += 1;
                }
            }
            let darker = sums[0] / counts[0] as f64 - sums[1] / counts[1] as f64;
            let intensity = f64::from(domain.domain().intensity);
            assert!((0.3 * intensity..intensity).contains(&darker), "{domain:?}: {darker}");
        }
    }
}
