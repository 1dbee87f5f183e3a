//! The calls of Label Studio to a machine-learning back end (its `label-studio-ml` protocol).
//!
//! `/health` and `/setup` come before every prediction. `/setup` carries a user's token: its body is never read.
//! `/predict` ranks the tasks that it is handed; a webhook brings every answer as it is given.

use super::answer::{Answered, json_of, nowhere, value_of};
use super::guard::{self, Guard};
use super::shared::Shared;
use crate::error::Result;
use crate::session::label_studio::{Prediction, answers, origin};
use crate::session::{MAX_BATCH, Session};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::middleware;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;

/// Bytes of a call, at most: a batch of tasks with their texts.
const MAX_BODY: usize = 64 << 20;
/// In whose name rows are asked.
const ANNOTATOR: &str = "label-studio";

pub(super) fn routes(shared: Shared, guard: Guard) -> Router {
    Router::new()
        .route("/health", get(health))
        .route("/", get(health))
        .route("/setup", post(setup))
        .route("/predict", post(predict))
        .route("/webhook", post(webhook))
        .fallback(nowhere)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(middleware::from_fn_with_state(Arc::new(guard), guard::check))
        .with_state(shared)
}

async fn health() -> Answered {
    json_of(&json!({ "status": "UP", "model_class": "Querist" }))
}

async fn setup(State(shared): State<Shared>) -> Answered {
    let version = shared.call(|session| Ok(format!("querist {}", session.status()?.by))).await?;
    json_of(&json!({ "model_version": version }))
}

async fn predict(State(shared): State<Shared>, body: Bytes) -> Answered {
    let call: Value = value_of(&body)?;
    let tasks = call.get("tasks").and_then(Value::as_array).cloned().unwrap_or_default();
    let predictions = shared.call(move |session| rank(session, &tasks)).await?;
    json_of(&json!({ "results": predictions }))
}

/// Tasks in the order of asking: those that would be asked now come first, all others after them.
fn rank(session: &mut Session, tasks: &[Value]) -> Result<Vec<Prediction>> {
    let name = session.name().to_string();
    let rows: Vec<Option<usize>> = tasks
        .iter()
        .map(|task| {
            origin(task).filter(|(_, of)| of.as_ref().is_none_or(|of| *of == name)).map(|(row, _)| row)
        })
        .collect();
    let count = tasks.len().clamp(1, MAX_BATCH).min(session.settings().batch);
    let asking = session.ask_as(ANNOTATOR, count)?;
    let place: HashMap<usize, usize> =
        asking.rows.iter().enumerate().map(|(rank, one)| (one.row, rank)).collect();
    let by = asking.rows.first().map_or(ANNOTATOR, |one| one.by.as_str());
    let prediction = |row: &Option<usize>| {
        let rank = row.and_then(|row| place.get(&row).copied());
        let class =
            rank.and_then(|rank| asking.rows[rank].predicted.as_ref()).map(|(class, _)| class.as_str());
        Prediction::new(by, rank.unwrap_or(count), count + 1, class)
    };
    Ok(rows.iter().map(prediction).collect())
}

async fn webhook(State(shared): State<Shared>, body: Bytes) -> Answered {
    let event: Value = value_of(&body)?;
    let action = event.get("action").and_then(Value::as_str).unwrap_or_default();
    if matches!(action, "ANNOTATION_CREATED" | "ANNOTATION_UPDATED") {
        let annotation = event.get("annotation").cloned().unwrap_or_default();
        let data = event.pointer("/task/data").cloned().unwrap_or_default();
        let task = json!({ "data": data, "annotations": [annotation] });
        let given = answers(&json!([task]), "the webhook").map_err(crate::error::Error::from)?;
        shared.call(move |session| session.tell(&given)).await?;
    }
    Ok(StatusCode::CREATED.into_response())
}
