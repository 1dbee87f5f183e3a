//! Ctrl-C and SIGTERM: the first asks to stop, the second stops at once.

use super::error::CliError;
use super::output;
use crate::error::{Exit, Result};
use crate::run::Cancel;

/// Raises the flag on the first signal; ends the process on the second. Files are safe either way:
/// what is not yet recorded is not there.
pub fn catch() -> Result<Cancel> {
    let cancel = Cancel::new();
    let flag = cancel.clone();
    let handler = move || {
        if flag.raise() {
            output::message("stopping after the cells in flight; once more to stop at once");
        } else {
            std::process::exit(Exit::Interrupted as i32);
        }
    };
    ctrlc::set_handler(handler).map_err(|error| CliError::Signals { reason: error.to_string() })?;
    Ok(cancel)
}
