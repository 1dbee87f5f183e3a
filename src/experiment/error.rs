//! What can be wrong with an experiment file.

use crate::durable::InputError;
use crate::error::{Fault, shorten};
use std::fmt;
use std::sync::Arc;

/// Where a key or value was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In a file; line and column from one.
    File { file: Arc<str>, line: usize, column: usize },
    /// In a `--set` argument.
    Set { text: Arc<str> },
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::File { file, line, column } => write!(f, "{file}:{line}:{column}"),
            Place::Set { text } => write!(f, "--set {}", shorten(text)),
        }
    }
}

/// Why an experiment is refused.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[non_exhaustive]
pub enum ExperimentError {
    /// The file cannot be read, is no text, or is too large to be an experiment.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Input(#[from] InputError),
    /// The file is not TOML.
    #[error("{place}: {message}")]
    #[diagnostic(help(
        "an experiment file is TOML (https://toml.io): `key = value` lines under `[section]` headers"
    ))]
    Syntax { place: Place, message: String },
    /// A `--set` argument that is not `key=value`.
    #[error("--set {}: not of the form key=value", shorten(text))]
    #[diagnostic(help("for example --set episode.rounds=20 or --set 'learner.hidden=[64, 32]'"))]
    Set { text: String },
    /// Two changes of one key.
    #[error("one key is set twice: {}, and then {}", shorten(first), shorten(second))]
    #[diagnostic(help("leave one of the two out; --seed, --device and --metric set a key, too"))]
    SetTwice { first: String, second: String },
    /// A change of a key that an option of the command is for.
    #[error("--set {}: `{option}` says that here", shorten(text))]
    #[diagnostic(help("give {option} in its place"))]
    SetByOption { text: String, option: &'static str },
    /// A key that nothing reads.
    #[error("{place}: unknown key `{}`", shorten(key))]
    #[diagnostic(help("{}", suggestion(nearest, known)))]
    UnknownKey { place: Place, key: String, nearest: Option<String>, known: Vec<String> },
    /// A key that other settings leave without a meaning.
    #[error("{place}: `{key}` is read only {only}")]
    #[diagnostic(help("take it out, or change that"))]
    Unread { place: Place, key: String, only: &'static str },
    /// A value of the wrong type.
    #[error("{place}: `{key}` is {}, expected {expected}", shorten(found))]
    WrongType { place: Place, key: String, found: String, expected: &'static str },
    /// A number out of range.
    #[error("{place}: `{key}` is {}, expected {low} to {high}", shorten(found))]
    OutOfRange { place: Place, key: String, found: String, low: String, high: String },
    /// A word that is none of the choices.
    #[error("{place}: `{key}` is \"{}\", which is not known", shorten(found))]
    #[diagnostic(help("{}", suggestion(nearest, known)))]
    Choice { place: Place, key: String, found: String, nearest: Option<String>, known: Vec<String> },
    /// A value that another layer refuses.
    #[error("{place}: `{key}`: {reason}")]
    Refused {
        place: Place,
        key: String,
        reason: String,
        #[help]
        hint: Option<String>,
    },
    /// A strategy that is registered under the name of one that is learned.
    #[error("a strategy is registered as `{name}`, which is the name of a learned one in experiment files")]
    #[diagnostic(help("register it under another name"))]
    Reserved { name: String },
    /// Something given twice.
    #[error("{place}: `{key}` lists \"{}\" twice", shorten(found))]
    Twice { place: Place, key: String, found: String },
    /// Two data sets that were given one name.
    #[error("{place}: two data sets of the plan are called \"{name}\"")]
    #[diagnostic(help("give one of them another `name`"))]
    SameName { place: Place, name: String },
    /// Rows that are judged on stand in what is learned from.
    #[error(
        "`{list}`: {shared} of {rows} rows of {name} stand in {source_name} (`{source_list}`), at most {limit} may"
    )]
    #[diagnostic(help(
        "what is judged on must be unseen, whatever it is called: take it out of one of the two lists"
    ))]
    Seen {
        list: &'static str,
        name: String,
        source_list: &'static str,
        source_name: String,
        shared: usize,
        rows: usize,
        limit: usize,
    },
    /// Rows that are judged on stand in what is learned from, on most of their columns.
    #[error(
        "`{list}`: {shared} of {rows} rows of {name} stand in {source_name} (`{source_list}`) on {columns} of {compared} \
         columns compared, at most {limit} may"
    )]
    #[diagnostic(help(
        "columns that were added, left out, moved or transformed make no unseen rows: take the set out of one of the \
         two lists"
    ))]
    SeenInPart {
        list: &'static str,
        name: String,
        source_list: &'static str,
        source_name: String,
        shared: usize,
        rows: usize,
        columns: usize,
        compared: usize,
        limit: usize,
    },
    /// A target that the policy was made with.
    #[error(
        "`transfer.targets`: about {percent} % of the rows of {name} stand in {source_name}, which the policy {} has seen",
        shorten(policy)
    )]
    #[diagnostic(help(
        "what is judged on must be unseen, whatever it is called: choose another target, or train without it (the policy's \
         card has what it has seen under [policy.seen])"
    ))]
    SeenByPolicy { name: String, percent: u32, source_name: String, policy: String },
    /// Something that must be there.
    #[error("{place}: `{key}` is missing: {why}")]
    Missing { place: Place, key: String, why: String },
    /// Two settings that contradict each other.
    #[error("{place}: `{key}` {why}")]
    #[diagnostic(help("{hint}"))]
    Conflict { place: Place, key: String, why: String, hint: String },
    /// Images of another shape than the search is told.
    #[error(
        "`search.image` is {}x{}x{}, but {name} has images of {}x{}x{} (channels, height, width)",
        found[0], found[1], found[2], expected[0], expected[1], expected[2]
    )]
    #[diagnostic(help("say what the images are, or leave the data set out"))]
    ImageShape { name: String, found: [usize; 3], expected: [usize; 3] },
    /// Stochastic passes of a network without dropout.
    #[error(
        "strategy {strategy} needs {passes} dropout passes, but the learner's hidden units are dropped at rate {dropout}"
    )]
    #[diagnostic(help(
        "set learner.dropout above 0, or give the passes a rate of their own (rate=0.5), and give the learner a hidden \
         layer; or use a committee"
    ))]
    Passes { strategy: String, passes: usize, dropout: f64 },
    /// Predicted losses of a network without hidden activations to predict them from.
    #[error("strategy {strategy} predicts losses from hidden activations, and the learner has none")]
    #[diagnostic(help("give the learner a hidden layer: learner.hidden = [32]"))]
    Taps { strategy: String },
    /// A key about images where there are none, or about rows of numbers where all are images.
    #[error("`{key}` says how {} are changed, and no data set has any", if *of_images { "images" } else { "rows of numbers" })]
    #[diagnostic(help(
        "leave the key out; IDX files, arrays of three and more dimensions and folders of pictures hold images, tables rows of numbers"
    ))]
    Unheeded { key: &'static str, of_images: bool },
    /// A strategy that maps images, on rows of numbers.
    #[error("`transfer.strategies`: {strategy} maps images, but an example of {name} is a row of numbers")]
    #[diagnostic(help(
        "leave the strategy out, or read the data set from files that know its images: IDX, .npy or .npz of three and more \
         dimensions, a folder of pictures; where classifiers see codes, there are none"
    ))]
    NoImages { strategy: String, name: String },
    /// A head that walks another space than the local search behind it.
    #[error("the policy's head walks {found}, but [search] says {expected}")]
    #[diagnostic(help("set [search] to the head's space: the policy's card.toml has it under [head.space]"))]
    HeadSpace { found: String, expected: String },
    /// A policy that is handed in where one is trained.
    #[error("`transfer.policy` is \"{}\", and [train] makes the policy that is compared", shorten(policy))]
    #[diagnostic(help(
        "leave one of the two out; `querist bench` compares with the named one, and trains nothing"
    ))]
    TwoPolicies { policy: String },
    /// The policy in the run's folder is not the one that was trained there.
    #[error("policy: weights with digest {found}, expected {expected}")]
    #[diagnostic(help("the run's folder was changed; run again with --fresh"))]
    PolicyChanged { found: String, expected: String },
}

fn suggestion(nearest: &Option<String>, known: &[String]) -> String {
    match nearest {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None => format!("known are {}", known.join(", ")),
    }
}

impl Fault for ExperimentError {}
