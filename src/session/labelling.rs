//! Asking and being told.

use super::answer::{ANNOTATOR, Answer, RowName, Verdict};
use super::error::SessionError;
use super::journal::{Event, Given};
use super::plan::{MAX_BATCH, check_name};
use super::price::Prices;
use super::query::{self, Query};
use super::spelling::Spelling;
use super::state::{Pending, Standing, Votes};
use super::{POOL, Session, current, lock};
use crate::error::{Result, shorten};
use crate::query::subsample;
use serde::Serialize;
use std::collections::{BTreeMap, HashSet};
use std::time::Instant;

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Asking {
    /// The session's name, which answers may bear.
    pub session: String,
    /// The rows, most wanted first.
    pub rows: Vec<Asked>,
    /// What there is to be told: what was left out of account, why there are fewer rows than were asked for.
    pub note: Option<String>,
    /// Seconds that choosing took, the fit included; none where all rows were asked for before.
    pub seconds: Option<f64>,
}

/// A row to be labelled.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Asked {
    /// Its number in the pool, counted from 0.
    pub row: usize,
    /// What the pool calls it.
    pub id: Option<String>,
    /// Who chose it: a strategy or a policy.
    pub by: String,
    /// Why, in words.
    pub reason: String,
    /// What is predicted, where anything is that can be written, and of a class its probability.
    pub predicted: Option<(String, Option<f32>)>,
    /// When the lease ends, in seconds since 1970.
    pub until: Option<u64>,
}

/// What answers came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Taken {
    /// Answers that are new.
    pub new: usize,
    /// Answers that replaced another one of the same annotator.
    pub revised: usize,
    /// Answers that were there already.
    pub repeated: usize,
}

/// How many rows there are of what.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    pub rows: usize,
    /// Rows with a label.
    pub labelled: usize,
    /// Rows that cannot be answered: of which more annotators say so than give a label.
    pub unanswerable: usize,
    /// Rows without a label that somebody did not say.
    pub abstained: usize,
    /// Rows in somebody's hand.
    pub pending: usize,
    /// Rows on which annotators disagree.
    pub disputed: usize,
    /// Labelled rows of every class, or with every label, by its name.
    pub classes: Vec<(String, usize)>,
    /// Answers that count against the budget.
    pub bought: usize,
}

impl Session {
    /// Asks for `count` rows in the name of [`ANNOTATOR`]. Rows that were asked for before and are neither answered nor
    /// released come first, in the same order, so that asking twice gives the same rows.
    ///
    /// # Errors
    /// [`SessionError::Setting`] for a count out of its range; those of the strategy.
    pub fn ask(&mut self, count: usize) -> Result<Asking> {
        self.ask_as(ANNOTATOR, count)
    }

    /// [`ask`](Self::ask) in the name of an annotator. No two annotators have a row in hand at once.
    ///
    /// # Errors
    /// As [`ask`](Self::ask).
    pub fn ask_as(&mut self, annotator: &str, count: usize) -> Result<Asking> {
        check_annotator(annotator, || "the annotator".to_string())?;
        if !(1..=MAX_BATCH).contains(&count) {
            let expected = format!("1 to {MAX_BATCH}");
            return Err(SessionError::Setting { name: "batch", found: count.to_string(), expected }.into());
        }
        if self.searching.is_some() {
            // Nobody waits for the lock meanwhile.
            self.refresh()?;
            self.network(&self.consensus())?;
        }
        let _lock = lock(&self.dir)?;
        self.refresh()?;
        self.append_found()?;
        let now = self.clock.now();
        let mine = |session: &Self| -> Vec<Pending> {
            session.state.in_hand(now).filter(|one| one.annotator == annotator).take(count).cloned().collect()
        };
        let missing = count - mine(self).len();
        let (mut note, mut seconds) = (None, None);
        if missing > 0 {
            let started = Instant::now();
            let (given, held) = (self.bought(), self.state.in_hand(now).count());
            let left = self.settings.budget.map(|budget| budget.saturating_sub(given + held));
            let fewer = missing.min(left.unwrap_or(missing));
            if let Some(budget) = self.settings.budget.filter(|_| fewer < missing) {
                note = Some(used_up(budget, given, held, fewer));
            }
            if fewer > 0 {
                let chosen = self.choose(annotator, fewer, left, now)?;
                let short = chosen.picks.len() < fewer;
                note = subsample::join([note, chosen.note]);
                if !chosen.picks.is_empty() {
                    let until = self.settings.lease.map(|lease| now.saturating_add(lease));
                    self.append(Event::Asked {
                        at: now,
                        annotator: annotator.to_string(),
                        until,
                        by: chosen.by,
                        note: note.clone(),
                        picks: chosen.picks,
                    })?;
                }
                if short {
                    note = subsample::join([note, self.too_dear(annotator, now)?]);
                }
            }
            seconds = Some(started.elapsed().as_secs_f64());
        }
        let asked = |one: Pending| -> Result<Asked> {
            Ok(Asked {
                row: one.pick.row as usize,
                id: self.pool.id(one.pick.row as usize)?,
                by: one.by,
                reason: one.pick.reason,
                predicted: one.pick.predicted,
                until: one.until,
            })
        };
        let rows = mine(self).into_iter().map(asked).collect::<Result<_>>()?;
        Ok(Asking { session: self.name.clone(), rows, note, seconds })
    }

