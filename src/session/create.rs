//! How a session is made, and how it is opened.

use super::error::SessionError;
use super::journal::{self, Event, Given, JOURNAL};
use super::plan::{Chooser, Price, SessionPlan, Settings};
use super::pool::{self, Pool};
use super::query::{self, Who};
use super::search::Searching;
use super::spelling::{SEPARATOR, Spelling};
use super::state::State;
use super::{Clock, POOL, Session, Verdict, lock, masks};
use crate::agent::policy::{CARD_FILE, WEIGHTS_FILE};
use crate::agent::{Policy, shipped};
use crate::arch::ArchSpace;
use crate::data::TargetKind;
use crate::data::columns::Examples;
use crate::data::readers::{Pool as Read, Shown, read_pool};
use crate::durable::{self, input};
use crate::episode::features::SCHEMA;
use crate::error::{Result, shorten};
use crate::experiment::fit::Architecture;
use crate::run::digest;
use crate::run::store::ARCHITECTURE;
use crate::search::{Methods, Prior};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// The file with the [`Settings`].
pub(super) const SETTINGS: &str = "session.json";
/// The file that a folder has while a session is made in it.
const UNFINISHED: &str = "unfinished";
/// What stands in it.
const BEGUN: &str =
    "A session of Querist is being made here. Where that was interrupted, the same command again makes it.\n";
/// The format's version.
const FORMAT: u64 = 1;
/// The longest settings that are read: the names of ten thousand classes.
const MAX_SETTINGS_BYTES: u64 = 16 << 20;

impl Session {
    /// Makes a session in `dir`, which must be new or empty. Labels that the pool has are its first answers, of the
    /// annotator [`POOL`].
    ///
    /// # Errors
    /// [`SessionError`] for a plan out of its ranges, a strategy that cannot choose here, or a folder with something in
    /// it; what reading the pool or the policy refuses. No session is there then.
    pub fn create(dir: &Path, plan: SessionPlan) -> Result<Self> {
        plan.check()?;
        let kind = plan.kind();
        query::check(&plan.start, kind, true)?;
        let policy = match &plan.chooser {
            Chooser::Policy(name) => Some(shipped::open(name, &SCHEMA)?),
            Chooser::Strategy(name) => {
                query::check(name, kind, false)?;
                None
            }
        };
        let prior = plan.taught().map(|path| taught(&path)).transpose()?;
        if let Some(search) = &plan.search {
            Searching::new(search, None, &plan.methods)?;
        }
        check_empty(dir)?;
        let mut options = plan.read.clone();
        let column = plan.price.as_ref().and_then(Price::column).map(str::to_string);
        options.columns.ignore.extend(column.clone());
        let read = read_pool(&plan.pool, &options)?;
        let examples = &read.examples;
        let rows = examples.inputs.rows();
        let plan = named(plan, examples)?;
        let picture = pool::picture(examples.shape);
        if kind == TargetKind::Mask && picture.is_none() {
            let found = examples.shape.to_string();
            let expected = "pictures with one or three channels, as masks are collected".to_string();
            return Err(
                SessionError::Field { place: format!("{}, a row", examples.file), found, expected }.into()
            );
        }
        let label_separator = plan.read.columns.label_separator.clone();
        let separator = label_separator.as_deref().unwrap_or(SEPARATOR);
        let given = given(examples, &Spelling::new(kind, &plan.classes, separator, picture))?;
        if given.len() == rows {
            return Err(SessionError::AllLabelled { file: examples.file.clone(), rows }.into());
        }
        let price = column.map(|column| prices(&read, &column)).transpose()?;
        durable::create_dir(dir)?;
        let _lock = lock(dir)?;
        check_empty(dir)?;
        durable::replace(&dir.join(UNFINISHED), BEGUN.as_bytes())?;
        let mut written = pool::write(dir, &read)?;
        if let Some(policy) = &policy {
            for (name, bytes) in
                [(WEIGHTS_FILE, policy.weights_bytes()), (CARD_FILE, policy.card_text().into_bytes())]
            {
                durable::replace(&dir.join(name), &bytes)?;
                written.files.insert(name.to_string(), digest::of(&bytes));
            }
        }
        if let Some(prior) = &prior {
            let text = prior.to_json()?;
            durable::replace(&dir.join(ARCHITECTURE), text.as_bytes())?;
            written.files.insert(ARCHITECTURE.to_string(), digest::of(text.as_bytes()));
        }
        let (initial, methods) = (plan.initial(), plan.methods);
        let settings = Settings {
            format: FORMAT,
            task: kind,
            label_separator,
            pool: examples.name.clone(),
            decisions: examples.preparation.decisions.clone(),
            warnings: examples.preparation.warnings.clone(),
            classes: plan.classes,
            chooser: match (plan.chooser, &policy) {
                (Chooser::Policy(_), Some(policy)) => Chooser::Policy(policy.card().policy.name.clone()),
                (chooser, _) => chooser,
            },
            start: plan.start,
            initial,
            batch: plan.batch,
            budget: plan.budget,
            lease: plan.lease,
            price,
            class_prices: match plan.price {
                Some(Price::Classes(prices)) => prices,
                _ => BTreeMap::new(),
            },
            spend: plan.spend,
            think: plan.think,
            search: plan.search,
            seed: plan.seed,
            rows,
            width: examples.inputs.cols(),
            picture,
            shown: written.shown,
            named: written.named,
            files: written.files,
        };
        let text = serde_json::to_string_pretty(&settings).expect("settings serialise");
        durable::replace(&dir.join(SETTINGS), text.as_bytes())?;
        let name = digest::of(text.as_bytes());
        // The journal comes last: without it there is no session.
        let first = (!given.is_empty()).then(|| Event::Told { at: Clock::System.now(), answers: given });
        journal::create(&dir.join(JOURNAL), &name, first.as_ref())?;
        durable::remove(&dir.join(UNFINISHED))?;
        drop(_lock);
        Self::open_with(dir, &methods)
    }

