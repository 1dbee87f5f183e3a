//! [`Plan`]: the only runnable form of an experiment file. What its sections may not say together is in `across`,
//! what its data sets are called in `names`, whether all serves the kind of their targets in `kinds`.

mod across;
mod kinds;
mod names;

use crate::agent::Algorithms;
use crate::data::Readers;
use crate::durable::input;
use crate::experiment::error::{ExperimentError, Place};
use crate::experiment::keys::{Ask, text, whole};
use crate::experiment::raw::{self, Section, Table};
use crate::experiment::sections::{
    Episode, Learner, Report, Search, SearchComparison, Sources, Train, Transfer, is_reserved,
};
use crate::experiment::set;
use crate::experiment::tasks::Held;
use crate::experiment::vocabulary::Vocabulary;
use crate::query::Registry;
use crate::run::digest;
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The longest experiment file, in bytes.
pub const MAX_BYTES: u64 = 1 << 20;
/// The longest name of a run.
const MAX_NAME: usize = 80;
/// TOML's integers are signed.
pub const MAX_SEED: u64 = i64::MAX as u64;

/// What a file says outside of its sections.
pub(super) struct Header {
    name: Option<String>,
    seed: u64,
    data_dir: Option<(String, Place)>,
}

impl Header {
    /// Asks for its keys.
    pub(super) fn keys(file: &mut Section) -> Result<Self, ExperimentError> {
        let name = text().try_map(|name, place, _| check_name(name, place)).optional();
        let folder = text().try_map(|dir, place, _| Ok((dir, place))).optional();
        Ok(Self {
            name: name.absent("the file's name without its ending").ask(
                file,
                "name",
                "The run's name, and that of its folder under `runs/`: letters, digits, `-`, `_` and `.`.",
            )?,
            seed: whole(0..=MAX_SEED).or(1).ask(
                file,
                "seed",
                "What everything random is derived from. The same plan gives the same bytes.",
            )?,
            data_dir: folder.ask(
                file,
                "data_dir",
                "The folder in which data sets are found by name; `--data-dir` and `QUERIST_DATA` go before it.",
            )?,
        })
    }
}

/// A checked experiment. There is no other way to one than through the checks.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Plan {
    name: String,
    seed: u64,
    /// What the file says; results depend on the data sets, whose digests the manifest holds, and not
    /// on where they lie.
    #[serde(skip_serializing_if = "Option::is_none")]
    data_dir: Option<String>,
    /// The folder in use.
    #[serde(skip)]
    folder: Option<PathBuf>,
    learner: Learner,
    episode: Episode,
    sources: Sources,
    #[serde(skip_serializing_if = "Option::is_none")]
    train: Option<Train>,
    #[serde(skip_serializing_if = "Option::is_none")]
    search: Option<Search>,
    #[serde(skip_serializing_if = "Option::is_none")]
    transfer: Option<Transfer>,
    #[serde(skip_serializing_if = "Option::is_none")]
    search_comparison: Option<SearchComparison>,
    report: Report,
    /// The strategies that may be named.
    #[serde(skip)]
    registry: Registry,
    /// What reads files of formats that this crate does not know.
    #[serde(skip)]
    readers: Readers,
    /// The learning algorithms whose policies may be named.
    #[serde(skip)]
    algorithms: Algorithms,
    /// Its data sets, as far as they were read.
    #[serde(skip)]
    held: Arc<Held>,
    /// Whether nothing but training is asked for: the space of `[search]` is then read, not searched.
    #[serde(skip)]
    trains_only: bool,
}

