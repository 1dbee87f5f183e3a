//! [`Session`]: a stream that people label, and that goes on after its process ends.
//!
//! Classes have names, rows come with or without a label, and everything that happens is an event in the journal of a
//! run's folder ([`Store`]): a row that was skipped by the confidence it had, a row that was kept or came labelled with
//! its numbers, an answer. From those the rule, the classifier and the rows that wait are made again, so that a
//! session which was killed decides as one that was not. Events count once they are [committed](Session::commit).

use super::episode::{Offered, StreamEpisode, StreamPlan};
use super::error::StreamError;
use super::policy::StreamPolicy;
use super::rules;
use crate::error::{Result, shorten};
use crate::rng::Key;
use crate::run::journal::{Journal, Record};
use crate::run::{Manifest, RunError, Store};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

/// The longest name of a class, in bytes.
pub const MAX_NAME: usize = 1_000;

/// What a session is; a folder continues only the session of the same settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// The rule, as [`rules::build`] reads it; or the name of a policy.
    pub strategy: String,
    /// The digest of a policy that decides in a rule's place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// The share of rows that may be kept.
    pub budget: f64,
    /// Labels that may be asked for in all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<u64>,
    /// Labelled rows that are remembered.
    pub memory: usize,
    /// The seed of what the rule draws.
    pub seed: u64,
    /// The names of the columns that rows have.
    pub columns: Vec<String>,
}

/// What happened, as the journal has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Event {
    /// A row was skipped, by the confidence it had.
    Skipped(f64),
    /// A row was kept.
    Kept(f64, Vec<f32>),
    /// A row was kept or skipped by a rule that looks at more than the confidence: that, the rule's value, and the row.
    Weighed(bool, f64, f64, Vec<f32>),
    /// A row came with its label.
    Labelled(Vec<f32>, String),
    /// A row that was kept got its label.
    Answered(u64, String),
}

/// A stream with its classifier, its rule and, where it has a folder, its journal.
pub struct Session {
    episode: StreamEpisode,
    classes: HashMap<String, u32>,
    events: Vec<Event>,
    answered: u64,
    /// The folder stays locked as long as the session lives.
    stored: Option<(Store, Journal, u64)>,
}

impl Session {
    /// Begins a session, or continues the one in `dir`. `policy` is the one that the settings name.
    ///
    /// # Errors
    /// What is wrong with a setting; as [`Store::open`] for a folder that is in use, is not a session's, or holds one of
    /// other settings; [`RunError::Damaged`].
    pub fn open(settings: &Settings, policy: Option<&StreamPolicy>, dir: Option<&Path>) -> Result<Self> {
        let rule = match policy {
            Some(policy) => policy.rule(settings.budget)?,
            None => rules::build(&settings.strategy, settings.budget)?,
        };
        let plan =
            StreamPlan { width: settings.columns.len(), labels: settings.labels, memory: settings.memory };
        let key = Key::root(settings.seed).named("stream");
        let episode = StreamEpisode::new(plan, rule, key)?;
        let mut session =
            Self { episode, classes: HashMap::new(), events: Vec::new(), answered: 0, stored: None };
        let Some(dir) = dir else { return Ok(session) };
        let text = toml::to_string(settings).expect("strings and numbers serialise");
        let manifest = Manifest::new(&text, settings.seed, BTreeMap::new())?;
        let mut next = 0;
        let damaged = |reason: String| RunError::Damaged { path: dir.to_path_buf(), offset: 0, reason };
        // Record by record: a journal may be longer than what a session needs of memory.
        let (store, journal) = Store::open_each(dir, &manifest, &text, false, |record| {
            let output = match record {
                Record::Done { key, output, .. } if key == next.to_string() => output,
                other => {
                    return Err(damaged(format!("record `{}` is no session's", shorten(other.key()))).into());
                }
            };
            let wrong = |error: String| damaged(format!("record {next}: {error}"));
            let events: Vec<Event> =
                serde_json::from_value(output).map_err(|error| wrong(error.to_string()))?;
            events
                .into_iter()
                .try_for_each(|event| session.again(event).map_err(|error| wrong(error.to_string())))?;
            next += 1;
            Ok(())
        })?;
        session.stored = Some((store, journal, next));
        Ok(session)
    }

