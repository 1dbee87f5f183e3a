//! A run's rows as files that other tools read: CSV, Parquet, TensorBoard's event files.
//!
//! Everything here turns rows and times into bytes, the same into the same; who writes them where is the
//! caller's business. Tables for papers are in [`table`](mod@super::table), figures in
//! [`figure`](super::figure).

pub(crate) mod arrow;
pub(crate) mod csv;
pub mod parquet;
pub(crate) mod tensorboard;

use crate::episode::Row;
use crate::run::QueryTimes;

/// The tidy rows as CSV.
pub const CSV: &str = "results.csv";
/// The tidy rows as Parquet.
pub const PARQUET: &str = "rows.parquet";

/// A file of a run's folder: its name, `/` between folders, and its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Export {
    /// Relative to the run's folder.
    pub name: String,
    pub bytes: Vec<u8>,
}

/// The rows, with the seconds that their queries took, in every format that there is here.
pub fn exports(rows: &[Row], times: &QueryTimes) -> Vec<Export> {
    let mut files = vec![
        Export { name: CSV.to_owned(), bytes: csv::csv(rows, times) },
        Export { name: PARQUET.to_owned(), bytes: parquet::parquet(rows, times) },
    ];
    files.extend(tensorboard::events(rows));
    files
}
