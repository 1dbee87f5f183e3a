//! Sparse tasks: one-hot blocks of categories, of which a few, and pairs of them, decide the class.
//! Aligned sequences, survey answers and the like look like this, and a policy that has only seen
//! clouds of points loses on them.

use super::draw::{log_uniform_count, normals};
use super::family::{Knobs, WIDTH};
use super::scores::label;
use super::sequence::choose;
use crate::data::Matrix;
use crate::rng::Key;
use rand::RngExt;

/// Levels of one category, fewest and most.
const LEVELS: (usize, usize) = (2, 6);
/// Fewest columns; two blocks of two levels tell almost nothing apart.
const MIN_WIDTH: usize = 12;

/// Inputs and labels of one task.
pub(super) fn draw(knobs: &Knobs, key: Key) -> (Matrix, Vec<u32>) {
    let mut rng = key.rng();
    let width = knobs.width.clamp(MIN_WIDTH, WIDTH.1);
    let blocks = blocks(&mut rng, width);
    // How often each level occurs: uneven, so that some columns are nearly always zero.
    let frequencies: Vec<Vec<f64>> = blocks
        .iter()
        .map(|&levels| normals(&mut rng, levels).into_iter().map(|z| f64::from(z).exp()).collect())
        .collect();
    let relevant = log_uniform_count(&mut rng, 3.min(blocks.len()), blocks.len().min(8));
    // One weight per level of a relevant block, and per pair of levels of neighbouring ones.
    let single: Vec<Vec<f32>> = (0..relevant * LEVELS.1).map(|_| normals(&mut rng, knobs.classes)).collect();
    let pairs: Vec<Vec<f32>> =
        (0..relevant * LEVELS.1 * LEVELS.1).map(|_| normals(&mut rng, knobs.classes)).collect();
    let pair_strength = rng.random::<f32>();
    let mut inputs = Matrix::zeros(knobs.rows, width);
    let mut scores = Vec::with_capacity(knobs.rows);
    for row in 0..knobs.rows {
        let levels: Vec<usize> = frequencies.iter().map(|weights| choose(&mut rng, weights)).collect();
        let mut start = 0;
        for (&count, &level) in blocks.iter().zip(&levels) {
            inputs.row_mut(row)[start + level] = 1.0;
            start += count;
        }
        let mut score = vec![0.0f64; knobs.classes];
        for block in 0..relevant {
            let next = levels[(block + 1) % relevant];
            let one = &single[block * LEVELS.1 + levels[block]];
            let two = &pairs[(block * LEVELS.1 + levels[block]) * LEVELS.1 + next];
            for ((total, one), two) in score.iter_mut().zip(one).zip(two) {
                *total += f64::from(one + pair_strength * two);
            }
        }
        scores.push(score);
    }
    let labels = label(&scores, knobs.classes, knobs.imbalance);
    (inputs, labels)
}

/// Sizes of blocks that add up to `width`.
fn blocks(rng: &mut rand_chacha::ChaCha8Rng, width: usize) -> Vec<usize> {
    let (mut blocks, mut left) = (Vec::new(), width);
    while left > 0 {
        // What remains after this block is none or enough for another.
        let most = LEVELS.1.min(left);
        let mut levels = rng.random_range(LEVELS.0..=most);
        if left - levels == 1 {
            levels = if levels < most { levels + 1 } else { levels - 1 };
        }
        blocks.push(levels);
        left -= levels;
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_fill_the_width_with_two_to_six_levels() {
        for width in MIN_WIDTH..=WIDTH.1 {
            let blocks = blocks(&mut Key::root(width as u64).rng(), width);
            assert_eq!(blocks.iter().sum::<usize>(), width);
            assert!(blocks.iter().all(|levels| (LEVELS.0..=LEVELS.1).contains(levels)), "{blocks:?}");
        }
    }

    #[test]
    fn every_row_has_one_level_per_block() {
        let knobs = Knobs { rows: 400, width: 20, classes: 3, imbalance: 2.0, label_noise: 0.0 };
        let (inputs, labels) = draw(&knobs, Key::root(1));
        assert_eq!(labels.len(), 400);
        let ones = |row| inputs.row(row).iter().filter(|&&value| value == 1.0).count();
        assert!(inputs.values().iter().all(|value| [0.0, 1.0].contains(value)));
        assert!((1..400).all(|row| ones(row) == ones(0)) && ones(0) >= 4);
    }
}
