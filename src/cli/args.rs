//! The arguments.

use super::commands::session::SessionArgs;
use super::error::CliError;
use crate::data::TargetKind;
use crate::data::columns::Kind;
use crate::data::dataset::{MAX_CLASSES, MAX_WIDTH};
use crate::data::readers::{Channels, Separator};
use crate::embed::Aggregate;
use crate::experiment::sections::{DataRef, Decimal, FileRef};
use crate::experiment::{MAX_SEED, Vocabulary, stages::Shard};
use crate::run::ElementType;
use crate::run::exchange::MAX_SHARDS;
use crate::run::executor::MAX_JOBS;
use clap::builder::RangedU64ValueParser;
use clap::{Parser, Subcommand};
use std::path::PathBuf;

/// Names the data folder where `--data-dir` does not.
const DATA_VARIABLE: &str = "QUERIST_DATA";

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

/// What all commands that run something share.
#[derive(Debug, clap::Args)]
pub struct CommonArgs {
    /// The run's folder [default: runs/NAME]
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
    /// balanced_accuracy, or macro_f1; where numbers are predicted, nrmse (one minus the normalised error) or r2
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

/// How the file of a data set is read. Columns are named as its header names them, or by position: 0 is the first, -1
/// the last.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "How the file is read; `querist data describe` says what was found out")]
pub struct ColumnArgs {
    /// The column, or member of an archive, that holds the labels [default: label]; rows without one are left out
    /// of simulations
    #[arg(long, value_name = "COLUMN", allow_hyphen_values = true)]
    pub label: Option<String>,
    /// What the labels are: classification, or regression for numbers that are to be predicted
    #[arg(long, value_name = "TASK", default_value_t, hide_default_value = true, value_parser = str::parse::<TargetKind>)]
    pub task: TargetKind,
    /// The columns that are features, by name or pattern (x*); named without a pattern, they are kept whatever
    /// they look like [default: all]
    #[arg(long, value_name = "A,B", value_delimiter = ',', allow_hyphen_values = true)]
    pub columns: Vec<String>,
    /// Columns that are no features, by name or pattern
    #[arg(long, value_name = "C,D", value_delimiter = ',', allow_hyphen_values = true)]
    pub ignore: Vec<String>,
    /// The column that says what the rows are called: no feature, but written as `pick_ids` beside the rows that
    /// were asked for. `picks` count the rows of the file from 0, its header being none
    #[arg(long, value_name = "COLUMN", allow_hyphen_values = true)]
    pub id: Option<String>,
    /// The column with train or test [default: split, if there is one]
    #[arg(long, value_name = "COLUMN", allow_hyphen_values = true)]
    pub split: Option<String>,
    /// What columns hold, where that is inferred wrongly: number, category, date or text
    #[arg(long, value_name = "COLUMN=TYPE,…", value_delimiter = ',', value_parser = typed_column)]
    pub types: Vec<(String, Kind)>,
    /// Values that stand for none, as they are written: -999 in all columns, or age=-1 in one
    #[arg(long, value_name = "VALUE,…", value_delimiter = ',', allow_hyphen_values = true)]
    pub missing: Vec<String>,
    /// Inputs from arrays of NumPy (.npy) and sparse matrices of SciPy (.npz; --hash or --svd where they are wide)
    /// instead of columns, one row per row of the file, side by side
    #[arg(long, value_name = "FILE,…", value_delimiter = ',')]
    pub features: Vec<String>,
    /// What separates the fields of a table: one character, tab or blanks [default: found out]
    #[arg(long, value_name = "CHARACTER", value_parser = str::parse::<Separator>, allow_hyphen_values = true)]
    pub separator: Option<Separator>,
    /// Whether the first line of a table holds the names of its columns; without names, columns are called by their
    /// positions [default: found out]
    #[arg(long, value_name = "true|false")]
    pub header: Option<bool>,
    /// The decimal mark of numbers in a table: . or , [default: found out]
    #[arg(long, value_name = ".|,", value_parser = str::parse::<Decimal>)]
    pub decimal: Option<Decimal>,
    /// The member of an archive that holds the inputs [default: the one of a customary name]
    #[arg(long, value_name = "MEMBER")]
    pub inputs: Option<String>,
    /// Where the channels of images lie: first or last [default: found out]
    #[arg(long, value_name = "first|last", value_parser = str::parse::<Channels>)]
    pub channels: Option<Channels>,
    /// What the indices of a sparse file are counted from: 0 or 1 [default: found out]
    #[arg(long, value_name = "0|1", value_parser = clap::value_parser!(u8).range(0..=1))]
    pub base: Option<u8>,
    /// Columns that a sparse file, or a column of text, is hashed to [default: all of a sparse file, 256 of a text]
    #[arg(long, value_name = "N", value_parser = RangedU64ValueParser::<usize>::new().range(1..=MAX_WIDTH as u64))]
    pub hash: Option<usize>,
    /// Columns that a sparse file is brought to by a truncated singular value decomposition [default: none]
    #[arg(long, value_name = "N", value_parser = RangedU64ValueParser::<usize>::new().range(1..=MAX_WIDTH as u64))]
    pub svd: Option<usize>,
}

fn typed_column(text: &str) -> Result<(String, Kind), String> {
    let kind = |name: &str| Kind::NAMED.into_iter().find(|(known, _)| *known == name).map(|(_, kind)| kind);
    let found = text.rsplit_once('=').and_then(|(column, name)| Some((column.to_string(), kind(name)?)));
    found.ok_or_else(|| "expected COLUMN=TYPE, and for TYPE number, category, date or text".to_string())
}

impl ColumnArgs {
    /// The data set `target`, read as the arguments say: by its name if `vocabulary` has it and nothing else is said,
    /// else as a file, or a name that is read in another way. `name` is what it is called.
    pub fn reference(&self, target: &str, name: Option<&str>, vocabulary: &Vocabulary) -> DataRef {
        let file = FileRef {
            file: target.to_string(),
            name: name.map(str::to_string),
            label: self.label.clone(),
            task: self.task,
            features: self.features.clone(),
            id: self.id.clone(),
            split: self.split.clone(),
            columns: self.columns.clone(),
            ignore: self.ignore.clone(),
            separator: self.separator,
            header: self.header,
            decimal: self.decimal.map(|Decimal(mark)| mark),
            inputs: self.inputs.clone(),
            channels: self.channels,
            base: self.base,
            hash: self.hash,
            svd: self.svd,
            types: self.types.clone(),
            missing: self.missing.clone(),
        };
        let plain = file == FileRef { file: target.to_string(), ..FileRef::default() };
        if plain && vocabulary.dataset_names().any(|known| known == target) {
            return DataRef::Named(target.to_string());
        }
        DataRef::File(Box::new(file))
    }
}

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
    /// What the policy is compared with
    #[arg(long, value_name = "A,B,C", default_value = "random,margin")]
    pub strategies: String,
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
    /// Overwrite the file of --out
    #[arg(long, requires = "out")]
    pub force: bool,
    /// Change keys of an experiment file (learner.*, episode.test, episode.scaling); may be repeated
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

/// One selection on plain arrays. Prints row numbers of the pool, counted from 0, most wanted first.
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
    #[arg(long, value_name = "FILE.npy")]
    pub pool: PathBuf,
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
}

