//! Believable rows for the tests of this layer.

use crate::episode::Row;
use crate::learner::Metric;

/// One row of an episode that starts at three labels and buys one a round.
pub(crate) fn row(task: &str, strategy: &str, repetition: u32, round: u32, accuracy: f64) -> Row {
    Row {
        task: task.to_owned(),
        strategy: strategy.to_owned(),
        architecture: "13-24-3".to_owned(),
        repetition,
        round,
        labels: 3 + round,
        accuracy,
        metric: Metric::Accuracy,
        balanced_accuracy: Some(accuracy),
        macro_f1: Some(accuracy),
        verification: None,
        mean_average_precision: None,
        iou: None,
        reward_accuracy: accuracy,
        steps: u64::from(round) * 50,
        picks: vec![round],
        pick_ids: vec![],
        note: None,
        answers: None,
        stops: vec![],
    }
}

/// `repetitions` curves of 21 rounds that rise from 0.4 towards 0.9; `lead` is added throughout, and
/// repetitions differ by a shift that all strategies share and by a small one of their own.
pub(crate) fn rows(task: &str, strategy: &str, repetitions: u32, lead: f64) -> Vec<Row> {
    let own: u32 = strategy.bytes().map(u32::from).sum();
    let mut rows = Vec::new();
    for repetition in 0..repetitions {
        let shared = 0.02 * f64::from(repetition * 7 % 11) / 11.0;
        let noise = 0.01 * (f64::from((repetition * 31 + own * 17) % 23) / 22.0 - 0.5);
        for round in 0..21 {
            let rise = 0.4 + 0.5 * (1.0 - (-f64::from(round) / 6.0).exp());
            rows.push(row(task, strategy, repetition, round, (rise + shared + noise + lead).clamp(0.0, 1.0)));
        }
    }
    rows
}
