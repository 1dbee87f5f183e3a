//! Tasks for Label Studio, and what annotators answered there.
//!
//! Rows travel as tasks, with their number in `data.querist_row` and the session in `data.querist_session`, which every
//! export of Label Studio brings back: JSON (`annotations` per task), JSON_MIN and CSV (a line per annotation).

use super::answer::{Answer, Verdict, last_of_each};
use super::error::SessionError;
use super::{Asked, Asking, Content, Session};
use crate::durable::input;
use crate::error::Result;
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::path::Path;

/// Bytes of an export, at most.
pub(super) const MAX_FILE_BYTES: u64 = 1 << 30;

/// The names that tasks, predictions and annotations share with the project's labelling interface.
const FROM: &str = "label";
const TO: &str = "item";
/// Fields of a task's data.
pub(super) const ROW: &str = "querist_row";
pub(super) const SESSION: &str = "querist_session";
/// What a task shows.
const SHOWN: &str = "item";

/// A prediction in a task, or of the back end.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Prediction {
    pub model_version: String,
    /// The lowest is asked first under Label Studio's uncertainty sampling.
    pub score: f64,
    pub result: Vec<Value>,
}

impl Prediction {
    /// Place `rank` of `all` in the order of asking, with the class that is expected.
    pub fn new(by: &str, rank: usize, all: usize, class: Option<&str>) -> Self {
        Self {
            model_version: format!("querist {by}"),
            score: rank as f64 / all.max(1) as f64,
            result: class.map(choice).into_iter().collect(),
        }
    }
}

