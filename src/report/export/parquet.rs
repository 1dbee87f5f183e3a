//! The tidy rows as Parquet: `pandas.read_parquet("rows.parquet")`.

use super::arrow::table;
use crate::data::writers;
use crate::episode::Row;
use crate::run::QueryTimes;

/// All rows, in their order, with the seconds that their queries took.
pub fn parquet(rows: &[Row], times: &QueryTimes) -> Vec<u8> {
    writers::parquet(&table(rows, times)).expect("columns that the format holds, written into memory")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learner::Metric;

    fn row(at: u32) -> Row {
        Row {
            task: "iris".into(),
            strategy: if at.is_multiple_of(2) { "random" } else { "margin" }.into(),
            architecture: "4-3".into(),
            repetition: at,
            round: at / 7,
            labels: u32::MAX - at,
            accuracy: 1.0 / f64::from(at + 1),
            metric: Metric::Accuracy,
            balanced_accuracy: Some(1.0 / f64::from(at + 2)),
            macro_f1: Some(1.0 / f64::from(at + 3)),
            verification: None,
            mean_average_precision: None,
            iou: None,
            reward_accuracy: 0.5,
            steps: u64::MAX - u64::from(at),
            picks: (0..at % 4).collect(),
            pick_ids: (0..at % 4).filter(|_| at.is_multiple_of(3)).map(|pick| format!("id {pick}")).collect(),
            note: (at % 3 == 1).then(|| format!("row {at}")),
            answers: None,
            stops: vec![],
        }
    }

    /// `tests/golden/exports.py` read these bytes with pyarrow, and found the rows that it made itself by
    /// the formulas of `row`.
    #[test]
    fn a_file_is_the_one_that_pyarrow_read() {
        let rows: Vec<Row> = (0..20).map(row).collect();
        // At run time: when the format changes, the message holds the file to have pyarrow read.
        let golden = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/rows.parquet"));
        let mut times = QueryTimes::default();
        for row in rows.iter().filter(|row| row.repetition % 5 != 4) {
            times.insert(row, 0.125 * f64::from(row.repetition));
        }
        let found = parquet(&rows, &times);
        let hex: String = found.iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(golden.unwrap() == found, "not the bytes in tests/golden/rows.parquet: {hex}");
    }

    #[test]
    fn no_rows_make_a_file_with_all_columns() {
        let file = parquet(&[], &QueryTimes::default());
        assert_eq!((&file[..4], &file[file.len() - 4..]), (&b"PAR1"[..], &b"PAR1"[..]));
        assert_eq!(table(&[], &QueryTimes::default()).num_columns(), 15);
    }
}
