//! Answers as tables have them: which column is what, and one answer of every row that has a label.

use super::answer::{Age, Answer, RowName, newest_of_each};
use super::error::SessionError;
use super::label_studio;
use super::plan::check_name;
use crate::data::TargetKind;
use crate::data::columns::ColumnOptions;
use crate::data::readers::{Fields, ReadError, ReadOptions, read_records};
use crate::error::{Result, shorten};
use std::path::Path;

const ROW: &str = "row";
const ID: &str = "id";
const LABEL: &str = "label";
const ANNOTATOR: &str = "annotator";
const SESSION: &str = "session";
/// What decides among several annotations of Label Studio.
const CHANGED: &str = "updated_at";
const ANNOTATION: &str = "annotation_id";

/// Whether a column of this name says something of an answer, so that no column of the pool may be called so beside it.
pub(crate) fn says_something(column: &str) -> bool {
    let read = [ROW, ID, LABEL, ANNOTATOR, SESSION, label_studio::ROW, label_studio::SESSION];
    read.iter().any(|name| column.eq_ignore_ascii_case(name))
}

/// The answers of the table at `path`, those of nobody in the name of `annotator`: see [`Answer::read`].
///
/// # Errors
/// [`SessionError`] with the line, or what reading refuses; [`ReadError::Empty`] where there is no line with anything in it.
pub(super) fn read(path: &Path, annotator: &str, kind: TargetKind) -> Result<Vec<Answer>> {
    let file = path.display().to_string();
    // The column that every such table has tells what separates fields.
    let columns = ColumnOptions { label: Some(LABEL.to_string()), ..ColumnOptions::default() };
    let options = ReadOptions { columns, ..ReadOptions::default() };
    let (mut answers, mut ages, mut columns) = (Vec::new(), Vec::new(), None::<Columns>);
    // Names stay as they are written; of numbers, the decimal mark may be a comma.
    let answer = |columns: &Columns, texts: &[&str], fields: &Fields<'_>, place: &str| {
        let number = (kind == TargetKind::Real).then(|| fields.number(texts[columns.label]));
        columns.answer(texts, number.as_deref(), annotator, place)
    };
    read_records(path, &options, |line, fields| {
        let place = format!("{file}, line {line}");
        let texts = fields.all()?;
        if matches!(&texts[..], [only] if only.is_empty()) {
            return Ok(());
        }
        let Some(columns) = &columns else {
            let plain = texts.len() == 2 && texts[0].parse::<usize>().is_ok();
            let found = if plain { Columns::plain() } else { Columns::of(&file, &texts)? };
            if plain {
                answers.extend(answer(&found, &texts, &fields, &place)?);
            }
            columns = Some(found);
            return Ok(());
        };
        if texts.len() != columns.count {
            let (found, expected) = (texts.len(), columns.count);
            return Err(SessionError::Fields { place, found, expected }.into());
        }
        if let Some(answer) = answer(columns, &texts, &fields, &place)? {
            answers.push(answer);
            ages.push(columns.age(&texts));
        }
        Ok(())
    })?;
    match columns {
        None => Err(ReadError::Empty { file }.into()),
        Some(Columns { exported: true, .. }) => Ok(newest_of_each(answers.into_iter().zip(ages).collect())),
        Some(_) => Ok(answers),
    }
}

