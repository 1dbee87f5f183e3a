//! Labelling in earnest: a pool, a policy that asks, and annotators who answer.
//!
//! A [`Session`] is a folder. It holds a copy of its pool, its settings, the policy it asks by, and a journal of all that
//! was asked and told, so that a copy of the folder goes on elsewhere. Nothing else is kept: the classifier and the
//! picks follow from these, and the same session with the same answers asks for the same rows.
//!
//! ```
//! use querist::session::{Answer, Session, SessionPlan};
//! # let folder = tempfile::tempdir().unwrap();
//! # let pool = folder.path().join("pool.csv");
//! # let line = |row: usize| format!("{},{}\n", row % 7, (row * row) % 11);
//! # std::fs::write(&pool, format!("x,y\n{}", (0..60).map(line).collect::<String>())).unwrap();
//! # let dir = folder.path().join("session");
//! let mut session = Session::create(&dir, SessionPlan { batch: 4, ..SessionPlan::new(&pool) })?;
//! for _ in 0..4 {
//!     let query = session.ask(4)?;
//!     let answer = |pick: &querist::session::Asked| {
//!         Answer::new(pick.row, if pick.row % 7 < 3 { "low" } else { "high" })
//!     };
//!     let answers: Vec<Answer> = query.rows.iter().map(answer).collect();
//!     session.tell(&answers)?;
//! }
//! assert_eq!(Session::open(&dir)?.counts()?.labelled, 16);
//! # Ok::<(), querist::Error>(())
//! ```
//!
//! What is here: `plan` (settings), `pool` (the copy of inputs and texts), `journal` and `state` (what happened, and what
//! it adds up to), `answer_table` (answers from files), `spelling` and `masks` (answers as texts and as words), `price` (what answers cost), `annotators` (one target per row from several
//! people), `classifier`, `search` (for its network), `network` (of targets that are no classes), `query` (which rows to ask for).
//! What is not: simulated labelling (`episode`), pages to label on (`cli`).

mod annotators;
mod answer;
mod answer_table;
mod classifier;
mod clock;
mod create;
mod error;
mod journal;
pub mod label_studio;
mod labelling;
mod map;
mod masks;
mod network;
mod plan;
mod pool;
mod predictions;
mod price;
pub(crate) mod prodigy;
mod query;
mod search;
mod spelling;
mod state;
mod status;
mod table;

pub use annotators::Reliability;
pub use answer::{ANNOTATOR, Answer, RowName, Verdict};
pub(crate) use answer_table::says_something;
pub use classifier::{Kind, Tried};
pub use clock::Clock;
pub use error::SessionError;
pub use labelling::{Asked, Asking, Counts, Taken};
pub use map::PoolMap;
pub use plan::{
    ABSTAINED, BATCH, Chooser, MAX_BATCH, MAX_NAME, MAX_THINK, Price, SessionPlan, Settings, UNANSWERABLE,
};
pub use pool::Content;
pub use predictions::Predictions;
pub use search::{ArchSearch, MAX_NETWORKS, NETWORKS};
pub use spelling::SEPARATOR;
pub use status::{Accuracy, Batch, Forecast, Score, Status, Stopping};
pub use table::{Column, Format, Table};

use crate::data::TargetKind;
use crate::durable::{self, DurableError, Lock, input};
use crate::error::Result;
use crate::rng::Key;
use annotators::{Consensus, consensus};
use classifier::{Classifier, Net};
use journal::{Event, JOURNAL};
use pool::Pool;
use query::{LabelledRows, Who};
use search::Searching;
use spelling::Spelling;
use state::State;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The annotator of labels that the pool came with.
pub const POOL: &str = "(pool)";
/// How long one process waits for another that has the session in hand.
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(2);

/// An open session. Every call looks at what other processes have written since.
pub struct Session {
    dir: PathBuf,
    name: String,
    settings: Settings,
    pool: Pool,
    who: Who,
    searching: Option<Searching>,
    /// What this process found and the journal may not have yet.
    found: Option<Event>,
    clock: Clock,
    events: Vec<Event>,
    keep: u64,
    /// Bytes behind the last whole record.
    torn: u64,
    state: State,
    /// The classifier of the labels in hand.
    classifier: Option<AtHand>,
}

