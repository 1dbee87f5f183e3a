//! What all candidates of a state share.

use super::cut;
use super::predictions::{Beliefs, Prediction};
use crate::data::RowId;
use crate::query::distribution::proxy_distance::proxy_distance;
use crate::query::{Nearest, PoolView};

/// The global features, in the schema's order, before a query of `batch` rows.
pub(super) fn of(view: &PoolView<'_>, batch: usize, beliefs: &Beliefs, nearest: &Nearest) -> Vec<f32> {
    let signals = view.signals();
    let (predictions, classes) = (&beliefs.predictions, beliefs.classes as f32);
    let candidates = predictions.len().max(1) as f32;
    let doubt = predictions.iter().map(|prediction| prediction.margin).sum::<f32>();
    // Without labels, no class is the nearest, and none agrees.
    let agrees = |(row, prediction): &(&RowId, &Prediction)| {
        nearest.any(row.index()).is_some_and(|(_, target)| beliefs.class_of(target) == prediction.first)
    };
    let agree = view.candidates().iter().zip(predictions).filter(agrees).count();
    let marks = signals.components.as_deref().map_or(&[][..], |components| components.landmarks());
    vec![
        cut((view.labels().len() as f32 / classes).ln_1p() - 1.0),
        signals.progress.spent as f32 / signals.progress.budget.max(1) as f32,
        cut(classes.ln() - 1.5),
        doubt / candidates,
        agree as f32 / candidates,
        cut((batch as f32).ln()),
        proxy_distance(view, marks).unwrap_or(0.0),
    ]
}
