//! `querist data`.

use crate::cli::args::{DataArgs, DataCommand};
use crate::cli::output;
use crate::data::describe;
use crate::data::readers::{self, ReadOptions};
use crate::error::Result;
use serde_json::json;

/// Looks at a data file.
pub fn data(args: &DataArgs) -> Result<()> {
    let DataCommand::Describe(args) = &args.command;
    let default = ReadOptions::default();
    let options =
        ReadOptions { label: args.label.clone().unwrap_or_else(|| default.label.clone()), ..default };
    let description = describe(&readers::read(&args.file, &options)?);
    if args.json { output::json(&json!(description)) } else { output::data(&format!("{description}\n")) }
}
