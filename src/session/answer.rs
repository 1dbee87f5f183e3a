//! [`Answer`]: what somebody said of a row, and how answers are read from files and arguments.

use super::error::SessionError;
use super::plan::{ABSTAINED, UNANSWERABLE};
use super::{answer_table, label_studio, prodigy};
use crate::data::TargetKind;
use crate::error::{Result, shorten};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::path::Path;

/// Who answers, unless somebody is named.
pub const ANNOTATOR: &str = "me";

/// What was said of a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// This is its target: a class, a number, a set of labels, or a mask, [as sessions spell it](super::Session::tell). Journals have called it so
    /// since there were classes alone.
    #[serde(rename = "class")]
    Label(String),
    /// This annotator does not say; somebody else may be asked.
    Abstained,
    /// Nobody can say; the row is asked of nobody any more.
    Unanswerable,
}

impl Verdict {
    /// A label, `-` for an abstention or `?` for a row that cannot be answered.
    pub fn of(text: &str) -> Self {
        match text.trim() {
            ABSTAINED => Verdict::Abstained,
            UNANSWERABLE => Verdict::Unanswerable,
            label => Verdict::Label(label.to_string()),
        }
    }

    /// The label, if one was given.
    pub fn label(&self) -> Option<&str> {
        match self {
            Verdict::Label(label) => Some(label),
            Verdict::Abstained | Verdict::Unanswerable => None,
        }
    }

    /// As [`of`](Self::of) reads it.
    pub fn text(&self) -> &str {
        match self {
            Verdict::Label(label) => label,
            Verdict::Abstained => ABSTAINED,
            Verdict::Unanswerable => UNANSWERABLE,
        }
    }
}

/// The row that an answer is to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum RowName {
    /// Its number in the pool, counted from 0.
    Number(usize),
    /// What the pool calls it.
    Id(String),
    /// Both, which must be of one row.
    Both(usize, String),
}

/// An answer of one annotator to one row. A later answer of the same annotator replaces it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub row: RowName,
    pub verdict: Verdict,
    pub annotator: String,
    /// The session that it is meant for, where it says so.
    pub session: Option<String>,
    /// Where it stands, for messages: `answers.csv, line 7`.
    pub place: String,
}

impl Answer {
    /// The answer `text` (a label, `-` or `?`) to row `row`.
    pub fn new(row: usize, text: &str) -> Self {
        Self {
            row: RowName::Number(row),
            verdict: Verdict::of(text),
            annotator: ANNOTATOR.to_string(),
            session: None,
            place: format!("the answer to row {row}"),
        }
    }

    /// The same answer by somebody else.
    pub fn by(self, annotator: &str) -> Self {
        Self { annotator: annotator.to_string(), ..self }
    }

    /// `17=cat`, `17=-` or `17=?`; `place` says where that stands.
    ///
    /// # Errors
    /// [`SessionError::Field`].
    pub fn parse(text: &str, place: &str) -> Result<Self, SessionError> {
        let refuse = || SessionError::Field {
            place: place.to_string(),
            found: shorten(text).into_owned(),
            expected: "ROW=LABEL, such as 17=cat or 17=3.4".to_string(),
        };
        let (row, label) = text.split_once('=').ok_or_else(refuse)?;
        let row: usize = row.trim().parse().map_err(|_| refuse())?;
        if label.trim().is_empty() {
            return Err(refuse());
        }
        Ok(Self { place: place.to_string(), ..Self::new(row, label) })
    }

    /// The answers of a table with the columns `row` or `id` or both, `label`, and perhaps `annotator` and `session`, as
    /// [`ask`](super::Session::ask) writes them; fields are separated, and numbers, where answers are such, written, as tables of data may have them.
    /// Rows without a label are not answered yet, and left out. A file of two
    /// columns without a header holds rows and labels. Label Studio's CSV has the row in `querist_row`; its
    /// annotators are numbers of users, and of several answers of one to a row the newest counts. A file that ends
    /// with `.json` is an export of Label Studio ([`label_studio::answers`]), one that ends with `.jsonl` has Prodigy's
    /// answers ([`prodigy::answer`]).
    ///
    /// # Errors
    /// [`SessionError`] with the line, or what reading refuses: a line with more or fewer fields than the first, a column that is
    /// named twice, a file without any line.
    pub fn read(path: &Path, annotator: &str, kind: TargetKind) -> Result<Vec<Self>> {
        let file = path.display().to_string();
        match path.extension().and_then(|ending| ending.to_str()) {
            Some("json") => label_studio::read(path, &file),
            Some("jsonl") => prodigy::read(path, annotator, &file),
            _ => answer_table::read(path, annotator, kind),
        }
    }
}

/// How new an answer is among those of its annotator to its row: by its last change, else by its number.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Age {
    changed: String,
    id: Option<u64>,
}

impl Age {
    /// Of a time as Label Studio writes it, which leaves out the fraction of a full second: without the `Z`, such a time
    /// stands before the others of its second.
    pub(super) fn of(changed: &str, id: Option<u64>) -> Self {
        Self { changed: changed.trim_end_matches('Z').to_string(), id }
    }
}

/// Of several answers of one annotator to one row the newest; of those as new the last.
pub(super) fn newest_of_each(answers: Vec<(Answer, Age)>) -> Vec<Answer> {
    let mut newest: HashMap<(RowName, String), usize> = HashMap::new();
    for (at, (answer, age)) in answers.iter().enumerate() {
        let place = newest.entry((answer.row.clone(), answer.annotator.clone())).or_insert(at);
        if *age >= answers[*place].1 {
            *place = at;
        }
    }
    let mut kept: Vec<usize> = newest.into_values().collect();
    kept.sort_unstable();
    kept.into_iter().map(|at| answers[at].0.clone()).collect()
}

/// Of several answers of one annotator to one row the last.
pub(super) fn last_of_each(answers: Vec<Answer>) -> Vec<Answer> {
    let key = |one: &Answer| (one.row.clone(), one.annotator.clone());
    let last: HashMap<_, usize> = answers.iter().enumerate().map(|(at, one)| (key(one), at)).collect();
    let kept = answers.into_iter().enumerate().filter(|(at, one)| last[&key(one)] == *at);
    kept.map(|(_, one)| one).collect()
}
