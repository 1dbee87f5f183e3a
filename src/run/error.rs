//! What can be wrong with a run.

use crate::durable::InputError;
use crate::error::{Exit, Fault};
use std::path::PathBuf;

/// Why a run cannot start, continue or be read.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum RunError {
    /// A file of the run cannot be opened, or is larger than such a file may be.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Input(#[from] InputError),
    /// A folder of the run, or the running binary, cannot be read.
    #[error("{}: cannot read: {source}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    /// A file of the run is not what was written.
    #[error("{}: damaged at byte {offset}: {reason}", path.display())]
    #[diagnostic(help(
        "nothing was changed; restore the file, or start anew in another folder with --out, or, where \
         manifest.json is sound, with --fresh"
    ))]
    Damaged { path: PathBuf, offset: u64, reason: String },
    /// A file of the run was written by a later release.
    #[error("{}: format version {found}, this binary knows versions up to {known}", path.display())]
    #[diagnostic(help("use the release that wrote it, or choose another folder with --out"))]
    Newer { path: PathBuf, found: u64, known: u64 },
    /// The folder holds another run.
    #[error("{}: the run there has {what} {stored}, this one has {found}{}", dir.display(), difference(detail))]
    #[diagnostic(help(
        "restore what was changed to continue it, choose another folder with --out, or start anew with --fresh"
    ))]
    Changed { dir: PathBuf, what: String, stored: String, found: String, detail: Option<String> },
    /// The folder holds something, but no run.
    #[error("{}: not empty and not a run folder (it holds {found:?} and no manifest.json)", dir.display())]
    #[diagnostic(help("nothing was changed; choose an empty or a new folder with --out"))]
    NotARun { dir: PathBuf, found: String },
    /// A checkpoint or list of another run.
    #[error("{}: of the run {stored}, this one is {found}", path.display())]
    #[diagnostic(help(
        "a checkpoint continues only the run that wrote it, and a report replaces only its own run's: move the \
         file away, or choose another folder with --out"
    ))]
    Foreign { path: PathBuf, stored: String, found: String },
    /// A file that the run made does not hold what it made.
    #[error("{}: changed since it was written: sha256 is {found}, the run wrote {stored}", path.display())]
    #[diagnostic(help("restore it; or move it away, and the same command makes it again"))]
    ArtefactChanged { path: PathBuf, stored: String, found: String },
    /// A file of this name is there that the run has not written.
    #[error("{}: exists, and is nothing that this run wrote", path.display())]
    #[diagnostic(help(
        "move it away or choose another folder with --out (`querist report --force` overwrites it)"
    ))]
    NotAnArtefact { path: PathBuf },
    /// What a run reads has changed while it was running.
    #[error("{name}: digest {found}, but {stored} when the run started")]
    #[diagnostic(help("restore what was changed, and run the same command again"))]
    InputChanged { name: String, stored: String, found: String },
    /// An MPI job does not work together.
    #[error("MPI: {problem}")]
    #[diagnostic(help(
        "start all ranks with the same binary on the same plan and data: mpirun -n N querist train FILE --mpi"
    ))]
    Mpi { problem: String },
    /// A file name that leads out of the folder.
    #[error("{}: `{name}` leads out of the run folder ({why})", dir.display())]
    #[diagnostic(help(
        "names inside a run folder are relative, without `..`, and stand for folders and regular files, not for \
         links or devices"
    ))]
    Outside { dir: PathBuf, name: String, why: &'static str },
    /// Two cells of one name: the later would be taken for done.
    #[error("run: two cells are called `{key}`")]
    TwinCells { key: String },
    /// Two results for one place.
    #[error("rows: two rows for {place}")]
    TwinRows { place: String },
    /// A result that is not a number.
    #[error(
        "rows: {place}: {field} is {found}, expected a share in [0, 1], or of numbers to be predicted at most 1"
    )]
    Value { place: String, field: &'static str, found: f64 },
    /// A row that is not one.
    #[error("{}:{line}: not a row: {reason}", path.display())]
    Row { path: PathBuf, line: usize, reason: String },
    /// The rows, or what stands beside them, are not those of the summary.
    #[error("{}: digest {found}, but the summary says {expected}", path.display())]
    #[diagnostic(help(
        "move the file away and run the experiment again: it makes the rows again from its journal"
    ))]
    RowsDigest { path: PathBuf, expected: String, found: String },
    /// The thread pool.
    #[error("run: cannot start {jobs} threads: {reason}")]
    #[diagnostic(help("choose fewer with --jobs"))]
    Threads { jobs: usize, reason: String },
    /// Work that others build on failed.
    #[error("run: `{key}` failed: {reason}")]
    Work { key: String, reason: String },
    /// Blocks of an array that were made in another way.
    #[error("{}: made with other settings: of {stored}, this run is {found}", folder.display())]
    #[diagnostic(help(
        "finish it with the model and options that it was begun with, or begin anew with --fresh, which removes it"
    ))]
    OtherBlocks { folder: PathBuf, stored: String, found: String },
    /// A block of another width than those before.
    #[error("row {row}: {found} columns, expected {expected} as in the rows before")]
    Width { row: usize, found: usize, expected: usize },
    /// A number that the elements of an array cannot hold.
    #[error("row {row}, column {column}: {value} is beyond what float16 can hold, {most}")]
    #[diagnostic(help("write float32"))]
    Overflow { row: usize, column: usize, value: f32, most: f32 },
    /// A training that other shards were to help with, and no first shard.
    #[error("{}: no sign of the first shard for {seconds} s", folder.display())]
    #[diagnostic(help(
        "start `querist train` with the same file and --out, and --shard 1/N; then this one again"
    ))]
    NoSign { folder: PathBuf, seconds: u64 },
    /// Ctrl-C or SIGTERM.
    #[error("interrupted with {done} of {total} cells done")]
    #[diagnostic(help("run the same command again to continue"))]
    Interrupted { done: usize, total: usize },
}

fn difference(detail: &Option<String>) -> String {
    detail.as_ref().map(|text| format!(" ({text})")).unwrap_or_default()
}

impl Fault for RunError {
    fn exit(&self) -> Exit {
        match self {
            RunError::Interrupted { .. } => Exit::Interrupted,
            RunError::Read { source, .. } if source.kind() == std::io::ErrorKind::NotFound => Exit::BadInput,
            RunError::Read { .. }
            | RunError::TwinCells { .. }
            | RunError::TwinRows { .. }
            | RunError::Value { .. }
            | RunError::Threads { .. }
            | RunError::NoSign { .. }
            | RunError::Mpi { .. }
            | RunError::Work { .. } => Exit::Failed,
            _ => Exit::BadInput,
        }
    }
}