    /// What happened before happens again.
    fn again(&mut self, event: Event) -> Result<()> {
        let offered = match event {
            Event::Skipped(confidence) => {
                Some((self.episode.offer_again(confidence, confidence, &[]), false))
            }
            Event::Kept(confidence, inputs) => {
                Some((self.episode.offer_again(confidence, confidence, &inputs), true))
            }
            Event::Weighed(kept, confidence, value, inputs) => {
                Some((self.episode.offer_again(confidence, value, &inputs), kept))
            }
            Event::Labelled(inputs, label) => {
                self.take_row(&inputs, &label)?;
                None
            }
            Event::Answered(row, label) => {
                self.take_answer(row, &label)?;
                None
            }
        };
        match offered {
            Some((offered, kept)) if offered.decision.keep != kept => {
                Err(StreamError::Differs { row: offered.row, kept }.into())
            }
            _ => Ok(()),
        }
    }

    /// The number of a class, in the order in which they came up; a new one is known once its label was
    /// [taken](Self::took).
    fn class(&self, name: &str) -> Result<u32, StreamError> {
        if name.is_empty() || name.len() > MAX_NAME {
            let found = shorten(name).into_owned();
            return Err(StreamError::Name { found, bytes: name.len(), limit: MAX_NAME });
        }
        Ok(self.classes.get(name).copied().unwrap_or(self.classes.len() as u32))
    }

    fn took(&mut self, name: &str, class: u32) {
        if class as usize == self.classes.len() {
            self.classes.insert(name.to_string(), class);
        }
    }

    fn take_row(&mut self, inputs: &[f32], label: &str) -> Result<()> {
        let class = self.class(label)?;
        self.episode.warm_start(inputs, class)?;
        self.took(label, class);
        Ok(())
    }

    fn take_answer(&mut self, row: u64, label: &str) -> Result<()> {
        let class = self.class(label)?;
        self.episode.answer(row, class)?;
        self.took(label, class);
        self.answered += 1;
        Ok(())
    }

    /// The episode.
    pub fn episode(&self) -> &StreamEpisode {
        &self.episode
    }

    /// Answers so far.
    pub fn answered(&self) -> u64 {
        self.answered
    }

    /// The next row: decided on, or with its label learned from, which gives none.
    ///
    /// # Errors
    /// As [`StreamEpisode::offer`] and [`StreamEpisode::warm_start`], and for the name of a class.
    pub fn row(&mut self, inputs: &[f32], label: Option<&str>) -> Result<Option<Offered>> {
        if let Some(label) = label {
            self.take_row(inputs, label)?;
            self.note(|| Event::Labelled(inputs.to_vec(), label.to_string()));
            return Ok(None);
        }
        let offered = self.episode.offer(inputs)?;
        let (confidence, looks) = (offered.confidence, self.episode.looks());
        self.note(|| match offered.decision.keep {
            kept if looks => Event::Weighed(kept, confidence, offered.value, inputs.to_vec()),
            true => Event::Kept(confidence, inputs.to_vec()),
            false => Event::Skipped(confidence),
        });
        Ok(Some(offered))
    }

    /// The label of a row that was kept.
    ///
    /// # Errors
    /// As [`StreamEpisode::answer`], and for the name of a class.
    pub fn answer(&mut self, row: u64, label: &str) -> Result<()> {
        self.take_answer(row, label)?;
        self.note(|| Event::Answered(row, label.to_string()));
        Ok(())
    }

    fn note(&mut self, event: impl FnOnce() -> Event) {
        if self.stored.is_some() {
            self.events.push(event());
        }
    }

