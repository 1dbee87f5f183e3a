//! `querist select`.

use super::columns::ColumnArgs;
use super::common::DataDirArgs;
use crate::data::dataset::MAX_CLASSES;
use clap::builder::RangedU64ValueParser;
use std::path::PathBuf;

/// One selection, on plain arrays, or with --from on a data set of which some rows have labels. Prints row numbers, counted from 0,
/// most wanted first.
#[derive(Debug, clap::Args)]
pub struct SelectArgs {
    /// The strategy, as `querist strategies` lists it: margin, or power(margin, beta=2)
    #[arg(long, value_name = "NAME", required_unless_present = "policy")]
    pub strategy: Option<String>,
    /// Instead of a strategy: a learned policy, by the name that `querist policies` lists or its folder
    #[arg(long, value_name = "NAME|DIR", conflicts_with = "strategy")]
    pub policy: Option<String>,
    /// New labels that are still to be asked for, this query's included, for a policy [default: not said]
    #[arg(long, value_name = "N")]
    pub budget: Option<usize>,
    /// The inputs of all rows, shape (n, d); f16, f32 or f64
    #[arg(long, value_name = "FILE.npy", required_unless_present = "from")]
    pub pool: Option<PathBuf>,
    /// Instead of arrays: a data set of which some rows have labels, or some images masks. A network is fitted to them as an
    /// experiment would, and rows without a label are asked for
    #[arg(long, value_name = "FILE|DIR", conflicts_with_all = [
        "pool", "labelled", "proba", "embeddings", "passes", "committee", "head", "temperature", "classes", "normalise", "budget",
        "dry_run",
    ])]
    pub from: Option<String>,
    /// With --from, write what is predicted of all rows without a label: a CSV file, or a folder for masks, which are pictures
    #[arg(long, value_name = "FILE|DIR", requires = "from")]
    pub predictions: Option<PathBuf>,
    /// Overwrite the files of --predictions; of a folder, remove pictures that an earlier command has written there
    #[arg(long, requires = "predictions")]
    pub force: bool,
    /// With --from, change keys of an experiment file (learner.*); may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE", requires = "from")]
    pub sets: Vec<String>,
    /// Rows that are labelled: one number per line, and their class in a second column [default: none]
    #[arg(long, value_name = "FILE.csv")]
    pub labelled: Option<PathBuf>,
    /// Class probabilities of all rows, shape (n, C)
    #[arg(long, value_name = "FILE.npy")]
    pub proba: Option<PathBuf>,
    /// Penultimate embeddings of all rows, shape (n, e) [default: the pool]
    #[arg(long, value_name = "FILE.npy")]
    pub embeddings: Option<PathBuf>,
    /// Class probabilities under T stochastic passes, shape (T, n, C)
    #[arg(long, value_name = "FILE.npy")]
    pub passes: Option<PathBuf>,
    /// Class probabilities under M committee members, shape (M, n, C)
    #[arg(long, value_name = "FILE.npy")]
    pub committee: Option<PathBuf>,
    /// The last layer of the classifier: weights W, shape (C, e), and biases b, shape (C)
    #[arg(long, value_name = "FILE.npz")]
    pub head: Option<PathBuf>,
    /// The temperature that calibrates the probabilities
    #[arg(long, value_name = "T")]
    pub temperature: Option<f32>,
    /// The number of classes, where no probabilities tell it
    #[arg(long, value_name = "C", value_parser = RangedU64ValueParser::<usize>::new().range(1..=MAX_CLASSES as u64))]
    pub classes: Option<usize>,
    /// Rows to choose
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = RangedU64ValueParser::<usize>::new().range(1..))]
    pub batch: usize,
    /// The seed of strategies that draw, and of the order of rows that are worth the same
    #[arg(long, value_name = "S", default_value_t = 0)]
    pub seed: u64,
    /// Divide each row of probabilities by its sum, which may be off by 0.05 at most
    #[arg(long)]
    pub normalise: bool,
    /// Choose nothing: forecast the peak of memory from the arrays' shapes
    #[arg(long)]
    pub dry_run: bool,
    /// Print one JSON object, with times and the peak of memory
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub data: DataDirArgs,
    #[command(flatten)]
    pub read: ColumnArgs,
}
