//! Rows as the run's result: canonical order, canonical text, digest.

use super::digest;
use super::error::RunError;
use crate::durable::input;
use crate::episode::Row;
use crate::learner::Metric;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::path::Path;

/// The most bytes of rows that are read back.
pub const MAX_BYTES: u64 = 4 << 30;

/// Brings rows into canonical order, and gives them as JSONL: by task, strategy, architecture, repetition, round. The same
/// rows give the same bytes, whatever order they come in.
///
/// # Errors
/// Two rows of one place; a figure that its [metric](crate::learner::Metric::admits) cannot have.
pub fn to_jsonl(rows: &mut [Row]) -> Result<Vec<u8>, RunError> {
    rows.sort_by(|a, b| place(a).cmp(&place(b)));
    if let Some(pair) = rows.windows(2).find(|pair| place(&pair[0]) == place(&pair[1])) {
        return Err(RunError::TwinRows { place: describe(&pair[0]) });
    }
    let mut bytes = Vec::new();
    for row in &*rows {
        let figures = row.metric.targets().metrics();
        let measured = figures.iter().map(|&metric| (metric.key(), metric, row.by(metric)));
        let rewarded = ("reward_accuracy", row.metric, row.reward_accuracy);
        let verified = row.verification.map(|found| ("verification", Metric::Verification, found));
        for (field, metric, found) in measured.chain([rewarded]).chain(verified) {
            if !metric.admits(found) {
                return Err(RunError::Value { place: describe(row), field, found });
            }
        }
        serde_json::to_writer(&mut bytes, row).expect("numbers and strings serialise");
        bytes.push(b'\n');
    }
    Ok(bytes)
}

/// The digest of rows whose tasks count as what `tasks` has for their names, in canonical order: that of the
/// same results under other names of the data.
///
/// # Errors
/// As [`to_jsonl`].
pub fn digest(rows: &[Row], tasks: &BTreeMap<String, String>) -> Result<String, RunError> {
    let told = |row: &Row| Row { task: tasks.get(&row.task).unwrap_or(&row.task).clone(), ..row.clone() };
    let mut sections: BTreeMap<String, Vec<Row>> = BTreeMap::new();
    for row in rows {
        sections.entry(row.task.clone()).or_default().push(told(row));
    }
    // Task by task, since two tasks may have the same content under two names.
    let mut each: Vec<String> = sections
        .values_mut()
        .map(|rows| Ok(digest::of(&to_jsonl(rows)?)))
        .collect::<Result<_, RunError>>()?;
    each.sort_unstable();
    Ok(digest::of(each.concat().as_bytes()))
}

/// The rows of two shards in canonical order; a row that stands in both counts once. Rows that contradict
/// each other both stay, and [`to_jsonl`] refuses them.
pub fn union(mut rows: Vec<Row>, more: Vec<Row>) -> Vec<Row> {
    rows.extend(more);
    rows.sort_by(|a, b| place(a).cmp(&place(b)));
    rows.dedup();
    rows
}

/// Reads rows back, and compares their digest with the `expected` one.
pub fn read(path: &Path, expected: Option<&str>) -> Result<Vec<Row>, RunError> {
    read_lines(path, expected)
}

/// Reads a file of one JSON object a line, and compares its digest with the `expected` one.
pub(super) fn read_lines<T: DeserializeOwned>(
    path: &Path,
    expected: Option<&str>,
) -> Result<Vec<T>, RunError> {
    let bytes = input::read(path, MAX_BYTES)?;
    if let Some(expected) = expected {
        let found = digest::of(&bytes);
        if found != expected {
            return Err(RunError::RowsDigest {
                path: path.to_path_buf(),
                expected: expected.to_string(),
                found,
            });
        }
    }
    parse(&bytes, path)
}

/// The records of a text, one JSON object a line; `path` is for the messages.
pub fn parse<T: DeserializeOwned>(bytes: &[u8], path: &Path) -> Result<Vec<T>, RunError> {
    let lines = bytes.split_inclusive(|&b| b == b'\n').enumerate();
    lines
        .map(|(i, line)| {
            serde_json::from_slice(line).map_err(|error| RunError::Row {
                path: path.to_path_buf(),
                line: i + 1,
                reason: error.to_string(),
            })
        })
        .collect()
}

