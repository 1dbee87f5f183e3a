//! `[sources]`: where the policy and the architecture are learned.

use super::dataset::DataRef;
use super::episode::MAX_POOL;
use super::randomise::{self, Randomise};
use crate::data::synthetic::Family;
use crate::experiment::error::ExperimentError;
use crate::experiment::raw::{self, Section};
use crate::experiment::vocabulary::Vocabulary;
use serde::Serialize;

/// Where the policy and the architecture are learned.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Sources {
    /// Real data sets. Default none.
    pub datasets: Vec<DataRef>,
    /// Synthetic tasks, drawn by the run's seed. Default 252: a policy that is imitated on 63 gains half as much, and
    /// one that is imitated on more than 252 gains no more beyond noise.
    pub synthetic: usize,
    /// Real data sets that choose between checkpoints and are not learned from. Default none.
    pub validation: Vec<DataRef>,
    /// Synthetic tasks for the same. Default 14, two of each family.
    pub validation_synthetic: usize,
    /// At most this many rows in the pool of a source task. Default 400.
    pub max_pool: usize,
    /// At most this many rows in its reward part. Default 400.
    pub max_held: usize,
    /// Splits of every source task that episodes take in turn. Default 2.
    pub splits: usize,
    /// Variations of every real set, beside the set itself: subsets of its classes and columns, rotated,
    /// imbalanced, noisy, with distractors. Validation sets are left as they are. Default 0.
    pub variants: usize,
    /// Kinds of synthetic tasks, in turn. Default all.
    pub families: Vec<Family>,
    /// What differs between the episodes of the tasks: `true` (default), `false` or a table.
    #[serde(serialize_with = "randomise::write")]
    pub randomise: Option<Randomise>,
}

impl Sources {
    pub(in crate::experiment) fn read(
        mut section: Section,
        vocabulary: &Vocabulary,
    ) -> Result<Self, ExperimentError> {
        let s = &mut section;
        let sources = Self {
            datasets: DataRef::list(s, "datasets", vocabulary)?.unwrap_or_default(),
            synthetic: s.count("synthetic", 252, 0..=100_000)?,
            validation: DataRef::list(s, "validation", vocabulary)?.unwrap_or_default(),
            validation_synthetic: s.count("validation_synthetic", 14, 0..=100_000)?,
            max_pool: s.count("max_pool", 400, 2..=MAX_POOL)?,
            max_held: s.count("max_held", 400, 1..=MAX_POOL)?,
            splits: s.count("splits", 2, 1..=1_000)?,
            variants: s.count("variants", 0, 0..=10_000)?,
            families: families(s)?,
            randomise: Randomise::read(s)?,
        };
        section.finish()?;
        Ok(sources)
    }

    /// Tasks that are learned from.
    pub fn tasks(&self) -> usize {
        self.datasets.len() * (1 + self.variants) + self.synthetic
    }

    /// Tasks that choose between checkpoints.
    pub fn validation_tasks(&self) -> usize {
        self.validation.len() + self.validation_synthetic
    }
}

fn families(section: &mut Section) -> Result<Vec<Family>, ExperimentError> {
    let names = || Family::ALL.into_iter().map(Family::name);
    let read = |node, name: String| {
        let (found, place) = raw::text_of(node, name.clone())?;
        let family = Family::ALL.into_iter().find(|family| family.name() == found);
        family.ok_or_else(|| raw::unknown_word(place, name, found, names()))
    };
    let given = section.list("families", read)?.unwrap_or_default();
    Ok(if given.is_empty() { Family::ALL.to_vec() } else { given })
}
