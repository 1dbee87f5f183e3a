//! `querist session predict` and `querist session export`.

use super::args::{ExportArgs, FileFormat, PredictArgs, WriteArgs};
use super::{open, out_file};
use crate::error::Result;
use crate::session::{Format, SessionError};

/// Predicts every row and writes a table.
pub fn predict(args: &PredictArgs) -> Result<()> {
    let mut session = open(&args.open)?;
    let format = format(&args.write)?;
    let out = out_file(&session, &args.write.out, args.write.force)?;
    out.write(&session.predict()?.table().bytes(format)?)
}

/// Writes the labels.
pub fn export(args: &ExportArgs) -> Result<()> {
    let mut session = open(&args.open)?;
    let out = out_file(&session, &args.write.out, args.write.force)?;
    let bytes = match args.write.format {
        Some(FileFormat::LabelStudio) => session.label_studio_labels()?.to_string().into_bytes(),
        _ => session.export(format(&args.write)?)?,
    };
    out.write(&bytes)
}

/// The format of a table.
fn format(args: &WriteArgs) -> Result<Format> {
    let refused = |found: String, expected: &str| SessionError::Field {
        place: "--out".to_string(),
        found,
        expected: expected.to_string(),
    };
    match args.format {
        Some(FileFormat::Csv) => Ok(Format::Csv),
        Some(FileFormat::Jsonl) => Ok(Format::Jsonl),
        Some(FileFormat::Parquet) => Ok(Format::Parquet),
        Some(FileFormat::LabelStudio) => Err(refused(
            "label-studio".to_string(),
            "csv, jsonl or parquet, since tasks hold labels and no predictions",
        ))?,
        None => Ok(Format::of(&args.out).ok_or_else(|| {
            let expected = "a name that ends with .csv, .jsonl or .parquet; --format says it otherwise";
            refused(args.out.display().to_string(), expected)
        })?),
    }
}
