//! [`State`]: what a journal's events add up to.

use super::POOL;
use super::answer::Verdict;
use super::journal::{Event, Given, Pick};
use crate::arch::Point;
use std::collections::{BTreeMap, HashMap};

/// An answer that counts: the last one of its annotator to its row.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Standing {
    pub annotator: String,
    pub verdict: Verdict,
}

/// What the annotators of a row say, counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Votes {
    labels: usize,
    unanswerable: usize,
}

/// The answers to a row that its label comes from: all of them, but the pool's where somebody has said otherwise or the same.
pub(super) fn counted(answers: &[Standing]) -> impl Iterator<Item = &Standing> {
    let says = |one: &Standing| one.annotator != POOL && one.verdict != Verdict::Abstained;
    let replaced = answers.iter().any(says);
    answers.iter().filter(move |one| !replaced || one.annotator != POOL)
}

impl Votes {
    pub fn of(answers: &[Standing]) -> Self {
        let count =
            |wanted: fn(&Verdict) -> bool| counted(answers).filter(|one| wanted(&one.verdict)).count();
        Self {
            labels: count(|verdict| matches!(verdict, Verdict::Label(_))),
            unanswerable: count(|verdict| matches!(verdict, Verdict::Unanswerable)),
        }
    }

    /// Whether the row has a label: somebody gave one, and not more say that nobody can.
    pub fn labelled(self) -> bool {
        self.labels > 0 && self.labels >= self.unanswerable
    }

    /// Whether the row cannot be answered: more say so than give a label.
    pub fn unanswerable(self) -> bool {
        self.unanswerable > self.labels
    }

    /// Whether as many give a label as say that nobody can.
    pub fn tied(self) -> bool {
        self.labels > 0 && self.labels == self.unanswerable
    }
}

/// A row that somebody has in hand.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Pending {
    pub annotator: String,
    /// When the lease ends.
    pub until: Option<u64>,
    pub by: String,
    pub pick: Pick,
}

/// Where a labelling stands.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    /// The answers to every row that has any, each annotator's in the order of their first.
    pub answers: BTreeMap<u32, Vec<Standing>>,
    /// When a row was asked for first: its place among all that were.
    pub asked: HashMap<u32, u64>,
    /// When a row was asked for or answered first: its place among all that were, from 1; 0 of those that the pool has a label
    /// of.
    pub seen: HashMap<u32, u64>,
    /// What searches found, by the digest of what they were made on.
    pub found: HashMap<String, Option<Point>>,
    /// Rows in hand, in the order in which they were asked for.
    pub pending: Vec<Pending>,
    /// Times that a row was asked for.
    pub asks: u64,
}

impl State {
    /// What these events add up to.
    pub fn of(events: &[Event]) -> Self {
        let mut state = Self::default();
        events.iter().for_each(|event| state.take(event));
        state
    }

    /// Takes the next event into account.
    pub fn take(&mut self, event: &Event) {
        match event {
            Event::Asked { annotator, until, by, picks, .. } => {
                for pick in picks {
                    self.see(pick.row, annotator);
                    self.pending.retain(|one| one.pick.row != pick.row || one.annotator != *annotator);
                    let next = self.asks;
                    self.asked.entry(pick.row).or_insert(next);
                    self.asks += 1;
                    self.pending.push(Pending {
                        annotator: annotator.clone(),
                        until: *until,
                        by: by.clone(),
                        pick: pick.clone(),
                    });
                }
            }
            Event::Told { answers, .. } => answers.iter().for_each(|given| self.answer(given)),
            Event::Released { rows, .. } => self.pending.retain(|one| !rows.contains(&one.pick.row)),
            Event::Searched { digest, point, .. } => {
                self.found.insert(digest.clone(), *point);
            }
        }
    }

    fn see(&mut self, row: u32, annotator: &str) {
        let next = if annotator == POOL { 0 } else { self.seen.len() as u64 + 1 };
        self.seen.entry(row).or_insert(next);
    }

    fn answer(&mut self, given: &Given) {
        self.see(given.row, &given.annotator);
        let all = self.answers.entry(given.row).or_default();
        match all.iter_mut().find(|one| one.annotator == given.annotator) {
            Some(before) => before.verdict = given.verdict.clone(),
            None => all.push(Standing { annotator: given.annotator.clone(), verdict: given.verdict.clone() }),
        }
        // Whoever answers, the row is in nobody else's hand for a first answer.
        self.pending.retain(|one| one.pick.row != given.row);
    }

    /// Rows in hand at a time, those whose lease has ended left out.
    pub fn in_hand(&self, now: u64) -> impl Iterator<Item = &Pending> {
        self.pending.iter().filter(move |one| one.until.is_none_or(|until| until > now))
    }

    /// Rows that have an answer but are not to be asked of this annotator: they have a label, cannot be answered, or the
    /// annotator abstained.
    pub fn closed(&self, row: u32, annotator: &str) -> bool {
        self.answers.get(&row).is_some_and(|all| {
            all.iter().any(|one| match one.verdict {
                Verdict::Label(_) | Verdict::Unanswerable => true,
                Verdict::Abstained => one.annotator == annotator,
            })
        })
    }
}