/// A classifier, and what it is for.
struct AtHand {
    consensus: Consensus,
    found: Option<Net>,
    classifier: Classifier,
}

impl Session {
    /// The same session by another clock.
    pub fn with_clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// Its name: 64 hexadecimal digits, which follow from its pool and its settings.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// What it was made with.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What people are shown of a row.
    ///
    /// # Errors
    /// [`SessionError::UnknownRow`].
    pub fn content(&self, row: usize) -> Result<Content> {
        self.check_row(row, || "the row".to_string())?;
        Ok(self.pool.content(row)?)
    }

    /// A picture of a row and its media type; none where the pool has none.
    ///
    /// # Errors
    /// [`SessionError::UnknownRow`]; if a picture that is kept by its path was moved or changed.
    pub fn picture(&self, row: usize) -> Result<Option<(Vec<u8>, &'static str)>> {
        self.check_row(row, || "the row".to_string())?;
        self.pool.picture(row)
    }

    /// The classes: those the session was made with, or all that were named so far, by name. Of sets, the labels; numbers and masks have none.
    ///
    /// # Errors
    /// A damaged journal.
    pub fn classes(&mut self) -> Result<Vec<String>> {
        self.refresh()?;
        Ok(self.consensus().classes)
    }

    /// Answers that count against the budget.
    fn bought(&self) -> usize {
        let counts = |one: &&state::Standing| one.annotator != POOL && one.verdict.label().is_some();
        self.state.answers.values().flatten().filter(counts).count()
    }

    fn consensus(&self) -> Consensus {
        consensus(&self.state, &Spelling::of(&self.settings), &self.settings.classes)
    }

    /// Reads the answers of a file, or of a folder or an archive of masks where those are collected, for [`tell`](Self::tell): see [`Answer::read`].
    ///
    /// # Errors
    /// [`SessionError`] with the line, or what reading refuses; [`SessionError::ClassesAlone`] for files of other programs, whose answers are
    /// classes.
    pub fn read(&self, path: &Path, annotator: &str) -> Result<Vec<Answer>> {
        if self.settings.task == TargetKind::Mask && path.is_dir() {
            return masks::read(path, self.settings.named, annotator);
        }
        if self.settings.task == TargetKind::Mask && path.extension().is_some_and(|ending| ending == "npz") {
            return masks::read_archive(path, self.settings.rows, annotator);
        }
        if self.settings.task == TargetKind::Mask
            && path.extension().and_then(image::ImageFormat::from_extension).is_some()
        {
            return Err(SessionError::Field {
                place: path.display().to_string(),
                found: "a picture".to_string(),
                expected: "a folder of masks, called as the images are, or an archive of them".to_string(),
            }
            .into());
        }
        if path.extension().is_some_and(|ending| ending == "json" || ending == "jsonl") {
            self.expect_classes("answers of Label Studio and Prodigy")?;
        }
        Answer::read(path, annotator, self.settings.task)
    }

    /// Refuses what writes labels as text where masks are collected.
    ///
    /// # Errors
    /// [`SessionError::NoMasks`].
    pub fn expect_labels(&self, what: &'static str) -> Result<(), SessionError> {
        match self.settings.task {
            TargetKind::Mask => Err(SessionError::NoMasks { what }),
            TargetKind::Class | TargetKind::Real | TargetKind::MultiLabel => Ok(()),
        }
    }

    /// Refuses what is of classes alone where something else is collected.
    ///
    /// # Errors
    /// [`SessionError::ClassesAlone`].
    pub fn expect_classes(&self, what: &'static str) -> Result<(), SessionError> {
        match self.settings.task {
            TargetKind::Class => Ok(()),
            kind => Err(SessionError::ClassesAlone {
                what,
                kind,
                hint: "`querist session ask DIR --csv FILE` writes the rows to label, and `tell` takes the answers",
            }),
        }
    }

    fn key(&self) -> Key {
        Key::root(self.settings.seed).named("session")
    }

    /// Bytes at the journal's end that are no whole record and left out: of a write that was cut off, which nobody
    /// was told of as done, or of a copy that is not whole.
    pub fn torn(&self) -> u64 {
        self.torn
    }

    /// The files of the session in this folder.
    pub fn files(&self) -> Vec<PathBuf> {
        let own = self.settings.files.keys().map(String::as_str);
        own.chain([create::SETTINGS, JOURNAL]).map(|name| self.dir.join(name)).collect()
    }

