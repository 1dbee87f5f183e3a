//! `[sources]`: where the policy and the architecture are learned, and how data sets are named.

use super::episode::MAX_POOL;
use super::randomise::{self, Randomise};
use crate::data::readers::stem_of;
use crate::data::synthetic::Family;
use crate::experiment::error::{ExperimentError, Place};
use crate::experiment::raw::{self, Node, Section, Value};
use crate::experiment::vocabulary::Vocabulary;
use serde::Serialize;
use std::path::Path;

/// A data set: the name of an embedded or generated one or of one in the data folder, or a file.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(untagged)]
pub enum DataRef {
    /// `"iris"`
    Named(String),
    /// `{ file = "my.csv", name = "mine", label = "y", features = "my.npy", id = "case" }`; paths as the shell
    /// sees them.
    File {
        file: String,
        /// What rows and messages call it. Default the file's name without its endings, and where two sets of
        /// a plan would have one name, as much more of their paths as tells them apart.
        #[serde(skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        /// The label's column. Not needed where the format has labels of its own.
        #[serde(skip_serializing_if = "Option::is_none")]
        label: Option<String>,
        /// A NumPy file with the inputs, one row per row of `file`.
        #[serde(skip_serializing_if = "Option::is_none")]
        features: Option<String>,
        /// The column with what the rows are called: no feature, but written beside the picks.
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<String>,
    },
}

/// The longest name of a data set.
const MAX_NAME: usize = 200;

impl DataRef {
    /// The name that rows and messages use: the set's own or the one that was given, else the file's without
    /// the endings of its format.
    pub fn name(&self) -> &str {
        match self {
            DataRef::Named(name) | DataRef::File { name: Some(name), .. } => name,
            DataRef::File { file, name: None, .. } => {
                stem_of(Path::new(file).file_name().and_then(|name| name.to_str()).unwrap_or(file))
            }
        }
    }

    /// Takes a list of data sets.
    pub(in crate::experiment) fn list(
        section: &mut Section,
        key: &'static str,
        vocabulary: &Vocabulary,
    ) -> Result<Option<Vec<Self>>, ExperimentError> {
        let name = section.name(key);
        let read = |node: Node, name| {
            let place = node.place.clone();
            Ok((Self::read(node, name, vocabulary)?, place))
        };
        let Some(list) = section.list(key, read)? else { return Ok(None) };
        raw::refuse_twice(&name, list.iter().map(|(one, place)| (one, place)), |one| one.name())?;
        Ok(Some(list.into_iter().map(|(one, _)| one).collect()))
    }

    fn read(node: Node, name: String, vocabulary: &Vocabulary) -> Result<Self, ExperimentError> {
        if let Value::Table(_) = node.value {
            let place = node.place.clone();
            let mut section = raw::section_of(node, name)?;
            let text = |text: Option<(String, Place)>| text.map(|(text, _)| text);
            let file = text(section.text("file")?);
            let name = section.text("name")?.map(|(name, place)| check_name(name, place)).transpose()?;
            let (label, features) = (text(section.text("label")?), text(section.text("features")?));
            let id = text(section.text("id")?);
            let key = section.name("file");
            section.finish()?;
            let why = "a data set is a name or a table with `file` and `label`".to_string();
            let file = file.ok_or(ExperimentError::Missing { place, key, why })?;
            return Ok(DataRef::File { file, name, label, features, id });
        }
        let (found, place) = raw::text_of(node, name.clone())?;
        if vocabulary.dataset_names().any(|known| known == found) {
            return Ok(DataRef::Named(found));
        }
        Err(raw::unknown_word(place, name, found, vocabulary.dataset_names()))
    }
}

/// Names stand in tables, in lines of text and in the report: one line each, and not too long.
fn check_name(name: String, place: Place) -> Result<String, ExperimentError> {
    let length = name.chars().count();
    if name.trim().is_empty() || length > MAX_NAME || name.chars().any(char::is_control) {
        let why =
            format!("has {length} characters, expected 1 to {MAX_NAME} that can be printed on one line");
        let hint = "leave it out to have the file's name".to_string();
        return Err(ExperimentError::Conflict { place, key: "name".into(), why, hint });
    }
    Ok(name)
}

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
