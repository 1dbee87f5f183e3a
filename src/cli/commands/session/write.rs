//! `querist session predict` and `querist session export`.

use super::args::{ExportArgs, FileFormat, PredictArgs, WriteArgs};
use super::{open, open_at, out_file};
use crate::cli::outfile::PredictionsOut;
use crate::data::TargetKind;
use crate::error::Result;
use crate::session::{Clock, Format, Session, SessionError};

/// Predicts every row and writes a table, or a picture per mask.
pub fn predict(args: &PredictArgs) -> Result<()> {
    let mut session = open(&args.open)?;
    if let Some(out) = folder(&session, &args.write)? {
        return out.write(&session.predict()?.predicted);
    }
    let format = format(&args.write)?;
    let out = out_file(&session, &args.write.out, args.write.force)?;
    out.write(&session.predict()?.table().bytes(format)?)
}

/// Writes the labels.
pub fn export(args: &ExportArgs) -> Result<()> {
    let mut session = open_at(&args.dir, Clock::System)?;
    if let Some(out) = folder(&session, &args.write)? {
        return out.write_pictures(&session.pictures()?);
    }
    let out = out_file(&session, &args.write.out, args.write.force)?;
    let bytes = match args.write.format {
        Some(FileFormat::LabelStudio) => session.label_studio_labels()?.to_string().into_bytes(),
        _ => session.export(format(&args.write)?)?,
    };
    out.write(&bytes)
}

/// The folder that pictures of masks are written to, where masks are collected.
fn folder<'a>(session: &Session, args: &'a WriteArgs) -> Result<Option<PredictionsOut<'a>>> {
    let kind = session.settings().task;
    if kind != TargetKind::Mask {
        return Ok(None);
    }
    if args.format.is_some() {
        return Err(SessionError::Field {
            place: "--format".to_string(),
            found: "a format of tables".to_string(),
            expected: "left out: masks are pictures in the folder of --out".to_string(),
        }
        .into());
    }
    PredictionsOut::new(&args.out, kind, args.force, &[session.dir()]).map(Some)
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
