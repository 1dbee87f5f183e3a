//! `[report]`: what the report asks of the rows.

use crate::experiment::error::ExperimentError;
use crate::experiment::raw::Section;
use serde::Serialize;

/// What the report asks of the rows. It changes no row.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// The accuracy at which saved labels are counted. Default 0.8.
    pub target_accuracy: f64,
}

impl Report {
    pub(in crate::experiment) fn read(mut section: Section) -> Result<Self, ExperimentError> {
        let target_accuracy = section.number("target_accuracy", 0.8, 0.0..=1.0)?;
        section.finish()?;
        Ok(Self { target_accuracy })
    }
}
