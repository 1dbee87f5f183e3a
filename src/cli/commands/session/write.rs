//! `querist session predict` and `querist session export`.

use super::args::{ExportArgs, FileFormat, PredictArgs, WriteArgs};
use super::open;
use crate::cli::outfile::OutFile;
use crate::error::Result;
use crate::session::{Format, SessionError};

/// Predicts every row and writes a table.
pub fn predict(args: &PredictArgs) -> Result<()> {
    let (out, format) = place(&args.write)?;
    out.write(&open(&args.open)?.predict()?.table().bytes(format)?)
}

/// Writes the labels.
pub fn export(args: &ExportArgs) -> Result<()> {
    if args.write.format == Some(FileFormat::LabelStudio) {
        let out = OutFile::new(&args.write.out, args.write.force, &[])?;
        let tasks = open(&args.open)?.label_studio_labels()?;
        return out.write(tasks.to_string().as_bytes());
    }
    let (out, format) = place(&args.write)?;
    out.write(&open(&args.open)?.export(format)?)
}

/// Where to write, and in which format.
fn place(args: &WriteArgs) -> Result<(OutFile<'_>, Format)> {
    let format = match args.format {
        Some(FileFormat::Csv) => Some(Format::Csv),
        Some(FileFormat::Jsonl) => Some(Format::Jsonl),
        Some(FileFormat::Parquet) => Some(Format::Parquet),
        Some(FileFormat::LabelStudio) => None,
        None => Format::of(&args.out),
    };
    let format = format.ok_or_else(|| SessionError::Field {
        place: "--out".to_string(),
        found: args.out.display().to_string(),
        expected: "a name that ends with .csv, .jsonl or .parquet; --format says it otherwise".to_string(),
    })?;
    Ok((OutFile::new(&args.out, args.force, &[])?, format))
}
