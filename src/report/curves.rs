//! Rows gathered into learning curves: one per task, strategy and repetition.
//!
//! The order of the rows carries no meaning: tasks, strategies and repetitions are sorted. A
//! repetition whose rows are not a curve (a figure that is no number that its metric can have, one round
//! twice, labels that do not rise) is left out as a whole, counted and named: nothing is repaired.

use std::collections::BTreeMap;

use super::stats::aulc::Curve;
use crate::episode::Row;
use crate::learner::Metric;

/// The curves of one strategy on one task.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StrategyCurves {
    /// The metric on the test rows by repetition.
    pub curves: BTreeMap<u32, Curve>,
    /// Repetitions left out, with the reason.
    pub left_out: BTreeMap<u32, LeftOut>,
    /// Rows that carry a note (a diverged fit, a fallback).
    pub notes: usize,
}

/// Why a repetition was left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LeftOut {
    /// A figure is not a number that its metric can have.
    #[error("the {} of round {round} is not a number between {} and 1", metric.name(), metric.least())]
    Measure {
        /// Which figure.
        metric: Metric,
        /// The round.
        round: u32,
    },
    /// A round appears more than once.
    #[error("round {round} appears more than once")]
    Repeated {
        /// The round.
        round: u32,
    },
    /// The number of labels does not rise from the round before.
    #[error("the labels of round {round} do not rise above those of the round before")]
    Labels {
        /// The round.
        round: u32,
    },
}

/// The curves of one task.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskCurves {
    /// The task's name.
    pub task: String,
    /// What the curves show.
    pub metric: Metric,
    /// By strategy.
    pub strategies: BTreeMap<String, StrategyCurves>,
    /// The label counts that every curve covers, lowest and highest; `None` where they share none.
    pub shared: Option<(u32, u32)>,
    /// The highest label count that any curve reaches.
    pub longest: u32,
}

impl TaskCurves {
    /// All label counts inside the shared range at which any curve has a point, rising.
    pub fn grid(&self) -> Vec<u32> {
        let Some((lo, hi)) = self.shared else { return Vec::new() };
        let curves = self.strategies.values().flat_map(|strategy| strategy.curves.values());
        let mut grid: Vec<u32> = curves
            .flat_map(|curve| curve.points())
            .map(|(l, _)| l)
            .filter(|l| (lo..=hi).contains(l))
            .collect();
        grid.sort_unstable();
        grid.dedup();
        grid
    }
}

/// Gathers rows into curves of one metric, tasks by name.
pub fn gather(rows: &[Row], metric: Metric) -> Vec<TaskCurves> {
    let mut tasks: BTreeMap<&str, BTreeMap<&str, BTreeMap<u32, Vec<&Row>>>> = BTreeMap::new();
    for row in rows {
        let task = tasks.entry(&row.task).or_default();
        task.entry(&row.strategy).or_default().entry(row.repetition).or_default().push(row);
    }
    tasks.into_iter().map(|(task, strategies)| gather_task(task, strategies, metric)).collect()
}

fn gather_task(
    task: &str,
    strategies: BTreeMap<&str, BTreeMap<u32, Vec<&Row>>>,
    metric: Metric,
) -> TaskCurves {
    let mut gathered: BTreeMap<String, StrategyCurves> = BTreeMap::new();
    for (strategy, repetitions) in strategies {
        let entry = gathered.entry(strategy.to_owned()).or_default();
        for (repetition, rows) in repetitions {
            entry.notes += rows.iter().filter(|row| row.note.is_some()).count();
            match curve(rows, metric) {
                Ok(curve) => {
                    entry.curves.insert(repetition, curve);
                }
                Err(reason) => {
                    entry.left_out.insert(repetition, reason);
                }
            }
        }
    }
    let ranges: Vec<(u32, u32)> =
        gathered.values().flat_map(|strategy| strategy.curves.values()).map(Curve::range).collect();
    let lo = ranges.iter().map(|range| range.0).max();
    let hi = ranges.iter().map(|range| range.1).min();
    TaskCurves {
        task: task.to_owned(),
        metric,
        strategies: gathered,
        shared: lo.zip(hi).filter(|(lo, hi)| lo <= hi),
        longest: ranges.iter().map(|range| range.1).max().unwrap_or(0),
    }
}

/// The curve of one repetition's rows, in any order.
fn curve(mut rows: Vec<&Row>, metric: Metric) -> Result<Curve, LeftOut> {
    rows.sort_by_key(|row| row.round);
    for row in &rows {
        if !metric.admits(row.by(metric)) {
            return Err(LeftOut::Measure { metric, round: row.round });
        }
    }
    for pair in rows.windows(2) {
        let round = pair[1].round;
        if pair[0].round == round {
            return Err(LeftOut::Repeated { round });
        }
        if pair[0].labels >= pair[1].labels {
            return Err(LeftOut::Labels { round });
        }
    }
    let labels = rows.iter().map(|row| row.labels).collect();
    let measured = rows.iter().map(|row| row.by(metric)).collect();
    // Every rule of a curve has been checked above; a repetition always has at least one row.
    Curve::new(labels, measured).ok_or(LeftOut::Labels { round: 0 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::example::row;

    #[test]
    fn curves_share_the_range_all_of_them_cover() {
        let mut rows = vec![];
        for round in 0..5 {
            rows.push(row("wine", "random", 0, round, 0.5));
        }
        for round in 0..3 {
            rows.push(row("wine", "margin", 0, round, 0.6));
        }
        let tasks = gather(&rows, Metric::Accuracy);
        // `row` buys one label a round, from three.
        assert_eq!((tasks[0].shared, tasks[0].longest), (Some((3, 5)), 7));
        assert_eq!(tasks[0].grid(), [3, 4, 5]);
    }

    #[test]
    fn what_is_no_curve_is_left_out_and_named() {
        let mut rows: Vec<Row> = (0..3).map(|round| row("t", "nan", 0, round, 0.5)).collect();
        rows[1].accuracy = f64::NAN;
        rows.extend((0..2).map(|round| row("t", "nan", 1, round, 0.5)));
        rows.extend([row("t", "twice", 0, 0, 0.5), row("t", "twice", 0, 0, 0.5)]);
        let mut flat = row("t", "flat", 0, 1, 0.5);
        flat.labels = 3;
        rows.extend([row("t", "flat", 0, 0, 0.5), flat]);
        let task = &gather(&rows, Metric::Accuracy)[0];
        assert_eq!(
            task.strategies["nan"].left_out[&0],
            LeftOut::Measure { metric: Metric::Accuracy, round: 1 }
        );
        assert_eq!(task.strategies["nan"].curves.len(), 1);
        assert_eq!(task.strategies["twice"].left_out[&0], LeftOut::Repeated { round: 0 });
        assert_eq!(task.strategies["flat"].left_out[&0], LeftOut::Labels { round: 1 });
    }
}
