//! `querist report`.

use super::DataDirArgs;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub struct ReportArgs {
    /// Run folders; shards of one benchmark are joined
    #[arg(required = true, value_name = "DIR")]
    pub runs: Vec<PathBuf>,
    /// Where the report goes [default: the run's folder; of joined shards, the first of their folders]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Overwrite files of the report's names that this run has not written, or that were changed since
    #[arg(long)]
    pub force: bool,
    /// Print JSON instead of tables
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub data: DataDirArgs,
}