    /// That what answers may cost leaves too little for more rows; none where nothing limits it, or no row is left to ask of `annotator`.
    fn too_dear(&self, annotator: &str, now: u64) -> Result<Option<String>, SessionError> {
        let prices = Prices::of(&self.settings, &self.pool);
        let (Some(spend), Some(prices)) = (self.settings.spend, prices) else { return Ok(None) };
        let held: HashSet<u32> = self.state.in_hand(now).map(|one| one.pick.row).collect();
        let mut rows = 0..self.pool.rows() as u32;
        if rows.all(|row| self.state.closed(row, annotator) || held.contains(&row)) {
            return Ok(None);
        }
        // In `f64`, a sum of prices has more digits than prices have.
        let spent = prices.spent(&self.state)? as f32;
        let mut said = format!("of the {spend} that answers may cost, {spent} are spent");
        if !held.is_empty() {
            let expected = prices.held(&self.state, now)? as f32;
            said += &format!(" and {expected} expected of rows that are asked for and not answered yet");
        }
        Ok(Some(said + ": what is left is too little for more rows"))
    }

    /// Takes answers, all of them or none; they are on the disk when this returns. An answer may come late, to a row that
    /// nobody asked for, or replace an earlier one of the same annotator. A number is written as a decimal; a set as its labels with the
    /// session's separator between, the empty one as the separator alone; a mask as rows and columns of pixels and
    /// the lengths of runs of background and foreground in turn (`2x3 1 2 3`), which [`read`](Self::read) makes of pictures.
    ///
    /// # Errors
    /// [`SessionError`] with the place of an answer that does not fit: an unknown row, a label that is none, a second
    /// answer of one annotator to one row, an answer to another session.
    pub fn tell(&mut self, answers: &[Answer]) -> Result<Taken> {
        let mut first: BTreeMap<(u32, &str), &str> = BTreeMap::new();
        let mut given = Vec::with_capacity(answers.len());
        for answer in answers {
            let one = self.check_answer(answer)?;
            if let Some(first) = first.insert((one.row, &answer.annotator), &answer.place) {
                let (place, row, first) = (answer.place.clone(), one.row as usize, first.to_string());
                return Err(SessionError::Twice { place, row, first }.into());
            }
            given.push(one);
        }
        let _lock = lock(&self.dir)?;
        self.refresh()?;
        let mut taken = Taken::default();
        for one in &given {
            let before = self.state.answers.get(&one.row);
            match before.and_then(|all| all.iter().find(|other| other.annotator == one.annotator)) {
                None => taken.new += 1,
                Some(before) if before.verdict == one.verdict => taken.repeated += 1,
                Some(_) => taken.revised += 1,
            }
        }
        if taken.new + taken.revised > 0 {
            self.append(Event::Told { at: self.clock.now(), answers: given })?;
        }
        Ok(taken)
    }

    /// Takes rows out of everybody's hand, so that they may be asked of anybody again; without `rows`, all. Gives how many
    /// were.
    ///
    /// # Errors
    /// [`SessionError::UnknownRow`].
    pub fn release(&mut self, rows: Option<&[usize]>) -> Result<usize> {
        for &row in rows.unwrap_or_default() {
            self.check_row(row, || "release".to_string())?;
        }
        let _lock = lock(&self.dir)?;
        self.refresh()?;
        let wanted = |row: u32| rows.is_none_or(|rows| rows.contains(&(row as usize)));
        let mut held: Vec<u32> =
            self.state.pending.iter().map(|one| one.pick.row).filter(|&row| wanted(row)).collect();
        held.sort_unstable();
        held.dedup();
        let count = held.len();
        if count > 0 {
            self.append(Event::Released { at: self.clock.now(), rows: held })?;
        }
        Ok(count)
    }

