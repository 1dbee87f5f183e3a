//! What can be wrong with a query: its name, its parameters, the signals it was given.

use crate::data::TargetKind;
use crate::error::{Fault, shorten};

/// Why a strategy cannot be built or cannot choose.
#[derive(Debug, Clone, PartialEq, thiserror::Error, miette::Diagnostic)]
#[non_exhaustive]
pub enum QueryError {
    /// The learner did not compute what the strategy needs.
    #[error("query: the strategy needs {signal}, which the learner did not compute for this round")]
    #[diagnostic(help("ask the strategy what it needs before the round, or choose one that needs less"))]
    Missing { signal: &'static str },
    /// A NaN or an infinity among the signals.
    #[error("query: {signal}, row {row}, column {column} is {found}, expected a finite number")]
    NotFinite { signal: &'static str, row: usize, column: usize, found: f64 },
    /// A row of probabilities that is none.
    #[error("query: {signal}, row {row} has {found}, expected {expected}")]
    NotProbabilities { signal: &'static str, row: usize, found: String, expected: &'static str },
    /// A signal of another shape than the view promises.
    #[error("query: {signal} has {found} {unit}, expected {expected}")]
    Shape { signal: &'static str, unit: &'static str, found: usize, expected: usize },
    /// A signal names a row that may not be asked for, or names it twice.
    #[error("query: {signal} names row {row}, which is not a candidate or was named before")]
    NotACandidate { signal: &'static str, row: u32 },
    /// A strategy is to ask for targets of a kind that it does not serve.
    #[error("strategy `{}` does not serve {kind}: it cannot ask for {}", shorten(strategy), kind.name())]
    #[diagnostic(help("`querist strategies --task {kind}` lists those that do"))]
    Kind { strategy: String, kind: TargetKind },
    /// A score that is to be lifted to rows of several labels, and is of no single label.
    #[error(
        "strategy `{strategy}` lifts a score of class probabilities or of a committee, and this one is of something else"
    )]
    #[diagnostic(help("lift `margin`, `entropy`, `least_confidence` or `qbc`, as in by_label(margin)"))]
    ByLabel { strategy: String },
    /// A score of a pixel that reads more than one pixel has.
    #[error("{strategy} scores pixels one by one, by what reads class probabilities alone")]
    #[diagnostic(help("lift `margin`, `entropy`, `least_confidence` or `qbc`, as in by_pixel(margin)"))]
    ByPixel { strategy: String },
    /// No strategy has this name.
    #[error("strategy `{}` is unknown", shorten(name))]
    Unknown {
        name: String,
        #[help]
        hint: Option<String>,
    },
    /// A strategy that is registered under the name of another.
    #[error("strategy `{name}` is registered already")]
    #[diagnostic(help("give it another name"))]
    Taken { name: String },
    /// A strategy that is registered under a name which specifications cannot hold.
    #[error("`{}` cannot be the name of a strategy", shorten(name))]
    #[diagnostic(help("use letters, digits, `-` and `_`, as in `my_strategy`"))]
    Name { name: String },
    /// A specification that cannot be read.
    #[error("strategy `{}`, character {at}: {expected}", shorten(spec))]
    #[diagnostic(help("write NAME or NAME(ARM, …, KEY=VALUE, …), as in power(margin, beta=1)"))]
    Syntax { spec: String, at: usize, expected: &'static str },
    /// A parameter that the strategy does not have.
    #[error("strategy `{strategy}` has no parameter `{}`", shorten(name))]
    Parameter {
        strategy: String,
        name: String,
        #[help]
        hint: Option<String>,
    },
    /// A parameter's value outside its range.
    #[error("strategy `{strategy}`, parameter `{name}` is `{}`, expected {expected}", shorten(found))]
    Value { strategy: String, name: String, found: String, expected: String },
    /// Too many or too few strategies between the parentheses.
    #[error("strategy `{strategy}` is built over {expected}, found {found}")]
    Arms { strategy: String, expected: &'static str, found: usize },
    /// Two parts of a specification want the one kind of passes, or of committee, that a round has in two ways.
    #[error("strategy `{strategy}`: `{parameter}` is {first} in one part and {second} in another")]
    #[diagnostic(help(
        "a round has one kind of passes and one of committee: give all parts the same `{parameter}`"
    ))]
    Conflict { strategy: String, parameter: &'static str, first: String, second: String },
    /// A strategy on whose pseudo-labels or mixtures the learner trains, within one that asks for its rows alone.
    #[error(
        "strategy `{strategy}`: the learner trains on more than the rows that `{arm}` asks for, which is not handed on"
    )]
    #[diagnostic(help("use `{arm}` by itself, or within `capped`, `switch` or `scaled`"))]
    SteersTraining { strategy: String, arm: String },
    /// A combinator over scores was handed a strategy that has none.
    #[error("strategy `{strategy}` needs a score per candidate, and `{arm}` chooses without one")]
    #[diagnostic(help("`querist strategies` marks those with a score"))]
    NoScore { strategy: String, arm: String },
}

impl Fault for QueryError {}
