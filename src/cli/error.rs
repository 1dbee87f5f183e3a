//! What can go wrong at the command line itself.

use crate::error::{Exit, Fault};

/// Why a command fails that is not a layer's own error.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum CliError {
    /// The reader of stdout has closed it (`| head`). Not a failure.
    #[error("stdout was closed")]
    ReaderGone,
    /// Stdout cannot be written.
    #[error("stdout: cannot write: {source}")]
    Stdout { source: std::io::Error },
    /// The signal handler cannot be set.
    #[error("cannot catch Ctrl-C: {reason}")]
    Signals { reason: String },
    /// Cells without rows.
    #[error("{failed} of {total} cells failed; the first, `{cell}`: {reason}")]
    #[diagnostic(help(
        "the rest is in the run's folder; the same command again tries the failed cells anew"
    ))]
    CellsFailed { failed: usize, total: usize, cell: String, reason: String },
    /// A stage that the file does not ask for.
    #[error("{file}: no [{section}] section")]
    NoSection { file: String, section: &'static str },
    /// A benchmark of what only training gives.
    #[error("{file}: `bench` trains nothing, but the file compares {what}")]
    #[diagnostic(help(
        "name a trained one with transfer.policy, take it out with --set, or use `querist run`"
    ))]
    Unlearned { file: String, what: &'static str },
    /// A program without MPI is to be a rank.
    #[error("--mpi: this querist was built without MPI")]
    #[diagnostic(help(
        "cargo build --release --features mpi, with an MPI and libclang installed; or --shard I/N, which needs neither"
    ))]
    NoMpi,
    /// A process that helps with a training, told to begin it anew.
    #[error("--fresh: shard {shard} of a training removes nothing")]
    #[diagnostic(help("give --fresh to the first shard alone"))]
    FreshHelper { shard: usize },
    /// An output that would replace what the command reads.
    #[error("{}: the same file as the input {}", path.display(), input.display())]
    #[diagnostic(help("choose another name; an input is never overwritten, not even with --force"))]
    OwnInput { path: std::path::PathBuf, input: std::path::PathBuf },
    /// An output in a folder that the command reads.
    #[error("{}: within {}, which is read", path.display(), input.display())]
    #[diagnostic(help("choose another folder; an input is never written to, not even with --force"))]
    WithinInput { path: std::path::PathBuf, input: std::path::PathBuf },
    /// A folder for pictures that holds what no command has written.
    #[error("{}: holds files, and no command has written pictures there", path.display())]
    #[diagnostic(help(
        "choose another folder: with --force, too, pictures take the place of earlier ones alone"
    ))]
    ForeignFolder { path: std::path::PathBuf },
    /// A file that has the name of a picture and that no command has written, or that was changed since.
    #[error("{}: exists, and no command has written it as it is; a picture is to have this name", path.display())]
    #[diagnostic(help(
        "nothing was written; move the file away or choose another folder: with --force, too, pictures take the place of earlier ones alone"
    ))]
    ForeignPicture { path: std::path::PathBuf },
    /// An output's folder that holds what the command reads.
    #[error("{}: the input {} lies in it", path.display(), input.display())]
    #[diagnostic(help("choose another folder; an input is never overwritten or removed"))]
    HoldsInput { path: std::path::PathBuf, input: std::path::PathBuf },
    /// One place for two outputs.
    #[error("{}: --out and --predictions in one place", path.display())]
    #[diagnostic(help("give each a file of its own"))]
    SameOutput { path: std::path::PathBuf },
    /// A key of an experiment file that decides nothing here.
    #[error("--set {key}: decides nothing of `querist {command}`")]
    #[diagnostic(help("keys that do begin with {known}"))]
    NoEffect { key: String, command: &'static str, known: String },
    /// One place for the reports of several runs.
    #[error("--out {}: {runs} different runs, which cannot be reported in one folder", out.display())]
    #[diagnostic(help(
        "report them one by one, or leave --out away: each report then lies in its own run's folder"
    ))]
    OneReport { out: std::path::PathBuf, runs: usize },
    /// An address that cannot be listened on.
    #[error("{address}: {source}")]
    #[diagnostic(help("choose another address with --listen; port 0 takes a free one"))]
    Listen { address: std::net::SocketAddr, source: std::io::Error },
    /// The system gives no random bytes.
    #[error("no random bytes for a token: {source}")]
    Random { source: std::io::Error },
    /// The manual page of a command that is none.
    #[error("no command `{}`", crate::error::shorten(name))]
    #[diagnostic(help("{}", match nearest { Some(near) => format!("did you mean `{near}`?"), None => "`querist --help` lists them".into() }))]
    NoCommand { name: String, nearest: Option<String> },
    /// A data folder that is none.
    #[error("data folder {}: not a folder", dir.display())]
    #[diagnostic(help("name another one with --data-dir or QUERIST_DATA"))]
    NoDataDir { dir: std::path::PathBuf },
}

impl Fault for CliError {
    fn exit(&self) -> Exit {
        match self {
            CliError::NoSection { .. }
            | CliError::Unlearned { .. }
            | CliError::FreshHelper { .. }
            | CliError::NoMpi
            | CliError::OwnInput { .. }
            | CliError::WithinInput { .. }
            | CliError::ForeignFolder { .. }
            | CliError::ForeignPicture { .. }
            | CliError::HoldsInput { .. }
            | CliError::SameOutput { .. }
            | CliError::NoEffect { .. }
            | CliError::OneReport { .. }
            | CliError::NoCommand { .. }
            | CliError::NoDataDir { .. } => Exit::BadInput,
            _ => Exit::Failed,
        }
    }
}
