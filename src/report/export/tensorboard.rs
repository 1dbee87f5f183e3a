//! TensorBoard's event files: `tensorboard --logdir RUN/tensorboard`.
//!
//! A file is a sequence of records: the length as eight bytes, its masked CRC-32C, the bytes, theirs. A
//! record is one `Event` message of TensorFlow's `event.proto`, in the little of the protocol-buffer
//! encoding that scalars take. Reading is TensorBoard's business; nothing here reads.

use super::Export;
use crate::episode::Row;
use crate::learner::Metric;
use std::collections::{BTreeMap, BTreeSet};

/// The folder of the event files.
pub const FOLDER: &str = "tensorboard";
/// Event files are found by this name; what follows it is anything.
const FILE: &str = "events.out.tfevents.0000000000.querist";

/// One folder with an event file per strategy, which TensorBoard shows as one line each. The scalars are
/// means over repetitions, at the number of labels as the step: `TASK/accuracy`, `TASK/balanced_accuracy`,
/// `TASK/macro_f1`, `TASK/reward_accuracy` (of numbers, `TASK/nrmse`, `TASK/r2` and `TASK/reward_nrmse`; of sets of labels,
/// `TASK/label_macro_f1`, `TASK/mean_average_precision` and `TASK/reward_label_macro_f1`; of masks `TASK/dice`, `TASK/iou` and `TASK/reward_dice`), and how many repetitions there were, `TASK/repetitions`. Times are zero, so that equal rows give equal
/// bytes.
pub fn events(rows: &[Row]) -> Vec<Export> {
    /// Sums of the figures of rows, and how many rows there were.
    type Sums = (Vec<(String, f64)>, u32);
    let mut strategies: BTreeMap<&str, BTreeMap<(&str, u32), Sums>> = BTreeMap::new();
    for row in rows {
        let points = strategies.entry(&row.strategy).or_default();
        let (sums, count) = points.entry((&row.task, row.labels)).or_default();
        let verified = row.verification.map(|_| Metric::Verification);
        let all = row.metric.targets().metrics().iter().copied().chain(verified);
        let figures = all.map(|metric| (metric.key(), row.by(metric)));
        let rewarded = (format!("reward_{}", row.metric.key()), row.reward_accuracy);
        let own = figures.map(|(name, figure)| (name.to_string(), figure)).chain([rewarded]);
        match sums.is_empty() {
            true => *sums = own.collect(),
            false => sums.iter_mut().zip(own).for_each(|((_, sum), (_, figure))| *sum += figure),
        }
        *count += 1;
    }
    let mut names = BTreeSet::new();
    strategies
        .into_iter()
        .map(|(strategy, points)| {
            let mut bytes = record(&version());
            for ((task, labels), (sums, count)) in points {
                let means = sums.into_iter().map(|(what, sum)| (what, (sum / f64::from(count)) as f32));
                let scalars: Vec<(String, f32)> = means
                    .chain([("repetitions".to_string(), count as f32)])
                    .map(|(what, value)| (format!("{task}/{what}"), value))
                    .collect();
                bytes.extend(record(&summary(labels.into(), &scalars)));
            }
            Export { name: format!("{FOLDER}/{}/{FILE}", folder(strategy, &mut names)), bytes }
        })
        .collect()
}

/// A folder's name for a strategy: letters, digits, `.`, `_` and `-`, and another one for each strategy.
fn folder(strategy: &str, taken: &mut BTreeSet<String>) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let name: String = strategy.chars().map(|c| if plain(c) { c } else { '_' }).collect();
    let name = match name.trim_matches(['_', '.']) {
        "" => "strategy",
        name => name,
    };
    let others = (2..).map(|nth: u32| format!("{name}-{nth}"));
    let mut names = std::iter::once(name.to_owned()).chain(others);
    let free = names.find(|name| !taken.contains(name)).expect("one of endlessly many");
    taken.insert(free.clone());
    free
}

/// The first event of every file.
fn version() -> Vec<u8> {
    let mut event = double(1, 0.0);
    event.extend(delimited(3, b"brain.Event:2"));
    event
}

/// An event with scalars at a step.
fn summary(step: u64, scalars: &[(String, f32)]) -> Vec<u8> {
    let mut values = Vec::new();
    for (tag, value) in scalars {
        let mut scalar = delimited(1, tag.as_bytes());
        scalar.extend(float(2, *value));
        values.extend(delimited(1, &scalar));
    }
    let mut event = double(1, 0.0);
    event.extend(key(2, 0));
    event.extend(varint(step));
    event.extend(delimited(5, &values));
    event
}

/// A field's number and kind: 0 varint, 1 eight bytes, 2 delimited, 5 four bytes.
fn key(field: u64, kind: u64) -> Vec<u8> {
    varint(field << 3 | kind)
}

/// Seven bits a byte, low ones first; the eighth says that more follow.
fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

