//! Scores over several predictions of each candidate: dropout passes, or committee members through
//! [`ensemble`](super::wrapper::members).
//!
//! The three scores of `uncertainty` over averaged passes are [`mc`](super::wrapper::members) of them.

pub mod bald;
pub mod batch_bald;
pub mod epig;
pub mod mean_std;
pub mod pass_variance;
pub mod qbc;
pub mod variation_ratio;
pub mod vote_entropy;

use super::registry::Entry;
use crate::data::Matrix;

pub(super) const ENTRIES: &[Entry] = &[
    variation_ratio::ENTRY,
    mean_std::ENTRY,
    pass_variance::ENTRY,
    bald::ENTRY,
    batch_bald::ENTRY,
    epig::ENTRY,
    vote_entropy::ENTRY,
    qbc::ENTRY,
];

/// The mean over at least one pass, shape `[candidates, classes]`.
pub fn mean(passes: &[Matrix]) -> Matrix {
    let (rows, cols) = passes.first().map_or((0, 0), |first| (first.rows(), first.cols()));
    let mut sums = vec![0.0f64; rows * cols];
    for pass in passes {
        for (sum, &value) in sums.iter_mut().zip(pass.values()) {
            *sum += f64::from(value);
        }
    }
    Matrix::new(sums.into_iter().map(|sum| (sum / passes.len() as f64) as f32).collect(), rows, cols)
}

/// For every candidate, how many passes predict each class. The vote of a pass that finds several classes
/// equally probable is divided among them: were it all the first one's, the votes would depend on how the
/// classes are numbered.
fn votes(passes: &[Matrix]) -> Vec<Vec<f64>> {
    let (rows, cols) = passes.first().map_or((0, 0), |first| (first.rows(), first.cols()));
    let mut votes = vec![vec![0.0; cols]; rows];
    for pass in passes {
        for (row, votes) in votes.iter_mut().enumerate() {
            let most_probable = most_probable(pass.row(row));
            let part = 1.0 / most_probable.clone().count() as f64;
            most_probable.for_each(|class| votes[class] += part);
        }
    }
    votes
}

/// The classes of the largest probability, of which there may be several.
pub(in crate::query) fn most_probable(p: &[f32]) -> impl Iterator<Item = usize> + Clone + '_ {
    let largest = p.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    (0..p.len()).filter(move |&class| p[class] == largest)
}

#[cfg(test)]
mod tests {
    use crate::data::{Matrix, RowId};
    use crate::query::{Passes, PoolView, Registry, Signals};
    use crate::rng::Key;

    /// The score called `name` of one candidate under the given passes.
    fn score(name: &str, passes: &[&[f32]]) -> f64 {
        let classes = passes[0].len();
        let members: Vec<Matrix> = passes.iter().map(|p| Matrix::new(p.to_vec(), 1, classes)).collect();
        let signals = Signals {
            probabilities: members.first().cloned(),
            passes: Some(Passes { members: members.clone() }),
            committee: Some(Passes { members }),
            ..Signals::default()
        };
        let inputs = Matrix::zeros(1, 1);
        let view = PoolView::new(inputs.view(), &[], &[], &[RowId(0)], classes, &signals);
        Registry::builtin().build_score(&name.parse().unwrap()).unwrap().score(&view, Key::root(0)).unwrap()
            [0]
    }

    #[test]
    fn worked_example() {
        let passes: &[&[f32]] = &[&[0.9, 0.1], &[0.6, 0.4], &[0.3, 0.7]];
        for (name, expected) in [
            ("mc(entropy)", 0.6730),
            ("mc(least_confidence)", 0.4),
            ("mc(margin)", 0.8),
            ("variation_ratio", 1.0 / 3.0),
            ("mean_std", 0.2449),
            ("pass_variance", 0.06),
            ("bald", 0.1367),
            ("ensemble(bald)", 0.1367),
            ("ensemble(entropy)", 0.6730),
            ("qbc(measure=kl)", 0.1367),
            ("qbc(measure=share)", 1.0 / 3.0),
            // Votes a, a, b.
            ("vote_entropy", 0.6365),
            ("qbc", 0.6365),
        ] {
            let found = score(name, passes);
            assert!((found - expected).abs() < 5e-5, "{name}: {found}, expected {expected}");
        }
    }

    #[test]
    fn bald_lies_between_zero_and_its_bounds() {
        let opposed: &[&[f32]] = &[&[1.0, 0.0], &[0.0, 1.0]];
        assert!((score("bald", opposed) - 2f64.ln()).abs() < 1e-12);
        let agreed: &[&[f32]] = &[&[0.3, 0.7], &[0.3, 0.7], &[0.3, 0.7]];
        assert!(score("bald", agreed).abs() < 1e-7);
        let many: &[&[f32]] = &[&[1.0, 0.0, 0.0], &[0.0, 1.0, 0.0]];
        assert!(score("bald", many) <= 2f64.ln() + 1e-12);
    }

    proptest::proptest! {
        /// `0 <= I <= min(ln C, ln T)`.
        #[test]
        fn bald_is_bounded_whatever_the_passes(raw in proptest::collection::vec(1e-3f32..1.0, 5 * 3), passes in 1usize..6) {
            let rows: Vec<Vec<f32>> = raw
                .chunks(3)
                .take(passes)
                .map(|row| row.iter().map(|value| value / row.iter().sum::<f32>()).collect())
                .collect();
            let passes: Vec<&[f32]> = rows.iter().map(Vec::as_slice).collect();
            let found = score("bald", &passes);
            let most = (passes.len() as f64).ln().min(3f64.ln());
            proptest::prop_assert!((-1e-6..=most + 1e-6).contains(&found), "{found} of at most {most}");
        }
    }
}