    /// Opens the session in `dir`.
    ///
    /// # Errors
    /// [`SessionError::NotASession`]; [`SessionError::Changed`] if a file is not what was written; a damaged journal.
    pub fn open(dir: &Path) -> Result<Self> {
        Self::open_with(dir, &Methods::builtin())
    }

    /// Opens the session in `dir`, whose search for a network may be one of `methods`.
    ///
    /// # Errors
    /// As [`open`](Self::open); [`NameError`](crate::registry::NameError) for a search that `methods` do not have.
    pub fn open_with(dir: &Path, methods: &Methods) -> Result<Self> {
        let none =
            |reason: &str| SessionError::NotASession { dir: dir.to_path_buf(), reason: reason.to_string() };
        for name in [SETTINGS, JOURNAL] {
            if !dir.join(name).is_file() {
                return Err(none(&format!("there is no {name}")).into());
            }
        }
        let path = dir.join(SETTINGS);
        let text = input::read_text(&path, MAX_SETTINGS_BYTES)?;
        let content = |problem: String| SessionError::Content { path: path.clone(), problem };
        let format = serde_json::from_str::<serde_json::Value>(&text)
            .ok()
            .and_then(|value| value.get("format")?.as_u64())
            .ok_or_else(|| content("not the settings of a session".to_string()))?;
        if format != FORMAT {
            return Err(SessionError::Newer { path, found: format, known: FORMAT }.into());
        }
        let settings: Settings = serde_json::from_str(&text).map_err(|error| content(error.to_string()))?;
        let name = digest::of(text.as_bytes());
        let pool = Pool::open(dir, &settings)?;
        let who = match &settings.chooser {
            Chooser::Strategy(name) => Who::Strategy(name.clone()),
            Chooser::Policy(_) => {
                for file in [WEIGHTS_FILE, CARD_FILE] {
                    check_file(dir, file, &settings)?;
                }
                Who::Policy(Arc::new(Policy::load(dir, &SCHEMA)?))
            }
        };
        let searching = match &settings.search {
            None => None,
            Some(search) => {
                let known = settings.files.contains_key(ARCHITECTURE);
                let prior = known.then(|| {
                    check_file(dir, ARCHITECTURE, &settings)?;
                    taught(&dir.join(ARCHITECTURE))
                });
                Some(Searching::new(search, prior.transpose()?, methods)?)
            }
        };
        let mut session = Self {
            dir: dir.to_path_buf(),
            name,
            settings,
            pool,
            who,
            searching,
            found: None,
            clock: Clock::default(),
            events: Vec::new(),
            keep: 0,
            torn: 0,
            state: State::default(),
            classifier: None,
        };
        session.refresh()?;
        Ok(session)
    }
}

/// What source tasks taught of where a search starts.
fn taught(path: &Path) -> Result<Prior<ArchSpace>> {
    let refuse = |found: &str| SessionError::Setting {
        name: "where the search starts",
        found: format!("{} ({found})", path.display()),
        expected: "the arch.json of a run that searched among networks for vectors".to_string(),
    };
    match Architecture::load(path)? {
        Architecture::Learned(prior) if prior.space().images.is_none() => Ok(*prior),
        Architecture::Learned(_) => Err(refuse("networks for images").into()),
        Architecture::Network(_) => Err(refuse("one network").into()),
    }
}

