//! [`SessionPlan`]: what a session is made of, and [`Settings`], what its folder keeps of that.

use super::error::SessionError;
use super::search::{ArchSearch, MAX_NETWORKS};
use super::spelling::SEPARATOR;
use crate::agent::policy::CARD_FILE;
use crate::data::TargetKind;
use crate::data::dataset::MAX_CLASSES;
use crate::data::readers::ReadOptions;
use crate::data::table::Decision;
use crate::data::target::MAX_LABELS;
use crate::error::shorten;
use crate::run::store::ARCHITECTURE;
use crate::search::Methods;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Rows that may be asked for at once, at most.
pub const MAX_BATCH: usize = 10_000;
/// Characters of a class or of an annotator's name, at most.
pub const MAX_NAME: usize = 200;
/// The most that is thought about a query.
pub const MAX_THINK: usize = 64;
/// Rows asked for at once, unless said otherwise.
pub const BATCH: usize = 10;
/// First rows that inputs alone decide on, where the classes are not known.
const INITIAL: usize = 10;
/// The same per class, where they are.
const INITIAL_PER_CLASS: usize = 2;

/// Who chooses the rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Chooser {
    /// A learned policy, by the name that it comes with, or its folder.
    Policy(String),
    /// A strategy, as `querist strategies` lists it.
    Strategy(String),
}

/// What answers cost.
#[derive(Clone, Debug, PartialEq)]
pub enum Price {
    /// What this column of the pool says of the row; it is no feature then.
    Column(String),
    /// So much by the class that is named, for every class of the session.
    Classes(BTreeMap<String, f64>),
}

impl Price {
    /// The column, where prices stand in one.
    pub fn column(&self) -> Option<&str> {
        match self {
            Price::Column(column) => Some(column),
            Price::Classes(_) => None,
        }
    }
}

/// What a session is made of. [`Session::create`](super::Session::create) checks it.
#[derive(Clone, Debug)]
pub struct SessionPlan {
    /// The table, array or folder of pictures to be labelled.
    pub pool: PathBuf,
    /// How it is read, and [what is collected](crate::data::columns::ColumnOptions::task): classes, unless it says otherwise. Its separator of labels is that of
    /// answers, too.
    pub read: ReadOptions,
    /// The classes; empty where they appear with their first answer. Of sets, the labels; empty for those that the pool's columns of labels are
    /// called by.
    pub classes: Vec<String>,
    /// Who chooses, once there are labels to choose by.
    pub chooser: Chooser,
    /// The strategy that looks at inputs alone and chooses until then.
    pub start: String,
    /// Rows that `start` chooses; `None` for 10, or 2 per class or label where these are known.
    pub initial: Option<usize>,
    /// Rows asked for at once, unless a query says otherwise.
    pub batch: usize,
    /// New labels in all; `None` for no limit.
    pub budget: Option<usize>,
    /// Seconds after which rows that were not answered may be asked of somebody else; `None` for never.
    pub lease: Option<u64>,
    /// What answers cost; `None` for all the same.
    pub price: Option<Price>,
    /// What answers may cost in all; `None` for no limit. Only with prices.
    pub spend: Option<f64>,
    /// How much is thought about a query: so many times the candidates, and the networks of a committee, that 1 looks at. For
    /// people who are slower than the machine.
    pub think: usize,
    /// The search for a network of the session's own, beside a linear one and one with a hidden layer; `None` for no search. Of classes alone.
    pub search: Option<ArchSearch>,
    /// What source tasks taught of where to start: the `arch.json` of a run, or the run's folder. `None` for the one beside or in
    /// the policy's folder, if there is one. Only with a search.
    pub search_from: Option<PathBuf>,
    /// The searches that `search` names one of.
    pub methods: Methods,
    /// What decides among equals and what is drawn at random.
    pub seed: u64,
}

impl SessionPlan {
    /// A session on this pool with the policy that comes with the program.
    pub fn new(pool: impl Into<PathBuf>) -> Self {
        Self {
            pool: pool.into(),
            read: ReadOptions::default(),
            classes: Vec::new(),
            chooser: Chooser::Policy("universal".to_string()),
            start: "typiclust".to_string(),
            initial: None,
            batch: BATCH,
            budget: None,
            lease: None,
            price: None,
            spend: None,
            think: 1,
            search: None,
            search_from: None,
            methods: Methods::builtin(),
            seed: 0,
        }
    }

