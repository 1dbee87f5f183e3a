//! Tables of people and patients: numbers, grades and categories side by side, each of which says a
//! little, and outcomes that even perfect knowledge of the row predicts badly. Credit, recurrence and
//! diabetes tables look like this.

use super::draw::{log_uniform, log_uniform_count, normal, normals};
use super::family::{Knobs, WIDTH};
use super::scores::label;
use crate::data::Matrix;
use crate::rng::Key;
use rand::RngExt;

/// Fewest columns.
const MIN_WIDTH: usize = 5;
/// Levels of a category, fewest and most.
const LEVELS: (usize, usize) = (2, 5);

/// How the value of one trait is written into the table.
enum Column {
    Number,
    /// Skewed to the right, as amounts are.
    Amount,
    /// Whole numbers from 0.
    Grade(f32),
    /// One column per level, one of them 1.
    Category(usize),
}

impl Column {
    fn width(&self) -> usize {
        match self {
            Column::Category(levels) => *levels,
            _ => 1,
        }
    }
}

/// Inputs and labels of one task.
pub(super) fn draw(knobs: &Knobs, key: Key) -> (Matrix, Vec<u32>) {
    let mut rng = key.rng();
    let wanted = knobs.width.clamp(MIN_WIDTH, WIDTH.1);
    let (mut columns, mut width) = (Vec::new(), 0);
    while width < wanted {
        let column = match rng.random_range(0..4u8) {
            0 => Column::Number,
            1 => Column::Amount,
            2 => Column::Grade(rng.random_range(1..=6u8).into()),
            _ => Column::Category(rng.random_range(LEVELS.0..=LEVELS.1)),
        };
        if width + column.width() <= wanted {
            width += column.width();
            columns.push(column);
        }
    }
    // Traits share a few causes, and add up to the outcome; a few pairs act together.
    let causes = log_uniform_count(&mut rng, 1, 5);
    let shared = 0.7 * rng.random::<f32>();
    let mixing = Matrix::new(normals(&mut rng, columns.len() * causes), columns.len(), causes);
    let effect = Matrix::new(normals(&mut rng, knobs.classes * columns.len()), knobs.classes, columns.len());
    let pairs = Matrix::new(normals(&mut rng, knobs.classes * columns.len()), knobs.classes, columns.len());
    let pair_strength = 0.7 * rng.random::<f32>();
    let signal = log_uniform(&mut rng, 0.5, 4.0);
    let mut inputs = Matrix::zeros(knobs.rows, width);
    let mut scores = Vec::with_capacity(knobs.rows);
    for row in 0..knobs.rows {
        let cause = normals(&mut rng, causes);
        let traits: Vec<f32> = (0..columns.len())
            .map(|column| {
                let sum: f32 = mixing.row(column).iter().zip(&cause).map(|(w, z)| w * z).sum();
                shared * sum / (causes as f32).sqrt() + (1.0 - shared * shared).sqrt() * normal(&mut rng)
            })
            .collect();
        let mut at = 0;
        for (column, &value) in columns.iter().zip(&traits) {
            let cells = &mut inputs.row_mut(row)[at..at + column.width()];
            match column {
                Column::Number => cells[0] = value,
                Column::Amount => cells[0] = value.clamp(-5.0, 5.0).exp(),
                Column::Grade(most) => cells[0] = (value + most / 2.0).round().clamp(0.0, *most),
                Column::Category(levels) => {
                    let level = (value + *levels as f32 / 2.0).floor().clamp(0.0, *levels as f32 - 1.0);
                    cells[level as usize] = 1.0;
                }
            }
            at += column.width();
        }
        let class_score = |class: usize| {
            let (one, two) = (effect.row(class), pairs.row(class));
            let sum: f32 = (0..traits.len())
                .map(|i| traits[i] * (one[i] + pair_strength * two[i] * traits[(i + 1) % traits.len()]))
                .sum();
            // Gumbel noise makes the largest score a draw from the softmax of the scores.
            let noise = -(-f64::from(rng.random::<f32>().max(f32::MIN_POSITIVE)).ln()).max(1e-12).ln();
            signal * f64::from(sum) / (traits.len() as f64).sqrt() + noise
        };
        scores.push((0..knobs.classes).map(class_score).collect());
    }
    let labels = label(&scores, knobs.classes, knobs.imbalance);
    (inputs, labels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_fill_the_width_and_are_finite() {
        for (seed, width) in (MIN_WIDTH..=WIDTH.1).enumerate() {
            let knobs = Knobs { rows: 200, width, classes: 2, imbalance: 1.0, label_noise: 0.0 };
            let (inputs, labels) = draw(&knobs, Key::root(seed as u64));
            assert_eq!((inputs.rows(), inputs.cols(), labels.len()), (200, width, 200));
            assert!(inputs.values().iter().all(|value| value.is_finite()));
        }
    }
}
