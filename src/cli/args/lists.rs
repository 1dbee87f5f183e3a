//! Commands that say what there is: `schema`, `strategies`, `policies`, `data`.

use super::ColumnArgs;
use super::DataDirArgs;
use crate::data::TargetKind;
use clap::Subcommand;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub struct SchemaArgs {
    /// Print the reference for people instead, in Markdown
    #[arg(long)]
    pub markdown: bool,
}

#[derive(Debug, clap::Args)]
pub struct StrategiesArgs {
    /// List those alone that serve such a task: classification, regression, multi_label or segmentation
    #[arg(long, value_name = "TASK", value_parser = str::parse::<TargetKind>, conflicts_with_all = ["name", "markdown"])]
    pub task: Option<TargetKind>,
    /// Print the whole card of this one
    pub name: Option<String>,
    /// Print all cards, with every parameter, in Markdown
    #[arg(long, conflicts_with_all = ["name", "json"])]
    pub markdown: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, clap::Args)]
pub struct PoliciesArgs {
    /// Print the whole card of this one: a name, or a folder
    pub name: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, clap::Args)]
pub struct DataArgs {
    #[command(subcommand)]
    pub command: DataCommand,
}

#[derive(Debug, Subcommand)]
pub enum DataCommand {
    /// Say what a data set holds, how its file was read, and what is wrong with it
    Describe(DescribeArgs),
}

#[derive(Debug, clap::Args)]
pub struct DescribeArgs {
    /// The data set: an embedded one or one of the data folder by name, or a file
    #[arg(value_name = "NAME|FILE")]
    pub file: String,
    #[command(flatten)]
    pub columns: ColumnArgs,
    /// Look for rows that nearly repeat others, and for labels that are likely to be wrong (confident learning)
    #[arg(long)]
    pub quality: bool,
    /// Write all of it as a page; a file that is there is not overwritten. Implies --quality
    #[arg(long, value_name = "FILE.html")]
    pub report: Option<PathBuf>,
    /// Overwrite the file of --report
    #[arg(long, requires = "report")]
    pub force: bool,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub data: DataDirArgs,
}
