//! What can be wrong with a session, or with what it is told.

use crate::data::TargetKind;
use crate::error::{Exit, Fault};
use std::path::PathBuf;

/// Why a session cannot be made or opened, or does not take an answer.
#[derive(Debug, Clone, PartialEq, thiserror::Error, miette::Diagnostic)]
#[non_exhaustive]
pub enum SessionError {
    /// A folder without a session.
    #[error("{}: no session ({reason})", dir.display())]
    #[diagnostic(help("`querist session new DIR --pool FILE` makes one"))]
    NotASession { dir: PathBuf, reason: String },
    /// A session is there already.
    #[error("{}: holds a session already", dir.display())]
    #[diagnostic(help("go on with it (`querist session status DIR`), or choose another folder"))]
    Exists { dir: PathBuf },
    /// Something else is there.
    #[error("{}: not empty (it holds {found:?})", dir.display())]
    #[diagnostic(help("nothing was changed; choose a new or an empty folder"))]
    NotEmpty { dir: PathBuf, found: String },
    /// A file of the session is not what was written.
    #[error("{}: changed since it was written: sha256 is {found}, expected {stored}", path.display())]
    #[diagnostic(help("restore the file from a copy of the session"))]
    Changed { path: PathBuf, stored: String, found: String },
    /// Content of the session's own files that no release writes.
    #[error("{}: {problem}", path.display())]
    #[diagnostic(help("restore the file from a copy of the session"))]
    Content { path: PathBuf, problem: String },
    /// Written by a later release.
    #[error("{}: format version {found}, this program knows versions up to {known}", path.display())]
    #[diagnostic(help("use the release that wrote it"))]
    Newer { path: PathBuf, found: u64, known: u64 },
    /// The journal of another session.
    #[error("{}: belongs to session {stored}, but the settings beside it are those of session {found}", path.display())]
    #[diagnostic(help(
        "a journal goes on only beside the settings and the pool that it was begun with: copy the whole folder"
    ))]
    OtherJournal { path: PathBuf, stored: String, found: String },
    /// Another process has the session in hand, and does not give it back.
    #[error("{}: in use by process {pid}", dir.display())]
    #[diagnostic(help("nothing was changed; wait for it to end, or stop it"))]
    Busy { dir: PathBuf, pid: String },
    /// A setting out of its range.
    #[error("{name} is {found}, expected {expected}")]
    Setting { name: &'static str, found: String, expected: String },
    /// A strategy that cannot choose here.
    #[error("strategy `{strategy}` cannot choose in a session: {reason}")]
    #[diagnostic(help(
        "`querist strategies` lists all, and with --task those that serve what is collected; policies can, and typiclust before there is any label"
    ))]
    Unfit { strategy: String, reason: String },
    /// A pool in which there is nothing to ask for.
    #[error("{file}: all {rows} rows have labels already")]
    #[diagnostic(help(
        "name the column of labels with --label if another one was taken, or leave it out with --ignore; rows to \
         be labelled have an empty cell there"
    ))]
    AllLabelled { file: String, rows: usize },
    /// An answer to a row that the pool does not have.
    #[error("{place}: row {found}, expected 0 to {last}")]
    #[diagnostic(help("rows are counted from 0; the header of the pool is none"))]
    UnknownRow { place: String, found: String, last: usize },
    /// An answer to a row by a name that no row has, or several have.
    #[error("{place}: {count} rows are called {found:?}, expected 1")]
    UnknownId { place: String, found: String, count: usize },
    /// An answer whose number and name are of two rows.
    #[error("{place}: row {row} is called {called:?}, but the answer is to {found:?}")]
    #[diagnostic(help(
        "nothing was taken; leave out the column `row` or the column `id`, whichever is wrong"
    ))]
    RowAndId { place: String, row: usize, called: String, found: String },
    /// A class that is none of those the session was made with.
    #[error("{place}: class {found:?} is none of the {known} classes of this session")]
    #[diagnostic(help("{hint}"))]
    UnknownClass { place: String, found: String, known: usize, hint: String },
    /// A label that is none of those the session was made with.
    #[error("{place}: label {found:?} is none of the {known} labels of this session")]
    #[diagnostic(help("{hint}"))]
    UnknownLabel { place: String, found: String, known: usize, hint: String },
    /// What sessions of classes alone can do.
    #[error("{what}: only where classes are collected, and this session collects {}", kind.name())]
    #[diagnostic(help("{hint}"))]
    ClassesAlone { what: &'static str, kind: TargetKind, hint: &'static str },
    /// What cannot show or take masks.
    #[error("{what}: not for masks, which this session collects")]
    #[diagnostic(help(
        "outline the images of `querist session ask DIR` elsewhere, and `tell` the folder of the masks, called as the images are"
    ))]
    NoMasks { what: &'static str },
    /// Two answers of one annotator to one row at once.
    #[error("{place}: row {row} was answered before, in {first}, by the same annotator")]
    #[diagnostic(help("nothing was taken; leave one of the two out"))]
    Twice { place: String, row: usize, first: String },
    /// Answers that were given to another session.
    #[error("{place}: an answer of session {found}, but this is session {this}")]
    #[diagnostic(help("rows are numbered by their session's pool; tell the session that asked"))]
    OtherSession { place: String, found: String, this: String },
    /// A text that is not what it should be.
    #[error("{place}: {found:?} is not {expected}")]
    Field { place: String, found: String, expected: String },
    /// A line of a table of answers with more or fewer fields than its first.
    #[error("{place}: {found} fields, but the first line has {expected}")]
    #[diagnostic(help(
        "nothing was taken; a label that holds what separates the fields stands in quotation marks, and between commas decimals have a point"
    ))]
    Fields { place: String, found: usize, expected: usize },
    /// A `.json` file of answers that is no JSON.
    #[error("{}: not JSON: {problem}", path.display())]
    #[diagnostic(help(
        "nothing was taken; answers that end in .json are an export of Label Studio, those of a table end in .csv"
    ))]
    NoJson { path: PathBuf, problem: String },
    /// A file of answers without a column that is needed.
    #[error("{file}: no column {missing}; it has {found}")]
    #[diagnostic(help(
        "a file of answers has the columns row (or id) and label, and may have annotator and session"
    ))]
    NoColumn { file: String, missing: &'static str, found: String },
    /// Nothing to predict with.
    #[error("{}: the answers hold {found} different {}, at least 2 are needed to predict", dir.display(), kind.name())]
    #[diagnostic(help("`querist session ask` says which rows to label next, and `tell` takes the answers"))]
    TooFew { dir: PathBuf, kind: TargetKind, found: usize },
}

impl Fault for SessionError {
    fn exit(&self) -> Exit {
        Exit::BadInput
    }
}