    /// Refuses settings out of their range.
    pub(super) fn check(&self) -> Result<(), SessionError> {
        let range = |name, found: usize, least: usize, most: usize| match (least..=most).contains(&found) {
            true => Ok(()),
            false => {
                let expected = format!("{least} to {most}");
                Err(SessionError::Setting { name, found: found.to_string(), expected })
            }
        };
        range("batch", self.batch, 1, MAX_BATCH)?;
        range("budget", self.budget.unwrap_or(1), 1, u32::MAX as usize)?;
        range("initial", self.initial.unwrap_or(2), 2, MAX_BATCH)?;
        range("think", self.think, 1, MAX_THINK)?;
        let networks = self.search.as_ref().map_or(1, |search| search.networks);
        range("the networks of a search", networks as usize, 1, MAX_NETWORKS as usize)?;
        if let (Some(from), None) = (&self.search_from, &self.search) {
            let found = from.display().to_string();
            let expected = "a search beside it".to_string();
            return Err(SessionError::Setting { name: "where the search starts", found, expected });
        }
        self.check_kind()?;
        self.check_prices()?;
        range("lease", self.lease.map_or(1, |seconds| seconds.min(u32::MAX.into()) as usize), 1, 1 << 31)?;
        match self.kind() {
            _ if self.classes.is_empty() => {}
            TargetKind::MultiLabel => range("the number of labels", self.classes.len(), 1, MAX_LABELS)?,
            _ => range("the number of classes", self.classes.len(), 2, MAX_CLASSES)?,
        }
        for (at, class) in self.classes.iter().enumerate() {
            check_class(class, || format!("classes: entry {at}"))?;
            if self.classes[..at].contains(class) {
                let expected = "classes of different names".to_string();
                return Err(SessionError::Setting { name: "classes", found: quoted(class), expected });
            }
        }
        Ok(())
    }

    /// What is collected.
    pub(super) fn kind(&self) -> TargetKind {
        self.read.columns.task
    }

    /// Refuses what decides nothing where targets are of this kind, and labels that cannot be told from what stands between them.
    fn check_kind(&self) -> Result<(), SessionError> {
        let kind = self.kind();
        let refuse =
            |name, found: String, expected: String| Err(SessionError::Setting { name, found, expected });
        let none = |what: &str| format!("none: {what}, and {} are collected", kind.name());
        let (named, sets) = (kind == TargetKind::Class, kind == TargetKind::MultiLabel);
        if let Some(search) = self.search.as_ref().filter(|_| !named) {
            return refuse(
                "search",
                quoted(&search.method),
                none("networks are searched for among classifiers"),
            );
        }
        if let Some(Price::Classes(_)) = self.price.as_ref().filter(|_| !named) {
            let expected = format!("a column of the pool, as {} are collected", kind.name());
            return refuse("price", "by class".to_string(), expected);
        }
        if let Some(class) = self.classes.first().filter(|_| !named && !sets) {
            return refuse("classes", quoted(class), none("they have no names"));
        }
        let Some(separator) = self.read.columns.label_separator.as_deref().or(sets.then_some(SEPARATOR))
        else {
            return Ok(());
        };
        let sound = !separator.trim().is_empty()
            && !separator.chars().any(char::is_control)
            && ![ABSTAINED, UNANSWERABLE].contains(&separator.trim());
        if !sets || !sound {
            let expected = match sets {
                true => "characters on one line that no label has, and neither blanks alone nor - or ?"
                    .to_string(),
                false => none("it stands between labels"),
            };
            return refuse("label separator", quoted(separator), expected);
        }
        match self.classes.iter().find(|label| label.contains(separator)) {
            Some(label) => refuse(
                "classes",
                quoted(label),
                format!("labels without {separator:?}, which stands between them"),
            ),
            None => Ok(()),
        }
    }

    /// Refuses prices that are none, of classes that are not there or not of all that are, and a limit without prices.
    fn check_prices(&self) -> Result<(), SessionError> {
        let refuse = |name, found: String, expected: &str| {
            Err(SessionError::Setting { name, found, expected: expected.to_string() })
        };
        let sound = |price: &f64| price.is_finite() && *price > 0.0;
        if let Some(spend) = self.spend {
            if self.price.is_none() {
                return refuse("spend", spend.to_string(), "prices beside it; --budget counts answers");
            }
            if !sound(&spend) {
                return refuse("spend", spend.to_string(), "a positive number");
            }
        }
        let Some(Price::Classes(prices)) = &self.price else { return Ok(()) };
        if let Some((class, price)) = prices.iter().find(|(_, price)| !sound(price)) {
            return refuse("price", format!("{price} for {}", quoted(class)), "a positive number");
        }
        if let Some(class) = prices.keys().find(|class| !self.classes.contains(class)) {
            return refuse("price", format!("one of {}", quoted(class)), "classes of --classes alone");
        }
        match self.classes.iter().find(|class| !prices.contains_key(*class)) {
            Some(class) => refuse("price", format!("none for {}", quoted(class)), "one for every class"),
            None if self.classes.is_empty() => refuse("price", "by class".to_string(), "--classes beside it"),
            None => Ok(()),
        }
    }

