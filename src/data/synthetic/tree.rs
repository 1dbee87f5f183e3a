//! Labels given by a random axis-parallel decision tree: boundaries with corners, few relevant columns.

use super::draw::{geometric, normal};
use super::family::Knobs;
use super::scores::MIN_CLASS_ROWS;
use crate::data::Matrix;
use crate::rng::Key;
use rand::RngExt;
use rand::seq::SliceRandom;

/// Inputs and labels of one task.
pub(super) fn draw(knobs: &Knobs, key: Key) -> (Matrix, Vec<u32>) {
    let mut rng = key.rng();
    let mut inputs = Matrix::zeros(knobs.rows, knobs.width);
    // Columns are normal, uniform, or whole numbers from 0 to 9.
    let kinds: Vec<u8> = (0..knobs.width).map(|_| rng.random_range(0..3)).collect();
    for row in 0..knobs.rows {
        for (value, kind) in inputs.row_mut(row).iter_mut().zip(&kinds) {
            *value = match kind {
                0 => normal(&mut rng),
                1 => rng.random::<f32>(),
                _ => rng.random_range(0..10u8).into(),
            };
        }
    }
    let leaves = grow(&inputs, knobs, &mut rng);
    // The largest leaves go to the classes in turn, so that each has one; the others by frequency.
    let weights = geometric(knobs.classes, knobs.imbalance);
    let mut sizes = vec![0.0; knobs.classes];
    let mut labels = vec![0; knobs.rows];
    for (index, leaf) in leaves.iter().enumerate() {
        let lack = |class: usize| sizes[class] / weights[class];
        let neediest = (0..knobs.classes).min_by(|&a, &b| lack(a).total_cmp(&lack(b))).unwrap_or(0);
        let class = if index < knobs.classes { index } else { neediest };
        sizes[class] += leaf.len() as f64;
        leaf.iter().for_each(|&row| labels[row] = class as u32);
    }
    (inputs, labels)
}

/// The rows of each leaf, largest first; at least as many leaves as classes, each large enough.
fn grow(inputs: &Matrix, knobs: &Knobs, rng: &mut rand_chacha::ChaCha8Rng) -> Vec<Vec<usize>> {
    let wanted = knobs.classes * rng.random_range(2..=4);
    let relevant = rng.random_range(2.min(knobs.width)..=knobs.width.min(10));
    let mut columns: Vec<usize> = (0..knobs.width).collect();
    columns.shuffle(rng);
    let mut leaves: Vec<Vec<usize>> = vec![(0..inputs.rows()).collect()];
    // Splits the largest leaf at 30 to 70 % of its rows. Where a column of few values gives no such
    // split, another is tried; the bound on tries is never met in practice.
    for _ in 0..20 * wanted {
        if leaves.len() == wanted {
            break;
        }
        leaves.sort_by_key(|leaf| std::cmp::Reverse(leaf.len()));
        let column = columns[rng.random_range(0..relevant)];
        let at = |row: usize| inputs.row(row)[column];
        let mut values: Vec<f32> = leaves[0].iter().map(|&row| at(row)).collect();
        values.sort_by(f32::total_cmp);
        let threshold = values[(values.len() as f64 * rng.random_range(0.3..0.7)) as usize];
        let (low, high): (Vec<usize>, Vec<usize>) = leaves[0].iter().partition(|&&row| at(row) < threshold);
        if low.len().min(high.len()) >= MIN_CLASS_ROWS {
            leaves[0] = low;
            leaves.push(high);
        }
    }
    leaves.sort_by_key(|leaf| std::cmp::Reverse(leaf.len()));
    leaves
}