    /// How many rows there are of what.
    ///
    /// # Errors
    /// A damaged journal.
    pub fn counts(&mut self) -> Result<Counts> {
        self.refresh()?;
        let consensus = self.consensus();
        let classes = consensus.counts();
        let answers = || self.state.answers.values();
        let nobody_said = |all: &&Vec<Standing>| all.iter().all(|one| one.verdict == Verdict::Abstained);
        Ok(Counts {
            rows: self.pool.rows(),
            labelled: consensus.labelled.len(),
            unanswerable: answers().filter(|all| Votes::of(all).unanswerable()).count(),
            abstained: answers().filter(nobody_said).count(),
            pending: self.state.in_hand(self.clock.now()).count(),
            disputed: consensus.labelled.iter().filter(|one| one.disputed).count(),
            classes: consensus.classes.into_iter().zip(classes).collect(),
            bought: self.bought(),
        })
    }

    fn choose(
        &mut self,
        annotator: &str,
        count: usize,
        budget: Option<usize>,
        now: u64,
    ) -> Result<query::Chosen> {
        let consensus = self.consensus();
        let found = self.network(&consensus)?;
        self.append_found()?;
        let (key, seen, purse) = (self.key(), self.state.asks, self.purse(now)?);
        let Self { settings, pool, state, who, classifier, .. } = self;
        let query = Query {
            settings,
            pool,
            state,
            consensus: &consensus,
            who,
            annotator,
            now,
            purse,
            key: key.named("query").at(seen),
            fits: key.named("network"),
        };
        query.choose(count, budget, || current(classifier, &consensus, found, pool, settings.think, key))
    }

    fn check_answer(&self, answer: &Answer) -> Result<Given, SessionError> {
        let place = || answer.place.clone();
        if let Some(found) = answer.session.as_ref().filter(|found| **found != self.name) {
            let (found, this) = (shorten(found).into_owned(), self.name.clone());
            return Err(SessionError::OtherSession { place: place(), found, this });
        }
        let row = match &answer.row {
            RowName::Number(row) => *row,
            RowName::Both(row, id) => {
                self.check_row(*row, place)?;
                // Without names of its own, a pool has nothing to contradict.
                match self.pool.id(*row)? {
                    Some(called) if called != *id => {
                        let (called, found) = (shorten(&called).into_owned(), shorten(id).into_owned());
                        return Err(SessionError::RowAndId { place: place(), row: *row, called, found });
                    }
                    _ => *row,
                }
            }
            RowName::Id(id) => match self.pool.called(id)? {
                [only] => *only as usize,
                rows => {
                    let found = shorten(id).into_owned();
                    return Err(SessionError::UnknownId { place: place(), found, count: rows.len() });
                }
            },
        };
        self.check_row(row, place)?;
        check_annotator(&answer.annotator, place)?;
        let verdict = match answer.verdict.label() {
            Some(text) => Verdict::Label(Spelling::of(&self.settings).read(text, place)?),
            None => answer.verdict.clone(),
        };
        Ok(Given { row: row as u32, annotator: answer.annotator.clone(), verdict })
    }
}

/// What a budget of so many labels leaves, of which `given` are there and `held` are asked for: `fewer` rows.
fn used_up(budget: usize, given: usize, held: usize, fewer: usize) -> String {
    let mut said = match fewer {
        0 => format!("the budget is used up: {given} of {budget} labels are given"),
        _ => format!("the budget leaves {fewer} rows to ask for: {given} of {budget} labels are given"),
    };
    if held > 0 {
        said += &format!(
            ", and {held} rows are asked for and not answered yet, which `querist session release` takes back"
        );
    }
    said
}

/// Refuses what is no name of a person.
fn check_annotator(name: &str, place: impl Fn() -> String) -> Result<(), SessionError> {
    match name {
        POOL => {
            let expected = "a name of an annotator: labels of the pool itself stand under it".to_string();
            Err(SessionError::Field { place: place(), found: name.to_string(), expected })
        }
        name => check_name(name, place),
    }
}
