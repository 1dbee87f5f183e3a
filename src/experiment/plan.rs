//! [`Plan`]: the only runnable form of an experiment file.

use super::error::{ExperimentError, Place};
use super::raw::{self, Section, Table};
use super::sections::{DataRef, Episode, Learner, Report, Search, Sources, Train, Transfer};
use super::set;
use super::vocabulary::Vocabulary;
use crate::run::digest;
use serde::Serialize;
use std::path::Path;

/// The longest experiment file.
pub const MAX_BYTES: u64 = 1 << 20;
/// The longest name of a run.
const MAX_NAME: usize = 80;
/// TOML's integers are signed.
pub const MAX_SEED: u64 = i64::MAX as u64;

/// A checked experiment. There is no other way to one than through the checks.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Plan {
    name: String,
    seed: u64,
    learner: Learner,
    episode: Episode,
    sources: Sources,
    #[serde(skip_serializing_if = "Option::is_none")]
    train: Option<Train>,
    #[serde(skip_serializing_if = "Option::is_none")]
    search: Option<Search>,
    #[serde(skip_serializing_if = "Option::is_none")]
    transfer: Option<Transfer>,
    report: Report,
}

impl Plan {
    /// Reads and checks an experiment file, changed by `sets` (`a.b=value`) and `seed`.
    pub fn load(
        path: &Path,
        sets: &[String],
        seed: Option<u64>,
        vocabulary: &Vocabulary,
    ) -> Result<Self, ExperimentError> {
        let unreadable = |source| ExperimentError::Read { path: path.to_path_buf(), source };
        let found = std::fs::metadata(path).map_err(unreadable)?.len();
        if found > MAX_BYTES {
            return Err(ExperimentError::TooLarge { path: path.to_path_buf(), found, limit: MAX_BYTES });
        }
        let text = String::from_utf8(std::fs::read(path).map_err(unreadable)?).map_err(|error| {
            let offset = error.utf8_error().valid_up_to();
            ExperimentError::NotUtf8 { path: path.to_path_buf(), offset }
        })?;
        Self::parse(&text, &path.display().to_string(), sets, seed, vocabulary)
    }

    /// Checks the text of an experiment file; `file` is its name in messages and, without extension,
    /// the run's default name.
    pub fn parse(
        text: &str,
        file: &str,
        sets: &[String],
        seed: Option<u64>,
        vocabulary: &Vocabulary,
    ) -> Result<Self, ExperimentError> {
        let mut table = raw::parse(text, &raw::locate_in(file, text))?;
        for set in sets {
            set::apply(&mut table, set)?;
        }
        if let Some(seed) = seed {
            set::apply(&mut table, &format!("seed={seed}"))?;
        }
        Self::check(table, file, vocabulary)
    }

    fn check(table: Table, file: &str, vocabulary: &Vocabulary) -> Result<Self, ExperimentError> {
        let mut root = Section::root(table, file);
        let name = match root.text("name")? {
            Some((name, place)) => check_name(name, place)?,
            None => {
                let stem = Path::new(file).file_stem().and_then(|stem| stem.to_str()).unwrap_or("run");
                check_name(stem.to_string(), root.place().clone())?
            }
        };
        let seed = root.integer("seed", 1, 0..=MAX_SEED)?;
        let learner = Learner::read(root.section_or_empty("learner")?)?;
        let episode = Episode::read(root.section_or_empty("episode")?)?;
        let sources_section = root.section_or_empty("sources")?;
        let sources_place = sources_section.place().clone();
        let sources = Sources::read(sources_section, vocabulary)?;
        let train = root.section("train")?.map(Train::read).transpose()?;
        let search = root.section("search")?.map(Search::read).transpose()?;
        let transfer_section = root.section("transfer")?;
        let transfer_place = transfer_section.as_ref().map(|section| section.place().clone());
        let transfer = transfer_section
            .map(|section| Transfer::read(section, vocabulary, train.is_some(), search.is_some()))
            .transpose()?;
        let report = Report::read(root.section_or_empty("report")?)?;
        let root_place = root.place().clone();
        root.finish()?;
        let plan = Self { name, seed, learner, episode, sources, train, search, transfer, report };
        plan.check_stages(root_place, sources_place, transfer_place)?;
        Ok(plan)
    }

    /// What contradicts between the sections.
    fn check_stages(
        &self,
        root: Place,
        sources: Place,
        transfer: Option<Place>,
    ) -> Result<(), ExperimentError> {
        if self.train.is_none() && self.search.is_none() && self.transfer.is_none() {
            let why = "nothing to run: give at least one of [train], [search] and [transfer]".to_string();
            return Err(ExperimentError::Missing { place: root, key: "transfer".into(), why });
        }
        if (self.train.is_some() || self.search.is_some()) && self.sources.tasks() == 0 {
            let why = "training and search need at least one source task".to_string();
            return Err(ExperimentError::Missing { place: sources, key: "sources.datasets".into(), why });
        }
        let overlap = |a: &[DataRef], b: &[DataRef]| {
            a.iter()
                .find(|one| b.iter().any(|other| one.name() == other.name()))
                .map(|one| one.name().to_string())
        };
        let (learned, validation) = (&self.sources.datasets, &self.sources.validation);
        if let Some(name) = overlap(validation, learned) {
            return Err(ExperimentError::Conflict {
                place: sources,
                key: "sources.validation".into(),
                why: format!("holds \"{name}\", which is learned from"),
                hint: "a data set can be learned from or validated on, not both".into(),
            });
        }
        if let (Some(stage), Some(place)) = (&self.transfer, transfer) {
            let seen = [("sources.datasets", learned), ("sources.validation", validation)];
            for (key, list) in seen {
                if let Some(name) = overlap(&stage.targets, list) {
                    return Err(ExperimentError::Conflict {
                        place,
                        key: "transfer.targets".into(),
                        why: format!("holds \"{name}\", which `{key}` holds too"),
                        hint: "a target must be unseen: take it out of one of the two lists".into(),
                    });
                }
            }
        }
        Ok(())
    }

    /// The run's name: a folder name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The seed that everything random is derived from.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The classifier that is trained inside every episode.
    pub fn learner(&self) -> &Learner {
        &self.learner
    }

    /// How a labelling is simulated.
    pub fn episode(&self) -> &Episode {
        &self.episode
    }

    /// Where the policy and the architecture are learned.
    pub fn sources(&self) -> &Sources {
        &self.sources
    }

    /// How the policy is trained, if it is.
    pub fn train(&self) -> Option<&Train> {
        self.train.as_ref()
    }

    /// How the architecture is searched, if it is.
    pub fn search(&self) -> Option<&Search> {
        self.search.as_ref()
    }

    /// What is compared on which targets, if anything is.
    pub fn transfer(&self) -> Option<&Transfer> {
        self.transfer.as_ref()
    }

    /// What the report asks of the rows.
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// The resolved plan: an experiment file that says every key, and gives this plan again.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("a plan holds strings, numbers and lists")
    }

    /// The digest of the resolved plan.
    pub fn digest(&self) -> String {
        digest::of(self.to_toml().as_bytes())
    }
}

fn check_name(name: String, place: Place) -> Result<String, ExperimentError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || name.len() > MAX_NAME || name.starts_with('.') || !name.chars().all(plain) {
        return Err(ExperimentError::Conflict {
            place,
            key: "name".into(),
            why: format!("is \"{name}\", which cannot be a folder"),
            hint: format!("use up to {MAX_NAME} letters, digits, `-`, `_` and `.`, not starting with `.`"),
        });
    }
    Ok(name)
}
