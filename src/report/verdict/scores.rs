//! Scores that may be put together over tasks.
//!
//! Raw areas of several tasks must not be pooled: the middle half of all runs would be the runs of tasks of
//! middling difficulty, whatever the strategies did. As rliable does (Agarwal et al., NeurIPS 2021), every
//! run is put on a scale of its task first: 0 is random's mean AULC, 1 the highest mean that any strategy of the
//! run reaches at any number of labels of the task's range. The scale is one per task, common to all
//! strategies, so that differences and orders within a task stay as they are. It does not collapse where
//! strategies tie, as one between the worst and the best strategy would: as long as labels help at all, the
//! ceiling lies above the area. 1 would be a strategy that is from the first label on as good as the best at its best.

use crate::query::Registry;
use crate::report::curves::TaskCurves;
use crate::report::roles::is_ranked;
use crate::report::stats::mean::mean;

use super::RANDOM;
use super::compare::aulc_by_repetition;

/// The narrowest scale, in shares of the metric; a task on which nothing is learned has none.
const LEAST_SPAN: f64 = 1e-6;

/// The scale of one task.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Scale {
    zero: f64,
    span: f64,
}

impl Scale {
    /// The task's scale; without random, its zero is the lowest mean AULC of a ranked strategy. `None` where curves share
    /// no range, or nothing is learned.
    pub(super) fn of(task: &TaskCurves, registry: &Registry) -> Option<Self> {
        let ranked =
            || task.strategies.iter().filter(|(name, _)| is_ranked(name, registry)).map(|(_, own)| own);
        let area = |own| mean(&aulc_by_repetition(own, task.shared).into_values().collect::<Vec<_>>());
        let random = task.strategies.get(RANDOM).and_then(area);
        let zero = random.or_else(|| ranked().filter_map(area).reduce(f64::min))?;
        let grid = task.grid();
        let heights = ranked().flat_map(|own| {
            let at = |labels: &u32| {
                mean(&own.curves.values().filter_map(|c| c.at(f64::from(*labels))).collect::<Vec<_>>())
            };
            grid.iter().filter_map(at).collect::<Vec<_>>()
        });
        let span = heights.reduce(f64::max)? - zero;
        (span >= LEAST_SPAN).then_some(Self { zero, span })
    }

    /// The score of an AULC.
    pub(super) fn score(&self, aulc: f64) -> f64 {
        (aulc - self.zero) / self.span
    }
}