fn delimited(field: u64, content: &[u8]) -> Vec<u8> {
    let mut bytes = key(field, 2);
    bytes.extend(varint(content.len() as u64));
    bytes.extend_from_slice(content);
    bytes
}

fn double(field: u64, value: f64) -> Vec<u8> {
    let mut bytes = key(field, 1);
    bytes.extend(value.to_le_bytes());
    bytes
}

fn float(field: u64, value: f32) -> Vec<u8> {
    let mut bytes = key(field, 5);
    bytes.extend(value.to_le_bytes());
    bytes
}

/// A record with its length and both checksums.
fn record(content: &[u8]) -> Vec<u8> {
    let length = (content.len() as u64).to_le_bytes();
    let mut bytes = length.to_vec();
    bytes.extend(masked(&length).to_le_bytes());
    bytes.extend_from_slice(content);
    bytes.extend(masked(content).to_le_bytes());
    bytes
}

/// The checksum as records store it, so that a checksum of data with checksums in it is of use.
fn masked(bytes: &[u8]) -> u32 {
    crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8)
}

/// CRC-32 with Castagnoli's polynomial (RFC 3720, appendix B.4), lowest bit first.
fn crc32c(bytes: &[u8]) -> u32 {
    const TABLE: [u32; 256] = {
        let mut table = [0; 256];
        let mut at = 0;
        while at < 256 {
            let (mut entry, mut bit) = (at as u32, 0);
            while bit < 8 {
                entry = if entry & 1 == 1 { entry >> 1 ^ 0x82f6_3b78 } else { entry >> 1 };
                bit += 1;
            }
            table[at] = entry;
            at += 1;
        }
        table
    };
    !bytes.iter().fold(!0, |crc, &byte| crc >> 8 ^ TABLE[((crc ^ u32::from(byte)) & 0xff) as usize])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of RFC 3720, appendix B.4, and the customary check value.
    #[test]
    fn checksums_have_their_known_values() {
        let ascending: Vec<u8> = (0..32).collect();
        let descending: Vec<u8> = (0..32).rev().collect();
        for (bytes, expected) in [
            (&b"123456789"[..], 0xe306_9283),
            (&[0; 32], 0x8a91_36aa),
            (&[0xff; 32], 0x62a8_ab43),
            (&ascending, 0x46dd_794e),
            (&descending, 0x113f_db5c),
            (&[], 0),
        ] {
            assert_eq!(crc32c(bytes), expected, "{bytes:?}");
        }
        assert_eq!(masked(&[]), 0xa282_ead8);
    }

    #[test]
    fn numbers_take_as_many_bytes_as_they_need() {
        for (value, expected) in
            [(0, &[0u8][..]), (1, &[1]), (127, &[127]), (128, &[0x80, 1]), (300, &[0xac, 2])]
        {
            assert_eq!(varint(value), expected);
        }
        assert_eq!(varint(u64::MAX).len(), 10);
    }

    fn row(strategy: &str, repetition: u32, labels: u32, accuracy: f64) -> Row {
        Row {
            task: "iris".into(),
            strategy: strategy.into(),
            architecture: "4-3".into(),
            repetition,
            round: labels - 3,
            labels,
            accuracy,
            metric: Metric::Accuracy,
            balanced_accuracy: Some(0.5 * accuracy),
            macro_f1: Some(0.125),
            verification: None,
            mean_average_precision: None,
            iou: None,
            reward_accuracy: 0.25,
            steps: 1,
            picks: vec![],
            pick_ids: vec![],
            note: None,
            answers: None,
            stops: vec![],
        }
    }

    /// `tests/golden/exports.py` made the reference with TensorBoard's own writer.
    #[test]
    fn files_are_those_of_tensorboards_own_writer() {
        let rows = [row("margin", 0, 3, 0.5), row("margin", 1, 3, 1.0), row("margin", 0, 300, 0.875)];
        let files = events(&rows);
        assert_eq!(files.len(), 1);
        assert_eq!(files[0].name, "tensorboard/margin/events.out.tfevents.0000000000.querist");
        let golden = include_bytes!("../../../tests/golden/events.tfevents");
        assert_eq!(files[0].bytes, golden);
    }

    #[test]
    fn every_strategy_has_a_folder_of_its_own() {
        let names = ["ensemble(bald)", "ensemble-bald", "ensemble_bald", "../up", "()", "margin"];
        let rows = names.map(|name| row(name, 0, 3, 0.5));
        let mut folders: Vec<String> = events(&rows)
            .into_iter()
            .map(|file| file.name.split('/').nth(1).expect("a folder").to_owned())
            .collect();
        folders.sort();
        assert_eq!(
            folders,
            ["ensemble-bald", "ensemble_bald", "ensemble_bald-2", "margin", "strategy", "up"]
        );
    }
}
