//! CVIRS: category vector inconsistency and ranking of scores.

use crate::data::MatrixView;
use crate::error::Result;
use crate::query::registry::{Built, Card, Entry, Family};
use crate::query::{Kinds, Needs, PoolView, Score, ties};
use crate::rng::Key;
use std::collections::HashMap;

const NEEDS: Needs = Needs { probabilities: true, labels: true, classes: true, ..Needs::NONE };

pub(super) const ENTRY: Entry = Entry {
    card: Card {
        name: "cvirs",
        summary: "unsure of many labels, and predicted a set of labels that is unlike those of labelled rows",
        paper: "Reyes, Morell & Ventura, Neurocomputing 2018",
        family: Family::MultiLabel,
        needs: NEEDS,
        cost: "time n (C log n + D), D of at most L different sets predicted or labelled; memory n C",
        example: "cvirs",
        deterministic: true,
    },
    make: |_| Built::score(Cvirs),
};

/// `s(i) v(i)`, with `q` labels and the candidates `U`:
///
/// - `s(i) = Σ_l (|U| - τ_l(i)) / (q (|U| - 1))`, in `[0, 1]`, where `τ_l(i)` is the rank of `i` by its margin `|p_l - (1 - p_l)|`, the
///   smallest being 1 (Borda's count); equal margins share the mean of their ranks, and a single candidate has 1.
/// - `v(i)`, in `[0, 1]`: the mean, over the labelled rows, of the distance of their sets to the set that is predicted of `i`, the
///   labels with `p >= 1/2`. The distance is 1 of a set and its complement, and else the normalised entropy distance
///   `(2 H(a, b) - H(a) - H(b)) / H(a, b)` of the two vectors of `q` truth values, 0 where both are constant. Without labelled
///   rows, 1.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cvirs;

impl Score for Cvirs {
    fn score(&mut self, view: &PoolView<'_>, _key: Key) -> Result<Vec<f64>> {
        let p = view.probabilities()?;
        let mut inconsistent = HashMap::new();
        let mut inconsistency = |set: u32| {
            *inconsistent.entry(set).or_insert_with(|| mean_distance(set, view.labels(), p.cols()))
        };
        let borda = borda(p);
        Ok((0..p.rows()).map(|row| borda[row] * inconsistency(predicted(p.row(row)))).collect())
    }

    fn needs(&self) -> Needs {
        NEEDS
    }

    fn kinds(&self) -> Kinds {
        Kinds::MULTI_LABEL
    }
}

/// The set of labels that is predicted by these probabilities.
fn predicted(p: &[f32]) -> u32 {
    p.iter().enumerate().fold(0, |set, (label, &p)| set | u32::from(p >= 0.5) << label)
}

/// Borda's count of every row over the labels' rankings by margin.
fn borda(p: MatrixView<'_>) -> Vec<f64> {
    let (rows, labels) = (p.rows(), p.cols());
    if rows < 2 {
        return vec![1.0; rows];
    }
    // Twice the rank, so that means of ranks are whole and their sums exact in any order.
    let mut doubled = vec![0u64; rows];
    let mut order: Vec<(f32, usize)> = Vec::with_capacity(rows);
    for label in 0..labels {
        order.clear();
        order.extend((0..rows).map(|row| ((2.0 * p.row(row)[label] - 1.0).abs(), row)));
        order.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        let mut before = 0;
        for alike in order.chunk_by(|a, b| a.0 == b.0) {
            let rank = 2 * before + alike.len() as u64 + 1;
            alike.iter().for_each(|&(_, row)| doubled[row] += rank);
            before += alike.len() as u64;
        }
    }
    let (n, q) = (rows as f64, labels as f64);
    doubled.into_iter().map(|rank| (q * n - rank as f64 / 2.0) / (q * (n - 1.0))).collect()
}

/// The mean distance of a set to the sets of labelled rows.
fn mean_distance(set: u32, labelled: &[u32], labels: usize) -> f64 {
    if labelled.is_empty() {
        return 1.0;
    }
    ties::sum(labelled.iter().map(|&other| distance(set, other, labels))) / labelled.len() as f64
}