/// What tells rows apart and orders them: task, strategy, architecture, repetition, round.
pub(super) type Place<'a> = (&'a str, &'a str, &'a str, u32, u32);

pub(super) fn place(row: &Row) -> Place<'_> {
    (&row.task, &row.strategy, &row.architecture, row.repetition, row.round)
}

fn describe(row: &Row) -> String {
    let (task, strategy, architecture, repetition, round) = place(row);
    format!("{task}, {strategy}, {architecture}, repetition {repetition}, round {round}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(task: &str, repetition: u32, round: u32) -> Row {
        Row {
            task: task.into(),
            strategy: "margin".into(),
            architecture: "4-3".into(),
            repetition,
            round,
            labels: round + 3,
            accuracy: 1.0 / 3.0,
            metric: Metric::Accuracy,
            balanced_accuracy: Some(0.5),
            macro_f1: Some(0.25),
            verification: None,
            mean_average_precision: None,
            iou: None,
            reward_accuracy: 0.5,
            steps: 10,
            picks: vec![round],
            pick_ids: vec![],
            note: None,
            answers: None,
            stops: vec![],
        }
    }

    #[test]
    fn order_does_not_matter_and_reading_returns_them() {
        let mut rows = vec![row("b", 0, 0), row("a", 10, 0), row("a", 2, 1), row("a", 2, 0)];
        let mut reversed = rows.clone();
        reversed.reverse();
        let bytes = to_jsonl(&mut rows).unwrap();
        assert_eq!(bytes, to_jsonl(&mut reversed).unwrap());
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("rows.jsonl");
        std::fs::write(&path, &bytes).unwrap();
        let mut back = read(&path, Some(&digest::of(&bytes))).unwrap();
        let order: Vec<_> = back.iter().map(|r| (r.task.as_str(), r.repetition, r.round)).collect();
        assert_eq!(order, [("a", 2, 0), ("a", 2, 1), ("a", 10, 0), ("b", 0, 0)]);
        assert_eq!(to_jsonl(&mut back).unwrap(), bytes);
    }

    #[test]
    fn the_digest_is_of_content_and_not_of_names() {
        let tasks = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(name, content)| (name.to_string(), content.to_string())).collect()
        };
        let one =
            super::digest(&[row("a", 0, 0), row("b", 1, 0)], &tasks(&[("a", "1"), ("b", "2")])).unwrap();
        let other = [row("x", 1, 0), row("y", 0, 0)];
        assert_eq!(super::digest(&other, &tasks(&[("x", "2"), ("y", "1")])).unwrap(), one);
        assert_ne!(super::digest(&other, &tasks(&[("x", "1"), ("y", "2")])).unwrap(), one);
        assert_ne!(super::digest(&other[..1], &tasks(&[("x", "2"), ("y", "1")])).unwrap(), one);
        // Two names of one content.
        assert!(super::digest(&[row("a", 0, 0), row("b", 0, 0)], &tasks(&[("a", "1"), ("b", "1")])).is_ok());
    }

    #[test]
    fn refuses_twins_and_what_is_no_share() {
        assert!(matches!(to_jsonl(&mut vec![row("a", 0, 0); 2]), Err(RunError::TwinRows { .. })));
        for bad in [f64::NAN, f64::INFINITY, 1.5, -0.1] {
            let mut wrong = row("a", 0, 0);
            wrong.reward_accuracy = bad;
            let error = to_jsonl(&mut [wrong]).unwrap_err();
            assert!(error.to_string().contains("reward_accuracy"), "{error}");
        }
    }

    /// Fault case 48: whatever bit of the rows is flipped, reading refuses them.
    #[test]
    fn every_flipped_bit_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("rows.jsonl");
        let bytes = to_jsonl(&mut [row("a", 0, 0)]).unwrap();
        let good = digest::of(&bytes);
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut flipped = bytes.clone();
                flipped[at] ^= 1 << bit;
                std::fs::write(&path, flipped).unwrap();
                assert!(matches!(read(&path, Some(&good)), Err(RunError::RowsDigest { .. })));
            }
        }
    }
}