    /// Brings what happened to the disk; what a caller does on the strength of a decision comes after this.
    ///
    /// # Errors
    /// Whatever writing fails with.
    pub fn commit(&mut self) -> Result<()> {
        let Some((_, journal, next)) = self.stored.as_mut().filter(|_| !self.events.is_empty()) else {
            return Ok(());
        };
        let output = serde_json::to_value(&self.events).expect("finite numbers and strings");
        journal.append(&[Record::Done { key: next.to_string(), seconds: 0.0, output }])?;
        *next += 1;
        self.events.clear();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        Settings {
            strategy: "split".into(),
            policy: None,
            budget: 0.3,
            labels: None,
            memory: 50,
            seed: 4,
            columns: vec!["a".into(), "b".into()],
        }
    }

    /// Row `at` of a stream, and its class.
    fn row(at: u64) -> ([f32; 2], &'static str) {
        let x = [(at * 37 % 101) as f32 / 101.0, (at * 11 % 13) as f32];
        (x, if x[0] > 0.4 { "cat" } else { "dog" })
    }

    /// Offers rows `from..to`, answers those kept at once, and says what was decided.
    fn play(session: &mut Session, from: u64, to: u64) -> Vec<Offered> {
        let play = |at| {
            let (inputs, class) = row(at);
            let offered = session.row(&inputs, None).unwrap().unwrap();
            if offered.decision.keep {
                session.answer(offered.row, class).unwrap();
            }
            session.commit().unwrap();
            offered
        };
        (from..to).map(play).collect()
    }

    /// Ended at any row and continued by another process, a session decides as one that was not ended.
    #[test]
    fn a_session_that_was_ended_goes_on_as_if_it_had_not_been() {
        let whole = play(&mut Session::open(&settings(), None, None).unwrap(), 0, 400);
        assert!(whole.iter().filter(|offered| offered.decision.keep).count() > 60);
        for cut in [1, 2, 77, 399] {
            let folder = tempfile::tempdir().unwrap();
            let dir = folder.path().join("state");
            let first = play(&mut Session::open(&settings(), None, Some(&dir)).unwrap(), 0, cut);
            let mut second = Session::open(&settings(), None, Some(&dir)).unwrap();
            assert_eq!(second.episode().seen(), cut);
            let rest = play(&mut second, cut, 400);
            assert_eq!([first, rest].concat(), whole, "cut at {cut}");
        }
    }

    #[test]
    fn what_was_not_committed_did_not_happen() {
        let folder = tempfile::tempdir().unwrap();
        let mut session = Session::open(&settings(), None, Some(folder.path())).unwrap();
        session.row(&[0.1, 0.2], Some("cat")).unwrap();
        session.commit().unwrap();
        session.row(&[0.1, 0.2], Some("dog")).unwrap();
        drop(session);
        let session = Session::open(&settings(), None, Some(folder.path())).unwrap();
        assert_eq!((session.episode().seen(), session.classes.len()), (1, 1));
    }

    #[test]
    fn a_folder_of_other_settings_or_of_two_processes_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let mut session = Session::open(&settings(), None, Some(folder.path())).unwrap();
        assert!(Session::open(&settings(), None, Some(folder.path())).is_err());
        play(&mut session, 0, 5);
        drop(session);
        let other = Settings { budget: 0.2, ..settings() };
        let Err(error) = Session::open(&other, None, Some(folder.path())) else { panic!("continued") };
        assert!(error.to_string().contains("budget = 0.2"), "{error}");
        assert!(Session::open(&Settings { columns: vec![], ..settings() }, None, None).is_err());
    }

    #[test]
    fn names_of_classes_are_bounded() {
        let mut session = Session::open(&settings(), None, None).unwrap();
        for name in ["", &"x".repeat(MAX_NAME + 1)] {
            let error = session.row(&[0.0, 0.0], Some(name)).unwrap_err();
            assert!(matches!(error.downcast_ref(), Some(StreamError::Name { .. })), "{error}");
        }
    }
}
