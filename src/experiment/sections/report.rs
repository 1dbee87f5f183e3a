//! `[report]`: what the report asks of the rows.

use crate::experiment::error::ExperimentError;
use crate::experiment::keys::{Ask, list, number, section, whole_table};
use crate::experiment::raw::Section;

section! {
    /// What the report asks of the rows. It changes no row.
    pub struct Report {
        /// The value of `episode.metric` at which saved labels are counted, the same on every task; instead of
        /// `target_shares`.
        #[serde(skip_serializing_if = "Option::is_none")]
        target_accuracy: Option<f64> = number(0.0..=1.0).optional();
        /// Saved labels are counted at these shares of what the classifier reaches with every label of the pool, which
        /// is measured.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        target_shares: Vec<f64> = list(number(0.01..=1.0)).or(vec![0.9, 0.95])
            .when(target_accuracy.is_none(), "without `target_accuracy`")
            .then(Option::unwrap_or_default);
    }
}

impl Report {
    pub(in crate::experiment) fn read(section: Section) -> Result<Self, ExperimentError> {
        whole_table(section, Self::keys)
    }
}
