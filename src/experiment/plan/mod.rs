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
        let search_comparison =
            root.section("rivals")?.map(|section| SearchComparison::read(section, vocabulary)).transpose()?;
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
mod tests {
    use super::super::sections::{ArchitectureChoice, LEARNED, MethodSettings, OptimiserKind};
    use super::*;
    use crate::data::World;
    use crate::episode::{Augment, Change};
    use crate::experiment::sections::DataRef;
    use crate::learner::{Optimiser, Stop};
    use crate::search::Methods;

    fn vocabulary() -> Vocabulary {
        Vocabulary { datasets: vec!["digits", "iris", "wine"], ..Vocabulary::default() }
    }

    fn parse(text: &str) -> Result<Plan, ExperimentError> {
        Plan::parse(text, "lab/my-run.toml", &[], None, &vocabulary())
    }

    /// The error's message and hint.
    fn refused(text: &str) -> (String, String) {
        let error: crate::Error = parse(text).expect_err(text).into();
        assert_eq!(error.exit(), crate::error::Exit::BadInput);
        (error.to_string(), error.hint().unwrap_or_default())
    }

    const FULL: &str = r#"
        name = "full"
        seed = 7
        [learner]
        hidden = [24, 12]
        optimiser = "sgd"
        momentum = 0.8
        epochs = 80
        train_loss = 0.03
        [episode]
        query_size = 2
        [sources]
        datasets = ["wine"]
        validation = ["iris"]
        [train]
        imitation = { episodes = 3, epochs = 5 }
        policy_gradient = { iterations = 9, baseline = "random" }
        [search]
        method = "annealing"
        [transfer]
        targets = ["digits", { file = "a/b.csv.gz", label = "y" }]
        strategies = ["random", "policy"]
        architectures = ["learner", "searched"]
        repetitions = 6
    "#;

    #[test]
    fn a_small_file_suffices() {
        let plan = parse("[transfer]\ntargets = [\"digits\"]").unwrap();
        assert_eq!((plan.name(), plan.seed()), ("my-run", 1));
        let transfer = plan.transfer().unwrap();
        assert_eq!(transfer.strategies, ["random", "margin"], "no policy without training");
        assert_eq!(transfer.architectures, [ArchitectureChoice::Learner]);
        assert_eq!(plan.learner().train_plan().stop, Stop::Epochs { epochs: 40 });
        let with_policy = parse("[train]\n[search]\n[transfer]\ntargets = [\"digits\"]").unwrap();
        let transfer = with_policy.transfer().unwrap();
        assert_eq!(transfer.strategies, ["random", "margin", LEARNED]);
        assert_eq!(transfer.architectures, [ArchitectureChoice::Searched]);
    }

    #[test]
    fn all_sections_are_read() {
        let plan = parse(FULL).unwrap();
        assert_eq!(plan.learner().optimiser, OptimiserKind::Sgd);
        let train = plan.learner().train_plan();
        assert_eq!(train.optimiser, Optimiser::Sgd { momentum: 0.8, nesterov: true });
        assert_eq!(train.stop, Stop::TrainLoss { epochs: 80, loss: 0.03 });
        assert_eq!(plan.learner().spec(64, 10).unwrap().to_string(), "64-24-12-10");
        assert_eq!((plan.episode().budget(), plan.episode().rounds()), (60, 30));
        assert_eq!(plan.train().unwrap().imitation.epochs, 5);
        assert_eq!(plan.search().unwrap().method, "annealing");
        let names: Vec<_> = plan.transfer().unwrap().targets.iter().map(DataRef::name).collect();
        assert_eq!(names, ["digits", "b"]);
    }

