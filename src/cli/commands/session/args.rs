//! The arguments of `querist session`.

use crate::cli::args::ColumnArgs;
use crate::session::{ANNOTATOR, BATCH, MAX_BATCH, MAX_NETWORKS, MAX_THINK, NETWORKS};
use clap::builder::RangedU64ValueParser;
use clap::{ArgGroup, Subcommand, ValueEnum};
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub struct SessionArgs {
    #[command(subcommand)]
    pub command: SessionCommand,
}

#[derive(Debug, Subcommand)]
pub enum SessionCommand {
    /// Make a session of a pool, which need not have any labels
    New(Box<NewArgs>),
    /// Print the rows to label next; those that are neither answered nor released come again
    Ask(AskArgs),
    /// Take answers, all of a call or none
    Tell(TellArgs),
    /// Take rows back that were asked for and are not answered
    Release(ReleaseArgs),
    /// Say how far the labelling has come, what further labels are worth, and when to stop
    Status(StatusArgs),
    /// Predict every row
    Predict(PredictArgs),
    /// Write the labels
    Export(ExportArgs),
    /// Serve a page to label on, or a back end for Label Studio, until Ctrl-C
    Serve(super::serve::ServeArgs),
}

#[derive(Debug, clap::Args)]
pub struct NewArgs {
    /// The session's folder: new or empty
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
    /// What is to be labelled: a table, an array, or a folder of pictures. Labels that it has are taken as given
    #[arg(long, value_name = "FILE")]
    pub pool: PathBuf,
    /// The classes; without, they appear with their first answer. Of --task multi_label, the labels [default: what the columns of --label are
    /// called]. A name with a comma stands in quotation marks
    #[arg(long, value_name = "A,B,C")]
    pub classes: Vec<String>,
    /// The policy that chooses, by the name that `querist policies` lists or its folder [default: universal]
    #[arg(long, value_name = "NAME|DIR", conflicts_with = "strategy")]
    pub policy: Option<String>,
    /// Instead of a policy: a strategy, as `querist strategies` lists it
    #[arg(long, value_name = "NAME")]
    pub strategy: Option<String>,
    /// The strategy that chooses by inputs alone until there are labels to choose by
    #[arg(long, value_name = "NAME", default_value = "typiclust")]
    pub start: String,
    /// Rows that it chooses [default: 2 per class or label of --classes, else 10]
    #[arg(long, value_name = "N", value_parser = RangedU64ValueParser::<usize>::new().range(2..=MAX_BATCH as u64))]
    pub initial: Option<usize>,
    /// Rows asked for at once
    #[arg(long, value_name = "N", default_value_t = BATCH, value_parser = RangedU64ValueParser::<usize>::new().range(1..=MAX_BATCH as u64))]
    pub batch: usize,
    /// New labels in all [default: no limit]
    #[arg(long, value_name = "N", value_parser = RangedU64ValueParser::<usize>::new().range(1..))]
    pub budget: Option<usize>,
    /// Time after which rows that were not answered may be asked of somebody else, such as 90s, 30m, 8h or 2d
    /// [default: never]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub lease: Option<u64>,
    /// The column with what an answer to the row costs, or a price for every class of --classes: of rows that are worth about
    /// the same, the cheaper are asked for
    #[arg(long, value_name = "COLUMN|A=PRICE,B=PRICE")]
    pub price: Option<String>,
    /// What answers may cost in all, by --price; --budget counts answers [default: no limit]
    #[arg(long, value_name = "AMOUNT", requires = "price")]
    pub spend: Option<f64>,
    /// How much is thought about a query, where people are slower than the machine: N times the candidates and the networks of
    /// a committee. A time, such as 5s, is the N that takes so long on two cores, at half a second for 1. It decides what is
    /// asked for, and is kept
    #[arg(long, value_name = "N|TIME", default_value_t = 1, value_parser = think)]
    pub think: usize,
    /// Let the classifier's network be searched for, too, at 20 labels and whenever they have doubled: local, hill_climbing,
    /// annealing, random, evolution, halving or grid. `querist schema --markdown` says what they do. Of classes alone [default: no search]
    #[arg(long, value_name = "METHOD")]
    pub search: Option<String>,
    /// Networks that one search may train, five times each
    #[arg(long, value_name = "N", default_value_t = NETWORKS, requires = "search", value_parser = RangedU64ValueParser::<u32>::new().range(1..=MAX_NETWORKS.into()))]
    pub search_networks: u32,
    /// What other tasks taught of where to start: the arch.json of a run with [search], or the run's folder [default: the one
    /// of the run that the folder of --policy belongs to]
    #[arg(long, value_name = "FILE|DIR", requires = "search")]
    pub search_from: Option<PathBuf>,
    /// The seed of what is drawn
    #[arg(long, value_name = "S", default_value_t = 0)]
    pub seed: u64,
    #[command(flatten)]
    pub columns: ColumnArgs,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Which session, and what time it is.
#[derive(Debug, clap::Args)]
pub struct OpenArgs {
    /// The session's folder
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
    /// Take this for the time, in seconds since 1970, so that what depends on leases can be repeated
    #[arg(long, value_name = "SECONDS")]
    pub now: Option<u64>,
}

#[derive(Debug, clap::Args)]
#[command(group = ArgGroup::new("file").args(["label_studio", "prodigy", "csv"]))]
pub struct AskArgs {
    #[command(flatten)]
    pub open: OpenArgs,
    /// Rows to ask for [default: the session's]
    #[arg(long, value_name = "N", value_parser = RangedU64ValueParser::<usize>::new().range(1..=MAX_BATCH as u64))]
    pub batch: Option<usize>,
    /// Who is asked; no two have a row in hand at once
    #[arg(long, value_name = "NAME", default_value = ANNOTATOR)]
    pub annotator: String,
    /// Print JSON, with the content of the rows
    #[arg(long, conflicts_with = "file")]
    pub json: bool,
    /// Write tasks to import into Label Studio, scored so that its uncertainty sampling keeps the order of asking
    #[arg(long, value_name = "FILE.json")]
    pub label_studio: Option<PathBuf>,
    /// Write tasks for Prodigy's `choice` interface, a JSON object per line
    #[arg(long, value_name = "FILE.jsonl")]
    pub prodigy: Option<PathBuf>,
    /// Write a table to fill in and `tell`: a column `label`, and the content of the rows
    #[arg(long, value_name = "FILE.csv")]
    pub csv: Option<PathBuf>,
    /// Overwrite the file of --csv, --label-studio or --prodigy
    #[arg(long, requires = "file")]
    pub force: bool,
}

#[derive(Debug, clap::Args)]
pub struct TellArgs {
    #[command(flatten)]
    pub open: OpenArgs,
    /// A table with the columns row (or id) and label, and perhaps annotator and session, with whatever separates fields in tables of data.
    /// Rows without a label are not answered yet; - stands for an abstention and ? for a row that nobody can answer. A label is a class, a number, or a set of labels with ; between
    /// (; alone is the empty set). A file that ends with .json is an export of Label Studio (JSON or JSON_MIN), one that ends with .jsonl has Prodigy's
    /// answers. Masks are told as a folder of black and white pictures, called as the images are but for the endings, or
    /// as an archive of NumPy with a mask for every image, -1 throughout where there is none
    #[arg(value_name = "FILE", required_unless_present = "row")]
    pub file: Option<PathBuf>,
    /// One answer; may be repeated
    #[arg(long, value_name = "ROW=LABEL", conflicts_with = "file")]
    pub row: Vec<String>,
    /// Who answers, where the file does not say; an export of Label Studio always does [default: me]
    #[arg(long, value_name = "NAME")]
    pub annotator: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, clap::Args)]
