//! `querist stream`.

use crate::experiment::MAX_SEED;
use std::path::PathBuf;

/// Reads rows as CSV, one per line after a line with the columns' names, and writes one JSON object per row: its number,
/// whether to have it labelled, and why. Labels come back as lines {"row": 17, "label": "cat"} among the rows.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Rules: random, periodic, fixed_uncertainty, variable_uncertainty, random_variable_uncertainty, \
split, density, neural_cal (two classes); with parameters as in variable_uncertainty(step=0.02, window=200)."
)]
pub struct StreamArgs {
    /// The rows, or - for stdin
    #[arg(value_name = "FILE|-")]
    pub file: PathBuf,
    /// The rule that decides
    #[arg(long, value_name = "RULE", default_value = "split")]
    pub strategy: String,
    /// Instead of a rule: a learned policy, by the file of one that was trained on streams (PAL), or, of one that was
    /// trained on pools, by the name that `querist policies` lists or its folder
    #[arg(long, value_name = "POLICY", conflicts_with = "strategy")]
    pub policy: Option<String>,
    /// The share of rows that may be kept
    #[arg(long, value_name = "SHARE", default_value_t = 0.1)]
    pub budget: f64,
    /// Labels that may be asked for in all [default: as many as the budget gives]
    #[arg(long, value_name = "N")]
    pub labels: Option<u64>,
    /// The column of labels, which may be missing; rows that have one are learned from and not decided on
    #[arg(long, value_name = "COLUMN", default_value = "label")]
    pub label: String,
    /// Labels that come back in a file, one JSON object per line: they are read when their row is kept
    #[arg(long, value_name = "FILE.jsonl")]
    pub answers: Option<PathBuf>,
    /// Labelled rows that are remembered, the last ones
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    pub memory: usize,
    /// Keep what happened in this folder, and go on from there when it is named again; of a file, the rows that were
    /// decided on are then passed over
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
    /// The seed of rules that draw
    #[arg(long, value_name = "S", default_value_t = 0, value_parser = clap::value_parser!(u64).range(..=MAX_SEED))]
    pub seed: u64,
}