/// The distance of two sets of `labels` labels.
fn distance(a: u32, b: u32, labels: usize) -> f64 {
    let all = (1u32 << labels) - 1;
    if a ^ b == all {
        return 1.0;
    }
    let entropy = |sets: &[u32]| {
        let shares = sets.iter().map(|set| f64::from(set.count_ones()) / labels as f64);
        ties::sum(shares.filter(|&share| share > 0.0).map(|share| -share * share.log2()))
    };
    let joint = entropy(&[a & b, a & !b, b & !a, !(a | b) & all]);
    match joint > 0.0 {
        true => ((2.0 * joint - entropy(&[a, !a & all]) - entropy(&[b, !b & all])) / joint).clamp(0.0, 1.0),
        false => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Matrix, RowId, TargetKind};
    use crate::query::Signals;

    /// Four labels. `{0, 1}` and `{0, 2}`: every pair of truth values stands once, joint 2 bits, each 1: (4 - 1 - 1) / 2 = 1.
    /// `{0, 1}` and `{0}`: shares 1/4, 1/4, 0, 1/2, joint 1.5; 1 and H(1/4) = .811278: (3 - 1.811278) / 1.5 = .792481. A set and itself: 0;
    /// its complement: 1, though the entropies say 0. The empty and the full set are constant: one is the other's complement.
    #[test]
    fn distances_by_hand() {
        assert_eq!(distance(0b0011, 0b0101, 4), 1.0);
        assert!((distance(0b0011, 0b0001, 4) - 0.792_481).abs() < 1e-6);
        assert_eq!(distance(0b0011, 0b0001, 4), distance(0b0001, 0b0011, 4));
        assert_eq!([distance(0b0011, 0b0011, 4), distance(0b0011, 0b1100, 4)], [0.0, 1.0]);
        assert_eq!([distance(0, 0, 4), distance(0, 0b1111, 4)], [0.0, 1.0]);
        // A constant vector says nothing of the other: joint = H(b).
        assert_eq!(distance(0, 0b0001, 4), 1.0);
    }

    /// Three candidates, two labels. Margins of label 0: .2, .6, 1; of label 1: .4, 0, .4, whose equal ones have rank 2.5.
    /// Ranks 1, 2, 3 and 2.5, 1, 2.5; sums of 3 - rank: 2.5, 3, .5, over 2 * 2.
    #[test]
    fn borda_by_hand() {
        let p = Matrix::new(vec![0.6, 0.7, 0.2, 0.5, 1.0, 0.3], 3, 2);
        assert_eq!(borda(p.view()), [0.625, 0.75, 0.125]);
        assert_eq!(borda(Matrix::new(vec![0.6, 0.7], 1, 2).view()), [1.0]);
    }

    /// Of the same candidates, `{0, 1}`, `{1}` and `{0}` are predicted. Labelled are `{0}` and `{0, 1}`. Distances: of `{0, 1}`
    /// to `{0}`, constant, 1, and to itself 0: .5; of `{1}` to its complement 1, and to the constant 1: 1; of `{0}` 0 and 1: .5.
    #[test]
    fn worked_example() {
        let p = Matrix::new(vec![0.6, 0.7, 0.2, 0.5, 1.0, 0.3], 3, 2);
        let signals = Signals { probabilities: Some(p), ..Signals::default() };
        let (inputs, labelled) = (Matrix::zeros(5, 1), [RowId(3), RowId(4)]);
        let candidates = [0, 1, 2].map(RowId);
        let kind = TargetKind::MultiLabel;
        let view = PoolView::of_kind(kind, inputs.view(), &labelled, &[0b01, 0b11], &candidates, 2, &signals);
        assert_eq!(Cvirs.score(&view, Key::root(0)).unwrap(), [0.3125, 0.75, 0.0625]);
        let view = PoolView::of_kind(kind, inputs.view(), &[], &[], &candidates, 2, &signals);
        assert_eq!(
            Cvirs.score(&view, Key::root(0)).unwrap(),
            [0.625, 0.75, 0.125],
            "nothing to compare with"
        );
    }
}
