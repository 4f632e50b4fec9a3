//! `/_emulator/…`: for tests and people. It is not part of AEP.
//!
//! It is off by default. It takes no credentials, and neither the journal nor the dial sees its
//! requests.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::dial::{ActiveRule, read_rules};
use crate::journal::JournalEntry;
use crate::shared::{Shared, lock};
use crate::store::Store;

/// The routes of the control API.
pub(crate) fn router() -> Router<Arc<Shared>> {
    Router::new()
        .route("/_emulator/health", get(health))
        .route("/_emulator/state", get(state).delete(clear_state))
        .route("/_emulator/journal", get(journal).delete(clear_journal))
        .route(
            "/_emulator/faults",
            get(faults).post(add_faults).delete(clear_faults),
        )
        .route("/_emulator/faults/{id}", delete(remove_fault))
        .route("/_emulator/tokens/revoke", post(revoke_tokens))
}

async fn health() -> Json<Value> {
    Json(json!({"status": "ok"}))
}

async fn state(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json(shared.snapshot())
}

async fn clear_state(State(shared): State<Arc<Shared>>) -> StatusCode {
    shared.change(Store::clear);
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
struct Since {
    #[serde(default)]
    since: u64,
}

async fn journal(
    State(shared): State<Arc<Shared>>,
    Query(since): Query<Since>,
) -> Json<Vec<JournalEntry>> {
    Json(lock(&shared.journal).since(since.since))
}

async fn clear_journal(State(shared): State<Arc<Shared>>) -> StatusCode {
    lock(&shared.journal).clear();
    StatusCode::NO_CONTENT
}

async fn faults(State(shared): State<Arc<Shared>>) -> Json<Vec<ActiveRule>> {
    Json(lock(&shared.dial).rules())
}

async fn add_faults(State(shared): State<Arc<Shared>>, text: String) -> Response {
    match read_rules(&text) {
        Ok(rules) => {
            let mut dial = lock(&shared.dial);
            let ids: Vec<u64> = rules.into_iter().map(|rule| dial.add(rule)).collect();
            (StatusCode::CREATED, Json(json!({"ids": ids}))).into_response()
        }
        Err(error) => {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            let message = format!("{error}: {}", cause.unwrap_or_default());
            (StatusCode::BAD_REQUEST, Json(json!({"error": message}))).into_response()
        }
    }
}

async fn clear_faults(State(shared): State<Arc<Shared>>) -> StatusCode {
    lock(&shared.dial).clear();
    StatusCode::NO_CONTENT
}

async fn remove_fault(State(shared): State<Arc<Shared>>, Path(id): Path<u64>) -> StatusCode {
    if lock(&shared.dial).remove(id) {
        StatusCode::NO_CONTENT
    } else {
        StatusCode::NOT_FOUND
    }
}

async fn revoke_tokens(State(shared): State<Arc<Shared>>) -> StatusCode {
    shared.change(Store::revoke_tokens);
    StatusCode::NO_CONTENT
}
