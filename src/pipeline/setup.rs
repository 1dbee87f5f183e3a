//! [`Setup`]: what a plan may name, and what is changed in its file.

use super::Pipeline;
use crate::agent::Algorithms;
use crate::data::Readers;
use crate::error::Result;
use crate::experiment::{Plan, Vocabulary};
use crate::query::Registry;
use crate::search::Methods;
use std::path::{Path, PathBuf};

/// What a plan may name, and what is changed in its file before it is checked.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    vocabulary: Vocabulary,
    sets: Vec<String>,
    seed: Option<u64>,
}

impl Setup {
    /// With these strategies instead of those that come with this crate.
    pub fn registry(mut self, registry: Registry) -> Self {
        self.vocabulary.registry = registry;
        self
    }

    /// With these readers of formats that this crate does not know.
    pub fn readers(mut self, readers: Readers) -> Self {
        self.vocabulary.readers = readers;
        self
    }

    /// With these learning algorithms, beside those of the policy, instead of those that come with this crate.
    pub fn algorithms(mut self, algorithms: Algorithms) -> Self {
        self.vocabulary.algorithms = algorithms;
        self
    }

    /// With these searches over architectures instead of those that come with this crate.
    pub fn methods(mut self, methods: Methods) -> Self {
        self.vocabulary.methods = methods;
        self
    }

    /// With a folder in which data sets are found by name; it goes before the file's own.
    pub fn data_dir(mut self, dir: Option<PathBuf>) -> Self {
        self.vocabulary.data_dir = dir;
        self
    }

    /// With one more key changed: `episode.rounds=20`.
    pub fn set(mut self, change: impl Into<String>) -> Self {
        self.sets.push(change.into());
        self
    }

    /// With more keys changed.
    pub fn sets(mut self, changes: impl IntoIterator<Item = String>) -> Self {
        self.sets.extend(changes);
        self
    }

    /// With another seed than the file's, if one is given.
    pub fn seed(mut self, seed: impl Into<Option<u64>>) -> Self {
        self.seed = seed.into();
        self
    }

    /// The names that plans may use.
    pub fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    /// Reads and checks an experiment file.
    ///
    /// # Errors
    /// [`ExperimentError`](crate::experiment::ExperimentError) with the place in the file.
    pub fn load(&self, path: impl AsRef<Path>) -> Result<Pipeline> {
        Ok(Pipeline::of(Plan::load(path.as_ref(), &self.sets, self.seed, &self.vocabulary)?))
    }

    /// Checks the text of an experiment file.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn parse(&self, text: &str) -> Result<Pipeline> {
        Ok(Pipeline::of(Plan::parse(text, "(plan)", &self.sets, self.seed, &self.vocabulary)?))
    }
}
