//! `querist data`.

use crate::cli::args::{DataArgs, DataCommand};
use crate::cli::{backend, output};
use crate::error::Result;

/// Looks at a data file.
pub fn data(args: &DataArgs) -> Result<()> {
    let DataCommand::Describe(describe) = &args.command;
    let (json, text) = backend::describe(describe)?;
    if describe.json { output::json(&json) } else { output::data(&text) }
}
