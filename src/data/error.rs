//! What can be wrong with a data set, with a split of it, or with a plan for a synthetic one.

use crate::data::TargetKind;
use crate::error::{Fault, shorten};

/// Why a data set, a split or a synthetic plan is refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error, miette::Diagnostic)]
pub enum DataError {
    /// No example at all.
    #[error("{name}: no rows; at least 1 is needed")]
    NoRows { name: String },
    /// Examples without a single number.
    #[error("{name}: no feature columns; at least 1 is needed")]
    NoColumns { name: String },
    /// More of something than this crate handles.
    #[error("{name}: {found} {what}, but at most {limit} are handled")]
    #[diagnostic(help("draw a random part of the rows or columns, and read that"))]
    TooMany { name: String, what: &'static str, found: u128, limit: u128 },
    /// Two things that must agree in size do not.
    #[error("{name}: {found} {what}, but {expected} were expected")]
    Disagree { name: String, what: &'static str, expected: usize, found: usize },
    /// A feature is NaN or infinite.
    #[error("{name}: row {row}, column {column}: {value} is not a finite number")]
    #[diagnostic(help("fill in or leave out missing values first; none are skipped here"))]
    NotFinite { name: String, row: usize, column: usize, value: f32 },
    /// A target that is no number to be predicted.
    #[error("{name}: row {row}: the target is {value}, which is not a finite number")]
    #[diagnostic(help("leave the rows out whose target is not known"))]
    TargetNotFinite { name: String, row: usize, value: f32 },
    /// Nothing to predict.
    #[error(
        "{name}: all {rows} targets of the {part} part are {value}, but at least 2 different ones are needed"
    )]
    #[diagnostic(help(
        "a target that does not vary is known without a label; name another column with --label"
    ))]
    ConstantTarget { name: String, part: &'static str, rows: usize, value: f32 },
    /// A label that no class has.
    #[error("{name}: row {row}: class {label}, but there are {classes} classes (0 to {})", classes.saturating_sub(1))]
    LabelRange { name: String, row: usize, label: u32, classes: usize },
    /// Two classes, or two labels, of one name.
    #[error("{name}: {what} {first} and {second} are both called \"{}\"", shorten(called))]
    SameName { name: String, what: &'static str, called: String, first: usize, second: usize },
    /// Sets of labels, of which there are none.
    #[error("{name}: there are no labels, but at least 1 is needed")]
    #[diagnostic(help("name the columns of the labels with --label"))]
    NoLabels { name: String },
    /// A set with labels that there are not.
    #[error("{name}: row {row}: the labels are the bits {set:#b}, but there are {labels} labels")]
    SetRange { name: String, row: usize, set: u32, labels: usize },
    /// A label that tells nothing.
    #[error("{name}: none of {rows} rows has the label \"{}\", but at least 1 is needed", shorten(label))]
    #[diagnostic(help("what no row has cannot be learned: leave its column out of --label"))]
    LabelWithoutRows { name: String, label: String, rows: usize },
    /// Nothing to tell apart.
    #[error(
        "{name}: all {rows} rows of the pool have the same labels, but at least 2 different sets are needed"
    )]
    #[diagnostic(help("with one set of labels there is nothing to learn"))]
    OneSet { name: String, rows: usize },
    /// Classes that nobody wants, of too few.
    #[error(
        "{name}: `episode.world.open_set` needs at least {least} classes, of which two are left, and there are {classes}"
    )]
    #[diagnostic(help("leave the key out, or take a data set of more classes"))]
    FewForOpenSet { name: String, classes: usize, least: usize },
    /// Masks that do not fit the images.
    #[error("{name}: masks of {height}x{width} pixels for examples of shape {images}")]
    #[diagnostic(help(
        "an image is as high and as wide as its mask; `--inputs` and `--channels` say how an archive's images lie"
    ))]
    MaskSize { name: String, height: usize, width: usize, images: String },
    /// What is about classes, where targets are of another kind.
    #[error("{name}: `episode.world.{key}` is about classes, and the targets are {}", found.name())]
    #[diagnostic(help("leave the key out, or take a data set of classes"))]
    AboutClasses { name: String, key: &'static str, found: crate::data::TargetKind },
    /// Domains that a column is to tell apart, where none was read.
    #[error("{name}: no column says which rows are of the source domain")]
    #[diagnostic(help("name one with `episode.world.domains.column`; only tables have columns"))]
    NoDomains { name: String },
    /// A number of a [world](super::World) out of its range.
    #[error("world: `{key}` is {found}, expected {low} to {high}")]
    World { key: &'static str, found: f64, low: f64, high: f64 },
    /// A share outside the open interval from 0 to 1.
    #[error("split: `{key}` is {value}, but must be above 0 and below 1")]
    Share { key: &'static str, value: f64 },
    /// A size limit that leaves too little.
    #[error("split: `{key}` is {value}, but must be at least {least}")]
    TooSmallLimit { key: &'static str, value: usize, least: usize },
    /// One of the three parts would hold too few rows.
    #[error(
        "{name}: the {part} part would get {found} rows, but needs at least {least} ({rows} rows to split)"
    )]
    #[diagnostic(help("hand in more rows, or change the shares of the split"))]
    PartTooSmall { name: String, part: &'static str, found: usize, least: usize, rows: usize },
    /// Nothing to tell apart.
    #[error("{name}: the pool holds {found} of {classes} classes, but at least 2 are needed")]
    #[diagnostic(help("with fewer than two classes there is nothing to learn"))]
    OneClass { name: String, found: usize, classes: usize },
    /// The official test part holds a class that may never be learned.
    #[error("{name}: {rows} test rows are of class \"{}\", of which the training part has 0", shorten(class))]
    #[diagnostic(help("leave these rows out, or drop the split column to get a seeded split"))]
    ClassOnlyInTest { name: String, class: String, rows: usize },
    /// Something is asked of a data set whose targets are of another kind.
    #[error("{name}: its targets are {}, and {need}", found.name())]
    OtherTargets { name: String, need: &'static str, found: TargetKind },
    /// More rows are asked for than there are.
    #[error("{name}: {asked} rows asked for, but there are {rows}")]
    TooFewRows { name: String, asked: usize, rows: usize },
    /// A value of a synthetic plan outside of what it may be.
    #[error("synthetic plan: `{key}` is {value}, but must be {rule}")]
    Plan { key: &'static str, value: String, rule: String },
    /// No data set of that name.
    #[error("no data set is called \"{}\"{}", shorten(name), looked_in.as_ref().map(|dir| format!(" (looked in {dir} too)")).unwrap_or_default())]
    #[diagnostic(help("{hint}"))]
    UnknownName { name: String, looked_in: Option<String>, hint: String },
}

impl Fault for DataError {}
