//! `querist transfer` and `fit`.

use super::ColumnArgs;
use super::CommonArgs;
use super::DataDirArgs;
use crate::experiment::MAX_SEED;
use clap::builder::RangedU64ValueParser;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub struct TransferArgs {
    /// A policy that comes with the program, by its name, or a folder with policy.safetensors and card.toml
    #[arg(long, value_name = "NAME|DIR")]
    pub policy: PathBuf,
    /// The labelled data set, on which labelling is simulated: an embedded one or one of the data folder by name,
    /// or a file
    #[arg(long, value_name = "NAME|FILE")]
    pub target: String,
    /// What tables call the target [default: the file's name without its endings]; changes no result
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    #[command(flatten)]
    pub columns: ColumnArgs,
    /// What the policy is compared with [default: random, and margin (of numbers igs, of sets of labels by_label(margin), of masks
    /// by_pixel(margin))]
    #[arg(long, value_name = "A,B,C")]
    pub strategies: Option<String>,
    /// Labels per class at the start; where numbers are predicted, in all
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = RangedU64ValueParser::<usize>::new().range(1..))]
    pub initial: usize,
    /// Labels asked for per round
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = RangedU64ValueParser::<usize>::new().range(1..))]
    pub query_size: usize,
    /// New labels in all, after the initial ones; the last query takes the remainder
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = RangedU64ValueParser::<usize>::new().range(1..))]
    pub budget: usize,
    /// Paired repetitions
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    pub repetitions: u32,
    /// Change other keys of an experiment file (learner.*, episode.*); may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub sets: Vec<String>,
    #[command(flatten)]
    pub common: CommonArgs,
}

/// Trains one network on a data set and measures it on rows held out. Of data sets that have an official test
/// part, that part is held out.
#[derive(Debug, clap::Args)]
pub struct FitArgs {
    /// The architecture: the arch.json of a run, or a network of your own in JSON
    pub file: PathBuf,
    /// The labelled data set: an embedded one or one of the data folder by name, or a file
    #[arg(long, value_name = "NAME|FILE")]
    pub target: String,
    #[command(flatten)]
    pub columns: ColumnArgs,
    /// Rows to train on, drawn at random [default: all that are not held out]
    #[arg(long, value_name = "N", value_parser = RangedU64ValueParser::<usize>::new().range(1..))]
    pub labels: Option<usize>,
    /// Write the trained network here; a file that is there is not overwritten
    #[arg(long, value_name = "FILE.safetensors")]
    pub out: Option<PathBuf>,
    /// Write here what is predicted of the rows that are held out: a CSV file, or a folder for masks, which are pictures
    #[arg(long, value_name = "FILE|DIR")]
    pub predictions: Option<PathBuf>,
    /// Overwrite the files of --out and --predictions; of a folder, remove pictures that an earlier command has written there
    #[arg(long)]
    pub force: bool,
    /// Change keys of an experiment file (learner.*, episode.test, episode.scaling, episode.world.*); may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub sets: Vec<String>,
    /// The seed of the split, the weights and the mini-batches
    #[arg(long, value_name = "S", value_parser = clap::value_parser!(u64).range(..=MAX_SEED))]
    pub seed: Option<u64>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub data: DataDirArgs,
}