/// Where the columns of a table of answers stand.
struct Columns {
    /// How many there are.
    count: usize,
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
    /// Those of a table without a header: rows and labels.
    fn plain() -> Self {
        Self {
            count: 2,
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

    /// Those that the header names, none of them twice.
    fn of(file: &str, header: &[&str]) -> Result<Self> {
        let find = |name: &str| {
            let named = header.iter().enumerate().filter(|(_, text)| text.eq_ignore_ascii_case(name));
            let mut places = named.map(|(at, _)| at);
            match (places.next(), places.next()) {
                (Some(first), Some(second)) => {
                    let (file, column) = (file.to_string(), name.to_string());
                    Err(ReadError::SameColumn { file, column, first: first + 1, second: second + 1 })
                }
                (first, _) => Ok(first),
            }
        };
        let missing = |missing| {
            let found = shorten(&header.join(", ")).into_owned();
            SessionError::NoColumn { file: file.to_string(), missing, found }
        };
        let studio = find(label_studio::ROW)?;
        let exported = studio.is_some();
        // In Label Studio's tables `id` is the number of its task.
        let (row, id) = if exported { (studio, None) } else { (find(ROW)?, find(ID)?) };
        if row.is_none() && id.is_none() {
            return Err(missing("`row` or `id`").into());
        }
        let label = find(LABEL)?.ok_or_else(|| missing("`label`"))?;
        let session = match find(SESSION)? {
            None => find(label_studio::SESSION)?,
            session => session,
        };
        let (changed, annotation) = if exported { (find(CHANGED)?, find(ANNOTATION)?) } else { (None, None) };
        let (count, annotator) = (header.len(), find(ANNOTATOR)?);
        Ok(Self { count, row, id, label, annotator, session, exported, changed, annotation })
    }

    /// The answer of a row of the table, `number_of` in the place of its label where it is given; none where it has no label yet.
    fn answer(
        &self,
        texts: &[&str],
        number_of: Option<&str>,
        annotator: &str,
        place: &str,
    ) -> Result<Option<Answer>, SessionError> {
        let Some(label) = text(texts, Some(self.label)) else { return Ok(None) };
        let label = number_of.unwrap_or(label);
        let row = match (text(texts, self.row), text(texts, self.id)) {
            (Some(row), None) => RowName::Number(number(row, place)?),
            (Some(row), Some(id)) => RowName::Both(number(row, place)?, id.to_string()),
            (None, Some(id)) => RowName::Id(id.to_string()),
            (None, None) => {
                let expected = "a row's number or name".to_string();
                let (place, found) = (place.to_string(), String::new());
                return Err(SessionError::Field { place, found, expected });
            }
        };
        let annotator = self.name_of(text(texts, self.annotator).unwrap_or(annotator));
        check_name(&annotator, || place.to_string())?;
        let session = text(texts, self.session).map(str::to_string);
        Ok(Some(Answer { row, annotator, session, place: place.to_string(), ..Answer::new(0, label) }))
    }

    /// The annotator as all formats of Label Studio name them; other files name them as they please.
    fn name_of(&self, annotator: &str) -> String {
        match self.exported && annotator.parse::<u64>().is_ok() {
            true => label_studio::user(annotator),
            false => annotator.to_string(),
        }
    }

    /// How new the answer of a row of the table is.
    fn age(&self, texts: &[&str]) -> Age {
        let id = text(texts, self.annotation).and_then(|id| id.parse().ok());
        Age::of(text(texts, self.changed).unwrap_or_default(), id)
    }
}

/// What stands in a field, if anything does.
fn text<'t>(texts: &[&'t str], at: Option<usize>) -> Option<&'t str> {
    at.and_then(|at| texts.get(at)).copied().filter(|text| !text.is_empty())
}

