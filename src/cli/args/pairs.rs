//! `querist pairs`.

use crate::experiment::MAX_SEED;
use crate::run::executor::MAX_JOBS;
use clap::builder::RangedU64ValueParser;
use std::path::PathBuf;

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
    /// Keep every round in this folder, and write report.json, rounds.csv, pathways.csv and found.csv there at the end; the same command
    /// again continues
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Remove the files of a run that is there, instead of continuing it
    #[arg(long, requires = "out")]
    pub fresh: bool,
    /// Print JSON instead of tables
    #[arg(long)]
    pub json: bool,
    /// Print sizes and the memory that they take, and stop
    #[arg(long, conflicts_with_all = ["next", "json", "out"])]
    pub dry_run: bool,
}
