//! Tasks for Label Studio, and what annotators answered there.
//!
//! Rows travel as tasks, with their number in `data.querist_row` and the session in `data.querist_session`, which every
//! export of Label Studio brings back: JSON (`annotations` per task), JSON_MIN and CSV (a line per annotation).

use super::answer::{Age, Answer, RowName, Verdict, newest_of_each};
use super::error::SessionError;
use super::predictions::enough;
use super::{Asked, Asking, Content, MAX_BATCH, POOL, Session, current};
use crate::durable::input;
use crate::error::Result;
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::collections::{HashMap, HashSet};
use std::path::Path;

/// Bytes of an export, at most.
pub(super) const MAX_FILE_BYTES: u64 = 1 << 30;

/// The names that tasks, predictions and annotations share with the project's labelling interface.
const FROM: &str = "label";
const TO: &str = "item";
/// Fields of a task's data.
pub(super) const ROW: &str = "querist_row";
const ID: &str = "querist_id";
pub(super) const SESSION: &str = "querist_session";
/// The version that all predictions bear, which is also the title that the model needs in a project.
pub const MODEL_VERSION: &str = "querist";
/// In whose name the back end asks.
const ASKER: &str = "label-studio";
/// Results that name no class, and may stand alone in an annotation.
const CLASSLESS: [&str; 4] = ["textarea", "number", "rating", "datetime"];
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
    /// A score with the class that is expected. All bear one version, because a project follows a single one.
    pub fn new(score: f64, class: Option<&str>) -> Self {
        Self {
            model_version: MODEL_VERSION.to_string(),
            score,
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
    /// A damaged pool; [`SessionError::Field`] for a row that has nothing to show as text.
    pub fn label_studio_tasks(&self, asking: &Asking) -> Result<Value> {
        self.expect_classes("tasks of Label Studio")?;
        Ok(tasks(self.name(), self.answers_given(), &with_contents(self, asking)?))
    }

    /// How many answers people gave so far. Scores fall with it, so that newer ones win.
    ///
    /// # Errors
    /// A damaged journal.
    pub fn label_studio_answers(&mut self) -> Result<usize> {
        self.refresh()?;
        Ok(self.answers_given())
    }

    /// Predictions for tasks (as Label Studio hands them to its back end), the rows in hand first, in the order of asking.
    ///
    /// A task alone is being opened, and takes no rows in hand; of several, a batch is.
    ///
    /// # Errors
    /// A damaged journal; those of the strategy.
    pub fn label_studio_predictions(&mut self, tasks: &[Value]) -> Result<Vec<Prediction>> {
        self.expect_classes("predictions for Label Studio")?;
        self.refresh()?;
        let rows: Vec<Option<usize>> = tasks.iter().map(|task| self.row_of(task)).collect();
        let known: HashSet<usize> = rows.iter().flatten().copied().collect();
        if tasks.len() > 1 {
            self.fill_up(&known)?;
        }
        let held = self.held();
        let places: HashMap<usize, (usize, Option<&str>)> =
            held.iter().enumerate().map(|(rank, (row, _, class))| (*row, (rank, class.as_deref()))).collect();
        let expected = self.expected(&known)?;
        let (answers, batch) = (self.answers_given() as f64, self.settings.batch.max(held.len()) as f64);
        let prediction = |row: &Option<usize>| {
            let place = row.and_then(|row| places.get(&row));
            let guess = row.and_then(|row| expected.get(&row));
            let guessed = guess.map(|(class, _)| class.as_str());
            match place {
                Some((rank, class)) => Prediction::new(*rank as f64 / batch - answers, class.or(guessed)),
                None => {
                    let confidence = guess.map_or(1.0, |(_, share)| f64::from(*share));
                    Prediction::new(1.0 + confidence - answers, guessed)
                }
            }
        };
        Ok(rows.iter().map(prediction).collect())
    }

    fn answers_given(&self) -> usize {
        self.state.answers.values().flatten().filter(|one| one.annotator != POOL).count()
    }

    /// The row of a task, if it is one of this session.
    fn row_of(&self, task: &Value) -> Option<usize> {
        let (row, session) = origin(task)?;
        let (RowName::Number(row) | RowName::Both(row, _)) = row else { return None };
        let ours = session.is_none_or(|session| session == self.name) && row < self.pool.rows();
        ours.then_some(row)
    }

    /// Rows in anybody's hand in the order of asking, with who has them and the class that was predicted.
    fn held(&self) -> Vec<(usize, String, Option<String>)> {
        let held = self.state.in_hand(self.clock.now());
        held.map(|one| {
            let class = one.pick.predicted.as_ref().map(|(class, _)| class.clone());
            (one.pick.row as usize, one.annotator.clone(), class)
        })
        .collect()
    }

    /// Asks for rows until a batch of these is in hand, and gives back what is none of these.
    fn fill_up(&mut self, known: &HashSet<usize>) -> Result<()> {
        let before = self.held();
        let open = known.iter().filter(|&&row| !self.state.answers.contains_key(&(row as u32))).count();
        let there = before.iter().filter(|(row, ..)| known.contains(row)).count();
        let missing = open.min(self.settings.batch).saturating_sub(there);
        if missing == 0 {
            return Ok(());
        }
        let mine = before.iter().filter(|(_, annotator, _)| annotator == ASKER).count();
        let asking = self.ask_as(ASKER, (mine + missing).min(MAX_BATCH))?;
        let old: HashSet<usize> = before.iter().map(|(row, ..)| *row).collect();
        let asked = asking.rows.iter().map(|one| one.row);
        let foreign: Vec<usize> = asked.filter(|row| !old.contains(row) && !known.contains(row)).collect();
        if !foreign.is_empty() {
            self.release(Some(&foreign))?;
        }
        Ok(())
    }

    /// The class of these rows and its probability; nothing before there are labels of two classes.
    fn expected(&mut self, known: &HashSet<usize>) -> Result<HashMap<usize, (String, f32)>> {
        let (consensus, key) = (self.consensus(), self.key());
        if known.is_empty() || enough(&consensus, self).is_err() {
            return Ok(HashMap::new());
        }
        let rows: Vec<u32> = known.iter().map(|&row| row as u32).collect();
        let found = self.network(&consensus)?;
        self.keep_found()?;
        let Self { settings, pool, classifier, .. } = self;
        let classifier = current(classifier, &consensus, found, pool, settings.think, key)?;
        let shares = classifier.probabilities(pool.inputs.view(), Some(&rows));
        let of = |(at, row): (usize, &u32)| {
            let shares = shares.row(at);
            let class = crate::data::argmax(shares);
            (*row as usize, (consensus.classes[class].clone(), shares[class]))
        };
        Ok(rows.iter().enumerate().map(of).collect())
    }

    /// Rows that have a label as tasks with an annotation.
    ///
    /// # Errors
    /// A damaged journal or pool.
    pub fn label_studio_labels(&mut self) -> Result<Value> {
        self.expect_classes("tasks of Label Studio")?;
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
///
/// # Errors
/// [`SessionError::Field`] for a row that has no text, which would leave as an empty task.
pub(super) fn with_contents(session: &Session, asking: &Asking) -> Result<Vec<(Asked, Content)>> {
    let with_content = |asked: &Asked| {
        let content = session.content(asked.row)?;
        shown(asked.row, &content)?;
        Ok((asked.clone(), content))
    };
    asking.rows.iter().map(with_content).collect()
}

/// Refuses what has nothing to show.
fn shown(row: usize, content: &Content) -> Result<(), SessionError> {
    if !content.fields.is_empty() {
        return Ok(());
    }
    let found = if content.picture { "a picture" } else { "numbers alone" };
    Err(SessionError::Field {
        place: format!("row {row}"),
        found: found.to_string(),
        expected: "text or columns that a task can show; label this pool with `querist session serve`"
            .to_string(),
    })
}

/// The answers of an exported file.
pub(super) fn read(path: &Path, file: &str) -> Result<Vec<Answer>> {
    let text = input::read_text(path, MAX_FILE_BYTES)?;
    let export = serde_json::from_str(&text)
        .map_err(|error| SessionError::NoJson { path: path.to_path_buf(), problem: error.to_string() })?;
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
        data.insert(ID.to_string(), json!(id));
    }
    data
}

/// Rows as tasks to import, in the order of asking.
fn tasks(session: &str, answers: usize, rows: &[(Asked, Content)]) -> Value {
    let task = |(rank, (asked, content)): (usize, &(Asked, Content))| {
        let data = data(session, asked.row, asked.id.as_ref(), content);
        let class = asked.predicted.as_ref().map(|(class, _)| class.as_str());
        let score = rank as f64 / rows.len() as f64 - answers as f64;
        json!({ "data": data, "predictions": [Prediction::new(score, class)] })
    };
    Value::Array(rows.iter().enumerate().map(task).collect())
}

/// The answers of an export, JSON or JSON_MIN.
///
/// A cancelled annotation is an abstention; a task without annotations, or an annotation without a choice, is not
/// answered. Of several annotations of one annotator to a task the newest counts, wherever it stands: some exports have
/// it first.
///
/// # Errors
/// [`SessionError::Field`] with the task's position for what is no such export, a task without its row, a result that
/// is no choice, or several choices in one annotation.
pub fn answers(export: &Value, file: &str) -> Result<Vec<Answer>, SessionError> {
    let Some(tasks) = export.as_array() else {
        return Err(wrong(file, export, "a list of tasks, as Label Studio exports it"));
    };
    let mut answers = Vec::new();
    for (at, task) in tasks.iter().enumerate() {
        answers.extend(answers_of(task, &format!("{file}, task {at}"))?);
    }
    Ok(newest_of_each(answers))
}

fn wrong(place: &str, found: &Value, expected: &str) -> SessionError {
    SessionError::Field {
        place: place.to_string(),
        found: crate::error::shorten(&found.to_string()).into_owned(),
        expected: expected.to_string(),
    }
}

/// The answers to one task, with their age.
fn answers_of(task: &Value, place: &str) -> Result<Vec<(Answer, Age)>, SessionError> {
    let (row, session) = origin(task).ok_or_else(|| {
        let found = task.get("data").unwrap_or(task);
        wrong(place, found, "a task of this program, with its `querist_row`")
    })?;
    let annotations = match task.get("annotations") {
        Some(all) => all.as_array().ok_or_else(|| wrong(place, all, "a list of annotations"))?.as_slice(),
        // JSON_MIN: the task is its annotation.
        None => std::slice::from_ref(task),
    };
    let mut answers = Vec::new();
    for annotation in annotations {
        if !annotation.is_object() {
            return Err(wrong(place, annotation, "an annotation"));
        }
        let said = verdict(annotation).map_err(|(found, expected)| wrong(place, &found, expected))?;
        if let Some(verdict) = said {
            let (annotator, session) = (annotator(annotation), session.clone());
            let answer = Answer { row: row.clone(), verdict, annotator, session, place: place.to_string() };
            answers.push((answer, age(annotation)));
        }
    }
    Ok(answers)
}

/// When an annotation was made: its last change, else its number.
fn age(annotation: &Value) -> Age {
    let id = annotation.get("annotation_id").or_else(|| annotation.get("id"));
    let changed = annotation.get("updated_at").and_then(Value::as_str);
    Age::of(changed.unwrap_or_default(), id.and_then(Value::as_u64))
}

/// The row of a task, by its number and what the pool calls it, and its session.
pub fn origin(task: &Value) -> Option<(RowName, Option<String>)> {
    let within = |key| task.get("data").unwrap_or(task).get(key);
    let text = |key| within(key).and_then(Value::as_str).map(str::to_string);
    let row = usize::try_from(within(ROW)?.as_u64()?).ok()?;
    let row = match text(ID) {
        Some(id) => RowName::Both(row, id),
        None => RowName::Number(row),
    };
    Some((row, text(SESSION)))
}

/// What an annotation says; nothing where there is no choice in it.
fn verdict(annotation: &Value) -> Result<Option<Verdict>, (Value, &'static str)> {
    if annotation.get("was_cancelled").and_then(Value::as_bool) == Some(true) {
        return Ok(Some(Verdict::Abstained));
    }
    let mut choices: Vec<Value> = Vec::new();
    match (annotation.get("result"), annotation.get(FROM)) {
        (Some(result), _) => {
            let regions = result.as_array().ok_or_else(|| (result.clone(), "a list of results"))?;
            choices = chosen(regions)?;
        }
        (None, Some(Value::Object(several))) => {
            choices.extend(several.get("choices").and_then(Value::as_array).into_iter().flatten().cloned());
        }
        (None, Some(one)) if !one.is_null() => choices.push(one.clone()),
        _ => {}
    }
    match &choices[..] {
        [] => Ok(None),
        [Value::String(class)] => Ok(Some(Verdict::Label(class.clone()))),
        [other] => Err((other.clone(), "a class in words")),
        _ => Err((Value::Array(choices), "one class for a row")),
    }
}

/// The choices of the control called `label`. What other controls say is left out, unless it would be the only class that
/// the annotation names: then the project is not one for this program.
fn chosen(regions: &[Value]) -> Result<Vec<Value>, (Value, &'static str)> {
    let kind = |region: &Value| region.get("type").and_then(Value::as_str).unwrap_or("choices").to_string();
    let ours = |region: &&Value| region.get("from_name").is_none_or(|name| name == FROM);
    let mut choices = Vec::new();
    for region in regions.iter().filter(ours) {
        let value = region.pointer("/value/choices").and_then(Value::as_array);
        let value = value.filter(|_| kind(region) == "choices");
        choices
            .extend(value.ok_or_else(|| (region.clone(), "a result of the type `choices`"))?.iter().cloned());
    }
    let other = |region: &&Value| !ours(region) && !CLASSLESS.contains(&kind(region).as_str());
    match regions.iter().find(other) {
        Some(region) if !regions.iter().any(|region| ours(&region)) => {
            Err((region.clone(), "a result of the `choices` called `label`"))
        }
        _ => Ok(choices),
    }
}

/// The name of the user with this number, the same in all formats.
pub(super) fn user(id: impl std::fmt::Display) -> String {
    format!("user {id}")
}

/// Who made an annotation: the number of the user, which every export has, so that a person is the same in all of them.
fn annotator(annotation: &Value) -> String {
    let who = annotation.get("completed_by").or_else(|| annotation.get("annotator"));
    match who {
        Some(Value::String(name)) => name.clone(),
        Some(Value::Object(of)) => match (of.get("id"), of.get("email").and_then(Value::as_str)) {
            (Some(id), _) => user(id),
            (None, Some(email)) => email.to_string(),
            (None, None) => "label-studio".to_string(),
        },
        Some(Value::Number(id)) => user(id),
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
            predicted: predicted.map(|(class, share)| (class.to_string(), Some(share))),
            until: None,
        };
        (asked, Content { id: None, fields: vec![("text".into(), "so <b>good</b>".into())], picture: false })
    }

    #[test]
    fn tasks_carry_their_row_and_the_order_of_asking() {
        let tasks = tasks("abc", 0, &[asked(7, Some(("pos", 0.6))), asked(3, None)]);
        assert_eq!(
            tasks[0]["data"],
            json!({"item": "so <b>good</b>", "querist_row": 7, "querist_session": "abc", "querist_id": "doc7"})
        );
        assert_eq!(tasks[0]["predictions"][0]["score"], 0.0);
        assert_eq!(tasks[0]["predictions"][0]["result"][0]["value"]["choices"], json!(["pos"]));
        assert_eq!(tasks[1]["predictions"][0]["score"], 0.5, "the next one is asked later");
        assert_eq!(tasks[1]["predictions"][0]["result"], json!([]));
        assert_eq!(origin(&tasks[0]), Some((RowName::Both(7, "doc7".to_string()), Some("abc".to_string()))));
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
                (row(7), "neg", "user 2"),
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
    fn the_newest_annotation_of_one_person_counts_wherever_it_stands() {
        // As Label Studio 1.23.2 exports it: the newest first.
        let line = |id: usize, label: &str, at: &str| json!({"querist_row": 22, "id": 7, "label": label, "annotator": 1, "annotation_id": id, "updated_at": at});
        let (new, old) =
            (line(8, "praise", "2026-11-29T15:16:44.366389Z"), line(7, "blame", "2026-11-29T15:16:44Z"));
        for export in [json!([new, old]), json!([old, new])] {
            let found = answers(&export, "x.json").unwrap();
            assert_eq!((found.len(), found[0].verdict.text()), (1, "praise"));
        }
    }

    #[test]
    fn results_of_other_controls_are_ignored_beside_a_choice_and_refused_in_its_place() {
        let of = |result: Value| answers(&json!([task(1, json!([{"id": 1, "result": result}]))]), "x.json");
        let label = json!({"from_name": "label", "type": "choices", "value": {"choices": ["a"]}});
        let spans = json!({"from_name": "spans", "type": "labels", "value": {"labels": ["a"]}});
        let comment = json!({"from_name": "why", "type": "textarea", "value": {"text": ["a"]}});
        assert_eq!(of(json!([label, spans])).unwrap().len(), 1);
        assert_eq!(of(json!([comment])).unwrap(), []);
        for refused in [
            json!([spans]),
            json!([{"from_name": "label", "type": "labels", "value": {"labels": ["a"]}}]),
            json!([{"from_name": "label", "type": "taxonomy", "value": {"taxonomy": [["a"]]}}]),
        ] {
            assert!(of(refused).unwrap_err().to_string().starts_with("x.json, task 0: "));
        }
    }

    #[test]
    fn what_is_no_task_of_this_program_is_refused() {
        for one in [json!(1), json!("x"), json!(null), json!({}), json!({"data": {}, "annotations": []})] {
            let error = answers(&json!([one]), "x.json").unwrap_err().to_string();
            assert!(error.starts_with("x.json, task 0: "), "{error}");
        }
    }

    #[test]
    fn what_has_nothing_to_show_is_no_task() {
        let empty = Content { id: None, fields: Vec::new(), picture: true };
        assert!(shown(3, &empty).unwrap_err().to_string().starts_with("row 3: \"a picture\""));
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
