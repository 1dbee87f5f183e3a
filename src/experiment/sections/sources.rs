//! `[sources]`: where the policy and the architecture are learned.

use super::dataset::{DataRef, by_task, is_classification};
use super::episode::MAX_POOL;
use super::randomise::{self, Randomise, Switch};
use crate::data::TargetKind;
use crate::data::synthetic::Family;
use crate::experiment::error::ExperimentError;
use crate::experiment::keys::{Ask, list, number, section, whole, whole_table, word};
use crate::experiment::raw::Section;
use crate::experiment::vocabulary::Vocabulary;

section! {
    /// Where the policy and the architecture are learned.
    pub struct Sources(vocabulary: &Vocabulary) {
        /// What policies learn to ask for: classes, or numbers (`"regression"`). Generated tasks of numbers have the inputs of
        /// generated tasks of classes, and random functions of them in the place of classes.
        #[serde(skip_serializing_if = "is_classification", serialize_with = "by_task")]
        task: TargetKind = word([TargetKind::Class, TargetKind::Real].map(|kind| (kind.task(), kind))).or(TargetKind::Class)
            .absent("`\"classification\"`");
        /// Real data sets.
        datasets: Vec<DataRef> = DataRef::rule(vocabulary).or(vec![]);
        /// Synthetic tasks, drawn by the run's seed. A policy that is imitated on 63 gains half as much as one on 252,
        /// and one that is imitated on more gains no more beyond noise.
        synthetic: usize = whole(0..=100_000).or(252);
        /// Real data sets that choose between checkpoints and are not learned from.
        validation: Vec<DataRef> = DataRef::rule(vocabulary).or(vec![]);
        /// Synthetic tasks for the same: by default two of each family.
        validation_synthetic: usize = whole(0..=100_000).or(14);
        /// Share of synthetic tasks with 21 to 150 classes; the others have 2 to 20.
        many_classes: f64 = number(0.0..=1.0).or(0.0);
        /// At most this many rows in the pool of a source task.
        max_pool: usize = whole(2..=MAX_POOL).or(400);
        /// At most this many rows in its reward part.
        max_held: usize = whole(1..=MAX_POOL).or(400);
        /// Splits of every source task that episodes take in turn.
        splits: usize = whole(1..=1_000).or(2);
        /// Variations of every real set, beside the set itself: subsets of its classes and columns, rotated,
        /// imbalanced, noisy, with distractors. Validation sets are left as they are.
        variants: usize = whole(0..=10_000).or(0);
        /// Kinds of synthetic tasks, in turn.
        families: Vec<Family> = list(word(Family::ALL.map(|family| (family.name(), family)))).or(vec![])
            .absent("all")
            .then(|given| if given.is_empty() { Family::ALL.to_vec() } else { given });
        /// What differs between the episodes of the tasks: `false` for nothing, or a table.
        #[serde(serialize_with = "randomise::write")]
        randomise: Option<Randomise> = Switch;
    }
}

impl Sources {
    pub(in crate::experiment) fn read(
        section: Section,
        vocabulary: &Vocabulary,
    ) -> Result<Self, ExperimentError> {
        whole_table(section, |section| Self::keys(section, vocabulary))
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