pub struct ReleaseArgs {
    #[command(flatten)]
    pub open: OpenArgs,
    /// The rows
    #[arg(value_name = "ROW", required_unless_present = "all")]
    pub rows: Vec<usize>,
    /// All rows that are in anybody's hand
    #[arg(long, conflicts_with = "rows")]
    pub all: bool,
}

#[derive(Debug, clap::Args)]
pub struct StatusArgs {
    #[command(flatten)]
    pub open: OpenArgs,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// A file that a command writes.
#[derive(Debug, clap::Args)]
pub struct WriteArgs {
    /// Where to write; a file that is there is not overwritten. Of masks, a folder for a picture each
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Overwrite the file of --out
    #[arg(long)]
    pub force: bool,
    /// The format [default: by the ending of --out]
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<FileFormat>,
}

/// The formats of predictions and labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FileFormat {
    Csv,
    Jsonl,
    Parquet,
    /// Tasks with their annotations, to import into Label Studio; labels alone
    LabelStudio,
}

#[derive(Debug, clap::Args)]
pub struct PredictArgs {
    #[command(flatten)]
    pub open: OpenArgs,
    #[command(flatten)]
    pub write: WriteArgs,
}

#[derive(Debug, clap::Args)]
pub struct ExportArgs {
    /// The session's folder
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
    #[command(flatten)]
    pub write: WriteArgs,
}

/// A number of seconds, or one with a unit.
fn duration(text: &str) -> Result<u64, String> {
    let refuse =
        || "expected a number of seconds, or one with s, m, h or d behind it, such as 30m".to_string();
    let (number, unit) = match text.char_indices().last() {
        Some((at, 's')) => (&text[..at], 1),
        Some((at, 'm')) => (&text[..at], 60),
        Some((at, 'h')) => (&text[..at], 3600),
        Some((at, 'd')) => (&text[..at], 86_400),
        _ => (text, 1),
    };
    let number: u64 = number.parse().map_err(|_| refuse())?;
    number.checked_mul(unit).filter(|seconds| (1..=u32::MAX.into()).contains(seconds)).ok_or_else(refuse)
}

/// Units of thought in a second on two cores.
const PER_SECOND: u64 = 2;

/// How much is thought: a number, or a time in which so much is.
fn think(text: &str) -> Result<usize, String> {
    let units = match text.parse::<u64>() {
        Ok(units) => units,
        Err(_) => duration(text)?.saturating_mul(PER_SECOND),
    };
    let most = MAX_THINK as u64;
    match (1..=most).contains(&units) {
        true => Ok(units as usize),
        false => Err(format!("expected 1 to {most}, or 1s to {}s", most / PER_SECOND)),
    }
}

#[cfg(test)]
mod tests {
    use super::{duration, think};

    #[test]
    fn thought_is_a_number_or_a_time() {
        for (text, units) in [("1", 1), ("64", 64), ("1s", 2), ("5s", 10), ("32s", 64)] {
            assert_eq!(think(text), Ok(units), "{text}");
        }
        for text in ["0", "65", "33s", "1m", "0s", "s", "-1", "fast"] {
            assert!(think(text).is_err(), "{text}");
        }
    }

    #[test]
    fn times_have_units() {
        let expected = [("90", 90), ("90s", 90), ("30m", 1800), ("8h", 28_800), ("2d", 172_800)];
        expected.into_iter().for_each(|(text, seconds)| assert_eq!(duration(text), Ok(seconds)));
        for text in ["", "m", "0", "-1s", "1.5h", "99999999999d", "1w"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
