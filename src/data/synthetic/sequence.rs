//! Aligned sequences: positions of a few levels each, most of them noise; a class is a motif, a short
//! window in which some levels are more frequent than elsewhere, and often a composition of its own to either side of it.
//! Splice sites look like this. Distances say next to nothing about the class, and what is typical is of one class more than
//! of others, so that a policy learns when not to trust them.

use super::draw::{apportion, geometric, log_uniform, log_uniform_count, normals};
use super::family::Knobs;
use crate::data::Matrix;
use crate::rng::Key;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// Positions of a sequence, fewest and most.
const POSITIONS: (usize, usize) = (10, 60);
/// Levels of a position, fewest and most.
const LEVELS: (usize, usize) = (2, 4);
/// Positions of a motif, fewest and most.
const MOTIF: (usize, usize) = (2, 8);
/// How far a class's composition is from that of all, in standard deviations of the logarithm of a frequency.
const TILT: (f64, f64) = (0.05, 0.8);
/// The widest input.
#[cfg(test)]
pub(super) const MAX_WIDTH: usize = POSITIONS.1 * LEVELS.1;

/// Inputs and labels of one task.
pub(super) fn draw(knobs: &Knobs, key: Key) -> (Matrix, Vec<u32>) {
    let mut rng = key.rng();
    let positions = log_uniform_count(&mut rng, POSITIONS.0, POSITIONS.1);
    let levels = rng.random_range(LEVELS.0..=LEVELS.1);
    let coding = match rng.random_range(0..3u8) {
        0 => Coding::Full,
        1 => Coding::Reference,
        _ => Coding::Number,
    };
    let width = coding.width(levels);
    let background = frequencies(&mut rng, levels, 0.3);
    let strength = log_uniform(&mut rng, 1.0, 5.0);
    // Often one class has no motif: whatever is not a site.
    let rest = rng.random_bool(0.5).then(|| rng.random_range(0..knobs.classes));
    let tilt = if rng.random_bool(0.5) { 0.0 } else { log_uniform(&mut rng, TILT.0, TILT.1) };
    let motifs: Vec<Motif> = (0..knobs.classes)
        .map(|class| {
            let length = if rest == Some(class) { 0 } else { log_uniform_count(&mut rng, MOTIF.0, MOTIF.1) };
            // Near the middle, where sequences are aligned; motifs overlap.
            let first = (positions - length) / 2 + rng.random_range(0..=4);
            let weights = (0..length).map(|_| frequencies(&mut rng, levels, strength)).collect();
            let around = [(); 2].map(|()| {
                let tilted = frequencies(&mut rng, levels, tilt);
                background.iter().zip(tilted).map(|(often, tilt)| often * tilt).collect()
            });
            Motif { first: first.min(positions - length), weights, around }
        })
        .collect();
    let counts = apportion(knobs.rows, &geometric(knobs.classes, knobs.imbalance));
    let mut inputs = Matrix::zeros(knobs.rows, positions * width);
    let mut labels = Vec::with_capacity(knobs.rows);
    for (class, count) in counts.into_iter().enumerate() {
        for _ in 0..count {
            let row = inputs.row_mut(labels.len());
            for position in 0..positions {
                let level = choose(&mut rng, motifs[class].at(position));
                coding.write(level, &mut row[position * width..][..width]);
            }
            labels.push(class as u32);
        }
    }
    (inputs, labels)
}

/// How a position is written, as files of such data come.
#[derive(Clone, Copy)]
enum Coding {
    /// A column per level.
    Full,
    /// A column per level but the first.
    Reference,
    /// The level's number in one column.
    Number,
}

impl Coding {
    fn width(self, levels: usize) -> usize {
        match self {
            Coding::Full => levels,
            Coding::Reference => levels - 1,
            Coding::Number => 1,
        }
    }

    /// Writes a level to columns of zeros.
    fn write(self, level: usize, columns: &mut [f32]) {
        match self {
            Coding::Full => columns[level] = 1.0,
            Coding::Reference if level == 0 => {}
            Coding::Reference => columns[level - 1] = 1.0,
            Coding::Number => columns[0] = level as f32,
        }
    }
}

/// Where a class differs from others, and how: levels' frequencies at the places of the motif, and before and after it.
struct Motif {
    first: usize,
    weights: Vec<Vec<f64>>,
    around: [Vec<f64>; 2],
}

impl Motif {
    fn at(&self, position: usize) -> &[f64] {
        match position.checked_sub(self.first) {
            None => &self.around[0],
            Some(place) => self.weights.get(place).unwrap_or(&self.around[1]),
        }
    }
}

/// Unnormalised frequencies of levels; the larger `strength`, the more uneven.
fn frequencies(rng: &mut ChaCha8Rng, levels: usize, strength: f64) -> Vec<f64> {
    normals(rng, levels).into_iter().map(|z| (strength * f64::from(z)).exp()).collect()
}

/// An index, drawn in proportion to `weights`.
pub(super) fn choose(rng: &mut ChaCha8Rng, weights: &[f64]) -> usize {
    let mut at = rng.random::<f64>() * weights.iter().sum::<f64>();
    for (index, weight) in weights.iter().enumerate() {
        at -= weight;
        if at < 0.0 {
            return index;
        }
    }
    weights.len() - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_hold_levels_and_classes_their_share() {
        let knobs = Knobs { rows: 400, width: 20, classes: 4, imbalance: 1.0, label_noise: 0.0 };
        for seed in 0..20 {
            let (inputs, labels) = draw(&knobs, Key::root(seed));
            assert!(inputs.cols() <= MAX_WIDTH);
            assert!(inputs.values().iter().all(|&v| v >= 0.0 && v < LEVELS.1 as f32 && v.fract() == 0.0));
            assert!((0..4).all(|class| labels.iter().filter(|&&label| label == class).count() == 100));
        }
    }
}