    /// The resolved plan is an experiment file, says every key, and gives the same plan.
    #[test]
    fn the_resolved_plan_reads_back_to_itself() {
        let exact = "[episode]\nquery_size = 10\nbudget = 25\n[train]";
        assert_eq!(
            (parse(exact).unwrap().episode().budget(), parse(exact).unwrap().episode().rounds()),
            (25, 3)
        );
        let augmented = "[episode]\naugment = { kind = \"cutout\", side = 3, weight = 0.5 }\n\
            world = { long_tail = 9.0, label_noise = 0.1 }\n[train]";
        let episode = parse(augmented).unwrap().episode().clone();
        let expected = Augment { change: Change::Cutout { side: 3 }, copies: 1, weight: 0.5 };
        assert_eq!(episode.augment.as_ref().map(|keys| keys.augment()), Some(expected));
        let world = World { long_tail: Some(9.0), label_noise: Some(0.1), covariate_shift: None };
        assert_eq!(episode.split().world, world);
        for text in [FULL, exact, augmented, "[train]", "[search]", "[transfer]\ntargets = [\"iris\"]"] {
            let plan = parse(text).unwrap();
            let resolved = plan.to_toml();
            let again = Plan::parse(&resolved, "plan.toml", &[], None, &vocabulary()).unwrap();
            assert_eq!(again, plan, "{resolved}");
            assert_eq!(again.digest(), plan.digest());
        }
    }

    /// Fault case 62.
    #[test]
    fn unknown_keys_are_refused_with_place_and_nearest() {
        let (text, hint) = refused("seed = 1\n[learner]\n  epoch = 3\n[train]");
        assert_eq!(text, "lab/my-run.toml:3:3: unknown key `learner.epoch`");
        assert_eq!(hint, "did you mean `learner.epochs`?");
        let (text, hint) = refused("[trian]");
        assert_eq!(text, "lab/my-run.toml:1:2: unknown key `trian`");
        assert_eq!(hint, "did you mean `train`?");
        let (_, hint) = refused("rounds = 30\n[train]");
        assert_eq!(hint, "did you mean `episode.rounds`?", "the same key of another section");
        let (_, hint) = refused("[train]\niterations = 30");
        assert_eq!(hint, "did you mean `train.policy_gradient.iterations`?");
        let (text, _) = refused("[train]\nimitation = { state = 3 }");
        assert!(text.starts_with("lab/my-run.toml:2:15: unknown key `train.imitation.state`"), "{text}");
        let (text, hint) = refused("[train]\n[report]\nzzz = 1");
        assert_eq!(text, "lab/my-run.toml:3:1: unknown key `report.zzz`");
        assert_eq!(hint, "known are report.target_accuracy, report.target_shares");
        let (text, _) = refused("[learner]\nmomentum = 0.5\n[train]");
        assert_eq!(text, "lab/my-run.toml:2:1: `learner.momentum` is read only with `optimiser = \"sgd\"`");
    }

    #[test]
    fn wrong_values_are_refused_with_both_numbers() {
        let cases = [
            ("[learner]\nbatch = 0", "2:1: `learner.batch` is 0, expected 1 to 1000000"),
            ("[learner]\nbatch = -3", "2:1: `learner.batch` is -3, expected 1 to 1000000"),
            ("[learner]\ndropout = nan", "2:1: `learner.dropout` is NaN, expected 0 to 0.95"),
            ("[learner]\nhidden = [3, 0]", "2:14: `learner.hidden[1]` is 0, expected 1 to 1000000"),
            ("[learner]\nbatch = \"8\"", "2:1: `learner.batch` is the string \"8\", expected a whole number"),
            ("[learner]\nbatch = 1.5", "2:1: `learner.batch` is the number 1.5, expected a whole number"),
            ("[learner]\nhidden = 3", "2:1: `learner.hidden` is the integer 3, expected a list"),
            ("learner = 3", "1:1: `learner` is the integer 3, expected a table"),
            (
                "seed = 99999999999999999999",
                "1:1: `seed` is the integer 99999999999999999999 (beyond 64 bits), expected a whole number",
            ),
            ("seed = -1", "1:1: `seed` is -1, expected 0 to 9223372036854775807"),
            (
                "[episode]\nscaling = 1979-05-27",
                "2:1: `episode.scaling` is the date 1979-05-27, expected a string",
            ),
        ];
        for (text, wanted) in cases {
            let (found, _) = refused(&format!("{text}\n[train]"));
            let found = found.strip_prefix("lab/my-run.toml:").unwrap();
            assert!(found.starts_with(wanted), "{text}: {found}");
        }
    }

