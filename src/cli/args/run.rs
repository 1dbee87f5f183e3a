//! `querist run`, `train` and `bench`.

use super::CommonArgs;
use crate::experiment::stages::Shard;
use crate::run::exchange::MAX_SHARDS;
use clap::builder::RangedU64ValueParser;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub struct RunArgs {
    /// The experiment file (TOML)
    pub file: PathBuf,
    /// Change the file's keys before they are checked; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub sets: Vec<String>,
    /// Measure for some seconds, print what it would take, and stop; an earlier run's folder is not looked at
    #[arg(long)]
    pub dry_run: bool,
    /// With --dry-run: what N processes of so many threads would take (`train --shard`, `bench --shard`), and from how many
    /// on they gain nothing
    #[arg(long, value_name = "N", requires = "dry_run", value_parser = RangedU64ValueParser::<usize>::new().range(1..=MAX_SHARDS as u64))]
    pub workers: Option<usize>,
    #[command(flatten)]
    pub common: CommonArgs,
}

#[derive(Debug, clap::Args)]
pub struct TrainArgs {
    #[command(flatten)]
    pub run: RunArgs,
    /// One of N processes that train together through the folder DIR.exchange beside the run's: the first trains, the
    /// others play episodes for it, until it has ended. The policy does not depend on how many there are
    #[arg(long, value_name = "I/N", value_parser = shard_of_training)]
    pub shard: Option<Shard>,
    /// One of the processes of an MPI job that train together (mpirun, srun): rank 0 trains, the others play episodes for it.
    /// The policy does not depend on how many there are
    #[arg(long, conflicts_with_all = ["shard", "dry_run"])]
    pub mpi: bool,
}

fn shard_of_training(text: &str) -> Result<Shard, String> {
    let shard: Shard = text.parse()?;
    match shard.count {
        ..=MAX_SHARDS => Ok(shard),
        count => Err(format!("{count} processes, expected at most {MAX_SHARDS}")),
    }
}

#[derive(Debug, clap::Args)]
pub struct BenchArgs {
    #[command(flatten)]
    pub run: RunArgs,
    /// Run every N-th cell only, beginning with the I-th (from 1); `querist report` joins the folders
    #[arg(long, value_name = "I/N")]
    pub shard: Option<Shard>,
}
