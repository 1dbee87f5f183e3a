//! The arguments, a file for each command or family of commands; those of sessions lie with their commands.

mod columns;
mod common;
mod embed;
mod lists;
mod pairs;
mod report;
mod run;
mod select;
mod stream;
mod transfer;

use crate::cli::commands::session::SessionArgs;
use clap::{Parser, Subcommand};

pub use columns::ColumnArgs;
pub use common::{CommonArgs, DataDirArgs};
pub use embed::EmbedArgs;
pub use lists::{DataArgs, DataCommand, DescribeArgs, PoliciesArgs, SchemaArgs, StrategiesArgs};
pub use pairs::PairsArgs;
pub use report::ReportArgs;
pub use run::{BenchArgs, RunArgs, TrainArgs};
pub use select::SelectArgs;
pub use stream::StreamArgs;
pub use transfer::{FitArgs, TransferArgs};

const AFTER_HELP: &str = "\
Exit codes: 0 done, 1 failed, 2 bad input, 130 interrupted (run it again to continue).
Environment: QUERIST_DATA, a folder of data sets; QUERIST_SIMD, the instruction set of all kernels, portable, \
avx2 or avx512, instead of the widest (results are the same); QUERIST_LOG, what is logged, e.g. debug.";

/// Learns which labels to ask for.
///
/// Trains query policies and searches network architectures on simulated active-learning episodes,
/// and transfers both to pools that they have never seen.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true, max_term_width = 100)]
#[command(after_help = AFTER_HELP)]
pub struct Args {
    #[command(subcommand)]
    pub command: Command,
    /// No progress, neither bars nor the lines that stderr gets every ten seconds where it is no terminal
    #[arg(long, short, global = true)]
    pub quiet: bool,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run an experiment file: train, search, transfer, report
    Run(RunArgs),
    /// Train the policy of an experiment file, and nothing else
    Train(TrainArgs),
    /// Compare the strategies of an experiment file, without training; more strategies or repetitions
    /// continue what is there
    Bench(BenchArgs),
    /// Try a policy on a labelled data set of your own
    Transfer(TransferArgs),
    /// Train a found architecture, or one of your own, on a data set
    Fit(FitArgs),
    /// Choose rows to label by arrays of your own, with your own training loop
    Select(SelectArgs),
    /// Label in earnest: make a session of a pool without labels, ask, tell, and stop in time
    Session(SessionArgs),
    /// Decide on rows as they come, one by one, which of them to label
    Stream(StreamArgs),
    /// Choose pairs of genes to measure: compare rules on a generated screen or on one of your own, or say what
    /// to measure next
    Pairs(Box<PairsArgs>),
    /// List the query strategies, or print one strategy's card
    Strategies(StrategiesArgs),
    /// List the policies that come with the program and those in ./policies and ./runs, or print one's card
    Policies(PoliciesArgs),
    /// Look at data files
    Data(DataArgs),
    /// Make embeddings of texts, pictures or arrays, for --features; an interrupted run goes on
    Embed(EmbedArgs),
    /// Make the report of finished runs again, from their stored rows
    Report(ReportArgs),
    /// Print what an experiment file may say, as a JSON Schema for editors
    Schema(SchemaArgs),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page of one command, or of all together
    #[command(hide = true)]
    Man {
        /// The command [default: all of them]
        command: Option<String>,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_is_consistent() {
        Args::command().debug_assert();
    }
}
