//! `querist session status`.

use super::args::StatusArgs;
use super::open;
use crate::cli::output;
use crate::error::Result;
use serde_json::json;

/// Says how far the labelling has come.
pub fn status(args: &StatusArgs) -> Result<()> {
    let mut session = open(&args.open)?;
    let status = session.status()?;
    match args.json {
        true => output::json(&json!(status)),
        false => output::data(&status.to_string()),
    }
}
