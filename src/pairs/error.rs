//! What can be wrong with gene pairs, their graph and a campaign over them.

use crate::error::{Exit, Fault, shorten};

/// Why pairs, a graph, a setting or a fit is refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error, miette::Diagnostic)]
pub enum PairsError {
    /// A setting outside its range.
    #[error("pairs: {setting} is {found}, expected {expected}")]
    Setting { setting: &'static str, found: String, expected: String },
    /// A setting that would decide nothing.
    #[error("pairs: {setting} would have no effect: {why}")]
    #[diagnostic(help("leave it out"))]
    NoEffect { setting: &'static str, why: &'static str },
    /// A rule that is compared with itself.
    #[error("pairs: the rule \"{}\" is named twice", shorten(rule))]
    #[diagnostic(help("name it once; more repetitions are asked for with --repetitions"))]
    RuleTwice { rule: String },
    /// More than is handled.
    #[error("pairs: {found} {what}, at most {limit} are handled")]
    TooMany { what: &'static str, found: usize, limit: usize },
    /// An edge about what the graph does not have.
    #[error("pairs: an edge names node {node} of {nodes} and relation {relation} of {relations}")]
    Node { node: usize, nodes: usize, relation: u32, relations: usize },
    /// A table without rows.
    #[error("{file}: no rows, expected a line with the columns' names and then one {what} per line")]
    Empty { file: String, what: &'static str },
    /// A column that is not there.
    #[error("{file}, line 1: no column `{column}` among {}", shorten(found))]
    #[diagnostic(help("{hint}"))]
    Column { file: String, column: &'static str, found: String, hint: String },
    /// A column that is there twice.
    #[error("{file}, line 1: two columns are called `{column}`")]
    ColumnTwice { file: String, column: &'static str },
    /// What is no table.
    #[error("{place}: {reason}")]
    Table { place: String, reason: String },
    /// A name that is empty.
    #[error("{place}, column `{column}`: empty, expected a name")]
    NoName { place: String, column: &'static str },
    /// An outcome that is none.
    #[error("{place}, column `{column}`: \"{}\" is not a finite number", shorten(found))]
    #[diagnostic(help("{hint}"))]
    Outcome { place: String, column: &'static str, found: String, hint: &'static str },
    /// A gene with itself.
    #[error("{place}: a pair of `{}` with itself", shorten(gene))]
    #[diagnostic(help("a pair is two genes; leave single effects out"))]
    Itself { place: String, gene: String },
    /// One pair with two outcomes.
    #[error(
        "{place}: the pair {} has outcome {found}, and {} has {first} in line {line}",
        shorten(pair),
        shorten(before)
    )]
    #[diagnostic(help("outcomes are symmetric: keep one of the two, or write their mean in both"))]
    Contradiction { place: String, pair: String, found: String, before: String, line: u64, first: String },
    /// A gene that no pair has.
    #[error("{place}, column `{column}`: gene `{}` is in no pair ({genes} genes are)", shorten(gene))]
    #[diagnostic(help("{hint}"))]
    UnknownGene { place: String, column: &'static str, gene: String, genes: usize, hint: String },
    /// Too few pairs for what is asked.
    #[error("pairs: {found} {what}, but {needed} are needed for {why}")]
    Few { what: &'static str, found: usize, needed: usize, why: String },
    /// A network whose numbers are none any more.
    #[error("pairs: network {member} of round {round} diverged")]
    #[diagnostic(help("look for outcomes far outside the range of the others"))]
    Diverged { member: usize, round: usize },
    /// A stored round that cannot have been played.
    #[error("pairs: round {round} is stored with {found} pairs that were hidden before, expected {expected}")]
    #[diagnostic(help("--fresh plays everything anew"))]
    Step { round: usize, found: usize, expected: usize },
    /// No rule of this name.
    #[error("pairs: no rule is called `{}`", shorten(name))]
    #[diagnostic(help("{hint}"))]
    UnknownRule { name: String, hint: String },
}

impl PairsError {
    /// Refuses what is more than a limit.
    pub(super) fn limit(what: &'static str, found: usize, limit: usize) -> Result<(), Self> {
        if found > limit { Err(Self::TooMany { what, found, limit }) } else { Ok(()) }
    }
}

impl Fault for PairsError {
    fn exit(&self) -> Exit {
        match self {
            Self::Diverged { .. } => Exit::Failed,
            _ => Exit::BadInput,
        }
    }
}
