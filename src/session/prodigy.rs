//! Answers as JSON lines, as Prodigy exchanges them: `{"text": …, "accept": ["cat"], "answer": "accept", …}`.

use super::answer::{Answer, Verdict, last_of_each};
use super::error::SessionError;
use super::label_studio::{MAX_FILE_BYTES, origin, with_contents};
use super::{Asked, Asking, Content, Session};
use crate::data::readers::ReadError;
use crate::durable::input;
use crate::error::Result;
use serde_json::{Value, json};
use std::path::Path;

impl Session {
    /// Rows that were asked for as tasks of Prodigy's `choice` interface, a line each, in the order of asking.
    ///
    /// # Errors
    /// A damaged journal or pool.
    pub fn prodigy_tasks(&mut self, asking: &Asking) -> Result<String> {
        self.expect_classes("tasks of Prodigy")?;
        let classes = self.classes()?;
        Ok(tasks(self.name(), &classes, &with_contents(self, asking)?))
    }
}

/// The answers of a file. Of several answers of one annotator to a row the last counts.
pub(super) fn read(path: &Path, annotator: &str, file: &str) -> Result<Vec<Answer>> {
    let text = input::read_text(path, MAX_FILE_BYTES)?;
    let mut answers: Vec<Answer> = Vec::new();
    for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let place = format!("{file}, line {}", at + 1);
        let value: Value = serde_json::from_str(line).map_err(|error| SessionError::Content {
            path: path.to_path_buf(),
            problem: format!("line {}: {error}", at + 1),
        })?;
        answers.extend(answer(&value, annotator, &place)?);
    }
    if text.trim().is_empty() {
        return Err(ReadError::Empty { file: file.to_string() }.into());
    }
    Ok(last_of_each(answers))
}

fn tasks(session: &str, classes: &[String], rows: &[(Asked, Content)]) -> String {
    let options: Vec<Value> = classes.iter().map(|class| json!({ "id": class, "text": class })).collect();
    let line = |(asked, content): &(Asked, Content)| {
        let text: Vec<&str> = content.fields.iter().map(|(_, value)| value.as_str()).collect();
        let meta = json!({ "reason": asked.reason, "by": asked.by });
        let task = json!({
            "text": text.join("\n"), "options": options, "querist_row": asked.row, "querist_session": session, "meta": meta,
        });
        format!("{task}\n")
    };
    rows.iter().map(line).collect()
}

/// The answer in a line; none where it was not accepted. `ignore` is an abstention, `reject` says only that a class is
/// wrong, which is no label.
///
/// # Errors
/// [`SessionError::Field`] for a line without its row or with several classes.
pub fn answer(line: &Value, annotator: &str, place: &str) -> Result<Option<Answer>, SessionError> {
    let wrong = |found: &Value, expected: &str| SessionError::Field {
        place: place.to_string(),
        found: crate::error::shorten(&found.to_string()).into_owned(),
        expected: expected.to_string(),
    };
    let accepted: Vec<&Value> = match line.get("accept") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(all)) => all.iter().collect(),
        Some(other) => return Err(wrong(other, "a list of classes as `accept`")),
    };
    let verdict = match (line.get("answer").and_then(Value::as_str), &accepted[..]) {
        (Some("ignore"), _) => Verdict::Abstained,
        (Some("reject"), _) => return Ok(None),
        (Some("accept"), [Value::String(class)]) => Verdict::Label(class.clone()),
        (Some("accept"), []) => return Ok(None),
        (Some("accept"), several) => return Err(wrong(&json!(several), "one class in `accept`")),
        (_, _) => return Err(wrong(line, "a line with `answer`: accept, reject or ignore")),
    };
    let (row, session) = origin(line).ok_or_else(|| wrong(line, "a line with its `querist_row`"))?;
    let who = line.get("_annotator_id").or_else(|| line.get("_session_id")).and_then(Value::as_str);
    let annotator = who.unwrap_or(annotator).to_string();
    Ok(Some(Answer { row, verdict, annotator, session, place: place.to_string() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepted_ignored_and_rejected_lines() {
        let read = |line: Value| answer(&line, "me", "a.jsonl, line 1");
        let line =
            |answer: &str, accept: Value| json!({"querist_row": 3, "answer": answer, "accept": accept});
        let accepted = read(line("accept", json!(["cat"]))).unwrap().unwrap();
        assert_eq!((accepted.verdict.text(), &*accepted.annotator), ("cat", "me"));
        assert_eq!(read(line("ignore", json!([]))).unwrap().unwrap().verdict.text(), "-");
        assert_eq!(read(line("reject", json!(["cat"]))).unwrap(), None);
        let error = read(line("accept", json!(["cat", "dog"]))).unwrap_err().to_string();
        assert!(error.starts_with("a.jsonl, line 1: "), "{error}");
        let error = read(line("accept", json!("cat"))).unwrap_err().to_string();
        assert!(error.contains("a list of classes"), "{error}");
        assert!(read(json!({"answer": "accept", "accept": ["cat"]})).is_err(), "no row");
        assert!(read(json!({"querist_row": 1})).is_err(), "no answer");
    }
}
