//! The one error type that crosses layers.
//!
//! Every layer has an enum of its own, a variant per rule, with the place (file, row, column, key)
//! and both numbers (expected, found) as fields. Such an enum is a [`Fault`]; [`Error`] boxes any of
//! them, so that a layer never has to know the faults of the layers to its right.

use std::fmt;

/// What a failure means to the caller of the binary; the number is the process's exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// The work itself failed (disk, a diverged search, a crashed worker).
    Failed = 1,
    /// What the user handed in is wrong: a file, a plan, an argument.
    BadInput = 2,
    /// Ctrl-C or SIGTERM; the run can be resumed.
    Interrupted = 130,
}

/// A typed failure of one layer.
///
/// `help` of [`miette::Diagnostic`] is what the command line prints after `hint:`.
pub trait Fault: std::error::Error + miette::Diagnostic + Send + Sync + 'static {
    /// Which exit code this failure ends the process with.
    fn exit(&self) -> Exit {
        Exit::BadInput
    }
}

/// Any layer's [`Fault`].
pub struct Error(Box<dyn Fault>);

/// The crate's result type.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// The exit code this failure ends the process with.
    pub fn exit(&self) -> Exit {
        self.0.exit()
    }

    /// What the user may do about it, if anything is known.
    pub fn hint(&self) -> Option<String> {
        self.0.help().map(|help| help.to_string())
    }

    /// The layer's own error, if it is a `T`.
    pub fn downcast_ref<T: Fault>(&self) -> Option<&T> {
        let error: &(dyn std::error::Error + 'static) = &*self.0;
        error.downcast_ref::<T>()
    }
}

impl<T: Fault> From<T> for Error {
    fn from(fault: T) -> Self {
        Self(Box::new(fault))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}