fn number(row: &str, place: &str) -> Result<usize, SessionError> {
    row.parse().map_err(|_| SessionError::Field {
        place: place.to_string(),
        found: shorten(row).into_owned(),
        expected: "a row's number".to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The answers of a file with this content, as `row=label` and `id=label`.
    fn answers(name: &str, text: &str) -> Result<Vec<String>, String> {
        told(name, text, TargetKind::Class)
    }

    fn told(name: &str, text: &str, kind: TargetKind) -> Result<Vec<String>, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        let said = |answer: Answer| match answer.row {
            RowName::Number(row) | RowName::Both(row, _) => format!("{row}={}", answer.verdict.text()),
            RowName::Id(id) => format!("{id}={}", answer.verdict.text()),
        };
        let told = Answer::read(&path, "me", kind).map_err(|error| error.to_string());
        told.map(|answers| answers.into_iter().map(said).collect())
    }

    /// `17,3,4` under `row,label` was once the answer 3.
    #[test]
    fn rows_have_the_fields_of_the_header() {
        for (text, line, found, expected) in [
            ("row,label\n16,3\n17,3,4\n", 3, 3, 2),
            ("row,label\n\n17\n", 3, 1, 2),
            ("row,label,annotator\n17,3\n", 2, 2, 3),
            ("17,3\n18,3,4\n", 2, 3, 2),
        ] {
            let wanted = format!("line {line}: {found} fields, but the first line has {expected}");
            let said = answers("a.csv", text).unwrap_err();
            assert!(said.contains(&wanted), "{text:?}: {said}");
        }
        let told = answers("a.csv", "row,label\n\n17,cat\n\r\n18,\n19,\"3,4\"\n\n");
        assert_eq!(told.unwrap(), ["17=cat", "19=3,4"], "empty lines, and a row without an answer");
    }

    #[test]
    fn columns_that_are_read_are_named_once() {
        for (header, name, second) in [
            ("row,label,label", "label", 3),
            ("row,label,Row", "row", 3),
            ("id,label,id", "id", 3),
            ("row,label,annotator,text,annotator", "annotator", 5),
            ("row,label,session,session", "session", 4),
            ("querist_row,label,querist_row", "querist_row", 3),
            ("querist_row,label,updated_at,updated_at", "updated_at", 4),
        ] {
            let said = answers("a.csv", &format!("{header}\n")).unwrap_err();
            let wanted = format!("and {second} are both called \"{name}\"");
            assert!(said.contains(&wanted), "{header}: {said}");
        }
        // What nobody reads may stand there twice.
        assert_eq!(answers("a.csv", "row,label,x,x\n3,a,,\n").unwrap(), ["3=a"]);
        let studio = "id,label,querist_row,id\n8,a,3,9\n";
        assert_eq!(answers("a.csv", studio).unwrap(), ["3=a"]);
    }

    #[test]
    fn files_without_anything_are_refused_and_a_header_alone_is_not() {
        for name in ["a.csv", "a.jsonl"] {
            for text in ["", "\n", " \n\n", "\r\n\r\n"] {
                let said = answers(name, text).unwrap_err();
                assert!(said.contains("is empty"), "{name} {text:?}: {said}");
            }
        }
        assert!(answers("a.json", "").is_err());
        assert_eq!(answers("a.csv", "row,label\n").unwrap(), Vec::<String>::new());
    }

    /// Fields are separated, and decimals written, as in tables of data.
    #[test]
    fn tables_are_taken_as_data_are() {
        for (name, text) in [
            ("a.csv", "row;label\n17;cat\n18;dog\n"),
            ("a.csv", "row\tlabel\n17\tcat\n18\tdog\n"),
            ("a.tsv", "row\tlabel\n17\tcat\n18\tdog\n"),
            ("a.csv", "sep=;\nrow;label\n17;cat\n18;dog\n"),
            ("a.csv", "# by hand\nrow|label\n17|cat\n18|dog\n"),
            ("a.csv", "17;cat\n18;dog\n"),
        ] {
            assert_eq!(answers(name, text).unwrap(), ["17=cat", "18=dog"], "{text:?}");
        }
        let sets = |text: &str| answers("a.csv", text).unwrap().join(" ");
        assert_eq!(sets("row,label\n0,1;2\n1,;\n2,2;3\n"), "0=1;2 1=; 2=2;3", "labels called by numbers");
        assert_eq!(sets("row;label\n0;\"red;round\"\n1;red\n"), "0=red;round 1=red");
        let numbers = |text: &str| told("a.csv", text, TargetKind::Real).unwrap().join(" ");
        assert_eq!(numbers("row;label\n17;3,4\n18;2,25\n"), "17=3.4 18=2.25");
        assert_eq!(
            numbers("row;label\n17;3,4\n18;2.25\n"),
            "17=3,4 18=2.25",
            "a comma is no decimal mark here"
        );
        // Classes, rows and people may have names with a comma.
        assert_eq!(sets("row;label\n17;3,4\n18;2,25\n"), "17=3,4 18=2,25");
        assert_eq!(numbers("id;label\n1,5;3,4\n2,5;2,25\n"), "1,5=3.4 2,5=2.25");
    }
}
