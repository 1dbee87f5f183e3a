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
/// How much more often the level without a column occurs.
const USUAL: f64 = 4.0;
/// Fewest columns; two blocks of two levels tell almost nothing apart.
const MIN_WIDTH: usize = 12;

/// Inputs and labels of one task.
pub(super) fn draw(knobs: &Knobs, key: Key) -> (Matrix, Vec<u32>) {
    let mut rng = key.rng();
    let width = knobs.width.clamp(MIN_WIDTH, WIDTH.1);
    let blocks = blocks(&mut rng, width);
    // In half of such tables the first level of a block has no column: what is not set is the usual.
    let skipped = usize::from(rng.random_bool(0.5));
    let width = width - skipped * blocks.len();
    // How often each level occurs: uneven, so that some columns are nearly always zero.
    let mut frequencies: Vec<Vec<f64>> = blocks
        .iter()
        .map(|&levels| normals(&mut rng, levels).into_iter().map(|z| f64::from(z).exp()).collect())
        .collect();
    frequencies.iter_mut().for_each(|weights| weights[0] *= if skipped == 1 { USUAL } else { 1.0 });
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
            if level >= skipped {
                inputs.row_mut(row)[start + level - skipped] = 1.0;
            }
            start += count - skipped;
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
    fn every_row_has_one_level_per_block_unless_the_first_has_no_column() {
        let knobs = Knobs { rows: 400, width: 20, classes: 3, imbalance: 2.0, label_noise: 0.0 };
        let mut whole = 0;
        for seed in 0..20 {
            let (inputs, labels) = draw(&knobs, Key::root(seed));
            assert_eq!(labels.len(), 400);
            assert!(inputs.values().iter().all(|value| [0.0, 1.0].contains(value)));
            let ones = |row| inputs.row(row).iter().filter(|&&value| value == 1.0).count();
            let most = (0..400).map(ones).max().unwrap();
            if inputs.cols() == 20 {
                whole += 1;
                assert!((0..400).all(|row| ones(row) == most) && most >= 4);
            } else {
                assert!((0..400).any(|row| ones(row) < most));
            }
        }
        assert!((4..=16).contains(&whole), "{whole}");
    }
}
