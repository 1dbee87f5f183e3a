//! A pool as the policy sees it: a description of every feature, and the candidates' standardised inputs.

use crate::data::{Matrix, RowId};
use crate::query::PoolView;

/// Bins of a histogram: of equal width over ± [`REACH`] standard deviations, what is beyond in the outermost.
pub const BINS: usize = 10;
/// Standard deviations that the histograms reach.
pub const REACH: f32 = 2.5;
/// Values that describe a feature: the histogram of the pool, and for every bin the largest and the smallest
/// share that a class has in it among its labelled rows. Neither names nor counts classes.
pub const DESCRIPTION: usize = 3 * BINS;
/// Figures of the episode.
pub const GLOBALS: usize = 3;

/// A pool before a query.
#[derive(Clone, Debug, PartialEq)]
pub struct Described {
    /// The rows that may be asked for, ascending.
    pub candidates: Vec<RowId>,
    /// `[candidates, d]`: inputs in standard deviations of the pool, at most `REACH` to either side.
    pub inputs: Matrix,
    /// `[d, DESCRIPTION]`.
    pub features: Matrix,
    /// Share of the budget spent, labels per class (on a logarithmic scale), and entropy of the labelled
    /// rows' classes over that of equal shares.
    pub globals: [f32; GLOBALS],
}

impl Described {
    /// Describes the pool of `view`.
    pub fn of(view: &PoolView<'_>) -> Self {
        let progress = view.signals().progress;
        let (rows, width) = (view.inputs().rows(), view.inputs().cols());
        let mut standard = Matrix::zeros(rows, width);
        for column in 0..width {
            let values = || (0..rows).map(|row| f64::from(view.inputs().row(row)[column]));
            let mean = values().sum::<f64>() / rows.max(1) as f64;
            let deviation = (values().map(|v| (v - mean).powi(2)).sum::<f64>() / rows.max(1) as f64).sqrt();
            for (row, value) in values().enumerate() {
                let scaled = if deviation > 0.0 { (value - mean) / deviation } else { 0.0 };
                standard.row_mut(row)[column] = (scaled as f32).clamp(-REACH, REACH);
            }
        }
        let mut counts = vec![0usize; view.classes()];
        view.labels().iter().for_each(|&label| counts[label as usize] += 1);
        let mut features = Matrix::zeros(width, DESCRIPTION);
        for column in 0..width {
            let bin = |row: usize| bin(standard.row(row)[column]);
            let description = features.row_mut(column);
            for row in 0..rows {
                description[bin(row)] += 1.0 / rows as f32;
            }
            let mut shares = vec![[0.0f32; BINS]; counts.len()];
            for (row, &label) in view.labelled().iter().zip(view.labels()) {
                shares[label as usize][bin(row.index())] += 1.0 / counts[label as usize] as f32;
            }
            for at in 0..BINS {
                let seen = shares.iter().zip(&counts).filter(|(_, count)| **count > 0).map(|(s, _)| s[at]);
                description[BINS + at] = seen.clone().fold(0.0, f32::max);
                description[2 * BINS + at] = seen.reduce(f32::min).unwrap_or(0.0);
            }
        }
        let globals = [
            progress.spent as f32 / progress.budget.max(1) as f32,
            (1.0 + view.labelled().len() as f32 / view.classes().max(1) as f32).log2() / 6.0,
            balance(&counts),
        ];
        let candidates = view.candidates().to_vec();
        let inputs = standard.gather(candidates.iter().map(|row| row.index()));
        Self { candidates, inputs, features, globals }
    }
}

fn bin(value: f32) -> usize {
    (((value + REACH) / (2.0 * REACH) * BINS as f32) as usize).min(BINS - 1)
}

/// The entropy of these counts, of its largest possible value; 0 without a count.
fn balance(counts: &[usize]) -> f32 {
    let all: usize = counts.iter().sum();
    let shares = counts.iter().filter(|&&count| count > 0).map(|&count| count as f32 / all as f32);
    let entropy: f32 = shares.map(|share| -share * share.ln()).sum();
    if counts.len() > 1 { entropy / (counts.len() as f32).ln() } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::{Progress, Signals};

    #[test]
    fn a_feature_is_described_as_by_hand() {
        // One feature: -1, -1, 1, 1, with mean 0 and deviation 1; the second is constant.
        let inputs = Matrix::new(vec![-1.0, 5.0, -1.0, 5.0, 1.0, 5.0, 1.0, 5.0], 4, 2);
        let signals = Signals { progress: Progress { spent: 2, budget: 8 }, ..Signals::default() };
        let candidates = [RowId(1), RowId(3)];
        let view = PoolView::new(inputs.view(), &[RowId(0), RowId(2)], &[0, 2], &candidates, 3, &signals);
        let seen = Described::of(&view);
        assert_eq!(seen.inputs.values(), [-1.0, 0.0, 1.0, 0.0]);
        // -1 is in bin (1.5 / 5 · 10) = 3 and 1 in bin 7; class 0 is in the first, class 2 in the other,
        // and class 1 has no label and no say.
        let first = seen.features.row(0);
        assert_eq!((first[3], first[7]), (0.5, 0.5));
        assert_eq!((first[BINS + 3], first[BINS + 7]), (1.0, 1.0));
        assert_eq!(first[2 * BINS..], [0.0; BINS]);
        let second = seen.features.row(1);
        assert_eq!((second[5], second[BINS + 5], second[2 * BINS + 5]), (1.0, 1.0, 1.0));
        let [spent, labels, balance] = seen.globals;
        assert_eq!(spent, 0.25);
        assert!((labels - (5.0f32 / 3.0).log2() / 6.0).abs() < 1e-6);
        assert!((balance - 2f32.ln() / 3f32.ln()).abs() < 1e-6);
    }
}
