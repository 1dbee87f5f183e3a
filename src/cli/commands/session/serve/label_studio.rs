//! The calls of Label Studio to a machine-learning back end (its `label-studio-ml` protocol).
//!
//! `/health` and `/setup` come before every prediction. `/setup` carries a user's token: its body is never read.
//! `/predict` ranks the tasks that it is handed; a webhook brings every answer as it is given.

use super::answer::{Answered, json_of, nowhere, value_of};
use super::guard::{self, Guard};
use super::shared::Shared;
use crate::session::label_studio::{MODEL_VERSION, answers};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{StatusCode, header};
use axum::middleware;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use serde_json::{Value, json};
use std::sync::Arc;

/// Bytes of a call, at most: a batch of tasks with their texts.
const MAX_BODY: usize = 64 << 20;

pub(super) fn routes(shared: Shared, guard: Guard) -> Router {
    Router::new()
        .route("/health", get(health))
        .route("/", get(health))
        .route("/setup", post(setup))
        .route("/versions", get(versions))
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
    // Label Studio waits for three seconds: nothing is fitted here.
    let answers = shared.call(|session| session.label_studio_answers()).await?;
    json_of(&json!({ "model_version": format!("{MODEL_VERSION} {answers}") }))
}

async fn versions() -> Answered {
    json_of(&json!({ "versions": [MODEL_VERSION] }))
}

async fn predict(State(shared): State<Shared>, body: Bytes) -> Answered {
    let call: Value = value_of(&body)?;
    let tasks = call.get("tasks").and_then(Value::as_array).cloned().unwrap_or_default();
    let predictions = shared.call(move |session| session.label_studio_predictions(&tasks)).await?;
    json_of(&json!({ "results": predictions }))
}

async fn webhook(State(shared): State<Shared>, body: Bytes) -> Answered {
    let event: Value = value_of(&body)?;
    let action = event.get("action").and_then(Value::as_str).unwrap_or_default();
    if matches!(action, "ANNOTATION_CREATED" | "ANNOTATION_UPDATED" | "ANNOTATIONS_CREATED") {
        let given = answers(&annotated(&event), "the webhook").map_err(crate::error::Error::from)?;
        shared.call(move |session| session.tell(&given)).await?;
    }
    // Label Studio reads every answer as JSON.
    Ok((StatusCode::CREATED, [(header::CONTENT_TYPE, "application/json")], "{}").into_response())
}

/// The tasks of an event with their annotations, as an export has them. Of annotations that were made in bulk, `task` and
/// `annotation` are lists of one length.
fn annotated(event: &Value) -> Value {
    let list = |key: &str| match event.get(key) {
        Some(Value::Array(all)) => all.clone(),
        one => vec![one.cloned().unwrap_or_default()],
    };
    let (tasks, annotations) = (list("task"), list("annotation"));
    let task_of = |at: usize| tasks.get(at).and_then(|task| task.get("data")).cloned().unwrap_or_default();
    let annotated = annotations.into_iter().enumerate();
    annotated.map(|(at, one)| json!({ "data": task_of(at), "annotations": [one] })).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn annotations_made_in_bulk_belong_to_their_tasks() {
        let one = |class: &str| {
            json!({"id": 1, "completed_by": 1, "result":
            [{"from_name": "label", "type": "choices", "value": {"choices": [class]}}]})
        };
        let event = json!({"action": "ANNOTATIONS_CREATED", "annotation": [one("a"), one("b")],
            "task": [{"data": {"querist_row": 4}}, {"data": {"querist_row": 2}}]});
        let given = answers(&annotated(&event), "the webhook").unwrap();
        let texts: Vec<&str> = given.iter().map(|one| one.verdict.text()).collect();
        assert_eq!(texts, ["a", "b"]);
    }
}
