//! How long queries took: what stands beside the rows of a run and is no result.

use super::error::RunError;
use super::rows::{MAX_BYTES, Place, place};
use crate::durable::input;
use crate::episode::Row;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// Seconds per query, by the place of the row whose picks they were spent on. Signals are included, fits and
/// measurements are not. A row without a query has none.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QueryTimes {
    seconds: BTreeMap<(String, String, String, u32, u32), f64>,
}

/// A line of `selection.jsonl`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    task: String,
    strategy: String,
    architecture: String,
    repetition: u32,
    round: u32,
    seconds: f64,
}

impl QueryTimes {
    /// Notes the time of one query; a second time for the same row takes the place of the first.
    pub fn insert(&mut self, row: &Row, seconds: f64) {
        self.seconds.insert(owned(place(row)), seconds);
    }

    /// Seconds that the query of this row took.
    pub fn of(&self, row: &Row) -> Option<f64> {
        self.seconds.get(&owned(place(row))).copied()
    }

    /// Adds those of another shard; what is there already stays.
    pub fn extend(&mut self, more: Self) {
        for (place, seconds) in more.seconds {
            self.seconds.entry(place).or_insert(seconds);
        }
    }

    /// One line per query, sorted as rows are: the five columns that tell rows apart, and the seconds.
    pub fn to_jsonl(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for ((task, strategy, architecture, repetition, round), &seconds) in &self.seconds {
            let line = Line {
                task: task.clone(),
                strategy: strategy.clone(),
                architecture: architecture.clone(),
                repetition: *repetition,
                round: *round,
                seconds,
            };
            serde_json::to_writer(&mut bytes, &line).expect("numbers and strings serialise");
            bytes.push(b'\n');
        }
        bytes
    }

    /// Reads them back.
    ///
    /// # Errors
    /// A file that cannot be read or is too large, and a line that is none of these, with its number.
    pub fn read(path: &Path) -> Result<Self, RunError> {
        let text = input::read(path, MAX_BYTES)?;
        let mut times = Self::default();
        for (at, line) in text.split_inclusive(|&byte| byte == b'\n').enumerate() {
            let line: Line = serde_json::from_slice(line).map_err(|error| RunError::Row {
                path: path.to_path_buf(),
                line: at + 1,
                reason: error.to_string(),
            })?;
            let place = (line.task, line.strategy, line.architecture, line.repetition, line.round);
            times.seconds.insert(place, line.seconds);
        }
        Ok(times)
    }
}

fn owned((task, strategy, architecture, repetition, round): Place<'_>) -> (String, String, String, u32, u32) {
    (task.to_owned(), strategy.to_owned(), architecture.to_owned(), repetition, round)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learner::Metric;

    fn row(strategy: &str, round: u32) -> Row {
        Row {
            task: "iris".into(),
            strategy: strategy.into(),
            architecture: "4-3".into(),
            repetition: 0,
            round,
            labels: 3,
            accuracy: 0.5,
            metric: Metric::Accuracy,
            balanced_accuracy: Some(0.5),
            macro_f1: Some(0.5),
            verification: None,
            mean_average_precision: None,
            iou: None,
            reward_accuracy: 0.5,
            steps: 1,
            picks: vec![],
            pick_ids: vec![],
            note: None,
            answers: None,
            stops: vec![],
        }
    }

    #[test]
    fn what_is_written_is_read_back_in_the_order_of_rows() {
        let mut times = QueryTimes::default();
        times.insert(&row("random", 0), 0.1);
        times.insert(&row("margin", 10), 0.25);
        times.insert(&row("margin", 9), 1e-7);
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("selection.jsonl");
        std::fs::write(&path, times.to_jsonl()).unwrap();
        let text = String::from_utf8(times.to_jsonl()).unwrap();
        let strategies: Vec<bool> = text.lines().map(|line| line.contains("margin")).collect();
        assert_eq!(strategies, [true, true, false]);
        assert!(text.lines().next().unwrap().contains("\"round\":9"));
        let back = QueryTimes::read(&path).unwrap();
        assert_eq!(back, times);
        assert_eq!(back.of(&row("margin", 10)), Some(0.25));
        assert_eq!(back.of(&row("margin", 11)), None);
    }

    #[test]
    fn a_damaged_line_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("selection.jsonl");
        let mut times = QueryTimes::default();
        times.insert(&row("random", 0), 0.1);
        let mut bytes = times.to_jsonl();
        bytes.extend(b"{\"task\":\"iris\"}\n");
        std::fs::write(&path, bytes).unwrap();
        assert!(matches!(QueryTimes::read(&path), Err(RunError::Row { line: 2, .. })));
    }
}
