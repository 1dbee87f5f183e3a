//! What all labels give: the classifier fitted to the whole pool, beside the rows of a run.

use super::error::RunError;
use super::rows::read_lines;
use crate::learner::{Metric, Scores};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The classifier of a run, fitted to every label of the pool in one repetition on a task, and what is to be known
/// of the test rows that it is measured on. Targets and warnings of a report follow from it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FullPool {
    /// The task.
    pub task: String,
    /// The repetition, whose split and seeds it has.
    pub repetition: u32,
    /// Labels of the pool.
    pub labels: u32,
    /// What `accuracy` is: see [`Row::metric`](crate::episode::Row::metric).
    #[serde(default, skip_serializing_if = "Metric::is_accuracy")]
    pub metric: Metric,
    /// Share of test rows classified correctly; of other targets, their first figure.
    pub accuracy: f64,
    /// Mean recall on the test rows ([`Scores`]); 0 of other targets.
    pub balanced_accuracy: f64,
    /// Mean F1 on the test rows ([`Scores`]); 0 of other targets.
    pub macro_f1: f64,
    /// One minus the equal error rate on the test rows ([`Metric::Verification`]), where it is what a run is judged by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verification: Option<f64>,
    /// Mean average precision on the test rows of sets of labels ([`Scores`]); none of other targets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean_average_precision: Option<f64>,
    /// Mean intersection over union on the test images of masks ([`Scores`]); none of other targets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iou: Option<f64>,
    /// Share of test rows that are of their most frequent class: the accuracy of always predicting it; 0 of other targets.
    pub largest_class: f64,
}

impl FullPool {
    /// One of the figures on the test rows.
    pub fn by(&self, metric: Metric) -> f64 {
        let Self { metric: first, accuracy, balanced_accuracy, macro_f1, verification, .. } = *self;
        let [mean_average_precision, iou] =
            [self.mean_average_precision, self.iou].map(|figure| figure.unwrap_or(f64::NAN));
        Scores {
            metric: first,
            accuracy,
            balanced_accuracy,
            macro_f1,
            verification,
            mean_average_precision,
            iou,
        }
        .by(metric)
    }
}

/// Sorted by task and repetition; what stands in two shards counts once.
pub fn sorted(mut all: Vec<FullPool>) -> Vec<FullPool> {
    all.sort_by(|a, b| (&a.task, a.repetition).cmp(&(&b.task, b.repetition)));
    all.dedup();
    all
}

/// One line each.
pub fn to_jsonl(all: &[FullPool]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for one in all {
        serde_json::to_writer(&mut bytes, one).expect("numbers and strings serialise");
        bytes.push(b'\n');
    }
    bytes
}

/// Reads them back, and compares their digest with the `expected` one.
///
/// # Errors
/// A file that cannot be read, is too large or of another digest; a line that is none of these, with its number.
pub fn read(path: &Path, expected: &str) -> Result<Vec<FullPool>, RunError> {
    read_lines(path, Some(expected))
}

#[cfg(test)]
mod tests {
    use super::super::digest;
    use super::*;

    #[test]
    fn shards_are_joined_and_read_back_by_their_digest() {
        let one = |task: &str, repetition| FullPool {
            task: task.into(),
            repetition,
            labels: 90,
            metric: Metric::Accuracy,
            accuracy: 0.9,
            balanced_accuracy: 0.8,
            macro_f1: 0.7,
            verification: None,
            mean_average_precision: None,
            iou: None,
            largest_class: 0.4,
        };
        let all = sorted(vec![one("wine", 1), one("iris", 0), one("wine", 0), one("wine", 1)]);
        assert_eq!(all, [one("iris", 0), one("wine", 0), one("wine", 1)]);
        assert_eq!(Metric::OF_CLASSES.map(|metric| all[0].by(metric)), [0.9, 0.8, 0.7]);
        let (dir, bytes) = (tempfile::tempdir().unwrap(), to_jsonl(&all));
        let path = dir.path().join("full_pool.jsonl");
        std::fs::write(&path, &bytes).unwrap();
        assert_eq!(read(&path, &digest::of(&bytes)).unwrap(), all);
        std::fs::write(&path, &bytes[1..]).unwrap();
        assert!(matches!(read(&path, &digest::of(&bytes)), Err(RunError::RowsDigest { .. })));
    }
}