/// Reads rows as CSV, one per line after a line with the columns' names, and writes one JSON object per row: its number,
/// whether to have it labelled, and why. Labels come back as lines {"row": 17, "label": "cat"} among the rows.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Rules: random, periodic, fixed_uncertainty, variable_uncertainty, random_variable_uncertainty, \
split; with parameters as in variable_uncertainty(step=0.02, window=200)."
)]
pub struct StreamArgs {
    /// The rows, or - for stdin
    #[arg(value_name = "FILE|-")]
    pub file: PathBuf,
    /// The rule that decides
    #[arg(long, value_name = "RULE", default_value = "split")]
    pub strategy: String,
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

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Rules: random, greedy, optimism, max_optimism, variance, thompson, epsilon_greedy, greedy_explore, \
annealing, badge, bait; with parameters as in optimism(weight=2) or epsilon_greedy(epsilon=0.2)."
)]
pub struct PairsArgs {
    /// The pairs, a table with the columns gene_a, gene_b and outcome (lower is better) [default: a generated
    /// screen]
    #[arg(long, value_name = "FILE.csv")]
    pub pairs: Option<PathBuf>,
    /// The knowledge graph, a table with the columns source, relation and target [default: none, with --pairs; the
    /// embeddings are then free]
    #[arg(long, value_name = "FILE.csv", requires = "pairs")]
    pub edges: Option<PathBuf>,
    /// Sets of genes to tell what was found by, a table with the columns gene and pathway
    #[arg(long, value_name = "FILE.csv", requires = "pairs", conflicts_with = "next")]
    pub pathways: Option<PathBuf>,
    /// Edges may name nodes that are in no pair: diseases, say
    #[arg(long, requires = "edges")]
    pub other_nodes: bool,
    /// Say which pairs without an outcome to measure next, as a table; the rule is the first one named
    #[arg(long, requires = "pairs", conflicts_with_all = ["rounds", "top", "repetitions", "shuffle_edges", "json", "out"])]
    pub next: bool,
    /// A rule that chooses; may be repeated [default: max_optimism and, but with --next, random]
    #[arg(long = "rule", value_name = "RULE")]
    pub rules: Vec<String>,
    /// Rounds, of which the first is random
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub rounds: usize,
    /// Pairs that are measured in a round
    #[arg(long, value_name = "N", default_value_t = 200)]
    pub batch: usize,
    /// How many of the lowest outcomes count as hits
    #[arg(long, value_name = "K", default_value_t = 400)]
    pub top: usize,
    /// Networks of the ensemble
    #[arg(long, value_name = "N", default_value_t = 8)]
    pub members: usize,
    /// Where gene embeddings come from: graph (trained on), fixed (as the links made them), or free (no graph) [default:
    /// graph, where there is one]
    #[arg(long, value_name = "KIND", value_parser = ["graph", "fixed", "free"])]
    pub embedding: Option<String>,
    /// Passes over the links before any outcome is known [default: 300]
    #[arg(long, value_name = "N", value_parser = RangedU64ValueParser::<usize>::new().range(..=100_000))]
    pub pretraining: Option<usize>,
    /// Passes over the measured pairs in each round
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = RangedU64ValueParser::<usize>::new().range(1..=100_000))]
    pub epochs: usize,
    /// Give the edges to other genes, by which it is seen what the graph is worth
    #[arg(long)]
    pub shuffle_edges: bool,
    /// Genes of a generated screen
    #[arg(long, value_name = "N", default_value_t = 356, conflicts_with = "pairs")]
    pub genes: usize,
    /// The share of a generated screen's edges that is missing, and of spurious ones beside
    #[arg(long, value_name = "SHARE", default_value_t = 0.2, conflicts_with = "pairs")]
    pub corruption: f64,
    /// Repetitions, each with a new generated screen, or with another first round and other networks on yours
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub repetitions: usize,
    /// Threads; results do not depend on it [default: all cores]
    #[arg(long, short, value_name = "N", value_parser = RangedU64ValueParser::<usize>::new().range(1..=MAX_JOBS as u64))]
    pub jobs: Option<usize>,
    /// The seed of everything that is drawn
    #[arg(long, value_name = "S", default_value_t = 0, value_parser = clap::value_parser!(u64).range(..=MAX_SEED))]
    pub seed: u64,
    /// Write report.json, rounds.csv, pathways.csv and found.csv into this folder, at the end
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Overwrite files of these names
    #[arg(long, requires = "out")]
    pub force: bool,
    /// Print JSON instead of tables
    #[arg(long)]
    pub json: bool,
    /// Print sizes and the memory that they take, and stop
    #[arg(long, conflicts_with_all = ["next", "json", "out"])]
    pub dry_run: bool,
}

