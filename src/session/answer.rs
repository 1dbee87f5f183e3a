//! [`Answer`]: what somebody said of a row, and how answers are read from files and arguments.

use super::error::SessionError;
use super::plan::{ABSTAINED, UNANSWERABLE, check_name};
use super::{label_studio, prodigy};
use crate::data::readers::read_records;
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

    /// The answers of a CSV file with the columns `row` or `id` or both, `label`, and perhaps `annotator` and `session`, as
    /// [`ask`](super::Session::ask) writes them. Rows without a label are not answered yet, and left out. A file of two
    /// columns without a header holds rows and labels. Label Studio's CSV has the row in `querist_row`; its
    /// annotators are numbers of users, and of several answers of one to a row the newest counts. A file that ends
    /// with `.json` is an export of Label Studio ([`label_studio::answers`]), one that ends with `.jsonl` has Prodigy's
    /// answers ([`prodigy::answer`]).
    ///
    /// # Errors
    /// [`SessionError`] with the line, or what reading refuses.
    pub fn read(path: &Path, annotator: &str) -> Result<Vec<Self>> {
        let file = path.display().to_string();
        match path.extension().and_then(|ending| ending.to_str()) {
            Some("json") => return label_studio::read(path, &file),
            Some("jsonl") => return prodigy::read(path, annotator, &file),
            _ => {}
        }
        let (mut answers, mut ages, mut columns) = (Vec::new(), Vec::new(), None::<Columns>);
        read_records(path, |line, fields| {
            let place = format!("{file}, line {line}");
            let mut texts = Vec::new();
            while let Some(text) = fields.get(texts.len())? {
                texts.push(text);
            }
            let Some(columns) = &columns else {
                let plain = texts.len() == 2 && texts[0].parse::<usize>().is_ok();
                columns = Some(if plain { Columns::plain() } else { Columns::of(&file, &texts)? });
                if plain {
                    answers.push(Answer {
                        annotator: annotator.to_string(),
                        ..row_and_label(texts[0], texts[1], &place)?
                    });
                }
                return Ok(());
            };
            let text =
                |at: Option<usize>| at.and_then(|at| texts.get(at)).copied().filter(|text| !text.is_empty());
            let Some(label) = text(Some(columns.label)) else { return Ok(()) };
            let mut answer = match (text(columns.row), text(columns.id)) {
                (Some(row), None) => row_and_label(row, label, &place)?,
                (Some(row), Some(id)) => {
                    let answer = row_and_label(row, label, &place)?;
                    match answer.row {
                        RowName::Number(row) => Answer { row: RowName::Both(row, id.to_string()), ..answer },
                        _ => answer,
                    }
                }
                (None, Some(id)) => {
                    Answer { row: RowName::Id(id.to_string()), place: place.clone(), ..Answer::new(0, label) }
                }
                (None, None) => {
                    let expected = "a row's number or name".to_string();
                    return Err(SessionError::Field { place, found: String::new(), expected }.into());
                }
            };
            answer.annotator = columns.name_of(text(columns.annotator).unwrap_or(annotator));
            check_name(&answer.annotator, || place.clone())?;
            answer.session = text(columns.session).map(str::to_string);
            answers.push(answer);
            if columns.exported {
                let id = text(columns.annotation).and_then(|id| id.parse().ok());
                ages.push(Age::of(text(columns.changed).unwrap_or_default(), id));
            }
            Ok(())
        })?;
        Ok(match columns {
            Some(Columns { exported: true, .. }) => newest_of_each(answers.into_iter().zip(ages).collect()),
            _ => answers,
        })
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

fn row_and_label(row: &str, label: &str, place: &str) -> Result<Answer, SessionError> {
    let number = row.parse().map_err(|_| SessionError::Field {
        place: place.to_string(),
        found: shorten(row).into_owned(),
        expected: "a row's number".to_string(),
    })?;
    Ok(Answer { place: place.to_string(), ..Answer::new(number, label) })
}

/// Where the columns of a file of answers stand.
struct Columns {
    row: Option<usize>,
    id: Option<usize>,
    label: usize,
    annotator: Option<usize>,
    session: Option<usize>,
    /// Whether Label Studio wrote it: its numbers are users, and its newest annotation counts.
    exported: bool,
    changed: Option<usize>,
    annotation: Option<usize>,
}

impl Columns {
    /// The annotator as all formats of Label Studio name them; other files name them as they please.
    fn name_of(&self, annotator: &str) -> String {
        match self.exported && annotator.parse::<u64>().is_ok() {
            true => label_studio::user(annotator),
            false => annotator.to_string(),
        }
    }

    fn plain() -> Self {
        Self {
            row: Some(0),
            id: None,
            label: 1,
            annotator: None,
            session: None,
            exported: false,
            changed: None,
            annotation: None,
        }
    }

    fn of(file: &str, header: &[&str]) -> Result<Self, SessionError> {
        let find = |name: &str| header.iter().position(|text| text.eq_ignore_ascii_case(name));
        let missing = |missing| {
            let found = shorten(&header.join(", ")).into_owned();
            SessionError::NoColumn { file: file.to_string(), missing, found }
        };
        // In Label Studio's tables `id` is the number of its task.
        let exported = find(label_studio::ROW);
        let (row, id) =
            (exported.or_else(|| find("row")), if exported.is_some() { None } else { find("id") });
        if row.is_none() && id.is_none() {
            return Err(missing("`row` or `id`"));
        }
        let label = find("label").ok_or_else(|| missing("`label`"))?;
        Ok(Self {
            row,
            id,
            label,
            annotator: find("annotator"),
            session: find("session").or_else(|| find(label_studio::SESSION)),
            exported: exported.is_some(),
            changed: find("updated_at"),
            annotation: find("annotation_id"),
        })
    }
}
