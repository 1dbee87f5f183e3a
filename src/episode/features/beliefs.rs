//! What the classifiers, the present one and the past ones, believe of the candidates.

use super::FeatureError;
use crate::data::Matrix;
use crate::query::PoolView;
use crate::query::geometry::lanes::sum_of_zeros;
use crate::query::history::{History, entropies};

/// What is believed of one candidate.
#[derive(Clone, Copy, Default)]
pub(super) struct Belief {
    pub first: u32,
    pub second: u32,
    pub least_confidence: f32,
    pub margin: f32,
    pub entropy: f32,
    pub past_margin: f32,
    pub disagreement: f32,
    pub changes: f32,
}

/// The largest and the second largest of some probabilities, and where they are; ties go to the smaller.
fn top_two(p: &[f32]) -> (usize, usize) {
    let (mut first, mut second) = (0, p.len().min(2) - 1);
    if second == 1 && p[1] > p[0] {
        (first, second) = (1, 0);
    }
    for class in 2..p.len() {
        if p[class] > p[first] {
            (first, second) = (class, first);
        } else if p[class] > p[second] {
            second = class;
        }
    }
    (first, second)
}

/// One less the lead of the most probable class.
fn margin(p: &[f32], (first, second): (usize, usize)) -> f32 {
    1.0 - (p[first] - if second == first { 0.0 } else { p[second] })
}

/// The beliefs of all candidates.
pub(super) fn read(view: &PoolView<'_>, probabilities: &Matrix) -> Result<Vec<Belief>, FeatureError> {
    let classes = view.classes();
    if sum_of_zeros(probabilities.values()) != 0.0 {
        for (row, p) in view.candidates().iter().zip(probabilities.values().chunks_exact(classes)) {
            if let Some(class) = p.iter().position(|value| !value.is_finite()) {
                return Err(FeatureError::NotFinite { row: row.0, class, value: p[class] });
            }
        }
    }
    let largest_entropy = (classes.max(2) as f32).ln();
    let largest_doubt = 1.0 - 1.0 / classes.max(2) as f32;
    let history = view.signals().history.as_deref().filter(|history| history.rounds() > 1);
    let mut entropy = vec![0.0; view.candidates().len()];
    entropies(probabilities.values(), classes, &mut entropy);
    let belief = |(at, row): (usize, &crate::data::RowId)| {
        let p = probabilities.row(at);
        let top = top_two(p);
        let now = margin(p, top);
        let past = |history: &History| {
            let mean = history.mean(row.index());
            let past_margin = margin(mean, top_two(mean));
            (past_margin, history.disagreement(row.index()), history.changes(row.index()))
        };
        let (past_margin, disagreement, changes) = history.map_or((now, 0.0, 0.0), past);
        Belief {
            first: top.0 as u32,
            second: top.1 as u32,
            least_confidence: (1.0 - p[top.0]) / largest_doubt,
            margin: now,
            entropy: entropy[at] / largest_entropy,
            past_margin,
            disagreement: disagreement / largest_entropy,
            changes,
        }
    };
    Ok(view.candidates().iter().enumerate().map(belief).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_largest() {
        assert_eq!(top_two(&[1.0]), (0, 0));
        assert_eq!(top_two(&[0.5, 0.5]), (0, 1));
        assert_eq!(top_two(&[0.1, 0.6, 0.3]), (1, 2));
        assert_eq!(top_two(&[0.2, 0.2, 0.6]), (2, 0));
        assert_eq!(margin(&[1.0], (0, 0)), 0.0);
        assert!((margin(&[0.1, 0.6, 0.3], (1, 2)) - 0.7).abs() < 1e-6);
    }
}