impl Plan {
    /// Reads and checks an experiment file, changed by `sets` (`a.b=value`) and `seed`.
    pub fn load(
        path: &Path,
        sets: &[String],
        seed: Option<u64>,
        vocabulary: &Vocabulary,
    ) -> Result<Self, ExperimentError> {
        let text = input::read_text(path, MAX_BYTES)?;
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
        if let Some(name) = vocabulary.registry.names().find(|name| is_reserved(name, &vocabulary.algorithms))
        {
            return Err(ExperimentError::Reserved { name: name.to_string() });
        }
        let mut root = Section::root(table, file);
        let Header { name, seed, data_dir: given } = Header::keys(&mut root)?;
        let name = match name {
            Some(name) => name,
            None => {
                let stem = Path::new(file).file_stem().and_then(|stem| stem.to_str()).unwrap_or("run");
                // What is no file is called in parentheses: `(plan)`.
                check_name(stem.trim_matches(['(', ')']).to_string(), root.place().clone())?
            }
        };
        if let (Some((dir, place)), None) = (&given, &vocabulary.data_dir)
            && !Path::new(dir).is_dir()
        {
            return Err(ExperimentError::Refused {
                place: place.clone(),
                key: "data_dir".into(),
                reason: format!("\"{dir}\" is not a folder"),
                hint: Some("name another one with --data-dir or QUERIST_DATA".into()),
            });
        }
        let data_dir = given.map(|(dir, _)| dir);
        let folder = vocabulary.data_dir.clone().or_else(|| data_dir.as_ref().map(PathBuf::from));
        let vocabulary = &vocabulary.with_folder(folder.as_deref());
        let learner = Learner::read(root.section_or_empty("learner")?)?;
        let episode_section = root.section_or_empty("episode")?;
        let metric = episode_section.has("metric");
        let episode = Episode::read(episode_section)?;
        let sources_section = root.section_or_empty("sources")?;
        let sources_place = sources_section.place().clone();
        let sources = Sources::read(sources_section, vocabulary)?;
        let train =
            root.section("train")?.map(|section| Train::read(section, &vocabulary.algorithms)).transpose()?;
        let search =
            root.section("search")?.map(|section| Search::read(section, &vocabulary.methods)).transpose()?;
        let transfer_section = root.section("transfer")?;
        let transfer_place = transfer_section.as_ref().map(|section| section.place().clone());
        let strategies = transfer_section.as_ref().is_some_and(|section| section.has("strategies"));
        let transfer = transfer_section
            .map(|section| Transfer::read(section, vocabulary, train.as_ref(), search.is_some()))
            .transpose()?;
        let search_comparison = root
            .section("search_comparison")?
            .map(|section| SearchComparison::read(section, vocabulary))
            .transpose()?;
        let report = Report::read(root.section_or_empty("report")?)?;
        let root_place = root.place().clone();
        root.finish()?;
        let mut plan = Self {
            name,
            seed,
            data_dir,
            folder,
            learner,
            episode,
            sources,
            train,
            search,
            transfer,
            search_comparison,
            report,
            registry: vocabulary.registry.clone(),
            readers: vocabulary.readers.clone(),
            algorithms: vocabulary.algorithms.clone(),
            held: Arc::default(),
            trains_only: false,
        };
        plan.name_apart(&root_place)?;
        let kinds_place = transfer_place.as_ref().unwrap_or(&root_place).clone();
        plan.check_kinds(&kinds_place, kinds::Said { metric, strategies })?;
        plan.check_stages(root_place, sources_place, transfer_place)?;
        Ok(plan)
    }

    /// Whether architectures are searched on the sources: not where the section only says what the space is.
    pub fn searches_sources(&self) -> bool {
        let used = match &self.transfer {
            Some(transfer) => transfer.architectures.iter().any(|choice| choice.uses_sources()),
            None => self.search_comparison.is_none(),
        };
        self.search.is_some() && used && !self.trains_only
    }

    /// The run's name: a folder name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The seed that everything random is derived from.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The folder in which data sets are found by name.
    pub fn data_dir(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// The hand-made strategies that the plan may name.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// What reads files of formats that this crate does not know.
    pub fn readers(&self) -> &Readers {
        &self.readers
    }

    /// The learning algorithms that the plan may name beside those of the policy.
    pub fn algorithms(&self) -> &Algorithms {
        &self.algorithms
    }

    pub(super) fn held(&self) -> &Held {
        &self.held
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

    /// Which searches are compared on which targets, if any are.
    pub fn search_comparison(&self) -> Option<&SearchComparison> {
        self.search_comparison.as_ref()
    }

    /// What the report asks of the rows.
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// The same plan without search and transfer; none if it trains nothing.
    pub fn train_only(self) -> Option<Self> {
        // The policy's third head reads the space.
        let search = self.search.filter(|_| self.train.as_ref().is_some_and(|t| t.architecture.episodes > 0));
        self.train.is_some().then_some(Self {
            search,
            transfer: None,
            search_comparison: None,
            trains_only: true,
            ..self
        })
    }

    /// The same plan without training and search; none if it compares nothing.
    pub fn transfer_only(self) -> Option<Self> {
        let space = |transfer: &Transfer| transfer.architectures.iter().any(|choice| choice.needs_space());
        let search = self.search.filter(|_| self.transfer.as_ref().is_some_and(space));
        self.transfer.is_some().then_some(Self { train: None, search, search_comparison: None, ..self })
    }

    /// The same plan with at most so many gradient steps for a search on a source.
    pub(super) fn searching_at_most(&self, budget: u64) -> Self {
        let mut plan = self.clone();
        if let Some(search) = &mut plan.search {
            search.budget = search.budget.min(budget);
        }
        plan
    }

    /// What all benchmarks have in common that may continue one another: the resolved plan, whatever its
    /// strategies and repetitions are.
    pub(super) fn benchmark(&self) -> String {
        let mut plan = self.clone();
        if let Some(transfer) = &mut plan.transfer {
            transfer.strategies.clear();
            transfer.repetitions = 0;
        }
        plan.to_toml()
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

#[cfg(test)]
mod tests;
