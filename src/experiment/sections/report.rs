//! `[report]`: what the report asks of the rows.

use crate::experiment::error::ExperimentError;
use crate::experiment::raw::{self, Section};
use serde::Serialize;

/// What the report asks of the rows. It changes no row.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// The value of `episode.metric` at which saved labels are counted, the same on every task; instead of
    /// `target_shares`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_accuracy: Option<f64>,
    /// Saved labels are counted at these shares of what the classifier reaches with every label of the pool, which
    /// is measured. Default `[0.9, 0.95]`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub target_shares: Vec<f64>,
}

impl Report {
    pub(in crate::experiment) fn read(mut section: Section) -> Result<Self, ExperimentError> {
        let target_accuracy = section.optional_number("target_accuracy", 0.0..=1.0)?;
        let share = |node, name| raw::number_of(node, name, 0.01..=1.0);
        let target_shares = match target_accuracy {
            None => section.list("target_shares", share)?.unwrap_or_else(|| vec![0.9, 0.95]),
            // Not asked for, and so refused as unknown.
            Some(_) => Vec::new(),
        };
        section.finish()?;
        Ok(Self { target_accuracy, target_shares })
    }
}
