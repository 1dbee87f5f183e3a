//! `querist embed`.

use crate::data::readers::Separator;
use crate::embed::Aggregate;
use crate::run::ElementType;
use crate::run::executor::MAX_JOBS;
use clap::builder::RangedU64ValueParser;
use std::path::PathBuf;

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
