//! The train stage: what it hands on.

use serde::{Deserialize, Serialize};

/// A trained policy, as the journal remembers it. The weights are in the run's folder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trained {
    /// The digest of the weights, compared when they are loaded.
    pub digest: String,
    /// Figures along the training, for the report; one per evaluation.
    pub curve: Vec<Point>,
}

/// One evaluation of a policy in training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Point {
    /// `"imitation"` or `"policy_gradient"`.
    pub phase: String,
    /// Epochs or updates so far.
    pub iteration: u64,
    /// The loss that is minimised, or the mean return; which, the phase says.
    pub value: f64,
    /// Mean difference to the baseline on the validation tasks, in normalised area under the learning
    /// curve, where it was measured.
    pub validation: Option<f64>,
}
