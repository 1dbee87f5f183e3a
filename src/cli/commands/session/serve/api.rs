//! What the page calls, all of it JSON: what the session is, rows to label, answers, how far it is, the map.

use super::answer::{Answered, Refusal, json_of, nowhere, value_of};
use super::shared::Shared;
use crate::episode::stop::Reason;
use crate::error::Result;
use crate::session::{Answer, Asked, Counts, Session, Verdict};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use serde::{Deserialize, Serialize};

/// Rows that the map draws, at most.
const MAP_ROWS: usize = 2_000;

pub(super) fn routes(shared: Shared) -> Router {
    Router::new()
        .route("/session", get(session))
        .route("/ask", post(ask))
        .route("/tell", post(tell))
        .route("/status", get(status))
        .route("/map", get(map))
        .route("/place/{row}", get(place))
        .route("/picture/{row}", get(picture))
        .fallback(nowhere)
        .with_state(shared)
}

/// What a session is.
#[derive(Serialize)]
struct Described {
    session: String,
    pool: String,
    /// What is collected, and what stands between the labels of a set.
    task: &'static str,
    separator: String,
    /// Whether further classes may appear.
    fixed: bool,
    batch: usize,
    budget: Option<usize>,
    counts: Counts,
}

async fn session(State(shared): State<Shared>) -> Answered {
    let described = shared.call(|session| {
        let counts = session.counts()?;
        let settings = session.settings();
        Ok(Described {
            session: session.name().to_string(),
            pool: settings.pool.clone(),
            task: settings.task.task(),
            separator: settings.separator().to_string(),
            fixed: !settings.classes.is_empty(),
            batch: settings.batch,
            budget: settings.budget,
            counts,
        })
    });
    json_of(&described.await?)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Ask {
    annotator: String,
    count: usize,
}

#[derive(Serialize)]
struct AskedRows {
    rows: Vec<AskedRow>,
    note: Option<String>,
}

#[derive(Serialize)]
struct AskedRow {
    #[serde(flatten)]
    asked: Asked,
    content: Shown,
}

#[derive(Serialize)]
struct Shown {
    fields: Vec<(String, String)>,
    picture: bool,
}

async fn ask(State(shared): State<Shared>, body: Bytes) -> Answered {
    let Ask { annotator, count } = value_of(&body)?;
    let rows = shared.call(move |session| {
        let asking = session.ask_as(&annotator, count)?;
        let shown = |asked: Asked| {
            let content = session.content(asked.row)?;
            Ok(AskedRow { asked, content: Shown { fields: content.fields, picture: content.picture } })
        };
        let rows = asking.rows.into_iter().map(shown).collect::<Result<Vec<_>>>()?;
        Ok(AskedRows { rows, note: asking.note })
    });
    json_of(&rows.await?)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tell {
    answers: Vec<Told>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Told {
    row: usize,
    annotator: String,
    /// A class, a number, or a set of labels.
    class: Option<String>,
    verdict: Kind,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Class,
    Abstained,
    Unanswerable,
}

impl Told {
    fn answer(self, at: usize) -> Result<Answer, Refusal> {
        let verdict = match (self.verdict, self.class) {
            (Kind::Class, Some(class)) => Verdict::Label(class),
            (Kind::Abstained, None) => Verdict::Abstained,
            (Kind::Unanswerable, None) => Verdict::Unanswerable,
            _ => {
                let message = format!("answer {at}: a class stands with the verdict `class` alone");
                return Err(Refusal::new(StatusCode::BAD_REQUEST, message));
            }
        };
        let mut answer = Answer::new(self.row, "");
        answer.annotator = self.annotator;
        answer.verdict = verdict;
        answer.place = format!("answer {at}");
        Ok(answer)
    }
}

#[derive(Serialize)]
struct Taken {
    new: usize,
    revised: usize,
    repeated: usize,
    counts: Counts,
}

async fn tell(State(shared): State<Shared>, body: Bytes) -> Answered {
    let Tell { answers } = value_of(&body)?;
    let answers =
        answers.into_iter().enumerate().map(|(at, told)| told.answer(at)).collect::<Result<Vec<_>, _>>()?;
    let taken = shared.call(move |session| {
        let taken = session.tell(&answers)?;
        let counts = session.counts()?;
        Ok(Taken { new: taken.new, revised: taken.revised, repeated: taken.repeated, counts })
    });
    json_of(&taken.await?)
}

#[derive(Serialize)]
struct LearningCurve {
    lines: Vec<String>,
    /// Labels, accuracy, and the two ends of its interval.
    learning_curve: Vec<(usize, f64, f64, f64)>,
    /// Rows with a class, and the class by its number.
    labels: Vec<(usize, usize)>,
}

async fn status(State(shared): State<Shared>) -> Answered {
    json_of(&shared.call(learning_curve).await?)
}

fn learning_curve(session: &mut Session) -> Result<LearningCurve> {
    let status = session.status()?;
    let mut lines: Vec<String> = status.to_string().lines().take(1).map(str::to_string).collect();
    let advice = |reason: &Reason| format!("Advice to stop, {}: {}", reason.rule, reason.saw);
    lines.extend(status.stop.reasons.iter().map(advice));
    if status.annotators.len() > 1 {
        lines.extend(status.annotators.iter().map(|one| {
            let right = one.accuracy.map_or(String::new(), |share| format!(", {:.0} % right", 100.0 * share));
            format!("{}: {} answers, {} abstentions{right}", one.annotator, one.answers, one.abstained)
        }));
    }
    if status.drift {
        lines.push(
            "The last answers were as predicted far less often than expected: something has changed"
                .to_string(),
        );
    }
    Ok(LearningCurve { lines, learning_curve: status.learning_curve(), labels: session.labelled()? })
}

#[derive(Serialize)]
struct Map {
    rows: Vec<usize>,
    x: Vec<f32>,
    y: Vec<f32>,
}

async fn map(State(shared): State<Shared>) -> Answered {
    let map = shared.with_map(|map| {
        let rows = map.sample(MAP_ROWS);
        let along =
            |axis: usize| rows.iter().filter_map(|&row| map.place(row)).map(|place| place[axis]).collect();
        Map { x: along(0), y: along(1), rows }
    });
    json_of(&map.await?)
}

async fn place(State(shared): State<Shared>, Path(row): Path<usize>) -> Answered {
    match shared.with_map(move |map| map.place(row)).await? {
        Some(place) => json_of(&place),
        None => Err(Refusal::new(StatusCode::NOT_FOUND, format!("row {row}: the pool has none"))),
    }
}

async fn picture(State(shared): State<Shared>, Path(row): Path<usize>) -> Answered {
    match shared.call(move |session| session.picture(row)).await? {
        Some((bytes, kind)) => Ok(([(header::CONTENT_TYPE, kind)], bytes).into_response()),
        None => Err(Refusal::new(StatusCode::NOT_FOUND, format!("row {row}: there is no picture of it"))),
    }
}
