//! Labels out of class scores, with the class frequencies that were asked for.

use super::draw::{apportion, geometric};

/// Rows that every class has, before label noise.
pub(super) const MIN_CLASS_ROWS: usize = 8;

/// The class of every row: the highest score plus an offset per class, the offsets being such that the
/// classes fall in size from the first to the last by about `imbalance`. A class that would still have
/// fewer than [`MIN_CLASS_ROWS`] takes the rows that score highest in it from larger classes.
///
/// `scores[row][class]`; every row has `classes` finite scores. There must be at least
/// `2 * classes * MIN_CLASS_ROWS` rows.
pub(super) fn label(scores: &[Vec<f64>], classes: usize, imbalance: f64) -> Vec<u32> {
    /// Rounds in which the offsets are adjusted; it converges to within a few rows long before.
    const ROUNDS: usize = 200;
    let wanted = apportion(scores.len(), &geometric(classes, imbalance));
    let spread = spread(scores, classes);
    let mut offsets = vec![0.0; classes];
    let mut labels = argmax(scores, &offsets);
    for round in 0..ROUNDS {
        let found = counts(&labels, classes);
        let step = 0.5 / (1.0 + round as f64 / 20.0);
        for class in 0..classes {
            let lack = (wanted[class] as f64 + 1.0).ln() - (found[class] as f64 + 1.0).ln();
            offsets[class] += step * spread * lack;
        }
        labels = argmax(scores, &offsets);
    }
    for class in 0..classes {
        let mut best: Vec<usize> = (0..labels.len()).filter(|&row| labels[row] != class as u32).collect();
        best.sort_by(|&a, &b| scores[b][class].total_cmp(&scores[a][class]).then(a.cmp(&b)));
        let mut found = counts(&labels, classes);
        for row in best {
            if found[class] >= MIN_CLASS_ROWS {
                break;
            }
            let other = labels[row] as usize;
            if found[other] > MIN_CLASS_ROWS {
                labels[row] = class as u32;
                found[other] -= 1;
                found[class] += 1;
            }
        }
    }
    labels
}

fn argmax(scores: &[Vec<f64>], offsets: &[f64]) -> Vec<u32> {
    let best = |row: &Vec<f64>| {
        let mut best = (f64::NEG_INFINITY, 0);
        for (class, (score, offset)) in row.iter().zip(offsets).enumerate() {
            if score + offset > best.0 {
                best = (score + offset, class as u32);
            }
        }
        best.1
    };
    scores.iter().map(best).collect()
}

fn counts(labels: &[u32], classes: usize) -> Vec<usize> {
    let mut counts = vec![0; classes];
    labels.iter().for_each(|&label| counts[label as usize] += 1);
    counts
}

/// The standard deviation of all scores: the unit of an offset.
fn spread(scores: &[Vec<f64>], classes: usize) -> f64 {
    let count = (scores.len() * classes) as f64;
    let mean = scores.iter().flatten().sum::<f64>() / count;
    (scores.iter().flatten().map(|score| (score - mean).powi(2)).sum::<f64>() / count).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Key;
    use rand::RngExt;

    #[test]
    fn frequencies_are_as_wanted() {
        let mut rng = Key::root(1).rng();
        let scores: Vec<Vec<f64>> =
            (0..1400).map(|_| (0..3).map(|class| rng.random::<f64>() + class as f64).collect()).collect();
        let counts = counts(&label(&scores, 3, 4.0), 3);
        for (found, wanted) in counts.iter().zip([800, 400, 200]) {
            assert!(found.abs_diff(wanted) < 40, "{counts:?}");
        }
    }

    /// Scores that say the same for every row leave one class; the others are filled up.
    #[test]
    fn no_class_is_left_empty() {
        let labels = label(&vec![vec![0.0; 5]; 100], 5, 1.0);
        assert!(counts(&labels, 5).iter().all(|&count| count >= MIN_CLASS_ROWS));
    }
}
