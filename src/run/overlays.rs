//! Images with predicted and true masks: what stands beside the rows of a run over masks, for its report.

use super::error::RunError;
use super::rows::{parse, place};
use crate::data::mask::mask_words;
use crate::durable::input;
use crate::episode::{Overlay, Row};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The most bytes that are read back.
const MAX_BYTES: u64 = 1 << 30;

/// An image of repetition 0 of a strategy on a task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pictured {
    /// The task.
    pub task: String,
    /// The strategy under whose name the rows stand.
    pub strategy: String,
    /// The network.
    pub architecture: String,
    /// The image.
    pub overlay: Overlay,
}

impl Pictured {
    /// An image of the round of a row.
    pub fn of(row: &Row, overlay: Overlay) -> Self {
        let (task, strategy, architecture, ..) = place(row);
        let [task, strategy, architecture] = [task, strategy, architecture].map(str::to_string);
        Self { task, strategy, architecture, overlay }
    }
}

/// By task, strategy and network, and of one episode as they were asked for; what stands in two shards counts once.
pub fn sorted(mut all: Vec<Pictured>) -> Vec<Pictured> {
    let order = |one: &Pictured| (one.overlay.round, !one.overlay.asked);
    all.sort_by(|a, b| {
        let place = |one: &Pictured| [&one.task, &one.strategy, &one.architecture].map(String::clone);
        place(a).cmp(&place(b)).then(order(a).cmp(&order(b)))
    });
    let mut once: Vec<Pictured> = Vec::with_capacity(all.len());
    for one in all {
        if !once.contains(&one) {
            once.push(one);
        }
    }
    once
}

/// One line each.
pub fn to_jsonl(all: &[Pictured]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for one in all {
        serde_json::to_writer(&mut bytes, one).expect("numbers and strings serialise");
        bytes.push(b'\n');
    }
    bytes
}

/// Reads them back; none where there is no such file.
///
/// # Errors
/// A file that cannot be read or is too large, and a line that is none of these, with its number.
pub fn read(path: &Path) -> Result<Vec<Pictured>, RunError> {
    if path.symlink_metadata().is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound) {
        return Ok(Vec::new());
    }
    let all: Vec<Pictured> = parse(&input::read(path, MAX_BYTES)?, path)?;
    let wrong = all.iter().enumerate().find_map(|(at, one)| {
        let Overlay { height, width, predicted, truth, .. } = &one.overlay;
        let expected = height.checked_mul(*width).map(mask_words);
        let found = [predicted, truth].into_iter().find(|mask| Some(mask.len()) != expected)?;
        Some((at + 1, format!("a mask of {} words for {height} x {width} pixels", found.len())))
    });
    match wrong {
        None => Ok(all),
        Some((line, reason)) => Err(RunError::Row { path: path.to_path_buf(), line, reason }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(task: &str, round: u32, asked: bool) -> Pictured {
        let [strategy, architecture] = ["random", "fcn"].map(str::to_string);
        let overlay = Overlay {
            round,
            asked,
            name: "7".into(),
            height: 1,
            width: 2,
            picture: "AAAA".into(),
            predicted: vec![1],
            truth: vec![3],
            dice: 2.0 / 3.0,
        };
        Pictured { task: task.into(), strategy, architecture, overlay }
    }

    #[test]
    fn shards_are_joined_and_read_back_and_a_mask_of_another_size_is_named() {
        let all = sorted(vec![one("b", 0, true), one("a", 3, false), one("a", 0, true), one("b", 0, true)]);
        assert_eq!(all, [one("a", 0, true), one("a", 3, false), one("b", 0, true)]);
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("overlays.jsonl");
        assert_eq!(read(&path).unwrap(), []);
        std::fs::write(&path, to_jsonl(&all)).unwrap();
        assert_eq!(read(&path).unwrap(), all);
        let mut bad = all;
        bad[1].overlay.truth.push(0);
        std::fs::write(&path, to_jsonl(&bad)).unwrap();
        let error = read(&path).unwrap_err().to_string();
        assert!(error.contains("overlays.jsonl:2: not a row: a mask of 2 words for 1 x 2 pixels"), "{error}");
    }
}