/// The labelling interface of a project for these classes, as XML.
///
/// ```
/// let interface = querist::session::label_studio::interface(&["cat".to_string(), "dog & co".to_string()]);
/// assert!(interface.contains(r#"<Choice value="dog &amp; co"/>"#));
/// ```
pub fn interface(classes: &[String]) -> String {
    let choice = |class: &String| format!("    <Choice value=\"{}\"/>\n", escaped(class));
    let choices: String = classes.iter().map(choice).collect();
    format!(
        "<View>\n  <Text name=\"{TO}\" value=\"${SHOWN}\"/>\n  <Choices name=\"{FROM}\" toName=\"{TO}\" \
         choice=\"single\" showInline=\"true\">\n{choices}  </Choices>\n</View>\n"
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

impl Session {
    /// Rows that were asked for as tasks to import into Label Studio, in the order of asking.
    ///
    /// # Errors
    /// A damaged pool.
    pub fn label_studio_tasks(&self, asking: &Asking) -> Result<Value> {
        Ok(tasks(self.name(), &with_contents(self, asking)?))
    }

    /// Rows that have a label as tasks with an annotation.
    ///
    /// # Errors
    /// A damaged journal or pool.
    pub fn label_studio_labels(&mut self) -> Result<Value> {
        let (classes, labelled) = (self.classes()?, self.labelled()?);
        let task = |(row, class): &(usize, usize)| {
            let content = self.content(*row)?;
            let data = data(self.name(), *row, content.id.as_ref(), &content);
            Ok(json!({ "data": data, "annotations": [{ "result": [choice(&classes[*class])] }] }))
        };
        Ok(Value::Array(labelled.iter().map(task).collect::<Result<_>>()?))
    }
}

/// Rows that were asked for, with what is shown of them.
pub(super) fn with_contents(session: &Session, asking: &Asking) -> Result<Vec<(Asked, Content)>> {
    asking.rows.iter().map(|asked| Ok((asked.clone(), session.content(asked.row)?))).collect()
}

/// The answers of an exported file.
pub(super) fn read(path: &Path, file: &str) -> Result<Vec<Answer>> {
    let text = input::read_text(path, MAX_FILE_BYTES)?;
    let export = serde_json::from_str(&text)
        .map_err(|error| SessionError::Content { path: path.to_path_buf(), problem: error.to_string() })?;
    Ok(answers(&export, file)?)
}

fn choice(class: &str) -> Value {
    json!({ "from_name": FROM, "to_name": TO, "type": "choices", "value": { "choices": [class] } })
}

fn data(session: &str, row: usize, id: Option<&String>, content: &Content) -> Map<String, Value> {
    let text = match &content.fields[..] {
        [(_, only)] => only.clone(),
        fields => fields.iter().map(|(name, value)| format!("{name}: {value}\n")).collect(),
    };
    let mut data = Map::new();
    data.insert(SHOWN.to_string(), json!(text));
    data.insert(ROW.to_string(), json!(row));
    data.insert(SESSION.to_string(), json!(session));
    if let Some(id) = id {
        data.insert("querist_id".to_string(), json!(id));
    }
    data
}

/// Rows as tasks to import, in the order of asking.
fn tasks(session: &str, rows: &[(Asked, Content)]) -> Value {
    let task = |(rank, (asked, content)): (usize, &(Asked, Content))| {
        let data = data(session, asked.row, asked.id.as_ref(), content);
        let class = asked.predicted.as_ref().map(|(class, _)| class.as_str());
        json!({ "data": data, "predictions": [Prediction::new(&asked.by, rank, rows.len(), class)] })
    };
    Value::Array(rows.iter().enumerate().map(task).collect())
}

/// The answers of an export, JSON or JSON_MIN.
///
/// A cancelled annotation is an abstention; a task without annotations, or an annotation without a choice, is not
/// answered. Of several annotations of one annotator to a task the last counts.
///
/// # Errors
/// [`SessionError::Field`] with the task's position for what is no such export, a task without its row, or several
/// choices in one annotation.
pub fn answers(export: &Value, file: &str) -> Result<Vec<Answer>, SessionError> {
    let wrong = |place: String, found: &Value, expected: &str| SessionError::Field {
        place,
        found: crate::error::shorten(&found.to_string()).into_owned(),
        expected: expected.to_string(),
    };
    let Some(tasks) = export.as_array() else {
        return Err(wrong(file.to_string(), export, "a list of tasks, as Label Studio exports it"));
    };
    let mut answers: Vec<Answer> = Vec::new();
    for (at, task) in tasks.iter().enumerate() {
        let place = format!("{file}, task {at}");
        let annotations = match task.get("annotations") {
            Some(all) => {
                all.as_array().ok_or_else(|| wrong(place.clone(), all, "a list of annotations"))?.clone()
            }
            // JSON_MIN: the task is its annotation.
            None => vec![task.clone()],
        };
        for annotation in &annotations {
            let Some(verdict) =
                verdict(annotation).map_err(|(found, expected)| wrong(place.clone(), &found, expected))?
            else {
                continue;
            };
            let (row, session) = origin(task).ok_or_else(|| {
                wrong(
                    place.clone(),
                    task.get("data").unwrap_or(task),
                    "a task of this program, with its `querist_row`",
                )
            })?;
            let annotator = annotator(annotation);
            let mut answer = Answer::new(row, "");
            answer.verdict = verdict;
            answer.annotator = annotator;
            answer.session = session;
            answer.place = place.clone();
            answers.push(answer);
        }
    }
    Ok(last_of_each(answers))
}

/// The row of a task, and its session.
pub fn origin(task: &Value) -> Option<(usize, Option<String>)> {
    let within = |key| task.get("data").unwrap_or(task).get(key);
    let row = within(ROW)?.as_u64()?;
    Some((usize::try_from(row).ok()?, within(SESSION).and_then(Value::as_str).map(str::to_string)))
}

/// What an annotation says; nothing where there is no choice in it.
fn verdict(annotation: &Value) -> Result<Option<Verdict>, (Value, &'static str)> {
    if annotation.get("was_cancelled").and_then(Value::as_bool) == Some(true) {
        return Ok(Some(Verdict::Abstained));
    }
    let mut choices: Vec<Value> = Vec::new();
    match (annotation.get("result"), annotation.get(FROM)) {
        (Some(result), _) => {
            for region in result.as_array().into_iter().flatten() {
                let value = region.pointer("/value/choices").and_then(Value::as_array);
                choices.extend(value.into_iter().flatten().cloned());
            }
        }
        (None, Some(Value::Object(several))) => {
            choices.extend(several.get("choices").and_then(Value::as_array).into_iter().flatten().cloned());
        }
        (None, Some(one)) if !one.is_null() => choices.push(one.clone()),
        _ => {}
    }
    match &choices[..] {
        [] => Ok(None),
        [Value::String(class)] => Ok(Some(Verdict::Class(class.clone()))),
        [other] => Err((other.clone(), "a class in words")),
        _ => Err((Value::Array(choices), "one class for a row")),
    }
}

/// Who made an annotation: an address where there is one, else the number of the user.
fn annotator(annotation: &Value) -> String {
    let who = annotation.get("completed_by").or_else(|| annotation.get("annotator"));
    match who {
        Some(Value::String(name)) => name.clone(),
        Some(Value::Object(user)) => match (user.get("email").and_then(Value::as_str), user.get("id")) {
            (Some(email), _) => email.to_string(),
            (None, Some(id)) => format!("user {id}"),
            (None, None) => "label-studio".to_string(),
        },
        Some(Value::Number(id)) => format!("user {id}"),
        _ => "label-studio".to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::answer::RowName;
    use super::*;

    fn asked(row: usize, predicted: Option<(&str, f32)>) -> (Asked, Content) {
        let asked = Asked {
            row,
            id: Some(format!("doc{row}")),
            by: "universal".into(),
            reason: "r".into(),
            predicted: predicted.map(|(class, share)| (class.to_string(), share)),
            until: None,
        };
        (asked, Content { id: None, fields: vec![("text".into(), "so <b>good</b>".into())], picture: false })
    }

    #[test]
    fn tasks_carry_their_row_and_the_order_of_asking() {
        let tasks = tasks("abc", &[asked(7, Some(("pos", 0.6))), asked(3, None)]);
        assert_eq!(
            tasks[0]["data"],
            json!({"item": "so <b>good</b>", "querist_row": 7, "querist_session": "abc", "querist_id": "doc7"})
        );
        assert_eq!(tasks[0]["predictions"][0]["score"], 0.0);
        assert_eq!(tasks[0]["predictions"][0]["result"][0]["value"]["choices"], json!(["pos"]));
        assert_eq!(tasks[1]["predictions"][0]["score"], 0.5, "the next one is asked later");
        assert_eq!(tasks[1]["predictions"][0]["result"], json!([]));
        assert_eq!(origin(&tasks[0]), Some((7, Some("abc".to_string()))));
    }

    fn task(row: usize, annotations: Value) -> Value {
        json!({"id": 1, "data": {"item": "x", "querist_row": row}, "annotations": annotations, "predictions": [4]})
    }

    fn choice(class: &str, by: Value) -> Value {
        json!({"result": [{"from_name": "label", "type": "choices", "value": {"choices": [class]}}], "completed_by": by,
            "was_cancelled": false, "lead_time": 1.2})
    }

    #[test]
    fn annotations_of_several_people_cancelled_and_missing_ones_are_read() {
        let export = json!([
            task(7, json!([choice("pos", json!(1)), choice("neg", json!({"email": "b@c.d", "id": 2}))])),
            task(3, json!([{"result": [], "was_cancelled": true, "completed_by": 1}])),
            task(4, json!([])),
            task(5, json!([{"result": [], "was_cancelled": false, "completed_by": 1}])),
            task(6, json!([choice("pos", json!(1)), choice("neg", json!(1))])),
        ]);
        let found = answers(&export, "x.json").unwrap();
        let short: Vec<_> =
            found.iter().map(|one| (one.row.clone(), one.verdict.text(), &*one.annotator)).collect();
        let row = RowName::Number;
        assert_eq!(
            short,
            [
                (row(7), "pos", "user 1"),
                (row(7), "neg", "b@c.d"),
                (row(3), "-", "user 1"),
                (row(6), "neg", "user 1")
            ]
        );
    }

    #[test]
    fn the_short_export_is_read() {
        let export = json!([{"item": "x", "querist_row": 2, "querist_session": "abc", "id": 9, "label": "neg", "annotator": 1}]);
        let found = answers(&export, "x.json").unwrap();
        assert_eq!((found[0].row.clone(), found[0].verdict.text()), (RowName::Number(2), "neg"));
        assert_eq!(found[0].session.as_deref(), Some("abc"));
    }

    #[test]
    fn what_does_not_fit_is_refused_with_its_place() {
        for (export, expected) in [
            (json!({"a": 1}), "x.json: "),
            (
                json!([{"id": 1, "data": {"text": "t"}, "annotations": [choice("a", json!(1))]}]),
                "x.json, task 0: ",
            ),
            (json!([task(1, json!([{"result": [{"value": {"choices": ["a", "b"]}}]}]))]), "x.json, task 0: "),
        ] {
            let error = answers(&export, "x.json").unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
        }
    }
}
