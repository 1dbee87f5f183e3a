//! What all candidates of a state share.

use super::beliefs::Belief;
use super::cut;
use super::shares::LabelShares;
use super::spots::Spots;
use crate::query::distribution::proxy_distance::proxy_distance;
use crate::query::{History, PoolView};

/// The global features, in the schema's order, before a query of `batch` rows.
pub(super) fn of(
    view: &PoolView<'_>,
    batch: usize,
    beliefs: &[Belief],
    spots: &Spots,
    shares: &LabelShares,
) -> Vec<f32> {
    let signals = view.signals();
    let classes = view.classes() as f32;
    let candidates = beliefs.len().max(1) as f32;
    let mean = |of: fn(&Belief) -> f32| beliefs.iter().map(of).sum::<f32>() / candidates;
    // Without labels, no class is the nearest, and none agrees.
    let nearest = view.candidates().iter().map(|row| spots.rows[row.index()].class);
    let agree = nearest.zip(beliefs).filter(|(class, belief)| *class == belief.first).count();
    let chance = 1.0 / classes;
    let (foreseen, like_nearest) = signals.history.as_deref().map_or((chance, chance), History::foresight);
    // 0 at chance, 1 where all is foreseen.
    let above_chance = |share: f32| (share - chance) / (1.0 - chance).max(f32::MIN_POSITIVE);
    let marks = signals.components.as_deref().map_or(&[][..], |components| components.landmarks());
    vec![
        cut((view.labels().len() as f32 / classes).ln_1p() - 1.0),
        signals.progress.spent as f32 / signals.progress.budget.max(1) as f32,
        cut(classes.ln() - 1.5),
        mean(|belief| belief.margin),
        mean(|belief| belief.disagreement),
        shares.balance(),
        shares.seen(),
        agree as f32 / candidates,
        above_chance(foreseen),
        above_chance(like_nearest),
        cut((batch as f32).ln()),
        proxy_distance(view, marks).unwrap_or(0.0),
    ]
}
