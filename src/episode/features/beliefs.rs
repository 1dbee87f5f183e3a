//! What the classifiers, the present one and the past ones, believe of the candidates.

use super::FeatureError;
use crate::data::Matrix;
use crate::query::PoolView;
use crate::query::geometry::lanes::sum_of_zeros;
use crate::query::geometry::tops::tops;
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
    let tops_now = tops(probabilities.values(), classes, 0..view.candidates().len());
    let rows = view.candidates().iter().map(|row| row.index());
    let tops_past = history.map_or_else(Vec::new, |history| tops(history.means(), classes, rows));
    let belief = |(at, row): (usize, &crate::data::RowId)| {
        let top = tops_now[at];
        let now = top.margin();
        let past = |history: &History| {
            let past_margin = tops_past[at].margin();
            (past_margin, history.disagreement(row.index()), history.changes(row.index()))
        };
        let (past_margin, disagreement, changes) = history.map_or((now, 0.0, 0.0), past);
        Belief {
            first: top.first,
            second: top.second,
            least_confidence: (1.0 - top.largest) / largest_doubt,
            margin: now,
            entropy: entropy[at] / largest_entropy,
            past_margin,
            disagreement: disagreement / largest_entropy,
            changes,
        }
    };
    Ok(view.candidates().iter().enumerate().map(belief).collect())
}
