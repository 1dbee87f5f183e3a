//! `querist schema`: what an experiment file may say.

use crate::cli::args::SchemaArgs;
use crate::cli::output;
use crate::error::Result;
use crate::experiment::{Vocabulary, reference};

/// Prints the JSON Schema of experiment files, or their reference for people.
pub fn schema(args: &SchemaArgs) -> Result<()> {
    let vocabulary = Vocabulary::default();
    if args.markdown {
        output::data(&reference::page(&vocabulary))
    } else {
        output::json(&reference::schema(&vocabulary))
    }
}
