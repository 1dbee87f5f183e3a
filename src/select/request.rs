//! [`Request`]: the arrays of one query.

use super::array::Array;
use super::words::{Argument, Plain, Words};
use crate::rng::Key;
use std::fmt;

/// What one query is made over. Nothing is checked, and nothing copied, before a
/// [`Selector`](super::Selector) reads it; what the selector does not need is not looked at.
pub struct Request<'a> {
    pub(super) features: Array<'a>,
    pub(super) labelled: &'a [usize],
    pub(super) labels: Option<&'a [u32]>,
    pub(super) probabilities: Option<Array<'a>>,
    pub(super) passes: Vec<Array<'a>>,
    pub(super) committee: Vec<Array<'a>>,
    pub(super) embeddings: Option<Array<'a>>,
    pub(super) head: Option<(Array<'a>, &'a [f32])>,
    pub(super) temperature: Option<f32>,
    pub(super) classes: Option<usize>,
    pub(super) budget: Option<usize>,
    pub(super) batch: usize,
    pub(super) key: Key,
    pub(super) normalised: bool,
    pub(super) words: &'a dyn Words,
}

impl<'a> Request<'a> {
    /// A query for one row of a pool with these features, shape `[n, d]`, of which none is labelled.
    pub fn new(features: impl Into<Array<'a>>) -> Self {
        Self {
            features: features.into(),
            labelled: &[],
            labels: None,
            probabilities: None,
            passes: Vec::new(),
            committee: Vec::new(),
            embeddings: None,
            head: None,
            temperature: None,
            classes: None,
            budget: None,
            batch: 1,
            key: Key::root(0).named("select"),
            normalised: false,
            words: &Plain,
        }
    }

    /// The rows that are labelled, in the order in which they were asked for. All others are candidates.
    pub fn labelled(self, rows: &'a [usize]) -> Self {
        Self { labelled: rows, ..self }
    }

    /// The classes of the labelled rows, counted from zero.
    pub fn labels(self, classes: &'a [u32]) -> Self {
        Self { labels: Some(classes), ..self }
    }

    /// Class probabilities of all rows, shape `[n, classes]`.
    pub fn probabilities(self, all: impl Into<Array<'a>>) -> Self {
        Self { probabilities: Some(all.into()), ..self }
    }

    /// Class probabilities of all rows under each of several stochastic passes, each of shape `[n, classes]`.
    pub fn passes(self, passes: impl IntoIterator<Item = impl Into<Array<'a>>>) -> Self {
        Self { passes: passes.into_iter().map(Into::into).collect(), ..self }
    }

    /// Class probabilities of all rows by each member of a committee, each of shape `[n, classes]`.
    pub fn committee(self, members: impl IntoIterator<Item = impl Into<Array<'a>>>) -> Self {
        Self { committee: members.into_iter().map(Into::into).collect(), ..self }
    }

    /// Penultimate embeddings of all rows, shape `[n, e]`; the features where none are given.
    pub fn embeddings(self, all: impl Into<Array<'a>>) -> Self {
        Self { embeddings: Some(all.into()), ..self }
    }

    /// The last layer of the classifier: weights of shape `[classes, e]`, and a bias per class.
    pub fn head(self, weights: impl Into<Array<'a>>, bias: &'a [f32]) -> Self {
        Self { head: Some((weights.into(), bias)), ..self }
    }

    /// The temperature that calibrates the probabilities.
    pub fn temperature(self, temperature: f32) -> Self {
        Self { temperature: Some(temperature), ..self }
    }

    /// The number of classes, where no probabilities tell it.
    pub fn classes(self, classes: usize) -> Self {
        Self { classes: Some(classes), ..self }
    }

    /// New labels that are still to be asked for, this query's included; a policy may choose by it.
    pub fn budget(self, labels: usize) -> Self {
        Self { budget: Some(labels), ..self }
    }

    /// Rows to choose; where fewer are left, these are all chosen. The default is one.
    pub fn batch(self, rows: usize) -> Self {
        Self { batch: rows, ..self }
    }

    /// What decides among equals, and what is drawn at random: the same seed, the same rows. The default is zero.
    pub fn seed(self, seed: u64) -> Self {
        self.key(Key::root(seed).named("select"))
    }

    /// As [`seed`](Self::seed), from a key of the caller's.
    pub fn key(self, key: Key) -> Self {
        Self { key, ..self }
    }

    /// Divides every row of probabilities by its sum, where that is off by rounding (`half` and printed numbers).
    pub fn normalised(self) -> Self {
        Self { normalised: true, ..self }
    }

    /// What errors and notes call the arguments.
    pub fn words(self, words: &'a dyn Words) -> Self {
        Self { words, ..self }
    }

    /// Whether an argument was given.
    pub(super) fn gives(&self, argument: Argument) -> bool {
        match argument {
            Argument::Features | Argument::Batch => true,
            Argument::Labelled => !self.labelled.is_empty(),
            Argument::Labels => self.labels.is_some(),
            Argument::Probabilities => self.probabilities.is_some(),
            Argument::Passes => !self.passes.is_empty(),
            Argument::Committee => !self.committee.is_empty(),
            Argument::Embeddings => self.embeddings.is_some(),
            Argument::Head => self.head.is_some(),
            Argument::Temperature => self.temperature.is_some(),
            Argument::Classes => self.classes.is_some(),
            Argument::Budget => self.budget.is_some(),
            Argument::Normalised => self.normalised,
        }
    }
}

impl fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let features = self.features.view();
        f.debug_struct("Request")
            .field("features", &(features.rows(), features.cols()))
            .field("labelled", &self.labelled.len())
            .field("batch", &self.batch)
            .finish_non_exhaustive()
    }
}