    /// Reads what other processes have written since.
    fn refresh(&mut self) -> Result<()> {
        let path = self.dir.join(JOURNAL);
        let (_, size) = input::open(&path)?;
        // A journal without a header is none, and not one without events.
        if size != self.keep || size == 0 {
            let content = journal::read(&path, &self.name)?;
            self.state = State::of(&content.events);
            (self.events, self.keep) = (content.events, content.keep);
            self.torn = size.saturating_sub(self.keep);
        }
        Ok(())
    }

    /// Puts an event on the disk, then takes it into account. The caller holds the lock and has refreshed.
    fn append(&mut self, event: Event) -> Result<()> {
        self.keep = journal::append(&self.dir.join(JOURNAL), self.keep, self.events.len(), &event)?;
        self.torn = 0;
        self.state.take(&event);
        self.events.push(event);
        Ok(())
    }

    /// The network that the session's search finds for these labels. Searches where the journal does not know yet.
    fn network(&mut self, consensus: &Consensus) -> Result<Option<Net>> {
        let Some(searching) = &self.searching else { return Ok(None) };
        let Some(due) = searching.due(consensus, &self.state, &self.pool, self.key())? else {
            return Ok(None);
        };
        let wanted = due.digest();
        let own = match &self.found {
            Some(Event::Searched { digest, point, .. }) if *digest == wanted => Some(point),
            _ => None,
        };
        if let Some(point) = self.state.found.get(&wanted).or(own) {
            return Ok(point.map(|point| searching.net(point)));
        }
        let point = searching.find(&due)?;
        let net = point.map(|point| searching.net(point));
        self.found =
            Some(Event::Searched { at: self.clock.now(), labels: due.labels, digest: wanted, point });
        Ok(net)
    }

    /// Puts what was found into the journal. The caller holds the lock and has refreshed.
    fn append_found(&mut self) -> Result<()> {
        match self.found.take() {
            Some(Event::Searched { digest, .. }) if self.state.found.contains_key(&digest) => Ok(()),
            Some(event) => self.append(event),
            None => Ok(()),
        }
    }

    /// [`append_found`](Self::append_found), for who only looks: where another process has the session in hand, or the folder
    /// cannot be written to, the search is made again the next time.
    fn keep_found(&mut self) -> Result<()> {
        if self.found.is_none() {
            return Ok(());
        }
        let Ok(_lock) = durable::lock(&self.dir) else { return Ok(()) };
        self.refresh()?;
        self.append_found()
    }

    fn check_row(&self, row: usize, place: impl Fn() -> String) -> Result<(), SessionError> {
        let last = self.pool.rows() - 1;
        match row <= last {
            true => Ok(()),
            false => Err(SessionError::UnknownRow { place: place(), found: row.to_string(), last }),
        }
    }
}

/// The classifier for these labels, of which one may be `found`: the one at hand, if it is for them.
fn current<'c>(
    at_hand: &'c mut Option<AtHand>,
    consensus: &Consensus,
    found: Option<Net>,
    pool: &Pool,
    think: usize,
    key: Key,
) -> Result<&'c Classifier> {
    let same = |one: &AtHand| {
        let labels = |consensus: &Consensus| LabelledRows::of(consensus);
        one.consensus.classes == consensus.classes
            && labels(&one.consensus) == labels(consensus)
            && one.found == found
    };
    if !at_hand.as_ref().is_some_and(same) {
        let labels = LabelledRows::of(consensus);
        let key = key.named("classifier");
        let classifier = Classifier::fit(&labels.labels(pool), found.as_ref(), think, key)?;
        *at_hand = Some(AtHand { consensus: consensus.clone(), found, classifier });
    }
    Ok(&at_hand.as_ref().expect("it was just put there").classifier)
}

/// The folder for this process alone; waits for others.
fn lock(dir: &Path) -> Result<Lock> {
    let started = Instant::now();
    loop {
        match durable::lock(dir) {
            Err(DurableError::Locked { .. }) if started.elapsed() < PATIENCE => std::thread::sleep(PAUSE),
            Err(DurableError::Locked { path: dir, pid }) => {
                return Err(SessionError::Busy { dir, pid }.into());
            }
            result => return Ok(result?),
        }
    }
}
