//! What all commands share that run something, and where data sets are found.

use crate::cli::error::CliError;
use crate::experiment::MAX_SEED;
use crate::run::executor::MAX_JOBS;
use clap::builder::RangedU64ValueParser;
use std::path::PathBuf;

/// Names the data folder where `--data-dir` does not.
const DATA_VARIABLE: &str = "QUERIST_DATA";

/// What all commands that run something share.
#[derive(Debug, clap::Args)]
pub struct CommonArgs {
    /// The run's folder [default: runs/NAME; of `train` runs/NAME-train, of `bench` runs/NAME-bench]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Threads; results do not depend on it [default: all cores]
    #[arg(long, short, value_name = "N", value_parser = RangedU64ValueParser::<usize>::new().range(1..=MAX_JOBS as u64))]
    pub jobs: Option<usize>,
    /// What the networks of episodes are fitted on, instead of the file's learner.device: cpu; cuda, in a
    /// program built with that feature; or flex, which is burn on the processor
    #[arg(long, value_name = "DEVICE")]
    pub device: Option<String>,
    /// What learning curves, verdicts and targets measure, instead of the file's episode.metric: accuracy,
    /// balanced_accuracy, macro_f1, or verification (one minus the equal error rate); where numbers are predicted, nrmse (one minus the normalised error) or r2; of sets of labels,
    /// label_macro_f1 or mean_average_precision; of masks, dice or iou
    #[arg(long, value_name = "METRIC")]
    pub metric: Option<String>,
    /// The seed, instead of the file's
    #[arg(long, value_name = "S", value_parser = clap::value_parser!(u64).range(..=MAX_SEED))]
    pub seed: Option<u64>,
    /// Remove the files of a run that is there, instead of continuing it; files that it has not written stay
    #[arg(long)]
    pub fresh: bool,
    /// Print one JSON object instead of tables
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub data: DataDirArgs,
}

/// Where data sets are found by name.
#[derive(Debug, clap::Args)]
pub struct DataDirArgs {
    /// The folder in which data sets are found by name [default: $QUERIST_DATA, then the file's `data_dir`]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
}

impl DataDirArgs {
    /// The folder that was named, by argument or by environment; none if neither names one.
    ///
    /// # Errors
    /// [`CliError::NoDataDir`] if there is no such folder.
    pub fn folder(&self) -> Result<Option<PathBuf>, CliError> {
        let variable = || std::env::var_os(DATA_VARIABLE).filter(|dir| !dir.is_empty()).map(PathBuf::from);
        match self.data_dir.clone().or_else(variable) {
            Some(dir) if !dir.is_dir() => Err(CliError::NoDataDir { dir }),
            folder => Ok(folder),
        }
    }
}

impl CommonArgs {
    /// These changes to an experiment file, and behind them what `--device` and `--metric` change.
    pub fn and_flags(&self, sets: &[String]) -> Vec<String> {
        let device = self.device.iter().map(|device| format!("learner.device={device}"));
        let metric = self.metric.iter().map(|metric| format!("episode.metric={metric}"));
        sets.iter().cloned().chain(device).chain(metric).collect()
    }

    /// The number of threads.
    pub fn threads(&self) -> usize {
        self.jobs.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, |n| n.get()).min(MAX_JOBS))
    }
}
