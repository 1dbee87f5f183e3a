//! The tidy row: what one round of one episode came to.

use crate::data::Answers;
use crate::learner::{Metric, Scores};
use serde::{Deserialize, Serialize};

/// One round of one episode. A run's rows are its results; timings are kept apart, so that the rows
/// of two runs of one plan are equal byte for byte.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// The task (data set) the episode ran on.
    pub task: String,
    /// The strategy that queried.
    pub strategy: String,
    /// The network's shape, as [`NetSpec`](crate::arch::NetSpec) prints it.
    pub architecture: String,
    /// Repetition: strategies of one repetition share split, initial labels and initial weights.
    pub repetition: u32,
    /// Zero for the fit on the initial labels.
    pub round: u32,
    /// Labels asked for so far, the initial ones included. Every question counts, whatever the answer.
    pub labels: u32,
    /// What `accuracy` and `reward_accuracy` are: [`Metric::Accuracy`], which rows do not say, or the first figure of
    /// another kind of targets.
    #[serde(default, skip_serializing_if = "Metric::is_accuracy")]
    pub metric: Metric,
    /// Share of test rows classified correctly; of other targets, their first figure on the test rows.
    pub accuracy: f64,
    /// Mean recall on the test rows of the classes that have one ([`Scores`]); none of other targets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub balanced_accuracy: Option<f64>,
    /// Mean F1 on the test rows of the classes that have one or are predicted ([`Scores`]); none of other targets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub macro_f1: Option<f64>,
    /// One minus the equal error rate on the test rows ([`Metric::Verification`]), where it is what a run is judged by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verification: Option<f64>,
    /// Mean average precision on the test rows of sets of labels ([`Scores`]); none of other targets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean_average_precision: Option<f64>,
    /// Mean intersection over union on the test images of masks ([`Scores`]); none of other targets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iou: Option<f64>,
    /// Share of reward rows classified correctly; of other targets, their first figure on the reward rows.
    pub reward_accuracy: f64,
    /// Gradient steps made so far in the episode, search included.
    pub steps: u64,
    /// Rows of the data set, counted from 0 (a table's header is no row), that were asked for at the end of
    /// this round; empty in the last.
    pub picks: Vec<u32>,
    /// What the data set calls these rows; empty where it does not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pick_ids: Vec<String>,
    /// A failure with a defined consequence (a diverged fit, a fallback), the pseudo-labels that the fit took
    /// part in, or what the query left out of account, if there was any of these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// What the questions came to; only with annotators of the plan's, and in open sets, where `unanswerable` counts rejections.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answers: Option<Answers>,
    /// Rules that would have stopped here; only where the plan asks them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stops: Vec<String>,
}

impl Row {
    /// One of the figures on the test rows; NaN for one that the row has not.
    pub fn by(&self, metric: Metric) -> f64 {
        let [balanced_accuracy, macro_f1, mean_average_precision, iou] =
            [self.balanced_accuracy, self.macro_f1, self.mean_average_precision, self.iou]
                .map(|figure| figure.unwrap_or(f64::NAN));
        let (first, accuracy) = (self.metric, self.accuracy);
        let verification = self.verification;
        Scores {
            metric: first,
            accuracy,
            balanced_accuracy,
            macro_f1,
            verification,
            mean_average_precision,
            iou,
        }
        .by(metric)
    }
}