    #[test]
    fn words_are_checked_and_the_nearest_named() {
        let (text, hint) = refused("[learner]\noptimiser = \"adma\"\n[train]");
        assert_eq!(text, "lab/my-run.toml:2:1: `learner.optimiser` is \"adma\", which is not known");
        assert_eq!(hint, "did you mean `adam`?");
        let (_, hint) = refused("[transfer]\ntargets = [\"digit\"]");
        assert_eq!(hint, "did you mean `digits`?");
        let (_, hint) = refused("[transfer]\ntargets = [\"digits\"]\nstrategies = [\"margins\"]");
        assert_eq!(hint, "did you mean `margin`?");
        let (_, hint) = refused("[train]\nimitation = { without = [\"coverages\"] }");
        assert_eq!(hint, "did you mean `coverage`?");
    }

    /// Strategies with parameters are judged by the registry's own reader.
    #[test]
    fn specifications_of_strategies_are_checked() {
        let plan = |spec: &str| {
            parse(&format!("[transfer]\ntargets = [\"iris\"]\nstrategies = [\"random\", \"{spec}\"]"))
        };
        let good = plan("power(margin, beta=2)").unwrap();
        assert_eq!(good.transfer().unwrap().strategies[1], "power(margin, beta=2)");
        let error = plan("power(margin, gamma=2)").unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("lab/my-run.toml:3:25: `transfer.strategies[1]`: strategy `power` has no"),
            "{error}"
        );
        assert!(crate::Error::from(error).hint().is_some(), "the reader's hint is handed on");
    }

    /// Strategies of another crate stand in files under their names, alone and as arms; those that are learned keep theirs.
    #[test]
    fn strategies_are_those_of_the_registry() {
        use crate::query::registry::Entry;
        let entry = |name| Entry::score::<crate::query::uncertainty::Margin>(name, "the margin");
        let with =
            |name| Vocabulary { registry: Registry::builtin().with(entry(name)).unwrap(), ..vocabulary() };
        let text = "[transfer]\ntargets = [\"iris\"]\nstrategies = [\"mine\", \"power(mine)\"]";
        let plan = Plan::parse(text, "x.toml", &[], None, &with("mine")).unwrap();
        assert!(plan.registry().build(&plan.transfer().unwrap().strategies[1]).is_ok());
        assert!(matches!(parse(text), Err(ExperimentError::Choice { found, .. }) if found == "mine"));
        for name in ["policy", "untrained"] {
            let error = Plan::parse("[transfer]\ntargets = [\"iris\"]", "x.toml", &[], None, &with(name));
            assert!(matches!(error, Err(ExperimentError::Reserved { .. })), "{error:?}");
        }
    }

    #[test]
    fn contradictions_are_refused() {
        let cases = [
            ("", "nothing to run"),
            ("[train]\n[sources]\nsynthetic = 0", "at least one source task"),
            ("[episode]\nrounds = 3\nbudget = 4\n[train]", "cannot stand beside `episode.budget`"),
            (
                "[episode]\ntarget_accuracy = 0.9\ntarget_share = 0.9\n[train]",
                "cannot stand beside `episode.target_share`",
            ),
            ("[learner]\nepochs = 3\nsteps = 4\n[train]", "cannot stand beside `learner.epochs`"),
            ("[learner]\ntrain_loss = 0.1\npatience = 4\n[train]", "cannot stand beside `learner.patience`"),
            (
                "[train]\nimitation = { without = [\"coverage\"] }\nnetwork = { kind = \"mlp\" }",
                "nothing but imitation trains",
            ),
            ("[transfer]\ntargets = []", "at least one"),
            ("[transfer]\ntargets = [\"iris\"]\nstrategies = []", "at least one"),
            ("[transfer]\ntargets = [\"iris\", \"iris\"]", "lists \"iris\" twice"),
            ("[transfer]\ntargets = [{ file = \"a.csv\", name = \"\\n\" }]", "printed on one line"),
            (
                "[transfer]\ntargets = [{ file = \"a\", name = \"n\" }, { file = \"b\", name = \"n\" }]",
                "two data sets of the plan are called \"n\"",
            ),
            ("[transfer]\ntargets = [\"iris\"]\nstrategies = [\"random\", \"random\"]", "twice"),
            ("[transfer]\ntargets = [\"iris\"]\nstrategies = [\"policy\"]", "nothing trains or names one"),
            ("[transfer]\ntargets = [\"iris\"]\narchitectures = [\"searched\"]", "nothing searches one"),
            ("[transfer]\ntargets = [{ label = \"y\" }]", "`transfer.targets[0].file` is missing"),
            ("[train]\n[sources]\ndatasets = [\"iris\"]\n[transfer]\ntargets = [\"iris\"]", "holds too"),
            ("[train]\n[sources]\ndatasets = [\"iris\"]\nvalidation = [\"iris\"]", "which is learned from"),
            (
                "[episode]\naugment = {}\n[learner]\nloss = \"squared\"\n[train]",
                "`learner` cannot be trained",
            ),
            (
                "[learner]\nhidden = []\noptimiser = \"lbfgs\"\n[transfer]\ntargets = [\"iris\"]\nstrategies = [\"lada\"]",
                "holds \"lada\", which makes rows of mixed classes",
            ),
            ("[episode]\naugment = { kind = \"noise\", alpha = 1.0 }\n[train]", "with `kind = \"mixup\"`"),
            ("[episode]\nworld = { label_noise = 0.99 }\n[train]", "expected 0 to 0.95"),
            ("name = \"../x\"\n[train]", "cannot be a folder"),
            ("name = \"\"\n[train]", "cannot be a folder"),
        ];
        for (text, wanted) in cases {
            let (found, _) = refused(text);
            assert!(found.contains(wanted), "{text}: {found}");
        }
    }

    /// Searches could only be run with the constants of the program.
    #[test]
    fn settings_of_searches_are_read_and_left_out_where_they_are_the_usual_ones() {
        let text = |settings: &str| {
            format!(
                "[search]\nmethod = \"annealing\"\n{settings}\n[rivals]\ntargets = [\"iris\"]\nmethods = [\"evolution\"]\n{settings}"
            )
        };
        let given = "hill_climbing = { restarts = 0 }\nannealing = { temperature = 0.2, cooling = 0.5, reheat = 7, iterations = 30 }\n\
                     evolution = { population = 5, sample = 2, cycles = 9 }\nhalving = { eta = 2, rungs = 4, brackets = 3 }";
        let plan = parse(&text(given)).unwrap();
        let walk = |method| {
            let of = |settings: &MethodSettings| format!("{:?}", settings.method(method));
            let (search, search_comparison) =
                (of(&plan.search().unwrap().settings), of(&plan.search_comparison().unwrap().settings));
            assert_eq!(search, search_comparison);
            search
        };
        assert_eq!(walk("hill_climbing"), "HillClimbing { restarts: 0 }");
        let annealing = "Annealing { temperature: 0.2, cooling: 0.5, reheat: 7, iterations: 30 }";
        assert_eq!(walk("annealing"), annealing);
        assert_eq!(walk("evolution"), "Evolution { population: 5, sample: 2, cycles: 9 }");
        assert_eq!(walk("halving"), "Halving { eta: 2, rungs: 4, brackets: 3 }");
        let again = Plan::parse(&plan.to_toml(), "plan.toml", &[], None, &vocabulary()).unwrap();
        assert_eq!(again, plan);
        // What is said as it is anyway says nothing: plans of before keep their digests.
        let usual = "annealing = { temperature = 0.05 }\nhalving = { eta = 3, rungs = 3 }";
        let (said, unsaid) = (parse(&text(usual)).unwrap(), parse(&text("")).unwrap());
        assert_eq!(said.digest(), unsaid.digest());
        assert!(!unsaid.to_toml().contains("annealing]"), "{}", unsaid.to_toml());
        for entry in Methods::builtin().entries() {
            let usual = format!("{:?}", (entry.make)(&entry.defaults()));
            assert_eq!(format!("{:?}", unsaid.search().unwrap().settings.method(entry.name)), usual);
        }
    }

    #[test]
    fn settings_of_searches_that_cannot_be_run_are_refused() {
        let cases = [
            (
                "[search]\nannealing = { cooling = 0 }",
                "`search.annealing.cooling` is 0, expected 0.000001 to 1",
            ),
            ("[search]\nevolution = { sample = 0 }", "`search.evolution.sample` is 0, expected 1 to 10000"),
            ("[search]\nhalving = { eta = 1 }", "`search.halving.eta` is 1, expected 2 to 100"),
            ("[search]\nhalving = { rung = 1 }", "unknown key `search.halving.rung`"),
            (
                "[search]\nmethod = \"halving\"\nsteps = 100",
                "`search.steps` is 100, expected a multiple of 9",
            ),
            (
                "[search]\nmethod = \"halving\"\nhalving = { rungs = 5 }",
                "`search.halving` begins with 81 candidates, but the space has 60",
            ),
            (
                "[search]\nmax_blocks = 2\nmax_stacks = 4\n[rivals]\ntargets = [\"iris\"]",
                "`rivals.halving` begins with 9 candidates, but the space has 8",
            ),
            (
                "[rivals]\ntargets = [\"iris\"]\nhalving = { eta = 100, rungs = 20 }\n[rivals.free]",
                "`rivals.halving` begins with more than 4294967295 candidates",
            ),
        ];
        for (text, wanted) in cases {
            let (found, _) = refused(text);
            assert!(found.contains(wanted), "{text}: {found}");
        }
        // Only what is run has to run.
        parse("[search]\nsteps = 100\nhalving = { rungs = 9 }").unwrap();
        parse("[search]\nmax_blocks = 1\n[rivals]\ntargets = [\"iris\"]\nmethods = [\"grid\"]").unwrap();
    }

    #[test]
    fn what_is_no_toml_is_refused_with_its_place() {
        let (text, hint) = refused("seed = 1\n[train\n");
        assert!(text.starts_with("lab/my-run.toml:2:"), "{text}");
        assert!(hint.contains("TOML"));
        assert!(refused("seed = 1\nseed = 2").0.starts_with("lab/my-run.toml:2:1: duplicate key"));
    }

    #[test]
    fn sets_and_seed_come_before_the_checks() {
        let with = |sets: &[&str], seed| {
            let sets: Vec<String> = sets.iter().map(|set| set.to_string()).collect();
            Plan::parse(FULL, "f.toml", &sets, seed, &vocabulary())
        };
        let plan = with(&["learner.hidden=[8]", "search.method=local"], Some(11)).unwrap();
        assert_eq!((plan.seed(), plan.learner().hidden.as_slice()), (11, &[8][..]));
        assert_eq!(plan.search().unwrap().method, "local");
        let error = with(&["episode.rounds=0"], None).unwrap_err();
        assert_eq!(error.to_string(), "--set episode.rounds=0: `episode.rounds` is 0, expected 1 to 100000");
        let error = with(&["episode.round=5"], None).unwrap_err();
        assert_eq!(error.to_string(), "--set episode.round=5: unknown key `episode.round`");
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[\\[\\]{}=\",.a-z0-9\n \\-]{0,120}") {
            let _ = parse(&text);
        }
    }
}