    /// The file that says where a search starts.
    pub(super) fn taught(&self) -> Option<PathBuf> {
        self.search.as_ref()?;
        match (&self.search_from, &self.chooser) {
            (Some(folder), _) if folder.is_dir() => Some(folder.join(ARCHITECTURE)),
            (Some(file), _) => Some(file.clone()),
            (None, Chooser::Policy(name)) if Path::new(name).join(CARD_FILE).is_file() => {
                // A run's folder has the policy in a folder of its own.
                let folder = Path::new(name);
                let places = [Some(folder), folder.parent()].into_iter().flatten();
                places.map(|place| place.join(ARCHITECTURE)).find(|path| path.is_file())
            }
            (None, _) => None,
        }
    }

    /// Rows that inputs alone decide on.
    pub(super) fn initial(&self) -> usize {
        let known = INITIAL_PER_CLASS * self.classes.len();
        self.initial.unwrap_or(if known > 0 { known } else { INITIAL })
    }
}

/// What stands for an abstention and for "cannot be answered" in place of a class.
pub const ABSTAINED: &str = "-";
pub const UNANSWERABLE: &str = "?";

/// Refuses what is no name of a class.
pub(super) fn check_class(name: &str, place: impl Fn() -> String) -> Result<(), SessionError> {
    if [ABSTAINED, UNANSWERABLE].contains(&name) {
        let expected = format!(
            "a class: {ABSTAINED} stands for an abstention and {UNANSWERABLE} for a row that cannot be answered"
        );
        return Err(SessionError::Field { place: place(), found: name.to_string(), expected });
    }
    check_name(name, place)
}

/// Refuses names that do not fit on a line.
pub(super) fn check_name(name: &str, place: impl Fn() -> String) -> Result<(), SessionError> {
    let length = name.chars().count();
    match (1..=MAX_NAME).contains(&length) && name.trim() == name && !name.chars().any(char::is_control) {
        true => Ok(()),
        false => {
            let expected = format!("1 to {MAX_NAME} characters on one line, without spaces around them");
            Err(SessionError::Field { place: place(), found: shorten(name).into_owned(), expected })
        }
    }
}

fn quoted(name: &str) -> String {
    format!("{:?}", shorten(name))
}

/// What the folder of a session keeps beside its pool and its journal. The digest of this file is the session's name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The format's version.
    pub format: u64,
    /// What is collected.
    #[serde(default, skip_serializing_if = "is_class", with = "word")]
    pub task: TargetKind,
    /// What stands between the labels of a set, where it is not the usual [`SEPARATOR`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label_separator: Option<String>,
    /// What the pool is called.
    pub pool: String,
    /// What was decided in order to read it, and what may well have been meant otherwise.
    pub decisions: Vec<Decision>,
    pub warnings: Vec<String>,
    /// The classes, empty where they appear with their first answer, or the labels.
    pub classes: Vec<String>,
    pub chooser: Chooser,
    pub start: String,
    pub initial: usize,
    pub batch: usize,
    pub budget: Option<usize>,
    pub lease: Option<u64>,
    /// The place of the column with prices among those shown.
    pub price: Option<usize>,
    /// What an answer costs by the class that it names; empty where classes cost the same.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub class_prices: BTreeMap<String, f64>,
    /// What answers may cost in all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spend: Option<f64>,
    /// How much is thought about a query.
    #[serde(default = "usual", skip_serializing_if = "is_usual")]
    pub think: usize,
    /// The search for a network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub search: Option<ArchSearch>,
    pub seed: u64,
    /// Rows of the pool.
    pub rows: usize,
    /// Numbers per row.
    pub width: usize,
    /// Channels, height and width, where the inputs are pictures.
    pub picture: Option<[usize; 3]>,
    /// What people are shown of a row: names of columns.
    pub shown: Vec<String>,
    /// Whether rows have names of their own.
    pub named: bool,
    /// The other files and their SHA-256.
    pub files: BTreeMap<String, String>,
}

impl Settings {
    /// What stands between the labels of a set.
    pub fn separator(&self) -> &str {
        self.label_separator.as_deref().unwrap_or(SEPARATOR)
    }
}

/// What is collected, by the word that options have for it.
pub(super) mod word {
    use super::TargetKind;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(kind: &TargetKind, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(kind.task())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<TargetKind, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

pub(super) fn is_class(task: &TargetKind) -> bool {
    *task == TargetKind::Class
}

/// What is thought where nothing is said.
fn usual() -> usize {
    1
}

fn is_usual(think: &usize) -> bool {
    *think == usual()
}