#[derive(Debug, clap::Args)]
pub struct SchemaArgs {
    /// Print the reference for people instead, in Markdown
    #[arg(long)]
    pub markdown: bool,
}

#[derive(Debug, clap::Args)]
pub struct StrategiesArgs {
    /// List those alone that serve such a task: classification or regression
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

/// Writes one vector per row as a .npy file, and beside it, in FILE.npy.json, what it was made of, which whoever reads the
/// file with --features compares. Rows are those of the table or array, or the pictures of a folder by name.
#[derive(Debug, clap::Args)]
pub struct EmbedArgs {
    /// The model: .onnx, for which ORT_DYLIB_PATH names the library of onnxruntime, or in a program built with the feature
    /// `tch` a TorchScript module (.pt)
    #[arg(long, value_name = "FILE", required_unless_present = "aggregate")]
    pub model: Option<PathBuf>,
    /// Instead of a model: make one vector of each sequence of vectors of an array [n, length, width], by the mean, the
    /// greatest value or the mean of the greatest tenth of every column
    #[arg(long, value_name = "mean|max|top-tenth", value_parser = str::parse::<Aggregate>, conflicts_with = "model")]
    pub aggregate: Option<Aggregate>,
    /// The table with the texts, or a .npy file of which every row is fed to the model as it is
    #[arg(long, value_name = "FILE", required_unless_present = "images", conflicts_with = "images")]
    pub input: Option<PathBuf>,
    /// The column of the table that holds the texts, by name or position
    #[arg(long, value_name = "COLUMN", requires = "input", allow_hyphen_values = true)]
    pub text: Option<String>,
    /// A folder of pictures, or of one folder of pictures for each class
    #[arg(long, value_name = "DIR")]
    pub images: Option<PathBuf>,
    /// The array; a file that is there is not overwritten
    #[arg(long, value_name = "FILE.npy")]
    pub out: PathBuf,
    /// Overwrite the files of --out and --table
    #[arg(long)]
    pub force: bool,
    /// Remove what an interrupted run has left beside the file of --out, instead of going on from it
    #[arg(long)]
    pub fresh: bool,
    /// Write the names of the pictures as a table, with their classes if they lie in folders of these
    #[arg(long, value_name = "FILE.csv", requires = "images", conflicts_with = "input")]
    pub table: Option<PathBuf>,
    /// The elements of the array: float16 or float32
    #[arg(long, value_name = "TYPE", default_value = "float32", value_parser = str::parse::<ElementType>)]
    pub dtype: ElementType,
    /// The model's tokenizer [default: tokenizer.json beside the model]
    #[arg(long, value_name = "FILE.json", requires = "text")]
    pub tokenizer: Option<PathBuf>,
    /// Tokens after which texts are cut [default: what the tokenizer says, or 512]
    #[arg(long, value_name = "N", requires = "text", value_parser = RangedU64ValueParser::<usize>::new().range(1..=32_768))]
    pub max_tokens: Option<usize>,
    /// How pixels are prepared: imagenet, clip, vit or unit [default: imagenet]
    #[arg(long, value_name = "STYLE", requires = "images", conflicts_with = "input", value_parser = ["imagenet", "clip", "vit", "unit"])]
    pub pixels: Option<String>,
    /// The height and width of pictures [default: what the model says, or 224]
    #[arg(long, value_name = "N", requires = "images", conflicts_with = "input", value_parser = RangedU64ValueParser::<usize>::new().range(1..=4_096))]
    pub size: Option<usize>,
    /// The model's output to take, by name [default: its first]
    #[arg(long, value_name = "NAME", requires = "model", conflicts_with = "aggregate")]
    pub output: Option<String>,
    /// What is made of a vector per token: mean (over tokens that are not padding), cls or none [default: the mean, where
    /// there is something to pool]
    #[arg(long, value_name = "RULE", requires = "model", conflicts_with = "aggregate", value_parser = ["mean", "cls", "none"])]
    pub pooling: Option<String>,
    /// Divide every vector by its Euclidean norm
    #[arg(long, requires = "model", conflicts_with = "aggregate")]
    pub normalise: bool,
    /// Rows that the model sees together [default: 32]
    #[arg(long, value_name = "N", requires = "model", conflicts_with = "aggregate", value_parser = RangedU64ValueParser::<usize>::new().range(1..=4_096))]
    pub batch: Option<usize>,
    /// Threads of the model's library [default: all cores]
    #[arg(long, value_name = "N", requires = "model", conflicts_with = "aggregate", value_parser = RangedU64ValueParser::<usize>::new().range(1..=MAX_JOBS as u64))]
    pub threads: Option<usize>,
    /// What separates the fields of the table [default: found out]
    #[arg(long, value_name = "CHARACTER", requires = "text", value_parser = str::parse::<Separator>, allow_hyphen_values = true)]
    pub separator: Option<Separator>,
    /// Whether the first line of the table names its columns [default: found out]
    #[arg(long, value_name = "true|false", requires = "text")]
    pub header: Option<bool>,
    /// Print what FILE.npy.json holds
    #[arg(long)]
    pub json: bool,
}

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

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_is_consistent() {
        Args::command().debug_assert();
    }
}