/// Refuses a folder with a session or with anything else than what an interrupted creation leaves. Files of a session's names
/// are one's own only where [`UNFINISHED`] says so: a user's policy has two of these names.
fn check_empty(dir: &Path) -> Result<(), SessionError> {
    if dir.join(JOURNAL).exists() {
        return Err(SessionError::Exists { dir: dir.to_path_buf() });
    }
    let begun = input::read_text(&dir.join(UNFINISHED), MAX_SETTINGS_BYTES).is_ok_and(|text| text == BEGUN);
    let own: &[&str] = match begun {
        true => &[UNFINISHED, SETTINGS, pool::INPUTS, pool::ROWS, WEIGHTS_FILE, CARD_FILE, ARCHITECTURE],
        false => &[],
    };
    let is_own = |name: &str| match name {
        durable::LOCK => durable::is_lock(&dir.join(name)),
        name => own.contains(&name) || durable::is_temporary(name),
    };
    let Ok(entries) = std::fs::read_dir(dir) else { return Ok(()) };
    let mut names: Vec<String> =
        entries.filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned())).collect();
    names.sort();
    match names.into_iter().find(|name| !is_own(name)) {
        None => Ok(()),
        Some(found) => {
            let found = shorten(&found).into_owned();
            Err(SessionError::NotEmpty { dir: dir.to_path_buf(), found })
        }
    }
}

fn check_file(dir: &Path, name: &str, settings: &Settings) -> Result<(), SessionError> {
    let path = dir.join(name);
    let found = digest::of_file(&path).unwrap_or_else(|error| error.to_string());
    match settings.files.get(name) {
        Some(stored) if *stored == found => Ok(()),
        stored => Err(SessionError::Changed { path, stored: stored.cloned().unwrap_or_default(), found }),
    }
}

/// The place of a column with a price for every row.
fn prices(read: &Read, column: &str) -> Result<usize, SessionError> {
    let file = &read.examples.file;
    let columns = match &read.shown {
        Shown::Columns(columns) => &columns[..],
        Shown::Pictures(_) | Shown::Inputs => &[],
    };
    let at = columns.iter().position(|(name, _)| name == column).ok_or_else(|| SessionError::Field {
        place: format!("{file}, prices"),
        found: shorten(column).into_owned(),
        expected: "the name of a column".to_string(),
    })?;
    match columns[at].1.iter().position(|text| pool::price(text).is_none()) {
        None => Ok(at),
        Some(row) => Err(SessionError::Field {
            place: format!("{file}, row {row}, column {}", shorten(column)),
            found: shorten(&columns[at].1[row]).into_owned(),
            expected: "a price: a positive number".to_string(),
        }),
    }
}

/// The plan with the labels that sets are of: those that it names, or those that the columns of the pool are called by.
fn named(mut plan: SessionPlan, examples: &Examples) -> Result<SessionPlan, SessionError> {
    if plan.kind() == TargetKind::MultiLabel && plan.classes.is_empty() {
        plan.classes = examples.classes.clone();
        if plan.classes.is_empty() {
            return Err(SessionError::Setting {
                name: "classes",
                found: "none".to_string(),
                expected: "the labels that rows may have (--classes red,round), or columns of them in the pool (--label)"
                    .to_string(),
            });
        }
        plan.check()?;
    }
    Ok(plan)
}

/// The labels that a pool has, as answers.
fn given(examples: &Examples, spelling: &Spelling<'_>) -> Result<Vec<Given>, SessionError> {
    let (targets, _, labelled) = examples.partly(spelling.kind);
    let of_pool = |error| match error {
        SessionError::UnknownClass { place, found, known, .. } => {
            let hint = "add it to --classes, or leave --classes out".to_string();
            SessionError::UnknownClass { place, found, known, hint }
        }
        SessionError::UnknownLabel { place, found, known, .. } => {
            let hint = "add it to --classes, or leave --classes out".to_string();
            SessionError::UnknownLabel { place, found, known, hint }
        }
        other => other,
    };
    let answer = |row: u32| {
        let number = examples.numbers.as_ref().and_then(|numbers| numbers[row as usize]);
        let text = match (&targets.masks, number) {
            (Some(masks), _) => masks::text(masks, row as usize),
            (None, Some(number)) => shortest(number),
            (None, None) => spelling.text(targets.words[row as usize], &examples.classes),
        };
        let text = spelling.read(&text, || format!("{}, row {row}", examples.file)).map_err(of_pool)?;
        Ok(Given { row, annotator: POOL.to_string(), verdict: Verdict::Label(text) })
    };
    labelled.into_iter().map(answer).collect()
}

/// The shortest decimal of a number; of one that was read from 32 bits, the shortest that they tell from others.
fn shortest(number: f64) -> String {
    let narrow = number as f32;
    if f64::from(narrow) == number { narrow.to_string() } else { number.to_string() }
}
